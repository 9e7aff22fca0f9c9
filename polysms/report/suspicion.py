"""Reports that look false, late, missing or dearer than they should."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

from polysms.report.arms import Arm, Terms
from polysms.report.counts import Cell
from polysms.report.warning import Warned
from polysms.report.words import duration, number, percent, texts

#: So many reports without one failure: networks lose some, if it is one in a hundred.
_SPOTLESS = 300
#: So many delays are needed to call them constant, and they must be longer than the buckets.
_DELAYS = 100
_LONG = 1.0
#: Constant: eight of ten lie within so small a part of the median.
_SPREAD = 0.05
#: So many messages without any report at all.
_SILENT = 30
_PENDING = 0.05
_AHEAD = 2.0
#: Billed segments above the predicted ones, as a part of these.
_DEARER = 0.005
_PRICED = 0.95


def suspicions(cells: Sequence[Cell], arms: Sequence[Arm], terms: Terms) -> Iterator[Warned]:
    """Yield what is odd about the reports of each account."""
    for arm in arms:
        yield from _canaries(arm)
        yield from _spotless(arm)
        yield from _constant(arm)
        yield from _silent(arm, [cell for cell in cells if cell.account == arm.account])
        yield from _pending(arm)
        yield from _clock(arm)
        yield from _polled(arm)
        yield from _billed(arm)
        yield from _unpriced(arm)
    yield from _recipients(arms, terms)


def _canaries(arm: Arm) -> Iterator[Warned]:
    counts = arm.counts
    if counts.canaries_delivered:
        yield Warned(
            kind="canary",
            sentence=f"{arm.account} reported {number(counts.canaries_delivered)} of "
            f"{texts(counts.canaries)} to dead numbers as delivered. Its word for the others is "
            "worth as much.",
            accounts=(arm.account,),
            figures={"canaries": counts.canaries, "delivered": counts.canaries_delivered},
        )


def _spotless(arm: Arm) -> Iterator[Warned]:
    counts = arm.counts
    if counts.delivered >= _SPOTLESS and not counts.undelivered + counts.unreported:
        yield Warned(
            kind="all_delivered",
            sentence=f"{arm.account} reported every one of {texts(counts.delivered)} delivered. "
            "Networks lose some: send to a number that you know is dead, and compare what your own "
            "application confirms.",
            accounts=(arm.account,),
            figures={"delivered": counts.delivered},
        )


def _constant(arm: Arm) -> Iterator[Warned]:
    counts = arm.counts
    if counts.delivered < _DELAYS or counts.is_polled:
        return
    delays = sorted((delay.seconds, delay.count) for delay in counts.delays)
    low, middle, high = (_at(delays, part * counts.delivered) for part in (0.1, 0.5, 0.9))
    if middle >= _LONG and high - low <= _SPREAD * middle:
        yield Warned(
            kind="constant_delay",
            sentence=f"Eight of ten reports of {arm.account} came between {duration(low)} and "
            f"{duration(high)}: phones are not that regular, a clock is. They may not come from "
            "the phones.",
            accounts=(arm.account,),
            figures={"p10": low, "p50": middle, "p90": high},
        )


def _at(delays: Sequence[tuple[float, int]], place: float) -> float:
    """Return the delay of the message at a place in their order."""
    passed = accumulate(count for _, count in delays)
    return next(
        seconds for (seconds, _), count in zip(delays, passed, strict=True) if count >= place
    )


def _silent(arm: Arm, cells: Sequence[Cell]) -> Iterator[Warned]:
    kinds = sorted({cell.stratum.kind or "messages" for cell in cells if not cell.reports})
    for kind in kinds:
        yield Warned(
            kind="never_reports",
            sentence=f"{arm.account} never reports the delivery of {kind}: they are counted, and "
            "compared by what your application confirms, and by nothing else.",
            accounts=(arm.account,),
            figures={"kind": kind},
        )
    counts = [cell.counts for cell in cells if cell.reports]
    sent = sum(one.sent for one in counts)
    heard = sum(one.delivered + one.undelivered + one.unreported for one in counts)
    if sent >= _SILENT and not heard:
        yield Warned(
            kind="no_reports",
            sentence=f"Nothing was heard of any of {texts(sent)} through {arm.account}. Do its "
            "reports reach you? `polysms doctor` looks.",
            accounts=(arm.account,),
            figures={"sent": sent},
        )


def _pending(arm: Arm) -> Iterator[Warned]:
    counts = arm.counts
    if counts.sent and counts.pending > _PENDING * counts.sent:
        share = counts.pending / counts.sent
        yield Warned(
            kind="pending",
            sentence=f"{percent(share)} of the texts through {arm.account} are pending. They count "
            "as pending, not as failed; what is said may change when they end.",
            accounts=(arm.account,),
            figures={"pending": counts.pending, "share": share},
        )


def _clock(arm: Arm) -> Iterator[Warned]:
    clock = arm.counts.clock
    if clock.ahead and clock.worst > _AHEAD:
        yield Warned(
            kind="clock_skew",
            sentence=f"The clock of {arm.account} or ours is wrong: {number(clock.ahead)} of "
            f"{number(clock.reports)} reports came up to {duration(clock.worst)} before the time "
            "that they tell. All accounts are compared by our clock.",
            accounts=(arm.account,),
            figures={"reports": clock.reports, "ahead": clock.ahead, "worst": clock.worst},
        )


def _polled(arm: Arm) -> Iterator[Warned]:
    counts = arm.counts
    asked = sum(delay.count for delay in counts.delays if delay.after is not None)
    if asked:
        yield Warned(
            kind="polled",
            sentence=f"The end of {texts(asked)} through {arm.account} was found by asking: when "
            "they arrived is known only between two looks, and its intervals are wider for it.",
            accounts=(arm.account,),
            figures={"asked": asked, "delivered": counts.delivered},
        )


def _billed(arm: Arm) -> Iterator[Warned]:
    segments = arm.counts.segments
    if segments.billed > segments.predicted * (1 + _DEARER):
        more = segments.billed / segments.predicted - 1 if segments.predicted else 1.0
        yield Warned(
            kind="billed_more",
            sentence=f"{arm.account} billed {number(segments.billed)} segments where "
            f"{number(segments.predicted)} were predicted ({percent(more)} more), in "
            f"{number(segments.differing)} of {texts(segments.messages)}.",
            accounts=(arm.account,),
            figures={
                "predicted": segments.predicted,
                "billed": segments.billed,
                "differing": segments.differing,
            },
        )


def _unpriced(arm: Arm) -> Iterator[Warned]:
    priced = sum(cost.priced for cost in arm.counts.costs.values())
    if priced and priced < _PRICED * arm.counts.sent:
        yield Warned(
            kind="unpriced",
            sentence=f"The price of {number(priced)} of {texts(arm.counts.sent)} through "
            f"{arm.account} is known: what they cost is told from those.",
            accounts=(arm.account,),
            figures={"priced": priced, "sent": arm.counts.sent},
        )
    if len(arm.counts.costs) > 1:
        yield Warned(
            kind="currencies",
            sentence=f"{arm.account} charges in {', '.join(sorted(arm.counts.costs))}: they are "
            "not added up, and a delivered message has no one cost.",
            accounts=(arm.account,),
        )


def _recipients(arms: Sequence[Arm], terms: Terms) -> Iterator[Warned]:
    if terms.sticky and any(arm.counts.recipients is None for arm in arms):
        yield Warned(
            kind="not_by_recipient",
            sentence="The route keeps recipients at their accounts, and the counts are not by "
            "recipient: the intervals are too narrow.",
        )
