"""One account of a comparison: what became of its messages."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from polysms.report.chances import quantile
from polysms.report.counts import Cell, Counts, Stratum, total
from polysms.report.curves import (
    Curve,
    Point,
    Quantile,
    Reading,
    arrived_band,
    band,
    curve,
    followed,
    moments,
    reached,
)
from polysms.report.money import Spending, spending
from polysms.report.naive import Naive, naive
from polysms.report.shares import Estimate, Share, by_the_end, estimate, inflation, plain

#: The delivery times that are told: by when half, 90 % and 99 % had arrived.
QUANTILES = (0.5, 0.9, 0.99)
#: Where fewer than this part of the messages was followed, curves end.
_FOLLOWED = 0.25
#: Points of a curve that tells no more are left out: a step of this share is visible on a page.
_STEP = 0.0025


@attrs.frozen(kw_only=True)
class Terms:
    """What is asked of a comparison, best settled before the first look.

    ``horizon``: a message is late for ever after so many seconds (72 hours). ``margin``: the
    difference that matters to you. ``power``: the chance with which it shall be shown. ``looks``:
    how often this comparison has been looked at, this time included. ``sticky``: the route keeps
    a recipient at one account. ``observational``: accounts were not given messages by chance.
    """

    level: float = 0.95
    horizon: float = 72 * 3600
    margin: float = 0.01
    power: float = 0.8
    looks: int = 1
    sticky: bool = False
    observational: bool = False

    @property
    def z(self) -> float:
        """How many standard errors an interval reaches."""
        return quantile(self.level)

    @property
    def alpha(self) -> float:
        """How often a false alarm is raised at most."""
        return 1 - self.level


@attrs.frozen(kw_only=True)
class Row:
    """The messages of one stratum at one account; ``delivered`` is None where none is reported."""

    account: str
    stratum: Stratum
    counts: Counts
    delivered: Estimate | None


@attrs.frozen(kw_only=True)
class Arm:
    """One account of a comparison.

    ``delivered``: the share of all that chance gave it and that it delivered itself; None where it
    never reports. ``arrived``: the share that some account delivered in the end, so far;
    ``confirmed``: the share of which the application heard, so far. ``times``: by when which share
    of all had arrived; ``arrived_times``: the same of those that did. ``curve`` is the share
    delivered over time, thinned for a picture. ``inflation``: how many messages tell as much as
    one alone, because several went to one recipient.
    """

    account: str
    counts: Counts
    inflation: float
    delivered: Estimate | None
    arrived: Estimate
    confirmed: Estimate
    times: tuple[Quantile, ...]
    arrived_times: tuple[Quantile, ...]
    curve: tuple[Point, ...] = attrs.field(repr=False)
    spending: tuple[Spending, ...]
    naive: Naive


def within(cells: Sequence[Cell], horizon: float) -> float:
    """Return until how many seconds after their assignment messages are compared.

    To the horizon, or as long as one in ten has been followed, whichever comes first.
    """
    every = moments((cell.counts for cell in cells if cell.reports), horizon)
    return min(horizon, followed(every, _FOLLOWED))


def share_of(counts: Counts, until: float, inflation: float = 1.0) -> Share:
    """Return the share delivered until then."""
    return by_the_end(curve(moments((counts,), until), until), inflation)


def row(cell: Cell, share: Share, z: float) -> Row:
    """Return what became of a cell's messages, of which this share was delivered."""
    known = estimate(share, z) if cell.reports else None
    return Row(account=cell.account, stratum=cell.stratum, counts=cell.counts, delivered=known)


def arm(account: str, cells: Sequence[Cell], until: float, z: float) -> Arm:
    """Return an account from its cells."""
    counts = total(cell.counts for cell in cells)
    reported = total(cell.counts for cell in cells if cell.reports)
    curves = _curves(reported, until)
    middle = curves[Reading.MIDDLE]
    more = inflation(reported)
    share = by_the_end(middle, more) if reported.assigned else None
    return Arm(
        account=account,
        counts=counts,
        inflation=inflation(*(cell.counts for cell in cells)),
        delivered=None if share is None else estimate(share, z),
        arrived=estimate(plain(counts.arrived, counts.assigned, more), z),
        confirmed=estimate(plain(counts.confirmed, counts.assigned, more), z),
        times=_times({name: tuple(band(one, z, more)) for name, one in curves.items()}),
        arrived_times=_times(
            {name: tuple(arrived_band(one, z, more)) for name, one in curves.items()}
        ),
        curve=_thinned(tuple(band(middle, z, more))),
        spending=spending(counts, share if counts.assigned == reported.assigned else None, z),
        naive=naive(counts),
    )


def _curves(counts: Counts, until: float) -> dict[Reading, Curve]:
    """Return the curve as each reading has it: they differ where some were found by asking."""
    readings = tuple(Reading) if counts.is_polled else (Reading.MIDDLE,)
    return {name: curve(moments((counts,), until, name), until) for name in readings}


def _times(bands: dict[Reading, tuple[Point, ...]]) -> tuple[Quantile, ...]:
    """Return the times by which the shares are reached; from the earliest to the latest reading."""
    found = []
    for share in QUANTILES:
        middle = reached(bands[Reading.MIDDLE], share)
        early, late = (
            reached(bands.get(name, bands[Reading.MIDDLE]), share)
            for name in (Reading.EARLY, Reading.LATE)
        )
        found.append(attrs.evolve(middle, low=early.low, high=late.high))
    return tuple(found)


def _thinned(points: tuple[Point, ...]) -> tuple[Point, ...]:
    kept: list[Point] = []
    for place, point in enumerate(points):
        is_step = not kept or point.share - kept[-1].share >= _STEP
        if is_step or place == len(points) - 1:
            kept.append(point)
    return tuple(kept)
