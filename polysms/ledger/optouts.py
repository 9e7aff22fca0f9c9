"""Opt-outs: who wants no more messages, of one list or of any, whatever account they come from.

A number is on a list of one tenant. The empty text stands for every list, and for every tenant.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    cast,
    delete,
    or_,
    select,
    tuple_,
    update,
)

from polysms import numbers, redact
from polysms.delivery import InboundMessage, Outcome
from polysms.errors import InvalidMessage
from polysms.ledger.keys import insert_or_nothing
from polysms.ledger.tables import attempts, messages, optouts
from polysms.webhooks.keywords import START, STOP

if TYPE_CHECKING:
    pass

T = TypeVar("T")
Run = Callable[[Callable[[Connection], T]], T]
#: What is to be added: one row of the table.
Row = Mapping[str, Any]

#: What a route says of opt-outs, where it does not name a list.
ALL, NONE = "all", "none"
#: The list, and the tenant, that stands for all of them.
EVERY = ""
#: Opt-outs that one transaction of a walk reads.
PAGE = 500


@attrs.frozen(kw_only=True)
class OptOut:
    """A number that wants no more messages: of a list, or (the empty text) of any.

    ``source`` tells how that is known: ``api``, ``import``, ``inbound:`` with our number that was
    answered, ``provider:`` with the name of one that refused. ``mirror`` are the accounts whose
    providers are yet to be told.
    """

    number: str = attrs.field(repr=redact.mask)
    list: str = EVERY
    tenant: str = EVERY
    since: datetime
    source: str = attrs.field(repr=redact.shown)
    mirror: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Heard:
    """What a message to us has changed: ``keyword`` is ``"stop"`` or ``"start"``."""

    number: str = attrs.field(repr=redact.mask)
    list: str
    tenant: str
    keyword: str


def list_of(rule: str | None) -> str:
    """Return the list that a route's ``optouts`` names; every list for "all", "none" or None."""
    return EVERY if rule in {None, ALL, NONE} else str(rule)


def heard(
    connection: Connection,
    inbound: InboundMessage,
    now: datetime,
    lists: Mapping[str, str],
    mirror: Sequence[str] = (),
) -> Heard | None:
    """Note a STOP, or a START, in the transaction that keeps it; return what it has changed.

    ``lists`` is what each route says of opt-outs, by its name. ``mirror`` are the accounts whose
    providers are to be told. A START takes back what was said to the same number of ours, and of
    the same list.
    """
    if inbound.keyword not in {STOP, START}:
        return None
    number = spelled(inbound.from_)
    list_, tenant = _answered(connection, number, inbound.to, lists)
    source = f"inbound:{inbound.to}"
    if inbound.keyword == STOP:
        changed = added(connection, [row(number, list_, tenant, now, source, mirror)]) > 0
    else:
        same = (optouts.c.list == list_) & (optouts.c.tenant == tenant)
        taken_back = or_(same, optouts.c.source == source)
        gone = delete(optouts).where(optouts.c.recipient == number, taken_back)
        changed = connection.execute(gone).rowcount > 0
    if not changed:
        return None
    return Heard(number=number, list=list_, tenant=tenant, keyword=inbound.keyword)


def spelled(number: str) -> str:
    """Return a number as messages name it, so that one number is one; else as it is."""
    try:
        return numbers.recipient(number)
    except InvalidMessage:
        return number


def _answered(
    connection: Connection, number: str, ours: str, lists: Mapping[str, str]
) -> tuple[str, str]:
    """Return the list and tenant of the newest message to a number from one of ours."""
    digits = numbers.digits(ours)
    sent = or_(attempts.c.outcome.is_(None), attempts.c.outcome != Outcome.NOT_SENT)
    wanted = (
        select(messages.c.via, messages.c.tenant)
        .join(attempts, attempts.c.message_id == messages.c.id)
        .where(messages.c.recipient == number, sent)
        .where(attempts.c.sender.in_(sorted({ours, digits, f"+{digits}"})))
        .order_by(messages.c.created_at.desc(), attempts.c.started_at.desc())
        .limit(1)
    )
    found = connection.execute(wanted).first()
    if found is None:
        return EVERY, EVERY
    return list_of(lists.get(found.via or "")), found.tenant


def row(  # noqa: PLR0913, PLR0917 - each fact of an opt-out
    number: str,
    list_: str,
    tenant: str,
    now: datetime,
    source: str,
    mirror: Iterable[str] = (),
) -> Row:
    """Return the row of an opt-out."""
    # A provider knows nothing of our lists: told of one, it would refuse every other too.
    told = list(dict.fromkeys(mirror)) if list_ == EVERY else []
    facts = {"tenant": tenant, "recipient": number, "list": list_, "since": now, "source": source}
    return {**facts, "mirror": told or None}


