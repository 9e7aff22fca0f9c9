"""A program that may die at any moment that matters: between any two commits or requests.

It enqueues the same few messages whenever it is started, by their keys, and sends what waits. Its
time is virtual and goes on from where the one before died; the phones are a file, so that they
outlive it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import httpx
from sqlalchemy import create_engine, func, or_, select, text
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.pool import NullPool

from polysms import AsyncClient, Client, Message
from polysms.client.core import uuid7
from polysms.delivery import Status
from polysms.ledger.tables import messages
from polysms.routing.steps import World
from polysms.worker.sweep import Sweeper
from polysms.worker.worker import STATES
from tests.campaigns import phone
from tests.campaigns.phone import Copy

if TYPE_CHECKING:
    from polysms.ledger import Claim, Ledger

#: The exit code of a process that has died.
DEAD = 9
START = datetime(2026, 4, 14, 12, tzinfo=UTC)
#: What becomes of each message: it is accepted; refused for a minute and then accepted; accepted,
#: and its answer lost; lost, and accepted when it is sent anew.
ACCEPTED, REFUSED, UNHEARD, LOST = 1, 2, 3, 4
NUMBERS = (ACCEPTED, REFUSED, UNHEARD, LOST)
#: The one that is enqueued in a transaction of the program's own.
OWN = REFUSED
#: Each run enqueues some more, from this number on, to be sent after so many seconds: what a list
#: shows of them tells how far the list has come.
FURTHER, AFTER = 100, (200.0, 600.0)
ROUTE = "by wavix"
#: Turns that a run takes at most.
TURNS = 60


class Points:
    """Counts the moments that matter, and dies at one of them."""

    def __init__(self, last: int | None) -> None:
        self.count = 0
        self._last = last

    def __call__(self) -> None:
        """Note that one more has come."""
        self.count += 1
        if self.count == self._last:
            os._exit(DEAD)

    def watch_commits(self) -> None:
        """Let there be a point before each commit of this process that writes.

        After one is before the next, or before a request: nothing that lasts lies between.
        """
        commit: Callable[..., None] = DefaultDialect.do_commit
        written: dict[int, int] = {}

        def watched(dialect: Any, connection: Any) -> None:
            changes = connection.total_changes
            if written.get(id(connection.dbapi_connection), 0) == changes:
                commit(dialect, connection)
                return
            written[id(connection.dbapi_connection)] = changes
            self()
            commit(dialect, connection)

        DefaultDialect.do_commit = watched  # type: ignore[method-assign]


class Time:
    """A clock that stands still until it is moved on, and is kept in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.seconds = float(path.read_text()) if path.exists() else 0.0

    def now(self) -> datetime:
        """Return the time."""
        return START + timedelta(seconds=self.seconds)

    def move(self, moment: datetime) -> None:
        """Let it be a moment, if that is not past."""
        self.seconds = max(self.seconds, (moment - START).total_seconds())
        self._path.write_text(str(self.seconds))

    def world(self) -> World:
        """Return the world of this time."""
        return World(now=self.now, clock=lambda: self.seconds, new_id=uuid7)


class Phones(httpx.AsyncBaseTransport):
    """Wavix, as far as is needed, in a file."""

    def __init__(self, path: Path, time: Time, points: Points) -> None:
        self._path = path
        self._time = time
        self._points = points

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request; the moment before is a point."""
        self._points()
        content = await request.aread()
        if request.method == "POST":
            return self._sent(json.loads(content))
        return self._shown(request.url)

    def _sent(self, said: dict[str, Any]) -> httpx.Response:
        number = phone.number_in(said["message_body"]["text"].encode())
        is_first = all(one["number"] != number for one in heard(self._path))
        taken = not (is_first and number in {REFUSED, LOST})
        item = {
            **{name: said[name] for name in ("from", "to", "message_body", "tag")},
            "message_id": uuid7(),
            "message_type": "sms",
            "status": "accepted",
            "submitted_at": f"{self._time.now():%Y-%m-%dT%H:%M:%S.000Z}",
        }
        line = json.dumps({"number": number, "taken": taken, "item": item})
        with self._path.open("ab", buffering=0) as file:
            file.write(f"{line}\n".encode())
        if is_first and number == REFUSED:
            return httpx.Response(503, headers={"Retry-After": "60"}, json={"success": False})
        if is_first and number in {UNHEARD, LOST}:
            return httpx.Response(500, text="oops")
        return httpx.Response(201, json=item)

    def _shown(self, url: httpx.URL) -> httpx.Response:
        items = [one["item"] for one in heard(self._path) if one["taken"]]
        if url.path.endswith("/messages"):
            found = [item for item in items if item["tag"] == url.params.get("tag")]
            return httpx.Response(200, json={"items": found, "pagination": {"total_pages": 1}})
        found = [item for item in items if url.path.endswith(item["message_id"])]
        if not found:
            return httpx.Response(404, json={"success": False})
        return httpx.Response(200, json={**found[0], "status": "delivered"})


def heard(path: Path) -> list[dict[str, Any]]:
    """Return every send that came, in order."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def copies(path: Path) -> tuple[Copy, ...]:
    """Return what the phones got."""
    return tuple(
        Copy(
            number=one["number"],
            provider="wavix",
            provider_id=one["item"]["message_id"],
            reference=one["item"]["tag"],
        )
        for one in heard(path)
        if one["taken"]
    )


