"""Pictures of what is delivered: by account, between accounts, by what was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from polysms.report.arms import Arm, Row
from polysms.report.comparing import Report
from polysms.report.contrasts import Contrast
from polysms.report.page.axes import Axis, linear, shares
from polysms.report.page.figures import estimated, points, share, tick
from polysms.report.page.look import Look
from polysms.report.page.markup import Markup, joined, tag
from polysms.report.page.strips import Strip, forest
from polysms.report.pairs import Pair
from polysms.report.shares import Estimate
from polysms.report.words import chance, number, texts

Looks = Mapping[str, Look]
#: So many kinds of messages are drawn, the most frequent; all are in the tables.
_DRAWN = 12


def figure(*parts: str, caption: str) -> Markup:
    """Return a picture with what is to be said of it."""
    return tag("figure", *parts, tag("figcaption", caption))


def percents(axis: Axis) -> str:
    """Return what is to be said of an axis of shares that does not begin at 0."""
    return "" if axis.low <= 0 else f" The axis begins at {share(axis.low)}, not at 0."


def estimates(rows: Sequence[tuple[Look, Estimate | None]], axis: Axis | None = None) -> Markup:
    """Return shares with their intervals, a row for each account."""
    found = axis or axis_of([one for _, one in rows])
    return forest([strip(*row) for row in rows], found, lambda at: _percent(at, found))


def axis_of(every: Sequence[Estimate | None]) -> Axis:
    """Return an axis that holds these shares and their intervals."""
    known = [one for one in every if one is not None and one.messages]
    return shares(*(end for one in known for end in (one.low, one.high)))


def _percent(at: float, axis: Axis) -> str:
    return f"{tick(100 * at, 100 * axis.step)} %"


def strip(look: Look, found: Estimate | None) -> Strip:
    """Return the row of a share; there may be none to tell."""
    if found is None or not found.messages:
        says = "never reports" if found is None else "was given none"
        return Strip(name=look.name(), title=look.account, says=says, look=look)
    return Strip(
        name=look.name(),
        title=look.account,
        says=estimated(found),
        look=look,
        middle=found.share,
        low=found.low,
        high=found.high,
    )


def rates(report: Report, looks: Looks) -> Markup:
    """Return the share that each account delivered."""
    every = [
        (looks[arm.account], arm.delivered if arm.counts.assigned else arm.arrived)
        for arm in report.arms
    ]
    caption = (
        "Of all texts that an account was given, the share that it delivered itself, with its "
        "interval. Refused, failed and silent ones count as not delivered."
    )
    axis = axis_of([one for _, one in every])
    return figure(estimates(every, axis), caption=caption + percents(axis))


def differences(report: Report, looks: Looks) -> Markup:
    """Return the differences between accounts that decide."""
    known = [(pair, pair.delivered) for pair in report.pairs if pair.delivered is not None]
    if not known:
        return Markup()
    rows = [_contrast(report, pair, found, looks, is_one=len(known) == 1) for pair, found in known]
    ends = [end for row in rows for end in (row.low, row.high, *(row.wide or ()))]
    low, high = min(0.0, *ends), max(0.0, *ends)
    # 0 lies inside, so that it can be seen on which side of it a line is.
    spare = (high - low) / 10
    axis = linear(low if low < 0 else -spare, high if high > 0 else spare, most=4)
    caption = (
        "Points by which the first delivers more than the second, adjusted for country, kind and "
        "size of the texts. Where no difference is shown the mark is hollow."
    )
    if any(row.wide for row in rows):
        reach = "for any number of looks" if report.terms.looks > 1 else "for all pairs at once"
        caption = f"{caption} The thin line is the interval that holds {reach}."
    sides = (f"{known[0][0].second} delivers more", f"{known[0][0].first} delivers more")
    drawn = forest(
        rows,
        axis,
        lambda at: _signed(at, axis),
        zero=0.0,
        sides=sides if len(known) == 1 else ("the second delivers more", "the first delivers more"),
    )
    return joined((tag("h3", "Differences"), figure(drawn, caption=caption)))


def _signed(at: float, axis: Axis) -> str:
    told = tick(100 * at, 100 * axis.step)
    return f"+{told}" if at > axis.step / 2 else told


def _contrast(report: Report, pair: Pair, found: Contrast, looks: Looks, *, is_one: bool) -> Strip:
    first, second = looks[pair.first], looks[pair.second]
    wide = None if is_one else (found.low_of_all, found.high_of_all)
    if report.terms.looks > 1 and pair.outlook is not None:
        wide = (pair.outlook.always_low, pair.outlook.always_high)
    shown = "" if found.shown else ", no difference shown"
    middle, low, high = points(found.difference, found.low, found.high)
    facts = f"{low} to {high}, {chance(found.adjusted)}{shown}"
    return Strip(
        name=joined((first.name(), tag("span", "less", class_="soft"), second.name())),
        title=f"{pair.first} less {pair.second}",
        says=f"{middle} points ({facts})",
        look=first,
        middle=found.difference,
        low=found.low,
        high=found.high,
        wide=wide,
        is_hollow=not found.shown,
    )


def beside(report: Report, looks: Looks) -> Markup:
    """Return the other two views: what the application confirms, and what arrived in the end."""
    parts: list[Markup] = []
    if any(arm.counts.confirmed for arm in report.arms):
        every = [(looks[arm.account], arm.confirmed) for arm in report.arms]
        caption = (
            "The share of which your own application heard, so far: a code typed in, a link "
            "opened. It needs no provider's word, and says less than delivered: not everybody "
            "answers."
        )
        parts += (
            tag("h3", "Confirmed by your application"),
            figure(estimates(every), caption=caption),
        )
    every = [(looks[arm.account], arm.arrived) for arm in report.arms]
    caption = (
        "The share of the texts given to an account first that some account delivered in the end, "
        "so far. It is what failover is worth, and no merit of the first account."
    )
    parts += (
        tag("h3", "Arrived in the end, by whichever account"),
        figure(estimates(every), caption=f"{caption}{_rescued(report)}"),
    )
    return joined(parts)


def _rescued(report: Report) -> str:
    told = "; ".join(_rescue(arm) for arm in report.arms if arm.counts.rescue.attempts)
    return f" Given after another had failed, and counted for nobody: {told}." if told else ""


def _rescue(arm: Arm) -> str:
    rescue = arm.counts.rescue
    return f"{arm.account} {number(rescue.attempts)}, of which {number(rescue.delivered)} delivered"


def strata(report: Report, looks: Looks) -> Markup:
    """Return the share delivered by what was sent, the most frequent first."""
    ordered = sorted(report.rows, key=lambda row: row.stratum)
    groups = [tuple(rows) for _, rows in groupby(ordered, key=lambda row: row.stratum)]
    if len(groups) < 2:
        return Markup()
    groups.sort(key=_messages, reverse=True)
    drawn = groups[:_DRAWN]
    axis = axis_of([row.delivered for rows in drawn for row in rows])
    parts = [tag("h3", "By what was sent")]
    for rows in drawn:
        parts.append(tag("h4", f"{rows[0].stratum} ({texts(_messages(rows))})"))
        parts.append(estimates([(looks[row.account], row.delivered) for row in rows], axis))
    left = len(groups) - len(drawn)
    more = f" The other {number(left)} kinds are in the tables." if left else ""
    caption = (
        "Accounts are compared within these, so that easy countries do not make an account look "
        f"good.{percents(axis)}{more}"
    )
    return joined((parts[0], figure(*parts[1:], caption=caption)))


def _messages(rows: Sequence[Row]) -> int:
    return sum(row.counts.assigned for row in rows)
