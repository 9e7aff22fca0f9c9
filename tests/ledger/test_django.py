"""Enqueueing inside a transaction of Django's, on its own connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import django
import django.db
import pytest
from django.conf import settings
from django.db import transaction
from sqlalchemy import make_url

from polysms import Client, Message, Status
from polysms.errors import ConfigError, KeyConflict, LedgerError
from tests.ledger import scenes

CODE = Message(scenes.NUMBER, "Code 4711", key="k")
PLAIN = Message(scenes.NUMBER, "Your table is ready")


class Undone(Exception):
    """What lets a transaction roll back."""


def _database(url: str) -> dict[str, Any]:
    given = make_url(url)
    if given.drivername == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": given.database}
    place = {"USER": given.username, "HOST": given.query["host"], "NAME": given.database}
    return {"ENGINE": "django.db.backends.postgresql", **place}


def connect(url: str) -> Any:
    """Let Django's usual connection be one to this database; return it."""
    if not settings.configured:
        # So its times are neither aware nor in UTC.
        settings.configure(USE_TZ=False, TIME_ZONE="America/Chicago", LOGGING_CONFIG=None)
        django.setup()
    django.db.connections["default"] = django.db.ConnectionHandler({"default": _database(url)})[
        "default"
    ]
    return django.db.connection


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    """Return a client with a ledger in the database that Django has too."""
    with Client({"accounts": {"null": {}}, "ledger": url}) as opened:
        opened.ledger.upgrade()
        with connect(url).cursor() as cursor:
            cursor.execute("CREATE TABLE orders (name VARCHAR(20) PRIMARY KEY)")
        yield opened
        django.db.connection.close()


def insert(name: str) -> None:
    """Write into the caller's own table."""
    with django.db.connection.cursor() as cursor:
        cursor.execute("INSERT INTO orders VALUES (%s)", [name])


def orders() -> list[str]:
    """Return what stands in the caller's own table."""
    with django.db.connection.cursor() as cursor:
        cursor.execute("SELECT name FROM orders ORDER BY name")
        return [name for (name,) in cursor.fetchall()]


@pytest.mark.parametrize("message", [PLAIN, CODE], ids=["plain", "with a key"])
def test_commit_enqueues(client: Client, message: Message) -> None:
    """Inside ``transaction.atomic()`` a message is there once the block has ended."""
    with transaction.atomic():
        client.enqueue(message, connection=django.db.connection)
        insert("one")
        assert 0 == client.ledger.outbox.waiting()

    assert (["one"], 1) == (orders(), client.ledger.outbox.waiting())


def enqueue_and_fail(client: Client, message: Message) -> None:
    """Enqueue a message in a block that ends with an error."""
    with transaction.atomic():
        insert("failed")
        client.enqueue(message, connection=django.db.connection)
        raise Undone


@pytest.mark.parametrize("message", [PLAIN, CODE], ids=["plain", "with a key"])
def test_rollback_enqueues_nothing(client: Client, message: Message) -> None:
    """Where the block is left by an error, nothing was enqueued, nested blocks included."""
    with pytest.raises(Undone):
        enqueue_and_fail(client, message)
    assert ([], 0) == (orders(), client.ledger.outbox.waiting())

    with transaction.atomic():
        insert("one")
        with pytest.raises(Undone):
            enqueue_and_fail(client, message)
        client.enqueue(attrs.evolve(message, tag="outer"), connection=django.db.connection)
    assert (["one"], 1) == (orders(), client.ledger.outbox.waiting())
    assert 1 == len(client.find(tag="outer"))


def test_key_is_known(client: Client) -> None:
    """What is there is read as our own connections read it, whatever Django makes of times."""
    first = client.get(str(client.enqueue(CODE).id))

    with transaction.atomic():
        again = client.enqueue(CODE, connection=django.db.connection)
        with pytest.raises(KeyConflict):
            client.enqueue(attrs.evolve(CODE, text="Code 4712"), connection=django.db.connection)
        insert("one")

    assert (first.id, Status.PENDING, first.created_at) == (
        again.id,
        again.status,
        again.created_at,
    )
    assert (["one"], 1) == (orders(), client.ledger.outbox.waiting())


def test_outside_of_a_transaction(client: Client) -> None:
    """Where Django commits each statement, a message is written at once."""
    client.enqueue(CODE, connection=django.db.connection)

    assert 1 == client.ledger.outbox.waiting()
    assert not django.db.connection.in_atomic_block


def test_raw_connection(client: Client) -> None:
    """Django's connection of the driver's does as well."""
    with transaction.atomic():
        client.enqueue(CODE, connection=django.db.connection.connection)
        assert 0 == client.ledger.outbox.waiting()

    assert 1 == client.ledger.outbox.waiting()


def test_trouble_leaves_the_transaction_alone(client: Client) -> None:
    """Where a message cannot be written, the block goes on."""
    with django.db.connection.cursor() as cursor:
        cursor.execute("ALTER TABLE polysms_messages RENAME COLUMN tries TO attempts_made")

    with transaction.atomic():
        with pytest.raises(LedgerError):
            client.enqueue(CODE, connection=django.db.connection)
        insert("one")

    assert ["one"] == orders()


def test_connection_to_another_database(
    client: Client, url: str, request: pytest.FixtureRequest
) -> None:
    """A connection to another database is refused, and the block goes on."""
    django.db.connection.close()
    if url.startswith("sqlite"):
        connect(url.replace("ledger.db", "elsewhere.db"))
    else:
        server = request.getfixturevalue("postgres")
        connect(server.url(server.database()))
    with transaction.atomic():
        with django.db.connection.cursor() as cursor:
            cursor.execute("CREATE TABLE orders (name VARCHAR(20) PRIMARY KEY)")
        with pytest.raises(ConfigError, match="another database"):
            client.enqueue(PLAIN, connection=django.db.connection)
        insert("one")

    assert ["one"] == orders()
