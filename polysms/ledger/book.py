"""What the ledger knows of some messages, opened for a transaction, changed, and put back.

Every write goes this way, so that the rules stand in one place: of two ends of one attempt the
better known stays, and a message's status follows from its copies (:mod:`polysms.routing.fold`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from functools import cache
from typing import Any

import attrs
from sqlalchemy import (
    BindParameter,
    Column,
    Connection,
    Table,
    Update,
    bindparam,
    insert,
    select,
    update,
)

from polysms.delivery import Attempt, Outcome, Status
from polysms.ledger.rows import Row, attempt_row
from polysms.ledger.tables import attempts, messages
from polysms.routing.fold import highest, sent_status, standing

#: States of the outbox in which somebody will still send the message.
RUNNING = frozenset({"waiting", "claimed"})

_KNOWLEDGE = {None: 0, Outcome.MAYBE_SENT: 1, Outcome.NOT_SENT: 2, Outcome.ACCEPTED: 3}
_STANDING = (
    *("id", "status", "state", "ended_at", "claimed_until", "texts"),
    *("account", "provider", "provider_id"),
)
_COPY = (
    *("reference", "message_id", "number", "account", "provider", "provider_id"),
    *("outcome", "expires_at", "ended_at", "status"),
)


@attrs.define
class Copy:
    """An attempt, as far as the status of its message needs it."""

    reference: str
    message_id: str
    number: int
    account: str
    provider: str
    provider_id: str | None
    outcome: Outcome | None
    expires_at: datetime | None
    ended_at: datetime | None
    status: Status | None = None

    def status_at(self, now: datetime) -> Status:
        """Return the status of this copy: what was said of it, else what its attempt tells."""
        return self.status or sent_status(self.outcome, self.expires_at, now)

    def hear(self, status: Status) -> None:
        """Note a status that the provider says."""
        self.status = status if self.status is None else highest((self.status, status))


@attrs.define
class Page:
    """One message: its row as it was found (None for a new one), what changes, and its copies."""

    found: Row | None
    changes: dict[str, Any] = attrs.field(factory=dict)
    copies: dict[str, Copy] = attrs.field(factory=dict)

    def value(self, name: str) -> Any:
        """Return a column's value as it will be."""
        if name in self.changes:
            return self.changes[name]
        return None if self.found is None else self.found[name]

    def differences(self) -> dict[str, Any]:
        """Return what is not as it was found; what was not looked at counts as changed."""
        found = self.found or {}
        return {
            name: value
            for name, value in self.changes.items()
            if name not in found or found[name] != value
        }

    def is_running(self, now: datetime) -> bool:
        """Whether somebody still tries to send it."""
        return is_running(self.value, now)

    def settle(self, now: datetime) -> None:
        """Let the message's status, account and claim follow from its copies."""
        if self.value("state") is None:
            self.changes["claimed_until"] = self._claimed_until()
        stored = Status(self.value("status"))
        statuses = [copy.status_at(now) for copy in self.copies.values()]
        self.changes["status"] = standing(statuses, stored, running=self.is_running(now))
        if self.copies:
            speaker = max(self.copies.values(), key=_says_most)
            for name in ("account", "provider", "provider_id"):
                self.changes[name] = getattr(speaker, name)

    def _claimed_until(self) -> datetime | None:
        copies = self.copies.values()
        under_way = [copy.expires_at for copy in copies if copy.outcome is None]
        if not under_way and self.value("ended_at") is None:
            under_way = [copy.expires_at for copy in copies]
        return max(filter(None, under_way), default=None)


def is_running(value: Callable[[str], Any], now: datetime) -> bool:
    """Whether somebody still tries to send a message, by the values of its columns."""
    if value("state") is not None:
        return value("state") in RUNNING
    until = value("claimed_until")
    return value("ended_at") is None and until is not None and until >= now


def _says_most(copy: Copy) -> tuple[bool, int]:
    return copy.outcome is Outcome.ACCEPTED, copy.number


