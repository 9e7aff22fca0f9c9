"""Counts become a report."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.report import (
    Age,
    Cell,
    Cost,
    Counts,
    Delay,
    Naive,
    Pair,
    Report,
    Rescue,
    Stratum,
    Terms,
    compare,
)
from polysms.report.naive import naive, naive_chance
from tests.report.counting import GB, US, cell, recipients, settled, timed

pytestmark = pytest.mark.one_python

BETTER = settled(970, 1000)
WORSE = settled(900, 1000)


def pair(mine: Counts, theirs: Counts, terms: Terms | None = None, **facts: Any) -> Pair:
    """Return two accounts compared."""
    cells = [cell("wavix", mine, **facts), cell("signalwire", theirs)]
    (found,) = compare(cells, terms).pairs
    return found


def said(mine: Counts, theirs: Counts, terms: Terms | None = None) -> list[str]:
    """Return what is said of two accounts."""
    report = compare([cell("wavix", mine), cell("signalwire", theirs)], terms)
    return list(report.verdicts[0])


def test_better_is_shown() -> None:
    """97 % against 90 % of a thousand each is no chance, whoever is named first."""
    found = pair(BETTER, WORSE).delivered
    assert found is not None
    assert found.difference == pytest.approx(0.07)
    assert 0 < found.low < 0.07 < found.high
    assert found.shown
    reverse = pair(WORSE, BETTER).delivered
    assert reverse is not None
    assert (reverse.low, reverse.high) == pytest.approx((-found.high, -found.low))


def test_verdict_names_the_better_one() -> None:
    """The account, the difference, its interval, and that more arrive sooner."""
    mine, sooner, *_ = said(BETTER, WORSE)
    assert mine == (
        "wavix delivers more than signalwire within 3 d (wavix less signalwire: +7.0 points, "
        "95% interval +4.9 to +9.2, p < 0.001)."
    )
    assert sooner == (
        "More texts arrive sooner through wavix (p < 0.001); what never arrives counts as latest "
        "of all."
    )
    theirs, sooner, *_ = said(WORSE, BETTER)
    assert theirs.startswith("signalwire delivers more than wavix")
    assert sooner.startswith("More texts arrive sooner through signalwire")


def test_no_difference_is_an_answer() -> None:
    """It says what would still fit, and how many more it takes to tell."""
    mine, sooner, more, arrived = said(settled(905, 1000), WORSE)
    assert mine == (
        "wavix and signalwire: no difference shown in what is delivered within 3 d (+0.5 points, "
        "95% interval -2.1 to +3.1, p = 0.71). Every difference in the interval fits what was seen."
    )
    assert sooner == "Which one's texts arrive sooner: no difference shown."
    assert more == (
        "It takes about 13,000 more texts each to tell a difference of 1 point. "
        "Those there are would have shown one of 4.0 points."
    )
    assert arrived == (
        "Arrived in the end, by whichever account: no difference shown, wavix less signalwire "
        "+0.5 points (-2.1 to +3.1)."
    )


def test_enough_is_said_too() -> None:
    """Where a margin of 20 points would have been shown, nothing more is asked for."""
    sentences = said(settled(905, 1000), WORSE, Terms(margin=0.2))
    assert "There are enough texts to tell a difference of 20 points." in sentences


def test_unequal_shares_need_unequal_numbers() -> None:
    """Who gets a tenth of the messages gets a tenth of those still needed."""
    (more,) = [
        one for one in said(settled(905, 1000), settled(90, 100)) if one.startswith("It takes")
    ]
    assert "more texts to wavix and about" in more


def test_too_few_for_anything() -> None:
    """One message each shows nothing, whatever the difference."""
    sentences = said(settled(1, 1), settled(0, 1))
    (more,) = [one for one in sentences if one.startswith("It takes")]
    assert "would have shown" not in more


def test_what_the_application_confirms_stands_beside() -> None:
    """Its own difference with its own correction; without a confirmation it is not told."""
    mine, theirs = (attrs.evolve(BETTER, confirmed=count) for count in (800, 500))
    found = pair(mine, theirs)
    assert found.confirmed is not None
    assert found.confirmed.shown
    assert found.confirmed.difference == pytest.approx(0.3)
    assert (
        "Confirmed by your application, so far: wavix less signalwire +30.0 points "
        "(+26.0 to +33.9)."
    ) in said(mine, theirs)
    assert pair(BETTER, WORSE).confirmed is None


def test_outcomes_belong_to_the_account_that_was_first() -> None:
    """What signalwire rescued counts for nobody's delivered: for wavix's arrived, and is shown."""
    mine = settled(600, 1000, undelivered=0, refused={"balance": 400}, arrived=980)
    theirs = settled(900, 1000, rescue=Rescue(attempts=400, delivered=380, undelivered=20))
    report = compare([cell("wavix", mine), cell("signalwire", theirs)])
    first, second = report.arms
    assert first.delivered is not None
    assert second.delivered is not None
    assert (first.delivered.share, second.delivered.share) == pytest.approx((0.6, 0.9))
    assert (first.arrived.share, second.arrived.share) == pytest.approx((0.98, 0.9))
    assert (first.naive.share, second.naive.share) == pytest.approx((1.0, 1280 / 1400))


def test_three_accounts_are_three_pairs_and_corrected() -> None:
    """The more pairs, the surer each must be: its interval is wider and its p-value greater."""
    counts = {"a": settled(930, 1000), "b": WORSE, "c": settled(905, 1000)}
    report = compare([cell(name, one, share=1 / 3) for name, one in counts.items()])
    assert [(one.first, one.second) for one in report.pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    for found in report.pairs:
        assert found.delivered is not None
        assert found.delivered.adjusted >= found.delivered.chance
        assert found.delivered.low_of_all < found.delivered.low
    alone = pair(counts["a"], WORSE).delivered
    assert alone is not None
    assert alone.adjusted == alone.chance
    assert alone.low_of_all == alone.low


def test_strata_are_compared_within() -> None:
    """Each delivers the same in each country: who got more of the easy one is not better."""
    cells = [
        cell("wavix", settled(970, 1000)),
        cell("wavix", settled(50, 100), GB),
        cell("signalwire", settled(97, 100)),
        cell("signalwire", settled(500, 1000), GB),
    ]
    (found,) = compare(cells).pairs
    assert found.strata == 2
    assert found.delivered is not None
    assert found.delivered.difference == pytest.approx(0.0)
    assert found.naive.difference == pytest.approx(1020 / 1100 - 597 / 1100)


def test_nothing_in_common_cannot_be_compared() -> None:
    """One in America, the other in Britain: no figure of a pair is told, and that is said."""
    report = compare([cell("wavix", BETTER), cell("signalwire", WORSE, GB)])
    (found,) = report.pairs
    assert (found.delivered, found.arrived, found.sooner, found.outlook) == (None,) * 4
    assert report.verdicts == (
        ("wavix and signalwire have no reported texts of one kind to compare.",),
    )


def test_an_account_that_never_reports_has_no_rate() -> None:
    """Its messages are counted, and nothing is said of what became of them."""
    nothing = settled(0, 100, undelivered=0, pending=100, confirmed=40)
    report = compare([cell("wavix", BETTER), cell("signalwire", nothing, reports=False)])
    assert report.arms[1].delivered is None
    assert report.rows[1].delivered is None
    assert report.arms[1].confirmed.share == pytest.approx(0.4)
    assert report.pairs[0].confirmed is not None
    assert report.pairs[0].delivered is None


def test_all_pending_says_nothing_yet() -> None:
    """A minute after the start nothing was heard: the share is 0 within a minute, no further."""
    young = timed([], [60.0] * 50)
    report = compare([cell("wavix", young), cell("signalwire", young)])
    arm = report.arms[0]
    assert arm.delivered is not None
    assert (report.within, arm.delivered.share) == (60.0, 0.0)
    assert [found.seconds for found in arm.times] == [None, None, None]
    assert report.pairs[0].delivered is not None
    assert not report.pairs[0].delivered.shown


def test_times_tell_by_when() -> None:
    """Of all that were given, and of those that arrived: a tenth never does."""
    report = compare([cell("wavix", timed([float(one) for one in range(1, 91)], [1e6] * 10))])
    arm = report.arms[0]
    assert [found.seconds for found in arm.times] == [50.0, 90.0, None]
    assert [found.seconds for found in arm.arrived_times] == [45.0, 81.0, 90.0]


def test_times_of_the_polled_reach_from_the_earliest_to_the_latest() -> None:
    """Asked at 10 s in vain and found at 30 s: the interval holds both."""
    asked = settled(90, 100, delays=(Delay(30.0, 90, after=10.0),))
    (median, *_) = compare([cell("wavix", asked)]).arms[0].times
    assert (median.low, median.seconds, median.high) == (10.0, 20.0, 30.0)


@pytest.mark.parametrize(("after", "shown"), [(29.0, True), (1.0, False)])
def test_polled_ends_must_show_either_way(after: float, *, shown: bool) -> None:
    """Sooner only where it is sooner at the latest too: between looks anything may have been."""
    told = settled(90, 100, delays=(Delay(15.0, 90),))
    asked = settled(90, 100, delays=(Delay(30.0, 90, after=after),))
    found = pair(told, asked).sooner
    assert found is not None
    assert found.shown is shown
    assert found.chi_square > 0


def test_polled_ends_are_judged_by_the_less_favourable() -> None:
    """At the earliest half of them are as soon as the other's: so sure it is, and no surer."""
    told = settled(90, 100, delays=(Delay(15.0, 45), Delay(25.0, 45)))
    asked = settled(90, 100, delays=(Delay(30.0, 90, after=25.0),))
    earliest = settled(90, 100, delays=(Delay(25.0, 90),))
    found, least = pair(told, asked).sooner, pair(told, earliest).sooner
    assert found is not None
    assert least is not None
    assert found.chance == pytest.approx(least.chance)


