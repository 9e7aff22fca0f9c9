"""Pictures of two axes that keep the size of their words whatever their width.

Lines are drawn in a picture of 100 by 100 that is stretched; words and shapes lie over it, placed
in percent. Names stand at the ends of lines, in a picture of their own whose width does not change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import attrs

from polysms.report.page.axes import Axis
from polysms.report.page.look import Look, described, short
from polysms.report.page.markup import Markup, joined, tag

#: How high a plot is, and how far two names stay apart, in pixels.
HEIGHT = 340
_APART = 18.0
_FOOT = 26


@attrs.frozen(kw_only=True)
class End:
    """A name that stands beside the plot, at the height of a share."""

    look: Look
    value: float


def stretched(*parts: str) -> Markup:
    """Return lines and areas in 100 by 100, stretched over the plot; what is outside is cut."""
    return tag(
        "svg",
        *parts,
        class_="cut",
        viewBox="0 0 100 100",
        preserveAspectRatio="none",
        width="100%",
        height="100%",
    )


def path(points: Iterable[tuple[float, float]]) -> str:
    """Return points joined by straight lines."""
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)


def high(axis: Axis, value: float) -> float:
    """Return where a value lies from the top."""
    return 100 - axis.place(value)


def plot(  # noqa: PLR0913 - each by its name
    *parts: str,
    title: str,
    words: str,
    across: Sequence[tuple[float, str, bool]],
    up: Axis,
    told: Callable[[float], str],
    ends: Sequence[End] = (),
) -> Markup:
    """Return a plot with marks ``across`` (place, words, whether only where there is room)."""
    levels = [(f"{high(up, tick):.2f}%", told(tick)) for tick in up.ticks]
    lines = [tag("line", class_="grid", x1="0", x2="100%", y1=y, y2=y) for y, _ in levels]
    words_up = [tag("text", name, x=0, y=y, dy=-4, class_="level") for y, name in levels]
    marks = [
        tag("line", class_="grid", x1=_at(x), x2=_at(x), y1="0", y2="100%") for x, _, _ in across
    ]
    body = tag("svg", *marks, *lines, *parts, *words_up, class_="body", height=HEIGHT, width="100%")
    foot = tag(
        "svg",
        *(_foot(*mark) for mark in across),
        class_="foot",
        y=HEIGHT,
        height=_FOOT,
        width="100%",
    )
    picture = tag(
        "svg",
        *described(title, words),
        body,
        foot,
        role="img",
        class_="field",
        height=HEIGHT + _FOOT,
    )
    return tag("div", picture, _ends(ends, up) if ends else "", class_="plot")


def _at(place: float) -> str:
    return f"{place:.2f}%"


def _foot(place: float, words: str, is_wide: bool) -> Markup:  # noqa: FBT001 - a row's third column
    anchor = "start" if place < 3 else "end" if place > 97 else "middle"
    return tag(
        "text", words, x=_at(place), y=18, text_anchor=anchor, class_="roomy" if is_wide else None
    )


def _ends(ends: Sequence[End], axis: Axis) -> Markup:
    wanted = [(high(axis, end.value) * HEIGHT / 100, end) for end in ends]
    wanted.sort(key=lambda one: one[0])
    places = apart([place for place, _ in wanted])
    names = [_name(end, at, place) for (at, end), place in zip(wanted, places, strict=True)]
    return tag("svg", *names, class_="ends", height=HEIGHT + _FOOT, aria_hidden="true")


def _name(end: End, at: float, place: float) -> Markup:
    lead = tag("path", d=f"M0 {at:.1f}L8 {place:.1f}", class_="lead")
    letter = tag("tspan", end.look.letter, class_="letter")
    name = tag("tspan", f" {short(end.look.account)}", class_="roomy")
    return joined((lead, tag("text", letter, name, x=12, y=place + 4.5)))


def apart(wanted: Sequence[float], least: float = _APART, most: float = HEIGHT) -> list[float]:
    """Return places at least so far apart and as near as can be to those wanted, in order.

    From the top each is pushed down by the one before; from the bottom each is pushed back up.
    """
    places: list[float] = []
    for one in wanted:
        places.append(max(one, places[-1] + least if places else least / 2))
    limit = most - least / 2
    for place in range(len(places) - 1, -1, -1):
        places[place] = min(places[place], limit)
        limit = places[place] - least
    return places