class Book:
    """The pages of some messages, inside one transaction."""

    def __init__(self, connection: Connection, ids: Collection[str]) -> None:
        self.connection = connection
        self.pages: dict[str, Page] = {}
        # What is to be written of attempts, by reference.
        self._added: dict[str, dict[str, Any]] = {}
        self._closed: dict[str, dict[str, Any]] = {}
        self._heard: dict[str, Copy] = {}
        self._load(sorted(ids))

    def _load(self, ids: list[str]) -> None:
        for row in self.connection.execute(_FOUND, {"ids": ids}).mappings():
            self.pages[row["id"]] = Page(row)
        if not self.pages:
            return
        for row in self.connection.execute(_COPIES, {"ids": list(self.pages)}).mappings():
            self.pages[row["message_id"]].copies[row["reference"]] = _copy(row)

    def page(self, row: dict[str, Any]) -> Page:
        """Return the page of a message; a new one begins with this row."""
        if row["id"] not in self.pages:
            self.pages[row["id"]] = Page(None, row)
        return self.pages[row["id"]]

    def enter(self, id_: str, attempt: Attempt) -> Copy | None:
        """Write an attempt on its page; return what is known better, where something is."""
        page = self.pages[id_]
        known = page.copies.get(attempt.reference)
        if known is not None and _KNOWLEDGE[attempt.outcome] < _KNOWLEDGE[known.outcome]:
            return known
        row = attempt_row(id_, attempt)
        row["number"] = len(page.copies) + 1 if known is None else known.number
        row["status"] = None if known is None else known.status
        is_new = known is None or attempt.reference in self._added
        (self._added if is_new else self._closed)[attempt.reference] = row
        page.copies[attempt.reference] = _copy({name: row[name] for name in _COPY})
        return None

    def hear(self, id_: str, reference: str, status: Status) -> None:
        """Note what a provider says of a copy."""
        copy = self.pages[id_].copies[reference]
        copy.hear(status)
        row = self._added.get(reference) or self._closed.get(reference)
        if row is None:
            self._heard[reference] = copy
        else:
            row["status"] = copy.status

    def put_back(self, now: datetime) -> None:
        """Settle every page, and write what has changed."""
        for page in self.pages.values():
            page.settle(now)
        self._insert(messages, [page.changes for page in self.pages.values() if not page.found])
        self._update_messages()
        self._insert(attempts, list(self._added.values()))
        self._update_attempts(list(self._closed.values()))
        self._update_attempts(
            [{"reference": one.reference, "status": one.status} for one in self._heard.values()]
        )

    def _insert(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            self.connection.execute(_ADD[table], _alike(rows))

    def _update_messages(self) -> None:
        # Together where the same columns change: one statement for many rows is far quicker.
        alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for id_, page in self.pages.items():
            if page.found is not None and (changes := page.differences()):
                alike.setdefault(tuple(sorted(changes)), []).append({"of": id_, **changes})
        for names, rows in alike.items():
            self.connection.execute(_change(messages.c.id, names), rows)

    def _update_attempts(self, rows: list[dict[str, Any]]) -> None:
        if rows:
            names = tuple(name for name in rows[0] if name != "reference")
            of = [{**row, "of": row["reference"]} for row in rows]
            self.connection.execute(_change(attempts.c.reference, names), of)


# Made once, because making a statement takes longer than running it.
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
# In one order everywhere, so that two writers never wait for each other.
_FOUND = (
    select(*(messages.c[name] for name in _STANDING))
    .where(messages.c.id.in_(_IDS))
    .order_by(messages.c.id)
    .with_for_update()
)
_COPIES = select(*(attempts.c[name] for name in _COPY)).where(attempts.c.message_id.in_(_IDS))
_ADD = {table: insert(table) for table in (messages, attempts)}


@cache
def _change(which: Column[str], names: tuple[str, ...]) -> Update:
    """Return the statement that changes these columns of the row whose name is ``of``."""
    values: dict[str, Any] = {name: bindparam(name) for name in names}
    return update(which.table).where(which == bindparam("of")).values(values)


def _alike(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows that all name the same columns, so that one statement writes them."""
    names = dict.fromkeys(name for row in rows for name in row)
    return [{name: row.get(name) for name in names} for row in rows]


def _copy(row: Row) -> Copy:
    facts = dict(row)
    facts["outcome"] = None if row["outcome"] is None else Outcome(row["outcome"])
    facts["status"] = None if row["status"] is None else Status(row["status"])
    return Copy(**facts)
