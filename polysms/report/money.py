"""What a message cost, and what a delivered one did. Currencies are never added up."""

from __future__ import annotations

import math
from decimal import Decimal

import attrs

from polysms.report.counts import Cost, Counts
from polysms.report.shares import Share


@attrs.frozen(kw_only=True)
class Spending:
    """What an account's messages cost in one currency, as far as their prices are known.

    ``per_delivered`` is what was paid for all, shared among the delivered; ``low`` and ``high``
    are its interval. It is None where an account charges in several currencies, or nothing was
    delivered. ``per_segment`` goes by billed segments, or predicted ones where none were billed.
    """

    currency: str
    priced: int
    total: Decimal
    per_message: float
    per_segment: float | None
    per_delivered: float | None
    low: float | None
    high: float | None
    standard_error: float | None


def spending(counts: Counts, delivered: Share | None, z: float) -> tuple[Spending, ...]:
    """Return what the messages cost, by currency; ``delivered`` is the share of all assigned."""
    alone = delivered if len(counts.costs) == 1 else None
    return tuple(
        _spent(currency, cost, counts, alone, z)
        for currency, cost in sorted(counts.costs.items())
        if cost.priced
    )


def _spent(
    currency: str, cost: Cost, counts: Counts, delivered: Share | None, z: float
) -> Spending:
    mean = float(cost.total) / cost.priced
    ratio, spread = _per_delivered(cost, counts, delivered)
    reach = math.exp(z * spread) if ratio is not None else None
    return Spending(
        currency=currency,
        priced=cost.priced,
        total=cost.total,
        per_message=mean,
        per_segment=_per_segment(mean, counts),
        per_delivered=ratio,
        low=ratio / reach if ratio is not None and reach is not None else None,
        high=ratio * reach if ratio is not None and reach is not None else None,
        standard_error=spread if ratio is not None else None,
    )


def _per_segment(mean: float, counts: Counts) -> float | None:
    known = counts.segments.billed or counts.segments.predicted
    return mean * counts.segments.messages / known if known else None


def _per_delivered(
    cost: Cost, counts: Counts, delivered: Share | None
) -> tuple[float | None, float]:
    """Return the cost of a delivered message, and the standard error of its logarithm.

    A ratio of two means that vary together, by the delta method on its logarithm (Cochran, 1977,
    chapter 6): the interval is never below nothing, and need not be even.
    """
    if delivered is None or delivered.share <= 0 or not counts.sent:
        return None, 0.0
    sent = counts.sent / counts.assigned
    share = min(1.0, delivered.share / sent)
    mean = float(cost.total) / cost.priced
    varying = max(0.0, cost.squares / cost.priced - mean * mean)
    paid = varying / mean**2 / cost.priced if mean else 0.0
    arrived = (1 - share) / (share * delivered.effective * sent)
    together = _correlation(cost, mean, varying) * math.sqrt(paid * arrived)
    return mean / share, math.sqrt(max(0.0, paid + arrived - 2 * together))


def _correlation(cost: Cost, mean: float, varying: float) -> float:
    """Return how the price of a message and its delivery go together, from -1 to 1."""
    share = cost.delivered / cost.priced
    spread = math.sqrt(varying * share * (1 - share))
    if spread <= 1e-12 * mean:
        return 0.0
    together = float(cost.delivered_total) / cost.priced - mean * share
    return max(-1.0, min(1.0, together / spread))
