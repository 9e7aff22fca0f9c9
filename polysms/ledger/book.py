"""What the ledger knows of some messages, opened for a transaction, changed, and put back.

Every write goes this way, so that the rules stand in one place: of two ends of one attempt the
better known stays, and a message's status follows from its copies (:mod:`polysms.routing.fold`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

import attrs
from sqlalchemy import Connection

from polysms.delivery import Attempt, Evidence, Outcome, Status
from polysms.ledger import bulk
from polysms.ledger.assigned import Assignments
from polysms.ledger.rows import Row, attempt_row
from polysms.ledger.tables import attempts, messages
from polysms.routing.fold import ARRIVED, UNSENT, highest, sent_status, standing

#: The states of a message in the outbox; :mod:`polysms.ledger.outbox` tells what they mean.
WAITING, CLAIMED, UNCLEAR, SENT, OVER = "waiting", "claimed", "unclear", "sent", "over"
#: Those in which somebody will still send the message.
RUNNING = frozenset({WAITING, CLAIMED})
#: No provider is known to have it.
_UNKNOWN = UNSENT | {Status.MAYBE_SENT}

_KNOWLEDGE = {None: 0, Outcome.MAYBE_SENT: 1, Outcome.NOT_SENT: 2, Outcome.ACCEPTED: 3}
_STANDING = (
    *("id", "status", "state", "ended_at", "claimed_until", "texts", "look_at"),
    *("next_at", "claimed_by", "confirmed_at", "experiment"),
    *("account", "provider", "provider_id", "price"),
)
_COPY = (
    *("reference", "message_id", "number", "account", "provider", "provider_id"),
    *("outcome", "expires_at", "ended_at", "status"),
)
# What has an index is written only where it changes; of the rest, what a comparison counts.
_STORED = (*_COPY, "started_at", "lookup", "reason", "price", "currency")


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
    #: Whether the worker writes that holds its lease; what anybody else brings is news to it.
    is_held: bool = False
    #: When its provider is to be asked once more, though it has ended: what it cost.
    priced_at: datetime | None = None

    def value(self, name: str) -> Any:
        """Return a column's value as it will be."""
        if name in self.changes:
            return self.changes[name]
        return None if self.found is None else self.found[name]

    def differences(self) -> dict[str, Any]:
        """Return what is not as it was found; what was not looked at counts as changed."""
        return _differences(self.found or {}, self.changes)

    def is_running(self, now: datetime) -> bool:
        """Whether somebody still tries to send it."""
        return is_running(self.value, now)

    def settle(self, now: datetime) -> None:
        """Let the message's status, account and claim follow from its copies."""
        if self.value("state") is None:
            self.changes["claimed_until"] = self._claimed_until(now)
        status = self._stand(now)
        if self.copies:
            speaker = max(self.copies.values(), key=_says_most)
            for name in ("account", "provider", "provider_id"):
                self.changes[name] = getattr(speaker, name)
        if self.value("state") is not None and self._schedule(status, now):
            status = self._stand(now)
        if self.value("look_at") is not None and self._needs_no_look(status):
            self.changes["look_at"] = self.priced_at if status.final else None
        elif self.priced_at is not None and status.final:
            self.changes["look_at"] = self.priced_at

    def _stand(self, now: datetime) -> Status:
        stored = Status(self.value("status"))
        statuses = [copy.status_at(now) for copy in self.copies.values()]
        status = standing(statuses, stored, running=self.is_running(now))
        self.changes["status"] = status
        return status

    def _needs_no_look(self, status: Status) -> bool:
        # What is unclear may only be open yet: it is looked for once that has expired.
        return status.final or (status in UNSENT and self.value("state") != UNCLEAR)

    def move(self, state: str, next_at: datetime | None) -> None:
        """Let a message in the outbox be in a state, held by nobody."""
        self.changes |= {"state": state, "next_at": next_at}
        self.changes |= {"claimed_by": None, "claimed_until": None}
        if state == OVER and not self.value("texts"):
            # It was there to be sent only.
            self.changes |= {"text": None, "media": None, "options": None}

    def _schedule(self, status: Status, now: datetime) -> bool:
        """Let the outbox hear of what it does not expect; return whether its state is another."""
        state = self.value("state")
        found = None if self.found is None else self.found["status"]
        known = status in _UNKNOWN or found not in _UNKNOWN
        taken = state == CLAIMED and not self.is_held
        if state in {WAITING, UNCLEAR} and status not in _UNKNOWN:
            # A provider has it after all: it is not to be sent once more.
            self.move(SENT, now)
        elif taken and not known:
            # Its worker does not know that: it is to begin nothing more.
            self.move(SENT, now)
        elif state == UNCLEAR and status is Status.NOT_SENT:
            confirmed = self.value("confirmed_at") is not None
            self.move(*((OVER, None) if confirmed else (WAITING, now)))
        if status in ARRIVED and (taken or self.value("state") == SENT):
            self.move(OVER, None)
        elif self.value("state") == SENT and status.final:
            self._wake(status, found, now)
        return bool(self.value("state") != state)

    def _wake(self, status: Status, found: str | None, now: datetime) -> None:
        """Come to a message that has failed: once, and not whenever it is written of."""
        at = self.value("next_at")
        # Who tried another account in vain has just said when to try again.
        if at is None or (status != found and not self.is_held):
            self.changes["next_at"] = min(filter(None, (now, at)))

    def _claimed_until(self, now: datetime) -> datetime | None:
        copies = self.copies.values()
        is_over = self.value("ended_at") is not None
        under_way = [copy.expires_at for copy in copies if copy.outcome is None]
        if not under_way and not is_over:
            under_way = [copy.expires_at for copy in copies]
        # Of what is over, an expired attempt tells nothing new, however often it is looked at.
        return max((one for one in under_way if one and (one >= now or not is_over)), default=None)


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
        #: What a comparison counts of them.
        self.assigned = Assignments(connection)
        # Attempts by reference: as they were found, and what is to be written of them.
        self._stored: dict[str, Row] = {}
        self._added: dict[str, dict[str, Any]] = {}
        self._closed: dict[str, dict[str, Any]] = {}
        self._heard: dict[str, Copy] = {}
        self._load(sorted(ids))

    def _load(self, ids: list[str]) -> None:
        # In one order everywhere, so that two writers never wait for each other.
        end = (
            "ORDER BY id" if self.connection.dialect.name == "sqlite" else "ORDER BY id FOR UPDATE"
        )
        for row in bulk.find(self.connection, messages.c.id, _STANDING, ids, end):
            self.pages[row["id"]] = Page(row)
        if not self.pages:
            return
        for row in bulk.find(self.connection, attempts.c.message_id, _STORED, list(self.pages)):
            self._stored[row["reference"]] = row
            self.pages[row["message_id"]].copies[row["reference"]] = _copy(row)
        compared = [id_ for id_, page in self.pages.items() if page.value("experiment")]
        if compared:
            self.assigned.load(compared)

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
        page.copies[attempt.reference] = _copy(row)
        return None

    def found(self, id_: str, reference: str, provider_id: str | None, now: datetime) -> None:
        """Note that the provider has a copy of which nobody knew that: it has spoken of it."""
        copy = self.pages[id_].copies[reference]
        is_open = copy.outcome is None and (copy.expires_at is None or copy.expires_at >= now)
        if is_open or copy.outcome not in {None, Outcome.MAYBE_SENT} or provider_id is None:
            return
        copy.outcome, copy.provider_id = Outcome.ACCEPTED, provider_id
        copy.ended_at = copy.ended_at or now
        known = self._added.get(reference) or self._closed.setdefault(reference, {})
        known |= {"outcome": copy.outcome, "evidence": Evidence.FOUND, "ended_at": copy.ended_at}
        known |= {"provider_id": provider_id, "status": copy.status}

    def hear(self, id_: str, reference: str, status: Status) -> Copy:
        """Note what a provider says of a copy; return that."""
        copy = self.pages[id_].copies[reference]
        copy.hear(status)
        row = self._added.get(reference) or self._closed.get(reference)
        if row is None:
            self._heard[reference] = copy
        else:
            row["status"] = copy.status
        return copy

    def _known(self, reference: str) -> Row:
        written = self._added.get(reference) or self._closed.get(reference) or {}
        return {**self._stored.get(reference, {}), **written}

    def put_back(self, now: datetime) -> None:
        """Settle every page, and write what has changed."""
        for page in self.pages.values():
            page.settle(now)
        new = [page.changes for page in self.pages.values() if page.found is None]
        bulk.add(self.connection, messages, new)
        known = {id_: page.differences() for id_, page in self.pages.items() if page.found}
        bulk.change(self.connection, messages.c.id, known)
        bulk.add(self.connection, attempts, self._added.values())
        closed = {of: _differences(self._stored[of], row) for of, row in self._closed.items()}
        bulk.change(self.connection, attempts.c.reference, closed)
        heard = {of: {"status": copy.status} for of, copy in self._heard.items()}
        bulk.change(self.connection, attempts.c.reference, heard)
        self.assigned.put_back(self.pages, self._known, now)


def _differences(found: Row, values: Row) -> dict[str, Any]:
    return {
        name: value for name, value in values.items() if name not in found or found[name] != value
    }


def _copy(row: Row) -> Copy:
    facts = {name: row[name] for name in _COPY}
    facts["outcome"] = None if row["outcome"] is None else Outcome(row["outcome"])
    facts["status"] = None if row["status"] is None else Status(row["status"])
    return Copy(**facts)
