"""How many messages it takes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.report.chances import quantile
from polysms.report.planning import always, detectable, false_alarms, needed

LEVELS = {"alpha": 0.05, "power": 0.8}


def test_needed_is_the_textbook_number() -> None:
    """60 % against 70 %: 356 each (Fleiss, Levin and Paik, 2003, before their continuity)."""
    assert needed(0.7, 0.1, 1.0, **LEVELS) == pytest.approx(356, abs=1)


def test_needed_counts_the_first_account() -> None:
    """Who gives the second three times as many needs fewer for the first, and more in all."""
    even, uneven = (needed(0.95, 0.01, ratio, **LEVELS) for ratio in (1.0, 3.0))
    assert uneven < even
    assert 4 * uneven > 2 * even


@pytest.mark.parametrize("share", [0.0, 0.005, 1.0])
def test_needed_at_the_ends(share: float) -> None:
    """Where nothing or everything arrives, a difference is still one that can be."""
    assert 100 < needed(share, 0.01, 1.0, **LEVELS) < 2000


@given(st.floats(0.5, 0.999), st.floats(200, 20_000), st.floats(0.2, 5))
def test_detectable_is_what_needed_asks_for(share: float, first: float, ratio: float) -> None:
    """The difference that so many messages show takes so many messages to show."""
    margin = detectable(share, first, first * ratio, **LEVELS)
    assert margin is not None
    assert needed(share, margin, ratio, **LEVELS) == pytest.approx(first, rel=1e-3)


@pytest.mark.parametrize(("first", "second"), [(0.0, 100.0), (100.0, 0.0), (1.0, 1.0)])
def test_too_few_detect_nothing(first: float, second: float) -> None:
    """Without messages, or with one each, not even all against nothing is shown."""
    assert detectable(0.5, first, second, **LEVELS) is None


@given(st.floats(-0.2, 0.2), st.floats(0.0001, 0.1))
def test_interval_for_any_number_of_looks_is_wider(difference: float, error: float) -> None:
    """Who may look as often as he likes must be surer."""
    low, high = always(difference, error, 0.05, expected=0.03)
    assert low < max(-1.0, difference - quantile(0.95) * error) or low == -1.0
    assert high > min(1.0, difference + quantile(0.95) * error) or high == 1.0


@pytest.mark.parametrize(("difference", "error"), [(0.0, 0.01), (0.02, 0.003)])
def test_interval_for_any_number_of_looks_ends_where_the_mixture_says(
    difference: float, error: float
) -> None:
    """At its ends the likelihood, mixed over normal differences of 3 points, is 20 times that of 0.

    By Ville's inequality it is ever so great in at most one of twenty experiments without one.
    """
    low, high = always(difference, error, 0.05, expected=0.03)
    for end in (low, high):
        growth = 1 + 0.03**2 / error**2
        far = ((end - difference) / error) ** 2
        mixed = math.exp(far / 2 * (growth - 1) / growth) / math.sqrt(growth)
        assert mixed == pytest.approx(20)


def test_interval_without_messages_says_nothing() -> None:
    """No standard error, no bound."""
    assert always(0.0, 0.0, 0.05, expected=0.03) == (-1.0, 1.0)


@pytest.mark.parametrize(
    ("looks", "alarms"),
    [(0, 0.05), (1, 0.05), (2, 0.083), (5, 0.142), (10, 0.193), (50, 0.320), (999, 0.320)],
)
def test_looks_raise_false_alarms_as_published(looks: int, alarms: float) -> None:
    """Armitage, McPherson and Rowe (1969), table 2."""
    assert alarms == pytest.approx(false_alarms(looks, 0.05))


def test_looks_between_the_published_ones() -> None:
    """Seven looks lie between five and ten; at one in a hundred they raise a fifth."""
    assert 0.142 < false_alarms(7, 0.05) < 0.193
    assert false_alarms(7, 0.01) == pytest.approx(false_alarms(7, 0.05) / 5)
