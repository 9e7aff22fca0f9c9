"""What a comparison counts of each message: its first account's own outcome, as it was heard."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from polysms.delivery import Outcome, Status
from polysms.errors import Reason
from polysms.ledger import Ledger
from polysms.report import Age, Clock, Cost, Counts, Delay, Recipients, Rescue, Segments, Stratum
from polysms.report import bucket as middle
from polysms.routing.assigning import Stratum as Drawn
from tests.ledger import histories, scenes
from tests.ledger.histories import ROUTE, History

DAY = 86400.0


@pytest.fixture
def clock() -> histories.Clock:
    """Return a clock that is set by hand."""
    return histories.Clock()


@pytest.fixture
def ledger(url: str, clock: histories.Clock) -> Iterator[Ledger]:
    """Return an empty ledger on that clock."""
    with Ledger(url, clock=clock) as opened:
        yield opened


@pytest.fixture
def history(ledger: Ledger, clock: histories.Clock) -> History:
    """Return a message to which nothing has happened yet."""
    return History(ledger, clock)


def counted(history: History, **wanted: Any) -> Counts:
    """Return what is counted a day after the message was assigned, for its account."""
    history.clock.now = history.attempts[0].started_at + timedelta(days=1)
    return histories.only(history.ledger.cells(ROUTE, **wanted))


def test_delivery_is_timed_by_when_we_heard_of_it(history: History) -> None:
    """A report counts from the assignment to its coming here, in the report's own buckets."""
    history.send()
    history.report(Status.SENT, 1)
    history.report(Status.DELIVERED, 12.34, at=scenes.NOW + timedelta(seconds=12))

    found = counted(history)

    assert (1, 1, 1, 1) == (found.assigned, found.accepted, found.delivered, found.arrived)
    assert ((Delay(middle(12.34)),), ()) == (found.delays, found.ages)
    assert Clock(reports=1, ahead=0, worst=0.0) == found.clock


def test_late_report_of_what_came_before_changes_nothing(history: History) -> None:
    """Duplicates and reports out of order leave the first word of the delivery."""
    history.send()
    history.report(Status.DELIVERED, 20)
    history.report(Status.DELIVERED, 5)
    history.report(Status.DELIVERED, 60)
    history.report(Status.UNDELIVERED, 70)
    history.report(Status.SENT, 80)

    found = counted(history)

    assert (1, 0, (Delay(middle(5)),)) == (found.delivered, found.undelivered, found.delays)


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (Status.UNDELIVERED, "undelivered"),
        (Status.FAILED, "undelivered"),
        (Status.REJECTED, "undelivered"),
        (Status.EXPIRED, "undelivered"),
        (Status.UNREPORTED, "unreported"),
        (Status.SENT, "pending"),
        (Status.UNRECOGNIZED, "pending"),
        (Status.DELIVERED, "delivered"),
        (Status.READ, "delivered"),
    ],
)
def test_each_ends_in_one_way(history: History, status: Status, name: str) -> None:
    """What a provider says last is one of the ways to end; what has not arrived has an age."""
    history.send()
    history.report(status, 30)

    found = counted(history)

    ends = ("delivered", "undelivered", "unreported", "pending", "not_sent")
    assert {name: 1} == {end: getattr(found, end) for end in ends if getattr(found, end)}
    assert (() if name == "delivered" else (Age(middle(DAY)),)) == found.ages


def test_failover_belongs_to_the_account_that_was_drawn(history: History) -> None:
    """What another account delivered is its rescue: the first account did not deliver."""
    other = History(history.ledger, history.clock)
    other.send("signalwire")
    history.send()
    history.report(Status.UNDELIVERED, 10)
    history.clock.pass_by(20)
    history.begin("signalwire")
    history.end()
    history.report(Status.DELIVERED, 25)

    found = counted(history)

    assert (1, 0, 1, 1) == (found.assigned, found.delivered, found.undelivered, found.arrived)
    second = histories.only(history.ledger.cells(ROUTE), "signalwire")
    assert (1, 0, Rescue(attempts=1, delivered=1)) == (
        second.assigned,
        second.delivered,
        second.rescue,
    )


