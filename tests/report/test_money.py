"""What a message cost, and what a delivered one did."""

from __future__ import annotations

import math
from decimal import Decimal
from statistics import fmean, pvariance
from typing import Any

import pytest

from polysms.report import Cost, Counts, Segments
from polysms.report.chances import quantile
from polysms.report.money import Spending, spending
from polysms.report.shares import Share
from tests.report.counting import settled

Z = quantile(0.95)
#: Prices, each with whether the message was delivered: what fails is charged less.
ROWS = [(0.02, 1)] * 70 + [(0.04, 1)] * 20 + [(0.01, 0)] * 10


def cost(rows: list[tuple[float, int]]) -> Cost:
    """Return the sums over priced messages."""
    return Cost(
        priced=len(rows),
        total=Decimal(str(round(sum(price for price, _ in rows), 6))),
        squares=sum(price**2 for price, _ in rows),
        delivered=sum(hit for _, hit in rows),
        delivered_total=Decimal(str(round(sum(price for price, hit in rows if hit), 6))),
    )


def counted(rows: list[tuple[float, int]], **facts: Any) -> Counts:
    """Return settled messages with these prices in dollars."""
    return settled(sum(hit for _, hit in rows), len(rows), costs={"USD": cost(rows)}, **facts)


def known(counts: Counts) -> Share:
    """Return the share that was delivered of settled messages."""
    share = counts.delivered / counts.assigned
    return Share(share=share, messages=counts.assigned, effective=counts.assigned)


def spent(counts: Counts) -> Spending:
    """Return what was spent in the only currency."""
    (found,) = spending(counts, known(counts), Z)
    return found


def test_delivered_messages_bear_the_cost_of_all() -> None:
    """2.30 dollars for a hundred messages of which 90 arrived: 2.56 cents for each of those."""
    found = spent(counted(ROWS))
    assert (found.currency, found.priced, found.total) == ("USD", 100, Decimal("2.30"))
    assert found.per_message == pytest.approx(0.023)
    assert found.per_delivered == pytest.approx(2.3 / 90)


def test_interval_is_that_of_a_ratio_of_means() -> None:
    """The delta method (Cochran, 1977): the residuals of price less ratio times delivered."""
    found = spent(counted(ROWS))
    prices, hits = ([float(one) for one in column] for column in zip(*ROWS, strict=True))
    ratio = fmean(prices) / fmean(hits)
    left = [price - ratio * hit for price, hit in zip(prices, hits, strict=True)]
    error = math.sqrt(pvariance(left) / len(left)) / fmean(prices)
    assert found.standard_error == pytest.approx(error)
    assert found.low == pytest.approx(ratio * math.exp(-Z * error))
    assert found.high == pytest.approx(ratio * math.exp(Z * error))


def test_a_fixed_price_varies_only_by_delivery() -> None:
    """All cost the same: only the share delivered is uncertain, also where they are free."""
    found = spent(counted([(0.02, 1)] * 90 + [(0.02, 0)] * 10))
    assert found.standard_error == pytest.approx(math.sqrt(0.1 / (0.9 * 100)), rel=1e-6)
    assert spent(counted([(0.0, 1)] * 9 + [(0.0, 0)])).per_delivered == 0.0


def test_refused_messages_cost_nothing() -> None:
    """Ten of them refused, unpriced: the delivered bear the cost of the ninety that were sent."""
    rows = [(0.02, 1)] * 80 + [(0.02, 0)] * 10
    counts = settled(80, 100, undelivered=10, refused={"sender": 10}, costs={"USD": cost(rows)})
    assert spent(counts).per_delivered == pytest.approx(0.02 * 90 / 80)


def test_cost_of_a_segment_goes_by_what_was_billed() -> None:
    """Two billed for each predicted one make each half as dear; unbilled ones are predicted."""
    billed = Segments(messages=100, predicted=100, billed=200, differing=100)
    assert spent(counted(ROWS, segments=billed)).per_segment == pytest.approx(0.0115)
    predicted = Segments(messages=100, predicted=100)
    assert spent(counted(ROWS, segments=predicted)).per_segment == pytest.approx(0.023)
    assert spent(counted(ROWS)).per_segment is None


def test_currencies_are_never_added_up() -> None:
    """Two currencies, two rows, and no cost of a delivered message in either."""
    counts = settled(9, 10, costs={"USD": cost(ROWS[:6]), "EUR": cost(ROWS[:3])})
    found = spending(counts, known(counts), Z)
    assert [one.currency for one in found] == ["EUR", "USD"]
    assert [one.per_delivered for one in found] == [None, None]


@pytest.mark.parametrize(
    ("counts", "share"),
    [
        (settled(0, 10, costs={"USD": cost(ROWS[-10:])}), 0.0),
        (settled(0, 10, undelivered=0, not_sent=10, costs={"USD": cost(ROWS[:1])}), 0.5),
    ],
)
def test_nothing_delivered_has_no_cost(counts: Counts, share: float) -> None:
    """Nor where nothing was sent: there is nothing to divide by."""
    known_share = Share(share=share, messages=10, effective=10)
    (found,) = spending(counts, known_share, Z)
    assert (found.per_delivered, found.low, found.standard_error) == (None, None, None)


def test_unpriced_messages_are_not_told() -> None:
    """A currency without a priced message is none, and a share that is not known no divisor."""
    none = Cost(priced=0, total=Decimal(0), squares=0.0)
    counts = settled(9, 10, costs={"USD": none})
    assert spending(counts, known(counts), Z) == ()
    (found,) = spending(counted(ROWS), None, Z)
    assert found.per_delivered is None
