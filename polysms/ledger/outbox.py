"""The outbox: messages that wait to be sent, each with at most one worker at it.

A message's ``state`` says what is to be done with it:

========= ====================================================================================
waiting   to be sent at ``next_at``; nothing of it can have been sent
claimed   a worker sends it, until ``claimed_until`` (a lease)
unclear   it may have been sent: it is looked for at ``look_at``, and waits for what is found
sent      a provider has it; at ``next_at`` the worker asks whether another should try
over      nothing more is to be done
========= ====================================================================================

An attempt begins only under a lease that still holds (:mod:`polysms.ledger.writing`), and is
written down before its first byte. So a lease that has expired without an attempt sent nothing;
one that has expired with an open attempt may have.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import attrs
from sqlalchemy import Connection, Insert, insert, select, update

from polysms.delivery import Delivery, Outcome, Status
from polysms.ledger.book import CLAIMED, OVER, SENT, UNCLEAR, WAITING, Book, Page
from polysms.ledger.keys import KeyState, begin
from polysms.ledger.reading import by_id, by_key, deliveries
from polysms.ledger.rows import Row, delivery_of, message_of, message_row
from polysms.ledger.tables import messages
from polysms.message import Message

#: Leases that one transaction takes back.
STEP = 100
#: The shortest time that the ledger knows.
MOMENT = timedelta(microseconds=1)


@attrs.frozen(kw_only=True)
class Order:
    """A message to be sent later: ``at`` a time, ``via`` an account or route, or never any more."""

    id: str
    message: Message = attrs.field(repr=False)
    via: str | None
    at: datetime
    valid_until: datetime
    store_text: bool = True
    created_at: datetime | None = None


@attrs.frozen(kw_only=True)
class Claim:
    """A message that a worker is to see to, and what has become of it so far.

    ``message`` is None where its text is not kept any more. ``sent`` tells that a provider has it
    already, and that another is perhaps to try.
    """

    id: str
    message: Message | None = attrs.field(repr=False)
    delivery: Delivery = attrs.field(repr=False)
    via: str | None
    valid_until: datetime
    tries: int
    sent: bool
    confirmed: bool


def enqueue(
    connection: Connection, order: Order, now: datetime, fingerprint: str | None
) -> KeyState:
    """Put a message into the outbox, unless its key says that it is there, or sent, already."""
    message = order.message
    if message.key is not None and fingerprint is not None:
        state = begin(
            connection,
            message.key,
            message.tenant or "",
            fingerprint=fingerprint,
            id_=order.id,
            now=now,
            until=order.valid_until,
        )
        if not state.new:
            return state
    connection.execute(statement(order, now))
    return KeyState(order.id)


def statement(order: Order, now: datetime) -> Insert:
    """Return the INSERT that puts a message into the outbox."""
    created_at = order.created_at or now
    row = message_row(order.id, order.message, texts=True, created_at=created_at)
    return insert(messages).values(
        {
            **row,
            # What is not to be kept is there until it is sent.
            "texts": order.store_text,
            "via": order.via,
            "state": WAITING,
            "next_at": order.at,
            "valid_until": order.valid_until,
            "tries": 0,
        }
    )


def claim(  # noqa: PLR0913 - each fact of a lease
    connection: Connection,
    state: str,
    worker: str,
    *,
    now: datetime,
    until: datetime,
    limit: int,
) -> list[Claim]:
    """Take a lease on some messages of a state whose time has come; the earliest first."""
    due = (
        select(messages.c.id)
        .where(messages.c.state == state, messages.c.next_at <= now)
        .order_by(messages.c.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    # A CTE, because a subquery might be run more than once, and lock more each time.
    taken = (
        update(messages)
        .where(messages.c.id.in_(select(due.cte().c.id)))
        .values(state=CLAIMED, claimed_by=worker, claimed_until=until)
        .returning(*messages.c)
    )
    return _claims(connection, connection.execute(taken).mappings().all(), now, sent=state == SENT)


def claim_one(
    connection: Connection, id_: str, worker: str, *, now: datetime, until: datetime
) -> list[Claim]:
    """Take a lease on one message, if its time has come and nobody else has it."""
    found = select(messages.c.state).where(
        messages.c.id == id_, messages.c.state.in_((WAITING, SENT)), messages.c.next_at <= now
    )
    state = connection.execute(found.with_for_update(skip_locked=True)).scalar()
    if state is None:
        return []
    taken = update(messages).where(messages.c.id == id_).returning(*messages.c)
    taken = taken.values(state=CLAIMED, claimed_by=worker, claimed_until=until)
    return _claims(connection, connection.execute(taken).mappings().all(), now, sent=state == SENT)


def _claims(
    connection: Connection, rows: Sequence[Row], now: datetime, *, sent: bool
) -> list[Claim]:
    ordered = sorted(rows, key=lambda row: row["next_at"])
    if all(row["account"] is None for row in rows):
        # Nobody has tried yet, so that there is nothing to read of it: mostly so.
        known = [delivery_of(row, []) for row in ordered]
    else:
        known = deliveries(connection, ordered, now)
    return [
        Claim(
            id=row["id"],
            message=message_of(row),
            delivery=delivery,
            via=row["via"],
            valid_until=row["valid_until"],
            tries=row["tries"] or 0,
            sent=sent,
            confirmed=row["confirmed_at"] is not None,
        )
        for row, delivery in zip(ordered, known, strict=True)
    ]


def reclaim(connection: Connection, now: datetime) -> int:
    """Take back the leases that have expired; return how many.

    What may have been sent is unclear until it is found out. What surely was not, because no
    attempt was written that could have sent it, waits again.
    """
    expired = (
        select(messages.c.id)
        .where(messages.c.state == CLAIMED, messages.c.claimed_until < now)
        .order_by(messages.c.claimed_until)
        .limit(STEP)
        .with_for_update(skip_locked=True)
    )
    ids = connection.execute(expired).scalars().all()
    book = Book(connection, ids)
    for page in book.pages.values():
        unsent = all(copy.outcome is Outcome.NOT_SENT for copy in page.copies.values())
        page.move(WAITING if unsent else UNCLEAR, now)
        if not unsent:
            page.changes["look_at"] = _expiry(page, now)
    book.put_back(now)
    return len(book.pages)


def _expiry(page: Page, now: datetime) -> datetime:
    """Return when the last open attempt can be under way no more: it is looked for then."""
    open_ = (copy.expires_at for copy in page.copies.values() if copy.outcome is None)
    # A moment later, because at its expiry it has not expired yet.
    return max([now, *(at + MOMENT for at in open_ if at is not None)])


def looks(connection: Connection, *, now: datetime, until: datetime, limit: int) -> list[Claim]:
    """Return some messages of which a provider is to be asked now; nobody else gets them before."""
    due = (
        select(messages.c.id)
        .where(messages.c.look_at <= now)
        .order_by(messages.c.look_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = update(messages).where(messages.c.id.in_(select(due.cte().c.id))).values(look_at=until)
    rows = connection.execute(taken.returning(*messages.c)).mappings().all()
    known = deliveries(connection, rows, now)
    return [_looked(row, delivery) for row, delivery in zip(rows, known, strict=True)]


def _looked(row: Row, delivery: Delivery) -> Claim:
    return Claim(
        id=row["id"],
        message=message_of(row),
        delivery=delivery,
        via=row["via"],
        valid_until=row["valid_until"] or _valid_until(row),
        tries=row["tries"] or 0,
        sent=row["state"] == SENT,
        confirmed=row["confirmed_at"] is not None,
    )


def _valid_until(row: Row) -> datetime:
    until: datetime = row["created_at"] + timedelta(seconds=row["valid_for"] or 0)
    return until


def look_later(connection: Connection, id_: str, at: datetime | None) -> None:
    """Let a message be looked for at another time, or (None) no more."""
    later = update(messages).where(messages.c.id == id_, messages.c.look_at.is_not(None))
    connection.execute(later.values(look_at=at))


def release(connection: Connection, ids: Sequence[str], worker: str, state: str) -> None:
    """Give leases back of messages with which nothing was begun, to the state they had."""
    mine = (messages.c.id.in_(ids), messages.c.state == CLAIMED, messages.c.claimed_by == worker)
    free = {"state": state, "claimed_by": None, "claimed_until": None}
    connection.execute(update(messages).where(*mine).values(free))


def cancel(connection: Connection, row: Row, now: datetime) -> None:
    """Let a message that still waits never be sent; what is under way already goes on."""
    book = Book(connection, [row["id"]])
    page = book.pages.get(row["id"])
    if page is not None and page.value("state") == WAITING:
        page.move(OVER, None)
        page.changes |= {"status": Status.CANCELLED, "ended_at": now}
        book.put_back(now)


def confirm(connection: Connection, row: Row, now: datetime) -> None:
    """Note that a message has arrived, by the caller's own word: no other account tries."""
    book = Book(connection, [row["id"]])
    page = book.pages.get(row["id"])
    if page is None or page.value("confirmed_at") is not None:
        return
    page.changes["confirmed_at"] = now
    if page.value("state") in {WAITING, SENT}:
        page.move(OVER, None)
    book.put_back(now)


def owner(connection: Connection, key_or_id: str, tenant: str | None) -> Row | None:
    """Return the row of a message by its id or its key."""
    row = by_id(connection, key_or_id, tenant)
    return row or by_key(connection, key_or_id, tenant or "")