def test_test_and_interval_must_agree() -> None:
    """8 of 10 against 20 of 20: the test says yes, the interval no, and nothing is shown."""
    found = pair(settled(8, 10), settled(20, 20)).delivered
    assert found is not None
    assert found.adjusted < 0.05
    assert found.low < 0 < found.high
    assert not found.shown


def test_alike_messages_of_one_recipient_widen_everything() -> None:
    """Four messages of one fate to each: intervals as of a quarter of them."""
    groups = recipients([(4, 4)] * 225 + [(4, 0)] * 25)
    sticky = settled(900, 1000, recipients=groups)
    alone, together = (compare([cell("wavix", one)]).arms[0] for one in (WORSE, sticky))
    assert together.inflation == pytest.approx(4 * 250 / 249)
    assert together.delivered is not None
    assert alone.delivered is not None
    wide, narrow = (one.high - one.low for one in (together.delivered, alone.delivered))
    assert 1.9 < wide / narrow < 2.1
    assert together.confirmed.effective == pytest.approx(1000 / together.inflation)
    (row,) = compare([cell("wavix", sticky)]).rows
    assert row.delivered == together.delivered
    tests = [pair(one, settled(800, 1000)).sooner for one in (WORSE, sticky)]
    assert tests[0] is not None
    assert tests[1] is not None
    assert tests[0].chi_square / tests[1].chi_square == pytest.approx(together.inflation)


