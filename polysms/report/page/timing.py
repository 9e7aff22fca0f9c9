"""Pictures over time: how fast texts arrive, and how the accounts did from one time to the next."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from polysms.report.arms import Arm
from polysms.report.comparing import Report
from polysms.report.curves import Point, Quantile
from polysms.report.page import axes
from polysms.report.page.axes import Axis
from polysms.report.page.delivering import Looks, axis_of, figure, percents
from polysms.report.page.figures import NONE, estimated, seconds, share, tick
from polysms.report.page.look import Look
from polysms.report.page.markup import Markup, joined, tag
from polysms.report.page.plots import End, high, path, plot, stretched
from polysms.report.page.tables import Cell, Table
from polysms.report.shares import Estimate
from polysms.report.words import percent

#: The comparison at one time after another: what each is called, and its report.
Periods = Sequence[tuple[str, Report]]
#: A curve that is all above this is drawn again from near there, to tell it from its neighbours.
_TOP = 0.5
#: So many words fit below a plot on a phone, and on a desk.
_NARROW, _ROOMY = 3, 6


def curves(report: Report, looks: Looks) -> Markup:
    """Return the share delivered over time, with bands."""
    arms = [arm for arm in report.arms if arm.curve]
    if not arms:
        return tag("p", "Nothing has been delivered yet.", class_="soft")
    across = axes.times(_first(arms), _last(arms, report.within))
    whole = axes.shares(0.0, 1.0, room=1.0)
    caption = (
        "The share of all texts that had arrived by then; time runs from when an account was "
        "chosen, each step of the axis is a multiple of the one before. The bands are intervals. "
        "What never arrives keeps a line from reaching 100 %; pending texts count for as long as "
        "they were followed."
    )
    parts = [_curves(arms, looks, across, whole, "The share delivered over time")]
    least = min(arm.curve[-1].low for arm in arms)
    if least > _TOP:
        near = axes.shares(least - (1 - least) / 2, 1.0, room=1.0)
        parts.append(
            tag("p", f"The top of the same picture, from {share(near.low)}:", class_="soft")
        )
        parts.append(_curves(arms, looks, across, near, "The top of the share delivered over time"))
    return joined((figure(*parts, _keys(arms, looks), caption=caption), _times(report)))


def _first(arms: Sequence[Arm]) -> float:
    return min(arm.curve[0].seconds for arm in arms)


def _last(arms: Sequence[Arm], within: float) -> float:
    """Return until when lines are drawn: a little after the last of them has ended."""
    return min(within, 1.5 * max(arm.curve[-1].seconds for arm in arms))


def _curves(arms: Sequence[Arm], looks: Looks, across: Axis, up: Axis, title: str) -> Markup:
    areas = [_area(arm.curve, looks[arm.account], across, up) for arm in arms]
    lines = [_line(arm.curve, looks[arm.account], across, up) for arm in arms]
    told = [
        f"{arm.account}: {share(arm.curve[-1].share)} in the end, half of all by "
        f"{seconds(arm.times[0].seconds)}"
        for arm in arms
    ]
    return plot(
        stretched(*areas, *lines),
        title=title,
        words=f"{'; '.join(told)}.",
        across=list(_marks(across)),
        up=up,
        told=lambda at: f"{tick(100 * at, 100 * up.step)} %",
        ends=[End(look=looks[arm.account], value=arm.curve[-1].share) for arm in arms],
    )


def _marks(axis: Axis) -> Iterator[tuple[float, str, bool]]:
    """Yield the times below a plot; on a phone there is room for every second one of many."""
    is_crowded = len(axis.ticks) > 5
    for place, time in enumerate(axis.ticks):
        yield axis.place(time), axes.called(time), is_crowded and bool(place % 2)


def _steps(curve: Sequence[Point], name: str) -> Iterator[tuple[float, float]]:
    """Yield the corners of a curve: it keeps its height until it rises."""
    before = 0.0
    for point in curve:
        yield point.seconds, before
        before = getattr(point, name)
        yield point.seconds, before
    yield math.inf, before


def _line(curve: Sequence[Point], look: Look, across: Axis, up: Axis) -> Markup:
    corners = [
        (across.place(_until(at, across)), high(up, to)) for at, to in _steps(curve, "share")
    ]
    return tag("path", d=path(corners), class_=f"line {look.ink}", stroke_dasharray=look.dash)


def _area(curve: Sequence[Point], look: Look, across: Axis, up: Axis) -> Markup:
    above = [(across.place(_until(at, across)), high(up, to)) for at, to in _steps(curve, "high")]
    below = [(across.place(_until(at, across)), high(up, to)) for at, to in _steps(curve, "low")]
    return tag("path", d=f"{path((*above, *reversed(below)))}Z", class_=f"area {look.ink}")


def _until(at: float, across: Axis) -> float:
    return min(at, across.high)


def _keys(arms: Sequence[Arm], looks: Looks) -> Markup:
    items = [tag("li", sample(looks[arm.account]), " ", looks[arm.account].name()) for arm in arms]
    return tag("ul", *items, class_="keys")


def sample(look: Look) -> Markup:
    """Return a piece of an account's line, as it stands beside its name."""
    line = tag("path", d="M0 10H34", class_=f"line {look.ink}", stroke_dasharray=look.dash)
    drawn = tag("svg", line, width=34, height=20, aria_hidden="true")
    return tag("span", drawn, class_="key")


