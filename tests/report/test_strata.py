"""Differences within strata."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.report.chances import quantile
from polysms.report.shares import Share, newcombe
from polysms.report.strata import cochran_mantel_haenszel, difference

Z = quantile(0.95)
Table = tuple[int, int, int, int]
TABLES = st.lists(
    st.tuples(st.integers(1, 60), st.integers(1, 60), st.floats(0, 1), st.floats(0, 1)).map(
        lambda row: (round(row[0] * row[2]), row[0], round(row[1] * row[3]), row[1])
    ),
    min_size=1,
    max_size=6,
)
#: Admissions to Berkeley in 1973, by department: men and women admitted, of so many (Bickel,
#: Hammel and O'Connell, 1975). Women seem to be kept out, and within departments are not.
BERKELEY: tuple[Table, ...] = (
    (512, 825, 89, 108),
    (353, 560, 17, 25),
    (120, 325, 202, 593),
    (138, 417, 131, 375),
    (53, 191, 94, 393),
    (22, 373, 24, 341),
)


def share(count: float, number: float) -> Share:
    """Return the share of so many of so many."""
    return Share(share=count / number, messages=round(number), effective=number)


def pairs(tables: tuple[Table, ...] | list[Table]) -> list[tuple[Share, Share]]:
    """Return tables as pairs of shares."""
    return [(share(x1, n1), share(x2, n2)) for x1, n1, x2, n2 in tables]


def test_test_is_the_published_one() -> None:
    """Berkeley by department: a chi-square of 1.5246, not of the 92 that they seem to show."""
    assert cochran_mantel_haenszel(pairs(BERKELEY)) == pytest.approx(1.5246, abs=5e-5)
    together = [(sum(column) for column in zip(*BERKELEY, strict=True))]
    x1, n1, x2, n2 = together[0]
    assert cochran_mantel_haenszel([(share(x1, n1), share(x2, n2))]) == pytest.approx(92.2, abs=0.1)


def test_difference_within_strata_is_not_that_of_their_sums() -> None:
    """What looked like 14 points is none, and in the other direction."""
    found = difference(pairs(BERKELEY))
    assert found is not None
    assert -0.05 < found.difference < 0.0
    assert found.chance == pytest.approx(0.217, abs=5e-4)
    low, high = found.interval(Z)
    assert low < 0 < high


@pytest.mark.parametrize("table", [(56, 70, 48, 80), (9, 10, 3, 10), (0, 10, 0, 20)])
def test_one_stratum_is_the_classical_case(table: Table) -> None:
    """The interval is Newcombe's, and with equal numbers Sato's error is the usual one."""
    found = difference(pairs([table]))
    assert found is not None
    x1, n1, x2, n2 = table
    assert found.difference == pytest.approx(x1 / n1 - x2 / n2)
    assert found.interval(Z) == pytest.approx(newcombe(share(x1, n1), share(x2, n2), Z))


def test_equal_numbers_have_the_usual_standard_error() -> None:
    """One stratum, two accounts of 100: the root of the sum of their variances."""
    found = difference(pairs([(90, 100, 80, 100)]))
    assert found is not None
    assert found.standard_error == pytest.approx(math.sqrt(0.09 / 100 + 0.16 / 100))


def test_strata_that_only_one_has_are_left_out() -> None:
    """Nothing to compare with is no evidence."""
    both, alone = (90, 100, 80, 100), (share(5, 10), share(0, 1))
    unknown = (alone[0], Share(share=0.0, messages=4, effective=0.0))
    assert difference([*pairs([both]), unknown]) == difference(pairs([both]))
    assert difference([unknown]) is None
    assert difference([]) is None


def test_what_differs_between_strata_does_not_widen_the_interval() -> None:
    """95 % in one country and 45 % in another: each is known well, and so is the difference."""
    apart = difference(pairs([(475, 500, 475, 500), (225, 500, 225, 500)]))
    mixed = difference(pairs([(700, 1000, 700, 1000)]))
    assert apart is not None
    assert mixed is not None
    assert apart.interval(Z)[1] < 0.9 * mixed.interval(Z)[1]


def test_a_stratum_without_a_failure_does_not_pass_for_certain() -> None:
    """Ten of ten and five of ten: as if one of each kind had come on top, in each of them."""
    found = difference(pairs([(10, 10, 9, 10), (5, 10, 4, 10)]))
    assert found is not None
    within = (11 / 12 * 1 / 12 + 6 / 12 * 6 / 12) / 2
    mixed = 17 / 24 * 7 / 24
    assert found.first.effective == pytest.approx(20 * mixed / within)


def test_a_single_message_each_tells_nothing_of_variance() -> None:
    """One against one, one delivered: no chi-square from a table without freedom."""
    assert cochran_mantel_haenszel([(share(0.5, 0.5), share(0, 0.5))]) == 0.0


@given(TABLES)
def test_accounts_exchanged_give_the_difference_reversed(tables: list[Table]) -> None:
    """Nothing depends on who is named first."""
    one = difference(pairs(tables))
    other = difference([(second, first) for first, second in pairs(tables)])
    assert one is not None
    assert other is not None
    assert one.difference == pytest.approx(-other.difference)
    assert one.standard_error == pytest.approx(other.standard_error)
    assert one.chance == pytest.approx(other.chance)
    low, high = other.interval(Z)
    assert one.interval(Z) == pytest.approx((-high, -low))


@given(TABLES)
def test_interval_holds_the_difference(tables: list[Table]) -> None:
    """It lies within -1 and 1, and the difference within it."""
    found = difference(pairs(tables))
    assert found is not None
    low, high = found.interval(Z)
    assert -1 <= low <= found.difference + 1e-9
    assert found.difference - 1e-9 <= high <= 1
