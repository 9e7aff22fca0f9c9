"""How many messages it takes: before the first is sent, and before the first look is trusted."""

from __future__ import annotations

import math

from polysms.report.chances import quantile, upper


def needed(share: float, margin: float, ratio: float, *, alpha: float, power: float) -> float:
    """Return how many messages the first account needs to tell ``share`` from so much less.

    The second gets ``ratio`` times as many. Where there is a difference of ``margin``, it is shown
    with the chance ``power`` by a two-sided test at ``alpha`` (Fleiss, Levin and Paik, 2003, 4.14).
    """
    first, second = _pair(share, margin)
    middle = (first + ratio * second) / (1 + ratio)
    null = math.sqrt(middle * (1 - middle) * (1 + 1 / ratio))
    real = math.sqrt(first * (1 - first) + second * (1 - second) / ratio)
    return ((quantile(1 - alpha) * null + upper(1 - power) * real) / margin) ** 2


def _pair(share: float, margin: float) -> tuple[float, float]:
    """Return two shares so far apart, the first as near to the one given as 0 and 1 allow."""
    first = min(max(share, margin), 1.0)
    return first, first - margin


def detectable(
    share: float, first: float, second: float, *, alpha: float, power: float
) -> float | None:
    """Return the least difference that so many messages show with the chance ``power``."""
    if min(first, second) <= 0:
        return None
    ratio = second / first
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        if needed(share, middle, ratio, alpha=alpha, power=power) > first:
            low = middle
        else:
            high = middle
    return high if needed(share, high, ratio, alpha=alpha, power=power) <= first else None


def always(
    difference: float, standard_error: float, alpha: float, expected: float
) -> tuple[float, float]:
    """Return an interval that holds at every look at once, however often one looks.

    Robbins' mixture (1970) with normal differences of the size ``expected``, for estimates that
    are nearly normal (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, 2024). It is wider than an
    interval for a single look.
    """
    if standard_error <= 0:
        return -1.0, 1.0
    spread = standard_error**2
    growth = 1 + expected**2 / spread
    reach = spread / expected * math.sqrt(growth * math.log(growth / alpha**2))
    return max(-1.0, difference - reach), min(1.0, difference + reach)


def false_alarms(looks: int, alpha: float) -> float:
    """Return at most how often so many looks at equal accounts raise a false alarm, roughly.

    The figures of Armitage, McPherson and Rowe (1969) for equally spaced looks at 0.05; between
    them straight lines in the logarithm; other levels in proportion.
    """
    table = ((1, 0.05), (2, 0.083), (3, 0.107), (5, 0.142), (10, 0.193), (20, 0.248), (50, 0.320))
    looks = min(max(looks, 1), table[-1][0])
    place = next(place for place, row in enumerate(table) if looks <= row[0])
    (least, low), (most, high) = table[max(place - 1, 0)], table[place]
    part = math.log(looks / least) / math.log(most / least) if most > least else 0.0
    return min(1.0, (low + part * (high - low)) * alpha / 0.05)
