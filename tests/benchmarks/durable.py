"""What being durable costs: the same messages without a ledger, with SQLite, with PostgreSQL.

One run, one loopback server in a process of its own, blocks in turn: ``AsyncClient.send_many`` with
100 in flight, without and with a ledger; and the worker, which drains messages enqueued before.
"""

from __future__ import annotations

import asyncio
import logging
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from polysms import AsyncClient, Client, Message
from polysms.worker import Worker
from tests import postgres
from tests.benchmarks.server import running

IN_FLIGHT = 100
BLOCK = 2_000
ROUNDS = 7


def messages(count: int = BLOCK) -> list[Message]:
    """Return messages to fictional numbers."""
    return [
        Message(f"+1313555{number % 10_000:04}", "Your table is ready") for number in range(count)
    ]


async def _sent(config: dict[str, Any]) -> float:
    async with AsyncClient(config) as client:
        await client.send(messages(1)[0])  # whatever is made once is made now
        began = time.perf_counter()
        async for result in client.send_many(messages(), concurrency=IN_FLIGHT):
            assert result.error is None, result.error
        return BLOCK / (time.perf_counter() - began)


def sent(config: dict[str, Any]) -> float:
    """Return messages per second of one block."""
    return asyncio.run(_sent(config))


async def _drained(config: dict[str, Any]) -> float:
    async with AsyncClient(config) as client:
        await client.enqueue(messages(1)[0])
        await Worker(client).run(drain=True)  # as above
        await asyncio.to_thread(_enqueue, config)
        worker = Worker(client, concurrency=IN_FLIGHT)
        began = time.perf_counter()
        await worker.run(drain=True)
        assert worker.sent == BLOCK, worker.sent
        return BLOCK / (time.perf_counter() - began)


def _enqueue(config: dict[str, Any]) -> None:
    engine = create_engine(config["ledger"])
    with Client(config) as client, engine.begin() as connection:
        for message in messages():
            client.enqueue(message, connection=connection)
    engine.dispose()


def drained(config: dict[str, Any]) -> float:
    """Return messages per second that a worker drains."""
    return asyncio.run(_drained(config))


def main() -> None:
    """Run the blocks in turn and print the medians."""
    logging.getLogger("polysms").setLevel(logging.ERROR)  # that no worker runs yet is known
    # The database first: what is started later is held to the core of who measures.
    with postgres.running() as server, running() as url, tempfile.TemporaryDirectory() as folder:
        account = {"wavix": {"api_key": "key", "sender": "+13135550100", "base_url": url}}
        bare: dict[str, Any] = {"accounts": account}
        lite = {**bare, "ledger": f"sqlite:///{Path(folder) / 'polysms.db'}"}
        large = {**bare, "ledger": server.url(server.database())}
        with Client(large) as client:
            client.ledger.upgrade()
        kinds: dict[str, Callable[[], float]] = {
            "send_many, no ledger": lambda: sent(bare),
            "send_many, SQLite": lambda: sent(lite),
            "send_many, PostgreSQL": lambda: sent(large),
            "worker, SQLite": lambda: drained(lite),
            "worker, PostgreSQL": lambda: drained(large),
        }
        figures: dict[str, list[float]] = {name: [] for name in kinds}
        for _ in range(ROUNDS):
            for name, measure in kinds.items():
                figures[name].append(measure())
    whole = statistics.median(figures["send_many, no ledger"])
    for name, rates in figures.items():
        rate = statistics.median(rates)
        print(f"{name:24} {rate:8,.0f} messages/s {rate / whole:6.2f} x")


if __name__ == "__main__":
    main()
