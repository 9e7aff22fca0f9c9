"""The share delivered over time, and when a share is reached."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.report import Delay, Point, Quantile
from polysms.report.chances import quantile
from polysms.report.curves import (
    Moment,
    Reading,
    arrived_band,
    band,
    curve,
    followed,
    moments,
    reached,
    variance,
)
from tests.report.counting import settled, timed
from tests.report.trial import placebo, treated

Z = quantile(0.95)
TIMES = st.lists(st.floats(0.1, 50), max_size=30)


def test_curve_is_the_published_one() -> None:
    """Kalbfleisch and Prentice (2002), table 1.2, with Greenwood's standard errors."""
    found = curve(moments([treated()]))
    waiting = {
        seconds: (1 - share, math.sqrt(variance(share, greenwood)))
        for seconds, share, greenwood in zip(found.times, found.shares, found.sums, strict=True)
    }
    expected = {
        6: (0.857, 0.0764),
        7: (0.807, 0.0869),
        10: (0.753, 0.0963),
        13: (0.690, 0.1068),
        16: (0.627, 0.1141),
        22: (0.538, 0.1282),
        23: (0.448, 0.1346),
    }
    assert list(expected) == list(waiting)
    for seconds, figures in expected.items():
        assert figures == pytest.approx(waiting[seconds], abs=5e-4)


def test_medians_are_the_published_ones() -> None:
    """Half relapsed by 23 weeks under 6-mercaptopurine and by 8 under placebo."""
    bands = [band(curve(moments([one])), Z) for one in (treated(), placebo())]
    assert [reached(one, 0.5).seconds for one in bands] == [23, 8]


def test_nothing_that_failed_ever_arrives() -> None:
    """A provider that loses half of them has a curve that ends at a half, and no p90."""
    found = curve(moments([settled(50, 100)]))
    assert found.share == pytest.approx(0.5)
    assert found.variance == pytest.approx(0.5 * 0.5 / 100)
    assert reached(band(found, Z), 0.9) == Quantile(share=0.9, seconds=None, low=None, high=None)


def test_pending_messages_count_as_long_as_they_were_followed() -> None:
    """One delivered, one pending that is younger: nobody knows of the latter's second half."""
    happened = moments([timed([2.0, 10.0], [5.0])])
    assert happened == (Moment(2.0, 1, 0), Moment(5.0, 0, 1), Moment(10.0, 1, 0))
    assert curve(happened).shares == pytest.approx((1 / 3, 1.0))


def test_what_comes_later_is_followed_to_the_end_only() -> None:
    """A delivery after the end is none yet; both it and an older age are followed to the end."""
    happened = moments([timed([2.0, 10.0], [50.0])], until=5.0)
    assert happened == (Moment(2.0, 1, 0), Moment(5.0, 0, 2))
    assert curve(happened, 5.0).known == 3


def test_known_are_those_whose_fate_by_the_end_is() -> None:
    """Delivered, or followed to the end; those lost on the way are not."""
    found = curve(moments([timed([2.0], [1.0, 5.0])], until=5.0), 5.0)
    assert (found.assigned, found.known) == (3, 2)


@pytest.mark.parametrize(
    ("reading", "seconds"),
    [(Reading.EARLY, 10.0), (Reading.MIDDLE, 20.0), (Reading.LATE, 30.0)],
)
def test_polled_ends_lie_between_two_looks(reading: Reading, seconds: float) -> None:
    """Found by asking at 30 s, asked in vain at 10 s: it arrived between the two."""
    counts = settled(1, 1, delays=(Delay(30.0, 1, after=10.0),))
    assert moments([counts], reading=reading) == (Moment(seconds, 1, 0),)


def test_followed_tells_until_when_enough_were() -> None:
    """Ages of 1 to 10: half are followed beyond 5, and one in ten beyond 9."""
    happened = moments([timed([], [float(age) for age in range(1, 11)])])
    assert followed(happened, 0.5) == 6.0
    assert followed(happened, 0.05) == 10.0
    assert followed(moments([timed([3.0, 4.0])]), 0.5) == math.inf


def test_curve_of_nothing_is_flat() -> None:
    """Without a delivery there is no step, no variance and no time."""
    found = curve(moments([timed([], [4.0, 5.0])], until=5.0), 5.0)
    assert (found.share, found.variance, found.times) == (0.0, 0.0, ())
    assert (list(band(found, Z)), list(arrived_band(found, Z))) == ([], [])
    assert found.known == 1


@given(TIMES, TIMES)
def test_curve_only_rises(delays: list[float], ages: list[float]) -> None:
    """Shares rise from 0 to 1 at most, and lie within their intervals."""
    found = curve(moments([timed(delays, ages)]))
    assert list(found.shares) == sorted(found.shares)
    for point in (*band(found, Z), *arrived_band(found, Z)):
        assert -1e-9 <= point.low <= point.share + 1e-9
        assert point.share - 1e-9 <= point.high <= 1 + 1e-9


@given(TIMES.filter(len))
def test_without_pending_it_is_the_plain_share(delays: list[float]) -> None:
    """Everything settled: what Kaplan and Meier estimate is what one would count."""
    found = curve(moments([timed(delays)]))
    for seconds, share in zip(found.times, found.shares, strict=True):
        assert share == pytest.approx(sum(one <= seconds for one in delays) / len(delays))


def test_delays_of_the_arrived_are_those_of_fewer_messages() -> None:
    """Half of them lost: of the 100 that arrived the median's interval is that of 100 messages."""
    delays = [float(second) for second in range(1, 101)]
    lossy = curve(moments([timed(delays, [1e6] * 100)]))
    alone = curve(moments([timed(delays)]))
    assert [tuple(point) for point in arrived_band(lossy, Z)][:99] == [
        pytest.approx(tuple(point)) for point in band(alone, Z)
    ][:99]


def test_the_last_percent_is_not_known_from_few() -> None:
    """Twenty messages that all arrived do not tell when 99 of a hundred will have."""
    found = reached(band(curve(moments([timed([float(one) for one in range(1, 21)])])), Z), 0.99)
    assert (found.seconds, found.high) == (20.0, None)


def test_what_is_known_never_grows_along_a_curve() -> None:
    """Ever fewer are followed: late in a curve an interval is as of fewer messages, not of more."""
    chance = random.Random(4)  # noqa: S311 - no secret
    for _ in range(20):
        delays = [chance.lognormvariate(3, 1) for _ in range(60)]
        ages = [chance.uniform(0, 60) for _ in delays]
        pairs = list(zip(delays, ages, strict=True))
        known = timed(
            [delay for delay, age in pairs if delay <= age],
            [age for delay, age in pairs if delay > age],
        )
        found = curve(moments([known]))
        for points in (band(found, Z), arrived_band(found, Z)):
            # Wilson's own equation at its lower end tells of how many it is.
            numbers = [
                Z**2 * point.low * (1 - point.low) / (point.share - point.low) ** 2
                for point in points
            ]
            assert all(later <= number + 1e-6 for number, later in pairwise(numbers))


def test_reached_takes_the_first_moment() -> None:
    """A share is reached where the curve first has it, or is nearer to it than rounding."""
    points = [Point(1.0, 0.3, 0.1, 0.5), Point(2.0, 0.5 - 1e-15, 0.4, 0.7), Point(3.0, 0.9, 0.6, 1)]
    assert reached(points, 0.5) == Quantile(share=0.5, seconds=2.0, low=1.0, high=3.0)