def test_cost_of_a_delivered_text_is_told() -> None:
    """In each account's own currency, and never added up."""
    cost = Cost(
        priced=1000,
        total=Decimal(8),
        squares=0.064,
        delivered=900,
        delivered_total=Decimal("7.2"),
    )
    mine, theirs = (attrs.evolve(WORSE, costs={name: cost}) for name in ("USD", "EUR"))
    assert said(mine, theirs)[-1] == (
        "A delivered text cost 0.008889 USD (0.008707 to 0.009074) through wavix, "
        "0.008889 EUR (0.008707 to 0.009074) through signalwire."
    )


def test_curve_for_a_picture_is_thinned() -> None:
    """No more points than steps that can be seen, and the last one always."""
    counts = timed([float(one) for one in range(1, 5001)])
    curve = compare([cell("wavix", counts)]).arms[0].curve
    assert len(curve) < 450
    assert curve[-1].share == pytest.approx(1.0)


def test_a_stratum_is_counted_once() -> None:
    """Two cells of one stratum would be compared with each other."""
    with pytest.raises(ValueError, match="wavix has two cells of US sms of 1 segment"):
        compare([cell("wavix", BETTER), cell("wavix", WORSE)])


def test_naive_has_nothing_to_divide() -> None:
    """Nothing finished, nothing delivered: no share, no delay, and no evidence."""
    empty = naive(timed([], [5.0]))
    assert empty == Naive(finished=0, delivered=0, share=None, mean_seconds=None)
    assert naive_chance(empty, naive(BETTER)) == 1.0
    assert naive_chance(naive(BETTER), empty) == 1.0
    assert naive_chance(naive(settled(5, 5)), naive(settled(9, 9))) == 1.0
    assert pair(timed([], [5.0]), BETTER).naive.difference is None


