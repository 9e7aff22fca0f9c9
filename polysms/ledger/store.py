"""Connections to the ledger's database: one that writes to SQLite, a small pool to PostgreSQL.

No connection crosses a fork (:mod:`polysms.ledger.forks`): a child opens its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool, QueuePool

from polysms.errors import ConfigError, LedgerError
from polysms.ledger import forks
from polysms.ledger.trouble import is_busy, told

T = TypeVar("T")
Action = Callable[[Connection], T]

#: Seconds that a write waits for other writers.
PATIENCE = 10.0
#: Connections to PostgreSQL, and as many more for a moment.
POOL = 5
#: Milliseconds that one statement may take on PostgreSQL; tidying up may take longer.
_STATEMENT = 30_000
#: Milliseconds that a transaction on PostgreSQL may stand still: a process that is frozen in one
#: must not keep its rows from all others.
_IDLE = 30_000
#: Milliseconds in which SQLite itself tries to begin a write, before we let it try again: the
#: longer it has tried, the longer it sleeps, and others that write without a pause would starve it.
_KNOCKS = 20
#: Kibibytes of pages that a connection to SQLite remembers.
_CACHE = 65_536


def url_of(address: str) -> URL:
    """Return a ledger's address, read; raise :class:`ConfigError` for one we have no use for."""
    try:
        url = make_url(address)
    except ArgumentError:
        url = None
    if url is None or url.drivername not in {"sqlite", "postgresql", "postgresql+psycopg"}:
        sentence = (
            "ledger: is no address of a ledger; write sqlite:///polysms.db or "
            "postgresql+psycopg://user:password@host/database"
        )
        raise ConfigError(sentence, key="ledger")
    if url.drivername == "sqlite" and (not url.database or ":memory:" in url.database):
        sentence = "ledger: is to be a file, and not the memory: it must survive the process"
        raise ConfigError(sentence, key="ledger")
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def store_of(address: str) -> Store:
    """Return the connections of a ledger's address; none is opened before it is needed."""
    url = url_of(address)
    return SQLite(url) if url.drivername == "sqlite" else PostgreSQL(url)


class Store:
    """The connections to one database: ``write`` and ``read`` run an action in a transaction."""

    #: Whether nobody writes while we do, so that our transaction sees all that was written before.
    writes_alone = False

    def __init__(self, url: URL) -> None:
        self.url = url
        self._lock = threading.Lock()
        self._ready = False
        self._open()
        forks.watch(self)

    def _open(self) -> None:
        raise NotImplementedError

    def prepare(self, is_ready: Action[bool], mend: Action[None]) -> None:
        """Look before the first use in each process whether all is ready; if not, mend it."""
        if self._ready:
            return
        if not self.read(is_ready):
            self.write(mend)
        self._ready = True

    def write(self, action: Action[T]) -> T:
        """Run an action in a transaction and commit it."""
        raise NotImplementedError

    def read(self, action: Action[T]) -> T:
        """Run an action that only reads, on one view of the database."""
        raise NotImplementedError

    def close(self) -> None:
        """Close every connection; the next use opens new ones."""
        raise NotImplementedError

    def before_fork(self) -> None:
        """Close what a child must not have."""

    def after_fork(self) -> None:
        """Go on, in the parent."""

    def in_child(self) -> None:
        """Begin again, in the child of a fork."""
        self._lock = threading.Lock()
        self._ready = False
        self._open()


