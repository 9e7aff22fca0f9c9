"""Whose messages arrive sooner, over the whole time that was followed: the log-rank test."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import attrs

from polysms.report.chances import chi_square_tail
from polysms.report.curves import Moment

Moments = Sequence[Moment]


@attrs.frozen(kw_only=True)
class LogRank:
    """How many more the first delivered, at each moment, than if both were alike.

    ``excess`` is positive where the first account's messages arrive sooner.
    """

    excess: float
    variance: float

    @property
    def chi_square(self) -> float:
        """Of one degree of freedom."""
        return self.excess**2 / self.variance if self.variance > 0 else 0.0

    @property
    def chance(self) -> float:
        """The chance of so great an excess, either way, if both were alike."""
        return chi_square_tail(self.chi_square, 1)


def log_rank(strata: Iterable[tuple[Moments, Moments]], inflation: float = 1.0) -> LogRank:
    """Return the log-rank test (Mantel, 1966) of two accounts, added up over strata.

    The variance is multiplied by ``inflation``, for several messages to one recipient.
    """
    tests = [_one(first, second) for first, second in strata]
    return LogRank(
        excess=math.fsum(test[0] for test in tests),
        variance=math.fsum(test[1] for test in tests) * inflation,
    )


def _one(first: Moments, second: Moments) -> tuple[float, float]:
    merged: dict[float, list[int]] = {}
    for place, happened in enumerate((first, second)):
        for one in happened:
            row = merged.setdefault(one.seconds, [0, 0, 0, 0])
            row[place] += one.delivered
            row[place + 2] += one.delivered + one.ended
    n1, n2 = (sum(row[place] for row in merged.values()) for place in (2, 3))
    excess = variance = 0.0
    for seconds in sorted(merged):
        d1, d2, gone_1, gone_2 = merged[seconds]
        number, delivered = n1 + n2, d1 + d2
        if delivered:
            part = n1 / number
            excess += d1 - delivered * part
            if number > 1:
                left = (number - delivered) / (number - 1)
                variance += delivered * part * (1 - part) * left
        n1 -= gone_1
        n2 -= gone_2
    return excess, variance
