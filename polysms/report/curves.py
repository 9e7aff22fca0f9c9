"""The share delivered by each moment: Kaplan and Meier's estimate, with its interval.

Time runs from the assignment. A message that failed never arrives: its delay is endless, and like
one that is pending it is followed to its age now, no further. So a provider that loses messages is
not flattered, and neither is one whose messages are young. Without messages that are pending the
curve is the plain share of all assigned that was delivered by then.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

import attrs

from polysms.report.chances import wilson
from polysms.report.counts import Counts

#: Sums of shares are not exact: what is so near to a share has reached it.
_NEAR = 1e-12


class Reading(StrEnum):
    """When messages count as delivered whose end was found by asking."""

    EARLY = "early"
    MIDDLE = "middle"
    LATE = "late"


class Moment(NamedTuple):
    """At so many seconds: how many were delivered, and how many are followed no further."""

    seconds: float
    delivered: int = 0
    ended: int = 0


def moments(
    counts: Iterable[Counts], until: float = math.inf, reading: Reading = Reading.MIDDLE
) -> tuple[Moment, ...]:
    """Return what happened at each moment, in order; what is later is followed to ``until``."""
    delivered: dict[float, int] = defaultdict(int)
    ended: dict[float, int] = defaultdict(int)
    for one in counts:
        for delay in one.delays:
            delivered[_read(delay.seconds, delay.after, reading)] += delay.count
        for age in one.ages:
            ended[age.seconds] += age.count
    times = sorted(time for time in {*delivered, *ended} if time <= until)
    every = [Moment(time, delivered.get(time, 0), ended.get(time, 0)) for time in times]
    later = sum(
        count for table in (delivered, ended) for time, count in table.items() if time > until
    )
    return (*every, Moment(until, 0, later)) if later else tuple(every)


def _read(seconds: float, after: float | None, reading: Reading) -> float:
    if after is None or reading is Reading.LATE:
        return seconds
    return after if reading is Reading.EARLY else (after + seconds) / 2


@attrs.frozen(kw_only=True)
class Curve:
    """The share of all assigned that was delivered by each of ``times``.

    ``sums`` are Greenwood's (1926), ``assigned`` how many there were, ``known`` of how many it is
    known at the end of the curve whether they had been delivered.
    """

    times: tuple[float, ...]
    shares: tuple[float, ...]
    sums: tuple[float, ...]
    assigned: int
    known: int

    @property
    def share(self) -> float:
        """The share at its end."""
        return self.shares[-1] if self.shares else 0.0

    @property
    def variance(self) -> float:
        """The variance of the share at its end."""
        return variance(self.shares[-1], self.sums[-1]) if self.shares else 0.0


def curve(happened: Iterable[Moment], until: float = math.inf) -> Curve:
    """Return the curve of what happened until then (Kaplan and Meier, 1958)."""
    every = tuple(happened)
    assigned = at_risk = sum(one.delivered + one.ended for one in every)
    times, shares, sums = [], [], []
    waiting, greenwood, known = 1.0, 0.0, 0
    for one in every:
        if one.delivered:
            left = at_risk - one.delivered
            waiting *= left / at_risk
            greenwood += one.delivered / (at_risk * left) if left else 0.0
            times.append(one.seconds)
            shares.append(1 - waiting)
            sums.append(greenwood)
        known += one.delivered + (one.ended if one.seconds >= until else 0)
        at_risk -= one.delivered + one.ended
    return Curve(
        times=tuple(times),
        shares=tuple(shares),
        sums=tuple(sums),
        assigned=assigned,
        known=known,
    )


def variance(share: float, greenwood: float) -> float:
    """Return Greenwood's variance of a share."""
    return (1 - share) ** 2 * greenwood


def followed(happened: Iterable[Moment], least: float) -> float:
    """Return until when at least this part of the messages was followed.

    The curve with the roles exchanged (Schemper and Smith, 1996): being followed no further is the
    event, and a delivery hides when that would have been.
    """
    every = tuple(happened)
    at_risk = sum(one.delivered + one.ended for one in every)
    part = 1.0
    for one in every:
        at_risk -= one.delivered
        if one.ended:
            part *= 1 - one.ended / at_risk
            at_risk -= one.ended
        if part < least:
            return one.seconds
    return math.inf


class Point(NamedTuple):
    """The share delivered by a moment, with its interval."""

    seconds: float
    share: float
    low: float
    high: float


def band(one: Curve, z: float, inflation: float = 1.0) -> Iterator[Point]:
    """Yield the curve with an interval at each of its moments."""
    spreads = (
        variance(share, greenwood) for share, greenwood in zip(one.shares, one.sums, strict=True)
    )
    return _band(one, one.shares, spreads, z, inflation)


def arrived_band(one: Curve, z: float, inflation: float = 1.0) -> Iterator[Point]:
    """Yield the same curve among those only that were delivered by its end."""
    end, whole = one.share, one.variance
    parts = [share / end for share in one.shares]
    spreads = (
        variance(share, greenwood)
        - 2 * part * (1 - share) * (1 - end) * greenwood
        + part**2 * whole
        for part, share, greenwood in zip(parts, one.shares, one.sums, strict=True)
    )
    return _band(one, parts, (spread / end**2 for spread in spreads), z, inflation)


def _band(
    one: Curve, shares: Iterable[float], spreads: Iterable[float], z: float, inflation: float
) -> Iterator[Point]:
    """Yield Wilson's interval of each share, known as well as from ``number`` messages.

    Near its end the curve varies no more, which is no certainty: the number stays what it was.
    """
    number: float = one.assigned
    for seconds, share, spread in zip(one.times, shares, spreads, strict=True):
        if share * (1 - share) > _NEAR and spread > _NEAR**2:
            number = share * (1 - share) / spread
        yield Point(seconds, share, *wilson(share, number / inflation, z))


@attrs.frozen(kw_only=True)
class Quantile:
    """When this share had been delivered, in seconds; None: not by the end of what is known."""

    share: float
    seconds: float | None
    low: float | None
    high: float | None


def reached(points: Iterable[Point], share: float) -> Quantile:
    """Return when a share is reached (Brookmeyer and Crowley, 1982).

    Its interval is every moment at which the curve's own interval holds the share.
    """
    found: dict[str, float] = {}
    least = share - _NEAR
    for point in points:
        if point.high >= least:
            found.setdefault("low", point.seconds)
        if point.share >= least:
            found.setdefault("seconds", point.seconds)
        if point.low >= least:
            found.setdefault("high", point.seconds)
            break
    return Quantile(
        share=share,
        seconds=found.get("seconds"),
        low=found.get("low"),
        high=found.get("high"),
    )
