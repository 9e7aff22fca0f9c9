"""What is written down comes back as it was: every field of an attempt, a delivery, a message."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from polysms.delivery import Attempt, Delivery, DeliveryReport, Evidence, InboundMessage, Status
from polysms.errors import Reason
from polysms.ledger import End, Ledger, Line
from polysms.message import Message
from polysms.providers.carrierx import CarrierXOptions
from polysms.values import changed
from tests.ledger import scenes

# The ledger stays open from one example to the next; ids tell them apart.
steady = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


def kept(said: Message, delivery: Delivery, ledger: Ledger) -> Delivery | None:
    """Return a delivery that was written as it ended, read back."""
    ledger.write_many([], [End(delivery, said)])
    assert delivery.id is not None
    return ledger.get(delivery.id)


@steady
@given(scenes.deliveries())
def test_delivery_comes_back_as_it_was(ledger: Ledger, case: tuple[Message, Delivery]) -> None:
    """Every field of a delivery and its attempts is kept, whatever characters it is made of."""
    said, delivery = case
    # Of what was found no send says that it is unclear.
    found = any(one.evidence is Evidence.FOUND for one in delivery.attempts)
    assume(not found or delivery.status is not Status.MAYBE_SENT)

    assert delivery == kept(said, delivery, ledger)


@steady
@given(scenes.messages, scenes.attempts)
def test_open_attempt_comes_back_as_it_was(ledger: Ledger, said: Message, attempt: Attempt) -> None:
    """An attempt that has only begun is kept whole, with its message, so that it can be resumed."""
    id_ = scenes.fresh()
    running = changed(attempt, outcome=None, reference=scenes.fresh("ref"))

    ledger.write(id_, said, running)

    delivery = ledger.get(id_)
    assert delivery is not None
    assert (running,) == delivery.attempts
    assert said == ledger.message(id_)


@steady
@given(scenes.attempts)
def test_attempt_is_closed_whole(ledger: Ledger, attempt: Attempt) -> None:
    """Closing an attempt replaces every field of it."""
    id_, reference = scenes.fresh(), scenes.fresh("ref")
    begun = scenes.opened(reference, started_at=attempt.started_at)
    done = changed(attempt, reference=reference)
    ledger.optouts.remove(scenes.NUMBER)  # the last one may have said so

    ledger.write(id_, scenes.message(), begun)
    ledger.write(id_, scenes.message(), done)

    delivery = ledger.get(id_)
    assert delivery is not None
    assert (done,) == delivery.attempts


def test_attempts_come_back_in_their_order(ledger: Ledger) -> None:
    """The attempts of a message are kept in the order in which they were written."""
    id_ = scenes.fresh()
    tries = [scenes.opened(reference) for reference in ("z", "a", "m")]

    for attempt in tries:
        ledger.write(id_, scenes.message(), attempt)

    delivery = ledger.get(id_)
    assert delivery is not None
    assert ["z", "a", "m"] == [attempt.reference for attempt in delivery.attempts]


def test_typed_options_come_back_as_plain_ones(ledger: Ledger) -> None:
    """A provider's typed options are kept as the plain mapping that says the same."""
    options = {"carrierx": CarrierXOptions(group_recipients=("+13135550124",))}

    ledger.write("id", scenes.message(options=options), scenes.opened())

    said = ledger.message("id")
    assert said is not None
    assert {"carrierx": {"group_recipients": ["+13135550124"]}} == said.options


events = st.builds(
    DeliveryReport,
    event_id=st.builds(scenes.fresh, st.just("event")),
    account=scenes.labels,
    provider=scenes.labels,
    provider_id=scenes.words,
    status=st.sampled_from(Status),
    received_at=scenes.times,
    raw_status=scenes.maybe(scenes.words),
    id=scenes.maybe(scenes.words),
    reference=st.just("ref-of-events"),
    key=scenes.maybe(scenes.words),
    tag=scenes.maybe(scenes.words),
    reason=scenes.maybe(st.sampled_from(Reason)),
    code=scenes.maybe(scenes.words),
    at=scenes.maybe(scenes.times),
    raw=scenes.raws,
)


@steady
@given(events)
def test_report_comes_back_as_it_was(ledger: Ledger, event: DeliveryReport) -> None:
    """A report is kept whole and raw."""
    id_, attempt = scenes.fresh(), scenes.opened(account=event.account)
    ledger.optouts.remove(scenes.NUMBER)  # the last one may have said so
    ledger.write(id_, scenes.message(), attempt)

    ledger.record(attrs.evolve(event, reference=attempt.reference))

    assert [attrs.evolve(event, reference=attempt.reference)] == ledger.events(id_)


def test_inbound_message_is_kept_once(ledger: Ledger) -> None:
    """A message that someone sent us is an event too, kept once however often it comes."""
    event = InboundMessage(
        event_id="e",
        account="wavix",
        provider="wavix",
        provider_id="p",
        from_=scenes.NUMBER,
        to="988",
        received_at=scenes.NOW,
        text="STOP",
    )

    assert [True, False] == [ledger.record(event).new, ledger.record(event).new]
    assert 1 == ledger.stats().events


def test_without_text_nothing_of_it_is_kept(ledger: Ledger) -> None:
    """``store_text=False`` keeps neither the text nor what the provider repeats of it."""
    said, attempt = scenes.message("Code 4711"), scenes.closed(scenes.opened())
    delivery = scenes.ended("id", said, attempt, raw={"body": "Code 4711"})
    event = scenes.report(attempt, raw={"body": "Code 4711"})

    ledger.write_many([Line("id", said, attempt, store_text=False)], [End(delivery)])
    ledger.record(event)

    found, (told,) = ledger.get("id"), ledger.events("id")
    assert found is not None
    assert (None, {}, None) == (found.text, found.raw, ledger.message("id"))
    assert {} == told.raw


@pytest.mark.parametrize("unknown", ["", "id", "+13135550123", "x" * 300, "\x00", "\ud800"])
def test_unknown_id_is_none(ledger: Ledger, unknown: str) -> None:
    """What was never written is None, whatever is asked for."""
    assert ledger.get(unknown) is None
