"""The ledger: every message, attempt and report, kept in SQLite or PostgreSQL."""

from __future__ import annotations

from polysms.ledger.keys import KeyState
from polysms.ledger.ledger import Ledger
from polysms.ledger.reading import OpenAttempt
from polysms.ledger.reports import Recorded
from polysms.ledger.tidying import Purged, Stats
from polysms.ledger.writing import End, Line

__all__ = ["End", "KeyState", "Ledger", "Line", "OpenAttempt", "Purged", "Recorded", "Stats"]
