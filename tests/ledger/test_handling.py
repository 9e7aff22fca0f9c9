"""Events that are to be told: claimed by one, told again where that failed, and then done."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import attrs
import pytest

from polysms.delivery import Attempt, DeliveryReport, Event, InboundMessage, Outcome, Status
from polysms.ledger import Handled, Ledger, Note, Recorded
from tests.ledger import scenes

NOW, SOON = scenes.NOW, scenes.NOW + timedelta(seconds=60)


@pytest.fixture
def attempt(ledger: Ledger) -> Attempt:
    """Return the accepted attempt of a message that the ledger knows."""
    done = scenes.closed(scenes.opened())
    ledger.write("id", scenes.message(key="order-7", tag="orders"), done)
    return done


def inbound(**facts: object) -> InboundMessage:
    """Return a message to us."""
    usual: dict[str, object] = {
        "event_id": scenes.fresh("event"),
        "account": "wavix",
        "provider": "wavix",
        "provider_id": "in-1",
        "from_": scenes.NUMBER,
        "to": "+13135550199",
        "received_at": NOW,
    }
    return InboundMessage(**{**usual, **facts})  # type: ignore[arg-type]


def status(ledger: Ledger) -> Status:
    """Return where the message stands."""
    delivery = ledger.get("id")
    assert delivery is not None
    return delivery.status


def look_at(ledger: Ledger) -> object:
    """Return when the provider of the message is asked."""
    entry = ledger.entry("id")
    assert entry is not None
    return entry.look_at


def test_due_event_is_filled(ledger: Ledger, attempt: Attempt) -> None:
    """What is due knows its message; nobody else gets it until its lease ends."""
    event = scenes.report(attempt)
    ledger.record(event, handle_at=NOW)
    (due,) = ledger.due(until=SOON, limit=9)

    filled = attrs.evolve(event, id="id", key="order-7", tag="orders")
    assert (filled, False, 0, Status.DELIVERED) == (due.event, due.hint, due.tries, due.status)
    assert [] == ledger.due(until=SOON, limit=9)


def test_what_is_not_to_be_told_is_not_due(ledger: Ledger, attempt: Attempt) -> None:
    """An event that nobody waits for, or not yet, is not due."""
    ledger.record(scenes.report(attempt))
    ledger.record(scenes.report(attempt), handle_at=SOON)

    assert [] == ledger.due(until=SOON, limit=9)


def test_told_and_failed(ledger: Ledger) -> None:
    """What was told is due no more; what failed is due again, and counts."""
    first, second = inbound(), inbound()
    ledger.record_many([Note(event=one, handle_at=NOW) for one in (first, second)])
    ledger.handled(
        [
            Handled(account="wavix", event_id=first.event_id),
            Handled(account="wavix", event_id=second.event_id, again=NOW),
        ]
    )

    (due,) = ledger.due(until=SOON, limit=9)
    assert (second, 1) == (due.event, due.tries)


def test_many_claim_and_each_gets_its_own(ledger: Ledger) -> None:
    """Of those who claim at the same time, no two get the same event."""
    ledger.record_many([Note(event=inbound(), handle_at=NOW) for _ in range(40)])
    with ThreadPoolExecutor(8) as threads:
        claims = list(threads.map(lambda _: ledger.due(until=SOON, limit=5), range(16)))

    ids = [due.event.event_id for due in itertools.chain(*claims)]
    assert (40, 40) == (len(ids), len(set(ids)))


@pytest.mark.parametrize("final", [Status.DELIVERED, Status.UNDELIVERED, Status.FAILED])
def test_nothing_follows_from_a_hint(ledger: Ledger, attempt: Attempt, final: Status) -> None:
    """A hint changes no status, now or when it is read; the provider is asked at once."""
    recorded = ledger.record(scenes.report(attempt, final), hint=True)

    assert (True, "id", Status.QUEUED) == (recorded.new, recorded.id, recorded.status)
    assert (Status.QUEUED, NOW) == (status(ledger), look_at(ledger))


def test_hint_that_is_handled_is_asked_for_by_who_handles_it(
    ledger: Ledger, attempt: Attempt
) -> None:
    """The sweep asks only where whoever handles the hint has not done so by then."""
    ledger.record(scenes.report(attempt), hint=True, handle_at=SOON)

    assert SOON == look_at(ledger)


def test_hint_that_is_proved_counts(ledger: Ledger, attempt: Attempt) -> None:
    """The same report, proved, counts; its hint has no more to say, and nobody asks any more."""
    hint = scenes.report(attempt, Status.DELIVERED)
    ledger.record(hint, hint=True)
    proved = attrs.evolve(hint, status=Status.UNDELIVERED)
    recorded = ledger.record(proved)

    assert (False, Status.UNDELIVERED) == (recorded.new, recorded.status)
    assert (Status.UNDELIVERED, None) == (status(ledger), look_at(ledger))
    assert [Status.UNDELIVERED] == [
        one.status for one in ledger.events("id") if isinstance(one, DeliveryReport)
    ]


def test_proved_report_is_no_hint_again(ledger: Ledger, attempt: Attempt) -> None:
    """A report that is proved stays so, though it comes again unproved."""
    event = scenes.report(attempt)
    ledger.record(event)
    ledger.record(event, hint=True)

    assert Status.DELIVERED is status(ledger)


def test_parked_hint_stays_one(ledger: Ledger) -> None:
    """A hint that came before its attempt was known is a hint still when it is matched."""
    opened = scenes.opened()
    done = scenes.closed(opened)
    ledger.write("id", scenes.message(), opened)
    ledger.record(scenes.report(done), hint=True)
    ledger.write("id", scenes.message(), done)

    assert (Status.QUEUED, NOW) == (status(ledger), look_at(ledger))


@pytest.mark.parametrize("outcome", [None, Outcome.MAYBE_SENT])
def test_proof_by_our_reference_is_proof_of_receipt(
    ledger: Ledger, outcome: Outcome | None
) -> None:
    """A proved report tells that a provider has what nobody knew to be sent."""
    opened = scenes.opened()
    attempt = opened if outcome is None else scenes.closed(opened, outcome)
    ledger.write("id", scenes.message(), attempt)
    event = scenes.report(attempt, provider_id="theirs", reference=attempt.reference)
    ledger.record(event, hint=True)
    ledger.record(event)

    assert Status.DELIVERED is status(ledger)


def test_many_in_one_commit(ledger: Ledger, attempt: Attempt) -> None:
    """Events of every kind are kept together, and each caller is told of its own."""
    known, strange, said = (
        scenes.report(attempt),
        scenes.report(scenes.closed(scenes.opened())),
        inbound(),
    )
    notes = [Note(event=one) for one in (known, strange, said, known)]
    known_as: Any = {"id": "id", "status": Status.DELIVERED, "key": "order-7", "tag": "orders"}

    assert [
        Recorded(new=True, **known_as),
        Recorded(new=True),
        Recorded(new=True),
        Recorded(new=False, **known_as),
    ] == ledger.record_many(notes)
    assert [False] * 4 == [one.new for one in ledger.record_many(notes)]


def test_reports_of_one_message_at_the_same_time(ledger: Ledger, attempt: Attempt) -> None:
    """Many who record of one message at once wait for each other, and none is lost."""
    order = (Status.SENT, Status.DELIVERED, Status.QUEUED, Status.READ)
    events = [scenes.report(attempt, order[number % 4]) for number in range(40)]
    record: Callable[[Event], Recorded] = ledger.record
    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(record, events))

    assert all(one.new and one.id == "id" for one in told)
    assert (Status.READ, 40) == (status(ledger), len(ledger.events("id")))


def test_opt_out_is_of_the_same_commit(ledger: Ledger) -> None:
    """A STOP is an opt-out as its message is kept; that it comes again changes nothing more."""
    stop, start = inbound(keyword="stop"), inbound(keyword="start", provider_id="in-2")
    first = ledger.record(stop, handle_at=NOW)
    (due,) = ledger.due(until=SOON, limit=9)

    assert first.opt_out is not None
    assert ("stop", "", "") == (first.opt_out.keyword, first.opt_out.list, due.opt_out)
    assert (stop, 1) == (due.event, ledger.stats().optouts)
    ledger.record(start)
    ledger.record(stop)
    assert 0 == ledger.stats().optouts
