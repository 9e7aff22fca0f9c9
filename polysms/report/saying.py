"""What a comparison concludes, in sentences."""

from __future__ import annotations

from polysms.report.arms import Arm, Terms
from polysms.report.contrasts import Contrast
from polysms.report.money import Spending
from polysms.report.pairs import Pair
from polysms.report.words import about, chance, duration, points

NO_DIFFERENCE = "no difference shown"


def verdict(pair: Pair, first: Arm, second: Arm, within: float, terms: Terms) -> tuple[str, ...]:
    """Return what is to be said of two accounts, the most important first."""
    if pair.delivered is None or pair.sooner is None or pair.arrived is None:
        return (f"{pair.first} and {pair.second} have no reported texts of one kind to compare.",)
    said = [_delivered(pair, pair.delivered, within, terms), _sooner(pair)]
    if not pair.delivered.shown:
        said.append(_more(pair, terms))
    if pair.confirmed is not None:
        said.append(_beside("Confirmed by your application", pair.confirmed, pair))
    said.append(_beside("Arrived in the end, by whichever account", pair.arrived, pair))
    return (*said, *_costs(first, second))


def _delivered(pair: Pair, found: Contrast, within: float, terms: Terms) -> str:
    facts = (
        f"{points(found.difference)} points, {terms.level:.0%} interval "
        f"{points(found.low)} to {points(found.high)}, {chance(found.adjusted)}"
    )
    if not found.shown:
        return (
            f"{pair.first} and {pair.second}: {NO_DIFFERENCE} in what is delivered within "
            f"{duration(within)} ({facts}). Every difference in the interval fits what was seen."
        )
    better, worse = (pair.first, pair.second)[:: 1 if found.difference > 0 else -1]
    return (
        f"{better} delivers more than {worse} within {duration(within)} "
        f"({pair.first} less {pair.second}: {facts})."
    )


def _sooner(pair: Pair) -> str:
    test = pair.sooner
    if test is None or not test.shown:
        return f"Which one's texts arrive sooner: {NO_DIFFERENCE}."
    return (
        f"More texts arrive sooner through {pair.first if test.excess > 0 else pair.second} "
        f"({chance(test.adjusted)}); what never arrives counts as latest of all."
    )


def _more(pair: Pair, terms: Terms) -> str:
    outlook = pair.outlook
    if outlook is None or not outlook.more_first:
        return f"There are enough texts to tell a difference of {_margin(terms)}."
    first, second = outlook.more_first, outlook.more_second
    each = f"{about(first)} more texts to {pair.first} and {about(second)} to {pair.second}"
    if 0.9 < first / second < 1.1:
        each = f"{about(max(first, second))} more texts each"
    told = f"It takes {each} to tell a difference of {_margin(terms)}."
    if outlook.detectable is None:
        return told
    return (
        f"{told} Those there are would have shown one of {points(outlook.detectable)[1:]} points."
    )


def _margin(terms: Terms) -> str:
    wide = f"{100 * terms.margin:.3g}"
    return f"{wide} point" if wide == "1" else f"{wide} points"


def _beside(what: str, found: Contrast, pair: Pair) -> str:
    facts = (
        f"{pair.first} less {pair.second} {points(found.difference)} points "
        f"({points(found.low)} to {points(found.high)})"
    )
    return f"{what}, so far: {facts}." if found.shown else f"{what}: {NO_DIFFERENCE}, {facts}."


def _costs(first: Arm, second: Arm) -> tuple[str, ...]:
    told = [(arm.account, spent) for arm in (first, second) for spent in arm.spending]
    known = [f"{_money(spent)} through {name}" for name, spent in told if spent.per_delivered]
    return (f"A delivered text cost {', '.join(known)}.",) if known else ()


def _money(spent: Spending) -> str:
    return f"{spent.per_delivered:.4g} {spent.currency} ({spent.low:.4g} to {spent.high:.4g})"
