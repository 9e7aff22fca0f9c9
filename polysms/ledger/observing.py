"""Which messages a comparison counts, as rows of one shape: one for each, with its first account.

Those that an experiment gave to an account have a line of their own. Of all others it is read what
the account that was tried first made of them, which takes longer and knows less.
"""

# ruff: noqa: S608 - every word is our own; what others wrote is a parameter

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

#: What messages may be told apart by, and the columns that tell it.
BY: Mapping[str, tuple[str, ...]] = {
    "country": ("country",),
    "kind": ("kind",),
    "carrier": ("mcc", "mnc"),
    "sender": ("sender_kind",),
    "tag": ("tag",),
}
#: What tells the cells of a comparison apart, in every statement.
_CELL = ("account", "experiment", "unit", "prefix", "country", "kind", "segments")
#: Statuses of a copy that has arrived, and of one that never will.
ARRIVED = "('DELIVERED', 'READ', 'RECEIVED')"
FAILED = "('UNDELIVERED', 'FAILED', 'REJECTED', 'EXPIRED')"
COLUMNS = (
    *("message_id", "account", "experiment", "unit", "country", "kind", "segments", "sender_kind"),
    *("tag", "mcc", "mnc", "recipient", "probability", "outcome", "ended", "reason", "currency"),
    *("price", "delivered_ms", "polled", "asked_ms", "assigned_ms", "ahead_ms", "predicted"),
    *("billed", "confirmed", "arrived", "others"),
)


@attrs.frozen(kw_only=True)
class Scope:
    """Which messages are counted.

    ``since`` and ``until`` are in milliseconds of the epoch, ``now`` too. ``observational`` counts
    those that nothing was left to chance of, and no others. ``canaries`` are dead numbers, as they
    are and hashed. ``by`` are columns that tell cells apart beside the usual ones.
    """

    route: str | None
    since: int
    until: int
    now: int
    experiment: str | None = None
    observational: bool = False
    canaries: Sequence[str] = ()
    by: tuple[str, ...] = ()

    @property
    def cell(self) -> tuple[str, ...]:
        """The columns that tell cells apart."""
        return (*_CELL, *(name for name in self.by if name not in _CELL))

    @property
    def group(self) -> tuple[str, ...]:
        """The columns that tell cells apart where recipients were assigned: one cell has each."""
        return ("account", *(self.by or ("experiment", "prefix", "country")))


def source(database: str, scope: Scope) -> str:
    """Return the SQL of the rows that are counted: one for each message, with its first account."""
    randomised = "NOT randomised" if scope.observational else "randomised"
    fits = ["assigned_ms >= :since", "assigned_ms < :until", randomised]
    fits += ["route = :route"] if scope.route is not None else []
    fits += ["experiment = :experiment"] if scope.experiment is not None else []
    assigned = (
        f"SELECT {', '.join(COLUMNS)}, '' AS prefix FROM polysms_assignments "
        f"WHERE {' AND '.join(fits)}"
    )
    if not scope.observational:
        return assigned
    return f"{assigned} UNION ALL {_unassigned(database, scope)}"


def _unassigned(database: str, scope: Scope) -> str:
    """Return the SQL of the same rows for messages that nothing was assigned for.

    What the account that was tried first made of them: of several attempts there, the best known.
    """
    route = "AND m.via = :route" if scope.route is not None else ""
    since, until = (_moment(database, f":{name}") for name in ("since", "until"))
    values = {**_OBSERVED, **_dated(database)}
    columns = ", ".join(f"{values[name]} AS {name}" for name in (*COLUMNS, "prefix"))
    return (
        f"SELECT {columns} FROM polysms_messages AS m "
        "JOIN polysms_attempts AS f ON f.message_id = m.id AND f.number = 1 "
        f"JOIN polysms_attempts AS a ON a.reference = ({_BEST}) "
        f"WHERE m.experiment IS NULL AND m.created_at >= {since} AND m.created_at < {until} {route}"
    )