def added(connection: Connection, rows: Iterable[Row]) -> int:
    """Add opt-outs, and leave alone those that are there; return how many are new."""
    statement = insert_or_nothing(connection, optouts).returning(optouts.c.list)
    return sum(connection.execute(statement, one).first() is not None for one in rows)


class OptOuts:
    """The opt-outs of a ledger; each method is one transaction."""

    def __init__(self, write: Run[Any], read: Run[Any], clock: Callable[[], datetime]) -> None:
        self._write = write
        self._read = read
        self._clock = clock

    def add(
        self,
        number: str,
        list: str = EVERY,  # noqa: A002 - the plain word
        tenant: str = EVERY,
        *,
        source: str = "api",
        mirror: Sequence[str] = (),
    ) -> bool:
        """Add a number; return whether it was not there. ``mirror``: accounts to be told.

        Raises :class:`~polysms.errors.InvalidMessage` for what is no number.
        """
        return self.add_many([number], list, tenant, source=source, mirror=mirror) > 0

    def add_many(
        self,
        given: Iterable[str],
        list: str = EVERY,  # noqa: A002
        tenant: str = EVERY,
        *,
        source: str = "api",
        mirror: Sequence[str] = (),
    ) -> int:
        """Add numbers in one commit; return how many were not there."""
        now, known = self._clock(), sorted({numbers.recipient(one) for one in given})
        rows = [row(number, list, tenant, now, source, mirror) for number in known]
        count: int = self._write(lambda connection: added(connection, rows))
        return count

    def remove(
        self,
        number: str,
        list: str | None = None,  # noqa: A002
        tenant: str = EVERY,
    ) -> int:
        """Take a number off a list, or (None) off each of them; return off how many."""
        which = [optouts.c.recipient == numbers.recipient(number), optouts.c.tenant == tenant]
        if list is not None:
            which.append(optouts.c.list == list)
        gone: int = self._write(lambda one: one.execute(delete(optouts).where(*which)).rowcount)
        return gone

    def of(self, number: str, tenant: str | None = None) -> tuple[OptOut, ...]:
        """Return every opt-out of a number, of all tenants or of one."""
        which = [optouts.c.recipient == numbers.recipient(number)]
        if tenant is not None:
            which.append(optouts.c.tenant == tenant)
        return tuple(_optout(row) for row in self._page(which))

    def walk(
        self,
        list: str | None = None,  # noqa: A002
        tenant: str | None = None,
    ) -> Iterator[OptOut]:
        """Yield every opt-out, in the order of tenants and numbers, a page at a time."""
        given = {"list": list, "tenant": tenant}
        which = [optouts.c[name] == value for name, value in given.items() if value is not None]
        after: tuple[str, ...] | None = None
        while True:
            beyond = [] if after is None else [tuple_(*_PLACE) > after]
            rows = self._page([*which, *beyond])
            yield from map(_optout, rows)
            if len(rows) < PAGE:
                return
            after = tuple(rows[-1][column.name] for column in _PLACE)

    def _page(self, which: Sequence[ColumnElement[bool]]) -> Sequence[Any]:
        wanted = select(optouts).where(*which).order_by(*_PLACE).limit(PAGE)
        rows: Sequence[Any] = self._read(lambda one: one.execute(wanted).mappings().all())
        return rows

    # What providers are yet to be told.

    def untold(self, account: str, limit: int) -> tuple[OptOut, ...]:
        """Return the oldest opt-outs that an account's provider is yet to be told of."""
        named = optouts.c.mirror.is_not(None) & cast(optouts.c.mirror, Text).contains(
            json.dumps(account), autoescape=True
        )
        wanted = select(optouts).where(named).order_by(optouts.c.since).limit(limit)
        rows = self._read(lambda one: one.execute(wanted).mappings().all())
        return tuple(_optout(row) for row in rows)

    def told(self, optout: OptOut, account: str) -> None:
        """Note that an account's provider has been told of an opt-out, or never will be."""
        mine = (
            (optouts.c.recipient == optout.number)
            & (optouts.c.list == optout.list)
            & (optouts.c.tenant == optout.tenant)
        )

        def note(connection: Connection) -> None:
            wanted = select(optouts.c.mirror).where(mine).with_for_update()
            left = [one for one in connection.execute(wanted).scalar() or () if one != account]
            connection.execute(update(optouts).where(mine).values(mirror=left or None))

        self._write(note)


_PLACE = (optouts.c.tenant, optouts.c.recipient, optouts.c.list)


def _optout(row: Any) -> OptOut:
    facts = {name: row[name] for name in ("list", "tenant", "since", "source")}
    return OptOut(number=row["recipient"], mirror=tuple(row["mirror"] or ()), **facts)
