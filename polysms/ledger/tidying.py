"""Forgetting on purpose: texts first, lines later, and nothing that is still under way.

Each step is one short transaction, so that sends go on in between.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import attrs
from sqlalchemy import Connection, Select, delete, func, select, text, tuple_, update

from polysms.delivery import Outcome, Status
from polysms.ledger.book import OVER, Book
from polysms.ledger.tables import attempts, events, keys, messages, optouts

#: Runs an action in a transaction of its own.
Write = Callable[[Callable[[Connection], Any]], Any]
#: Where a walk through the messages stands: a time and an id.
Place = tuple[datetime, str]

#: Rows that one transaction forgets.
STEP = 500
#: How long a key stands for its message.
KEYS_KEPT = timedelta(days=90)
_UNDER_WAY = (Status.PENDING, Status.MAYBE_SENT)
# As the index has it: a comparison with true would not be seen to fit.
_TEXTS = text("texts")
_BLANK = {"texts": False, "text": None, "media": None, "options": None, "raw": None}


@attrs.frozen(kw_only=True)
class Purged:
    """How much was forgotten: texts of messages and events, whole messages, and keys."""

    texts: int = 0
    rows: int = 0
    keys: int = 0


@attrs.frozen(kw_only=True)
class Stats:
    """What the ledger holds.

    ``copies`` are those beyond the first of a message: accepted, or reported though nobody knew
    that they had been. ``copies_cost`` is what they cost in each currency, where that is known.
    """

    statuses: dict[str, int]
    attempts: int
    open_attempts: int
    copies: int
    copies_cost: dict[str, Decimal]
    events: int
    parked: int
    keys: int
    optouts: int
    oldest: datetime | None


def lapse(connection: Connection, now: datetime) -> int:
    """Let the status of messages follow that nobody is at any more; return how many there were.

    What is in the outbox is its worker's.
    """
    over = select(messages.c.id).where(messages.c.claimed_until < now, messages.c.state.is_(None))
    ids = connection.execute(over.order_by(messages.c.claimed_until).limit(STEP)).scalars().all()
    if not ids:
        return 0
    book = Book(connection, ids)
    for page in book.pages.values():
        page.changes["ended_at"] = page.value("ended_at") or now
        page.changes["look_at"] = page.value("look_at") or now
    book.put_back(now)
    return len(ids)


def purge(write: Write, *, texts: datetime | None, rows: datetime | None, keys: datetime) -> Purged:
    """Forget the texts, the messages and the keys of before these moments, step by step."""
    blanked = gone = 0
    if texts is not None:
        blanked += _in_steps(write, partial(forget_texts, before=texts))
        blanked += _in_steps(write, partial(forget_reports, before=texts))
    if rows is not None:
        gone = _forget_all_messages(write, rows)
    return Purged(texts=blanked, rows=gone, keys=write(partial(forget_keys, before=keys)))


def _in_steps(write: Write, step: Callable[[Connection], int]) -> int:
    total = 0
    while (done := write(step)) > 0:
        total += done
    return total


def _forget_all_messages(write: Write, before: datetime) -> int:
    total, after = write(partial(forget_messages, before=before, after=None))
    while after is not None:
        done, after = write(partial(forget_messages, before=before, after=after))
        total += done
    write(partial(forget_events, before=before))
    return int(total)


def forget(connection: Connection, id_: str) -> None:
    """Forget the text of one message, and what providers repeated of it."""
    connection.execute(update(messages).where(messages.c.id == id_).values(_BLANK))
    told = update(events).where(events.c.message_id == id_)
    connection.execute(told.values(texts=False, text=None, media=None, raw=None))


def forget_texts(connection: Connection, before: datetime) -> int:
    """Forget some texts of before a moment; return how many."""
    # What is in the outbox still needs its text.
    old = select(messages.c.id).where(
        _TEXTS,
        messages.c.created_at < before,
        messages.c.state.is_(None) | (messages.c.state == OVER),
    )
    ids = connection.execute(old.order_by(messages.c.created_at).limit(STEP)).scalars().all()
    if ids:
        connection.execute(update(messages).where(messages.c.id.in_(ids)).values(_BLANK))
    return len(ids)


def forget_reports(connection: Connection, before: datetime) -> int:
    """Forget what some events of before a moment say in the provider's own words."""
    name = tuple_(events.c.account, events.c.event_id)
    old = select(events.c.account, events.c.event_id).where(_TEXTS, events.c.received_at < before)
    found = connection.execute(old.order_by(events.c.received_at).limit(STEP)).all()
    if found:
        blank = {"texts": False, "text": None, "media": None, "raw": None}
        connection.execute(
            update(events).where(name.in_([tuple(one) for one in found])).values(blank)
        )
    return len(found)


