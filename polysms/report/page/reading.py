"""What a reader is told first: the conclusions, and why to doubt them; and last: the method."""

from __future__ import annotations

from collections.abc import Sequence

from polysms.report.arms import Arm
from polysms.report.comparing import Report
from polysms.report.page.figures import NONE, points, seconds, share
from polysms.report.page.look import Look
from polysms.report.page.markup import Markup, code, joined, tag
from polysms.report.page.tables import Cell, Table
from polysms.report.pairs import Pair
from polysms.report.warning import Warned
from polysms.report.words import duration, listed, texts

#: The alarm that stands where costs are.
BILLED = "billed_more"
#: Warnings that say how far the comparison goes. Every other says that it may be wrong.
NOTES = frozenset(
    {
        *("shares_changed", "never_reports", "pending", "polled", "unpriced", "currencies"),
        *("left_out", "too_few_for_margin", "short"),
    }
)
#: More pairs than these are told by account, and in full where asked for; more notes are folded.
_FEW = 3
_RELATIONS = (
    *("delivers more than", "delivers less than"),
    *("no difference shown from", "not to be compared with"),
)


def standfirst(report: Report) -> Markup:
    """Return what was compared, in a sentence."""
    if not report.arms:
        return tag("p", "No text was counted, so there is nothing to compare yet.")
    number = len(report.arms)
    count = sum(arm.counts.assigned for arm in report.arms)
    how = "as they were sent" if report.terms.observational else "given to them by chance"
    accounts = "1 account" if number == 1 else f"{number} accounts"
    return tag(
        "p",
        f"{accounts}, {texts(count)} {how}. Delivered means: reported delivered within "
        f"{duration(report.within)}. An interval holds what is true {_often(report.terms.level)}.",
    )


def _often(level: float) -> str:
    return f"{100 * level:.4g} times in 100"


def doubts(warnings: Sequence[Warned]) -> Markup:
    """Return the warnings that make the comparison doubtful."""
    grave = [warned for warned in warnings if warned.kind not in {*NOTES, BILLED}]
    if not grave:
        return Markup()
    title = tag("h2", "Before you believe this", id="doubts")
    return tag("section", title, sentences(grave), class_="grave", aria_labelledby="doubts")


def notes(warnings: Sequence[Warned]) -> Markup:
    """Return the warnings that say how far the comparison goes."""
    told = [warned for warned in warnings if warned.kind in NOTES]
    if len(told) > _FEW:
        title = tag("summary", f"Also to be known: {len(told)} notes")
        return tag("details", title, sentences(told))
    return joined((tag("h3", "Also to be known"), sentences(told))) if told else Markup()


def sentences(warnings: Sequence[Warned]) -> Markup:
    """Return warnings as a list."""
    return tag("ul", *(tag("li", code(warned.sentence)) for warned in warnings))


def verdicts(report: Report) -> Markup:
    """Return what is to be said of each pair; first those that differ."""
    every = sorted(zip(report.pairs, report.verdicts, strict=True), key=lambda one: _place(one[0]))
    if not every:
        return Markup()
    told: Sequence[Markup] = [_verdict(said) for _, said in every]
    if len(every) > _FEW:
        names = [arm.account for arm in report.arms]
        lines = [tag("li", standing(name, names, report.pairs)) for name in names]
        summary = tag("summary", f"All {len(every)} pairs in full")
        told = tag("ul", *lines, class_="verdict"), tag("details", summary, *told)
    return tag("section", tag("h2", "What it shows", id="shows"), *told, aria_labelledby="shows")


def _place(pair: Pair) -> int:
    return 0 if pair.delivered and pair.delivered.shown else 1


def _verdict(said: Sequence[str]) -> Markup:
    first, *rest = said
    more = tag("ul", *(tag("li", code(one)) for one in rest)) if rest else Markup()
    return tag("div", tag("p", code(first)), more, class_="verdict")


def standing(name: str, names: Sequence[str], pairs: Sequence[Pair]) -> Markup:
    """Return in a sentence which other accounts one delivers more than, and which less."""
    found: dict[str, list[str]] = {}
    for pair in pairs:
        if name in {pair.first, pair.second}:
            other = pair.second if name == pair.first else pair.first
            found.setdefault(_relation(name, pair), []).append(other)
    parts = [f"{one} {_everybody(found[one], names)}" for one in _RELATIONS if one in found]
    return joined((tag("strong", tag("bdi", name)), f": {'; '.join(parts)}."))


def _relation(name: str, pair: Pair) -> str:
    more, less, alike, apart = _RELATIONS
    if pair.delivered is None:
        return apart
    if not pair.delivered.shown:
        return alike
    return more if (pair.delivered.difference > 0) == (name == pair.first) else less


def _everybody(others: Sequence[str], names: Sequence[str]) -> str:
    return "all others" if len(others) == len(names) - 1 else listed(others)


def naive(report: Report, drawn: Sequence[Look]) -> Markup:
    """Return what dividing would have said, beside what the report says."""
    rows = [
        [
            tag("bdi", look.account),
            _share(arm.naive.share),
            _delivered(arm),
            (arm.naive.mean_seconds, seconds(arm.naive.mean_seconds)),
        ]
        for arm, look in zip(report.arms, drawn, strict=True)
    ]
    head = ("Account", "Delivered ÷ ended", "Delivered, here", "Mean delay of the arrived")
    table = Table(name="naive", caption="The usual sums, beside ours", head=head, rows=rows)
    return joined(
        (
            tag("h3", "Why not simply divide?"),
            tag(
                "p",
                "Delivered divided by delivered and failed leaves out what is pending, and gives "
                "an account also what another one had failed. A mean delay leaves out what never "
                "arrived. So these decide nothing here.",
            ),
            table.markup(),
            _naive_pairs(report),
        )
    )


def _delivered(arm: Arm) -> Cell:
    return _share(None if arm.delivered is None else arm.delivered.share)


def _share(value: float | None) -> Cell:
    return value, NONE if value is None else share(value)


def _naive_pairs(report: Report) -> Markup:
    told = [
        tag(
            "li",
            "{} less {}: {} points; here {}.".format(
                pair.first,
                pair.second,
                *points(pair.naive.difference, pair.delivered.difference),
            ),
        )
        for pair in report.pairs
        if pair.naive.difference is not None and pair.delivered is not None
    ]
    return tag("ul", *told) if told else Markup()


def method(report: Report) -> Markup:
    """Return how it was found, and what that takes for granted."""
    return joined(
        (
            *(tag("p", code(one)) for one in report.method),
            tag("h3", "What this takes for granted"),
            tag("ul", *(tag("li", code(one)) for one in report.assumptions)),
        )
    )
