"""A caller's own connection, lent for a moment: what is written belongs to its transaction.

It may be SQLAlchemy's (a Connection or a Session), a plain one of sqlite3 or psycopg, or Django's.
Nothing here commits, rolls back or closes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, inspect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from polysms.errors import ConfigError
from polysms.ledger import keys
from polysms.ledger.tables import settings
from polysms.ledger.trouble import told

#: The module of a DBAPI connection's class -> the address of its dialect.
_DIALECTS = {"sqlite3": "sqlite://", "psycopg": "postgresql+psycopg://"}


@contextmanager
def borrowed(connection: Any, expected: str | None) -> Iterator[Connection]:
    """Lend a caller's connection, once it is known to be one to the ledger's database."""
    theirs = _connection(connection)
    if told(lambda: _name_of(theirs)) != expected or expected is None:
        sentence = (
            "connection: is one to another database than the ledger's; give one to the ledger's, "
            "or leave it out"
        )
        raise ConfigError(sentence, key="connection")
    try:
        yield theirs
    except SQLAlchemyError as error:
        trouble = error
    else:
        return
    told(lambda: _raise(trouble))


def _raise(error: Exception) -> None:
    raise error


def _name_of(connection: Connection) -> str | None:
    # Asked first: on PostgreSQL a statement that fails would spoil the caller's transaction.
    if not inspect(connection).has_table(settings.name):
        return None
    return keys.name(connection)


def _connection(given: Any) -> Connection:
    if isinstance(given, Connection):
        return given
    if hasattr(given, "get_bind") and callable(getattr(given, "connection", None)):
        found = given.connection()  # a Session
        if isinstance(found, Connection):
            return found
    if hasattr(given, "ensure_connection"):  # Django's
        given.ensure_connection()
        given = given.connection
    address = _DIALECTS.get(type(given).__module__.partition(".")[0])
    if address is None or type(given).__name__.startswith("Async"):
        sentence = (
            "connection: give a connection of SQLAlchemy, sqlite3, psycopg or Django; "
            "async callers run client.enqueue_statement(message) on theirs"
        )
        raise ConfigError(sentence, key="connection")
    return _engine(address, _Lent(given)).connect()


def _engine(address: str, lent: _Lent) -> Engine:
    facts: dict[str, Any] = {} if address == "sqlite://" else {"use_native_hstore": False}
    return create_engine(
        address,
        creator=lambda: lent,
        poolclass=StaticPool,
        pool_reset_on_return=None,
        hide_parameters=True,
        **facts,
    )


class _Lent:
    """A DBAPI connection that does everything but begin, end or close the caller's transaction."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def commit(self) -> None:
        """Leave that to the caller."""

    def rollback(self) -> None:
        """Leave that to the caller."""

    def close(self) -> None:
        """Leave that to the caller."""
