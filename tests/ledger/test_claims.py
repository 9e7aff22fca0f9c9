"""What a report says of itself without proof names no attempt, ends nothing, and hides nothing."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from polysms.delivery import Attempt, DeliveryReport, Outcome, Status
from polysms.ledger import Ledger, Note
from tests.ledger import scenes

NOW = scenes.NOW


def made(ledger: Ledger, id_: str, outcome: Outcome, **facts: Any) -> Attempt:
    """Write a message with one attempt; return that."""
    done = scenes.closed(scenes.opened(**facts), outcome)
    ledger.write(id_, scenes.message(), done)
    return done


def claim(attempt: Attempt, status: Status, provider_id: str, **facts: Any) -> DeliveryReport:
    """Return a report that says it is about an attempt, and names a message of the provider."""
    usual = {"provider_id": provider_id, "event_id": "claim", "reference": attempt.reference}
    return attrs.evolve(scenes.report(attempt), status=status, **{**usual, **facts})


def status(ledger: Ledger, id_: str) -> Status:
    """Return where a message stands."""
    delivery = ledger.get(id_)
    assert delivery is not None
    return delivery.status


@pytest.fixture
def ours(ledger: Ledger) -> Attempt:
    """Return the accepted attempt of message "a"."""
    return made(ledger, "a", Outcome.ACCEPTED)


@pytest.fixture
def other(ledger: Ledger) -> Attempt:
    """Return the accepted attempt of message "b", which its provider knows by another id."""
    return made(ledger, "b", Outcome.ACCEPTED)


@pytest.mark.parametrize("hint", [True, False])
@pytest.mark.parametrize("said", [Status.REJECTED, Status.SENT, Status.DELIVERED])
def test_the_providers_id_decides(
    ledger: Ledger,
    ours: Attempt,
    other: Attempt,
    said: Status,
    hint: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """A report about one message that names the attempt of another is about the first."""
    before = status(ledger, "a")
    assert other.provider_id != ours.provider_id
    note = Note(event=claim(ours, said, str(other.provider_id)), hint=hint)

    (recorded,) = ledger.record_many([note])

    assert ("b", before) == (recorded.id, status(ledger, "a"))
    entry = ledger.entry("a")
    assert entry is not None
    assert entry.look_at is None or entry.look_at > NOW


@pytest.mark.parametrize("word", ["another", None])
def test_unclear_stays_unclear(ledger: Ledger, word: str | None) -> None:
    """What may have been sent is not found by a report that only claims to be about it."""
    unclear = made(ledger, "a", Outcome.MAYBE_SENT)
    event = claim(unclear, Status.DELIVERED, "somebody's")

    (recorded,) = ledger.record_many([Note(event=event, hint=True)])
    assert (None, True) == (recorded.id, recorded.hint)
    assert Status.MAYBE_SENT is status(ledger, "a")

    # The provider's own word on that message names another attempt, or none.
    ledger.record_many([Note(event=attrs.evolve(event, reference=word))])
    ledger.match_parked()
    assert Status.MAYBE_SENT is status(ledger, "a")


def test_unclear_is_found_by_the_providers_word(ledger: Ledger) -> None:
    """Once the provider itself names the attempt, it is found."""
    unclear = made(ledger, "a", Outcome.MAYBE_SENT)
    event = claim(unclear, Status.DELIVERED, "p-9")
    ledger.record_many([Note(event=event, hint=True)])

    (proved,) = ledger.record_many([Note(event=event)])

    assert ("a", Status.DELIVERED) == (proved.id, status(ledger, "a"))


@pytest.mark.parametrize("said", [Status.SENT, Status.DELIVERED])
def test_what_was_not_sent_stays_so(ledger: Ledger, said: Status) -> None:
    """A message that surely was not sent is hidden by no claim, so that it is tried again."""
    refused = made(ledger, "a", Outcome.NOT_SENT)
    before = status(ledger, "a")

    ledger.record_many([Note(event=claim(refused, said, "never-existed"), hint=True)])
    ledger.match_parked()

    assert before is status(ledger, "a")


def test_progress_of_what_is_known_needs_no_proof(ledger: Ledger, ours: Attempt) -> None:
    """What ends nothing is taken as it is, of a message that its provider surely has."""
    event = claim(ours, Status.SENT, str(ours.provider_id))

    (recorded,) = ledger.record_many([Note(event=event, hint=True)])

    assert ("a", False, Status.SENT) == (recorded.id, recorded.hint, status(ledger, "a"))


def test_progress_before_the_answer(ledger: Ledger) -> None:
    """A report that comes before the send's answer counts once that is there."""
    opened = scenes.opened()
    ledger.write("a", scenes.message(), opened)
    done = scenes.closed(opened)
    event = claim(done, Status.SENT, str(done.provider_id))

    (recorded,) = ledger.record_many([Note(event=event, hint=True)])
    assert (None, True) == (recorded.id, recorded.hint)
    ledger.write("a", scenes.message(), done)

    assert Status.SENT is status(ledger, "a")


def test_signed_names_its_attempt(ledger: Ledger, ours: Attempt) -> None:
    """Of a signed report the provider says whose it is, whatever id it has."""
    event = claim(ours, Status.DELIVERED, "segment-1")

    (recorded,) = ledger.record_many([Note(event=event, signed=True)])

    assert ("a", Status.DELIVERED) == (recorded.id, status(ledger, "a"))


def test_signed_before_the_answer(ledger: Ledger) -> None:
    """A signed report is matched by its reference also where it came first."""
    done = scenes.closed(scenes.opened())
    event = claim(done, Status.DELIVERED, "segment-1")

    ledger.record_many([Note(event=event, signed=True)])
    ledger.write("a", scenes.message(), done)

    assert Status.DELIVERED is status(ledger, "a")
    assert [event.event_id] == [one.event_id for one in ledger.events("a")]


def test_claims_stand_in_nobodys_way(ledger: Ledger, ours: Attempt) -> None:
    """Parked claims that can never match leave room for what can."""
    claims = [
        Note(event=claim(ours, Status.SENT, f"p-{n}", event_id=f"e-{n}"), hint=True)
        for n in range(20)
    ]
    ledger.record_many(claims)

    assert 0 == ledger.match_parked(limit=5)
    assert 20 == ledger.stats().parked
