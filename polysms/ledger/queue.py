"""The outbox as clients and workers use it: each method is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection

from polysms.delivery import Delivery
from polysms.ledger import borrowing, keys, outbox, presence, waiting
from polysms.ledger.keys import KeyState
from polysms.ledger.outbox import Claim, Order
from polysms.ledger.reading import deliveries
from polysms.ledger.rows import Row

T = TypeVar("T")
Run = Callable[[Callable[[Connection], T]], T]
Change = Callable[[Connection, Row, datetime], None]


class Queue:
    """The messages of a ledger that are to be sent later, and who sends them."""

    def __init__(self, write: Run[Any], read: Run[Any], clock: Callable[[], datetime]) -> None:
        self._write = write
        self._read = read
        self._clock = clock

    def put(self, order: Order, fingerprint: str | None, connection: Any = None) -> KeyState:
        """Put a message into the outbox: in a commit of its own, or on the caller's connection.

        There it is as lasting as the caller's own transaction, and gone where that is rolled back.
        ``fingerprint`` is that of a message with a key.
        """
        action = partial(outbox.enqueue, order=order, now=self._clock(), fingerprint=fingerprint)
        if connection is None:
            return self._done(action)
        # What our own connection reads is the ledger's name, by which theirs is known.
        name = self._read(keys.name)
        with borrowing.borrowed(connection, name) as theirs:
            return action(theirs)

    def statement(self, order: Order) -> Any:
        """Return the SQLAlchemy INSERT that does it, for a connection that only you can use."""
        return outbox.statement(order, self._clock())

    def claim(self, state: str, worker: str, *, until: datetime, limit: int) -> list[Claim]:
        """Take a lease on messages of a state ("waiting" or "sent") whose time has come."""
        action = partial(outbox.claim, state=state, worker=worker, until=until, limit=limit)
        return self._done(partial(action, now=self._clock()))

    def claim_one(self, id_: str, worker: str, *, until: datetime) -> Claim | None:
        """Take a lease on one message; None where it is not its time, or another has it."""
        action = partial(outbox.claim_one, id_=id_, worker=worker, until=until)
        found = self._done(partial(action, now=self._clock()))
        return found[0] if found else None

    def due(self, *, limit: int) -> list[str]:
        """Return the ids of messages whose time has come, for whoever tells others of them."""
        ids: list[str] = self._read(partial(waiting.due, now=self._clock(), limit=limit))
        return ids

    def reclaim(self) -> int:
        """Take back leases that have expired; return how many, 100 at most."""
        return self._done(partial(outbox.reclaim, now=self._clock()))

    def looks(self, *, until: datetime, limit: int) -> list[Claim]:
        """Return messages of which a provider is to be asked now; no other worker gets them."""
        return self._done(partial(outbox.looks, now=self._clock(), until=until, limit=limit))

    def look_later(self, id_: str, at: datetime | None) -> None:
        """Let a provider be asked of a message at another time, or (None) no more."""
        self._done(partial(outbox.look_later, id_=id_, at=at))

    def release(self, ids: Sequence[str], worker: str, state: str) -> None:
        """Give leases back of messages with which nothing was begun, to the state they had."""
        self._done(partial(outbox.release, ids=ids, worker=worker, state=state))

    def cancel(self, key_or_id: str, tenant: str | None = None) -> Delivery | None:
        """Let a message that still waits never be sent; return where it stands, None: unknown."""
        return self._changed(key_or_id, tenant, outbox.cancel)

    def confirm(self, key_or_id: str, tenant: str | None = None) -> Delivery | None:
        """Note that a message has arrived, so that no other account tries."""
        return self._changed(key_or_id, tenant, outbox.confirm)

    def _changed(self, key_or_id: str, tenant: str | None, change: Change) -> Delivery | None:
        now = self._clock()

        def action(connection: Connection) -> Delivery | None:
            row = outbox.owner(connection, key_or_id, tenant)
            if row is None:
                return None
            change(connection, row, now)
            row = outbox.owner(connection, str(row["id"]), None)
            return deliveries(connection, [row], now)[0] if row else None

        return self._done(action)

    def seen(self, worker: str) -> None:
        """Note that a worker is at it."""
        self._done(partial(presence.seen, worker=worker, now=self._clock()))

    def gone(self, worker: str) -> None:
        """Note that a worker has stopped."""
        self._done(partial(presence.gone, worker=worker))

    def last_seen(self) -> datetime | None:
        """Return when a worker was last at it."""
        found: datetime | None = self._read(presence.last_seen)
        return found

    def waiting(self) -> int:
        """Return how many messages are still to be sent."""
        return int(self._read(waiting.waiting))

    def until_next(self) -> float | None:
        """Return the seconds until the next message is to be sent, None where none waits."""
        found: float | None = self._read(partial(waiting.until_next, now=self._clock()))
        return found

    def _done(self, action: Callable[[Connection], T]) -> T:
        done: T = self._write(action)
        return done
