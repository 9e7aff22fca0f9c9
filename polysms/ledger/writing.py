"""Writing down attempts and ends: many in one commit, never undoing what is known better."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs
from sqlalchemy import Connection, insert, select

from polysms.delivery import Attempt, Delivery, Outcome, Status
from polysms.errors import LedgerError
from polysms.ledger.book import Book, Copy, Page
from polysms.ledger.rows import ended_row, message_row
from polysms.ledger.tables import events, keys
from polysms.message import Message
from polysms.routing.fold import UNSENT

#: What we say ourselves, while no provider has said anything.
UNSURE = UNSENT | {Status.MAYBE_SENT}


@attrs.frozen(slots=False)
class Line:
    """An attempt to write down, before its first byte or as it has ended.

    ``store_text`` False keeps no text, media or answer of its message.
    """

    id: str
    message: Message
    attempt: Attempt
    store_text: bool = True


@attrs.frozen(slots=False)
class End:
    """How a send ended, with all its attempts.

    ``message`` is needed where no attempt of it was written down before.
    """

    delivery: Delivery
    message: Message | None = None
    store_text: bool = True


def write(
    connection: Connection, lines: Sequence[Line], ends: Sequence[End], now: datetime
) -> None:
    """Write lines, and then ends, in the transaction of a connection."""
    _check_keys(connection, lines)
    ids = {line.id for line in lines} | {str(end.delivery.id) for end in ends}
    book = Book(connection, ids)
    late: list[dict[str, Any]] = []
    for line in lines:
        book.page(_row(line.id, line.message, line.attempt.started_at, texts=line.store_text))
        late += _entered(book, line.id, line.attempt, now)
    for end in ends:
        late += _ended(book, end, now)
    book.put_back(now)
    if late:
        _keep(connection, late)


def _row(id_: str, message: Message, created_at: datetime, *, texts: bool) -> dict[str, Any]:
    return message_row(id_, message, texts=texts, created_at=created_at)


def _check_keys(connection: Connection, lines: Sequence[Line]) -> None:
    """Refuse an attempt of a message whose key another try has taken over: that one may send."""
    opened = {
        (line.message.tenant or "", line.message.key): line.id
        for line in lines
        if line.message.key is not None and line.attempt.outcome is None
    }
    if not opened:
        return
    wanted = select(keys).where(keys.c.key.in_(sorted({key for _, key in opened if key})))
    # Shared with other attempts, and kept from who would take the key over.
    ordered = wanted.order_by(keys.c.tenant, keys.c.key).with_for_update(read=True)
    for row in connection.execute(ordered).mappings():
        id_ = opened.get((row["tenant"], row["key"]))
        if id_ not in {None, row["message_id"]}:
            raise LedgerError("another try has taken this message's key over", retry_later=True)


def _entered(book: Book, id_: str, attempt: Attempt, now: datetime) -> list[dict[str, Any]]:
    known = book.enter(id_, attempt)
    if known is None or attempt.outcome in {None, known.outcome}:
        return []
    return [_evidence(id_, attempt, known, now)]


def _evidence(id_: str, attempt: Attempt, known: Copy, now: datetime) -> dict[str, Any]:
    """Return an event that keeps what came too late to decide anything."""
    return {
        "account": attempt.account,
        "event_id": f"late:{attempt.reference}:{attempt.outcome}",
        "kind": "late",
        "provider": attempt.provider,
        "provider_id": attempt.provider_id,
        "reference": attempt.reference,
        "message_id": id_,
        "received_at": now,
        "texts": False,
        "facts": {
            "outcome": attempt.outcome,
            "evidence": attempt.evidence,
            "text": attempt.text,
            "known": known.outcome,
        },
    }


def _keep(connection: Connection, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        known = select(events.c.event_id).where(
            events.c.account == row["account"], events.c.event_id == row["event_id"]
        )
        if connection.execute(known).first() is None:
            connection.execute(insert(events), row)


def _ended(book: Book, end: End, now: datetime) -> list[dict[str, Any]]:
    delivery = end.delivery
    id_ = str(delivery.id)
    page = book.page(_row_of(end, now)) if id_ not in book.pages else book.pages[id_]
    late = []
    for attempt in delivery.attempts:
        late += _entered(book, id_, attempt, now)
    if not _is_stale(page, delivery):
        page.changes |= ended_row(delivery)
    page.changes["ended_at"] = now
    if not page.value("texts"):
        page.changes["raw"] = None
    _hear(book, id_, delivery)
    if not page.copies:
        page.changes["status"] = delivery.status
    return late


def _is_stale(page: Page, delivery: Delivery) -> bool:
    """Whether more is known of the message than this delivery knows."""
    if page.value("ended_at") is None:
        return False
    if delivery.status in UNSURE:
        return any(copy.outcome is Outcome.ACCEPTED for copy in page.copies.values())
    copy = page.copies.get(delivery.reference or "")
    said = None if copy is None else copy.status
    return said is not None and said.rank > delivery.status.rank


def _hear(book: Book, id_: str, delivery: Delivery) -> None:
    copy = book.pages[id_].copies.get(delivery.reference or "")
    if copy is None or delivery.status in UNSURE:
        return
    if copy.outcome is Outcome.ACCEPTED and copy.status is not delivery.status:
        book.hear(id_, copy.reference, delivery.status)


def _row_of(end: End, now: datetime) -> dict[str, Any]:
    delivery = end.delivery
    created_at = delivery.created_at or now
    if end.message is not None:
        return _row(str(delivery.id), end.message, created_at, texts=end.store_text)
    return {
        "id": delivery.id,
        "tenant": "",
        "key": delivery.key,
        "tag": delivery.tag,
        "kind": delivery.kind,
        "recipient": delivery.to,
        "segments": delivery.segments_predicted,
        "texts": False,
        "status": Status.PENDING,
        "created_at": created_at,
    }
