"""Chances: normal and chi-square tails, Holm's correction, Wilson's interval, in closed forms.

No table and no package: the normal distribution is Python's own, and a chi-square tail with whole
degrees of freedom is a finite sum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

_NORMAL = NormalDist()


def quantile(level: float) -> float:
    """Return how many standard errors an interval of this level reaches: 0.95 -> 1.96."""
    return _NORMAL.inv_cdf((1 + level) / 2)


def upper(chance: float) -> float:
    """Return the point above which a normal value lies with this chance: 0.2 -> 0.84."""
    return -_NORMAL.inv_cdf(chance)


def chi_square_tail(value: float, freedom: int) -> float:
    """Return the chance of at least this value from a chi-square with whole degrees of freedom.

    The finite sums of Abramowitz and Stegun (1964), 26.4.4 and 26.4.5; in logarithms, so that many
    degrees of freedom do not overflow.
    """
    if value <= 0 or freedom <= 0:
        return 1.0
    half = value / 2
    first, start = (0.0, 0.0) if freedom % 2 == 0 else (math.erfc(math.sqrt(half)), 0.5)
    terms = (
        math.exp((start + step) * math.log(half) - half - math.lgamma(start + step + 1))
        for step in range(freedom // 2)
    )
    return min(1.0, math.fsum((first, *terms)))


def holm(chances: Sequence[float]) -> tuple[float, ...]:
    """Return p-values corrected for their number, in their order (Holm, 1979).

    Calling a difference shown where the corrected value is at most 0.05 raises a false alarm among
    all of them in at most one of twenty reports.
    """
    adjusted = [1.0] * len(chances)
    worst = 0.0
    for done, place in enumerate(sorted(range(len(chances)), key=chances.__getitem__)):
        worst = max(worst, (len(chances) - done) * chances[place])
        adjusted[place] = min(1.0, worst)
    return tuple(adjusted)


def wilson(share: float, number: float, z: float) -> tuple[float, float]:
    """Return the score interval of a share of a number of messages (Wilson, 1927)."""
    if number <= 0:
        return 0.0, 1.0
    shrink = 1 + z * z / number
    middle = (share + z * z / (2 * number)) / shrink
    reach = z / shrink * math.sqrt(share * (1 - share) / number + z * z / (4 * number * number))
    # Where none or all were, the interval ends there, whatever rounding says.
    low = 0.0 if share <= 0 else max(0.0, middle - reach)
    return low, 1.0 if share >= 1 else min(1.0, middle + reach)
