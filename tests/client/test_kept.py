"""Sends that are written down, keys, and the outbox as clients see it: both clients, real files."""

from __future__ import annotations

import itertools
import logging
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from polysms import (
    ConfigError,
    Delivery,
    KeyConflict,
    LedgerError,
    MaybeSent,
    Message,
    NotFound,
    NotSent,
    Outcome,
    Refused,
    Status,
)
from polysms.routing.steps import World
from tests.clients import WAVIX, Both, accepted, answering

Make = Callable[..., Both]

TO = "+13135550123"
REFUSED = httpx.Response(400, json={"success": False, "message": "Invalid phone number"})


class Time:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 5, 4, 12, tzinfo=UTC)
        self.steady = 0.0
        self._ids = itertools.count()

    def world(self) -> World:
        """Return a world in this time."""
        return World(
            now=lambda: self.moment,
            clock=lambda: self.steady,
            new_id=lambda: f"id-{next(self._ids):04}",
        )

    def pass_by(self, **time: float) -> None:
        """Let time pass."""
        self.moment += timedelta(**time)
        self.steady += timedelta(**time).total_seconds()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where the ledger is."""
    return tmp_path / "polysms.db"


@pytest.fixture
def tables(file: Path) -> dict[str, Any]:
    """Return a configuration of one account and a ledger."""
    return {"accounts": {"wavix": WAVIX}, "ledger": f"sqlite:///{file}"}


def rows(file: Path, query: str) -> list[tuple[Any, ...]]:
    """Return what is committed in a ledger, read by another program's connection."""
    connection = sqlite3.connect(file)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_attempt_is_committed_before_the_first_byte(
    make: Make, tables: dict[str, Any], file: Path
) -> None:
    """While a provider is asked, the ledger already holds the attempt, open; then it is closed."""
    seen: list[Any] = []

    def look(request: httpx.Request) -> httpx.Response:
        reference = request.read().decode()
        seen.extend(rows(file, "SELECT reference, outcome, message_id FROM polysms_attempts"))
        assert seen[0][0] in reference
        return accepted()

    both = make(tables, transport=httpx.MockTransport(look))
    delivery = both.send(Message(TO, "hi"))
    assert [(delivery.reference, None, delivery.id)] == seen
    after = rows(file, "SELECT reference, outcome FROM polysms_attempts")
    assert [(delivery.reference, "accepted")] == after
    assert delivery == both.call("get", delivery.id)


@pytest.mark.parametrize(
    ("answer", "ends"),
    [
        (accepted(), ("QUEUED", "accepted")),
        (REFUSED, ("NOT_SENT", "not_sent")),
        (httpx.Response(500), ("MAYBE_SENT", "maybe_sent")),
        (httpx.ReadTimeout("late"), ("MAYBE_SENT", "maybe_sent")),
        (httpx.ConnectError("nobody there"), ("NOT_SENT", "not_sent")),
    ],
)
def test_every_end_is_written_down(
    make: Make, tables: dict[str, Any], file: Path, answer: Any, ends: tuple[str, str]
) -> None:
    """Whatever came of a send stands in the ledger as the caller was told."""
    transport, _ = answering(answer, answer)
    both = make(tables, transport=transport)
    try:
        told: Delivery | None = both.send(Message(TO, "hi", tag="t"))
    except (NotSent, MaybeSent) as error:
        told = error.delivery
    assert told is not None
    kept = both.call("get", told.id)
    assert (told.status, told.attempts) == (kept.status, kept.attempts)
    assert [ends[:1]] == rows(file, "SELECT status FROM polysms_messages")
    assert {ends[1:]} == set(rows(file, "SELECT outcome FROM polysms_attempts"))


def test_without_the_ledger_nothing_is_sent(make: Make, tables: dict[str, Any]) -> None:
    """An attempt that cannot be written down is not begun: surely not sent, and said so."""
    tables["ledger"] = "sqlite:////nowhere/at/all/polysms.db"
    transport, asked = answering(accepted())
    both = make(tables, transport=transport)
    with pytest.raises(LedgerError, match="cannot be opened") as raised:
        both.send(Message(TO, "hi"))
    assert [] == asked
    assert raised.value.delivery is not None
    assert Status.NOT_SENT is raised.value.delivery.status


