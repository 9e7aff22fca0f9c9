"""Many rows in one statement, as quickly as the driver takes them.

SQLAlchemy finds the words of a statement, once, and the driver is given plain values: what
SQLAlchemy itself does for each row takes longer than the database, and every send would pay for it.
SQLite takes rows one after the other. To PostgreSQL each row would be a message of its own, so it
is given all of them as one value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any, Protocol

import attrs
from sqlalchemy import (
    Column,
    Connection,
    Dialect,
    Insert,
    Table,
    TextClause,
    TextualSelect,
    Update,
    bindparam,
    insert,
    text,
    update,
)

Values = Mapping[str, Any]
#: The name, in a statement, of what tells the row that is to be changed.
_OF = "of"


class _Statement(Protocol):
    """What writes some rows."""

    def run(self, connection: Connection, rows: Collection[Values]) -> None: ...


@attrs.frozen
class _Each:
    """A statement in a driver's words, and what makes plain values of a row's, in their order."""

    words: str
    values: tuple[tuple[str, Callable[[Any], Any]], ...]
    positional: bool

    def run(self, connection: Connection, rows: Collection[Values]) -> None:
        """Run it for each of some rows."""
        given: Any
        if self.positional:
            given = [tuple([plain(row.get(name)) for name, plain in self.values]) for row in rows]
        else:
            given = [{name: plain(row.get(name)) for name, plain in self.values} for row in rows]
        connection.exec_driver_sql(self.words, given)


@attrs.frozen
class _Together:
    """A statement that takes rows as one value, a list of JSON objects.

    ``values`` are the columns, what a row calls them, and what makes plain values of theirs.
    """

    words: TextClause
    values: tuple[tuple[str, str, Callable[[Any], Any]], ...]

    def run(self, connection: Connection, rows: Collection[Values]) -> None:
        """Run it for all of some rows at once."""
        given = [
            {
                name: plain(value)
                for name, of, plain in self.values
                if (value := row.get(of)) is not None
            }
            for row in rows
        ]
        connection.execute(self.words, {"rows": _encoded(given)})


_encoded = json.JSONEncoder(separators=(",", ":"), default=str).encode


def add(connection: Connection, table: Table, rows: Collection[Values]) -> None:
    """Insert rows; what a row does not name is NULL."""
    names = {name for row in rows for name, value in row.items() if value is not None}
    if rows:
        _adding(connection.dialect, table, tuple(sorted(names))).run(connection, rows)


def change(connection: Connection, which: Column[str], changes: Mapping[str, Values]) -> None:
    """Change rows, each told by its value in this column."""
    # Together where the same columns change.
    alike: dict[tuple[str, ...], list[Values]] = {}
    for of, values in changes.items():
        if values:
            alike.setdefault(tuple(sorted(values)), []).append({**values, _OF: of})
    for names, rows in alike.items():
        _changing(connection.dialect, which, names).run(connection, rows)


def find(
    connection: Connection,
    which: Column[str],
    names: tuple[str, ...],
    ids: list[str],
    end: str = "",
) -> Iterator[dict[str, Any]]:
    """Yield these columns of the rows that have one of these values in a column."""
    database = connection.dialect.name
    # As one value: a statement with a mark for each id would be another for each number of ids.
    given = json.dumps(ids) if database == "sqlite" else ids
    found = connection.execute(_finding(database, which, names, end), {"ids": given})
    return (dict(zip(names, values, strict=True)) for values in found)


# More than there are sets of columns that are written together.
@lru_cache(maxsize=256)
def _adding(dialect: Dialect, table: Table, names: tuple[str, ...]) -> _Statement:
    if dialect.name != "postgresql":
        return _each(dialect, insert(table).values(_named(names)))
    listed = ", ".join(names)
    words = f"INSERT INTO {table.name} ({listed}) SELECT {listed} {_given(table)}"
    return _Together(text(words), _values(dialect, table, {name: name for name in names}))


@lru_cache(maxsize=256)
def _finding(database: str, which: Column[str], names: tuple[str, ...], end: str) -> TextualSelect:
    table, listed = which.table, _LISTED[database]
    words = f"SELECT {', '.join(names)} FROM {table.name} WHERE {which.name} {listed} {end}"  # noqa: S608
    return text(words).columns(*(table.c[name] for name in names))


_LISTED = {"sqlite": "IN (SELECT value FROM json_each(:ids))", "postgresql": "= ANY(:ids)"}


@lru_cache(maxsize=256)
def _changing(dialect: Dialect, which: Column[str], names: tuple[str, ...]) -> _Statement:
    table = which.table
    if dialect.name != "postgresql":
        same = which == bindparam(_OF)
        return _each(dialect, update(table).where(same).values(_named(names)))
    changed = ", ".join(f"{name} = given.{name}" for name in names)
    where = f"{table.name}.{which.name} = given.{which.name}"
    words = f"UPDATE {table.name} SET {changed} {_given(table)} WHERE {where}"  # noqa: S608
    of = {**{name: name for name in names}, which.name: _OF}
    return _Together(text(words), _values(dialect, table, of))


def _given(table: Table) -> str:
    return f"FROM json_populate_recordset(NULL::{table.name}, CAST(:rows AS json)) AS given"


def _values(
    dialect: Dialect, table: Table, of: Mapping[str, str]
) -> tuple[tuple[str, str, Callable[[Any], Any]], ...]:
    return tuple((name, of[name], _plainly(dialect, table.c[name].type)) for name in of)


def _named(names: tuple[str, ...]) -> dict[str, Any]:
    return {name: bindparam(name) for name in names}


def _each(dialect: Dialect, statement: Insert | Update) -> _Each:
    compiled = statement.compile(dialect=dialect)
    names = compiled.positiontup or list(compiled.binds)
    values = tuple((name, _plainly(dialect, compiled.binds[name].type)) for name in names)
    return _Each(str(compiled), values, positional=compiled.positiontup is not None)


def _plainly(dialect: Dialect, type_: Any) -> Callable[[Any], Any]:
    return type_.dialect_impl(dialect).bind_processor(dialect) or _as_it_is


def _as_it_is(value: Any) -> Any:
    return value
