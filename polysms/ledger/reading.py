"""Reading deliveries back: by id, by key, by what they have in common. No look-up scans a table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs
from sqlalchemy import Connection, Select, bindparam, literal, or_, select

from polysms.delivery import Attempt, Delivery, DeliveryReport, Event, Outcome, Status
from polysms.ledger.book import is_running
from polysms.ledger.rows import Row, attempt_of, delivery_of, event_of, message_of
from polysms.ledger.tables import attempts, events, keys, messages
from polysms.message import Message
from polysms.routing.fold import reported, sent_status, standing
from polysms.routing.plan import Watermark

# In the statement itself and no parameter: only then a partial index is known to fit.
_ACCEPTED = literal("accepted", literal_execute=True)
_MAYBE = literal("maybe_sent", literal_execute=True)
_EXACT = literal("exact", literal_execute=True)
REPORT = literal("report", literal_execute=True)


@attrs.frozen
class OpenAttempt:
    """An attempt that nobody closed in its time: it may have been sent."""

    id: str
    attempt: Attempt


@attrs.frozen(kw_only=True)
class Query:
    """What deliveries are to have in common; None: anything."""

    to: str | None = attrs.field(default=None, repr=False)
    key: str | None = attrs.field(default=None, repr=False)
    tag: str | None = attrs.field(default=None, repr=False)
    status: Status | None = None
    account: str | None = None
    since: datetime | None = None
    tenant: str | None = None
    limit: int = 100

    def statement(self) -> Select[Any]:
        """Return the newest messages that fit, the newest first."""
        wanted = {
            messages.c.recipient: self.to,
            messages.c.key: self.key,
            messages.c.tag: self.tag,
            messages.c.status: self.status,
            messages.c.account: self.account,
            messages.c.tenant: self.tenant,
        }
        fits = [column == value for column, value in wanted.items() if value is not None]
        if self.since is not None:
            fits.append(messages.c.created_at >= self.since)
        newest = (messages.c.created_at.desc(), messages.c.id.desc())
        return select(messages).where(*fits).order_by(*newest).limit(self.limit)


def deliveries(connection: Connection, rows: Sequence[Row], now: datetime) -> list[Delivery]:
    """Return the deliveries of some messages' rows, as they stand now."""
    ids = [row["id"] for row in rows]
    if not ids:
        return []
    tries = _grouped(
        connection, select(attempts).where(attempts.c.message_id.in_(ids)), attempts.c.number
    )
    told = _grouped(
        connection, select(events).where(events.c.message_id.in_(ids)), events.c.received_at
    )
    return [_delivery(row, tries[row["id"]], told[row["id"]], now) for row in rows]


def _grouped(
    connection: Connection, statement: Select[Any], order: Any
) -> defaultdict[str, list[Row]]:
    grouped: defaultdict[str, list[Row]] = defaultdict(list)
    for row in connection.execute(statement.order_by(order)).mappings():
        grouped[row["message_id"]].append(row)
    return grouped


def _delivery(
    row: Row,
    tries: Sequence[Row],
    told: Sequence[Row],
    now: datetime,
) -> Delivery:
    copies = [
        Status(one["status"])
        if one["status"]
        else sent_status(one["outcome"] and Outcome(one["outcome"]), one["expires_at"], now)
        for one in tries
    ]
    status = standing(copies, Status(row["status"]), running=is_running(row.__getitem__, now))
    delivery = delivery_of(row, [attempt_of(one) for one in tries])
    # What only a hint says is no fact of the message.
    reports = [event_of(one) for one in told if one["kind"] == "report" and not one["hint"]]
    return reported(delivery, status, [one for one in reports if isinstance(one, DeliveryReport)])


def by_id(connection: Connection, id_: str, tenant: str | None) -> Row | None:
    """Return the row of a message, None where there is none (of this tenant, if one is given)."""
    wanted = select(messages).where(messages.c.id == id_)
    if tenant is not None:
        wanted = wanted.where(messages.c.tenant == tenant)
    return connection.execute(wanted).mappings().first()


def by_key(connection: Connection, key: str, tenant: str) -> Row | None:
    """Return the row of the message that a key belongs to, or the last that had it."""
    owner = select(keys.c.message_id).where(keys.c.tenant == tenant, keys.c.key == key)
    id_ = connection.execute(owner).scalar()
    row = None if id_ is None else by_id(connection, id_, None)
    if row is not None:
        return row
    latest = select(messages).where(messages.c.key == key, messages.c.tenant == tenant)
    newest = latest.order_by(messages.c.created_at.desc(), messages.c.id.desc()).limit(1)
    return connection.execute(newest).mappings().first()


