"""Figures as people say them."""

from __future__ import annotations

from collections.abc import Sequence

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


def percent(share: float) -> str:
    """Return a share: ``94.1 %``."""
    return f"{100 * share:.1f} %"


def points(difference: float) -> str:
    """Return a difference of shares, with its sign: ``+3.1``."""
    # Adding nothing makes of -0.0 a 0.0.
    return f"{round(100 * difference, 1) + 0.0:+.1f}"


def duration(seconds: float) -> str:
    """Return a time to about two figures: ``0.25 s``, ``42 s``, ``3.5 min``, ``2 h``, ``3 d``."""
    for unit, name in _UNITS:
        if seconds >= 2 * unit:
            return f"{_short(seconds / unit)} {name}"
    return f"{_short(seconds)} s"


def _short(value: float) -> str:
    digits = 2 if value < 1 else 1 if value < 10 else 0
    told = f"{value:.{digits}f}"
    return told.rstrip("0").rstrip(".") if digits else told


def number(count: float) -> str:
    """Return a whole number: ``3,400``."""
    return f"{count:,.0f}"


def about(count: int) -> str:
    """Return a number to two figures: 3,412 is ``about 3,400``."""
    scale = 10 ** max(0, len(str(count)) - 2)
    return f"about {number(round(count / scale) * scale)}"


def chance(value: float) -> str:
    """Return a p-value: ``p = 0.03``, ``p < 0.001``."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.2g}"


def texts(count: int) -> str:
    """Return so many texts: ``1 text``, ``3,400 texts``."""
    return counted(count, "text")


def counted(count: int, noun: str) -> str:
    """Return so many of something: ``1 day``, ``28 days``."""
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence has them: ``a, b and c``."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
