"""Enqueueing inside the caller's own transaction: on any connection, and nothing else changed."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any

import attrs
import psycopg
import pytest
from psycopg.rows import dict_row
from sqlalchemy import Engine, create_engine, inspect, make_url, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from polysms import Client, Message
from polysms.errors import ConfigError, KeyConflict, LedgerError
from polysms.ledger import Ledger
from tests.ledger import scenes

CODE = Message(scenes.NUMBER, "Code 4711", key="k")
PLAIN = Message(scenes.NUMBER, "Your table is ready")


@attrs.frozen
class Theirs:
    """A caller's connection, and how its transaction ends; ``run`` is a statement of theirs."""

    connection: Any
    commit: Callable[[], None]
    rollback: Callable[[], None]
    run: Callable[[str], list[Any]]


Kind = Callable[[str], Any]


@contextmanager
def _engine(url: str, **facts: Any) -> Iterator[Engine]:
    engine = create_engine(url, **facts)
    yield engine
    engine.dispose()


@contextmanager
def sqlalchemy_connection(url: str) -> Iterator[Theirs]:
    """Connect with SQLAlchemy."""
    with _engine(url) as engine, engine.connect() as one:
        yield Theirs(one, one.commit, one.rollback, lambda said: _rows(one.execute(text(said))))


@contextmanager
def sqlalchemy_session(url: str) -> Iterator[Theirs]:
    """Open a session of SQLAlchemy."""
    with _engine(url) as engine, Session(engine) as one:
        yield Theirs(one, one.commit, one.rollback, lambda said: _rows(one.execute(text(said))))


@contextmanager
def sqlalchemy_scoped_session(url: str) -> Iterator[Theirs]:
    """Open the session of a thread."""
    with _engine(url) as engine:
        one = scoped_session(sessionmaker(engine))
        yield Theirs(one, one.commit, one.rollback, lambda said: _rows(one.execute(text(said))))
        one.remove()


def _rows(result: Any) -> list[Any]:
    return [tuple(row) for row in result] if result.returns_rows else []


@contextmanager
def driver(url: str, **facts: Any) -> Iterator[Theirs]:
    """Connect with the driver alone: sqlite3 or psycopg."""
    given = make_url(url)
    connect = _sqlite if given.drivername == "sqlite" else _psycopg
    with closing(connect(given, **facts)) as one:
        yield Theirs(one, one.commit, one.rollback, lambda said: _plain_rows(one, said))


def _sqlite(url: Any, **facts: Any) -> sqlite3.Connection:
    connection: sqlite3.Connection = sqlite3.connect(str(url.database), **facts)
    return connection


def _psycopg(url: Any, **facts: Any) -> psycopg.Connection[Any]:
    place = {"host": url.query["host"], "user": url.username, "dbname": url.database}
    return psycopg.Connection.connect(**place, **facts)


def _plain_rows(connection: Any, said: str) -> list[Any]:
    cursor = connection.execute(said)
    return [tuple(row) for row in cursor.fetchall()] if cursor.description else []


@contextmanager
def driver_with_rows_of_its_own(url: str) -> Iterator[Theirs]:
    """Connect with the driver alone, told to give rows that are no tuples."""
    with driver(url) as theirs:
        sqlite = isinstance(theirs.connection, sqlite3.Connection)
        theirs.connection.row_factory = (lambda _, __: "no row") if sqlite else dict_row
        yield theirs


@contextmanager
def driver_with_times_of_its_own(url: str) -> Iterator[Theirs]:
    """Connect with the driver alone, told to make something else of times."""
    with _converting(), driver(url, **_converters(url)) as theirs:
        if not isinstance(theirs.connection, sqlite3.Connection):
            theirs.run("SET timezone = 'America/Chicago'")
            theirs.connection.adapters.register_loader("timestamptz", _Naive)
        yield theirs


def _converters(url: str) -> dict[str, Any]:
    types = sqlite3.PARSE_DECLTYPES | sqlite3.PARSE_COLNAMES
    return {"detect_types": types} if url.startswith("sqlite") else {}


