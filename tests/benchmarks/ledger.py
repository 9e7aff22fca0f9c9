"""What writing one message down costs: its open attempt before the first byte, then its end.

``n`` messages share each commit, as those of ``send_many`` do. A ledger of a thousand messages and
one of a million take turns in one run, on SQLite (a commit is on the disk when it returns) and on
PostgreSQL. CPU is that of this process: the server of PostgreSQL has its own.
"""

from __future__ import annotations

import itertools
import json
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import attrs

from polysms import Message
from polysms.client.core import config_of, utc_now, uuid7
from polysms.delivery import Attempt, Considered, Delivery
from polysms.ledger import End, Ledger, Line
from polysms.ledger.tables import attempts, messages
from polysms.providers.base import Response
from polysms.routing.results import delivery_after
from polysms.routing.run import facts_of
from polysms.routing.verdict import judge
from polysms.values import changed
from tests import postgres
from tests.benchmarks.server import ANSWER

FEW, MANY = 1_000, 1_000_000
BATCHES = (1, 10, 50)
ROUNDS = 15
PER_ROUND = 100

_ACCOUNT = config_of(
    {"accounts": {"wavix": {"api_key": "benchmark-key", "sender": "+13137890021"}}}
).accounts["wavix"]
#: As many numbers as fiction has, in an order that no index likes.
_RECIPIENTS = (
    f"+1{200 + number * 7919 % 800}55501{number % 100:02}" for number in itertools.count()
)


@attrs.frozen
class Send:
    """One send, as the ledger is told of it."""

    message: Message
    attempt: Attempt
    delivery: Delivery


@attrs.frozen
class Cost:
    """Microseconds for one message: by the clock, and of this process's CPU."""

    wall: float
    cpu: float


def main() -> None:
    """Measure and print."""
    for name, opened in (("SQLite", _sqlite), ("PostgreSQL", _postgresql)):
        with opened(FEW) as few, opened(MANY) as many:
            for batch in BATCHES:
                _print(name, batch, *_compared(few, many, batch))


def _print(name: str, batch: int, few: Cost, many: Cost) -> None:
    print(
        f"{name:10} {batch:3} a commit, at {FEW:,} messages: {few.wall:5.0f} us, CPU "
        f"{few.cpu:5.0f} us; at {MANY:,}: {many.wall:5.0f} us, CPU {many.cpu:5.0f} us; "
        f"{many.wall / few.wall:4.2f} x (at most 1.20 is wanted)"
    )


def _compared(few: Ledger, many: Ledger, batch: int) -> tuple[Cost, Cost]:
    _cost(few, batch), _cost(many, batch)
    rounds = [(_cost(few, batch), _cost(many, batch)) for _ in range(ROUNDS)]
    small, large = (_median(costs) for costs in zip(*rounds, strict=True))
    return small, large


def _median(costs: tuple[Cost, ...]) -> Cost:
    return Cost(
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.cpu for cost in costs),
    )


def _cost(ledger: Ledger, batch: int) -> Cost:
    sends = [_sent() for _ in range(PER_ROUND)]
    batches = [sends[first : first + batch] for first in range(0, PER_ROUND, batch)]
    wall, cpu = time.perf_counter(), time.process_time()
    for some in batches:
        write(ledger, some)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Cost(wall / PER_ROUND * 1e6, cpu / PER_ROUND * 1e6)


def write(ledger: Ledger, sends: list[Send]) -> None:
    """Write some sends down, as ``send_many`` does: their attempts, and how they ended."""
    ledger.write_many([Line(one.delivery.id or "", one.message, one.attempt) for one in sends])
    ledger.write_many([], [End(one.delivery, one.message) for one in sends])


def _sent() -> Send:
    """Return a send that Wavix took."""
    message = Message(next(_RECIPIENTS), "Your table is ready")
    now = utc_now()
    attempt = Attempt(
        account="wavix",
        provider="wavix",
        reference=uuid7(),
        started_at=now,
        expires_at=now + timedelta(seconds=45),
        from_="+13137890021",
        lookup="exact",
    )
    answer = ANSWER | {"message_id": str(uuid4()), "to": message.to, "tag": attempt.reference}
    verdict = judge(_ACCOUNT.adapter, Response(201, {}, json.dumps(answer).encode()))
    ended = changed(attempt, ended_at=utc_now(), **facts_of(verdict, _ACCOUNT))
    delivery = delivery_after(
        message,
        id_=uuid7(),
        started_at=now,
        attempts=(ended,),
        considered=(Considered(account="wavix", chosen=True, why="the only account"),),
        record=verdict.record,
    )
    return Send(message, attempt, delivery)


@contextmanager
def _sqlite(rows: int) -> Iterator[Ledger]:
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "ledger.db"
        with Ledger(f"sqlite:///{file}") as ledger:
            write(ledger, [_sent()])
            ledger.close()
            with closing(sqlite3.connect(file, isolation_level=None)) as connection:
                for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1000000"):
                    connection.execute(f"PRAGMA {pragma}")
                _fill(connection.execute, rows)
            # What was filled in is not to reach the disk while others are measured.
            with file.open("rb") as filled:
                os.fsync(filled.fileno())
            yield ledger


@contextmanager
def _postgresql(rows: int) -> Iterator[Ledger]:
    with ExitStack() as stack:
        server = stack.enter_context(postgres.running())
        name = server.database()
        ledger = stack.enter_context(Ledger(server.url(name)))
        ledger.upgrade()
        write(ledger, [_sent()])
        _fill(lambda statement: server.run(statement, name), rows)
        server.run("VACUUM ANALYZE", name)
        yield ledger


def _fill(run: Callable[[str], object], rows: int) -> None:
    """Copy the one message that is there, with its attempt, until there are so many."""
    id_ = "'00000000-0000-7000-8000-' || substr(CAST(1000000000000 + i AS TEXT), 2)"
    provider_id = "(i % 1000 * 1000 + i / 1000) || '-f798-4105-be23-32df9e991456'"
    recipient = "'+1' || (200 + i % 800) || '55501' || substr(CAST(100 + i / 800 % 100 AS TEXT), 2)"
    for table, own in (
        (messages, {"id": id_, "recipient": recipient, "provider_id": provider_id}),
        (attempts, {"reference": id_, "message_id": id_, "provider_id": provider_id}),
    ):
        columns = [column.name for column in table.columns]
        values = ", ".join(own.get(name, name) for name in columns)
        run(
            f"INSERT INTO {table.name} ({', '.join(columns)}) "  # noqa: S608 - our own words
            f"WITH RECURSIVE numbers(i) AS "
            f"(SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {rows - 1}) "
            f"SELECT {values} FROM {table.name}, numbers"
        )
