"""What a report would say at one look, by the report's own functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import attrs

from polysms.report.chances import holm
from polysms.report.contrasts import contrasts, each
from polysms.report.logrank import log_rank
from polysms.report.naive import Naive, naive_chance
from polysms.report.planning import always
from polysms.report.shares import Share, inflation, plain
from polysms.report.strata import difference
from polysms.simulation.pots import Play, Pot, Table

#: The differences that are looked for are expected to be so many margins wide, as in a report.
_EXPECTED = 3


@attrs.frozen
class Seen:
    """What one look showed of two accounts: 1 the first is better, -1 the second, 0 neither.

    ``once`` by the interval for one look, ``always`` by the one for any number of looks,
    ``sooner`` by the log-rank test, ``naive`` by counting all attempts that ended.
    """

    once: int
    always: int
    sooner: int
    naive: int
    width: float


Pair = tuple[str, str]


def pairs_of(table: Table) -> list[Pair]:
    """Return every two accounts, in the order of a report."""
    return list(combinations(table.plan.arms, 2))


def looked(table: Table, play: Play) -> dict[Pair, Seen]:
    """Return what a look at a play shows of every two accounts."""
    plan, terms = table.plan, table.plan.terms
    more = _inflations(table, play)
    every = pairs_of(table)
    raw = [
        difference(
            [
                (
                    _share(play.pots[one, country], more[one]),
                    _share(play.pots[other, country], more[other]),
                )
                for country in plan.countries
            ]
        )
        for one, other in every
    ]
    alpha = each(terms, sum(one is not None for one in raw))
    tests = _sooner(table, play, every, more)
    found = {}
    for pair, one, contrast, test in zip(every, raw, contrasts(raw, terms), tests, strict=True):
        if one is None or contrast is None:
            found[pair] = Seen(0, 0, 0, 0, 1.0)
            continue
        bounds = always(one.difference, one.standard_error, alpha, _EXPECTED * terms.margin)
        found[pair] = Seen(
            once=_sign(contrast.difference) if contrast.shown else 0,
            always=_beside(*bounds),
            sooner=test,
            naive=_naive(play, pair, terms.alpha),
            width=(contrast.high - contrast.low) / 2,
        )
    return found


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _beside(low: float, high: float) -> int:
    """Return on which side of 0 an interval lies."""
    return 1 if low > 0 else -1 if high < 0 else 0


def _share(pot: Pot, more: float) -> Share:
    return plain(pot.delivered, pot.assigned, more)


def _inflations(table: Table, play: Play) -> Mapping[str, float]:
    if not table.plan.sticky:
        return dict.fromkeys(table.plan.arms, 1.0)
    counts = {
        name: [pot.counts(table, 0.0, 0.0) for (arm, _), pot in play.pots.items() if arm == name]
        for name in table.plan.arms
    }
    return {name: inflation(*every) for name, every in counts.items()}


def _sooner(
    table: Table, play: Play, every: Sequence[Pair], more: Mapping[str, float]
) -> list[int]:
    until = table.plan.terms.horizon
    happened = {key: pot.moments(table.seconds, until) for key, pot in play.pots.items()}
    tests = [
        log_rank(
            (
                (happened[one, country], happened[other, country])
                for country in table.plan.countries
            ),
            max(more[one], more[other]),
        )
        for one, other in every
    ]
    adjusted = holm([test.chance for test in tests])
    return [
        _sign(test.excess) if chance <= table.plan.terms.alpha else 0
        for test, chance in zip(tests, adjusted, strict=True)
    ]


def _naive(play: Play, pair: Pair, alpha: float) -> int:
    one, other = (_naively(play, name) for name in pair)
    if one.share is None or other.share is None or naive_chance(one, other) > alpha:
        return 0
    return _sign(one.share - other.share)


def _naively(play: Play, account: str) -> Naive:
    pots = [pot for (name, _), pot in play.pots.items() if name == account]
    delivered = sum(pot.delivered + pot.handed_delivered for pot in pots)
    finished = sum(pot.taken for pot in pots)
    share = delivered / finished if finished else None
    return Naive(finished=finished, delivered=delivered, share=share, mean_seconds=None)
