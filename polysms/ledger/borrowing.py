"""A caller's own connection, lent for a moment: what is written belongs to its transaction.

It may be SQLAlchemy's (a Connection or a Session), a plain one of sqlite3 or psycopg, or Django's.
Nothing here commits, rolls back or closes it, and what fails leaves its transaction as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, create_engine, inspect, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, scoped_session
from sqlalchemy.pool import StaticPool

from polysms.errors import ConfigError
from polysms.ledger import keys
from polysms.ledger.tables import settings
from polysms.ledger.trouble import told

#: The module of a DBAPI connection's class -> the address of its dialect.
_DIALECTS = {"sqlite3": "sqlite://", "psycopg": "postgresql+psycopg://"}
_ready: dict[str, Dialect] = {}


@contextmanager
def borrowed(connection: Any, expected: str | None) -> Iterator[Connection]:
    """Lend a caller's connection, once it is known to be one to the ledger's database."""
    theirs = told(lambda: _connection(connection))
    try:
        if told(lambda: _name_of(theirs)) != expected or expected is None:
            sentence = (
                "connection: is one to another database than the ledger's; give one to the "
                "ledger's, or leave it out"
            )
            raise ConfigError(sentence, key="connection")
        yield from _in_their_transaction(theirs)
    finally:
        if isinstance(theirs.connection.dbapi_connection, _Lent):
            theirs.close()


def _in_their_transaction(theirs: Connection) -> Iterator[Connection]:
    begin, end, undo = _marks(theirs)
    try:
        _run(theirs, begin)
        try:
            yield theirs
        except BaseException:
            with suppress(SQLAlchemyError):
                _run(theirs, undo)
            raise
        _run(theirs, end)
    except SQLAlchemyError as error:
        trouble = error
    else:
        return
    told(lambda: _raise(trouble))


_Statements = tuple[str, ...]
_WHOLE: tuple[_Statements, _Statements, _Statements] = (("BEGIN",), ("COMMIT",), ("ROLLBACK",))
_RELEASE = "RELEASE SAVEPOINT polysms"
_POINT: tuple[_Statements, _Statements, _Statements] = (
    ("SAVEPOINT polysms",),
    (_RELEASE,),
    ("ROLLBACK TO SAVEPOINT polysms", _RELEASE),
)


def _marks(theirs: Connection) -> tuple[_Statements, _Statements, _Statements]:
    """Return what begins, ends and undoes what we write: all of it is written, or nothing."""
    theirs_alone = theirs.connection.driver_connection
    if theirs.dialect.name != "sqlite":
        # We have read already: who is in no transaction by now wants none.
        status = getattr(getattr(theirs_alone, "info", None), "transaction_status", None)
        return _WHOLE if status == 0 else _POINT
    if getattr(theirs_alone, "in_transaction", True):
        return _POINT
    level = getattr(theirs_alone, "isolation_level", None)
    if level is None or getattr(theirs_alone, "autocommit", None) is True:
        return _WHOLE
    # As sqlite3 itself would, before what it knows to write: a savepoint is not among that.
    begin, end, undo = _POINT
    return (f"BEGIN {level}", *begin), end, undo


def _run(connection: Connection, statements: _Statements) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement)


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
    if isinstance(given, (Session, scoped_session)):
        return given.connection()
    if hasattr(given, "ensure_connection"):  # Django's
        given.ensure_connection()
        given = given.connection
    address = _address(given)
    if address is None:
        sentence = (
            "connection: give a connection of SQLAlchemy, sqlite3, psycopg or Django; "
            "async callers run client.enqueue_statement(message) on theirs"
        )
        raise ConfigError(sentence, key="connection")
    return _engine(address, _Lent(given)).connect()


def _address(given: Any) -> str | None:
    kinds = type(given).__mro__
    if any(kind.__name__.startswith("Async") for kind in kinds):
        return None
    modules = [kind.__module__.partition(".")[0] for kind in kinds]
    return next((_DIALECTS[module] for module in modules if module in _DIALECTS), None)


def _engine(address: str, lent: _Lent) -> Engine:
    if address in _ready:
        # A new one would ask the server each time who it is.
        dialect = _ready[address]
        pool = StaticPool(lambda: lent, dialect=dialect, reset_on_return=None)
        return Engine(pool, dialect, make_url(address), hide_parameters=True)
    engine = create_engine(
        address,
        creator=lambda: lent,
        poolclass=StaticPool,
        pool_reset_on_return=None,
        **({} if address == "sqlite://" else {"use_native_hstore": False}),
        hide_parameters=True,
    )
    engine.connect().close()
    _ready[address] = engine.dialect
    return engine


class _Lent:
    """A DBAPI connection that does everything but begin, end or close the caller's transaction."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def cursor(self) -> Any:
        """Return a cursor that reads as ours do, whatever the caller has theirs do."""
        if _address(self._connection) == "sqlite://":
            cursor = self._connection.cursor()
            cursor.row_factory = None
            return cursor
        from psycopg import Cursor  # noqa: PLC0415 - an extra
        from psycopg.rows import tuple_row  # noqa: PLC0415
        from psycopg.types.datetime import TimestamptzLoader  # noqa: PLC0415

        plain = Cursor(self._connection, row_factory=tuple_row)
        plain.adapters.register_loader("timestamptz", TimestamptzLoader)
        return plain

    def commit(self) -> None:
        """Leave that to the caller."""

    def rollback(self) -> None:
        """Leave that to the caller."""

    def close(self) -> None:
        """Leave that to the caller."""

    def create_function(self, *_: Any, **__: Any) -> None:
        """Leave the caller's functions alone."""

    def add_notice_handler(self, *_: Any) -> None:
        """Leave the caller's notices alone."""
