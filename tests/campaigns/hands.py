"""What the processes do that the campaigns kill: they enqueue, and they send.

Workers and producers of polysms go by a clock that is faster than the real one (``World.now``, as
any program may hand one in), so that leases and look-ups that take minutes take seconds. Requests
still take their real time: a route's deadline is so short that it ends before an attempt expires.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import signal
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from polysms import AsyncClient, Client, Message, NotSent
from polysms.client.core import uuid7
from polysms.routing.steps import World
from polysms.worker import Worker
from tests.campaigns import habits, mortal, phone
from tests.campaigns.town import Clock

_AREAS = (202, 212, 305, 312, 313, 404, 415, 503, 602, 617, 702, 713)
#: Says that a process has begun with what it is there to do.
Ready = Callable[[], None]

#: How much faster the clock goes.
PACE = 15.0
#: Real seconds. An attempt expires after the deadline and 30 s of the fast clock, 2 s in all.
TIMEOUTS: Mapping[str, float] = {"connect": 0.3, "write": 0.5, "read": 0.6, "pool": 0.5}
DEADLINE = 1.2
#: Seconds of the fast clock before, and between, looks for what became of a message.
LOOKS = 30.0
#: Messages that one worker sends at once.
CONCURRENCY = 10
#: One message of three is enqueued in a transaction of the producer's own, and of those one of five
#: is rolled back.
OWN = 3
ROLLED_BACK = 15
#: One message of ten goes to a provider that cannot be asked exactly.
RARE = 10


def tables(ledger: str, urls: Mapping[str, str]) -> dict[str, Any]:
    """Return the configuration: an account and a route of its own for each provider."""
    own: dict[str, dict[str, Any]] = {
        "wavix": {"api_key": "any"},
        "carrierx": {"token": "any"},
        "signalwire": {"space": "example", "project_id": "any", "api_token": "any"},
    }
    usual = {"sender": "+13135550100", "timeouts": TIMEOUTS}
    return {
        "ledger": ledger,
        "sweep": {"first": LOOKS, "most": LOOKS},
        "accounts": {name: {**own[name], **usual, "base_url": url} for name, url in urls.items()},
        "routes": {f"by {name}": {"accounts": [name], "deadline": DEADLINE} for name in urls},
    }


def provider(number: int) -> str:
    """Return the provider by which a message is to go."""
    if number % RARE == RARE - 1:
        return "signalwire"
    return "wavix" if number % 2 else "carrierx"


def recipient(number: int) -> str:
    """Return the phone that a message goes to: none gets two within a minute of the fast clock.

    Where a provider can only be searched by likeness, a message is told from the next to the same
    phone by the seconds between them, of which the fast clock leaves too little.
    """
    return f"+1{_AREAS[number // 60 % len(_AREAS)]}5550{120 + number % 60}"


def world(clock: Callable[[], float]) -> World:
    """Return a world whose time is this clock's."""
    return World(
        now=lambda: datetime.fromtimestamp(clock(), UTC),
        clock=time.monotonic,
        new_id=uuid7,
        random=random.random,
    )


def warm() -> None:
    """Do everything once here, so that no child does it for the first time."""
    nobody = dict.fromkeys(("wavix", "carrierx", "signalwire"), "http://127.0.0.1:1")
    with (
        tempfile.TemporaryDirectory() as folder,
        Client(tables(f"sqlite:///{folder}/ledger.db", nobody)) as client,
    ):
        message = Message(phone.recipient(0), phone.text(0))
        client.enqueue(message, via="by wavix")
        for name in nobody:
            with contextlib.suppress(NotSent):
                client.send(message, via=f"by {name}")


def work(ready: Ready, ledger: str, urls: dict[str, str], began: float, pace: float) -> None:
    """Be a worker until SIGTERM."""
    asyncio.run(_work(ready, tables(ledger, urls), world(Clock(began, pace))))


async def _work(ready: Ready, config: dict[str, Any], here: World) -> None:
    async with AsyncClient(config, world=here) as client:
        worker = Worker(client, concurrency=CONCURRENCY)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
        ready()
        await worker.run()


class Journal:
    """What a producer has begun and ended to enqueue; each line is written at once."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_APPEND | os.O_CREAT | os.O_RDWR, 0o644)
        self._path = Path(path)

    def note(self, word: str, number: int) -> None:
        """Note a word about a number."""
        os.write(self._file, f"{word} {number}\n".encode())

    def numbers(self, word: str) -> set[int]:
        """Return the numbers that this was noted of."""
        lines = (line.split() for line in self._path.read_text().splitlines())
        return {int(number) for said, number in lines if said == word}


BEGUN, DONE = "begun", "done"


def produce(  # noqa: PLR0913, PLR0917 - each fact of the campaign
    ready: Ready,
    ledger: str,
    urls: dict[str, str],
    began: float,
    pace: float,
    journal: str,
    rate: float,
) -> None:
    """Enqueue for ever, so many messages a second."""
    ready()
    noted = Journal(journal)
    engine = create_engine(ledger, poolclass=NullPool)
    with Client(tables(ledger, urls), world=world(Clock(began, pace))) as client:
        for number in itertools.count(max(noted.numbers(BEGUN), default=0) + 1):
            message = Message(recipient(number), phone.text(number))
            noted.note(BEGUN, number)
            if number % OWN:
                client.enqueue(message, via=f"by {provider(number)}")
                noted.note(DONE, number)
            else:
                with engine.connect() as connection:
                    connection.execute(text("INSERT INTO orders VALUES (:n)"), {"n": number})
                    client.enqueue(message, via=f"by {provider(number)}", connection=connection)
                    if number % ROLLED_BACK:
                        connection.commit()
            time.sleep(1 / rate)


def order(ready: Ready, ledger: str, journal: str, rate: float) -> None:
    """Queue for the other habits of working, so many messages a second."""
    ready()
    noted = Journal(journal)
    engine = create_engine(ledger, poolclass=NullPool)
    for number in itertools.count(max(noted.numbers(BEGUN), default=0) + 1):
        noted.note(BEGUN, number)
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO jobs VALUES (:n, 'queued', 0)"), {"n": number})
        noted.note(DONE, number)
        time.sleep(1 / rate)


def requeue(ready: Ready, ledger: str, urls: dict[str, str]) -> None:
    """Be a worker that takes a lease, and puts back what has no good answer."""
    ready()
    habits.work(ledger, urls, habits.requeued)


def write_after(ready: Ready, ledger: str, urls: dict[str, str], slot: int, slots: int) -> None:
    """Be a worker that writes down nothing before a message is sent."""
    ready()
    habits.work(ledger, urls, habits.written_after, slot, slots)


JOBS: Mapping[str, Callable[..., None]] = {
    "work": work,
    "produce": produce,
    "order": order,
    "requeue": requeue,
    "write_after": write_after,
    "mortal": mortal.play,
}
