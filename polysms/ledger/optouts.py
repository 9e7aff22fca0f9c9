"""Opt-outs: who wants no more messages, of one list or of any, whatever account they come from.

A number is on a list of one tenant. The empty text stands for every list, and for every tenant.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, TypeVar

import attrs
from sqlalchemy import ColumnElement, Connection, Text, cast, delete, select, tuple_, update

from polysms import numbers, redact
from polysms.ledger.answering import Heard, heard
from polysms.ledger.places import (
    ALL,
    EVERY,
    KEY,
    NONE,
    STANDS,
    Row,
    added,
    list_of,
    place_of,
    row,
)
from polysms.ledger.tables import optouts

__all__ = ["ALL", "EVERY", "NONE", "Heard", "OptOut", "OptOuts", "Row", "heard", "list_of"]

T = TypeVar("T")
Run = Callable[[Callable[[Connection], T]], T]

#: Opt-outs that one transaction of a walk reads.
PAGE = 500


@attrs.frozen(kw_only=True)
class OptOut:
    """A number that wants no more messages: of a list, or (the empty text) of any.

    ``source`` tells how that is known: ``api``, ``import``, ``inbound:`` with our number that was
    answered, ``provider:`` with the name of one that refused; of several the oldest, whose time is
    ``since``. ``mirror`` are the accounts whose providers are yet to be told.
    """

    number: str = attrs.field(repr=redact.mask)
    list: str = EVERY
    tenant: str = EVERY
    since: datetime
    source: str = attrs.field(repr=redact.shown)
    mirror: tuple[str, ...] = ()


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
        gone = delete(optouts).where(*which, STANDS).returning(optouts.c.list)
        lists: set[str] = self._write(lambda one: set(one.execute(gone).scalars()))
        return len(lists)

    def of(self, number: str, tenant: str | None = None) -> tuple[OptOut, ...]:
        """Return every opt-out of a number, of all tenants or of one."""
        which = [optouts.c.recipient == numbers.recipient(number)]
        if tenant is not None:
            which.append(optouts.c.tenant == tenant)
        return tuple(_optouts(self._rows(which)))

    def walk(
        self,
        list: str | None = None,  # noqa: A002
        tenant: str | None = None,
    ) -> Iterator[OptOut]:
        """Yield every opt-out, in the order of tenants and numbers, a page at a time."""
        given = {"list": list, "tenant": tenant}
        which = [optouts.c[name] == value for name, value in given.items() if value is not None]
        return _optouts(self._rows(which))

    def _rows(self, which: Sequence[ColumnElement[bool]]) -> Iterator[Any]:
        after: tuple[str, ...] | None = None
        while True:
            beyond = [] if after is None else [tuple_(*KEY) > after]
            rows = self._page([*which, *beyond])
            yield from rows
            if len(rows) < PAGE:
                return
            after = tuple(rows[-1][column.name] for column in KEY)

    def _page(self, which: Sequence[ColumnElement[bool]]) -> Sequence[Any]:
        wanted = select(optouts).where(*which, STANDS).order_by(*KEY).limit(PAGE)
        rows: Sequence[Any] = self._read(lambda one: one.execute(wanted).mappings().all())
        return rows

    # What providers are yet to be told.

    def untold(self, account: str, limit: int) -> tuple[OptOut, ...]:
        """Return the oldest opt-outs that an account's provider is yet to be told of."""
        named = optouts.c.mirror.is_not(None) & cast(optouts.c.mirror, Text).contains(
            json.dumps(account), autoescape=True
        )
        wanted = select(optouts).where(named, STANDS).order_by(optouts.c.since).limit(limit)
        rows = self._read(lambda one: one.execute(wanted).mappings().all())
        return tuple(_optouts(sorted(rows, key=place_of)))

    def told(self, optout: OptOut, account: str) -> None:
        """Note that an account's provider has been told of an opt-out, or never will be."""
        mine = (
            (optouts.c.recipient == optout.number)
            & (optouts.c.list == optout.list)
            & (optouts.c.tenant == optout.tenant)
            & optouts.c.mirror.is_not(None)
        )

        def note(connection: Connection) -> None:
            wanted = select(optouts.c.source, optouts.c.mirror).where(mine)
            for source, mirror in connection.execute(wanted.with_for_update()).all():
                left = [one for one in mirror if one != account]
                named = update(optouts).where(mine, optouts.c.source == source)
                connection.execute(named.values(mirror=left or None))

        self._write(note)


def _optouts(rows: Iterable[Any]) -> Iterator[OptOut]:
    """Yield one opt-out for each place, of rows in their order."""
    for _, same in groupby(rows, place_of):
        yield _optout(sorted(same, key=itemgetter("since")))


def _optout(rows: Sequence[Any]) -> OptOut:
    first = rows[0]
    facts = {name: first[name] for name in ("list", "tenant", "since", "source")}
    mirror = dict.fromkeys(chain.from_iterable(row["mirror"] or () for row in rows))
    return OptOut(number=first["recipient"], mirror=tuple(mirror), **facts)