def test_refusal_counts_by_its_reason(history: History) -> None:
    """A refused message is its account's, whoever was asked afterwards."""
    history.begin(given=histories.assignment())
    history.attempts[-1] = scenes.closed(
        history.attempts[-1], Outcome.NOT_SENT, reason=Reason.INVALID_NUMBER
    )
    history.begin("signalwire")
    history.end()

    found = counted(history)

    assert ({"invalid_number": 1}, 0, 0) == (found.refused, found.not_sent, found.accepted)


def test_drawn_account_that_was_never_asked_keeps_its_message(history: History) -> None:
    """Drawn and not asked, because of a limit, is not sent: it does not move to the other."""
    history.begin("signalwire", histories.assignment("wavix"))
    history.end()
    history.report(Status.DELIVERED, 3)

    found = counted(history)

    assert (1, 1, 0, 1) == (found.assigned, found.not_sent, found.delivered, found.arrived)


@pytest.mark.parametrize("outcome", [None, Outcome.MAYBE_SENT])
def test_what_may_have_been_sent_is_pending(history: History, outcome: Outcome | None) -> None:
    """Whether it was taken is not known, and neither is that it failed."""
    history.begin(given=histories.assignment())
    if outcome is not None:
        history.end(outcome)

    found = counted(history)

    assert (1, 1, 0, 0) == (found.pending, found.maybe_sent, found.accepted, found.not_sent)


def test_found_by_asking_lies_between_two_looks(history: History) -> None:
    """The time of a delivery that was found by asking is known to lie after the last vain look."""
    history.send()
    history.look(Status.SENT, 60)
    history.look(Status.SENT, 300)
    history.look(Status.DELIVERED, 900)
    history.look(Status.DELIVERED, 1800)

    found = counted(history)

    assert (Delay(middle(900), 1, 300.0),) == found.delays


def test_found_at_the_first_look_may_have_come_at_once(history: History) -> None:
    """Nobody had asked before: after no time at all."""
    history.send()
    history.look(Status.DELIVERED, 120)

    assert (Delay(middle(120), 1, 0.0),) == counted(history).delays


def test_report_that_comes_after_a_look_tells_no_earlier_time(history: History) -> None:
    """Found by asking before its report came, it lies between the looks; the report is later."""
    history.send()
    history.look(Status.SENT, 60)
    history.look(Status.DELIVERED, 120)
    history.report(Status.DELIVERED, 500)

    assert (Delay(middle(120), 1, 60.0),) == counted(history).delays


def test_report_that_a_look_confirms_keeps_its_time(history: History) -> None:
    """A report that was heard before anybody asked tells when, and nothing was found by asking."""
    history.send()
    history.look(Status.DELIVERED, 120)
    history.report(Status.DELIVERED, 100)

    assert (Delay(middle(100)),) == counted(history).delays


def test_pending_at_an_account_that_is_only_asked(history: History) -> None:
    """Where nothing is ever reported, a message is known to be pending until it was last asked."""
    history.send()
    history.look(Status.SENT, 600)

    assert (Age(600.0 - 600.0 % 5),) == counted(history).ages


def test_pending_at_an_account_that_reports(history: History) -> None:
    """Where reports come, none has come until now."""
    other = History(history.ledger, history.clock)
    other.send()
    other.report(Status.DELIVERED, 5)
    history.send()
    history.look(Status.SENT, 600)

    assert (Age(middle(DAY)),) == counted(history).ages


def test_price_and_segments_that_come_later(history: History) -> None:
    """What a look after the delivery tells of price and segments is counted with it."""
    history.send()
    history.report(Status.DELIVERED, 5)
    history.look(
        Status.DELIVERED, 600, price=Decimal("0.0158"), segments_billed=2, mcc="310", mnc="410"
    )

    found = counted(history)

    price = Decimal("0.0158")
    cost = Cost(priced=1, total=price, squares=0.0158**2, delivered=1, delivered_total=price)
    assert {"USD": cost} == found.costs
    assert Segments(messages=1, predicted=1, billed=2, differing=1) == found.segments
    (cell,) = history.ledger.cells(ROUTE, by=["carrier"])
    assert Stratum(group="310-410") == cell.stratum


