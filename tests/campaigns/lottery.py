"""Wire lottery: a share of the sends meets a random fault, and nothing may be lost or doubled.

``python tests/campaigns/lottery.py --sends 2000 --seed 7 --policy stop`` (or ``next``). Three
accounts on one route, each behind a door that breaks; then the phones are asked. Ends with 1 if a
promise was broken.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

if __name__ == "__main__":
    #: Beside what is installed, and after it: the library under test is the installed one.
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from polysms import Delivery, MaybeSent, Message
from polysms.delivery import Evidence, Outcome, Status
from tests.campaigns import checker
from tests.campaigns.checker import Finding, Told
from tests.campaigns.crowd import CROWDS, Crowd, Time
from tests.campaigns.phone import Copy, recipient, refused, text
from tests.campaigns.proxy import Weather
from tests.campaigns.town import PROVIDERS, Town, town

#: Messages of one round. After each the messages are looked up and the town forgets them: a list of
#: the sandbox takes longer the more it holds.
ROUND = 500
#: Sends under way at the same time.
CONCURRENCY = 50
#: Times are this much shorter than an account's own (read 15 s).
SCALE = 30
TIMEOUTS: Mapping[str, float] = {"connect": 0.3, "write": 0.5, "read": 0.5, "pool": 5.0}
DEADLINE = 20.0
#: Copies that a policy may make.
MOST = {"stop": 1, "next": 2}
#: One message of so many goes to an invalid number.
REFUSED = 50
#: Messages sent in fair weather at the end.
AFTER = 20
#: So many of them must be accepted: a busy machine may be too slow for our short times.
ALIVE = 18
#: Those have the numbers before this one, which is no multiple of fifty: none of them is refused.
LAST = 999_940
#: Providers whose lists show our references.
EXACT = ("wavix", "carrierx")
#: Look-ups, and sends in fair weather, under way at the same time.
LOOKING = 4
#: Seconds (of a time that is moved on) after which nothing of a send can be under way, and from one
#: look to the next; and the looks, of which one more than two may fail.
SETTLED = 120.0
HORIZON = 60.0
LOOKS = 3


@attrs.frozen(kw_only=True)
class Play:
    """How a lottery is played."""

    sends: int = 2000
    seed: int = 7
    policy: str = "stop"
    client: str = "async"
    share: float = 0.2
    restarts: float = 2.0

    @property
    def weather(self) -> Weather:
        """The weather in which the messages are sent."""
        return Weather(seed=self.seed, share=self.share, restarts=self.restarts)


@attrs.frozen(kw_only=True)
class Maybe:
    """The messages told as maybe sent: how many a phone has, and how they were resolved.

    ``found`` and ``absent`` were proved accepted and not accepted, ``open`` are still unclear;
    ``overdue`` of those could have been resolved for sure; ``wrong`` were resolved against truth,
    ``mistaken`` too, but by likeness: the copy that was found is another message's.
    """

    taken: int
    untaken: int
    found: int
    absent: int
    open: int
    overdue: int
    wrong: int
    mistaken: int


@attrs.frozen(kw_only=True)
class Round:
    """What one round came to.

    ``met`` counts the faults; ``after`` is how many of the messages sent in fair weather, when the
    round was over, were accepted.
    """

    sends: int
    seconds: float
    tales: Mapping[int, Told | None]
    copies: Sequence[Copy]
    findings: Sequence[Finding]
    met: Mapping[str, int]
    restarts: int
    maybe: Maybe
    after: int

    @property
    def kept(self) -> bool:
        """Whether every promise was kept, those about resolving and about afterwards too."""
        maybe = self.maybe
        resolved = not (maybe.overdue or maybe.wrong or maybe.mistaken)
        return not self.findings and resolved and self.after >= ALIVE


def tables(urls: Mapping[str, str], policy: str) -> dict[str, Any]:
    """Return the configuration: three accounts, and for each a route that begins with it."""
    own: dict[str, dict[str, Any]] = {
        "wavix": {"api_key": "any"},
        "carrierx": {"token": "any"},
        "signalwire": {"space": "example", "project_id": "any", "api_token": "any"},
    }
    orders = [deque(urls) for _ in urls]
    for turn, order in enumerate(orders):
        order.rotate(-turn)
    accounts = {
        name: {**own[name], "sender": "+13135550100", "base_url": url, "timeouts": TIMEOUTS}
        for name, url in urls.items()
    }
    routes = {
        f"from {order[0]}": {"accounts": [*order], "on_maybe_sent": policy, "deadline": DEADLINE}
        for order in orders
    }
    return {"accounts": accounts, "routes": routes}


def message(number: int) -> Message:
    """Return the message of this number; one of fifty goes to a number that is refused."""
    to = refused(number) if number % REFUSED == REFUSED - 1 else recipient(number)
    return Message(to, text(number))


def via(number: int) -> str:
    """Return the route that a message takes: each provider is the first for a third of them."""
    return f"from {PROVIDERS[number % len(PROVIDERS)]}"


def send(sms: Any, number: int) -> Any:
    """Send one message by a client of either kind."""
    return sms.send(message(number), via=via(number))


def play(place: Town, game: Play) -> list[Round]:
    """Play a lottery, round by round."""
    starts = range(0, game.sends, ROUND)
    return [
        play_round(place, game, range(start, min(start + ROUND, game.sends))) for start in starts
    ]


def play_round(place: Town, game: Play, numbers: Sequence[int]) -> Round:
    """Send in bad weather, let it clear, and hold what was told against what the phones got."""
    place.forget()
    place.weather(game.weather)
    at = Time()
    with CROWDS[game.client](tables(place.urls(), game.policy), at.world(game.seed)) as crowd:
        began = time.monotonic()
        results = dict(zip(numbers, crowd.each(send, numbers, CONCURRENCY), strict=True))
        seconds = time.monotonic() - began
        place.calm()
        arrivals, restarts = place.arrivals()
        tales = {number: checker.told(result) for number, result in results.items()}
        copies = place.copies()
        _move_on(place, at, SETTLED)
        fair = crowd.each(send, range(LAST - AFTER, LAST), LOOKING)
        resolved = _resolved(place, at, crowd, _unsure(results))
    return Round(
        sends=len(numbers),
        seconds=seconds,
        tales=tales,
        copies=copies,
        findings=checker.findings(numbers, tales, copies, MOST[game.policy]),
        met=Counter(arrival.fault for arrival in arrivals if arrival.fault),
        restarts=restarts,
        maybe=_truth(resolved, copies),
        after=sum(isinstance(result, Delivery) for result in fair),
    )


def _unsure(results: Mapping[int, Any]) -> dict[int, Delivery]:
    errors = ((number, one) for number, one in results.items() if isinstance(one, MaybeSent))
    return {number: error.delivery for number, error in errors if error.delivery is not None}


def _move_on(place: Town, at: Time, seconds: float) -> None:
    place.later(seconds)
    at.ahead += seconds


def _resolved(
    place: Town, at: Time, crowd: Crowd, deliveries: Mapping[int, Delivery]
) -> dict[int, Delivery]:
    """Resolve what is unclear, as often as it takes to prove that a message is not there."""
    known = dict(deliveries)
    for _ in range(LOOKS):
        unsure = {n: one for n, one in known.items() if one.status is Status.MAYBE_SENT}
        looked = crowd.each(lambda sms, one: sms.resolve(one), unsure.values(), LOOKING)
        known |= {
            n: one for n, one in zip(unsure, looked, strict=True) if isinstance(one, Delivery)
        }
        _move_on(place, at, HORIZON)
    return known


def _truth(resolved: Mapping[int, Delivery], copies: Sequence[Copy]) -> Maybe:
    """Hold what resolving told against what the phones got."""
    ids: dict[int, set[str]] = {number: set() for number in resolved}
    for copy in copies:
        ids.setdefault(copy.number, set()).add(copy.provider_id)
    unclear = {n for n, one in resolved.items() if one.status is Status.MAYBE_SENT}
    absent = {n for n, one in resolved.items() if one.status is Status.NOT_SENT}
    found = resolved.keys() - unclear - absent
    others = {n for n in found if resolved[n].provider_id not in ids[n]}
    mistaken = {n for n in others if resolved[n].provider not in EXACT}
    denied = {n for n in absent if ids[n]}
    return Maybe(
        taken=sum(bool(ids[number]) for number in resolved),
        untaken=sum(not ids[number] for number in resolved),
        found=len(found),
        absent=len(absent),
        open=len(unclear),
        overdue=sum(_is_sure(resolved[n], has_copy=bool(ids[n])) for n in unclear),
        wrong=len(others - mistaken | denied),
        mistaken=len(mistaken),
    )


def _is_sure(delivery: Delivery, *, has_copy: bool) -> bool:
    """Whether looking up can tell for sure what became of a message.

    Not by a list without references, and not where a provider said yes and has nothing: that is
    never called absent.
    """
    open_ = [a for a in delivery.attempts if a.outcome is Outcome.MAYBE_SENT]
    said_yes = any(a.evidence is Evidence.ACCEPTED_WITHOUT_ID for a in open_)
    return all(a.lookup == "exact" for a in open_) and (has_copy or not said_yes)


def show(game: Play, rounds: Sequence[Round]) -> None:
    """Print a lottery."""
    seconds = sum(one.seconds for one in rounds)
    met: Counter[str] = sum((Counter(one.met) for one in rounds), Counter())
    tales = [tale for one in rounds for tale in one.tales.values()]
    attempts = Counter(str(a.evidence) for tale in tales if tale for a in tale.attempts)
    per_message = Counter(Counter(copy.number for one in rounds for copy in one.copies).values())
    print(
        f"{game.sends} sends, {game.client}, on_maybe_sent={game.policy}, seed {game.seed}, "
        f"{game.share:.0%} of the requests meet a fault, {CONCURRENCY} under way; "
        f"times 1:{SCALE} (read {TIMEOUTS['read']} s)"
    )
    print(f"  took {seconds:.1f} s, {game.sends / seconds:.0f} messages a second")
    print(f"  met {met.total()} faults of {len(met)} kinds", end="")
    print(f" and {sum(one.restarts for one in rounds)} restarts of a provider's gateway")
    print(f"  told     {_counted(Counter(str(t.outcome) if t else 'none' for t in tales))}")
    print(f"  attempts {_counted(attempts)}")
    print(f"  copies   {_counted({f'{n} each': m for n, m in per_message.items()})}")
    _show_maybe([one.maybe for one in rounds])
    print(f"  in fair weather {sum(one.after for one in rounds)} of {AFTER * len(rounds)} accepted")
    print("\n".join(checker.shown([finding for one in rounds for finding in one.findings])))


def _show_maybe(maybes: Sequence[Maybe]) -> None:
    def total(name: str) -> int:
        return sum(getattr(maybe, name) for maybe in maybes)

    print(f"  maybe sent: {total('taken')} had arrived, {total('untaken')} had not;", end="")
    print(f" resolved later: {total('found')} found, {total('absent')} proved absent,", end="")
    print(f" {total('open')} unclear for ever; {total('overdue')} overdue, {total('wrong')} wrong,")
    print(f"    {total('mistaken')} taken for another by a list without references")


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def plays(arguments: Sequence[str] | None = None) -> Play:
    """Return the lottery that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sends", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--policy", choices=MOST, default="stop")
    parser.add_argument("--client", choices=CROWDS, default="async")
    return Play(**vars(parser.parse_args(arguments)))


def main() -> int:
    """Play one lottery; return 1 if a promise was broken."""
    game = plays()
    with town(game.seed) as place:
        rounds = play(place, game)
    show(game, rounds)
    return 0 if all(one.kept for one in rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
