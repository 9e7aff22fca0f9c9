"""Tails, corrections and intervals of shares, against published figures."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.report.chances import chi_square_tail, holm, quantile, upper, wilson

Z = quantile(0.95)


@pytest.mark.parametrize(
    ("value", "freedom", "chance"),
    [
        (3.841, 1, 0.05),
        (5.991, 2, 0.05),
        (7.815, 3, 0.05),
        (124.342, 100, 0.05),
        (10.828, 1, 0.001),
    ],
)
def test_tail_is_that_of_the_tables(value: float, freedom: int, chance: float) -> None:
    """Every table of the chi-square distribution has these five points."""
    assert chance == pytest.approx(chi_square_tail(value, freedom), abs=5e-5)


@pytest.mark.parametrize(("value", "freedom"), [(0.0, 3), (-1.0, 1), (5.0, 0)])
def test_tail_of_nothing_is_certain(value: float, freedom: int) -> None:
    """No excess, or nothing that is free to vary, is no evidence of anything."""
    assert chi_square_tail(value, freedom) == 1.0


def test_tail_of_many_degrees_of_freedom_does_not_overflow() -> None:
    """A thousand strata are a chi-square like any other: near its mean the tail is near a half."""
    assert chi_square_tail(2000.0, 2000) == pytest.approx(0.4958, abs=1e-4)


def test_normal_points_are_those_of_the_tables() -> None:
    """95 % lies within 1.96 standard errors, and one in five above 0.8416."""
    assert quantile(0.95) == pytest.approx(1.959964, abs=1e-6)
    assert upper(0.2) == pytest.approx(0.841621, abs=1e-6)


def test_holm_is_as_published() -> None:
    """Holm (1979) steps down: the least is multiplied by all, the next by one fewer."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))


def test_holm_never_exceeds_one_and_knows_no_pairs() -> None:
    """A corrected p-value is a p-value; without pairs there is nothing to correct."""
    assert holm([0.6, 0.9]) == (1.0, 1.0)
    assert holm([]) == ()


@given(st.lists(st.floats(0, 1), max_size=6))
def test_holm_keeps_the_order_and_only_raises(chances: list[float]) -> None:
    """Who was surer stays surer, and nobody becomes surer than he was."""
    adjusted = holm(chances)
    assert all(after >= before for before, after in zip(chances, adjusted, strict=True))
    ranks = sorted(range(len(chances)), key=lambda place: chances[place])
    assert [adjusted[place] for place in ranks] == sorted(adjusted)


@pytest.mark.parametrize(
    ("count", "number", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_is_as_published(count: int, number: int, low: float, high: float) -> None:
    """Newcombe (1998, Statistics in Medicine 17, 857-872), table I, method 3."""
    assert (low, high) == pytest.approx(wilson(count / number, number, Z), abs=5e-5)


@given(st.integers(1, 400), st.floats(0, 1))
def test_wilson_holds_the_share_and_lies_within_0_and_1(number: int, part: float) -> None:
    """Also for none and for all of them, where it ends at 0 and at 1."""
    count = round(part * number)
    low, high = wilson(count / number, number, Z)
    assert 0 <= low <= count / number <= high <= 1
    assert (low == 0) == (count == 0)
    assert (high == 1) == (count == number)


def test_nothing_seen_is_everything_possible() -> None:
    """Without a message the share may be anything."""
    assert wilson(0.0, 0.0, Z) == (0.0, 1.0)


@given(st.integers(1, 200), st.integers(0, 200))
def test_more_messages_make_wilson_narrower(number: int, count: int) -> None:
    """The same share of four times as many has an interval about half as wide."""
    share = min(count, number) / number
    few, many = (wilson(share, size, Z) for size in (number, 4 * number))
    assert many[1] - many[0] < few[1] - few[0]
    assert math.isfinite(many[0])
