"""Rows of intervals above each other on one axis: a forest plot whose words wrap on a phone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from polysms.report.page.axes import Axis
from polysms.report.page.look import Look, described
from polysms.report.page.markup import Markup, joined, tag

#: On a phone there is room for so many letters below an axis.
_LETTERS = 32


@attrs.frozen(kw_only=True)
class Strip:
    """A row: its name, its figures in words, and its interval; ``wide`` is a wider one, drawn thin.

    ``middle`` is None where there is nothing to draw.
    """

    name: Markup
    title: str
    says: str
    look: Look
    middle: float | None = None
    low: float = 0.0
    high: float = 0.0
    wide: tuple[float, float] | None = None
    is_hollow: bool = False


def forest(
    rows: Sequence[Strip],
    axis: Axis,
    told: Callable[[float], str],
    *,
    zero: float | None = None,
    sides: tuple[str, str] | None = None,
) -> Markup:
    """Return rows on an axis whose ticks are ``told``; ``zero`` is a line that matters.

    ``sides`` say what lies to its left and right.
    """
    drawn = [_row(row, axis, zero) for row in rows]
    if sides:
        words = [tag("span", f"◀ {sides[0]}"), tag("span", f"{sides[1]} ▶")]
        drawn.append(tag("div", tag("p", *words, class_="sides"), class_="strip axis"))
    return tag("div", *drawn, _marks(axis, told), class_="forest")


def _row(row: Strip, axis: Axis, zero: float | None) -> Markup:
    inside = [*described(row.title, row.says), _grid(axis)]
    if zero is not None:
        inside.append(_line(axis.place(zero), "zero"))
    if row.middle is not None:
        inside.append(_interval(row, axis))
    picture = tag("svg", *inside, role="img", class_="band", height=34)
    return tag("div", tag("div", row.name, class_="who"), picture, _says(row.says), class_="strip")


def _says(words: str) -> Markup:
    """Return figures with the first of them strong: what comes after it is in parentheses."""
    first, found, rest = words.partition(" (")
    return tag("div", tag("strong", first), tag("span", f"{found}{rest}"), class_="says")


def _interval(row: Strip, axis: Axis) -> Markup:
    parts = []
    if row.wide is not None:
        parts.append(_bar(axis, *row.wide, "reach"))
    parts.append(_bar(axis, row.low, row.high, "range"))
    middle = row.look.mark(axis.place(row.middle or 0.0), "50%", is_hollow=row.is_hollow)
    return tag("g", *parts, middle, class_=row.look.ink)


def _bar(axis: Axis, low: float, high: float, kind: str) -> Markup:
    ends = {"x1": f"{axis.place(low):.2f}%", "x2": f"{axis.place(high):.2f}%"}
    return tag("line", class_=kind, y1="50%", y2="50%", **ends)


def _grid(axis: Axis) -> Markup:
    return joined(_line(axis.place(tick), "grid") for tick in axis.ticks)


def _line(place: float, kind: str) -> Markup:
    at = f"{place:.2f}%"
    return tag("line", class_=kind, x1=at, x2=at, y1="0", y2="100%")


def _marks(axis: Axis, told: Callable[[float], str]) -> Markup:
    words = [told(tick) for tick in axis.ticks]
    is_crowded = sum(len(one) for one in words) > _LETTERS
    marks = [
        tag(
            "text",
            one,
            x=f"{axis.place(tick):.2f}%",
            y=15,
            text_anchor="middle",
            class_="roomy" if is_crowded and place % 2 else None,
        )
        for place, (tick, one) in enumerate(zip(axis.ticks, words, strict=True))
    ]
    picture = tag("svg", *marks, class_="band", height=20, aria_hidden="true")
    return tag("div", picture, class_="strip axis")
