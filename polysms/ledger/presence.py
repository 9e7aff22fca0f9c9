"""Who drains the outbox, so that it can be told that nobody does."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select, update

from polysms.ledger.keys import insert_or_nothing
from polysms.ledger.tables import workers


def seen(connection: Connection, worker: str, now: datetime) -> None:
    """Note that a worker is at it."""
    row = {"name": worker, "seen_at": now}
    if connection.execute(
        update(workers).where(workers.c.name == worker).values(seen_at=now)
    ).rowcount:
        return
    connection.execute(insert_or_nothing(connection, workers), row)


def gone(connection: Connection, worker: str) -> None:
    """Note that a worker has stopped."""
    connection.execute(workers.delete().where(workers.c.name == worker))


def last_seen(connection: Connection) -> datetime | None:
    """Return when a worker was last at it, None where there never was one."""
    found: datetime | None = connection.execute(select(func.max(workers.c.seen_at))).scalar()
    return found
