"""Whether there is enough to go by, and whether it was looked at too often."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from polysms.report.arms import Arm, Terms
from polysms.report.counts import Cell
from polysms.report.pairs import Pair, matched
from polysms.report.planning import false_alarms
from polysms.report.warning import Warned
from polysms.report.words import about, duration, listed, number, percent, texts

#: An account with fewer messages, or recipients on a sticky route, tells next to nothing.
_LEAST = 30


def readiness(
    cells: Sequence[Cell], arms: Sequence[Arm], pairs: Sequence[Pair], until: float, terms: Terms
) -> Iterator[Warned]:
    """Yield what there is too little of."""
    if len(arms) < 2:
        yield Warned(kind="one_account", sentence="There are not two accounts to be compared.")
    for arm in arms:
        yield from _few(arm)
    for pair in pairs:
        yield from _incomparable(pair, cells)
        yield from _margin(pair, terms)
    yield from _looks(terms)
    if until < terms.horizon:
        yield Warned(
            kind="short",
            sentence=f"Deliveries are compared within {duration(until)}: too few texts are old "
            f"enough to tell what happens between then and {duration(terms.horizon)}.",
            figures={"within": until, "horizon": terms.horizon},
        )


def _few(arm: Arm) -> Iterator[Warned]:
    groups = arm.counts.recipients
    count = arm.counts.assigned if groups is None else groups.number
    if count < _LEAST:
        what = "texts" if groups is None else "recipients"
        yield Warned(
            kind="too_few",
            sentence=f"{arm.account} was given {number(count)} {what}: too few to tell anything.",
            accounts=(arm.account,),
            figures={"count": count},
        )


def _incomparable(pair: Pair, cells: Sequence[Cell]) -> Iterator[Warned]:
    names = (pair.first, pair.second)
    mine = [cell for cell in cells if cell.account in names]
    both = [one for two in matched(*names, cells) if all(c.reports for c in two) for one in two]
    left = sum(cell.counts.assigned for cell in mine) - sum(one.counts.assigned for one in both)
    if left:
        strata = {cell.stratum for cell in mine} - {cell.stratum for cell in both}
        told = listed([str(stratum) for stratum in sorted(strata)])
        yield Warned(
            kind="left_out",
            sentence=f"{texts(left)} of {listed(names)} are left out of their comparison, because "
            f"only one of them has reports of such: {told}.",
            accounts=names,
            figures={"messages": left, "strata": told},
        )


def _margin(pair: Pair, terms: Terms) -> Iterator[Warned]:
    outlook = pair.outlook
    if outlook is None or not outlook.more_first or (pair.delivered and pair.delivered.shown):
        return
    yield Warned(
        kind="too_few_for_margin",
        sentence=f"To tell a difference of {percent(terms.margin)} between {pair.first} and "
        f"{pair.second} it takes {about(outlook.more_first)} more texts to {pair.first} and "
        f"{about(outlook.more_second)} to {pair.second}.",
        accounts=(pair.first, pair.second),
        figures={"more_first": outlook.more_first, "more_second": outlook.more_second},
    )


def _looks(terms: Terms) -> Iterator[Warned]:
    if terms.looks > 1:
        alarms = false_alarms(terms.looks, terms.alpha)
        yield Warned(
            kind="looks",
            sentence=f"This is look {terms.looks}. Who stops at the first difference that shows "
            f"is wrong in up to {percent(alarms)} of the cases where there is none, not in "
            f"{percent(terms.alpha)}. The interval for any number of looks holds all the same.",
            figures={"looks": terms.looks, "false_alarms": alarms},
        )
