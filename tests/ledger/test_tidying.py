"""Purging forgets texts first and keeps the lines; what is under way is never forgotten."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from polysms.delivery import Delivery, Outcome, Price, Status
from polysms.ledger import Ledger, Purged, tidying
from polysms.values import changed
from tests.ledger import scenes

OLD = scenes.NOW - timedelta(days=30)
CUT = scenes.NOW - timedelta(days=7)


def sent(
    ledger: Ledger, id_: str, *, outcome: Outcome | None = Outcome.ACCEPTED, moment: object = OLD
) -> Delivery:
    """Send a message with a report, at a moment; return its delivery."""
    said = scenes.message("Code 4711", key=f"key-{id_}")
    attempt = scenes.opened(started_at=moment, expires_at=None)
    ledger.begin_key(f"key-{id_}", None, ledger.fingerprint(said), id_, attempt.started_at)
    ledger.write(id_, said, attempt)
    if outcome is not None:
        attempt = scenes.closed(attempt, outcome)
        ledger.ended(scenes.ended(id_, said, attempt, raw={"body": "Code 4711"}))
    if outcome is Outcome.ACCEPTED:
        ledger.record(scenes.report(attempt, received_at=moment, raw={"body": "Code 4711"}))
    found = ledger.get(id_)
    assert found is not None
    return found


def test_purge_of_texts_keeps_the_lines(ledger: Ledger) -> None:
    """Old texts go, and what providers repeated of them; who, when and how it ended stays."""
    before = sent(ledger, "old")
    recent = sent(ledger, "new", moment=scenes.NOW)

    purged = ledger.purge(texts_older_than=CUT)

    after = ledger.get("old")
    assert after is not None
    assert Purged(texts=2) == purged
    assert (None, {}, before.attempts, before.status, before.to) == (
        after.text,
        after.raw,
        after.attempts,
        after.status,
        after.to,
    )
    assert [{}] == [one.raw for one in ledger.events("old")]
    assert recent == ledger.get("new")
    assert Purged() == ledger.purge(texts_older_than=CUT)


def test_purged_text_does_not_come_back(ledger: Ledger) -> None:
    """What a provider repeats of a purged message later is not kept either."""
    delivery = sent(ledger, "old")
    ledger.purge(texts_older_than=CUT)

    ledger.ended(delivery)
    ledger.record(scenes.report(delivery.attempts[0], raw={"body": "Code 4711"}))

    found = ledger.get("old")
    assert found is not None
    assert (None, {}) == (found.text, found.raw)
    assert [{}, {}] == [one.raw for one in ledger.events("old")]


def test_one_text_is_forgotten_at_once(ledger: Ledger) -> None:
    """A single message's text can be forgotten as soon as it is of no use."""
    sent(ledger, "one")
    kept = sent(ledger, "other")

    ledger.forget("one")

    found = ledger.get("one")
    assert found is not None
    assert (None, {}, None) == (found.text, found.raw, ledger.message("one"))
    assert [{}] == [one.raw for one in ledger.events("one")]
    assert kept == ledger.get("other")


def test_purge_of_rows_forgets_whole_messages(ledger: Ledger) -> None:
    """Old messages go with their attempts, reports and keys; recent ones stay."""
    sent(ledger, "old")
    kept = sent(ledger, "new", moment=scenes.NOW)
    ledger.record(scenes.report(scenes.closed(scenes.opened()), received_at=OLD))

    purged = ledger.purge(rows_older_than=CUT)

    assert Purged(rows=1) == purged
    assert (None, kept) == (ledger.get("old"), ledger.get("new"))
    stats = ledger.stats()
    assert (1, 1, 1) == (stats.attempts, stats.events, stats.keys)


@pytest.mark.parametrize("outcome", [None, Outcome.MAYBE_SENT])
def test_what_is_under_way_is_not_forgotten(ledger: Ledger, outcome: Outcome | None) -> None:
    """However old it is, what may yet be sent or has to be resolved stays."""
    kept = sent(ledger, "old", outcome=outcome)

    assert Purged() == ledger.purge(rows_older_than=CUT)
    assert kept == ledger.get("old")


def test_keys_are_forgotten_in_time(url: str) -> None:
    """A key stands for ninety days, and longer for a message that may yet be sent."""
    with Ledger(url, clock=lambda: OLD + timedelta(days=91)) as ledger:
        sent(ledger, "old")
        sent(ledger, "unclear", outcome=Outcome.MAYBE_SENT)
        sent(ledger, "new", moment=scenes.NOW)

        assert Purged(keys=1) == ledger.purge()
        assert 2 == ledger.stats().keys
        # By its key a message is found as long as it is there.
        found = ledger.get("key-old")
        assert found is not None
        assert "old" == found.id


def test_purge_goes_in_steps(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than one transaction's worth is purged whole."""
    monkeypatch.setattr(tidying, "STEP", 2)
    for number in range(5):
        sent(ledger, f"id-{number}", outcome=[Outcome.MAYBE_SENT, Outcome.NOT_SENT][number % 2])

    purged = ledger.purge(texts_older_than=CUT, rows_older_than=CUT)

    assert Purged(texts=5, rows=2) == purged
    assert {Status.MAYBE_SENT: 3} == ledger.stats().statuses


def test_stats_count(ledger: Ledger) -> None:
    """The ledger tells what it holds."""
    sent(ledger, "old")
    sent(ledger, "open", outcome=None)

    stats = ledger.stats()

    assert {Status.DELIVERED: 1, Status.PENDING: 1} == stats.statuses
    assert (2, 1, 1, 2, OLD) == (
        stats.attempts,
        stats.open_attempts,
        stats.events,
        stats.keys,
        stats.oldest,
    )


def test_copies_are_counted_with_what_they_cost(ledger: Ledger) -> None:
    """What is there more than once is counted, with its cost where that is known."""
    said = scenes.message()
    for id_, prices in (
        ("one", ["0.01"]),
        ("two", ["0.02", "0.03"]),
        ("three", ["0.1", None, "7"]),
    ):
        copies = tuple(
            scenes.closed(scenes.opened(), price=price and Price(Decimal(price), "USD"))
            for price in prices
        )
        ledger.ended(scenes.ended(id_, said, *copies), said)

    counted = ledger.stats()

    assert (3, {"USD": Decimal("7.03")}) == (counted.copies, counted.copies_cost)


def test_late_report_of_a_superseded_attempt_is_a_copy(ledger: Ledger) -> None:
    """An attempt that nobody knew to be sent counts once its provider reports it."""
    said = scenes.message()
    first = scenes.closed(scenes.opened(), Outcome.MAYBE_SENT)
    second = scenes.closed(scenes.opened(account="signalwire"))
    ledger.ended(scenes.ended("id", said, first, second), said)
    assert 0 == ledger.stats().copies

    ledger.record(scenes.report(first, provider_id="theirs", reference=first.reference))

    assert (1, {}) == (ledger.stats().copies, ledger.stats().copies_cost)
    assert 1 == len(ledger.events("id"))


def test_price_of_an_attempt_stays(ledger: Ledger) -> None:
    """A price that a look has brought is not forgotten by who does not know it."""
    said, attempt = scenes.message(), scenes.closed(scenes.opened())
    priced = changed(attempt, price=Price(Decimal("0.0210"), "EUR"))
    ledger.ended(scenes.ended("id", said, attempt), said)

    ledger.ended(scenes.ended("id", said, priced))
    ledger.ended(scenes.ended("id", said, attempt))

    found = ledger.get("id")
    assert found is not None
    assert (priced,) == found.attempts
