"""How a comparison reads in a terminal: warnings that weigh first, what follows, the counts."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterator, Sequence

from rich.table import Table

from polysms.cli.output import Output, columns, plainly
from polysms.report import Arm, Counts, Estimate, Report, Warned
from polysms.report.words import counted, duration, number, percent, texts

_WIDTH = 80
#: More lines than these nobody reads; ``--json`` has them all.
_LINES = 40
#: What takes the ground from under a comparison stands before it; the rest stands after.
_GRAVE = frozenset(
    {
        *("observational", "sample_ratio", "not_randomised", "not_by_recipient"),
        *("canary", "all_delivered", "constant_delay", "no_reports"),
        *("one_account", "too_few", "looks"),
    }
)
#: What the verdict says already.
_SAID = frozenset({"too_few_for_margin"})


def show(report: Report, output: Output, *, by: Collection[str] = ()) -> None:
    """Print a comparison."""
    if not report.arms:
        by_chance = "" if report.terms.observational else " by chance"
        output.say(f"Nothing to compare: no such text was given to an account{by_chance}.")
        return
    _say(_about(report), output)
    for warned in report.warnings:
        if warned.kind in _GRAVE:
            _say(f"! {warned.sentence}", output, indent="  ")
    for sentences in report.verdicts:
        output.say("")
        for sentence in sentences:
            _say(sentence, output)
    for table in (_delivered(report), _ends(report.arms), *_refusals(report.arms)):
        output.say("")
        output.table(table)
    if by:
        _show_rows(report, output, by)
    _show_rest(report.warnings, output)


def _say(sentence: str, output: Output, indent: str = "") -> None:
    words = plainly(sentence)
    for line in textwrap.wrap(
        words, _WIDTH, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    ):
        output.say(line)


def _about(report: Report) -> str:
    given = sum(arm.counts.assigned for arm in report.arms)
    how = "not by chance" if report.terms.observational else "by chance"
    return (
        f"{texts(given)}, given {how} to {counted(len(report.arms), 'account')}. Delivered counts "
        f"within {duration(report.within)}; intervals are of {report.terms.level:.0%}."
    )


def _show_rest(warnings: Sequence[Warned], output: Output) -> None:
    rest = [one for one in warnings if one.kind not in _GRAVE | _SAID]
    if rest:
        output.say("")
    for warned in rest:
        _say(f"- {warned.sentence}", output, indent="  ")


def _delivered(report: Report) -> Table:
    right = ("texts", "delivered", "interval", "half within", "90 %", "each delivered")
    table = columns("account", *right, right=right)
    for arm in report.arms:
        table.add_row(
            plainly(arm.account),
            number(arm.counts.assigned),
            *_estimate(arm.delivered),
            *(_time(arm, place) for place in (0, 1)),
            _cost(arm),
        )
    return table


def _estimate(found: Estimate | None) -> tuple[str, str]:
    if found is None:
        return "not reported", ""
    return percent(found.share), f"{100 * found.low:.1f}-{percent(found.high)}"


def _time(arm: Arm, place: int) -> str:
    seconds = arm.times[place].seconds if place < len(arm.times) else None
    return "never" if seconds is None else duration(seconds)


def _cost(arm: Arm) -> str:
    told = [one for one in arm.spending if one.per_delivered is not None]
    return ", ".join(f"{one.per_delivered:.4g} {one.currency}" for one in told)


def _ends(arms: Sequence[Arm]) -> Table:
    names = ("refused", "not sent", "undelivered", "unreported", "pending", "arrived", "confirmed")
    table = columns("account", *names, right=names)
    for arm in arms:
        counts = arm.counts
        table.add_row(
            plainly(arm.account),
            *(number(one) for one in _counts(counts)),
            percent(arm.arrived.share),
            percent(arm.confirmed.share) if counts.confirmed else "",
        )
    return table


def _counts(counts: Counts) -> Iterator[int]:
    yield sum(counts.refused.values())
    yield counts.not_sent
    yield counts.undelivered
    yield counts.unreported
    yield counts.pending


def _refusals(arms: Sequence[Arm]) -> Iterator[Table]:
    reasons = sorted({reason for arm in arms for reason in arm.counts.refused})
    if not reasons:
        return
    table = columns("refused for", *(plainly(arm.account) for arm in arms))
    for column in table.columns[1:]:
        column.justify = "right"
    for reason in reasons:
        table.add_row(reason, *(number(arm.counts.refused.get(reason, 0)) for arm in arms))
    yield table


def _show_rows(report: Report, output: Output, by: Collection[str]) -> None:
    right = ("texts", "delivered", "interval", "pending")
    table = columns(", ".join(by), "account", *right, right=right)
    rows = sorted(report.rows, key=lambda row: (row.stratum, row.account))
    for row in rows[:_LINES]:
        table.add_row(
            plainly(str(row.stratum)),
            plainly(row.account),
            number(row.counts.assigned),
            *_estimate(row.delivered),
            number(row.counts.pending),
        )
    output.say("")
    output.table(table)
    if len(rows) > _LINES:
        output.say(f"{counted(len(rows) - _LINES, 'line')} more; --json has them all.")
