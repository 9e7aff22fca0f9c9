"""The migrations of the ledger's tables, run by :mod:`polysms.ledger.schema`."""

from __future__ import annotations
