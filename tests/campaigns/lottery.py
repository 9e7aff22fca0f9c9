"""Wire lottery: a share of the sends meets a random fault, and nothing may be lost or doubled.

``python tests/campaigns/lottery.py --sends 2000 --seed 7 --policy stop`` (or ``next``). Three
accounts on one route, each behind a door that breaks; then the phones are asked. Ends with 1 if a
promise was broken.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs

if __name__ == "__main__":
    #: Beside what is installed, and after it: the library under test is the installed one.
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from polysms import AsyncClient, Client, Message
from polysms.delivery import Attempt, Delivery, Outcome
from tests.campaigns import checker
from tests.campaigns.checker import Finding, Told
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
#: Message numbers end here.
LAST = 10**6
#: Threads that look up.
LOOKING = 4
PATIENT: Mapping[str, float] = {"connect": 3.0, "read": 15.0}
#: Providers that can be asked for a message by its reference.
EXACT = ("wavix", "carrierx")


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
    """The messages told as maybe sent: how many a phone has, and what looking them up told.

    ``found`` of ``findable`` copies were found by their reference; ``imagined`` were found though
    no phone has them.
    """

    taken: int
    untaken: int
    findable: int
    found: int
    imagined: int


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
        """Whether every promise was kept, those about looking up and about afterwards too."""
        looked_up = self.maybe.found == self.maybe.findable and self.maybe.imagined == 0
        return not self.findings and looked_up and self.after == AFTER


def tables(
    urls: Mapping[str, str], policy: str, timeouts: Mapping[str, float] = TIMEOUTS
) -> dict[str, Any]:
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
        name: {**own[name], "sender": "+13135550100", "base_url": url, "timeouts": timeouts}
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


Results = dict[int, Delivery | BaseException]


def in_threads(
    numbers: Iterable[int], send: Callable[[int], Any], threads: int = CONCURRENCY
) -> dict[int, Any]:
    """Return what each call came to, made by so many threads."""

    def one(number: int) -> tuple[int, Any]:
        try:
            return number, send(number)
        except Exception as error:  # noqa: BLE001 - what it tells is what is examined
            return number, error

    with ThreadPoolExecutor(threads) as pool:
        return dict(pool.map(one, numbers))


def _sync(config: Mapping[str, Any], numbers: Sequence[int]) -> Results:
    with Client(config) as sms:
        return in_threads(numbers, lambda number: sms.send(message(number), via=via(number)))


def _async(config: Mapping[str, Any], numbers: Sequence[int]) -> Results:
    return asyncio.run(_in_tasks(config, numbers))


async def _in_tasks(config: Mapping[str, Any], numbers: Sequence[int]) -> Results:
    results: Results = {}
    waiting = iter(numbers)

    async def work(sms: AsyncClient) -> None:
        for number in waiting:
            try:
                results[number] = await sms.send(message(number), via=via(number))
            except Exception as error:  # noqa: BLE001 - what it tells is what is examined
                results[number] = error

    async with AsyncClient(config) as sms, asyncio.TaskGroup() as group:
        for _ in range(CONCURRENCY):
            group.create_task(work(sms))
    return results


SENDERS = {"sync": _sync, "async": _async}


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
    began = time.monotonic()
    results = SENDERS[game.client](tables(place.urls(), game.policy), numbers)
    seconds = time.monotonic() - began
    place.calm()
    arrivals, restarts = place.arrivals()
    tales = {number: checker.told(result) for number, result in results.items()}
    copies = place.copies()
    calm = tables(place.urls(), game.policy, PATIENT)
    return Round(
        sends=len(numbers),
        seconds=seconds,
        tales=tales,
        copies=copies,
        findings=checker.findings(numbers, tales, copies, MOST[game.policy]),
        met=Counter(arrival.fault for arrival in arrivals if arrival.fault),
        restarts=restarts,
        maybe=_resolved(calm, tales, copies),
        after=_after(calm, game),
    )


def _resolved(
    config: Mapping[str, Any], tales: Mapping[int, Told | None], copies: Sequence[Copy]
) -> Maybe:
    """Look for every attempt that is told as maybe sent, where it can be found for sure."""
    got = {copy.number for copy in copies}
    stamped = {copy.reference for copy in copies}
    unsure = {n: t for n, t in tales.items() if t and t.outcome is Outcome.MAYBE_SENT}
    attempts = [a for tale in unsure.values() for a in tale.attempts if _findable(a)]
    with Client(config) as sms:
        found = in_threads(
            range(len(attempts)), lambda index: _found(sms, attempts[index]), LOOKING
        )
    seen = {attempts[index].reference for index, is_there in found.items() if is_there is True}
    wanted = {attempt.reference for attempt in attempts} & stamped
    return Maybe(
        taken=len(unsure.keys() & got),
        untaken=len(unsure.keys() - got),
        findable=len(wanted),
        found=len(wanted & seen),
        imagined=len(seen - stamped),
    )


def _findable(attempt: Attempt) -> bool:
    return attempt.outcome is Outcome.MAYBE_SENT and attempt.provider in EXACT


def _found(sms: Client, attempt: Attempt) -> bool:
    return any(sms.list_remote(attempt.account, reference=attempt.reference))


def _after(config: Mapping[str, Any], game: Play) -> int:
    """Return how many messages are accepted when nothing breaks any more."""
    results = SENDERS[game.client](config, range(LAST - AFTER - 1, LAST - 1))
    return sum(isinstance(result, Delivery) for result in results.values())


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
    print(f" {total('found')} of {total('findable')} copies with an exact look-up found,", end="")
    print(f" {total('imagined')} imagined")


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def plays(arguments: Sequence[str] | None = None) -> Play:
    """Return the lottery that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sends", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--policy", choices=MOST, default="stop")
    parser.add_argument("--client", choices=SENDERS, default="async")
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
