"""Shares, their differences, and what several messages to one recipient are worth."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.report.chances import quantile, wilson
from polysms.report.curves import curve, moments
from polysms.report.shares import Share, by_the_end, estimate, inflation, newcombe, plain
from tests.report.counting import recipients, settled, timed

pytestmark = pytest.mark.one_python

Z = quantile(0.95)
ROWS = st.lists(st.integers(1, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))


def share(count: float, number: float) -> Share:
    """Return the share of so many of so many."""
    return Share(share=count / number, messages=round(number), effective=number)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 20), 0.6791, 1.0000),
        ((0, 10), (0, 20), -0.1611, 0.2775),
    ],
)
def test_newcombe_is_as_published(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    """Newcombe (1998, Statistics in Medicine 17, 873-890), table II, method 10."""
    found = newcombe(share(*first), share(*second), Z)
    assert (low, high) == pytest.approx(found, abs=5e-5)


def test_settled_messages_are_worth_as_many() -> None:
    """With nothing pending the effective number is the number, and the interval is Wilson's."""
    counts = settled(93, 100)
    found = estimate(by_the_end(curve(moments([counts]))), Z)
    assert found.effective == pytest.approx(100)
    assert (found.low, found.high) == pytest.approx(wilson(0.93, 100, Z))
    assert plain(93, 100).effective == 100


def test_pending_messages_are_worth_less() -> None:
    """Half of them too young to tell: the share is known as from about half as many."""
    counts = timed([float(one) for one in range(1, 41)], [5.0] * 50 + [100.0] * 10)
    found = by_the_end(curve(moments([counts], 60.0), 60.0))
    assert found.messages == 100
    assert 45 < found.effective < 55


@pytest.mark.parametrize(
    ("delays", "ages", "effective"),
    [((), (60.0,) * 7 + (5.0,) * 3, 7), ((1.0,) * 10, (), 10), ((), (5.0,), 0), ((), (), 0)],
)
def test_none_and_all_are_as_sure_as_the_known(
    delays: tuple[float, ...], ages: tuple[float, ...], effective: int
) -> None:
    """A share of 0 or 1 has no variance: it rests on those whose fate is known."""
    counts = timed(delays, ages)
    assert effective == by_the_end(curve(moments([counts], 60.0), 60.0)).effective


def test_nothing_assigned_is_a_share_of_nothing() -> None:
    """No message, no share, and nothing known."""
    assert plain(0, 0) == Share(share=0.0, messages=0, effective=0.0)


def test_messages_of_one_fate_count_once() -> None:
    """A hundred recipients with four messages each, all or none delivered: worth a hundred."""
    counts = settled(360, 400, recipients=recipients([(4, 4)] * 90 + [(4, 0)] * 10))
    assert inflation(counts) == pytest.approx(4 * 100 / 99)
    assert plain(360, 400, inflation(counts)).effective == pytest.approx(99)


@pytest.mark.parametrize("delivered", [0, 400])
def test_without_a_failure_recipients_count_once(delivered: int) -> None:
    """None or all delivered says nothing of how alike they are: so they are taken as one."""
    counts = settled(delivered, 400, recipients=recipients([(4, delivered // 100)] * 100))
    assert inflation(counts) == 4.0


@pytest.mark.parametrize(
    "facts", [{}, {"recipients": recipients([(100, 90)])}, {"recipients": recipients([])}]
)
def test_no_recipients_no_inflation(facts: dict[str, Any]) -> None:
    """Messages that were assigned one by one count one by one; one recipient tells no variance."""
    assert inflation(settled(90, 100, **facts)) == 1.0


@given(ROWS.filter(len))
def test_recipients_never_tell_more_than_their_messages(rows: list[tuple[int, int]]) -> None:
    """However they are spread, the interval is not narrower than of independent messages."""
    assigned, delivered = (sum(part) for part in zip(*rows, strict=True))
    assert inflation(settled(delivered, assigned, recipients=recipients(rows))) >= 1.0


def test_of_few_recipients_it_is_told_together() -> None:
    """Strata alike in it are one estimate, and one without a failure adds nothing."""
    one = settled(36, 40, recipients=recipients([(4, 4)] * 9 + [(4, 0)]))
    assert inflation(one, one) == pytest.approx(inflation(one))
    clean = settled(40, 40, recipients=recipients([(4, 4)] * 10))
    assert inflation(one, clean, settled(3, 4)) == pytest.approx(inflation(one))
