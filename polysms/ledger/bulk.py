"""Many rows in one statement, as quickly as the driver takes them.

SQLAlchemy finds the words of a statement, once, and the driver is given plain values: what
SQLAlchemy itself does for each row takes longer than the database, and every send would pay for it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any

import attrs
from sqlalchemy import Column, Connection, Dialect, Insert, Table, Update, bindparam, insert, update

Values = Mapping[str, Any]
#: The name, in a statement, of what tells the row that is to be changed.
_OF = "of"


@attrs.frozen
class _Prepared:
    """A statement in a driver's words, and what makes plain values of a row's, in their order."""

    words: str
    values: tuple[tuple[str, Callable[[Any], Any]], ...]
    positional: bool

    def run(self, connection: Connection, rows: Collection[Values]) -> None:
        """Run it for some rows."""
        given: Any
        if self.positional:
            given = [tuple([plain(row.get(name)) for name, plain in self.values]) for row in rows]
        else:
            given = [{name: plain(row.get(name)) for name, plain in self.values} for row in rows]
        connection.exec_driver_sql(self.words, given)


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


# More than there are sets of columns that are written together.
@lru_cache(maxsize=256)
def _adding(dialect: Dialect, table: Table, names: tuple[str, ...]) -> _Prepared:
    return _prepared(dialect, insert(table).values(_named(names)))


@lru_cache(maxsize=256)
def _changing(dialect: Dialect, which: Column[str], names: tuple[str, ...]) -> _Prepared:
    same = which == bindparam(_OF)
    return _prepared(dialect, update(which.table).where(same).values(_named(names)))


def _named(names: tuple[str, ...]) -> dict[str, Any]:
    return {name: bindparam(name) for name in names}


def _prepared(dialect: Dialect, statement: Insert | Update) -> _Prepared:
    compiled = statement.compile(dialect=dialect)
    names = compiled.positiontup or list(compiled.binds)
    values = tuple((name, _plainly(dialect, compiled.binds[name].type)) for name in names)
    return _Prepared(str(compiled), values, positional=compiled.positiontup is not None)


def _plainly(dialect: Dialect, type_: Any) -> Callable[[Any], Any]:
    return type_.dialect_impl(dialect).bind_processor(dialect) or _as_it_is


def _as_it_is(value: Any) -> Any:
    return value
