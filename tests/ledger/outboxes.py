"""Messages in the outbox, workers and a clock set by hand, for the ledger's tests."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from polysms.delivery import Attempt, Delivery, Outcome
from polysms.ledger import After, Claim, End, Ledger, Line, Order
from polysms.message import Message
from tests.ledger import scenes

LEASE = timedelta(seconds=120)
VALID = timedelta(hours=4)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = scenes.NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        """Let seconds go by."""
        self.now += timedelta(seconds=seconds)


def order(id_: str = "id", said: Message | None = None, **facts: Any) -> Order:
    """Return a message to be sent now, valid for four hours."""
    usual: dict[str, Any] = {
        "via": None,
        "at": scenes.NOW,
        "valid_until": scenes.NOW + VALID,
    }
    return Order(id=id_, message=said or scenes.message(), **{**usual, **facts})


def put(ledger: Ledger, id_: str = "id", said: Message | None = None, **facts: Any) -> str:
    """Enqueue a message, with its key if it has one; return the id of the key's message."""
    wanted = order(id_, said, **facts)
    fingerprint = ledger.fingerprint(wanted.message) if wanted.message.key is not None else None
    return ledger.outbox.put(wanted, fingerprint).id


def claim(ledger: Ledger, worker: str, now: datetime, state: str = "waiting") -> list[Claim]:
    """Take a lease of the usual length on whatever is due."""
    return ledger.outbox.claim(state, worker, until=now + LEASE, limit=10)


def line(id_: str, attempt: Attempt, worker: str | None) -> Line:
    """Return an attempt to write down, as a worker writes it."""
    return Line(id_, scenes.message(), attempt, worker=worker)


def end(
    id_: str, attempts: tuple[Attempt, ...], after: After | None = None, **facts: Any
) -> tuple[End]:
    """Return the end of a send, as a worker writes it."""
    return (End(scenes.ended(id_, scenes.message(), *attempts), after=after, **facts),)


def begun(ledger: Ledger, worker: str, now: datetime, id_: str = "id") -> Attempt:
    """Claim the one message that is due, and begin an attempt; return it."""
    assert [id_] == [one.id for one in claim(ledger, worker, now)]
    return attempted(ledger, worker, now, id_)


def attempted(
    ledger: Ledger, worker: str | None, now: datetime, id_: str = "id", **facts: Any
) -> Attempt:
    """Begin an attempt of a message; return it."""
    usual = {"started_at": now, "expires_at": now + timedelta(seconds=90)}
    attempt = scenes.opened(**{**usual, **facts})
    ledger.write_many([line(id_, attempt, worker)])
    return attempt


def closed(attempt: Attempt, outcome: Outcome = Outcome.ACCEPTED, **facts: Any) -> Attempt:
    """Return an attempt as it has ended."""
    return scenes.closed(attempt, outcome, **facts)


def got(ledger: Ledger, id_: str = "id") -> Delivery:
    """Return a delivery that is known."""
    delivery = ledger.get(id_)
    assert delivery is not None
    return delivery


def row(ledger: Ledger, id_: str = "id") -> dict[str, Any]:
    """Return the row of a message, past what the ledger tells of it."""
    from sqlalchemy import select

    from polysms.ledger.tables import messages

    wanted = select(messages).where(messages.c.id == id_)
    return dict(
        ledger._read(lambda one: one.execute(wanted).mappings().one())  # noqa: SLF001
    )
