"""The worker over the sandbox and real ledgers: what is sent, when, how often, and how it ends."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from polysms import AsyncClient, Delivery, Message, Status
from polysms.client.core import uuid7
from polysms.routing.steps import World
from polysms.sandbox import Behaviour, running
from polysms.worker import Worker

pytestmark = pytest.mark.one_python

#: How much quicker than ours the time of these tests goes: leases and looks take minutes. Not so
#: quick that a busy machine lets a lease expire under a worker that is only slow.
QUICKER = 20.0
#: Seconds after which what should happen will not.
PATIENCE = 90.0
_numbers = itertools.count(1000)


_BEGAN, _START = time.monotonic(), datetime.now(UTC)


def now() -> datetime:
    """Return the time of these tests, in which the providers live too."""
    return _START + timedelta(seconds=(time.monotonic() - _BEGAN) * QUICKER)


def world() -> World:
    """Return a world whose calendar is quick; what bounds requests goes as always."""
    return World(now=now, clock=time.monotonic, new_id=uuid7, random=random.random)


@pytest.fixture(scope="module")
def home() -> Iterator[Any]:
    """Return a sandbox in the time of these tests."""
    behaviour = Behaviour(clock=lambda: now().timestamp(), seed=7)
    with running(behaviour=behaviour) as sandbox:
        yield sandbox


class Office:
    """A client at the sandbox with a ledger, and workers that come and go."""

    def __init__(self, url: str, ledger: str, **route: Any) -> None:
        patience = {"timeouts": {"read": 0.5}}
        self.tables: dict[str, Any] = {
            "accounts": {
                "wavix": {"api_key": "k", "sender": "+13137890021", "base_url": url, **patience},
                "carrierx": {
                    "token": "k",
                    "sender": "15162065575",
                    "base_url": f"{url}/core/v2",
                    **patience,
                },
            },
            "routes": {"main": {"accounts": ["wavix", "carrierx"], "deadline": "2s", **route}},
            "default": "main",
            "ledger": ledger,
            "sweep": {"first": "10s", "most": "20s"},
        }
        self.url = url

    def client(self, **settings: Any) -> AsyncClient:
        """Return a client in the time of these tests."""
        return AsyncClient(self.tables, world=world(), **settings)

    def copies(self, text: str) -> list[Mapping[str, Any]]:
        """Return what the providers have accepted with a text."""
        asked = httpx.get(f"{self.url}/_sandbox/messages", params={"limit": "1000"})
        return [one for one in asked.json()["items"] if one["text"] == text]


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of a new ledger, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'polysms.db'}"
    server = request.getfixturevalue("postgres")
    return str(server.url(server.database(template=request.getfixturevalue("template"))))


def said(ending: str = "0123") -> Message:
    """Return a message that nobody else has said."""
    number = next(_numbers)
    return Message(f"+1313555{ending}", f"Your number is {number}", key=f"key-{number}")


def behave(home: Any, mode: str) -> None:
    """Let one provider of the sandbox behave in a way."""
    facts = {"provider": "wavix", "mode": mode}
    httpx.post(f"{home.url}/_sandbox/behaviour", json=facts).raise_for_status()


async def drained(client: AsyncClient) -> int:
    """Let a worker send what is to be sent now; return how many messages it saw to."""
    worker = Worker(client, concurrency=10)
    await worker.run(drain=True)
    return worker.sent


async def until(
    client: AsyncClient, id_: str | None, *wanted: Status, seconds: float = PATIENCE
) -> Delivery:
    """Let a worker work until a message stands where it should, or patience is at its end."""
    worker = Worker(client, concurrency=10)
    running = asyncio.create_task(worker.run())
    end = time.monotonic() + seconds
    try:
        while True:
            delivery = await client.get(str(id_))
            if delivery.status in wanted or time.monotonic() > end:
                return delivery
            await asyncio.sleep(0.05)
    finally:
        worker.stop()
        await running


def test_what_waits_is_sent_once(home: Any, ledger: str) -> None:
    """Every message that waits is sent, once, by whichever worker is first; then it is found."""

    async def story() -> None:
        office = Office(home.url, ledger)
        async with office.client() as client, office.client() as other:
            messages = [said() for _ in range(60)]
            for message in messages:
                await client.enqueue(message)
            counts = await asyncio.gather(drained(client), drained(other))
            # On a busy machine a lease may end before its send begins: another sees to it then.
            assert 60 <= sum(counts)
            assert [1] * 60 == [len(office.copies(message.text)) for message in messages]
            assert 0 == client.ledger.outbox.waiting()
            delivery = await until(client, messages[0].key, Status.DELIVERED)
            assert Status.DELIVERED is delivery.status

    asyncio.run(story())


def test_opt_outs_are_mirrored(home: Any, ledger: str) -> None:
    """The sweep tells a provider of the opt-outs that it asks for."""

    async def story() -> None:
        office = Office(home.url, ledger)
        office.tables["accounts"]["wavix"]["mirror_optouts"] = True
        async with office.client() as client:
            await client.optouts.add("+13135550187")
            queued = await client.enqueue(said())
            await until(client, queued.id, Status.DELIVERED)
            assert "13135550187" in {number for number, _ in home.optouts}

    asyncio.run(story())


def test_refused_is_not_tried_again(home: Any, ledger: str) -> None:
    """What a provider will never take is NOT_SENT, over, and its reason is kept."""

    async def story() -> None:
        async with Office(home.url, ledger).client() as client:
            queued = await client.enqueue(said("0105"))
            assert 1 == await drained(client)
            assert 0 == await drained(client)
            delivery = await client.get(str(queued.id))
            assert (Status.NOT_SENT, "invalid_number") == (delivery.status, delivery.reason)

    asyncio.run(story())


def test_later_is_tried_later(home: Any, ledger: str) -> None:
    """A provider that is busy is asked again by the row's own schedule, until it takes it."""

    async def story() -> None:
        office = Office(home.url, ledger, accounts=["wavix"], repeats=0)
        async with office.client() as client:
            behave(home, "limited")
            message = said()
            queued = await client.enqueue(message)
            assert 1 <= await drained(client)
            delivery = await client.get(str(queued.id))
            assert Status.PENDING is delivery.status
            assert {"not_sent"} == {attempt.outcome for attempt in delivery.attempts}
            behave(home, "ok")
            delivery = await until(client, queued.id, Status.DELIVERED)
            assert Status.DELIVERED is delivery.status
            assert 1 == len(office.copies(message.text))

    asyncio.run(story())


