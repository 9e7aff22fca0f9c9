"""Connections to PostgreSQL: a small pool of them, in which any may have died meanwhile."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError

from polysms.ledger.store import PATIENCE, Action, Store, engine_of, left
from polysms.ledger.trouble import told

T = TypeVar("T")

#: Connections, and as many more for a moment.
POOL = 5
#: Milliseconds that one statement may take; tidying up may take longer.
_STATEMENT = 30_000
#: Milliseconds that a transaction may stand still: a process that is frozen in one must not keep
#: its rows from all others.
_IDLE = 30_000
#: SQLSTATE of a deadlock, and of a transaction that could not be put in an order with others.
_KNOTS = frozenset({"40P01", "40001"})
#: How often a transaction is done again that came to nothing.
_AGAIN = 2


class PostgreSQL(Store):
    """A PostgreSQL database, by psycopg and a small pool."""

    def _open(self) -> None:
        self._engine = engine_of(
            self.url,
            pool_size=POOL,
            max_overflow=POOL,
            pool_timeout=PATIENCE,
            connect_args={"connect_timeout": round(PATIENCE)},
        )
        event.listen(self._engine, "connect", _in_utc)
        # Each statement by itself: there and back once, and not three times.
        self._asking = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    def write(self, action: Action[T]) -> T:
        """Run an action in a transaction and commit it."""
        return told(lambda: _in_transaction(self._engine, action))

    def read(self, action: Action[T]) -> T:
        """Run an action that only reads."""
        return told(lambda: _in_transaction(self._engine, action))

    def ask(self, action: Action[T]) -> T:
        """Run an action that only reads, and whose statements need not see the same moment."""
        return told(lambda: _in_transaction(self._asking, action))

    def close(self) -> None:
        """Close the pool."""
        self._engine.dispose()

    def in_child(self) -> None:
        """Begin again, with connections of the child's own."""
        left.append(self.__dict__.copy())
        super().in_child()


def _in_transaction(engine: Engine, action: Action[T]) -> T:
    """Run an action in a transaction, again where its connection had died, or it was in a knot.

    A knot: two transactions wait for each other, and PostgreSQL undoes one of them.
    """
    for _ in range(_AGAIN):
        with engine.connect() as connection:
            try:
                done = action(connection)
            except DBAPIError as error:
                # Before its commit nothing was written; what became of a commit, nobody knows.
                if not (error.connection_invalidated or _state(error) in _KNOTS):
                    raise
            else:
                connection.commit()
                return done
    with engine.begin() as connection:
        return action(connection)


def _state(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _in_utc(connection: Any, _: object) -> None:
    try:
        _set_up(connection)
    except BaseException:
        # SQLAlchemy forgets it: it does not know it yet.
        connection.close()
        raise


def _set_up(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET statement_timeout = {_STATEMENT}")
        cursor.execute(f"SET lock_timeout = {round(PATIENCE * 1000)}")
        cursor.execute(f"SET idle_in_transaction_session_timeout = {_IDLE}")
        cursor.execute("SET timezone = 'UTC'")
    connection.commit()