def test_a_ledger_that_breaks_after_the_send_changes_nothing(
    make: Make, tables: dict[str, Any], file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Once a provider has the message, trouble with the ledger is logged, and the send succeeds."""
    blockers = []

    def take(request: httpx.Request) -> httpx.Response:
        del request
        blocker = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        blocker.execute("DROP TABLE polysms_attempts")
        blockers.append(blocker)
        return accepted()

    both = make(tables, transport=httpx.MockTransport(take))
    with caplog.at_level(logging.ERROR, "polysms"):
        delivery = both.send(Message(TO, "hi"))
    blockers[0].close()
    assert Status.QUEUED is delivery.status
    assert str(delivery.id) in caplog.text
    assert TO not in caplog.text


def test_what_was_not_sent_and_then_unwritable_is_told(
    make: Make, tables: dict[str, Any], file: Path
) -> None:
    """A second account is not asked where its attempt cannot be written; a MaybeSent stays one."""
    tables["accounts"]["other"] = WAVIX
    tables["routes"] = {"main": {"accounts": ["wavix", "other"], "on_maybe_sent": "next"}}
    tables["default"] = "main"

    def unclear(request: httpx.Request) -> httpx.Response:
        del request
        blocker = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        blocker.execute("DROP TABLE polysms_attempts")
        blocker.close()
        return httpx.Response(500)

    both = make(tables, transport=httpx.MockTransport(unclear))
    with pytest.raises(MaybeSent) as raised:
        both.send(Message(TO, "hi"))
    assert raised.value.delivery is not None
    outcomes = [attempt.outcome for attempt in raised.value.delivery.attempts]
    assert [Outcome.MAYBE_SENT, Outcome.NOT_SENT] == outcomes


# Keys.


def test_key_that_was_accepted_is_the_same_delivery(make: Make, tables: dict[str, Any]) -> None:
    """A message whose key was accepted is not sent again: the first delivery comes back."""
    transport, asked = answering(accepted())
    both = make(tables, transport=transport)
    first = both.send(Message(TO, "hi", key="k"))
    assert first == both.send(Message(TO, "hi", key="k"))
    assert 1 == len(asked)


def test_key_of_another_message_is_a_conflict(make: Make, tables: dict[str, Any]) -> None:
    """A key belongs to one message, whatever became of it."""
    transport, asked = answering(accepted())
    both = make(tables, transport=transport)
    both.send(Message(TO, "hi", key="k"))
    with pytest.raises(KeyConflict, match="another message"):
        both.send(Message(TO, "hello", key="k"))
    assert 1 == len(asked)


def test_key_of_another_tenant_is_another_key(make: Make, tables: dict[str, Any]) -> None:
    """Tenants have keys of their own."""
    transport, asked = answering(accepted())
    both = make(tables, transport=transport)
    for tenant in (None, "a", "b"):
        both.send(Message(TO, f"hi {tenant}", key="k", tenant=tenant))
    assert 3 == len(asked)
    assert "hi a" == both.call("get", "k", "a").text


def test_key_that_surely_was_not_sent_is_tried_anew(make: Make, tables: dict[str, Any]) -> None:
    """A refusal gives the key up: the same message is tried again."""
    transport, asked = answering(REFUSED, accepted())
    both = make(tables, transport=transport)
    with pytest.raises(Refused):
        both.send(Message(TO, "hi", key="k"))
    delivery = both.send(Message(TO, "hi", key="k"))
    assert Status.QUEUED is delivery.status
    assert 2 == len(asked)
    assert Status.QUEUED is both.call("get", "k").status


def test_key_that_may_have_been_sent_is_looked_up_and_raised_again(
    make: Make, tables: dict[str, Any]
) -> None:
    """Nobody knows of the first: the second asks the provider's list, and sends nothing."""
    nothing = httpx.Response(200, json={"items": [], "pagination": {"total": 0}})
    transport, asked = answering(httpx.Response(500), nothing)
    both = make(tables, transport=transport)
    with pytest.raises(MaybeSent):
        both.send(Message(TO, "hi", key="k"))
    with pytest.raises(MaybeSent, match="may have been sent already") as raised:
        both.send(Message(TO, "hi", key="k"))
    assert ["POST", "GET"] == [request.method for request in asked]
    assert raised.value.delivery is not None
    assert Status.MAYBE_SENT is raised.value.delivery.status


def test_key_that_may_have_been_sent_and_is_found(make: Make, tables: dict[str, Any]) -> None:
    """The provider's list shows it: its delivery comes back, and no second copy is made."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if request.method == "POST":
            return httpx.Response(500)
        tag = asked[0].read().decode().split('"tag":"')[1].split('"')[0]
        item: dict[str, Any] = {
            "message_id": "m-1",
            "status": "delivered",
            "tag": tag,
            "to": TO[1:],
        }
        item |= {"message_body": {"text": "hi"}, "direction": "outbound"}
        return httpx.Response(200, json={"items": [item], "pagination": {"total": 1}})

    both = make(tables, transport=httpx.MockTransport(answer))
    with pytest.raises(MaybeSent):
        both.send(Message(TO, "hi", key="k"))
    delivery = both.send(Message(TO, "hi", key="k"))
    assert (Status.DELIVERED, "m-1") == (delivery.status, delivery.provider_id)
    assert ["POST", "GET"] == [request.method for request in asked]
    assert Status.DELIVERED is both.call("get", "k").status


def test_key_that_runs_is_pending(make: Make, tables: dict[str, Any], file: Path) -> None:
    """While one send runs, another with its key gets the same handle at once."""
    inner: list[Delivery] = []

    def ask(request: httpx.Request) -> httpx.Response:
        del request
        with_same = Both("sync", tables)
        inner.append(with_same.send(Message(TO, "hi", key="k")))
        with_same.close()
        return accepted()

    both = make(tables, transport=httpx.MockTransport(ask))
    delivery = both.send(Message(TO, "hi", key="k"))
    assert [(delivery.id, Status.PENDING)] == [(one.id, one.status) for one in inner]
    assert 1 == len(rows(file, "SELECT * FROM polysms_messages"))


@pytest.mark.parametrize(
    "use",
    [
        lambda both: both.send(Message(TO, "hi", key="k")),
        lambda both: both.send(Message(TO, "hi", tenant="k")),
        lambda both: both.call("enqueue", Message(TO, "hi")),
        lambda both: both.call("enqueue_statement", Message(TO, "hi")),
        lambda both: both.call("find", to=TO),
        lambda both: both.call("get", "id"),
        lambda both: both.call("cancel", "id"),
        lambda both: both.call("confirm", "id"),
        lambda both: both.call("fetch", "id"),
        lambda both: both.call("resolve", "id"),
        lambda both: both.client.ledger,
    ],
)
def test_what_needs_a_ledger_says_so(make: Make, use: Callable[[Both], Any]) -> None:
    """Without a ledger sending works, and what needs one is an error that says what to add."""
    both = make()
    with pytest.raises(ConfigError, match="ledger") as raised:
        use(both)
    assert "ledger" == raised.value.key


# The outbox, as far as a client goes.


def test_enqueue_waits_and_is_cancelled(make: Make, tables: dict[str, Any]) -> None:
    """An enqueued message is PENDING and not sent; cancelled, it never is."""
    transport, asked = answering(accepted())
    both = make(tables, transport=transport)
    queued = both.call("enqueue", Message(TO, "later", key="k", tag="t"))
    assert Status.PENDING is queued.status
    assert queued == both.call("get", "k")
    assert [queued.id] == [one.id for one in both.call("find", tag="t", status="pending")]
    assert Status.CANCELLED is both.call("cancel", "k").status
    assert Status.CANCELLED is both.call("get", queued.id).status
    assert [] == asked


def test_enqueue_twice_with_a_key_waits_once(
    make: Make, tables: dict[str, Any], file: Path
) -> None:
    """A key waits once; another message under it is a conflict."""
    both = make(tables)
    first = both.call("enqueue", Message(TO, "later", key="k"))
    assert first.id == both.call("enqueue", Message(TO, "later", key="k")).id
    with pytest.raises(KeyConflict):
        both.call("enqueue", Message(TO, "other", key="k"))
    assert 1 == len(rows(file, "SELECT * FROM polysms_messages"))


def test_enqueue_is_checked_at_once(make: Make, tables: dict[str, Any], file: Path) -> None:
    """What the configuration has no place for is refused before anything is written."""
    both = make(tables)
    with pytest.raises(ConfigError, match="no account or route"):
        both.call("enqueue", Message(TO, "hi"), via="nobody")
    assert not file.exists() or [] == rows(file, "SELECT * FROM polysms_messages")


def test_enqueue_warns_where_nobody_works(
    make: Make, tables: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Without a worker that was seen of late, enqueueing says so, once in a while."""
    both = make(tables)
    with caplog.at_level(logging.WARNING, "polysms"):
        both.call("enqueue", Message(TO, "one"))
        both.call("enqueue", Message(TO, "two"))
    assert 1 == caplog.text.count("polysms worker")


def test_statement_takes_no_key(make: Make, tables: dict[str, Any]) -> None:
    """A key must be looked up, which one statement cannot."""
    both = make(tables)
    with pytest.raises(ConfigError, match="key"):
        both.call("enqueue_statement", Message(TO, "hi", key="k"))


@pytest.mark.parametrize("method", ["get", "cancel", "confirm", "fetch", "resolve"])
def test_unknown_ids_are_not_found(make: Make, tables: dict[str, Any], method: str) -> None:
    """Nothing is known of an id that nobody gave."""
    with pytest.raises(NotFound, match="knows no message"):
        make(tables).call(method, "unknown")


def test_find_names_an_unknown_status(make: Make, tables: dict[str, Any]) -> None:
    """A status that does not exist is told, with those that do."""
    with pytest.raises(ConfigError, match="DELIVERED"):
        make(tables).call("find", status="arrived")


def test_fetch_by_key_notes_what_it_finds(make: Make, tables: dict[str, Any]) -> None:
    """What a provider says by now is kept."""
    found = httpx.Response(200, json={"message_id": "m-9", "status": "delivered"})
    transport, _ = answering(accepted(message_id="m-9"), found)
    both = make(tables, transport=transport)
    both.send(Message(TO, "hi", key="k"))
    assert Status.DELIVERED is both.call("fetch", "k").status
    assert Status.DELIVERED is both.call("get", "k").status


def test_hours_hold_a_send_back(make: Make, tables: dict[str, Any]) -> None:
    """Outside a route's hours a send is surely not sent, and says when to come again."""
    tables["routes"] = {"day": {"accounts": ["wavix"], "hours": "09:00-10:00"}}
    tables["default"] = "day"
    time = Time()
    transport, asked = answering(accepted())
    both = make(tables, transport=transport, world=time.world())
    with pytest.raises(NotSent, match="04 May, 13:00 UTC; enqueue") as raised:
        both.send(Message(TO, "hi", timezone="America/Detroit", valid_for=60))
    assert raised.value.retry_later
    queued = both.call("enqueue", Message(TO, "hi", timezone="America/Detroit", valid_for=60))
    assert Status.PENDING is queued.status
    assert [] == asked


def test_store_text_false_keeps_no_text(make: Make, tables: dict[str, Any], file: Path) -> None:
    """A route may leave no text behind, nor what a provider repeats of it."""
    tables["routes"] = {"otp": {"accounts": ["wavix"], "store_text": False}}
    tables["default"] = "otp"
    transport, _ = answering(accepted(message_body={"text": "code 12345"}))
    both = make(tables, transport=transport)
    both.send(Message(TO, "code 12345"))
    everything = b"".join(path.read_bytes() for path in file.parent.iterdir())
    assert b"code 12345" not in everything
