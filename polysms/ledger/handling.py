"""Events that somebody is to be told of, until that has been done: a small outbox of its own.

Whoever keeps an event sets the time at which another is to take it over (``handle_at``), tells
those who listen, and clears it. So what is lost with a process that dies is told by the next one;
whoever listens may hear of an event twice, and knows it by its ``event_id``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs
from sqlalchemy import Connection, bindparam, select, tuple_, update

from polysms.delivery import DeliveryReport, Event, Status
from polysms.ledger.rows import OPT_OUT, Row, event_of
from polysms.ledger.tables import events, messages


@attrs.frozen(kw_only=True)
class Due:
    """An event of which somebody is to be told, with what the ledger knows of its message.

    ``status`` is where the message stands, ``hint`` says that the event is not proved, ``tries``
    how often telling has failed, and ``opt_out`` the list that an inbound message is about.
    """

    event: Event
    hint: bool = False
    tries: int = 0
    status: Status | None = None
    opt_out: str | None = None


@attrs.frozen(kw_only=True)
class Handled:
    """That an event has been told; ``again`` is when to try once more where that has failed."""

    account: str
    event_id: str
    again: datetime | None = None


def claim(connection: Connection, now: datetime, until: datetime, limit: int) -> list[Due]:
    """Return some events whose time has come; nobody else gets them before ``until``."""
    name = (events.c.account, events.c.event_id)
    due = (
        select(*name)
        .where(events.c.handle_at <= now)
        .order_by(events.c.handle_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte()
    )
    taken = update(events).where(tuple_(*name).in_(select(due.c.account, due.c.event_id)))
    rows = connection.execute(taken.values(handle_at=until).returning(*events.c)).mappings().all()
    known = _messages(connection, {row["message_id"] for row in rows if row["message_id"]})
    ordered = sorted(rows, key=lambda row: (row["received_at"], row["event_id"]))
    return [_due(row, known.get(row["message_id"])) for row in ordered]


def _messages(connection: Connection, ids: set[str]) -> dict[str, Any]:
    if not ids:
        return {}
    columns = (messages.c.id, messages.c.key, messages.c.tag, messages.c.status)
    rows = connection.execute(select(*columns).where(messages.c.id.in_(sorted(ids))))
    return {row.id: row for row in rows}


def _due(row: Row, message: Any) -> Due:
    event = event_of(row)
    opt_out = row["facts"].get(OPT_OUT)
    if message is None or not isinstance(event, DeliveryReport):
        return Due(event=event, hint=row["hint"], tries=row["handle_tries"], opt_out=opt_out)
    filled = attrs.evolve(event, id=message.id, key=message.key, tag=message.tag)
    status = Status(message.status)
    return Due(event=filled, hint=row["hint"], tries=row["handle_tries"], status=status)


_HANDLED = (
    update(events)
    .where(events.c.account == bindparam("of_account"), events.c.event_id == bindparam("of_event"))
    .values(
        handle_at=bindparam("again"),
        handle_tries=events.c.handle_tries + bindparam("failed"),
    )
)


def handled(connection: Connection, told: Sequence[Handled]) -> None:
    """Note that events have been told, or when to try again."""
    ordered = sorted(told, key=lambda one: (one.account, one.event_id))
    rows = [
        {
            "of_account": one.account,
            "of_event": one.event_id,
            "again": one.again,
            "failed": int(one.again is not None),
        }
        for one in ordered
    ]
    if rows:
        connection.execute(_HANDLED, rows)