def test_not_before_its_time(home: Any, ledger: str) -> None:
    """What is to be sent later waits; cancelled, it never goes."""

    async def story() -> None:
        office = Office(home.url, ledger)
        async with office.client() as client:
            later = client.duties.now() + timedelta(hours=8)
            message = said()
            queued = await client.enqueue(message, at=later)
            assert 0 == await drained(client)
            assert Status.CANCELLED is (await client.cancel(str(queued.id))).status
            assert [] == office.copies(message.text)

    asyncio.run(story())


def test_not_after_its_time(home: Any, ledger: str) -> None:
    """What nobody could send while it was valid is not sent, and says so."""

    async def story() -> None:
        office = Office(home.url, ledger)
        async with office.client() as client:
            message = said()
            early = client.duties.now() - timedelta(hours=5)
            queued = await client.enqueue(message, at=early)
            assert 1 == await drained(client)
            delivery = await client.get(str(queued.id))
            assert Status.NOT_SENT is delivery.status
            assert "validity" in str(delivery.error_text)
            assert [] == office.copies(message.text)

    asyncio.run(story())


@pytest.mark.parametrize("ending", ["0109", "0113", "0114", "0115", "0116"])
def test_unclear_is_found_and_not_sent_again(home: Any, ledger: str, ending: str) -> None:
    """A message that was taken without an answer is found by the sweep; one copy exists."""

    async def story() -> None:
        office = Office(home.url, ledger)
        async with office.client() as client:
            message = said(ending)
            queued = await client.enqueue(message)
            await drained(client)
            assert Status.MAYBE_SENT is (await client.get(str(queued.id))).status
            delivery = await until(client, queued.id, Status.DELIVERED, Status.SENT)
            assert Status.MAYBE_SENT.rank < delivery.status.rank
            assert 1 == len(office.copies(message.text))

    asyncio.run(story())


