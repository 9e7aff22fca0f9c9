"""Pictures of what texts cost, and of why they fail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from polysms.report.arms import Arm
from polysms.report.comparing import Report
from polysms.report.money import Spending
from polysms.report.page import axes
from polysms.report.page.axes import Axis
from polysms.report.page.delivering import Looks, axis_of, figure, percents
from polysms.report.page.figures import NONE, money, share, tick
from polysms.report.page.markup import Markup, joined, tag
from polysms.report.page.plots import End, high, plot
from polysms.report.page.reading import BILLED, sentences
from polysms.report.page.strips import Strip, forest
from polysms.report.page.tables import Cell, Table
from polysms.report.shares import Estimate
from polysms.report.words import number

#: An account, what it cost in a currency, and what it delivered.
Spent = tuple[Arm, Spending]


def costs(report: Report, looks: Looks) -> Markup:
    """Return what texts cost in each currency; currencies are never added up."""
    found: dict[str, list[Spent]] = {}
    for arm in report.arms:
        for spent in arm.spending:
            found.setdefault(spent.currency, []).append((arm, spent))
    if not found:
        return tag("p", "No price is known of any text.", class_="soft")
    every = [_currency(name, rows, looks) for name, rows in sorted(found.items())]
    return joined((_alarm(report), *every, _table(found)))


def _alarm(report: Report) -> Markup:
    told = [warned for warned in report.warnings if warned.kind == BILLED]
    return tag("div", sentences(told), class_="grave") if told else Markup()


def _currency(name: str, rows: Sequence[Spent], looks: Looks) -> Markup:
    parts = [tag("h3", f"In {name}")]
    known = [(arm, spent, arm.delivered) for arm, spent in rows if arm.delivered is not None]
    if known:
        parts.append(_against(name, known, looks))
    priced = [(arm, spent) for arm, spent in rows if spent.per_delivered is not None]
    if priced:
        parts.append(_per_delivered(name, priced, looks))
    return joined(parts)


def _against(name: str, rows: Sequence[tuple[Arm, Spending, Estimate]], looks: Looks) -> Markup:
    """Return cost against delivery: what is up and to the left is better."""
    up = axis_of([found for _, _, found in rows])
    prices = [spent.per_message for _, spent, _ in rows]
    across = axes.amounts(prices, room=16.0)
    points = [
        _point(looks, arm, across.place(spent.per_message), found, up) for arm, spent, found in rows
    ]
    told = [
        f"{arm.account}: {money(spent.per_message)} {name} a text, {share(found.share)} delivered"
        for arm, spent, found in rows
    ]
    picture = plot(
        *points,
        title=f"What a text cost in {name}, and the share delivered",
        words=f"{'; '.join(told)}.",
        across=[
            (across.place(at), tick(at, across.step), bool(place % 2))
            for place, at in enumerate(across.ticks)
        ],
        up=up,
        told=lambda at: f"{tick(100 * at, 100 * up.step)} %",
        ends=[End(look=looks[arm.account], value=found.share) for arm, _, found in rows],
    )
    caption = (
        f"Across: what a text cost, in {name}, on average of those whose price is known. Up: the "
        "share delivered, with its interval. Cheaper lies to the left, better lies above."
    )
    return figure(picture, caption=caption + percents(up))


def _point(looks: Looks, arm: Arm, x: float, found: Estimate, up: Axis) -> Markup:
    look = looks[arm.account]
    y = high(up, found.share)
    at = f"{x:.2f}%"
    ends = {"y1": f"{high(up, found.low):.2f}%", "y2": f"{high(up, found.high):.2f}%"}
    whisker = tag("line", class_="whisker", x1=at, x2=at, **ends)
    letter = tag("text", look.letter, x=at, y=f"{y:.2f}%", dx=10, dy=-6, class_="letter")
    return tag("g", whisker, look.mark(x, y), letter, class_=look.ink)


def _per_delivered(name: str, rows: Sequence[Spent], looks: Looks) -> Markup:
    strips = [_strip(arm, spent, looks) for arm, spent in rows]
    ends = [end for strip in strips for end in (strip.low, strip.high)]
    axis = axes.amounts(ends)
    caption = (
        "What was paid for all texts, shared among the delivered: a cheap account that loses many "
        "is not cheap."
    )
    title = tag("h4", f"A delivered text, in {name}")
    return joined(
        (title, figure(forest(strips, axis, lambda at: tick(at, axis.step)), caption=caption))
    )


def _strip(arm: Arm, spent: Spending, looks: Looks) -> Strip:
    middle = spent.per_delivered or 0.0
    low, high_ = (middle if end is None else end for end in (spent.low, spent.high))
    look = looks[arm.account]
    return Strip(
        name=look.name(),
        title=arm.account,
        says=f"{money(middle)} ({money(low)} to {money(high_)})",
        look=look,
        middle=middle,
        low=low,
        high=high_,
    )


def _table(found: Mapping[str, Sequence[Spent]]) -> Markup:
    head = (
        *("Account", "Currency", "Texts priced", "Paid for them", "A text", "A segment"),
        *("A delivered text", "Segments predicted", "Segments billed", "Texts that differ"),
    )
    rows = [_row(arm, spent) for spents in found.values() for arm, spent in spents]
    about = "predicted and billed are of the texts for which both are known"
    return Table(name="costs", caption="Costs", head=head, rows=rows, about=about).markup()


def _row(arm: Arm, spent: Spending) -> list[Cell]:
    segments = arm.counts.segments
    return [
        tag("bdi", arm.account),
        spent.currency,
        (spent.priced, number(spent.priced)),
        (spent.total, money(float(spent.total))),
        *(_money(one) for one in (spent.per_message, spent.per_segment, spent.per_delivered)),
        *((one, number(one)) for one in (segments.predicted, segments.billed, segments.differing)),
    ]


def _money(value: float | None) -> Cell:
    return value, NONE if value is None else money(value)


def failures(report: Report, looks: Looks) -> Markup:
    """Return how the texts ended that were not delivered, by reason, the most frequent first."""
    reasons = sorted(_reasons(report).items(), key=lambda one: -sum(one[1].values()))
    if not reasons:
        return tag("p", "Every text was delivered.", class_="soft")
    most = max(_part(arm, counts) for _, counts in reasons for arm in report.arms)
    groups = [
        tag("div", tag("h3", reason), *_bars(report, looks, reason, counts, most))
        for reason, counts in reasons
    ]
    caption = (
        "Of all texts that an account was given. Pending ones have not failed. Why a provider's "
        "final no was said is in the deliveries, not in these counts."
    )
    return figure(tag("div", *groups, class_="bars"), caption=caption)


def _reasons(report: Report) -> Mapping[str, Mapping[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for arm in report.arms:
        for reason, count in _ends(arm):
            if count:
                found.setdefault(reason, {})[arm.account] = count
    return found


def _ends(arm: Arm) -> Iterator[tuple[str, int]]:
    counts = arm.counts
    yield "Undelivered: the provider's final no", counts.undelivered
    yield "Unreported: it will not say", counts.unreported
    yield "Pending", counts.pending
    yield "Not sent", counts.not_sent
    for reason, count in counts.refused.items():
        yield f"Refused: {reason}", count


def _part(arm: Arm, counts: Mapping[str, int]) -> float:
    return counts.get(arm.account, 0) / max(arm.counts.assigned, 1)


def _bars(
    report: Report, looks: Looks, reason: str, counts: Mapping[str, int], most: float
) -> Iterator[Markup]:
    for arm in report.arms:
        look, part = looks[arm.account], _part(arm, counts)
        told = f"{share(part)} ({number(counts.get(arm.account, 0))})"
        width = f"{100 * part / most:.2f}%"
        bar = tag("rect", x=0, y=3, height=12, width=width, class_=f"bar {look.ink}")
        words = (tag("title", arm.account), tag("desc", f"{reason}: {told}"))
        picture = tag("svg", *words, bar, role="img", class_="band", height=18)
        first, _, rest = told.partition(" (")
        says = tag("div", tag("strong", first), f" ({rest}", class_="says")
        yield tag("div", look.key(), picture, says, class_="row")
