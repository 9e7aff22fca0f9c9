"""What a comparison costs: messages that an experiment assigned are counted, and judged.

Ledgers of 10,000, 100,000 and 1,000,000 messages, each in a process of its own, whose memory is
what it took at most. Two accounts, five countries, one to three segments, a failover in twenty, a
price for each kind, and reports that mostly come within a minute. ``matured`` is what the ``best``
strategy asks for, ``observational`` the same count of messages that nothing was left to chance of.
"""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from polysms.ledger import Ledger
from polysms.report import compare

SIZES = (10_000, 100_000, 1_000_000)
_ROUTE = "main"
_DAY_MS = 86_400_000
_BEGAN = 1_700_000_000_000

#: A number of our own between 0 and 99, 999 or so, drawn anew for each row.
_CHANCE = "abs(random() % 1000)"
# ruff: noqa: S608 - our own words
_FILL = f"""
INSERT INTO polysms_assignments
WITH RECURSIVE numbers(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i < :rows - 1),
drawn AS MATERIALIZED (
    SELECT i, {_CHANCE} AS fate, {_CHANCE} AS spread, abs(random() % 5) AS place,
        abs(random() % 3) AS size, abs(random() % 2) AS side
    FROM numbers
)
SELECT printf('00000000-0000-7000-8000-%012d', i), 'e1', '{_ROUTE}',
    CASE side WHEN 0 THEN 'wavix' ELSE 'signalwire' END, 0.5, 'message', 1,
    {_BEGAN} + i * (30 * {_DAY_MS} / :rows),
    substr('USCAGBDEFR', 1 + 2 * place, 2), 'sms', 1 + size, 'number', NULL, 1 + size,
    printf('%032x', i),
    CASE WHEN fate < 20 THEN 'not_sent' ELSE 'accepted' END,
    CASE WHEN fate < 20 THEN 'refused' WHEN fate < 60 THEN 'undelivered'
        WHEN fate < 90 THEN 'pending' ELSE 'delivered' END,
    CASE WHEN fate < 20 THEN 'invalid_number' END,
    CASE WHEN fate >= 90 THEN 900 + spread * spread / 20 + side * 400 END,
    side = 0 AND spread < 100, CASE WHEN spread < 100 THEN 400 END, -200 - spread,
    CASE WHEN fate >= 20 THEN CASE size WHEN 0 THEN '0.0079' WHEN 1 THEN '0.0158' ELSE '0.0237' END
    END, CASE WHEN fate >= 20 THEN 'USD' END, 1 + size, '310', CAST(200 + place AS TEXT),
    spread % 3 = 0, fate >= 30, CASE WHEN fate < 50 THEN 1 ELSE 0 END
FROM drawn
"""


def main() -> None:
    """Measure and print."""
    for rows in SIZES:
        subprocess.run([sys.executable, "-c", _PROGRAM, str(rows)], check=True, env=_environment())


_PROGRAM = "import sys; from tests.benchmarks.comparing import measure; measure(int(sys.argv[1]))"


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}


def measure(rows: int) -> None:
    """Fill a ledger with so many messages, count them, and print what that took."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "ledger.db"
        with Ledger(f"sqlite:///{file}", clock=_clock) as ledger:
            ledger.upgrade()
            with closing(sqlite3.connect(file)) as connection:
                connection.execute(_FILL, {"rows": rows})
                connection.commit()
            before = _memory()
            begun = time.perf_counter()
            cells = ledger.cells(_ROUTE)
            counted = time.perf_counter()
            report = compare(cells)
            judged = time.perf_counter()
            matured = _matured(ledger)
        assigned = sum(arm.counts.assigned for arm in report.arms)
        print(
            f"{assigned:9,} messages, {len(cells)} cells: counted in {counted - begun:6.3f} s "
            f"({(counted - begun) / rows * 1e6:4.2f} us each), judged {judged - counted:5.3f} s, "
            f"{_memory():4.0f} MB in all, {_memory() - before:3.0f} MB of it since; "
            f"matured in {matured * 1000:4.0f} ms"
        )


def _matured(ledger: Ledger) -> float:
    since = datetime.fromtimestamp(_BEGAN / 1000, UTC)
    ledger.matured(("wavix", "signalwire"), since)
    begun = time.perf_counter()
    ledger.matured(("wavix", "signalwire"), since)
    return time.perf_counter() - begun


def _clock() -> datetime:
    return datetime.fromtimestamp((_BEGAN + 31 * _DAY_MS) / 1000, UTC)


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
