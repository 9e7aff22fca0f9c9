"""Writing down attempts and ends: many in one commit, never undoing what is known better."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import attrs
from sqlalchemy import Connection, insert, select

from polysms.delivery import Attempt, Delivery, Outcome, Status
from polysms.errors import LedgerError
from polysms.ledger import unwanted
from polysms.ledger.book import CLAIMED, UNCLEAR, Book, Copy, Page
from polysms.ledger.optouts import ALL, Row
from polysms.ledger.rows import ended_row, message_row
from polysms.ledger.tables import events, keys
from polysms.message import Message
from polysms.routing.assigning import Assignment
from polysms.routing.fold import UNSENT

#: What we say ourselves, while no provider has said anything.
UNSURE = UNSENT | {Status.MAYBE_SENT}


class TakenOver(LedgerError):
    """Somebody else decides about this message now, so that no attempt of it may begin."""


@attrs.frozen(slots=False)
class Line:
    """An attempt to write down, before its first byte or as it has ended.

    ``store_text`` False keeps no text, media or answer of its message; ``via`` is the account or
    route that it takes. ``worker`` is who holds the lease of a message in the outbox: for others
    no attempt of it begins. ``optouts`` is what the route says of numbers that have opted out.
    ``assignment`` is for the first attempt of a message that was given to an account to compare it.
    """

    id: str
    message: Message
    attempt: Attempt
    store_text: bool = True
    via: str | None = None
    worker: str | None = None
    optouts: str = ALL
    assignment: Assignment | None = None


@attrs.frozen
class After:
    """What becomes of a message in the outbox, if this worker still holds its lease.

    Without a ``worker`` it is for a message that is unclear, and is not held by anybody. ``state``
    is as in :mod:`polysms.ledger.outbox`, ``next_at`` when the outbox is to come back to it,
    ``tries`` how often it has been tried.
    """

    worker: str | None
    state: str
    next_at: datetime | None = None
    tries: int | None = None


@attrs.frozen(slots=False)
class End:
    """How a send ended, with all its attempts.

    ``message`` is needed where no attempt of it was written down before. ``look_at`` is when its
    provider should be asked what became of it, unless that is known by then.
    """

    delivery: Delivery
    message: Message | None = None
    store_text: bool = True
    via: str | None = None
    look_at: datetime | None = None
    after: After | None = None
    optouts: str = ALL

    @property
    def is_look(self) -> bool:
        """Whether a provider was asked, and nothing was sent."""
        return self.message is None and (self.after is None or self.after.worker is None)


def write(
    connection: Connection,
    lines: Sequence[Line],
    ends: Sequence[End],
    now: datetime,
    secret: bytes = b"",
) -> None:
    """Write lines, and then ends, in the transaction of a connection.

    ``secret`` is the ledger's, for lines with an assignment.

    Raises :class:`~polysms.ledger.unwanted.OptedOut` for attempts that must not begin.
    """
    _check_keys(connection, lines)
    ids = {line.id for line in lines} | {str(end.delivery.id) for end in ends}
    book = Book(connection, ids)
    _note_holders(book, lines, ends)
    _check_leases(book, lines, now)
    unwanted.check(connection, lines)
    unwanted.keep(connection, _told(book, lines, ends, now))
    late: list[dict[str, Any]] = []
    for line in lines:
        if line.id not in book.pages:
            book.page(_row(line, line.message, line.id, line.attempt.started_at))
        if line.assignment is not None:
            book.assigned.begin(book.pages[line.id], line, line.assignment, secret)
        late += _entered(book, line.id, line.attempt, now)
    for end in ends:
        late += _ended(book, end, now)
    book.put_back(now)
    if late:
        _keep(connection, late)


def _row(said: Line | End, message: Message, id_: str, created_at: datetime) -> dict[str, Any]:
    row = message_row(id_, message, texts=said.store_text, created_at=created_at)
    return {**row, "via": said.via}


def _note_holders(book: Book, lines: Sequence[Line], ends: Sequence[End]) -> None:
    writers = [(line.id, line.worker) for line in lines]
    writers += [(str(end.delivery.id), end.after.worker) for end in ends if end.after is not None]
    for id_, worker in writers:
        page = book.pages.get(id_)
        if page is not None and worker is not None and page.value("claimed_by") == worker:
            page.is_held = True


def _check_leases(book: Book, lines: Sequence[Line], now: datetime) -> None:
    """Refuse an attempt of a message in the outbox to all but the worker that holds its lease."""
    for line in lines:
        if line.attempt.outcome is not None:
            continue
        page = book.pages.get(line.id)
        if page is None or page.value("state") is None:
            if line.worker is not None:
                raise TakenOver("this message is not in the outbox any more")
        elif not _holds(line.worker, page, now):
            raise TakenOver("another worker has taken this message over, or it is not wanted")


def _holds(worker: str | None, page: Page, now: datetime) -> bool:
    if page.value("state") != CLAIMED or page.value("confirmed_at") is not None:
        return False
    until = page.value("claimed_until")
    return worker == page.value("claimed_by") and until is not None and until >= now


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
            raise TakenOver("another try has taken this message's key over", retry_later=True)


def _told(book: Book, lines: Sequence[Line], ends: Sequence[End], now: datetime) -> Iterator[Row]:
    """Yield the opt-outs that providers tell of in answers which are written down now."""
    said: list[tuple[Line | End, str, Message, tuple[Attempt, ...]]]
    said = [(one, one.id, one.message, (one.attempt,)) for one in lines]
    said += [
        (one, str(one.delivery.id), one.message, one.delivery.attempts)
        for one in ends
        if one.message is not None
    ]
    for one, id_, message, attempts in said:
        page = book.pages.get(id_)
        for attempt in attempts:
            known = None if page is None else page.copies.get(attempt.reference)
            # What was written before may have been taken back since.
            if known is None or known.outcome is None:
                row = unwanted.refused(message, attempt, one.optouts, now)
                if row is not None:
                    yield row


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
    page = book.pages.get(id_) or book.page(_row_of(end, now))
    late = []
    for attempt in delivery.attempts:
        late += _entered(book, id_, attempt, now)
    if not _is_stale(page, delivery):
        page.changes |= ended_row(delivery)
    page.changes["ended_at"] = now
    if not page.value("texts"):
        page.changes["raw"] = None
    if end.look_at is not None:
        page.changes["look_at"] = end.look_at
    if end.after is not None:
        _move(page, end.after)
    _hear(book, id_, end, now)
    is_open = not page.is_running(now) and page.value("status") != Status.CANCELLED
    if not page.copies and is_open:
        page.changes["status"] = delivery.status
    return late


def _move(page: Page, after: After) -> None:
    """Let a message in the outbox go on, if whoever says so still holds its lease."""
    held = page.value("state") == CLAIMED and page.value("claimed_by") == after.worker
    unclear = page.value("state") == UNCLEAR and after.worker is None
    if held or unclear:
        page.move(after.state, after.next_at)
        if after.tries is not None:
            page.changes["tries"] = after.tries


def _is_stale(page: Page, delivery: Delivery) -> bool:
    """Whether more is known of the message than this delivery knows."""
    if page.value("ended_at") is None:
        return False
    if delivery.status in UNSURE:
        return any(copy.outcome is Outcome.ACCEPTED for copy in page.copies.values())
    copy = page.copies.get(delivery.reference or "")
    said = None if copy is None else copy.status
    return said is not None and said.rank > delivery.status.rank


def _hear(book: Book, id_: str, end: End, now: datetime) -> None:
    status = end.delivery.status
    copy = book.pages[id_].copies.get(end.delivery.reference or "")
    if copy is not None and status not in UNSURE:
        book.assigned.told(id_, copy, end, now)
        if copy.outcome is Outcome.ACCEPTED and copy.status is not status:
            book.hear(id_, copy.reference, status)


def _row_of(end: End, now: datetime) -> dict[str, Any]:
    delivery = end.delivery
    created_at = delivery.created_at or now
    if end.message is not None:
        return _row(end, end.message, str(delivery.id), created_at)
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
