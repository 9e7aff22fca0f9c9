"""The rows of opt-outs: a number is in a place (a list of a tenant) once for each who put it there.

The empty text stands for every list, and for every tenant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, and_, case, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from polysms.delivery import Event
from polysms.ledger.tables import optouts

#: What is to be added: one row of the table.
Row = Mapping[str, Any]
#: A tenant, a number and a list.
Place = tuple[str, str, str]

#: What a route says of opt-outs, where it does not name a list.
ALL, NONE = "all", "none"
#: The list, and the tenant, that stands for all of them.
EVERY = ""
PLACE = (optouts.c.tenant, optouts.c.recipient, optouts.c.list)
KEY = (*PLACE, optouts.c.source)
#: What no START has taken back.
STANDS = optouts.c.ended_at.is_(None)
place_of = itemgetter(*(column.name for column in PLACE))


def list_of(rule: str | None) -> str:
    """Return the list that a route's ``optouts`` names; every list for "all", "none" or None."""
    return EVERY if rule in {None, ALL, NONE} else str(rule)


def row(  # noqa: PLR0913, PLR0917 - each fact of an opt-out
    number: str,
    list_: str,
    tenant: str,
    since: datetime,
    source: str,
    mirror: Iterable[str] = (),
) -> Row:
    """Return the row of an opt-out."""
    # A provider knows nothing of our lists: told of one, it would refuse every other too.
    told = list(dict.fromkeys(mirror)) if list_ == EVERY else []
    facts = {"tenant": tenant, "recipient": number, "list": list_, "since": since}
    return {**facts, "source": source, "mirror": told or None}


def said_at(event: Event, now: datetime) -> datetime:
    """Return when something was said: by its provider's clock, but never later than we heard it."""
    return min(event.at or now, event.received_at, now)


def added(connection: Connection, rows: Sequence[Row], *, again: bool = False) -> int:
    """Add opt-outs; return how many places are new to their numbers.

    What is there already keeps its time; with ``again`` it has been said once more, and has the
    later time, unless a START that came later still has taken it back.
    """
    if not rows:
        return 0
    known = standing(connection, {one["recipient"] for one in rows})
    connection.execute(_insert(connection, again=again), [*rows])
    return len({place_of(one) for one in rows} - known)


def standing(connection: Connection, recipients: Iterable[str]) -> set[Place]:
    """Return the places that numbers are in."""
    given = optouts.c.recipient.in_(sorted(recipients))
    found = connection.execute(select(*PLACE).where(given, STANDS))
    return {(tenant, number, list_) for tenant, number, list_ in found}


def covered(place: Place, by: set[Place]) -> bool:
    """Whether a place is one of others, or they mean every list or tenant beside it."""
    tenant, number, list_ = place
    return any((one, number, of) in by for one in (EVERY, tenant) for of in (EVERY, list_))


def _insert(connection: Connection, *, again: bool) -> Any:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(optouts)
    new = statement.excluded
    changes: Any = optouts.c.ended_at.is_not(None)
    if again:
        later = and_(STANDS, optouts.c.since < new.since)
        changes = or_(optouts.c.ended_at <= new.since, later)
    # Who has been told already is not told once more.
    mirror = case((STANDS, optouts.c.mirror), else_=new.mirror)
    values = {"since": new.since, "ended_at": None, "mirror": mirror}
    return statement.on_conflict_do_update(index_elements=KEY, set_=values, where=changes)
