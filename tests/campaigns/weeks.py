"""Weeks of traffic in which a provider degrades: which strategy delivers more, and how much more.

``python tests/campaigns/weeks.py --weeks 200 --messages 20000 --picture docs/assets/best.svg``.
In each week one of three providers delivers much less from Wednesday noon to Saturday noon, and
says yes to every message all the same: no breaker opens. Time is virtual, chance is seeded, and
what chooses is the router's own :class:`~polysms.routing.drawing.Draw`.

*Regret* is the share of messages lost by not knowing, at every moment, which provider is best.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import attrs

if __name__ == "__main__":
    #: Beside what is installed, and after it: the library under test is the installed one.
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from polysms.config import Config
from polysms.message import Message
from polysms.routing.drawing import Draw
from polysms.routing.plan import Plan
from polysms.routing.standing import Matured, Standing
from polysms.routing.strategies import Candidate
from tests.campaigns.virtual import ACCOUNTS
from tests.campaigns.weeks_picture import picture

HOURS = 7 * 24
#: Which part of the messages each provider delivers on a good day, in the order of the route.
GOOD: Mapping[str, float] = {"wavix": 0.97, "carrierx": 0.955, "signalwire": 0.94}
#: How much less the degraded one of a week delivers, at least and at most.
WORSE = (0.05, 0.40)
#: From Wednesday noon to Saturday noon.
BEGINS, ENDS = 60, 132
#: Hours until a message counts: by then its report has come, or will not.
MATURES = 1
#: Hours that are learned from, and those of them that are the latest.
WINDOW, LATEST = 14 * 24, 24


@attrs.frozen
class Trouble:
    """The provider that degrades in a week, and what it delivers then."""

    account: str
    share: float


@attrs.define
class Result:
    """What a strategy delivered, by hour of the week, and the regret."""

    sent: list[int] = attrs.field(factory=lambda: [0] * HOURS)
    delivered: list[float] = attrs.field(factory=lambda: [0.0] * HOURS)
    regret: list[float] = attrs.field(factory=lambda: [0.0] * HOURS)

    @property
    def share(self) -> float:
        """The share of all messages that were delivered."""
        return sum(self.delivered) / sum(self.sent)

    @property
    def lost(self) -> float:
        """The regret, as a share of all messages."""
        return sum(self.regret) / sum(self.sent)


def shares(week: Trouble, hour: int) -> dict[str, float]:
    """Return what each provider delivers in an hour of a week."""
    found = dict(GOOD)
    if BEGINS <= hour < ENDS:
        found[week.account] = week.share
    return found


class Learner:
    """What reports have shown by now: hours of tallies, in a window that moves on."""

    def __init__(self) -> None:
        self._hours: list[dict[str, list[int]]] = []

    def count(self, hour: int, account: str, *, delivered: bool) -> None:
        """Count a message of an hour since the beginning."""
        while len(self._hours) <= hour:
            self._hours.append({name: [0, 0] for name in GOOD})
        tally = self._hours[hour][account]
        tally[0] += delivered
        tally[1] += 1

    def standing(self, hour: int) -> Standing:
        """Return how the accounts stand at the beginning of an hour."""
        return Standing(self._matured(hour, WINDOW), self._matured(hour, LATEST))

    def _matured(self, hour: int, window: int) -> list[Matured]:
        rows = self._hours[max(0, hour - window) : max(0, hour - MATURES)]
        return [
            Matured(
                account=name,
                kind="sms",
                sender_kind="number",
                delivered=sum(row[name][0] for row in rows),
                ended=sum(row[name][1] for row in rows),
            )
            for name in GOOD
        ]


class Best:
    """The strategy "best", by the router's own code."""

    def __init__(self) -> None:
        self._learner = Learner()
        self._standing = Standing()
        self._plan = plan(lambda: self._standing)
        self._candidates = [Candidate(name=name) for name in GOOD]

    def hour(self, hour: int) -> None:
        """Learn what is known as an hour begins."""
        self._standing = self._learner.standing(hour)

    def choose(self, number: int) -> str:
        """Return the account of a message."""
        draw = Draw(MESSAGE, self._plan, f"message-{number}")
        return draw.ordered(self._candidates, lambda _: SENDER)[0].name

    def tell(self, hour: int, account: str, *, delivered: bool) -> None:
        """Report what became of a message."""
        self._learner.count(hour, account, delivered=delivered)