def events_of(connection: Connection, id_: str) -> list[Event]:
    """Return every report of a message, in the order in which they came."""
    wanted = select(events).where(events.c.message_id == id_, events.c.kind == REPORT)
    rows = connection.execute(wanted.order_by(events.c.received_at, events.c.event_id))
    return [event_of(row) for row in rows.mappings()]


def message(connection: Connection, id_: str) -> Message | None:
    """Return what was to be said, None where its text is not kept."""
    row = by_id(connection, id_, None)
    return None if row is None else message_of(row)


def open_attempts(connection: Connection, before: datetime, limit: int) -> list[OpenAttempt]:
    """Return the open attempts that expired before a moment, the oldest first."""
    late = select(attempts).where(attempts.c.outcome.is_(None), attempts.c.expires_at < before)
    rows = connection.execute(late.order_by(attempts.c.expires_at).limit(limit)).mappings()
    return [OpenAttempt(row["message_id"], attempt_of(row)) for row in rows]


def knows(connection: Connection, reference: str) -> bool:
    """Whether an attempt is one of ours."""
    wanted = select(attempts.c.reference).where(attempts.c.reference == reference)
    return connection.execute(wanted).first() is not None


def owns(connection: Connection, account: str, provider_id: str) -> bool:
    """Whether a provider's id belongs to an accepted attempt."""
    owner = select(attempts.c.reference).where(
        attempts.c.account == account,
        attempts.c.provider_id == provider_id,
        attempts.c.outcome == Outcome.ACCEPTED,
    )
    return connection.execute(owner.limit(1)).first() is not None


def watermark(connection: Connection, account: str, after: datetime) -> Watermark | None:
    """Return the latest attempt of an account that was accepted and can be found exactly."""
    latest = (
        select(attempts.c.reference, attempts.c.started_at, messages.c.recipient)
        .join(messages, messages.c.id == attempts.c.message_id)
        .where(
            attempts.c.account == account,
            attempts.c.outcome == _ACCEPTED,
            attempts.c.lookup == _EXACT,
            attempts.c.started_at > after,
        )
        .order_by(attempts.c.started_at.desc())
        .limit(1)
    )
    row = connection.execute(latest).first()
    if row is None:
        return None
    return Watermark(reference=row.reference, to=row.recipient or "", at=row.started_at)


def has_rival(connection: Connection, attempt: Attempt, to: str | None, seconds: float) -> bool:
    """Whether another unclear attempt could have left the same record as this one.

    Until it expires its provider may take it, whether or not anybody came back to close it.
    """
    near = timedelta(seconds=seconds)
    start = attempt.started_at - near
    moments = (attempt.started_at, attempt.ended_at, attempt.expires_at)
    end = max(moment for moment in moments if moment is not None) + near
    late = or_(attempts.c.ended_at >= start, attempts.c.expires_at >= start)
    unclear = (
        (attempts.c.outcome == _MAYBE) & late,
        attempts.c.outcome.is_(None) & (attempts.c.expires_at >= start),
    )
    return any(_rival(connection, one, attempt, to, end) for one in unclear)


def _rival(
    connection: Connection, unclear: Any, attempt: Attempt, to: str | None, end: datetime
) -> bool:
    rival = (
        select(attempts.c.reference)
        .join(messages, messages.c.id == attempts.c.message_id)
        .where(
            unclear,
            attempts.c.account == attempt.account,
            attempts.c.lookup == "heuristic",
            attempts.c.reference != attempt.reference,
            attempts.c.started_at <= end,
            messages.c.recipient == to,
        )
    )
    return connection.execute(rival.limit(1)).first() is not None


def _parked() -> Select[Any]:
    waiting = select(events.c.event_id).where(
        events.c.message_id.is_(None), events.c.kind == REPORT
    )
    return waiting.limit(1)


_PARKED = _parked().where(events.c.account.in_(bindparam("accounts", expanding=True)))
_PARKED_REFERENCE = _parked().where(events.c.reference.in_(bindparam("references", expanding=True)))
_PARKED_PROVIDER = _PARKED.where(events.c.provider_id.in_(bindparam("ids", expanding=True)))


def parked(connection: Connection, copies: Sequence[Attempt]) -> bool:
    """Whether a report waits for one of these attempts to be known."""
    if not copies:
        return False
    accounts = {"accounts": sorted({copy.account for copy in copies})}
    references = {"references": [copy.reference for copy in copies]}
    ids = {"ids": [copy.provider_id for copy in copies if copy.provider_id is not None]}

    def found(wanted: Select[Any], given: dict[str, Any]) -> bool:
        return connection.execute(wanted, given).first() is not None

    # Mostly nothing waits at all, which is told faster.
    return found(_PARKED, accounts) and (
        found(_PARKED_REFERENCE, references) or found(_PARKED_PROVIDER, {**accounts, **ids})
    )
