"""One file for each revision of the ledger's tables, the oldest first."""

from __future__ import annotations
