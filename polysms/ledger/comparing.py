"""What a ledger tells of accounts compared: counts, and never a message."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, case, func, select, update

from polysms.ledger import counted
from polysms.ledger.assigned import DELIVERED, PENDING, hashed, milliseconds, moment
from polysms.ledger.keys import insert_or_nothing
from polysms.ledger.observing import BY, Scope
from polysms.ledger.tables import assignments, settings
from polysms.report import Cell
from polysms.routing.standing import Matured

#: A message as old as this has mostly ended; what is younger tells more of quick failures.
MATURITY = timedelta(hours=1)


class Comparing:
    """What a ledger counts."""

    _clock: Callable[[], datetime]
    _write: Callable[..., Any]
    _read: Callable[..., Any]
    _keyed: Callable[[], bytes]
    lapse: Callable[[], int]

    def cells(  # noqa: PLR0913 - each wish by name
        self,
        route: str | None = None,
        *,
        experiment: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        by: Collection[str] = (),
        observational: bool = False,
        canaries: Collection[str] = (),
        reports: Callable[[str, str], bool] = lambda _account, _kind: True,
    ) -> tuple[Cell, ...]:
        """Return what became of messages, counted by account and stratum.

        Of those that an experiment gave to an account by chance, unless ``observational``: then of
        all others, by the account that was tried first. ``by`` tells strata apart by these alone:
        "country", "kind", "carrier", "sender", "tag". ``canaries`` are numbers known to be dead;
        ``reports`` says whether an account reports a kind at all.
        """
        self.lapse()
        now = self._clock()
        secret = self._keyed() if canaries else b""
        scope = Scope(
            route=route,
            experiment=experiment,
            since=0 if since is None else milliseconds(since),
            until=milliseconds(now if until is None else until) + (until is None),
            now=milliseconds(now),
            observational=observational,
            canaries=[*canaries, *(hashed(number, secret) for number in canaries)],
            by=tuple(column for name in by for column in BY[name]),
        )
        found: tuple[Cell, ...] = self._read(lambda one: counted.cells(one, scope, by, reports))
        return found

    def assigned(self, route: str | None = None) -> tuple[datetime, datetime] | None:
        """Return when the first and the last message was assigned, None where none was."""
        wanted = select(func.min(assignments.c.assigned_ms), func.max(assignments.c.assigned_ms))
        if route is not None:
            wanted = wanted.where(assignments.c.route == route)
        first, last = self._read(lambda connection: connection.execute(wanted).one())
        return None if first is None else (moment(first), moment(last))

    def matured(
        self, accounts: Sequence[str], since: datetime, until: datetime | None = None
    ) -> tuple[Matured, ...]:
        """Return how many messages that were assigned since then have ended, and were delivered.

        Those of the last hour are left out, unless ``until`` says otherwise: of what is so young it
        is known earlier that it has failed than that it has arrived.
        """
        end = self._clock() - MATURITY if until is None else until
        wanted = _matured(accounts, milliseconds(since), milliseconds(end))
        rows = self._read(lambda connection: connection.execute(wanted).all())
        return tuple(Matured(**row._mapping) for row in rows)  # noqa: SLF001 - SQLAlchemy's own word

    def look(self, name: str, figures: Sequence[int]) -> int:
        """Return how often a comparison has been looked at, this time included.

        Who looks again at the same ``figures`` has seen nothing new.
        """
        looks: int = self._write(lambda connection: _look(connection, f"looks:{name}", figures))
        return looks


def _matured(accounts: Sequence[str], since: int, until: int) -> Any:
    columns = assignments.c
    apart = (columns.account, columns.country, columns.kind, columns.sender_kind)
    delivered = func.sum(case((columns.ended == DELIVERED, 1), else_=0))
    return (
        select(*apart, delivered.label("delivered"), func.count().label("ended"))
        .where(
            columns.account.in_(sorted(accounts)),
            columns.ended != PENDING,
            columns.assigned_ms >= since,
            columns.assigned_ms < until,
        )
        .group_by(*apart)
    )


def _look(connection: Connection, name: str, figures: Sequence[int]) -> int:
    row = {"name": name, "value": json.dumps([0, []])}
    connection.execute(insert_or_nothing(connection, settings), row)
    mine = settings.c.name == name
    # Locked before it is counted up: two that look at once have looked twice.
    found = connection.execute(select(settings.c.value).where(mine).with_for_update()).scalar_one()
    looks, seen = json.loads(found)
    if seen != [*figures]:
        looks += 1
        value = json.dumps([looks, [*figures]])
        connection.execute(update(settings).where(mine).values(value=value))
    return int(looks)
