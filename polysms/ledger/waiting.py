"""What waits in the outbox: looked at, not touched."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from polysms.ledger.book import RUNNING, SENT, WAITING
from polysms.ledger.tables import messages


def due(connection: Connection, *, now: datetime, limit: int) -> list[str]:
    """Return the ids of messages whose time has come, those that wait longest first; no lease."""
    found: list[str] = []
    for state in (WAITING, SENT):
        ids = (
            select(messages.c.id)
            .where(messages.c.state == state, messages.c.next_at <= now)
            .order_by(messages.c.next_at)
            .limit(limit - len(found))
        )
        found.extend(connection.execute(ids).scalars())
    return found


def waiting(connection: Connection) -> int:
    """Return how many messages are still to be sent."""
    counted = select(func.count()).select_from(messages).where(messages.c.state.in_(RUNNING))
    return int(connection.execute(counted).scalar_one())


def until_next(connection: Connection, now: datetime) -> float | None:
    """Return the seconds until a message is to be sent, None where none waits."""
    earliest = (
        select(messages.c.next_at)
        .where(messages.c.state == WAITING)
        .order_by(messages.c.next_at)
        .limit(1)
    )
    at = connection.execute(earliest).scalar()
    return None if at is None else max(0.0, (at - now).total_seconds())
