"""What a comparison counts, counted by the database in one pass over rows.

Only counts leave the database, never a row for each message. Times are whole milliseconds, so that
both databases, and :func:`polysms.report.bucket`, find the same buckets.
"""

# ruff: noqa: S608 - every word is our own; what others wrote is a parameter

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs
from sqlalchemy import BindParameter, Connection, RowMapping, bindparam, text

from polysms.ledger.observing import ARRIVED, FAILED, Scope, source
from polysms.report import BUCKETS

#: What tells messages apart that are counted alike, beside their cell.
_ALIKE = (
    *("ended", "outcome", "reason", "price", "currency", "probability"),
    *("confirmed", "arrived", "polled", "dead"),
)
#: Since when nothing is known of those that were looked for in vain: those that were found by
#: asking, and those that are pending.
_ASKED = (
    "CASE WHEN polled THEN CASE WHEN asked_ms < delivered_ms THEN asked_ms ELSE 0 END "
    "WHEN ended = 'pending' THEN asked_ms END"
)
_KNOWN = (
    "CASE WHEN delivered_ms IS NOT NULL THEN delivered_ms "
    "WHEN assigned_ms < :now THEN :now - assigned_ms ELSE 0 END"
)
#: Rows that a client is given at once.
_PAGE = 10_000
#: What SQLite sorts in memory at once, in KiB, as it has it: a number below nothing.
_SORTED = -2_000
#: In place of no number: of no value at all the databases would have to be told the type.
_NOBODY = "nobody"


@contextmanager
def sorting(connection: Connection) -> Iterator[None]:
    """Let SQLite sort a little at a time: with all in memory it is slower, not only larger."""
    if connection.dialect.name != "sqlite":
        yield
        return
    size = connection.exec_driver_sql("PRAGMA cache_size").scalar_one()
    connection.exec_driver_sql(f"PRAGMA cache_size={_SORTED}")
    yield
    connection.exec_driver_sql(f"PRAGMA cache_size={size}")


def counts(connection: Connection, scope: Scope) -> Iterator[RowMapping]:
    """Yield how many messages are alike, with what can be added up of them.

    ``halves`` is twice the milliseconds until a message was delivered, else its age; ``asked`` the
    milliseconds at which its provider had last been asked in vain.
    """
    given = (*scope.cell, *(name for name in _ALIKE if name != "dead"))
    sample = "min(recipient)" if scope.observational else "NULL"
    rows = (
        f"SELECT {_listed(given)}, recipient, ahead_ms, predicted, billed, "
        "CASE WHEN recipient IN :canaries THEN 1 ELSE 0 END AS dead, "
        f"{_KNOWN} AS known_ms, {_ASKED} AS asked_ms FROM counted"
    )
    # What differs most comes first, so that few columns are compared to sort rows.
    keys = f"{middle('known_ms')}, {_listed(_ALIKE)}, {_listed(scope.cell)}, {lower('asked_ms')}"
    return _run(
        connection,
        scope,
        f"SELECT {_listed((*scope.cell, *_ALIKE))}, {middle('known_ms')} AS halves, "
        f"{lower('asked_ms')} AS asked, count(*) AS messages, {sample} AS sample, "
        f"count(ahead_ms) AS timed, {_sum('ahead_ms > 0', 'ahead')}, max(ahead_ms) AS worst, "
        "count(billed) AS both, sum(CASE WHEN billed IS NULL THEN 0 ELSE predicted END) "
        f"AS predicted, sum(billed) AS billed, {_sum('billed <> predicted', 'differing')} "
        f"FROM ({rows}) AS every_one GROUP BY {keys}",
    )


def rescues(connection: Connection, scope: Scope) -> Iterator[RowMapping]:
    """Yield what accounts were given after another: it is theirs, and never compared."""
    keys = _listed((name for name in scope.cell if name != "account"), "counted.")
    return _run(
        connection,
        scope,
        f"SELECT later.account AS account, {keys}, count(*) AS attempts, "
        f"{_sum(f'later.status IN {ARRIVED}', 'delivered')}, "
        f"{_sum(f'later.status IN {FAILED}', 'undelivered')} "
        "FROM counted JOIN polysms_attempts AS later ON later.message_id = counted.message_id "
        "AND later.account <> counted.account WHERE counted.others > 0 "
        f"GROUP BY later.account, {keys}",
    )


def recipients(connection: Connection, scope: Scope) -> Iterator[RowMapping]:
    """Yield, where recipients were assigned, how the messages of each go together."""
    cell = _listed(scope.group)
    each = (
        f"SELECT {cell}, coalesce(recipient, message_id) AS one, count(*) AS n, "
        f"{_sum('delivered_ms IS NOT NULL', 'x')} FROM counted "
        "WHERE unit = 'recipient' AND (recipient IS NULL OR recipient NOT IN :canaries) "
        f"GROUP BY coalesce(recipient, message_id), {cell}"
    )
    return _run(
        connection,
        scope,
        f"SELECT {cell}, 'recipient' AS unit, count(*) AS number, "
        "sum(n * n) AS messages_squared, sum(x * x) AS delivered_squared, "
        f"sum(n * x) AS product FROM ({each}) AS every_one GROUP BY {cell}",
    )


def middle(ms: str) -> str:
    """Return the SQL of twice the middle of the bucket in which milliseconds fall."""
    return _bucketed(f"({ms} / {{wide}}) * {{wide}} * 2 + {{wide}}", ms)


def lower(ms: str) -> str:
    """Return the SQL of the lower end of the bucket in which milliseconds fall."""
    return _bucketed(f"({ms} / {{wide}}) * {{wide}}", ms)


def _bucketed(value: str, ms: str) -> str:
    steps = " ".join(f"WHEN {ms} < {below} THEN {value.format(wide=w)}" for below, w in BUCKETS)
    return f"CASE {steps} ELSE {value.format(wide=BUCKETS[-1][1])} END"


def _sum(condition: str, name: str) -> str:
    return f"sum(CASE WHEN {condition} THEN 1 ELSE 0 END) AS {name}"


def _listed(names: Iterable[str], prefix: str = "") -> str:
    return ", ".join(f"{prefix}{name}" for name in names)


def _run(connection: Connection, scope: Scope, words: str) -> Iterator[RowMapping]:
    statement = text(f"WITH counted AS ({source(connection.dialect.name, scope)}) {words}")
    facts = attrs.asdict(scope, filter=attrs.filters.exclude("by", "observational"))
    facts["canaries"] = [*scope.canaries] or [_NOBODY]
    used = {name: value for name, value in facts.items() if f":{name}" in statement.text}
    lists: list[BindParameter[Any]] = []
    if "canaries" in used:
        lists.append(bindparam("canaries", expanding=True))
    options = {"yield_per": _PAGE}
    found = connection.execute(statement.bindparams(*lists), used, execution_options=options)
    return iter(found.mappings())
