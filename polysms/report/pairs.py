"""Two accounts of a comparison: who delivers more, whose arrive sooner, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

import attrs

from polysms.report.arms import Arm, Terms
from polysms.report.contrasts import Contrast, Sooner, contrasts, each, sooner
from polysms.report.counts import Cell, Stratum
from polysms.report.curves import Reading, moments
from polysms.report.logrank import LogRank, log_rank
from polysms.report.naive import naive_chance
from polysms.report.planning import always, detectable, needed
from polysms.report.shares import Share, plain
from polysms.report.strata import Difference, difference

#: The cells of two accounts, stratum by stratum.
Matched = Sequence[tuple[Cell, Cell]]
#: A difference that is looked for is expected to be this many margins wide.
_EXPECTED = 3


@attrs.frozen(kw_only=True)
class NaivePair:
    """What the naive comparison says: a difference of shares, its p-value, and of mean seconds."""

    difference: float | None
    chance: float
    seconds: float | None


@attrs.frozen(kw_only=True)
class Outlook:
    """What the messages there are can tell, and how many more it takes.

    ``always_low`` and ``always_high`` bound the difference however often one looks.
    ``more_first`` and ``more_second`` are the messages still needed to tell a difference of the
    terms' margin; ``detectable`` is the difference that those there are would show.
    """

    always_low: float
    always_high: float
    more_first: int
    more_second: int
    detectable: float | None


@attrs.frozen(kw_only=True)
class Pair:
    """Two accounts compared in the ``strata`` where both have messages.

    ``delivered`` decides; ``confirmed`` and ``arrived`` stand beside it, ``confirmed`` only where
    the application tells. Each has its own correction for the number of pairs. None: not to be
    told.
    """

    first: str
    second: str
    strata: int
    delivered: Contrast | None
    confirmed: Contrast | None
    arrived: Contrast | None
    sooner: Sooner | None
    outlook: Outlook | None
    naive: NaivePair


def matched(first: str, second: str, cells: Iterable[Cell]) -> Matched:
    """Return the cells of the strata in which both accounts have messages."""
    found: dict[str, dict[Stratum, Cell]] = {first: {}, second: {}}
    for cell in cells:
        if cell.account in found:
            found[cell.account][cell.stratum] = cell
    mine, theirs = found.values()
    return [(mine[stratum], theirs[stratum]) for stratum in sorted(mine.keys() & theirs.keys())]


@attrs.frozen
class _Two:
    """Two accounts, and their cells of the strata in which both have messages."""

    first: Arm
    second: Arm
    every: Matched
    reported: Matched

    def delivered(self, shares: Mapping[Cell, Share]) -> Difference | None:
        return difference([(shares[one], shares[other]) for one, other in self.reported])

    def arrived(self) -> Difference | None:
        return difference(
            [
                (self._plain(one, one.counts.arrived), self._plain(other, other.counts.arrived))
                for one, other in self.reported
            ]
        )

    def confirmed(self) -> Difference | None:
        return difference(
            [
                (self._plain(one, one.counts.confirmed), self._plain(other, other.counts.confirmed))
                for one, other in self.every
            ]
        )

    def _plain(self, cell: Cell, count: int) -> Share:
        arm = self.first if cell.account == self.first.account else self.second
        return plain(count, cell.counts.assigned, arm.inflation)

    def log_rank(self, until: float) -> tuple[LogRank, float] | None:
        """Return the test and its p-value.

        Where the end of some was found by asking, the p-value is that of the less favourable of
        two extremes: one account's arrived as early as can be and the other's as late, and the
        reverse.
        """
        if not self.reported:
            return None
        test = self._read(until, Reading.MIDDLE, Reading.MIDDLE)
        if not any(cell.counts.is_polled for pair in self.reported for cell in pair):
            return test, test.chance
        one = self._read(until, Reading.EARLY, Reading.LATE)
        other = self._read(until, Reading.LATE, Reading.EARLY)
        agree = one.excess * other.excess > 0
        return test, max(one.chance, other.chance) if agree else 1.0

    def _read(self, until: float, mine: Reading, theirs: Reading) -> LogRank:
        strata = [
            (moments((one.counts,), until, mine), moments((other.counts,), until, theirs))
            for one, other in self.reported
        ]
        return log_rank(strata, max(self.first.inflation, self.second.inflation))

    def naive(self) -> NaivePair:
        one, other = self.first.naive, self.second.naive
        return NaivePair(
            difference=_less(one.share, other.share),
            chance=naive_chance(one, other),
            seconds=_less(one.mean_seconds, other.mean_seconds),
        )


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _twos(arms: Sequence[Arm], cells: Sequence[Cell]) -> Iterator[_Two]:
    for first, second in combinations(arms, 2):
        every = matched(first.account, second.account, cells)
        reported = [pair for pair in every if all(cell.reports for cell in pair)]
        yield _Two(first, second, every, reported)


def pairs(
    arms: Sequence[Arm], shares: Mapping[Cell, Share], until: float, terms: Terms
) -> tuple[Pair, ...]:
    """Return every two accounts compared; ``shares`` are those delivered of the cells."""
    twos = tuple(_twos(arms, tuple(shares)))
    heard = any(arm.counts.confirmed for arm in arms)
    raw = [two.delivered(shares) for two in twos]
    delivered = contrasts(raw, terms)
    confirmed = contrasts([two.confirmed() if heard else None for two in twos], terms)
    arrived = contrasts([two.arrived() for two in twos], terms)
    rank = sooner([two.log_rank(until) for two in twos], terms)
    alpha = each(terms, sum(one is not None for one in raw))
    return tuple(
        Pair(
            first=two.first.account,
            second=two.second.account,
            strata=len(two.reported),
            delivered=delivered[place],
            confirmed=confirmed[place],
            arrived=arrived[place],
            sooner=rank[place],
            outlook=_outlook(raw[place], alpha, terms),
            naive=two.naive(),
        )
        for place, two in enumerate(twos)
    )


def _outlook(raw: Difference | None, alpha: float, terms: Terms) -> Outlook | None:
    if raw is None:
        return None
    first, second = raw.first, raw.second
    one, other = first.effective, second.effective
    share = (first.share * one + second.share * other) / (one + other)
    wanted = needed(share, terms.margin, other / one, alpha=alpha, power=terms.power)
    missing = max(0.0, wanted / one - 1)
    low, high = always(raw.difference, raw.standard_error, alpha, expected=_EXPECTED * terms.margin)
    return Outlook(
        always_low=low,
        always_high=high,
        more_first=math.ceil(missing * first.messages),
        more_second=math.ceil(missing * second.messages),
        detectable=detectable(share, one, other, alpha=alpha, power=terms.power),
    )