_BEST = (
    "SELECT b.reference FROM polysms_attempts AS b "
    "WHERE b.message_id = m.id AND b.account = f.account "
    f"ORDER BY CASE WHEN b.status IN {ARRIVED} THEN 4 "
    f"WHEN b.status IN {FAILED} OR b.status = 'UNREPORTED' THEN 2 "
    "WHEN b.outcome = 'not_sent' AND b.status IS NULL THEN 1 ELSE 3 END DESC, "
    "b.number DESC LIMIT 1"
)
_SAME = "CASE WHEN m.account = f.account THEN {} END"
_OBSERVED = {
    "message_id": "m.id",
    "account": "f.account",
    "experiment": "''",
    "unit": "'message'",
    "country": "''",
    "prefix": "substr(m.recipient, 1, 5)",
    "kind": "m.kind",
    "segments": "coalesce(m.segments, 0)",
    "sender_kind": "''",
    "tag": "m.tag",
    "recipient": "m.recipient",
    "probability": "1.0",
    "outcome": "CASE WHEN a.status IS NOT NULL THEN 'accepted' ELSE a.outcome END",
    "ended": (
        f"CASE WHEN a.status IN {ARRIVED} THEN 'delivered' "
        f"WHEN a.status IN {FAILED} THEN 'undelivered' "
        "WHEN a.status = 'UNREPORTED' THEN 'unreported' "
        "WHEN a.status IS NOT NULL OR a.outcome IS NULL OR a.outcome <> 'not_sent' THEN 'pending' "
        "WHEN a.reason IS NOT NULL THEN 'refused' ELSE 'not_sent' END"
    ),
    "reason": "CASE WHEN a.outcome = 'not_sent' AND a.status IS NULL THEN a.reason END",
    "currency": "a.currency",
    "price": "a.price",
    "ahead_ms": "CAST(NULL AS BIGINT)",
    "predicted": "m.segments",
    "confirmed": "m.confirmed_at IS NOT NULL",
    "arrived": f"m.status IN {ARRIVED}",
    "others": (
        "(SELECT count(*) FROM polysms_attempts AS o "
        "WHERE o.message_id = m.id AND o.account <> f.account)"
    ),
}
_HEARD = (
    "(SELECT min(e.received_at) FROM polysms_events AS e WHERE e.message_id = m.id "
    f"AND e.kind = 'report' AND e.reference = a.reference AND NOT e.hint "
    f"AND e.status IN {ARRIVED})"
)


def _dated(database: str) -> dict[str, str]:
    """Return what the databases say in words of their own: times, and what is in JSON."""
    began = _milliseconds(database, "f.started_at")
    said = _milliseconds(database, f"coalesce({_HEARD}, m.ended_at)")
    fact = "json_extract(m.facts, '$.{}')" if database == "sqlite" else "(m.facts::json ->> '{}')"
    billed = f"CAST({fact.format('segments_billed')} AS TEXT)"
    few = f"CASE WHEN m.account = f.account AND length({billed}) < 6 THEN {billed} END"
    least = "max" if database == "sqlite" else "greatest"
    delivered = f"CASE WHEN a.status IN {ARRIVED} THEN {least}({said} - {began}, 0) END"
    return {
        "assigned_ms": began,
        "delivered_ms": delivered,
        "polled": f"a.status IN {ARRIVED} AND {_HEARD} IS NULL",
        "asked_ms": "CAST(NULL AS BIGINT)",
        "billed": f"CAST({few} AS INTEGER)",
        "mcc": _SAME.format(fact.format("mcc")),
        "mnc": _SAME.format(fact.format("mnc")),
    }


def _milliseconds(database: str, time: str) -> str:
    if database == "sqlite":
        seconds = f"CAST(strftime('%s', {time}) AS INTEGER)"
        return f"({seconds} * 1000 + CAST(substr({time}, 21, 3) AS INTEGER))"
    return f"CAST(floor(extract(epoch FROM {time}) * 1000) AS BIGINT)"


def _moment(database: str, ms: str) -> str:
    """Return the SQL of a time as it stands in a column, from milliseconds of the epoch."""
    if database == "sqlite":
        return f"strftime('%Y-%m-%d %H:%M:%f', {ms} / 1000.0, 'unixepoch')"
    return f"to_timestamp({ms} / 1000.0)"
