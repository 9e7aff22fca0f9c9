"""The same messages, the same faults, five senders, one after the other: what the phones get.

``python tests/campaigns/side_by_side.py --sends 1000 --seed 7``. Prints a table; judges nobody.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from functools import partial
from itertools import pairwise
from pathlib import Path

import attrs
import httpx

if __name__ == "__main__":
    #: Beside what is installed, and after it: the library under test is the installed one.
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from polysms import Client, MaybeSent, Message, NotSent
from tests.campaigns import naive
from tests.campaigns.crowd import in_threads
from tests.campaigns.lottery import SCALE, TIMEOUTS, tables
from tests.campaigns.phone import recipient, text
from tests.campaigns.proxy import Arrival, Weather
from tests.campaigns.town import Town, town

#: Threads that send: few, so that the times are the provider's and not those of our own crowd.
THREADS = 10


class Word(StrEnum):
    """What the caller of one send is told."""

    SENT = "sent"
    FAILED = "failed"
    UNSURE = "may have been sent"


Send = Callable[[str, str], Word]
Sender = Callable[[Mapping[str, str]], AbstractContextManager[Send]]


@attrs.frozen(kw_only=True)
class Row:
    """What one sender came to.

    ``seconds_to_second`` has a figure for each message that two providers were asked for.
    """

    name: str
    seconds: float
    words: Mapping[int, Word]
    copies: Mapping[int, int]
    seconds_to_second: Sequence[float]

    def having(self, least: int, most: int = 10**9) -> int:
        """Return how many messages have so many copies."""
        return sum(least <= self.copies.get(number, 0) <= most for number in self.words)

    def told(self, word: Word, *, arrived: bool) -> int:
        """Return of how many messages this was told, of those that arrived or did not."""
        return sum(
            told is word and bool(self.copies.get(number)) is arrived
            for number, told in self.words.items()
        )


@contextlib.contextmanager
def by_polysms(urls: Mapping[str, str], policy: str) -> Iterator[Send]:
    """polysms, sync, with one client for all."""
    with Client(tables(urls, policy)) as sms:

        def send(to: str, content: str) -> Word:
            try:
                sms.send(Message(to, content), via=f"from {next(iter(urls))}")
            except MaybeSent:
                return Word.UNSURE
            except NotSent:
                return Word.FAILED
            return Word.SENT

        yield send


@contextlib.contextmanager
def by_loop(urls: Mapping[str, str]) -> Iterator[Send]:
    """The loop of thirty lines, with one httpx client for all."""
    timeout = httpx.Timeout(**TIMEOUTS)
    limits = httpx.Limits(max_connections=2 * THREADS)
    with httpx.Client(timeout=timeout, limits=limits, trust_env=False) as http:
        yield lambda to, content: _word(naive.send(http, urls, to, content) is not None)


def _word(sent: bool) -> Word:  # noqa: FBT001 - what the peer says
    return Word.SENT if sent else Word.FAILED


@contextlib.contextmanager
def _peer(urls: Mapping[str, str], name: str) -> Iterator[Send]:
    # Only the long form has the peers installed.
    from tests.campaigns import peers

    with getattr(peers, name)(urls) as send:

        def told(to: str, content: str) -> Word:
            # An error is how these tell a failure.
            try:
                return _word(send(to, content))
            except Exception:  # noqa: BLE001
                return Word.FAILED

        yield told


OURS: Mapping[str, Sender] = {
    "a loop: catch everything, next": by_loop,
    "polysms, stop": partial(by_polysms, policy="stop"),
    "polysms, next": partial(by_polysms, policy="next"),
}
ALL: Mapping[str, Sender] = {
    "Apprise 2.2.0, priorities": partial(_peer, name="by_apprise"),
    "wavix-python-sdk 1.1.1": partial(_peer, name="by_wavix"),
    **OURS,
}


def compare(
    place: Town, senders: Mapping[str, Sender], numbers: Sequence[int], seed: int
) -> list[Row]:
    """Let each sender send the same messages into the same weather."""
    return [_row(place, name, sender, numbers, seed) for name, sender in senders.items()]


def _row(place: Town, name: str, sender: Sender, numbers: Sequence[int], seed: int) -> Row:
    place.forget()
    # No restarts: they come by the clock, and would meet each sender elsewhere.
    place.weather(Weather(seed=seed, share=0.2))
    with sender(place.urls()) as send:
        began = time.monotonic()
        told = in_threads(numbers, lambda number: send(recipient(number), text(number)), THREADS)
        seconds = time.monotonic() - began
    place.calm()
    copies: Counter[int] = Counter(copy.number for copy in place.copies())
    return Row(
        name=name,
        seconds=seconds,
        words=dict(zip(numbers, told, strict=True)),
        copies=copies,
        seconds_to_second=_gaps(place.arrivals()[0]),
    )


def _gaps(arrivals: Iterable[Arrival]) -> list[float]:
    """Return the seconds from a message's first provider to its second, as the doors saw them."""
    first: dict[int, dict[str, float]] = defaultdict(dict)
    for arrival in arrivals:
        first[arrival.number].setdefault(arrival.provider, arrival.at)
    times = (sorted(seen.values())[:2] for seen in first.values())
    return [later - earlier for pair in times for earlier, later in pairwise(pair)]


_HEAD = (
    f"{'':31} {'copies received':>23}   {'told':>6} {'':>6} {'told':>6} {'':>7} {'unsure':>15}"
    f"   {'to the second':>15}"
)
_HEAD_2 = (
    f"{'':31} {'0':>5} {'1':>5} {'2':>5} {'3+':>5}   {'sent':>6} {'lost':>6} {'failed':>6} "
    f"{'arrived':>7} {'arrived':>7} {'not':>7}   {'median':>7} {'p95':>7}"
)


def show(rows: Iterable[Row]) -> None:
    """Print the table."""
    print(_HEAD, _HEAD_2, *map(_line, rows), sep="\n")


def _line(row: Row) -> str:
    words = Counter(row.words.values())
    figures = [
        *(f"{row.having(count, count):5}" for count in range(3)),
        f"{row.having(3):5}  ",
        f"{words[Word.SENT]:6}",
        f"{row.told(Word.SENT, arrived=False):6}",
        f"{words[Word.FAILED]:6}",
        f"{row.told(Word.FAILED, arrived=True):7}",
        f"{row.told(Word.UNSURE, arrived=True):7}",
        f"{row.told(Word.UNSURE, arrived=False):7}  ",
        *_times(row.seconds_to_second),
    ]
    return f"{row.name:31} {' '.join(figures)}"


def _times(seconds: Sequence[float]) -> list[str]:
    if len(seconds) < 2:
        return [f"{'-':>7}"] * 2
    cuts = statistics.quantiles(seconds, n=20)
    return [f"{statistics.median(seconds):5.3f} s", f"{cuts[-1]:5.3f} s"]


def run(senders: Mapping[str, Sender], sends: int, seed: int) -> None:
    """Compare and print."""
    print(
        f"{sends} messages, seed {seed}, 20 % of the requests meet a fault, "
        f"{THREADS} under way; times 1:{SCALE} (read {TIMEOUTS['read']} s)"
    )
    with town(seed) as place:
        show(compare(place, senders, range(sends), seed))


def main() -> None:
    """Compare everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sends", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=7)
    game = parser.parse_args()
    run(ALL, game.sends, game.seed)


if __name__ == "__main__":
    main()
