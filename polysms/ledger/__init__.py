"""The ledger: every message, attempt and report, kept in SQLite or PostgreSQL."""

from __future__ import annotations

from polysms.ledger.batches import Job
from polysms.ledger.entries import Entry
from polysms.ledger.handling import Due, Handled
from polysms.ledger.keys import KeyState
from polysms.ledger.ledger import Ledger
from polysms.ledger.observing import BY
from polysms.ledger.optouts import OptOut, OptOuts
from polysms.ledger.outbox import Claim, Order
from polysms.ledger.reading import OpenAttempt
from polysms.ledger.reports import Note, Recorded
from polysms.ledger.tidying import Purged, Stats
from polysms.ledger.writing import After, End, Line

__all__ = [
    "BY",
    "After",
    "Claim",
    "Due",
    "End",
    "Entry",
    "Handled",
    "Job",
    "KeyState",
    "Ledger",
    "Line",
    "Note",
    "OpenAttempt",
    "OptOut",
    "OptOuts",
    "Order",
    "Purged",
    "Recorded",
    "Stats",
]