def forget_messages(
    connection: Connection, before: datetime, after: Place | None
) -> tuple[int, Place | None]:
    """Forget some messages of before a moment, whole, but for those still under way.

    ``after`` is the place to go on from; return how many went, and the next place if any.
    """
    place = (messages.c.created_at, messages.c.id)
    old = select(*place, messages.c.status, messages.c.state).where(place[0] < before)
    if after is not None:
        # The first says nothing new, and lets the index begin there.
        old = old.where(place[0] >= after[0], tuple_(*place) > after)
    rows = connection.execute(old.order_by(*place).limit(STEP)).all()
    ids = [row.id for row in rows if row.status not in _UNDER_WAY and row.state in {None, OVER}]
    for table in (attempts, events, keys):
        connection.execute(delete(table).where(table.c.message_id.in_(ids)))
    connection.execute(delete(messages).where(messages.c.id.in_(ids)))
    return len(ids), (rows[-1].created_at, rows[-1].id) if len(rows) == STEP else None


def forget_events(connection: Connection, before: datetime) -> None:
    """Forget the events of before a moment that belong to no message."""
    connection.execute(
        delete(events).where(events.c.received_at < before, events.c.message_id.is_(None))
    )


def forget_keys(connection: Connection, before: datetime) -> int:
    """Forget the keys of before a moment, but for those of messages still under way."""
    under_way = select(messages.c.id).where(
        messages.c.id == keys.c.message_id, messages.c.status.in_(_UNDER_WAY)
    )
    old = delete(keys).where(keys.c.created_at < before, ~under_way.exists())
    return connection.execute(old).rowcount


def _extra() -> Select[Any]:
    order = func.row_number().over(partition_by=attempts.c.message_id, order_by=attempts.c.number)
    there = (attempts.c.outcome == Outcome.ACCEPTED) | attempts.c.status.is_not(None)
    copies = select(attempts.c.price, attempts.c.currency, order.label("place")).where(there)
    ordered = copies.subquery()
    return select(ordered.c.price, ordered.c.currency).where(ordered.c.place > 1)


_EXTRA = _extra()


def _cost(copies: Sequence[Any]) -> dict[str, Decimal]:
    total: defaultdict[str, Decimal] = defaultdict(Decimal)
    for price, currency in copies:
        if price is not None:
            total[currency] += Decimal(price)
    return dict(total)


def stats(connection: Connection) -> Stats:
    """Count what the ledger holds; this reads all of it."""

    def count(table: object, *fits: object) -> int:
        wanted = select(func.count()).select_from(table).where(*fits)  # type: ignore[arg-type]
        return int(connection.execute(wanted).scalar_one())

    by_status = select(messages.c.status, func.count()).group_by(messages.c.status)
    extra = connection.execute(_EXTRA).all()
    return Stats(
        statuses={row[0]: row[1] for row in connection.execute(by_status)},
        attempts=count(attempts),
        open_attempts=count(attempts, attempts.c.outcome.is_(None)),
        copies=len(extra),
        copies_cost=_cost(extra),
        events=count(events),
        parked=count(events, events.c.message_id.is_(None), events.c.kind == "report"),
        keys=count(keys),
        optouts=count(optouts, optouts.c.ended_at.is_(None)),
        oldest=connection.execute(select(func.min(messages.c.created_at))).scalar(),
    )
