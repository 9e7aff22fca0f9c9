"""Whose messages arrive sooner."""

from __future__ import annotations

import pytest

from polysms.report.curves import moments
from polysms.report.logrank import log_rank
from tests.report.counting import settled, timed
from tests.report.trial import placebo, treated


def test_log_rank_is_the_published_one() -> None:
    """The trial's chi-square is 16.79, with 10.75 relapses fewer than if both were alike."""
    test = log_rank([(moments([treated()]), moments([placebo()]))])
    assert test.chi_square == pytest.approx(16.79, abs=5e-3)
    assert test.excess == pytest.approx(9 - 19.25, abs=5e-3)
    assert test.chance < 0.0001


def test_who_loses_messages_is_not_sooner() -> None:
    """As fast, but half of them lost: what never arrives is later than anything."""
    test = log_rank([(moments([settled(95, 100)]), moments([settled(50, 100)]))])
    assert test.excess > 0
    assert test.chance < 0.001


def test_strata_add_up() -> None:
    """Twice the same stratum is twice the excess with twice the variance."""
    one = (moments([treated()]), moments([placebo()]))
    single, double = log_rank([one]), log_rank([one, one])
    assert double.excess == pytest.approx(2 * single.excess)
    assert double.variance == pytest.approx(2 * single.variance)


def test_alike_messages_of_one_recipient_tell_less() -> None:
    """Inflated four times, the variance makes the chi-square a quarter."""
    one = (moments([treated()]), moments([placebo()]))
    assert log_rank([one], 4.0).chi_square == pytest.approx(log_rank([one]).chi_square / 4)


@pytest.mark.parametrize("ages", [(), (5.0,)])
def test_nothing_delivered_shows_nothing(ages: tuple[float, ...]) -> None:
    """No event, no evidence; neither from the last message alone."""
    nothing = moments([timed([], ages)])
    assert log_rank([(nothing, nothing)]).chance == 1.0
    assert log_rank([(moments([timed([3.0])]), nothing[:0])]).chi_square == 0.0
    assert log_rank([]).chance == 1.0