def test_report_is_plain_data() -> None:
    """JSON carries every figure; money is text; observations stay behind the curves."""
    cost = Cost(priced=9, total=Decimal("0.18"), squares=0.0036)
    counts = attrs.evolve(WORSE, refused={}, costs={"USD": cost})
    report = compare([cell("wavix", counts), cell("signalwire", BETTER)])
    data = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert set(data) == {field.name for field in attrs.fields(Report)}
    assert data["arms"][0]["delivered"]["share"] == pytest.approx(0.9)
    assert data["arms"][0]["spending"][0]["total"] == "0.18"
    assert data["arms"][0]["curve"][0]["seconds"] == 20.0
    assert data["rows"][0]["stratum"]["name"] == "US sms of 1 segment"
    assert data["pairs"][0]["delivered"]["shown"] is True
    assert data["rows"][0]["counts"]["sent"] == 1000
    assert "delays" not in data["arms"][0]["counts"]
    assert data["within"] == 72 * 3600
    assert len(data["method"]) == 7
    assert data["assumptions"][0].startswith("The provider's reports are true.")


COUNTS = st.builds(
    timed,
    st.lists(st.floats(0.1, 1e5), max_size=12),
    st.lists(st.floats(0.1, 1e6), max_size=12),
)


@given(
    st.dictionaries(
        st.tuples(st.sampled_from("abc"), st.sampled_from([US, GB, Stratum("NG")])),
        COUNTS,
        max_size=9,
    )
)
def test_any_counts_become_a_report(counts: dict[tuple[str, Stratum], Counts]) -> None:
    """None of them, all pending, one account, strata that nobody shares: it says what it can."""
    cells = [
        Cell(account=name, stratum=stratum, counts=one, share=1 / 3)
        for (name, stratum), one in counts.items()
    ]
    report = compare(cells)
    json.dumps(report.to_dict(), allow_nan=False)
    for arm in report.arms:
        assert arm.delivered is None or 0 <= arm.delivered.low <= arm.delivered.high <= 1
    for found in report.pairs:
        contrast = found.delivered
        assert contrast is None or -1 <= contrast.low <= contrast.high <= 1
    assert len(report.verdicts) == len(report.pairs)


def test_a_row_of_many_is_as_many_rows() -> None:
    """However the observations are counted, what they say is the same."""
    rows = timed([5.0] * 100, [1e6] * 20)
    together = attrs.evolve(rows, delays=(Delay(5.0, 100),), ages=(Age(1e6, 20),))
    one, other = (compare([cell("wavix", counts)]).arms[0] for counts in (rows, together))
    assert one.times == other.times
    assert one.delivered == other.delivered