def test_segments_beyond_reason_are_not_counted(history: History) -> None:
    """A provider may say anything: what no message has is not added to what others have."""
    history.send()
    history.look(Status.DELIVERED, 600, segments_billed=2**70)

    assert Segments() == counted(history).segments


def test_clock_of_a_provider_that_is_ahead(history: History) -> None:
    """A report that tells of the future shows whose clock is wrong, and by how much."""
    history.send()
    history.report(Status.SENT, 1, at=scenes.NOW)
    history.report(Status.DELIVERED, 5, at=scenes.NOW + timedelta(seconds=65))

    assert Clock(reports=1, ahead=1, worst=60.0) == counted(history).clock


def test_confirmed_by_the_application(history: History) -> None:
    """The application's own word stands beside the provider's, and changes nothing about it."""
    history.send()
    history.ledger.outbox.confirm(history.id, None)

    found = counted(history)

    assert (1, 1, 0) == (found.confirmed, found.pending, found.delivered)


def test_sticky_assignment_counts_recipients(ledger: Ledger, clock: histories.Clock) -> None:
    """Where recipients were drawn, how the messages of each go together is told, by country."""
    for to, delivered in ((histories.NUMBER, [True, True, False]), ("+12125550124", [False])):
        for number, arrives in enumerate(delivered):
            one = History(ledger, clock, scenes.message("x" * (1 + 200 * number), to=to))
            one.send(unit="recipient", stratum=Drawn("US"))
            one.report(Status.DELIVERED if arrives else Status.UNDELIVERED, 5)

    (cell,) = ledger.cells(ROUTE)

    groups = Recipients(number=2, messages_squared=10, delivered_squared=4, product=6)
    assert (Stratum("US"), groups) == (cell.stratum, cell.counts.recipients)


def test_dead_numbers_are_counted_apart(history: History) -> None:
    """A message to a number that is known to be dead is in no other count."""
    history.send()
    history.report(Status.DELIVERED, 5)

    found = counted(history, canaries=[histories.NUMBER])

    assert Counts(canaries=1, canaries_delivered=1) == found


def test_only_what_chance_gave_is_compared(history: History) -> None:
    """A choice that was learnt or pinned is counted among what was merely observed."""
    history.send(randomised=False, probability=1.0)

    assert () == history.ledger.cells(ROUTE)
    assert 1 == counted(history, observational=True).assigned


def test_observed_messages_count_for_who_was_tried_first(history: History) -> None:
    """Messages of a route without an experiment are counted from their attempts and reports."""
    history.begin()
    history.end()
    history.report(Status.UNDELIVERED, 8)
    history.clock.pass_by(20)
    history.begin("signalwire")
    history.end()
    history.report(Status.DELIVERED, 25)
    other = History(history.ledger, history.clock)
    other.begin("signalwire")
    other.end()
    other.report(Status.DELIVERED, 4.2)

    cells = history.ledger.cells(ROUTE, observational=True, until=scenes.NOW + timedelta(days=1))

    first, second = (histories.only(cells, name) for name in ("wavix", "signalwire"))
    assert (1, 1, 1, 0) == (first.assigned, first.undelivered, first.arrived, first.delivered)
    assert (1, (Delay(middle(4.2)),)) == (second.assigned, second.delays)
    assert Rescue(attempts=1, delivered=1) == second.rescue
    assert {Stratum("US", "sms", 1)} == {cell.stratum for cell in cells}
    assert {None} == {cell.share for cell in cells}


def test_cells_are_bounded_by_when_messages_were_assigned(history: History) -> None:
    """``since`` is in, ``until`` is out; another route's messages are never in."""
    history.send()
    minute = timedelta(minutes=1)

    found = [
        len(history.ledger.cells(ROUTE, since=since, until=until))
        for since, until in (
            (scenes.NOW, scenes.NOW + minute),
            (scenes.NOW - minute, scenes.NOW),
            (scenes.NOW + minute, None),
        )
    ]

    assert ([1, 0, 0], ()) == (found, history.ledger.cells("other"))


