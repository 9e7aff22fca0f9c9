"""What ``polysms simulate`` shows: the plan, how sure the report is by which day, and its words."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from rich.table import Table

from polysms.cli.output import Output, columns, plainly
from polysms.report.words import counted, duration, number, percent, points, texts
from polysms.simulation import Outcome, PairOutcome, Plan, Stage
from polysms.simulation.outcome import HALF, MOST

_WIDTH = 80
#: Every day of the first week is shown, then the end of each.
_WEEK = 7
#: More lines than these are no table that anyone reads: then fewer weeks are shown.
_LINES = 12
_EXPLAINED = (
    "once: who looks on that day alone, settled beforehand. Daily: who looks every day and stops "
    "at the first difference that shows. Always: the same, by the interval that holds for any "
    "number of looks. Wrong: the report names the worse one, or one of two that are alike."
)


def show(outcome: Outcome, output: Output) -> None:
    """Print what came of all plays."""
    plan = outcome.plan
    output.say(
        f"Played {counted(plan.plays, 'time')}: {counted(plan.days, 'day')} of "
        f"{texts(plan.per_day)}. Nothing was sent."
    )
    output.say("")
    output.table(_accounts(plan))
    best = outcome.foremost
    output.say("")
    output.table(_stages(best, plan))
    output.say("")
    _folded(_EXPLAINED, output)
    output.say("")
    for paragraph in (*_said(best, plan), *_others(outcome), *_in_words(outcome)):
        _folded(paragraph, output)


def _folded(paragraph: str, output: Output) -> None:
    for line in textwrap.wrap(plainly(paragraph), _WIDTH, break_on_hyphens=False):
        output.say(line)


def _accounts(plan: Plan) -> Table:
    right = ("given", "delivers", "half within", "price", "a delivered one costs")
    table = columns("account", *right, right=right)
    for name, arm in plan.arms.items():
        share = plan.delivered(name)
        taken = 1 - arm.refuses
        each = f"{arm.price * taken / share:.4g} {plan.currency}" if share and arm.price else ""
        table.add_row(
            plainly(name),
            percent(plan.parts[name]),
            percent(share),
            duration(arm.delay),
            f"{arm.price:g}" if arm.price else "",
            each,
        )
    return table


def _stages(pair: PairOutcome, plan: Plan) -> Table:
    table = columns(
        *("day", "texts", "interval", "once", "wrong", "daily", "wrong", "always", "wrong"),
        f"cost, {plan.currency}",
    )
    for column in table.columns:
        column.justify = "right"
    for stage in _told(pair.stages):
        table.add_row(
            str(stage.day),
            number(stage.texts),
            f"± {100 * stage.width:.1f}",
            *(_share(value) for value in _shares(stage)),
            f"{stage.cost:,.2f}",
        )
    return table


def _shares(stage: Stage) -> Iterator[float]:
    yield from (stage.shown, stage.wrong)
    yield from (stage.ever_shown, stage.ever_wrong)
    yield from (stage.always_shown, stage.always_wrong)


def _share(value: float) -> str:
    return f"{100 * value:.0f} %" if value == 0 or value >= 0.1 else f"{100 * value:.1f} %"


def _told(stages: tuple[Stage, ...]) -> Iterator[Stage]:
    """Yield the days of the first week, then ends of weeks, and the last day."""
    last = stages[-1].day
    step = _WEEK * max(1, -(-(last - _WEEK) // (_WEEK * (_LINES - _WEEK))))
    for stage in stages:
        if stage.day <= _WEEK or (stage.day - _WEEK) % step == 0 or stage.day == last:
            yield stage


def _said(pair: PairOutcome, plan: Plan) -> Iterator[str]:
    names = f"{pair.first} less {pair.second}"
    needed = number(max(pair.needed_first, pair.needed_second))
    each = f"{needed} texts each"
    if pair.needed_first != pair.needed_second:
        each = f"{number(pair.needed_first)} and {number(pair.needed_second)} texts"
    time = f"{each}, {_days(pair.needed_days)}"
    last = pair.stages[-1]
    if not pair.difference:
        yield (
            f"{names}: there is no difference. One of {points(plan.margin)[1:]} points would take "
            f"{time} by the formula, to be shown with a chance of {plan.power:.0%}. One look is "
            f"wrong in {percent(last.wrong)} of the plays, who looks daily in "
            f"{percent(last.ever_wrong)}."
        )
        return
    yield (
        f"{names}: {points(pair.difference)} points. By the formula it takes {time}, to show it "
        f"with a chance of {plan.power:.0%}; in the plays that was so {_by(pair, plan.power)}."
    )
    yield (
        f"Looked at every day by the interval that always holds, half of the plays showed it "
        f"{_by(pair, HALF, 'always_shown')}, nine in ten {_by(pair, MOST, 'always_shown')}; "
        f"{percent(last.always_wrong)} of them named the wrong one."
    )
    yield from _naive(last, plan)


def _naive(last: Stage, plan: Plan) -> Iterator[str]:
    if plan.failover and any(arm.refuses for arm in plan.arms.values()):
        yield (
            f"The usual comparison, which counts what failover handed on, would be wrong in "
            f"{percent(last.naive_wrong)} of the plays on day {last.day}."
        )


def _days(days: float) -> str:
    return f"{days:.1f} days" if days < 10 else f"{number(days)} days"


def _by(pair: PairOutcome, share: float, kind: str = "shown") -> str:
    day = pair.day(share, kind)
    return f"not within {counted(pair.stages[-1].day, 'day')}" if day is None else f"by day {day}"


def _others(outcome: Outcome) -> Iterator[str]:
    for pair in outcome.pairs:
        if pair is not outcome.foremost:
            yield (
                f"{pair.first} less {pair.second}: {points(pair.difference)} points, shown at one "
                f"look in half of the plays {_by(pair, HALF)}, in nine of ten {_by(pair, MOST)}."
            )


def _in_words(outcome: Outcome) -> Iterator[str]:
    pair = outcome.foremost
    yield f"Which one's texts arrive sooner is shown in nine of ten {_by(pair, MOST, 'sooner')}."
    verdict = outcome.verdicts[outcome.pairs.index(pair)]
    yield f"The report of the first play on day {pair.stages[-1].day} begins: {verdict[0]}"