@contextmanager
def _converting() -> Iterator[None]:
    names = ("DATETIME", "TIMESTAMP")
    before = {name: sqlite3.converters.get(name) for name in names}
    for name in names:
        sqlite3.register_converter(name, lambda value: datetime.fromisoformat(value.decode()))
    yield
    for name, converter in before.items():
        if converter is None:
            del sqlite3.converters[name]
        else:
            sqlite3.converters[name] = converter


class _Naive(psycopg.types.datetime.TimestamptzLoader):
    def load(self, data: Any) -> Any:
        return super().load(data).replace(tzinfo=None)


KINDS: list[Kind] = [
    sqlalchemy_connection,
    sqlalchemy_session,
    sqlalchemy_scoped_session,
    driver,
    driver_with_rows_of_its_own,
    driver_with_times_of_its_own,
]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def theirs(request: pytest.FixtureRequest, url: str, client: Client) -> Iterator[Theirs]:
    """Return a caller's connection to the ledger's database, with a table of its own."""
    with request.param(url) as connection:
        connection.run("CREATE TABLE orders (name TEXT PRIMARY KEY)")
        connection.commit()
        yield connection


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    """Return a client with a ledger."""
    with Client({"accounts": {"null": {}}, "ledger": url}) as opened:
        opened.ledger.upgrade()
        yield opened


def orders(ledger: Ledger) -> list[str]:
    """Return what stands in the caller's table, for everybody to see."""
    found = ledger._read(  # noqa: SLF001 - past the ledger
        lambda one: one.execute(text("SELECT name FROM orders")).scalars().all()
    )
    return [str(name) for name in found]


@pytest.mark.parametrize("message", [PLAIN, CODE], ids=["plain", "with a key"])
def test_commit_enqueues(theirs: Theirs, client: Client, message: Message) -> None:
    """Enqueued inside a transaction, a message is there once that is committed, and not before."""
    theirs.run("INSERT INTO orders VALUES ('one')")

    delivery = client.enqueue(message, connection=theirs.connection)

    assert ([], 0) == (orders(client.ledger), client.ledger.outbox.waiting())
    theirs.run("INSERT INTO orders VALUES ('two')")
    theirs.commit()
    assert (["one", "two"], 1) == (orders(client.ledger), client.ledger.outbox.waiting())
    assert message.text == client.get(str(delivery.id)).text


@pytest.mark.parametrize("message", [PLAIN, CODE], ids=["plain", "with a key"])
def test_rollback_enqueues_nothing(theirs: Theirs, client: Client, message: Message) -> None:
    """Rolled back, nothing was ever enqueued, and its key is free."""
    theirs.run("INSERT INTO orders VALUES ('one')")
    client.enqueue(message, connection=theirs.connection)

    theirs.rollback()

    assert ([], 0) == (orders(client.ledger), client.ledger.outbox.waiting())
    client.enqueue(message, connection=theirs.connection)
    theirs.commit()
    assert 1 == client.ledger.outbox.waiting()


def test_enqueue_comes_first(theirs: Theirs, client: Client) -> None:
    """A transaction that begins with the message is the caller's all the same."""
    client.enqueue(PLAIN, connection=theirs.connection)
    theirs.rollback()
    assert 0 == client.ledger.outbox.waiting()

    client.enqueue(PLAIN, connection=theirs.connection)
    client.enqueue(PLAIN, connection=theirs.connection)
    theirs.commit()

    assert 2 == client.ledger.outbox.waiting()


def test_key_is_known(theirs: Theirs, client: Client) -> None:
    """The same message under a known key is the delivery that there is, also uncommitted."""
    first = client.enqueue(CODE)

    second = client.enqueue(CODE, connection=theirs.connection)
    new = client.enqueue(attrs.evolve(CODE, key="new"), connection=theirs.connection)
    again = client.enqueue(attrs.evolve(CODE, key="new"), connection=theirs.connection)
    theirs.commit()

    assert (first.id, new.id) == (second.id, again.id)
    assert 2 == client.ledger.outbox.waiting()


