"""The ledger: what was said, to whom, how it ended and what was unclear, kept beyond the process.

::

    ledger = Ledger("sqlite:///polysms.db")
    ledger.write(id, message, attempt)  # before the first byte; returns once it is on the disk
    ledger.write(id, message, attempt)  # once more when it has ended
    ledger.ended(delivery)
    ledger.get(id)

Every method is synchronous and thread-safe, and raises :class:`~polysms.errors.LedgerError` for
what goes wrong with the database: then nothing of the call was written, or (where the connection
broke while it was committed) all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, text

from polysms.delivery import Attempt, Delivery, Event, Outcome, Status
from polysms.errors import LedgerError
from polysms.ledger import keys, reading, reports, schema, tidying, writing
from polysms.ledger.batches import Batches, Job, written
from polysms.ledger.comparing import Comparing
from polysms.ledger.entries import Entries
from polysms.ledger.hearing import Hearing
from polysms.ledger.keys import KeyState
from polysms.ledger.optouts import OptOuts
from polysms.ledger.queue import Queue
from polysms.ledger.reading import OpenAttempt, Query
from polysms.ledger.store import SQLite
from polysms.ledger.stores import store_of
from polysms.ledger.tidying import KEYS_KEPT, Purged, Stats
from polysms.ledger.writing import UNSURE, End, Line
from polysms.message import Message
from polysms.routing.plan import Watermark

T = TypeVar("T")

#: How long a key that was begun is believed to run before its first attempt is written.
KEY_RUNS = timedelta(minutes=2)


def utc_now() -> datetime:
    """Return the time, aware."""
    return datetime.now(UTC)


class Ledger(Entries, Hearing, Comparing):
    """A ledger at an address: ``sqlite:///file.db``, ``postgresql+psycopg://user@host/database``.

    Nothing is opened before it is needed. A SQLite file is made, and brought to the newest tables,
    by itself; PostgreSQL by :meth:`upgrade` only. Safe to use after ``os.fork()``: a child opens
    connections of its own.
    """

    def __init__(self, url: str, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store_of(url)
        self._clock = clock
        self._secret: bytes | None = None
        self._batches = Batches(self._commit)
        #: The messages that are to be sent later.
        self.outbox = Queue(self._write, self._read, self._clock)
        #: The numbers that want no more messages.
        self.optouts = OptOuts(self._write, self._read, self._clock)

    def __repr__(self) -> str:
        return f"Ledger({self._store.url.render_as_string(hide_password=True)!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._store.close()

    # Writing.

    def write(
        self, id_: str, message: Message, attempt: Attempt, *, store_text: bool = True
    ) -> None:
        """Write an attempt down, with its message: before its first byte, and when it has ended.

        Raises :class:`~polysms.errors.LedgerError` for an attempt that is to begin under a key that
        another try has taken over: it must not be sent.
        """
        self.write_many([Line(id_, message, attempt, store_text)])

    def write_many(self, lines: Sequence[Line], ends: Sequence[End] = ()) -> None:
        """Write attempts and ends of sends in one commit, shared with what other threads write."""
        if lines or ends:
            self._batches.write(lines, ends)

    def write_jobs(self, jobs: Sequence[Job]) -> None:
        """Write what many callers want written in one commit; each job tells what came of it."""
        written(self._commit, jobs)

    def _commit(self, lines: Sequence[Line], ends: Sequence[End]) -> None:
        now = self._clock()
        told = [line.attempt for line in lines]
        told += [attempt for end in ends for attempt in end.delivery.attempts]
        accepted = [attempt for attempt in told if attempt.outcome is Outcome.ACCEPTED]

        is_compared = any(line.assignment is not None for line in lines)
        secret = self._keyed() if is_compared else b""

        def may_be_parked(connection: Connection) -> bool:
            writing.write(connection, lines, ends, now, secret)
            return not self._store.writes_alone or reading.parked(connection, accepted)

        # In a transaction of its own: a report that was parked beside ours is seen only then.
        if self._write(may_be_parked):
            self._match(accepted)

    def ended(
        self, delivery: Delivery, message: Message | None = None, *, store_text: bool = True
    ) -> None:
        """Write down how a send ended, or what a later look found of it.

        ``message`` is for one of which no attempt was ever written.
        """
        self.write_many([], [End(delivery, message, store_text)])

    def _match(self, accepted: Sequence[Attempt]) -> None:
        if not accepted or not self._ask(partial(reading.parked, copies=accepted)):
            return
        self._write(partial(reports.match, copies=accepted, now=self._clock()))

    # Reading.

    def get(self, id_or_key: str, tenant: str | None = None) -> Delivery | None:
        """Return a delivery as it stands now, by its id or its key; None for an unknown one.

        With a tenant, only that tenant's; without, a key is looked for among those of none.
        """
        now = self._clock()

        def found(connection: Connection) -> list[Delivery]:
            row = reading.by_id(connection, id_or_key, tenant)
            row = row or reading.by_key(connection, id_or_key, tenant or "")
            return reading.deliveries(connection, [row] if row else [], now)

        return next(iter(self._read(found)), None)

    def find(self, *, status: Status | str | None = None, **wanted: Any) -> list[Delivery]:
        """Return the newest deliveries that have all of this in common, the newest first.

        ``to``, ``key``, ``tag``, ``status``, ``account``, ``since`` (a time), ``tenant``, and
        ``limit`` (100).
        """
        query = Query(status=None if status is None else Status(status), **wanted)
        if query.status in UNSURE:
            self.lapse()
        now = self._clock()

        def found(connection: Connection) -> list[Delivery]:
            rows = connection.execute(query.statement()).mappings().all()
            return reading.deliveries(connection, rows, now)

        return self._read(found)

    def message(self, id_: str) -> Message | None:
        """Return what was to be said, None where it is unknown or its text is not kept."""
        return self._read(lambda connection: reading.message(connection, id_))

    def events(self, id_: str) -> list[Event]:
        """Return every report of a message, in the order in which they came."""
        return self._read(lambda connection: reading.events_of(connection, id_))

    def open_attempts(self, before: datetime, limit: int = 1000) -> list[OpenAttempt]:
        """Return the open attempts that expired before a moment: they may have been sent."""
        return self._read(lambda connection: reading.open_attempts(connection, before, limit))

    def watermark(self, account: str, after: datetime) -> Watermark | None:
        """Return the latest accepted attempt of an account, if it began after a moment."""
        return self._read(lambda connection: reading.watermark(connection, account, after))

    def owns(self, account: str, provider_id: str | None) -> bool:
        """Whether a provider's id belongs to an attempt that is accounted for."""
        if provider_id is None:
            return False
        return self._read(lambda connection: reading.owns(connection, account, provider_id))

    def knows(self, reference: str) -> bool:
        """Whether an attempt is one of ours."""
        return self._read(lambda connection: reading.knows(connection, reference))

    def has_rival(self, attempt: Attempt, to: str | None, seconds: float) -> bool:
        """Whether another unclear attempt at this account could have left the same record."""
        return self._read(lambda one: reading.has_rival(one, attempt, to, seconds))

    # Keys.

    def fingerprint(self, message: Message) -> str:
        """Return what tells a message from another, for :meth:`begin_key`."""
        return keys.fingerprint(message, self._keyed())

    def _keyed(self) -> bytes:
        if self._secret is None:
            self._secret = self._read(keys.secret)
        return self._secret

    def begin_key(  # noqa: PLR0913, PLR0917 - each fact of a key
        self,
        key: str,
        tenant: str | None,
        fingerprint: str,
        id_: str,
        now: datetime,
        until: datetime | None = None,
    ) -> KeyState:
        """Give a key to the message with this id, or tell the delivery that it belongs to.

        A message that was surely not sent gives its key up: then it is tried anew. ``until`` is
        how long it runs at most before its first attempt is written. Raises
        :class:`~polysms.errors.KeyConflict` where the key belongs to another message.
        """
        begin = partial(
            keys.begin,
            key=key,
            tenant=tenant or "",
            fingerprint=fingerprint,
            id_=id_,
            now=now,
            until=until or now + KEY_RUNS,
        )
        return self._write(begin)

    # Tidying up.

    def lapse(self) -> int:
        """Let the status of messages follow that nobody is at any more; return how many."""
        now = self._clock()
        return self._write(lambda connection: tidying.lapse(connection, now))

    def forget(self, id_: str) -> None:
        """Forget the text of one message, and what providers repeated of it."""
        self._write(lambda connection: tidying.forget(connection, id_))

    def purge(
        self, *, texts_older_than: datetime | None = None, rows_older_than: datetime | None = None
    ) -> Purged:
        """Forget texts, and whole messages, of before a moment; nothing that is under way."""
        old = self._clock() - KEYS_KEPT
        return tidying.purge(self._write, texts=texts_older_than, rows=rows_older_than, keys=old)

    def stats(self) -> Stats:
        """Count what the ledger holds; this reads all of it."""
        return self._read(tidying.stats)

    def check(self) -> None:
        """Raise :class:`~polysms.errors.LedgerError` unless the database is there and whole."""
        if not isinstance(self._store, SQLite):
            self._read(lambda connection: connection.execute(text("SELECT 1")).scalar())
            return
        said = self._read(lambda one: one.execute(text("PRAGMA integrity_check")).scalar())
        if said != "ok":
            raise LedgerError("the ledger's file is damaged: restore it from a backup")

    def upgrade(self) -> None:
        """Bring the tables to the newest revision; what is there already stays."""
        self._store.write(schema.upgrade)

    # The database.

    def _write(self, action: Callable[[Connection], T]) -> T:
        self._prepare()
        return self._store.write(action)

    def _read(self, action: Callable[[Connection], T]) -> T:
        self._prepare()
        return self._store.read(action)

    def _ask(self, action: Callable[[Connection], T]) -> T:
        self._prepare()
        return self._store.ask(action)

    def _prepare(self) -> None:
        is_file = isinstance(self._store, SQLite)
        is_ready = schema.is_newest if is_file else schema.check_version
        self._store.prepare(is_ready, schema.upgrade)
