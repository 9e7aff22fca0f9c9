"""Many plays of one plan: when the difference is shown, and how often the wrong one is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from polysms.report import compare
from polysms.report.contrasts import each
from polysms.report.planning import needed
from polysms.simulation.draws import Chance
from polysms.simulation.looking import Pair, Seen, looked, pairs_of
from polysms.simulation.plan import Plan
from polysms.simulation.pots import Play, Table

#: Shares of all plays whose day is told.
HALF, MOST = 0.5, 0.9
#: Sums of shares are not exact: what is so near is the same.
_SAME = 1e-12


@attrs.frozen(kw_only=True)
class Stage:
    """How plays stand after so many days, as shares of all plays.

    ``shown`` and ``wrong``: who looks on that day alone. ``ever_``: who looks every day and stops
    at the first difference shown. ``always_``: the same, by the interval for any number of looks.
    ``width``: the mean reach of the interval for one look, to either side.
    """

    day: int
    texts: float
    cost: float
    width: float
    shown: float
    wrong: float
    ever_shown: float
    ever_wrong: float
    always_shown: float
    always_wrong: float
    sooner: float
    naive_wrong: float


@attrs.frozen(kw_only=True)
class PairOutcome:
    """Two accounts over all plays.

    ``difference`` is the plan's. ``needed_first``, ``needed_second`` and ``needed_days`` are what
    the formula for two shares says it takes to show it with the plan's power; where there is no
    difference, one of the margin. The days are None where they never come.
    """

    first: str
    second: str
    difference: float
    needed_first: int
    needed_second: int
    needed_days: float
    stages: tuple[Stage, ...]

    def day(self, share: float, kind: str = "shown") -> int | None:
        """Return after how many days this share of the plays shows the difference."""
        return next((one.day for one in self.stages if getattr(one, kind) >= share), None)


@attrs.frozen(kw_only=True)
class Outcome:
    """What came of all plays: every two accounts, and what the report of the first play says."""

    plan: Plan
    pairs: tuple[PairOutcome, ...]
    verdicts: tuple[tuple[str, ...], ...]

    @property
    def foremost(self) -> PairOutcome:
        """The best account and the next best: what it takes to tell them apart decides."""
        best = sorted(self.plan.arms, key=self.plan.delivered, reverse=True)[:2]
        return next(pair for pair in self.pairs if {pair.first, pair.second} == set(best))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data that JSON can carry."""
        return {
            "plan": attrs.asdict(self.plan),
            "accounts": {name: self.plan.delivered(name) for name in self.plan.arms},
            "pairs": [_plain(pair) for pair in self.pairs],
            "first_play": [list(said) for said in self.verdicts],
        }


def _plain(pair: PairOutcome) -> dict[str, Any]:
    days = {
        f"{kind}_by": {str(share): pair.day(share, kind) for share in (HALF, MOST)}
        for kind in ("shown", "ever_shown", "always_shown", "sooner")
    }
    return {**attrs.asdict(pair), **days}


@attrs.frozen
class _Day:
    """What a play shows after a day, how many texts each account has had, and what was spent."""

    seen: Mapping[Pair, Seen]
    texts: Mapping[str, int]
    cost: float


def simulate(plan: Plan, chance: Chance) -> Outcome:
    """Play the plan as often as it says."""
    table = Table(plan)
    first = Play(chance, table)
    plays = [_days(table, first), *(_days(table, Play(chance, table)) for _ in _others(plan))]
    return Outcome(
        plan=plan,
        pairs=tuple(_outcome(plan, pair, plays) for pair in pairs_of(table)),
        verdicts=compare(first.cells(plan.terms.horizon), plan.terms).verdicts,
    )


def _others(plan: Plan) -> range:
    return range(plan.plays - 1)


def _days(table: Table, play: Play) -> list[_Day]:
    days = []
    for _ in range(table.plan.days):
        play.day()
        days.append(_Day(looked(table, play), play.texts, play.cost))
    return days


def _outcome(plan: Plan, pair: Pair, plays: Sequence[Sequence[_Day]]) -> PairOutcome:
    first, second = (plan.delivered(name) for name in pair)
    apart = first - second if abs(first - second) > _SAME else 0.0
    ratio = plan.parts[pair[1]] / plan.parts[pair[0]]
    wanted = needed(
        max(first, second),
        abs(apart) or plan.margin,
        ratio,
        alpha=each(plan.terms, math.comb(len(plan.arms), 2)),
        power=plan.power,
    )
    wanted *= plan.inflation
    return PairOutcome(
        first=pair[0],
        second=pair[1],
        difference=apart,
        needed_first=math.ceil(wanted),
        needed_second=math.ceil(wanted * ratio),
        needed_days=wanted / plan.parts[pair[0]] / plan.per_day,
        stages=tuple(_stages(pair, (apart > 0) - (apart < 0), plays)),
    )


def _stages(pair: Pair, truth: int, plays: Sequence[Sequence[_Day]]) -> Iterator[Stage]:
    ever, always = [0] * len(plays), [0] * len(plays)
    for number, days in enumerate(zip(*plays, strict=True), start=1):
        seen = [day.seen[pair] for day in days]
        ever = [said or one.once for said, one in zip(ever, seen, strict=True)]
        always = [said or one.always for said, one in zip(always, seen, strict=True)]
        shown, wrong = _right_and_wrong([one.once for one in seen], truth)
        ever_shown, ever_wrong = _right_and_wrong(ever, truth)
        always_shown, always_wrong = _right_and_wrong(always, truth)
        yield Stage(
            day=number,
            texts=_mean([sum(day.texts[name] for name in pair) for day in days]),
            cost=_mean([day.cost for day in days]),
            width=_mean([one.width for one in seen]),
            shown=shown,
            wrong=wrong,
            ever_shown=ever_shown,
            ever_wrong=ever_wrong,
            always_shown=always_shown,
            always_wrong=always_wrong,
            sooner=_mean([one.sooner != 0 for one in seen]),
            naive_wrong=_right_and_wrong([one.naive for one in seen], truth)[1],
        )


def _right_and_wrong(said: Sequence[int], truth: int) -> tuple[float, float]:
    """Return the shares that say what is true, and what is not; 0 says nothing."""
    return _mean([one != 0 and one == truth for one in said]), _mean(
        [one not in (0, truth) for one in said]
    )


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
