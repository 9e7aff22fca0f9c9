"""Connections to the ledger's database, and those to a SQLite file: one of them writes.

No connection crosses a fork (:mod:`polysms.ledger.forks`): a child opens its own.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool, QueuePool

from polysms.errors import ConfigError, LedgerError
from polysms.ledger import forks
from polysms.ledger.trouble import is_busy, told

T = TypeVar("T")
Action = Callable[[Connection], T]

#: Seconds that a write waits for other writers.
PATIENCE = 10.0
#: Milliseconds in which SQLite itself tries to begin a write, before we let it try again: the
#: longer it has tried, the longer it sleeps, and others that write without a pause would starve it.
_KNOCKS = 20
#: Seconds until we try again what SQLite refused at once.
_PAUSE = 0.001
#: Kibibytes of pages that a connection to SQLite remembers.
_CACHE = 65_536


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

    def ask(self, action: Action[T]) -> T:
        """Run an action that only reads, and whose statements need not see the same moment."""
        return self.read(action)

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
        self._writer = engine_of(self.url, poolclass=NullPool, connect_args=_SHARED)
        self._reader = engine_of(
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
            return told(lambda: in_transaction(self._reader, action))

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
        left.append(self.__dict__.copy())
        super().in_child()
        self._is_lost = is_lost


#: What children inherited; kept, because forgetting it would close it.
left: list[dict[str, Any]] = []


_SHARED = {"check_same_thread": False, "timeout": PATIENCE, "isolation_level": None}


def engine_of(url: URL, **facts: Any) -> Engine:
    """Return an engine that shows no values; raise ConfigError where its driver is missing."""
    try:
        return create_engine(url, hide_parameters=True, **facts)
    except ImportError:
        sentence = "ledger: PostgreSQL needs psycopg: pip install 'polysms[postgres]'"
        raise ConfigError(sentence, key="ledger") from None


def in_transaction(engine: Engine, action: Action[T]) -> T:
    """Run an action in a transaction, and commit it."""
    with engine.begin() as connection:
        return action(connection)


def _write_durably(connection: Any, _: object) -> None:
    # Of those who make a new file a WAL one at once, SQLite sends all but one away without a wait.
    _knock(lambda: connection.execute("PRAGMA journal_mode=WAL"))
    # FULL: a commit that has returned survives a loss of power.
    for pragma in (
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
    _knock(lambda: connection.exec_driver_sql("BEGIN IMMEDIATE"))


def _knock(action: Callable[[], object]) -> None:
    """Try again as long as SQLite says that others are busy, and our patience lasts."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            action()
        except (DBAPIError, sqlite3.Error) as error:
            if not is_busy(error) or time.monotonic() > until:
                raise
            time.sleep(_PAUSE)
        else:
            return
