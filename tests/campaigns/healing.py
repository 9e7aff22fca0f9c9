"""Healing: how soon traffic comes back to a provider that is well again, and how it is tried.

``python tests/campaigns/healing.py``. Seconds are those of a time that is moved on, one at a time.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

if __name__ == "__main__":
    #: Beside what is installed, and after it: the library under test is the installed one.
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from polysms import Delivery
from tests.campaigns.crowd import CROWDS, Crowd, Time
from tests.campaigns.lottery import message, tables
from tests.campaigns.town import Town, town

#: Traffic is back within this many seconds after healing ...
LONGEST = 60
#: ... which is when nine of ten messages go there again.
BACK = 9
PER_SECOND = 10
#: An outage, in seconds; a longer one is followed by longer rests (up to 300 s).
OUTAGE = 20
CALLERS = 100
#: By then its breaker, opened at most a few times, is half open.
RESTED = 300
FIRST = "wavix"


@attrs.frozen(kw_only=True)
class Healing:
    """What became of one outage.

    ``back`` is the seconds until traffic was back, None for longer than asked; ``lost`` counts the
    messages that nobody took; ``asked`` is how many of a hundred callers at once asked the half
    open account, ``crowd`` how many of them at the same time.
    """

    client: str
    seed: int
    back: int | None
    lost: int
    asked: int
    crowd: int

    @property
    def kept(self) -> bool:
        """Whether every promise was kept."""
        return self.back is not None and not self.lost and self.crowd <= 1


def heal(place: Town, client: str, seed: int) -> Healing:
    """Let the first provider be out, and be well again; then let callers crowd at its probe."""
    place.forget()
    place.calm()
    at = Time()
    config = tables(place.urls(), "stop")
    with CROWDS[client](config, at.world(seed)) as crowd:
        place.shut(FIRST, shut=True)
        lost = sum(_wave(at, crowd)[1] for _ in range(OUTAGE))
        place.shut(FIRST, shut=False)
        back = None
        for second in range(1, LONGEST + 1):
            first, unsent = _wave(at, crowd)
            lost += unsent
            if first >= BACK:
                back = second
                break
        asked, most = _crowded(place, at, crowd)
    return Healing(client=client, seed=seed, back=back, lost=lost, asked=asked, crowd=most)


def _wave(at: Time, crowd: Crowd) -> tuple[int, int]:
    """Send the messages of one second; return how many the first took, and how many nobody did."""
    at.ahead += 1
    results = crowd.each(_send, range(PER_SECOND), PER_SECOND)
    taken = [one.account for one in results if isinstance(one, Delivery)]
    return taken.count(FIRST), len(results) - len(taken)


def _send(sms: Any, number: int) -> Any:
    return sms.send(message(number), via=f"from {FIRST}")


def _crowded(place: Town, at: Time, crowd: Crowd) -> tuple[int, int]:
    """Open the breaker again, and let a hundred callers come when it is half open.

    The provider now hears them and says nothing, so that a probe takes its time.
    """
    place.shut(FIRST, shut=True)
    _wave(at, crowd)
    place.shut(FIRST, shut=False)
    at.ahead += RESTED
    place.forget()
    place.door(FIRST, "hang, untaken")
    crowd.each(_send, range(CALLERS), CALLERS)
    place.calm()
    asked = sum(arrival.provider == FIRST for arrival in place.arrivals()[0])
    return asked, place.crowded(FIRST)


def measure(place: Town, seeds: int) -> Iterator[Healing]:
    """Yield what became of so many outages with either client."""
    for client in CROWDS:
        for seed in range(seeds):
            yield heal(place, client, seed)


def show(outages: list[Healing]) -> None:
    """Print the figures of one client."""
    backs = [one.back for one in outages if one.back is not None]
    middle = statistics.median(backs) if backs else None
    print(
        f"  {outages[0].client:6} {len(outages)} outages of {OUTAGE} s: back after {middle} s "
        f"(median), {max(backs, default=None)} s at most, {len(outages) - len(backs)} not within "
        f"{LONGEST} s; {sum(one.lost for one in outages)} messages that nobody took; of {CALLERS} "
        f"callers at a half open account {max(one.asked for one in outages)} asked it, "
        f"{max(one.crowd for one in outages)} at the same time"
    )


def run(place: Town, seeds: int) -> bool:
    """Measure and print; return whether every promise was kept."""
    outages = list(measure(place, seeds))
    by: Mapping[str, list[Healing]] = {
        client: [one for one in outages if one.client == client] for client in CROWDS
    }
    for some in by.values():
        show(some)
    return all(one.kept for one in outages)


def main() -> int:
    """Measure and print; return 1 if a promise was broken."""
    with town(seed=7) as place:
        return 0 if run(place, seeds=10) else 1


if __name__ == "__main__":
    sys.exit(main())
