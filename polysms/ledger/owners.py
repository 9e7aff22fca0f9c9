"""Whose message a report is about: found for many at once, by statements that are made once."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any

import attrs
from sqlalchemy import Connection, TextualSelect, text

from polysms.ledger.columns import stored_words
from polysms.ledger.rows import NAMED, SIGNED, Row
from polysms.ledger.tables import attempts, events, messages

#: What tells an event from all others: its account and its id.
Name = tuple[str, str]


@attrs.frozen
class Owner:
    """The attempt that a report is about, and what is known of its message."""

    account: str
    reference: str
    provider_id: str | None
    outcome: str | None
    message_id: str
    key: str | None
    tag: str | None
    texts: bool


def name_of(row: Row) -> Name:
    """Return what tells an event's row from all others."""
    return row["account"], row["event_id"]


def owners(connection: Connection, rows: Collection[Row]) -> dict[Name, Owner]:
    """Return the attempts that reports are about: by our reference, else by the provider's id.

    A reference that nobody has proved names nothing: who has seen one could make a report of one
    message tell of another. Where it is proved, the provider's id must not speak against it, but
    for a signed report: what SignalWire's callbacks have for an id is not said to be the message's.
    """
    reports = [row for row in rows if row["kind"] == "report"]
    named = [row for row in reports if row["reference"] is not None and _is_named(row)]
    found = _by_reference(connection, named)
    left = [row for row in reports if name_of(row) not in found]
    return {**found, **_by_provider_id(connection, left)}


def _is_named(row: Row) -> bool:
    return not row["hint"] or bool(row["facts"].get(NAMED))


def _agree(row: Row, owner: Owner) -> bool:
    return owner.provider_id in {None, row["provider_id"]} or bool(row["facts"].get(SIGNED))


def _by_reference(connection: Connection, rows: Collection[Row]) -> Mapping[Name, Owner]:
    if not rows:
        return {}
    given = {"wanted": _listed(connection, (row["reference"] for row in rows))}
    found = _found(connection, "reference", given)
    known = {(owner.account, owner.reference): owner for owner in found}
    named = _named(rows, "reference", known)
    return {name_of(row): named[name_of(row)] for row in rows if _is_own(row, named)}


def _is_own(row: Row, named: Mapping[Name, Owner]) -> bool:
    owner = named.get(name_of(row))
    return owner is not None and _agree(row, owner)


def _by_provider_id(connection: Connection, rows: Collection[Row]) -> Mapping[Name, Owner]:
    if not rows:
        return {}
    accounts = _listed(connection, {row["account"] for row in rows})
    ids = _listed(connection, (row["provider_id"] for row in rows))
    found = _found(connection, "provider_id", {"wanted": ids, "accounts": accounts})
    known = {(owner.account, owner.provider_id or ""): owner for owner in found}
    return _named(rows, "provider_id", known)


def _named(rows: Collection[Row], by: str, known: Mapping[Name, Owner]) -> Mapping[Name, Owner]:
    pairs = ((name_of(row), known.get((row["account"], row[by]))) for row in rows)
    return {name: owner for name, owner in pairs if owner is not None}


def _found(connection: Connection, by: str, given: Mapping[str, Any]) -> list[Owner]:
    statement = _finding(connection.dialect.name, by)
    return [Owner(*row) for row in connection.execute(statement, given)]


def known_names(connection: Connection, rows: Iterable[Row]) -> set[Name]:
    """Return the names of those events that are there already."""
    by_account: dict[str, list[str]] = {}
    for row in rows:
        by_account.setdefault(row["account"], []).append(row["event_id"])
    found: set[Name] = set()
    for account, ids in by_account.items():
        given = {"account": account, "wanted": _listed(connection, ids)}
        there = connection.execute(_knowing(connection.dialect.name), given)
        found |= {(account, row.event_id) for row in there}
    return found


def _listed(connection: Connection, values: Iterable[str | None]) -> Any:
    # As one value: a statement with a mark for each would be another for each number of them.
    stored = [stored_words(value) for value in values]
    return json.dumps(stored) if connection.dialect.name == "sqlite" else stored


_LISTED = {"sqlite": "IN (SELECT value FROM json_each(:{}))", "postgresql": "= ANY(:{})"}


def _in(database: str, name: str) -> str:
    return _LISTED[database].format(name)


@cache
def _finding(database: str, by: str) -> TextualSelect:
    # The account first, as in the index; that there is an id lets a partial one fit.
    narrowed = f"a.account {_in(database, 'accounts')} AND a.provider_id IS NOT NULL AND "
    words = (
        "SELECT a.account, a.reference, a.provider_id, a.outcome, m.id, m.key, m.tag, m.texts "  # noqa: S608
        f"FROM {attempts.name} a JOIN {messages.name} m ON m.id = a.message_id "
        f"WHERE {narrowed if by == 'provider_id' else ''}a.{by} {_in(database, 'wanted')}"
    )
    columns = (
        *(attempts.c.account, attempts.c.reference, attempts.c.provider_id),
        attempts.c.outcome,
    )
    about = (messages.c.id, messages.c.key, messages.c.tag, messages.c.texts)
    return text(words).columns(*columns, *about)


@cache
def _knowing(database: str) -> TextualSelect:
    there = f"account = :account AND event_id {_in(database, 'wanted')}"
    words = f"SELECT event_id FROM {events.name} WHERE {there}"  # noqa: S608 - our own words
    return text(words).columns(events.c.event_id)
