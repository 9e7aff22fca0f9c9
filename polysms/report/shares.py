"""Shares of messages with intervals that hold for few messages and near 0 and 1."""

from __future__ import annotations

import math

import attrs

from polysms.report.chances import wilson
from polysms.report.counts import Counts, Recipients
from polysms.report.curves import Curve


@attrs.frozen(kw_only=True)
class Share:
    """A share of ``messages``, known as well as from ``effective`` independent ones.

    Messages that are pending, and several to one recipient, tell less than as many others would.
    """

    share: float
    messages: int
    effective: float


@attrs.frozen(kw_only=True)
class Estimate:
    """A share and its interval."""

    share: float
    low: float
    high: float
    messages: int
    effective: float


def newcombe(first: Share, second: Share, z: float) -> tuple[float, float]:
    """Return the interval of the first share less the second (Newcombe, 1998, method 10)."""
    low_1, high_1 = wilson(first.share, first.effective, z)
    low_2, high_2 = wilson(second.share, second.effective, z)
    difference = first.share - second.share
    below = math.hypot(first.share - low_1, high_2 - second.share)
    above = math.hypot(high_1 - first.share, second.share - low_2)
    return max(-1.0, difference - below), min(1.0, difference + above)


def plain(count: int, assigned: int, inflation: float = 1.0) -> Share:
    """Return the share that a count is of all assigned, with nothing pending."""
    share = count / assigned if assigned else 0.0
    return Share(share=share, messages=assigned, effective=assigned / inflation)


def by_the_end(one: Curve, inflation: float = 1.0) -> Share:
    """Return the share delivered by the end of a curve.

    Its effective number is that of a plain share with the same variance (Dorey and Korn, 1987).
    Where none or all were delivered there is no variance: then it is of how many that is known.
    """
    share, spread = one.share, one.variance
    number = share * (1 - share) / spread if 0 < share < 1 and spread > 0 else one.known
    effective = min(number, one.assigned) / inflation
    return Share(share=share, messages=one.assigned, effective=effective)


def estimate(share: Share, z: float) -> Estimate:
    """Return a share with its interval."""
    low, high = wilson(share.share, share.effective, z)
    return Estimate(
        share=share.share,
        low=low,
        high=high,
        messages=share.messages,
        effective=share.effective,
    )


def inflation(*every: Counts) -> float:
    """Return by how much several messages to one recipient widen the variance, at least 1.

    The design effect (Kish, 1965): the variance of shares between recipients (Cochran, 1977, a
    ratio of sums) over that of independent messages, within each of the counts and over them all,
    since of few recipients it is not known well. Where none or all were delivered the messages to
    one recipient count as one.
    """
    known = [(one, one.recipients) for one in every if one.recipients and one.recipients.number > 1]
    apart = math.fsum(_between(one, groups) for one, groups in known)
    alone = math.fsum(one.delivered * (1 - one.delivered / one.assigned) for one, _ in known)
    if alone > 0:
        return max(1.0, apart / alone)
    squares = sum(groups.messages_squared for _, groups in known)
    return max(1.0, squares / max(1, sum(one.assigned for one, _ in known)))


def _between(counts: Counts, groups: Recipients) -> float:
    """Return the variance of the number delivered, recipients being independent."""
    share = counts.delivered / counts.assigned
    squares = (
        groups.delivered_squared
        - 2 * share * groups.product
        + share * share * groups.messages_squared
    )
    return squares * groups.number / (groups.number - 1)
