"""Figures as the page writes them: tiny ones do not become 0, and nearly all is not all."""

from __future__ import annotations

import math

from polysms.report.shares import Estimate
from polysms.report.words import duration, percent

#: What stands where there is no figure.
NONE = "\u2013"


def share(value: float) -> str:
    """Return a share: ``94.1 %``, and ``0.0012 %`` or ``99.9988 %`` where it is so near an end."""
    near = min(value, 1 - value)
    if near <= 0 or near >= 0.0005:
        return percent(value)
    if near < 1e-8:
        return "below 0.000001 %" if value < 0.5 else "above 99.999999 %"
    digits = 1 - math.floor(math.log10(100 * near))
    return f"{100 * value:.{digits}f} %"


def interval(low: float, high: float) -> str:
    """Return an interval of a share: ``93.0 to 95.0 %``."""
    return f"{share(low).removesuffix(' %')} to {share(high)}"


def estimated(found: Estimate) -> str:
    """Return a share and its interval: ``94.1 % (93.0 to 95.0 %)``."""
    return f"{share(found.share)} ({interval(found.low, found.high)})"


def points(*differences: float) -> tuple[str, ...]:
    """Return differences of shares in points, alike: ``+3.1``; in more digits if one is tiny."""
    least = min((abs(100 * one) for one in differences if one), default=1.0)
    digits = min(3, max(1, -math.floor(math.log10(2 * least))))
    return tuple(f"{round(100 * one, digits) + 0.0:+.{digits}f}" for one in differences)


def money(value: float) -> str:
    """Return an amount to four figures, without a power of ten as long as that can be read."""
    if value == 0 or not 1e-6 <= abs(value) < 1e12:
        return f"{value:.3g}"
    digits = max(0, 3 - math.floor(math.log10(abs(value))))
    told = f"{value:,.{digits}f}"
    return told.rstrip("0").rstrip(".") if digits else told


def seconds(value: float | None) -> str:
    """Return a time, or that there is none."""
    return NONE if value is None else duration(value)


def tick(value: float, step: float) -> str:
    """Return a mark of an axis, with as many digits as tell it from the next."""
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    # 2.5 is a step of one digit more than its size says.
    digits += round(step * 10**digits, 6) % 1 > 0
    return f"{value + 0.0:,.{digits}f}" if digits <= 8 else f"{value:.4g}"