def test_conflict_leaves_the_transaction_alone(theirs: Theirs, client: Client) -> None:
    """A key of another message is refused, and the caller's transaction goes on."""
    client.enqueue(CODE)
    theirs.run("INSERT INTO orders VALUES ('one')")

    with pytest.raises(KeyConflict):
        client.enqueue(attrs.evolve(CODE, text="Code 4712"), connection=theirs.connection)

    theirs.run("INSERT INTO orders VALUES ('two')")
    theirs.commit()
    assert (["one", "two"], 1) == (orders(client.ledger), client.ledger.outbox.waiting())


def test_trouble_leaves_the_transaction_alone(theirs: Theirs, client: Client) -> None:
    """Where a message cannot be written, nothing of it is, and the transaction goes on."""
    broken = "CREATE TRIGGER trap BEFORE INSERT ON polysms_messages "
    if client.ledger._store.url.drivername == "sqlite":  # noqa: SLF001
        theirs.run(broken + "BEGIN SELECT RAISE(ABORT, 'canary'); END")
    else:
        theirs.run(
            "CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'canary'; END $$"
        )
        theirs.run(broken + "FOR EACH ROW EXECUTE FUNCTION trap()")
    theirs.commit()
    theirs.run("INSERT INTO orders VALUES ('one')")

    with pytest.raises(LedgerError) as caught:
        client.enqueue(CODE, connection=theirs.connection)

    assert "canary" not in str(caught.value)
    theirs.run("INSERT INTO orders VALUES ('two')")
    theirs.run("DROP TRIGGER trap" + _of_table(client.ledger))
    theirs.commit()
    assert (["one", "two"], 0) == (orders(client.ledger), client.ledger.outbox.waiting())
    # Its key was not taken either.
    assert client.enqueue(CODE).id is not None
    assert 1 == client.ledger.outbox.waiting()


def _of_table(ledger: Ledger) -> str:
    is_sqlite = ledger._store.url.drivername == "sqlite"  # noqa: SLF001
    return "" if is_sqlite else " ON polysms_messages"


def test_connection_is_as_it_was(theirs: Theirs, client: Client) -> None:
    """What the caller has set on its connection is not changed, and its rows come as before."""
    before = theirs.run("SELECT 1")
    if isinstance(theirs.connection, sqlite3.Connection):
        theirs.connection.create_function("regexp", 2, lambda *_: 7)
    kept = {name: getattr(theirs.connection, name, None) for name in ("row_factory", "autocommit")}

    for _ in range(3):
        client.enqueue(PLAIN, connection=theirs.connection)

    assert kept == {name: getattr(theirs.connection, name, None) for name in kept}
    assert before == theirs.run("SELECT 1")
    if isinstance(theirs.connection, psycopg.Connection):
        assert [] == list(theirs.connection._notice_handlers)  # noqa: SLF001 - no other way
    if isinstance(theirs.connection, sqlite3.Connection):
        theirs.connection.row_factory = None
        assert [(7,)] == theirs.run("SELECT 'a' REGEXP 'b'")
    theirs.rollback()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_connection_to_another_database(
    client: Client, kind: Kind, url: str, request: pytest.FixtureRequest
) -> None:
    """Another ledger's connection is refused, and so is one without any; both stay usable."""
    elsewhere = _elsewhere(url, request)
    for table in ("before", "after"):
        with kind(elsewhere) as theirs:
            theirs.run(f"CREATE TABLE {table} (name TEXT)")

            with pytest.raises(ConfigError, match="another database") as caught:
                client.enqueue(PLAIN, connection=theirs.connection)

            assert "connection" == caught.value.key
            theirs.run(f"CREATE TABLE {table}_it (name TEXT)")
            theirs.commit()
        with _engine(elsewhere) as engine:
            names = inspect(engine).get_table_names()
            assert {table, f"{table}_it"} <= set(names)
        with Ledger(elsewhere) as other:
            other.upgrade()


def _elsewhere(url: str, request: pytest.FixtureRequest) -> str:
    if url.startswith("sqlite"):
        return url.replace("ledger.db", "elsewhere.db")
    server = request.getfixturevalue("postgres")
    return str(server.url(server.database()))


