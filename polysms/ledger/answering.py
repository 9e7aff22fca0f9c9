"""What people answer to a number of ours: STOP, and START; of which list, and in which order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import attrs
from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from polysms import numbers, redact
from polysms.delivery import InboundMessage, Outcome
from polysms.errors import InvalidMessage
from polysms.ledger.keys import insert_or_nothing
from polysms.ledger.places import (
    EVERY,
    PLACE,
    STANDS,
    Place,
    added,
    covered,
    list_of,
    row,
    said_at,
    standing,
)
from polysms.ledger.tables import attempts, messages, optouts
from polysms.webhooks.keywords import START, STOP

#: How long a message is one that a STOP may be about.
ANSWERED = timedelta(days=30)
_SENT = or_(attempts.c.outcome.is_(None), attempts.c.outcome != Outcome.NOT_SENT)


@attrs.frozen(kw_only=True)
class Heard:
    """What a message to us has changed: ``keyword`` is ``"stop"`` or ``"start"``."""

    number: str = attrs.field(repr=redact.mask)
    list: str
    tenant: str
    keyword: str


def heard(
    connection: Connection,
    inbound: InboundMessage,
    now: datetime,
    lists: Mapping[str, str],
    mirror: Sequence[str] = (),
) -> Heard | None:
    """Note a STOP, or a START, in the transaction that keeps it; return what it has changed.

    ``lists`` is what each route says of opt-outs, by its name. ``mirror`` are the accounts whose
    providers are to be told. Of the two the one that was said later counts, however they come.
    """
    if inbound.keyword not in {STOP, START}:
        return None
    number, at = _spelled(inbound.from_), said_at(inbound, now)
    source = f"inbound:{inbound.to}"
    started = _started(connection, number, source, at)
    if inbound.keyword == START:
        place = _start(connection, number, inbound.to, source, at)
    elif started is not None and at < started:
        return None
    else:
        list_, tenant = _answered(connection, number, inbound.to, at, lists)
        stop = row(number, list_, tenant, at, source, mirror)
        place = (tenant, number, list_) if added(connection, [stop], again=True) else None
    if place is None:
        return None
    return Heard(number=number, list=place[2], tenant=place[0], keyword=inbound.keyword)


def _spelled(number: str) -> str:
    """Return a number as messages name it, so that one number is one; else as it is."""
    try:
        return numbers.recipient(number)
    except InvalidMessage:
        return number


def _started(connection: Connection, number: str, source: str, at: datetime) -> datetime | None:
    """Return when somebody said START to a number of ours; nobody else hears them until we commit.

    It is kept with the opt-out of every list, as the time at which that ended.
    """
    mark = {**row(number, EVERY, EVERY, at, source), "ended_at": at}
    connection.execute(insert_or_nothing(connection, optouts), mark)
    wanted = select(optouts.c.ended_at).where(_is_mark(number, source)).with_for_update()
    started: datetime | None = connection.execute(wanted).scalar()
    return started


def _is_mark(number: str, source: str) -> ColumnElement[bool]:
    names = {"tenant": EVERY, "recipient": number, "list": EVERY, "source": source}
    return and_(*(optouts.c[name] == value for name, value in names.items()))


def _start(
    connection: Connection, number: str, ours: str, source: str, at: datetime
) -> Place | None:
    """Take back what was said to a number of ours, and by providers; return what is free again."""
    by_provider = optouts.c.source.startswith("provider:", autoescape=True)
    told = by_provider & optouts.c.tenant.in_(sorted(_tenants(connection, number, ours)))
    before = or_(optouts.c.source == source, told) & STANDS & (optouts.c.since <= at)
    ended = update(optouts).where(optouts.c.recipient == number, before)
    lifted = connection.execute(ended.values(ended_at=at, mirror=None).returning(*PLACE)).all()
    newest = update(optouts).where(_is_mark(number, source), optouts.c.ended_at < at)
    connection.execute(newest.values(ended_at=at))
    left = standing(connection, [number])
    places = ((tenant, of, list_) for tenant, of, list_ in lifted)
    return min((place for place in places if not covered(place, left)), default=None)


def _answered(
    connection: Connection, number: str, ours: str, at: datetime, lists: Mapping[str, str]
) -> tuple[str, str]:
    """Return the list and the tenant that a STOP to a number of ours is about.

    Those of the messages it sent lately, else of the newest one. Nobody knows which of several is
    meant: then it is every one.
    """
    newest = func.max(attempts.c.started_at).label("newest")
    wanted = (
        select(messages.c.via, messages.c.tenant, newest)
        .join(attempts, attempts.c.message_id == messages.c.id)
        .where(*_between(number, ours), _SENT)
        .group_by(messages.c.via, messages.c.tenant)
        .order_by(newest.desc())
    )
    found = connection.execute(wanted).all()
    lately = [one for one in found if one.newest >= at - ANSWERED] or found[:1]
    named = {list_of(lists.get(one.via or "")) for one in lately}
    return _only(named), _only({one.tenant for one in lately})


def _only(names: Collection[str]) -> str:
    return next(iter(names)) if len(names) == 1 else EVERY


def _tenants(connection: Connection, number: str, ours: str) -> set[str]:
    """Return whose messages a number of ours was to send to somebody, and who stands for all."""
    wanted = (
        select(messages.c.tenant)
        .join(attempts, attempts.c.message_id == messages.c.id)
        .where(*_between(number, ours))
        .distinct()
    )
    return {EVERY, *connection.execute(wanted).scalars()}


def _between(number: str, ours: str) -> tuple[ColumnElement[bool], ...]:
    digits = numbers.digits(ours)
    spelled = sorted({ours, digits, f"+{digits}"})
    return messages.c.recipient == number, attempts.c.sender.in_(spelled)
