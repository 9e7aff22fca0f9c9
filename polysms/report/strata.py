"""Two accounts compared within strata: what differs between countries cannot pass for them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs

from polysms.report.chances import chi_square_tail
from polysms.report.shares import Share, newcombe

Pairs = Sequence[tuple[Share, Share]]


@attrs.frozen(kw_only=True)
class Difference:
    """The first share less the second, adjusted for strata.

    ``standard_error`` is Sato's, ``chi_square`` and ``chance`` those of the test of Cochran,
    Mantel and Haenszel that there is no difference in any stratum; ``first`` and ``second`` are
    the weighted shares, with the effective numbers that the interval rests on.
    """

    difference: float
    standard_error: float
    chi_square: float
    chance: float
    first: Share
    second: Share

    def interval(self, z: float) -> tuple[float, float]:
        """Return the difference's interval: Newcombe's, of the weighted shares."""
        return newcombe(self.first, self.second, z)


def difference(pairs: Pairs) -> Difference | None:
    """Return the difference over strata in which both accounts have messages; None: in none.

    Each stratum weighs as Mantel and Haenszel (1959) and Greenland and Robins (1985) have it,
    n1 n2 / (n1 + n2). The standard error is Sato's (1989), right for few large strata and for many
    small ones. The interval is of Newcombe's type with the strata's weights in its Wilson limits
    (after Yan and Su, 2010). With one stratum all are the classical formulas.
    """
    both = [pair for pair in pairs if pair[0].effective > 0 and pair[1].effective > 0]
    weights = [_weight(first.effective, second.effective) for first, second in both]
    whole = math.fsum(weights)
    if not both:
        return None
    parts = [weight / whole for weight in weights]
    first = _weighted([pair[0] for pair in both], parts)
    second = _weighted([pair[1] for pair in both], parts)
    chi_square = cochran_mantel_haenszel(both)
    apart = first.share - second.share
    return Difference(
        difference=apart,
        standard_error=math.sqrt(_sato(both, apart)) / whole,
        chi_square=chi_square,
        chance=chi_square_tail(chi_square, 1),
        first=first,
        second=second,
    )


def _weight(one: float, other: float) -> float:
    return one * other / (one + other)


def _sato(pairs: Pairs, apart: float) -> float:
    terms = []
    for first, second in pairs:
        n1, n2 = first.effective, second.effective
        x1, x2 = first.share * n1, second.share * n2
        number = n1 + n2
        slope = (n1 * n1 * x2 - n2 * n2 * x1 + n1 * n2 * (n2 - n1) / 2) / number**2
        level = (x1 * (n2 - x2) + x2 * (n1 - x1)) / (2 * number)
        terms.append(apart * slope + level)
    return max(0.0, math.fsum(terms))


def cochran_mantel_haenszel(pairs: Pairs) -> float:
    """Return the chi-square, of one degree of freedom, without a correction for continuity."""
    excess, spread = [], []
    for first, second in pairs:
        n1, n2 = first.effective, second.effective
        number = n1 + n2
        hits = first.share * n1 + second.share * n2
        excess.append(first.share * n1 - hits * n1 / number)
        if number > 1:
            spread.append(hits * (number - hits) * n1 * n2 / (number**2 * (number - 1)))
    whole = math.fsum(spread)
    return math.fsum(excess) ** 2 / whole if whole > 0 else 0.0


def _weighted(shares: Sequence[Share], parts: Sequence[float]) -> Share:
    """Return the weighted share; its effective number is of one with the same variance.

    Only what varies within strata counts. The shares are drawn a little to one half for that (one
    message of each kind more), so that a stratum of few, all delivered, does not pass for certain.
    """
    every = list(zip(shares, parts, strict=True))
    scale = math.fsum(part**2 / one.effective for one, part in every)
    drawn = [(one.share * one.effective + 1) / (one.effective + 2) for one in shares]
    middle = math.fsum(part * share for share, part in zip(drawn, parts, strict=True))
    within = math.fsum(
        part**2 * share * (1 - share) / one.effective
        for share, (one, part) in zip(drawn, every, strict=True)
    )
    varying = min(1.0, within / (scale * middle * (1 - middle)))
    return Share(
        share=math.fsum(part * one.share for one, part in every),
        messages=sum(one.messages for one in shares),
        effective=1 / (scale * varying),
    )