def _times(report: Report) -> Markup:
    head = ["By when", *(tag("bdi", arm.account) for arm in report.arms)]
    rows: list[list[Cell]] = []
    for name, what in (("times", "of all texts"), ("arrived_times", "of those that arrived")):
        for place, found in enumerate(getattr(report.arms[0], name)):
            label = f"{percent(found.share).replace('.0', '')} {what}"
            rows.append([label, *(_time(getattr(arm, name)[place]) for arm in report.arms)])
    caption = "Time until they had arrived"
    about = "with intervals; a dash where that is not reached, or not known"
    return Table(name="times", caption=caption, head=head, rows=rows, about=about).markup()


def _time(found: Quantile) -> Cell:
    if found.seconds is None:
        return None, NONE if found.low is None else f"later than {seconds(found.low)}"
    end = "or later" if found.high is None else f"to {seconds(found.high)}"
    ends = f"{seconds(found.low)} {end}"
    return found.seconds, f"{seconds(found.seconds)} ({ends})"


def over(periods: Periods, looks: Looks) -> Markup:
    """Return the share delivered by each account at one time after another."""
    if len(periods) < 2:
        return tag(
            "p",
            "These counts are of the whole time together. How the accounts did from week to week "
            "is shown where the comparison was made of each week too.",
            class_="soft",
        )
    found = [_delivered(report) for _, report in periods]
    known = [one for row in found for one in row.values()]
    up = axis_of(known)
    names = [account for account in looks if any(account in row for row in found)]
    parts = [_course(looks[name], place, names, found, up) for place, name in enumerate(names)]
    ends = [
        End(look=looks[name], value=found[-1][name].share) for name in names if name in found[-1]
    ]
    caption = (
        "The share that each account delivered of the texts it was given in that time, with "
        f"intervals. A gap is a time in which it was given none.{percents(up)}"
    )
    picture = plot(
        *parts,
        title="The share delivered in one time after another",
        words=_told(periods, found),
        across=list(_labels([label for label, _ in periods])),
        up=up,
        told=lambda at: f"{tick(100 * at, 100 * up.step)} %",
        ends=ends,
    )
    keys = [tag("li", sample(looks[name]), " ", looks[name].name()) for name in names]
    return figure(picture, tag("ul", *keys, class_="keys"), caption=caption)


def _delivered(report: Report) -> Mapping[str, Estimate]:
    return {arm.account: arm.delivered for arm in report.arms if arm.delivered is not None}


def _told(periods: Periods, found: Sequence[Mapping[str, Estimate]]) -> str:
    return " ".join(
        f"{label}: {', '.join(f'{name} {estimated(one)}' for name, one in row.items())}."
        for (label, _), row in zip(periods, found, strict=True)
    )


def _labels(names: Sequence[str]) -> Iterator[tuple[float, str, bool]]:
    """Yield some names below a plot: the first and the last, and as many between as fit."""
    narrow, roomy = (max(1, math.ceil((len(names) - 1) / (most - 1))) for most in (_NARROW, _ROOMY))
    last = len(names) - 1
    for place, name in enumerate(names):
        is_kept = place in {0, last} or (place % roomy == 0 and last - place >= roomy)
        if is_kept:
            yield _across(place, len(names)), name, place not in {0, last} and place % narrow > 0


def _across(place: int, number: int) -> float:
    # Room to the left for what the levels are called.
    return 20 + 72 * place / (number - 1)


def _course(
    look: Look, row: int, names: Sequence[str], found: Sequence[Mapping[str, Estimate]], up: Axis
) -> Markup:
    """Return an account's line; accounts stand a little apart, so that intervals do not hide."""
    slot = _across(1, len(found)) - _across(0, len(found))
    aside = min(16.0, 0.6 * slot) * ((row + 0.5) / len(names) - 0.5)
    runs: list[list[tuple[float, Estimate]]] = [[]]
    for place, one in enumerate(found):
        if look.account in one:
            runs[-1].append((_across(place, len(found)) + aside, one[look.account]))
        elif runs[-1]:
            runs.append([])
    corners = [path((x, high(up, one.share)) for x, one in run) for run in runs if run]
    line = tag("path", d="".join(corners), class_="line", stroke_dasharray=look.dash)
    places = [place for run in runs for place in run]
    bars = [_whisker(x, one, up) for x, one in places]
    marks = [look.mark(x, f"{high(up, one.share):.2f}%") for x, one in places]
    return tag("g", stretched(line), *bars, *marks, class_=look.ink)


def _whisker(x: float, one: Estimate, up: Axis) -> Markup:
    ends = {"y1": f"{high(up, one.low):.2f}%", "y2": f"{high(up, one.high):.2f}%"}
    return tag("line", class_="whisker", x1=f"{x:.2f}%", x2=f"{x:.2f}%", **ends)