MESSAGE = Message("+13135550123", "Your table is ready")
SENDER = "+13135550100"


def plan(standing: Callable[[], Standing]) -> Plan:
    """Return the plan of a route that asks the best of three."""
    route = {"accounts": list(GOOD), "strategy": "best", "seed": "weeks"}
    tables = {"accounts": ACCOUNTS, "routes": {"main": route}, "ledger": "sqlite:///unused.db"}
    config = Config.from_mapping(tables)
    accounts = tuple(config.account(name) for name in GOOD)
    return Plan(route=config.route("main"), accounts=accounts, name="main", standing=standing)


STRATEGIES = ("best", "failover", "round_robin")


def play(weeks: int, messages: int, seed: int = 2026) -> dict[str, Result]:
    """Return what each strategy delivers of so many messages in each of so many weeks."""
    chance = random.Random(seed)  # noqa: S311 - a campaign, not a secret
    results = {name: Result() for name in STRATEGIES}
    best = Best()
    for number in range(weeks):
        week = trouble(chance)
        for hour in range(HOURS):
            best.hour(number * HOURS + hour)
            truth = shares(week, hour)
            for message in of_hour(hour, messages):
                luck = chance.random()
                unique = number * messages + message
                chosen = {
                    "best": best.choose(unique),
                    "failover": next(iter(GOOD)),
                    "round_robin": list(GOOD)[unique % len(GOOD)],
                }
                for name, account in chosen.items():
                    note(results[name], hour, truth, account)
                arrived = luck < truth[chosen["best"]]
                best.tell(number * HOURS + hour, chosen["best"], delivered=arrived)
    return results


def trouble(chance: random.Random) -> Trouble:
    """Return which provider degrades in a week, and how far."""
    account = chance.choice(list(GOOD))
    return Trouble(account, GOOD[account] - chance.uniform(*WORSE))


def of_hour(hour: int, messages: int) -> Iterator[int]:
    """Yield the messages of an hour, of so many in a week."""
    return iter(range(hour * messages // HOURS, (hour + 1) * messages // HOURS))


def note(result: Result, hour: int, truth: Mapping[str, float], account: str) -> None:
    """Count a message as what it is worth on average, so that luck does not blur the figures."""
    result.sent[hour] += 1
    result.delivered[hour] += truth[account]
    result.regret[hour] += max(truth.values()) - truth[account]


def lines(results: Mapping[str, Result]) -> Sequence[str]:
    """Return the figures in lines."""
    return [
        f"  {name:12} delivered {result.share:.2%}, regret {result.lost:.2%}"
        for name, result in results.items()
    ]


def is_kept(results: Mapping[str, Result]) -> bool:
    """Whether "best" lost less than two thirds of what each of the others did."""
    best, *others = (results[name] for name in STRATEGIES)
    return all(best.lost < one.lost * 2 / 3 for one in others)


def run(weeks: int, messages: int) -> dict[str, Result]:
    """Play and print; return the results."""
    results = play(weeks, messages)
    print(f"{weeks} weeks of {messages} messages, one of three providers degrades in each")
    for line in lines(results):
        print(line)
    return results


def main() -> int:
    """Return 1 where "best" was not the best by far."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weeks", type=int, default=200)
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args()
    results = run(given.weeks, given.messages)
    if given.picture is not None:
        given.picture.write_text(picture(results, given.weeks, (BEGINS, ENDS)), encoding="utf-8")
    return 0 if is_kept(results) else 1


if __name__ == "__main__":
    sys.exit(main())