def test_experiments_of_one_route_are_periods(ledger: Ledger, clock: histories.Clock) -> None:
    """Messages of before and after a change of the shares are never in one stratum."""
    for name in ("before", "after"):
        History(ledger, clock).send(experiment=name, probability=0.5)

    cells = ledger.cells(ROUTE)

    assert ["after", "before"] == [cell.stratum.period for cell in cells]
    assert [""] == [cell.stratum.period for cell in ledger.cells(ROUTE, experiment="after")]


@pytest.mark.parametrize(
    ("by", "stratum"),
    [
        (["country"], Stratum("US")),
        (["kind"], Stratum(kind="sms")),
        (["sender"], Stratum(group="number")),
        (["tag"], Stratum(group="otp")),
        (["country", "tag"], Stratum("US", group="otp")),
        (["carrier"], Stratum(group="no carrier")),
    ],
)
def test_cells_may_be_told_apart_by_other_things(
    ledger: Ledger, clock: histories.Clock, by: list[str], stratum: Stratum
) -> None:
    """What is asked for tells cells apart, and nothing else does."""
    History(ledger, clock, scenes.message(to=histories.NUMBER, tag="otp")).send()

    assert [stratum] == [cell.stratum for cell in ledger.cells(ROUTE, by=by)]


def test_share_of_a_cell_is_the_chance_of_its_messages(
    ledger: Ledger, clock: histories.Clock
) -> None:
    """The chance of each draw is stored; where it varied, it is their harmonic mean."""
    for account, chance in (("wavix", 0.25), ("signalwire", 0.75), ("signalwire", 0.5)):
        History(ledger, clock).send(account, probability=chance)

    shares = {cell.account: cell.share for cell in ledger.cells(ROUTE)}

    assert {"wavix": 0.25, "signalwire": pytest.approx(0.6)} == shares


def test_message_belongs_to_the_account_it_was_first_given_to(history: History) -> None:
    """A worker that draws once more, later, changes nothing about whose message it is."""
    history.begin(given=histories.assignment("wavix"))
    history.end(Outcome.NOT_SENT)
    history.begin("signalwire", histories.assignment("signalwire", experiment="e2"))
    history.end()

    (cell,) = history.ledger.cells(ROUTE)

    assert ("wavix", 1) == (cell.account, cell.counts.not_sent)


def test_purge_keeps_what_is_counted(history: History) -> None:
    """A comparison needs no text, no number and no message: they go, and the counts stay."""
    history.send()
    history.report(Status.DELIVERED, 5)
    before = counted(history)

    history.ledger.purge(rows_older_than=history.clock.now)

    assert None is history.ledger.get(history.id)
    assert before == counted(history)


def test_matured_are_old_enough_and_have_ended(ledger: Ledger, clock: histories.Clock) -> None:
    """What is pending, or younger than an hour, says nothing yet about an account."""
    since = clock.now
    for status in (Status.DELIVERED, Status.UNDELIVERED, Status.SENT):
        one = History(ledger, clock)
        one.send()
        one.report(status, 5)
    clock.pass_by(3 * 3600)
    young = History(ledger, clock)
    young.send()
    young.report(Status.UNDELIVERED, 5)
    clock.pass_by(60)

    (found,) = ledger.matured(["wavix", "signalwire"], since)

    assert ("wavix", "US", "sms", "number", 1, 2) == (
        found.account,
        found.country,
        found.kind,
        found.sender_kind,
        found.delivered,
        found.ended,
    )
    assert () == ledger.matured(["wavix"], clock.now)


def test_looks_are_counted_where_something_is_new(ledger: Ledger) -> None:
    """Who looks twice at the same figures has looked once."""
    assert [1, 1, 2, 3] == [
        ledger.look(ROUTE, figures) for figures in ((10, 5), (10, 5), (10, 6), (10, 5))
    ]
    assert 1 == ledger.look("other", (10, 5))
