"""The comparison that everybody makes, beside ours: to show how far off it is, never to decide.

Delivered among those that ended, whoever was given them and why; the mean delay of those that
arrived. Pending messages drop out, so who reports his failures late looks better; what another
account had failed counts for whoever came second; and what never arrived has no delay.
"""

from __future__ import annotations

import math

import attrs

from polysms.report.chances import chi_square_tail
from polysms.report.counts import Counts


@attrs.frozen(kw_only=True)
class Naive:
    """The naive figures of an account: None where there is nothing to divide by."""

    finished: int
    delivered: int
    share: float | None
    mean_seconds: float | None


def naive(counts: Counts) -> Naive:
    """Return the naive figures: failover's messages count as any other."""
    delivered = counts.delivered + counts.rescue.delivered
    finished = delivered + counts.undelivered + counts.rescue.undelivered
    seconds = math.fsum(delay.seconds * delay.count for delay in counts.delays)
    return Naive(
        finished=finished,
        delivered=delivered,
        share=delivered / finished if finished else None,
        mean_seconds=seconds / counts.delivered if counts.delivered else None,
    )


def naive_chance(first: Naive, second: Naive) -> float:
    """Return the p-value that a naive comparison of two accounts comes to."""
    if first.share is None or second.share is None:
        return 1.0
    finished = first.finished + second.finished
    middle = (first.delivered + second.delivered) / finished
    spread = middle * (1 - middle) * (1 / first.finished + 1 / second.finished)
    apart = first.share - second.share
    return chi_square_tail(apart**2 / spread, 1) if spread > 0 else 1.0