@pytest.mark.one_python
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_transaction_that_has_failed(client: Client, url: str) -> None:
    """In a transaction that has failed already, the error says so."""
    with driver(url) as theirs:
        with pytest.raises(psycopg.Error):
            theirs.run("SELECT 1 / 0")

        with pytest.raises(LedgerError, match="roll it back"):
            client.enqueue(PLAIN, connection=theirs.connection)

        theirs.rollback()
        client.enqueue(PLAIN, connection=theirs.connection)
        theirs.commit()
    assert 1 == client.ledger.outbox.waiting()


def test_no_transaction_at_all(client: Client, url: str) -> None:
    """On a connection that commits each statement, a message is written at once, and whole."""
    facts = {"isolation_level": None} if url.startswith("sqlite") else {"autocommit": True}
    with driver(url, **facts) as theirs:
        client.enqueue(CODE, connection=theirs.connection)
        assert 1 == client.ledger.outbox.waiting()

        with pytest.raises(KeyConflict):
            client.enqueue(attrs.evolve(CODE, text="Code 4712"), connection=theirs.connection)

        # And a transaction that the caller begins by itself is the caller's.
        theirs.run("BEGIN")
        client.enqueue(PLAIN, connection=theirs.connection)
        theirs.run("ROLLBACK")
    assert 1 == client.ledger.outbox.waiting()


@pytest.mark.parametrize("given", [object(), "sqlite:///polysms.db", 7])
def test_no_connection(client: Client, given: object) -> None:
    """What is no connection is refused, with what would be one."""
    with pytest.raises(ConfigError, match="enqueue_statement") as caught:
        client.enqueue(PLAIN, connection=given)

    assert "connection" == caught.value.key


# Async callers.


@pytest.mark.one_python
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("kind", ["connection", "session", "psycopg"])
def test_async_connection_is_refused(client: Client, url: str, kind: str) -> None:
    """An async connection is refused with the name of what it can run, and stays usable."""

    async def refused() -> None:
        engine = create_async_engine(url)
        given = make_url(url)
        async with engine.connect() as connection, AsyncSession(engine) as session:
            driver = await psycopg.AsyncConnection.connect(
                host=str(given.query["host"]), user=given.username, dbname=given.database
            )
            await connection.execute(text("SELECT 1"))
            theirs = {"connection": connection, "session": session, "psycopg": driver}[kind]
            with pytest.raises(ConfigError, match="enqueue_statement") as caught:
                client.enqueue(PLAIN, connection=theirs)
            assert "connection" == caught.value.key
            await connection.execute(text("SELECT 1"))
            await driver.close()
        await engine.dispose()

    asyncio.run(refused())


@pytest.mark.one_python
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("commit", [True, False])
def test_statement_on_an_async_session(client: Client, url: str, *, commit: bool) -> None:
    """Async callers run the statement in their own transaction."""

    async def enqueued() -> None:
        engine = create_async_engine(url)
        async with AsyncSession(engine) as session:
            await session.execute(client.enqueue_statement(PLAIN))
            await (session.commit() if commit else session.rollback())
        async with engine.connect() as connection:
            await connection.execute(client.enqueue_statement(PLAIN))
            await (connection.commit() if commit else connection.rollback())
        await engine.dispose()

    asyncio.run(enqueued())

    assert (2 if commit else 0) == client.ledger.outbox.waiting()


@pytest.mark.one_python
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("commit", [True, False])
def test_sync_side_of_an_async_session(client: Client, url: str, *, commit: bool) -> None:
    """With a key, an async session lends its sync side by ``run_sync``."""

    async def enqueued() -> None:
        engine = create_async_engine(url)
        async with AsyncSession(engine) as session:
            await session.run_sync(lambda one: client.enqueue(CODE, connection=one))
            await (session.commit() if commit else session.rollback())
        await engine.dispose()

    asyncio.run(enqueued())

    assert (1 if commit else 0) == client.ledger.outbox.waiting()


def test_statement_of_a_message_with_a_key(client: Client) -> None:
    """A key must be looked up, which no statement does."""
    with pytest.raises(ConfigError, match="key"):
        client.enqueue_statement(CODE)
