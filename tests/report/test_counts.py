"""Counts: their buckets, their sums, and what they refuse."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.report import (
    Age,
    Clock,
    Cost,
    Counts,
    Delay,
    Rescue,
    Segments,
    Stratum,
    bucket,
)
from polysms.report.counts import total
from tests.report.counting import GB, cell, recipients, settled


@given(st.floats(0, 90_000_000))
def test_bucket_is_near_the_delay(seconds: float) -> None:
    """A bucket's middle is at most 0.5 % off, or 5 ms, of whole milliseconds."""
    assert abs(bucket(seconds) - seconds) <= max(0.005, 0.005 * seconds) + 1e-3


@given(st.floats(0, 2_000_000), st.floats(0, 2_000_000))
def test_buckets_keep_the_order(one: float, other: float) -> None:
    """Who was later is not in an earlier bucket."""
    assert bucket(min(one, other)) <= bucket(max(one, other))


@pytest.mark.parametrize(
    ("seconds", "middle"),
    [(-3.0, 0.005), (0.0, 0.005), (0.999, 0.995), (1.0, 1.005), (2.01, 2.01), (999.0, 997.5)],
)
def test_buckets_edges(seconds: float, middle: float) -> None:
    """10 ms up to 2 s, then wider step by step; before the start is the start."""
    assert middle == pytest.approx(bucket(seconds))


@pytest.mark.parametrize(
    ("stratum", "words"),
    [
        (Stratum("US", "sms", 2), "US sms of 2 segments"),
        (Stratum("GB", "mms", 1, "from May"), "GB mms of 1 segment from May"),
        (Stratum("US"), "US"),
        (Stratum(), "all"),
    ],
)
def test_stratum_has_a_name(stratum: Stratum, words: str) -> None:
    """What is not told apart is not named."""
    assert words == str(stratum)


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        (settled(90, 100, undelivered=9), "there are 99 messages in all, and there should be 100"),
        (settled(90, 100, delays=(Delay(3.0, 89),)), "89 delays, and there should be 90"),
        (settled(90, 100, ages=()), "there are 0 ages, and there should be 10"),
    ],
)
def test_counts_that_contradict_each_other_are_refused(counts: Counts, sentence: str) -> None:
    """Nothing that is compared may be counted twice or not at all."""
    with pytest.raises(ValueError, match=sentence):
        cell("wavix", counts)


def test_sent_are_those_that_may_have_reached_the_provider() -> None:
    """Refused and not sent did not; pending and maybe sent may have."""
    counts = settled(80, 100, undelivered=10, not_sent=4, refused={"sender": 3, "balance": 3})
    assert counts.sent == 90


def test_total_adds_everything_up() -> None:
    """Counts add, refusals by reason, costs by currency, delays in a row; the worst clock stays."""
    mine = settled(
        8,
        10,
        undelivered=1,
        refused={"sender": 1},
        costs={"USD": Cost(priced=9, total=Decimal("0.9"), squares=0.09)},
        segments=Segments(messages=9, predicted=9, billed=10, differing=1),
        clock=Clock(reports=9, ahead=1, worst=3.0),
        rescue=Rescue(attempts=1, delivered=1),
        recipients=recipients([(10, 8)]),
    )
    theirs = settled(
        3,
        5,
        costs={
            "USD": Cost(priced=5, total=Decimal("0.6"), squares=0.08),
            "EUR": Cost(priced=1, total=Decimal("0.2"), squares=0.04),
        },
        clock=Clock(reports=5, ahead=0, worst=0.5),
        recipients=recipients([(5, 3)]),
    )
    both = total([mine, theirs])
    assert (both.assigned, both.delivered, both.undelivered) == (15, 11, 3)
    assert both.refused == {"sender": 1}
    dollars = both.costs["USD"]
    assert (dollars.priced, dollars.total) == (14, Decimal("1.5"))
    assert dollars.squares == pytest.approx(0.17)
    assert both.costs["EUR"].priced == 1
    assert both.segments == mine.segments
    assert both.clock == Clock(reports=14, ahead=1, worst=3.0)
    assert both.rescue == Rescue(attempts=1, delivered=1)
    assert both.recipients == recipients([(10, 8), (5, 3)])
    assert both.delays == (*mine.delays, *theirs.delays)
    assert both.ages == (*mine.ages, *theirs.ages)


def test_recipients_of_some_are_not_those_of_all() -> None:
    """Where one stratum was not counted by recipient, the sum was not."""
    counted = settled(8, 10, recipients=recipients([(10, 8)]))
    assert total([counted, settled(1, 2)]).recipients is None


def test_total_of_nothing_is_nothing() -> None:
    """An account without a cell has no messages."""
    assert total([]) == Counts()


def test_polled_are_those_with_a_last_look() -> None:
    """One end that was found by asking makes the times of its account uncertain."""
    assert not settled(3, 4).is_polled
    assert settled(3, 4, delays=(Delay(9.0, 2), Delay(9.0, 1, after=4.0))).is_polled


def test_cells_of_a_stratum_are_not_one() -> None:
    """Two cells with the same counts are two cells: they are keys of what is known of them."""
    assert cell("wavix", settled(1, 1), GB) != cell("wavix", settled(1, 1), GB)
    assert Age(3.0) == Age(3.0, 1)