@attrs.frozen
class Home:
    """Where the files of one run are."""

    folder: Path

    @property
    def ledger(self) -> str:
        """Return the address of the ledger."""
        return f"sqlite:///{self.folder}/ledger.db"

    @property
    def phones(self) -> Path:
        """Return the file of what the phones got."""
        return self.folder / "phones.jsonl"

    @property
    def clock(self) -> Path:
        """Return the file of the clock."""
        return self.folder / "clock.txt"

    @property
    def tables(self) -> dict[str, Any]:
        """Return the configuration."""
        return {
            "ledger": self.ledger,
            "accounts": {"wavix": {"api_key": "any", "sender": "+13135550100"}},
            # An attempt expires before its lease does, and both before the further message is sent.
            "routes": {ROUTE: {"accounts": ["wavix"], "deadline": 5.0}},
            # What was accepted is not asked for again meanwhile.
            "sweep": {"first": 3600.0},
        }


def play(ready: Callable[[], None], folder: str, last: int | None, run: int) -> None:
    """Enqueue and send everything; die at the point of this number, if there is one."""
    ready()
    logging.disable(logging.WARNING)  # that nobody drains the outbox is known
    home, points = Home(Path(folder)), Points(last)
    time = Time(home.clock)
    points.watch_commits()
    _enqueue(home, time, run)
    asyncio.run(_work(home, time, points, f"worker-{run}"))


def _enqueue(home: Home, time: Time, run: int) -> None:
    engine = create_engine(home.ledger, poolclass=NullPool)
    with Client(home.tables, world=time.world()) as client:
        for number in NUMBERS:
            if number != OWN:
                client.enqueue(_message(number), via=ROUTE)
                continue
            with engine.begin() as connection:
                connection.execute(text("INSERT OR IGNORE INTO orders VALUES (:n)"), {"n": number})
                client.enqueue(_message(number), via=ROUTE, connection=connection)
        for number, seconds in zip(further(run), AFTER, strict=True):
            at = time.now() + timedelta(seconds=seconds)
            client.enqueue(_message(number), at=at, via=ROUTE)


def further(run: int) -> tuple[int, ...]:
    """Return the numbers of the further messages of a run."""
    return tuple(FURTHER + len(AFTER) * run + turn for turn in range(len(AFTER)))


def _message(number: int) -> Message:
    return Message(phone.recipient(number), phone.text(number), key=f"key-{number}")


async def _work(home: Home, time: Time, points: Points, name: str) -> None:
    """Do what a worker does, one thing after the other, so that points come in the same order."""
    phones = Phones(home.phones, time, points)
    async with AsyncClient(home.tables, transport=phones, world=time.world()) as client:
        sweeper = Sweeper(client, name)
        for _ in range(TURNS):
            await sweeper.once()
            for state in STATES:
                for claim in await client.consult(partial(_claimed, client, name, state)):
                    await client.obey(client.duties.send(claim, name))
            due = _next(home)
            if due is None:
                return
            time.move(due + timedelta(seconds=1))
    raise RuntimeError(f"not at an end after {TURNS} turns")


def _claimed(client: AsyncClient, name: str, state: str, ledger: Ledger) -> Sequence[Claim]:
    until = client.duties.now() + client.duties.lease
    return ledger.outbox.claim(state, name, until=until, limit=10)


def _next(home: Home) -> datetime | None:
    """Return when something is to be done next with what has not ended, None if all has."""
    unclear = messages.c.status == Status.MAYBE_SENT
    wanted = select(
        func.min(messages.c.claimed_until).filter(messages.c.state == "claimed"),
        func.min(messages.c.next_at).filter(messages.c.state == "waiting"),
        func.min(messages.c.look_at).filter(or_(messages.c.state == "unclear", unclear)),
    )
    with create_engine(home.ledger, poolclass=NullPool).connect() as connection:
        found = [one for one in connection.execute(wanted).one() if one is not None]
    return min(found, default=None)
