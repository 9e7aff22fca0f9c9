"""What went wrong with a database, in sentences that show no value, number or password.

No message of a database is ever repeated: PostgreSQL puts the values of a row into them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from polysms.errors import LedgerError

T = TypeVar("T")

UPGRADE = "the ledger's tables are missing or old: run `polysms ledger upgrade`"
_BUSY = "the ledger is busy: others have been writing to it for too long"
_GONE = (
    "the ledger's database cannot be reached, or broke the connection off: "
    "does it run, and are host and port in the ledger's address right?"
)

#: By the primary code of SQLite's answer.
_SQLITE = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_FULL: "the ledger's disk is full",
    sqlite3.SQLITE_IOERR: "the ledger's disk fails to read or write",
    sqlite3.SQLITE_READONLY: "the ledger's file may not be written",
    sqlite3.SQLITE_PERM: "the ledger's file may not be opened",
    sqlite3.SQLITE_CANTOPEN: "the ledger's file cannot be opened: is its folder there, and ours?",
    sqlite3.SQLITE_CORRUPT: "the ledger's file is damaged: restore it from a backup",
    sqlite3.SQLITE_NOTADB: "the ledger's file is no SQLite database",
}
#: By SQLSTATE, or its class (the first two characters).
_POSTGRES = {
    "42P01": UPGRADE,
    "42703": UPGRADE,
    "40001": _BUSY,
    "40P01": _BUSY,
    "55P03": _BUSY,
    "25P03": _GONE,
    "57014": "the ledger took too long to answer",
    "25P02": "the transaction has failed before: roll it back first",
    "53100": "the ledger's disk is full",
    "53300": "the ledger's database takes no more connections",
    "08": _GONE,
    "57": _GONE,
    "53": "the ledger's database has run out of something it needs",
    "28": "the ledger's database does not know this user or password",
    "3D": "the ledger's database does not exist",
    "25": "the ledger's database may only be read",
    "42": "the ledger's database refuses our statement: have we the rights we need?",
}
#: What is worth another try a little later.
_PASSING = frozenset({_BUSY, _GONE, _POSTGRES["57014"], _POSTGRES["53300"]})


def told(action: Callable[[], T]) -> T:
    """Return what an action on the database returns; its trouble becomes a LedgerError."""
    try:
        return action()
    except (SQLAlchemyError, sqlite3.Error, OSError, OverflowError, UnicodeError) as error:
        sentence = sentence_of(error)
    # Here, where no error is being handled: the database's own words hang on no traceback.
    raise LedgerError(sentence, retry_later=sentence in _PASSING)


def sentence_of(error: BaseException) -> str:
    """Return what went wrong, in a sentence."""
    if isinstance(error, PoolTimeout):
        return _BUSY
    origin = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(origin, sqlite3.Error):
        return _of_sqlite(origin)
    state = getattr(origin, "sqlstate", None)
    if isinstance(state, str):
        known = _POSTGRES.get(state) or _POSTGRES.get(state[:2])
        return known or f"the ledger's database failed (SQLSTATE {state})"
    if isinstance(error, DBAPIError) and (error.connection_invalidated or _is_operational(origin)):
        return _GONE
    return f"the ledger failed ({type(origin).__name__})"


def is_busy(error: Exception) -> bool:
    """Whether SQLite only says that somebody else writes."""
    code = getattr(getattr(error, "orig", error), "sqlite_errorcode", None)
    return code is not None and code & 0xFF == sqlite3.SQLITE_BUSY


def _of_sqlite(error: sqlite3.Error) -> str:
    if "no such table" in str(error) or "no such column" in str(error):
        return UPGRADE
    code = getattr(error, "sqlite_errorcode", None)
    known = None if code is None else _SQLITE.get(code & 0xFF)
    return known or f"the ledger failed ({getattr(error, 'sqlite_errorname', 'sqlite3.Error')})"


def _is_operational(origin: BaseException | None) -> bool:
    # psycopg gives no SQLSTATE where there was no answer at all.
    return type(origin).__name__ == "OperationalError"
