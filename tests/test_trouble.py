"""A database in trouble and a worker that is frozen: in short, and proof that both are noticed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Connection, select, text

from polysms import Client, Message
from polysms.delivery import Status
from polysms.errors import LedgerError
from polysms.ledger import Ledger, outbox, postgresql
from polysms.ledger.book import CLAIMED, WAITING, Book
from polysms.ledger.tables import messages
from polysms.routing import schedule
from tests import postgres
from tests.campaigns import audit, fragile, frozen, trouble
from tests.campaigns.fragile import Database, UnavailableError

pytestmark = pytest.mark.one_python

MESSAGE = Message("+13135550123", "Your table is ready.")
FULL: list[Callable[[], AbstractContextManager[Database]]] = [
    fragile.bounded,
    fragile.full_sqlite,
    fragile.full_postgresql,
]
#: Messages that fill whatever room is left in the pages that are there.
MOST = 2_000


@pytest.fixture(params=FULL, ids=["bounded", "sqlite", "postgresql"])
def full(request: pytest.FixtureRequest) -> Iterator[Database]:
    """Return a database that can be made full."""
    try:
        with request.param() as database:
            yield database
    except UnavailableError as error:
        pytest.skip(str(error))


def client_of(database: Database) -> Client:
    """Return a client whose messages go nowhere, with a ledger that is ready."""
    with Ledger(database.url) as ledger:
        ledger.upgrade()
    return Client({"accounts": {"null": {"sender": "+13135550100"}}, "ledger": database.url})


def fill(client: Client, ids: set[str | None]) -> None:
    """Enqueue until there is no room; add the ids of what was."""
    for _ in range(MOST):
        ids.add(client.enqueue(MESSAGE).id)


def test_full_disk(full: Database) -> None:
    """On a full disk enqueue raises; what it returned before is there, and it goes on with room."""
    with client_of(full) as client:
        before = {client.enqueue(MESSAGE).id}
        full.hurt()
        with pytest.raises(LedgerError, match="disk is full"):
            fill(client, before)
        full.heal()
        after = client.enqueue(MESSAGE)
        assert before | {after.id} == {one.id for one in client.find(limit=MOST)}
        client.ledger.check()


def test_killed_server() -> None:
    """What enqueue returned is there after PostgreSQL was killed; until it is back, it raises."""
    with fragile.killed() as database, client_of(database) as client:
        before = client.enqueue(MESSAGE)
        database.hurt()
        with pytest.raises(LedgerError, match="cannot be reached"):
            client.enqueue(MESSAGE)
        database.heal()
        assert Status.PENDING is client.get(str(before.id)).status
        assert client.enqueue(MESSAGE).id != before.id


def test_frozen_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that stands still in a transaction loses it: its rows are free for others."""

    def still(connection: Connection) -> None:
        connection.execute(text("SELECT 1"))
        time.sleep(0.5)
        connection.execute(text("SELECT 1"))

    with postgres.running() as server, Ledger(server.url(server.database())) as ledger:
        ledger.upgrade()
        ledger.close()
        monkeypatch.setattr(postgresql, "_IDLE", 100)
        with pytest.raises(LedgerError, match="broke the connection off") as caught:
            ledger._store.write(still)  # noqa: SLF001 - no public write stands still
        assert caught.value.retry_later
        ledger.check()


@pytest.mark.campaign
def test_database_trouble() -> None:
    """Killed, locked or full: nothing lost, mistold, sent unwritten or sent twice."""
    rows = trouble.play(tuple(trouble.KINDS), 2)
    trouble.show(rows)

    assert [] == [finding for row in rows for finding in row.findings]
    # The trouble was really there.
    assert [] == [row.kind for row in rows if row.skipped is None and not row.refused]


@pytest.mark.campaign
def test_unwritten_sends_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that sends what it could not write down is caught."""
    monkeypatch.setattr(Ledger, "write_many", _careless(Ledger.write_many))

    (row,) = trouble.play(["bounded"], 2)

    assert row.unwritten
    assert audit.PROMISES[7] in {finding.promise for finding in row.findings}


def _careless(write: Callable[..., None]) -> Callable[..., None]:
    def careless(*arguments: Any, **facts: Any) -> None:
        try:
            write(*arguments, **facts)
        except LedgerError:
            return

    return careless


@pytest.mark.campaign
def test_frozen_worker() -> None:
    """At whatever stage a worker is frozen, its message has one copy and one end."""
    rows = frozen.play(frozen.scenes())
    frozen.show(rows)

    assert [] == [finding for row in rows for finding in row.findings]
    assert [1] * len(rows) == [row.freezes for row in rows]


@pytest.mark.campaign
def test_a_lease_put_back_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that puts an expired lease back, and sends what may have been sent, is caught."""
    monkeypatch.setattr(outbox, "reclaim", _put_back)
    # Else what is put back is not sent: its account may have it.
    monkeypatch.setattr(schedule, "copies_of", lambda _: ())
    monkeypatch.setattr(frozen, "LONGER", (2.0, 2.0))

    (row,) = frozen.play(frozen.scenes(1, ["asked"], ["sqlite"]))

    assert row.extra
    assert audit.PROMISES[3] in {finding.promise for finding in row.findings}


def _put_back(connection: Connection, now: datetime) -> int:
    expired = (messages.c.state == CLAIMED, messages.c.claimed_until < now)
    ids = connection.execute(select(messages.c.id).where(*expired)).scalars().all()
    book = Book(connection, ids)
    for page in book.pages.values():
        page.move(WAITING, now)
    book.put_back(now)
    return len(ids)