def test_unclear_and_proved_absent_is_sent(home: Any, ledger: str) -> None:
    """What nobody took, as two looks with a watermark prove, is sent anew: it is not lost."""

    async def story() -> None:
        office = Office(home.url, ledger, accounts=["wavix"])
        async with office.client() as client:
            message = said("0112")
            behave(home, "ok")
            queued = await client.enqueue(message)
            await drained(client)
            assert Status.MAYBE_SENT is (await client.get(str(queued.id))).status
            stop = time.monotonic() + PATIENCE
            while time.monotonic() < stop:
                await client.send(said())  # shows how far the provider's list has come
                found = await until(client, queued.id, Status.DELIVERED, seconds=0.5)
                absent = [one for one in found.attempts if one.evidence == "absent"]
                if absent:
                    break
            assert absent
            tries = 1
            while tries == 1 and time.monotonic() < stop:
                tries = len((await until(client, queued.id, seconds=0.5)).attempts)
            assert 1 < tries

    asyncio.run(story())


def test_lease_of_the_dead_expires(home: Any, ledger: str) -> None:
    """A worker that died before it began leaves a message that another sends."""

    async def story() -> None:
        office = Office(home.url, ledger)
        async with office.client() as client:
            message = said()
            queued = await client.enqueue(message)
            soon = client.duties.now() + timedelta(seconds=30)
            claims = client.ledger.outbox.claim("waiting", "dead", until=soon, limit=10)
            assert [queued.id] == [claim.id for claim in claims]
            assert 0 == await drained(client)
            delivery = await until(client, queued.id, Status.DELIVERED)
            assert Status.DELIVERED is delivery.status
            assert 1 == len(office.copies(message.text))

    asyncio.run(story())


def test_undelivered_goes_to_the_next_account(home: Any, ledger: str) -> None:
    """A report that says "undelivered" lets the next account try, where a route asks for it."""

    async def story() -> None:
        office = Office(home.url, ledger, on_undelivered=["UNDELIVERED", "FAILED"])
        async with office.client() as client:
            message = said("0102")
            queued = await client.enqueue(message)
            stop = time.monotonic() + PATIENCE
            while len(office.copies(message.text)) < 2 and time.monotonic() < stop:
                await until(client, queued.id, seconds=0.3)
            await until(client, queued.id, Status.UNDELIVERED, seconds=2)
            accounts = [one.account for one in (await client.get(str(queued.id))).attempts]
            assert ["wavix", "carrierx"] == accounts
            assert 2 == len(office.copies(message.text))

    asyncio.run(story())


def test_no_report_goes_to_the_next_account(home: Any, ledger: str) -> None:
    """Silence lets the next account try, where a route asks for it; a confirmation does not."""

    async def story() -> None:
        office = Office(home.url, ledger, accounts=["carrierx", "wavix"], no_report_after="30s")
        async with office.client() as client:
            silent, confirmed = said("0104"), said("0104")
            queued = await client.enqueue(silent)
            known = await client.enqueue(confirmed)
            await drained(client)
            await client.confirm(str(known.id))
            stop = time.monotonic() + PATIENCE
            while len(office.copies(silent.text)) < 2 and time.monotonic() < stop:
                await until(client, queued.id, seconds=0.3)
            assert 2 == len(office.copies(silent.text))
            assert 1 == len(office.copies(confirmed.text))

    asyncio.run(story())


def test_stopping_gives_back_what_was_not_begun(home: Any, ledger: str) -> None:
    """A worker that is stopped leaves nothing claimed, and nothing unclear."""

    async def story() -> None:
        office = Office(home.url, ledger)
        async with office.client() as client:
            messages = [said() for _ in range(200)]
            for message in messages:
                await client.enqueue(message)
            worker = Worker(client, concurrency=4)
            running = asyncio.create_task(worker.run())
            while worker.sent < 5:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
            worker.stop()
            await running
            statuses = client.ledger.stats().statuses
            assert 0 == statuses.get("MAYBE_SENT", 0)
            left = client.ledger.outbox.waiting()
            assert 0 < left < 200
            assert left == statuses["PENDING"]
            assert left == await drained(client)

    asyncio.run(story())


def test_nothing_reported_is_unreported_in_the_end(home: Any, ledger: str) -> None:
    """When its validity and a day are over, a message of which nothing was heard says so."""

    async def story() -> None:
        office = Office(home.url, ledger, accounts=["carrierx"])
        office.tables["sweep"] = {"first": "10s", "most": "20s", "past_validity": "30s"}
        async with office.client() as client:
            message = Message("+13135550104", f"Silence {next(_numbers)}", valid_for=30)
            sent = await client.send(message)
            delivery = await until(client, sent.id, Status.UNREPORTED)
            assert Status.UNREPORTED is delivery.status

    asyncio.run(story())
