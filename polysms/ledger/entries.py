"""Messages with all that the ledger knows of them: one, or a walk through all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
from sqlalchemy import Connection, Select, select, tuple_

from polysms.delivery import Delivery, Status
from polysms.ledger.reading import by_id, by_key, deliveries
from polysms.ledger.rows import Row
from polysms.ledger.tables import attempts, messages

#: Messages that one transaction of a walk reads.
PAGE = 500


@attrs.frozen(kw_only=True)
class Entry:
    """A message as the ledger has it: its delivery, and where it stands in the outbox.

    ``statuses`` are what its provider has said of each copy, by the reference of its attempt.
    """

    delivery: Delivery = attrs.field(repr=False)
    tenant: str | None
    via: str | None
    state: str | None
    tries: int
    created_at: datetime
    ended_at: datetime | None
    next_at: datetime | None
    valid_until: datetime | None
    look_at: datetime | None
    confirmed_at: datetime | None
    statuses: Mapping[str, Status]


@attrs.frozen(kw_only=True)
class Span:
    """Which messages a walk is to visit: those of before ``until``, and not of before ``since``."""

    until: datetime
    since: datetime | None = None
    status: Status | None = None

    def page(self, after: Row | None) -> Select[Any]:
        """Return the messages that come after one, the oldest first."""
        place = (messages.c.created_at, messages.c.id)
        wanted = select(messages).where(place[0] < self.until)
        if self.since is not None:
            wanted = wanted.where(place[0] >= self.since)
        if self.status is not None:
            wanted = wanted.where(messages.c.status == self.status)
        if after is not None:
            # The first says nothing new, and lets the index begin there.
            there = (after["created_at"], after["id"])
            wanted = wanted.where(place[0] >= there[0], tuple_(*place) > there)
        return wanted.order_by(*place).limit(PAGE)


class Entries:
    """What a ledger tells of whole messages."""

    _clock: Callable[[], datetime]
    _read: Callable[..., Any]

    def entry(self, id_or_key: str, tenant: str | None = None) -> Entry | None:
        """Return a message with all that is known of it, by its id or key; None: unknown."""
        now = self._clock()

        def found(connection: Connection) -> list[Entry]:
            row = by_id(connection, id_or_key, tenant)
            row = row or by_key(connection, id_or_key, tenant or "")
            return _entries(connection, [row] if row else [], now)

        return next(iter(self._read(found)), None)

    def walk(
        self, *, since: datetime | None = None, until: datetime | None = None, status: Any = None
    ) -> Iterator[Entry]:
        """Yield every message of a time, the oldest first, never more than a page in memory.

        Each page is read as it stands then; what is written later than now is left out.
        """
        wanted = None if status is None else Status(status)
        span = Span(since=since, until=until or self._clock(), status=wanted)
        after: Row | None = None
        while True:
            now = self._clock()
            rows, page = self._read(lambda one, place=after, now=now: _page(one, span, place, now))
            yield from page
            if len(rows) < PAGE:
                return
            after = rows[-1]


def _page(
    connection: Connection, span: Span, after: Row | None, now: datetime
) -> tuple[Sequence[Row], list[Entry]]:
    rows = connection.execute(span.page(after)).mappings().all()
    return rows, _entries(connection, rows, now)


def _entries(connection: Connection, rows: Sequence[Row], now: datetime) -> list[Entry]:
    statuses: dict[str, dict[str, Status]] = {row["id"]: {} for row in rows}
    said = select(attempts.c.message_id, attempts.c.reference, attempts.c.status)
    told = said.where(attempts.c.message_id.in_(list(statuses)), attempts.c.status.is_not(None))
    for copy in connection.execute(told):
        statuses[copy.message_id][copy.reference] = Status(copy.status)
    found = deliveries(connection, rows, now)
    pairs = zip(rows, found, strict=True)
    return [_entry(row, delivery, statuses[row["id"]]) for row, delivery in pairs]


#: What is in a row as an entry has it.
_ALIKE = (
    *("via", "state", "created_at", "ended_at"),
    *("next_at", "valid_until", "look_at", "confirmed_at"),
)


def _entry(row: Row, delivery: Delivery, statuses: Mapping[str, Status]) -> Entry:
    facts = {name: row[name] for name in _ALIKE}
    tenant, tries = row["tenant"] or None, row["tries"] or 0
    return Entry(delivery=delivery, tenant=tenant, tries=tries, statuses=statuses, **facts)