class SQLite(Store):
    """A SQLite file: one connection writes, guarded by a lock; others read beside it."""

    writes_alone = True

    def _open(self) -> None:
        self._gate = forks.Gate(PATIENCE)
        self._is_free = True
        self._is_lost = False
        self._writing: Connection | None = None
        self._writer = _engine(self.url, poolclass=NullPool, connect_args=_SHARED)
        self._reader = _engine(
            self.url, poolclass=QueuePool, pool_timeout=PATIENCE, connect_args=_SHARED
        )
        event.listen(self._writer, "connect", _write_durably)
        event.listen(self._writer, "begin", _begin_immediate)
        event.listen(self._reader, "connect", _read_only)
        event.listen(self._reader, "begin", _begin)

    def write(self, action: Action[T]) -> T:
        """Run an action in a transaction of the one writer, and commit it to the disk."""
        # Two waits: for our own threads here, for other processes in SQLite.
        if not self._lock.acquire(timeout=PATIENCE):
            raise LedgerError("the ledger is busy: others write to it", retry_later=True)
        try:
            with self._gate:
                self._check_own()
                return told(lambda: self._written(action))
        finally:
            self._lock.release()

    def _written(self, action: Action[T]) -> T:
        if self._writing is None:
            self._writing = self._writer.connect()
        try:
            with self._writing.begin():
                return action(self._writing)
        except SQLAlchemyError:
            # Whatever it was, the next write begins with a new connection.
            self._writing.close()
            self._writing = None
            raise

    def read(self, action: Action[T]) -> T:
        """Run an action on what is committed; it waits for no writer."""
        with self._gate:
            self._check_own()
            return told(lambda: _in_transaction(self._reader, action))

    def close(self) -> None:
        """Close the writer and the readers."""
        with self._lock, self._gate:
            self._close()

    def _close(self) -> None:
        if self._writing is not None:
            told(self._writing.close)
            self._writing = None
        self._reader.dispose()

    def _check_own(self) -> None:
        if self._is_lost:
            raise LedgerError("the ledger was busy as this process was forked: fork it once more")

    def before_fork(self) -> None:
        """Wait for who is at it, and close the file: its locks are no child's."""
        self._is_free = self._gate.shut()
        if self._is_free:
            self._close()

    def after_fork(self) -> None:
        """Go on, in the parent."""
        self._gate.open()

    def in_child(self) -> None:
        """Begin again, unless somebody was at it as the fork was made."""
        is_lost = self._is_lost or not self._is_free
        _left.append(self.__dict__.copy())
        super().in_child()
        self._is_lost = is_lost


class PostgreSQL(Store):
    """A PostgreSQL database, by psycopg and a small pool."""

    def _open(self) -> None:
        self._engine = _engine(
            self.url,
            pool_size=POOL,
            max_overflow=POOL,
            pool_timeout=PATIENCE,
            # A connection that died while nobody used it is replaced, not reported.
            pool_pre_ping=True,
            connect_args={"connect_timeout": round(PATIENCE)},
        )
        event.listen(self._engine, "connect", _in_utc)

    def write(self, action: Action[T]) -> T:
        """Run an action in a transaction and commit it."""
        return told(lambda: _in_transaction(self._engine, action))

    def read(self, action: Action[T]) -> T:
        """Run an action that only reads."""
        return told(lambda: _in_transaction(self._engine, action))

    def close(self) -> None:
        """Close the pool."""
        self._engine.dispose()

    def in_child(self) -> None:
        """Begin again, with connections of the child's own."""
        _left.append(self.__dict__.copy())
        super().in_child()


#: What children inherited; kept, because forgetting it would close it.
_left: list[dict[str, Any]] = []


_SHARED = {"check_same_thread": False, "timeout": PATIENCE, "isolation_level": None}


def _engine(url: URL, **facts: Any) -> Engine:
    try:
        return create_engine(url, hide_parameters=True, **facts)
    except ImportError:
        sentence = "ledger: PostgreSQL needs psycopg: pip install 'polysms[postgres]'"
        raise ConfigError(sentence, key="ledger") from None


def _in_transaction(engine: Engine, action: Action[T]) -> T:
    with engine.begin() as connection:
        return action(connection)


def _write_durably(connection: Any, _: object) -> None:
    # FULL: a commit that has returned survives a loss of power.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"cache_size=-{_CACHE}",
        f"busy_timeout={_KNOCKS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _read_only(connection: Any, _: object) -> None:
    for pragma in ("query_only=ON", f"cache_size=-{_CACHE}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    # Deferred, two readers that turn writers would block each other for good.
    until = time.monotonic() + PATIENCE
    while True:
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError as error:
            if not is_busy(error) or time.monotonic() > until:
                raise
        else:
            return


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
