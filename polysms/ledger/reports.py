"""What providers report: kept as it came, once, and matched with the attempt it is about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs
from sqlalchemy import Connection, or_, select, update

from polysms.delivery import Attempt, DeliveryReport, Event, Status
from polysms.ledger.book import Book
from polysms.ledger.keys import insert_or_nothing
from polysms.ledger.reading import REPORT
from polysms.ledger.rows import event_row
from polysms.ledger.tables import attempts, events


@attrs.frozen
class Recorded:
    """What became of an event: ``new`` unless it had come before; ``id`` is its message's.

    A report without a message is parked: it is matched once an attempt turns out to be its own.
    """

    new: bool
    id: str | None = None
    status: Status | None = None


def record(connection: Connection, event: Event, now: datetime) -> Recorded:
    """Keep an event; let its message's status follow, where it is known."""
    row = event_row(event)
    kept = insert_or_nothing(connection, events).returning(events.c.event_id)
    new = connection.execute(kept, row).first() is not None
    if not isinstance(event, DeliveryReport):
        return Recorded(new)
    known = _matched(connection, row)
    if known is None:
        return Recorded(new)
    return Recorded(new, known.message_id, _told(connection, [(row, known)], now)[known.message_id])


def match(connection: Connection, copies: Sequence[Attempt], now: datetime) -> None:
    """Match the parked reports that are about one of these attempts."""
    by_reference = events.c.reference.in_([copy.reference for copy in copies])
    by_provider = events.c.account.in_(sorted({copy.account for copy in copies})) & (
        events.c.provider_id.in_([copy.provider_id for copy in copies if copy.provider_id])
    )
    # One after the other, because each has an index.
    for about in (by_reference, by_provider):
        _match(connection, about, now, len(copies) * 100)


def match_parked(connection: Connection, now: datetime, limit: int) -> int:
    """Match what is still parked; return how many reports found their message."""
    owner = attempts.c.reference == events.c.reference
    same = (attempts.c.account == events.c.account) & (
        attempts.c.provider_id == events.c.provider_id
    )
    known = select(attempts.c.reference).where(owner), select(attempts.c.reference).where(same)
    return _match(connection, or_(*(one.exists() for one in known)), now, limit)


def _match(connection: Connection, about: Any, now: datetime, limit: int) -> int:
    waiting = select(events).where(events.c.message_id.is_(None), events.c.kind == REPORT, about)
    rows = connection.execute(waiting.limit(limit)).mappings().all()
    pairs = [(dict(row), _matched(connection, row)) for row in rows]
    found = [(row, known) for row, known in pairs if known is not None]
    _told(connection, found, now)
    return len(found)


def _matched(connection: Connection, row: Any) -> Any:
    """Return the attempt that a report is about: by our reference, else by the provider's id."""
    wanted = select(attempts.c.reference, attempts.c.message_id).where(
        attempts.c.account == row["account"]
    )
    if row["reference"] is not None:
        found = connection.execute(wanted.where(attempts.c.reference == row["reference"])).first()
        if found is not None:
            return found
    return connection.execute(wanted.where(attempts.c.provider_id == row["provider_id"])).first()


def _told(connection: Connection, found: Sequence[Any], now: datetime) -> dict[str, Status]:
    """Let reports be about their attempts; return the status of each message then."""
    book = Book(connection, {known.message_id for _, known in found})
    for row, known in found:
        book.hear(known.message_id, known.reference, Status(row["status"]))
        changes = {"message_id": known.message_id, "reference": known.reference}
        if not book.pages[known.message_id].value("texts"):
            changes |= {"raw": None, "texts": False}
        same = (events.c.account == row["account"]) & (events.c.event_id == row["event_id"])
        connection.execute(update(events).where(same).values(changes))
    book.put_back(now)
    return {id_: Status(page.value("status")) for id_, page in book.pages.items()}
