"""Differences of all pairs together: the more pairs, the surer each must be."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from polysms.report.arms import Terms
from polysms.report.chances import holm, quantile
from polysms.report.logrank import LogRank
from polysms.report.strata import Difference


@attrs.frozen(kw_only=True)
class Contrast:
    """The share of the first account less that of the second, adjusted for strata.

    ``low`` and ``high`` hold for this pair alone, ``low_of_all`` and ``high_of_all`` for every
    pair at once; ``chance`` is the p-value, ``adjusted`` the same after Holm. ``shown``: the
    adjusted value is small enough *and* the interval of this pair leaves out 0.
    """

    difference: float
    standard_error: float
    low: float
    high: float
    low_of_all: float
    high_of_all: float
    chance: float
    adjusted: float
    shown: bool


@attrs.frozen(kw_only=True)
class Sooner:
    """Whether one account's messages arrive sooner; ``excess`` > 0: the first one's.

    What never arrives counts as latest of all, so this is of speed and of delivery together.
    """

    excess: float
    chi_square: float
    chance: float
    adjusted: float
    shown: bool


def each(terms: Terms, number: int) -> float:
    """Return the false alarms allowed to each of so many pairs, for intervals that hold at once."""
    return terms.alpha / max(number, 1)


def contrasts(every: Sequence[Difference | None], terms: Terms) -> list[Contrast | None]:
    """Return the differences of all pairs, corrected for their number."""
    known = [one for one in every if one is not None]
    adjusted = iter(holm([one.chance for one in known]))
    z_of_all = quantile(1 - each(terms, len(known)))
    return [
        None if one is None else _contrast(one, next(adjusted), z_of_all, terms) for one in every
    ]


def _contrast(one: Difference, adjusted: float, z_of_all: float, terms: Terms) -> Contrast:
    low, high = one.interval(terms.z)
    low_of_all, high_of_all = one.interval(z_of_all)
    return Contrast(
        difference=one.difference,
        standard_error=one.standard_error,
        low=low,
        high=high,
        low_of_all=low_of_all,
        high_of_all=high_of_all,
        chance=one.chance,
        adjusted=adjusted,
        shown=adjusted <= terms.alpha and (low > 0 or high < 0),
    )


def sooner(tests: Sequence[tuple[LogRank, float] | None], terms: Terms) -> list[Sooner | None]:
    """Return whose messages arrive sooner, for all pairs; with each test its p-value."""
    adjusted = iter(holm([test[1] for test in tests if test is not None]))
    return [None if test is None else _sooner(*test, next(adjusted), terms) for test in tests]


def _sooner(test: LogRank, chance: float, adjusted: float, terms: Terms) -> Sooner:
    return Sooner(
        excess=test.excess,
        chi_square=test.chi_square,
        chance=chance,
        adjusted=adjusted,
        shown=adjusted <= terms.alpha,
    )
