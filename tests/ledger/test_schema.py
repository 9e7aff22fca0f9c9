"""The tables: made by migrations, made once, and with an index for every look-up."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text

from polysms.delivery import Outcome, Status
from polysms.errors import ConfigError, LedgerError
from polysms.ledger import Ledger, schema
from polysms.ledger.tables import VERSION_TABLE, metadata
from tests.ledger import histories, outboxes, scenes

LATER = scenes.NOW + timedelta(minutes=5)


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Connect to a ledger's database, past the ledger."""
    engine = create_engine(url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def test_migrations_make_the_tables(empty_url: str) -> None:
    """What the migrations make of nothing is what the code expects, to the last index."""
    with Ledger(empty_url, clock=scenes.clock) as ledger:
        ledger.upgrade()

    with connected(empty_url) as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert [] == compare_metadata(context, metadata)
        names = set(inspect(connection).get_table_names())
    assert {name for name in names if name.startswith("polysms_")} == names


def test_upgrade_may_be_repeated(empty_url: str) -> None:
    """Migrations that have run run no more, and what was written stays."""
    with Ledger(empty_url, clock=scenes.clock) as ledger:
        ledger.upgrade()
        ledger.write("id", scenes.message(), scenes.opened())

        ledger.upgrade()

        assert ledger.get("id") is not None


def test_upgrades_at_once(empty_url: str) -> None:
    """Workers that start together do not stumble over each other's tables."""
    ledgers = [Ledger(empty_url, clock=scenes.clock) for _ in range(4)]

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(Ledger.upgrade, ledgers))

    assert [None] * 4 == [ledger.get("id") for ledger in ledgers]
    for ledger in ledgers:
        ledger.close()


def test_upgrade_waits_for_who_has_just_made_the_file(tmp_path: Path) -> None:
    """SQLite turns a file into a WAL one for nobody while another writes it, and does not wait."""
    path = tmp_path / "new.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE theirs (name TEXT)")
    other.execute("BEGIN IMMEDIATE")
    done = threading.Timer(0.2, other.execute, ["COMMIT"])
    done.start()

    with Ledger(f"sqlite:///{path}", clock=scenes.clock) as ledger:
        ledger.upgrade()

        assert ledger.get("id") is None
    done.join()
    other.close()


def test_newest_revision_is_the_last_that_is_shipped() -> None:
    """The revision that the code asks for is the newest of the migrations."""
    script, _ = schema.scripts()

    assert schema.NEWEST == script.get_current_head()


def test_sqlite_is_upgraded_by_itself(tmp_path: Path) -> None:
    """A new file has its tables as soon as it is used."""
    with Ledger(f"sqlite:///{tmp_path}/new.db") as ledger:
        assert ledger.get("id") is None


@pytest.mark.parametrize("empty_url", ["postgresql"], indirect=True)
def test_postgresql_asks_to_be_upgraded(empty_url: str) -> None:
    """A PostgreSQL without tables is left alone, and the error tells the command."""
    with (
        Ledger(empty_url, clock=scenes.clock) as ledger,
        pytest.raises(LedgerError, match="polysms ledger upgrade"),
    ):
        ledger.write("id", scenes.message(), scenes.opened())


def test_newer_ledger_is_left_alone(empty_url: str) -> None:
    """A ledger of a later polysms is neither used nor changed."""
    with Ledger(empty_url, clock=scenes.clock) as ledger:
        ledger.upgrade()
    with connected(empty_url) as connection:
        connection.execute(text("UPDATE polysms_version SET version_num = '9999'"))

    with Ledger(empty_url, clock=scenes.clock) as ledger:
        for use in (ledger.upgrade, ledger.stats):
            with pytest.raises(LedgerError, match="newer"):
                use()


def test_sqlite_commits_to_the_disk(tmp_path: Path) -> None:
    """The writer waits for the disk, and readers do not wait for the writer."""
    with Ledger(f"sqlite:///{tmp_path}/new.db") as ledger:
        found = ledger._write(  # noqa: SLF001 - there is no other way to see it
            lambda connection: [
                connection.execute(text(f"PRAGMA {name}")).scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            ]
        )

    assert ["wal", 2, 1] == found


@pytest.mark.parametrize(
    "url",
    [
        "",
        "polysms.db",
        "mysql://me:canary@127.0.0.1/sms",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql+asyncpg://me:canary@127.0.0.1/sms",
    ],
)
def test_address_that_is_no_ledger(url: str) -> None:
    """An address of another kind is refused when the ledger is made, and never shown."""
    with pytest.raises(ConfigError) as caught:
        Ledger(url, clock=scenes.clock)

    assert "ledger" == caught.value.key
    assert "canary" not in str(caught.value)


def _begin_twice(ledger: Ledger) -> None:
    for _ in range(2):
        ledger.begin_key("k", None, "f", "id", scenes.NOW)


def _matched(ledger: Ledger) -> None:
    attempt = scenes.closed(scenes.opened())
    ledger.record(scenes.report(attempt))
    ledger.write("id", scenes.message(), attempt)


def _enqueued(ledger: Ledger, key: str | None = None) -> object:
    return outboxes.put(ledger, scenes.fresh(), scenes.message(key=key), at=scenes.NOW)


def _under_way(ledger: Ledger) -> None:
    _enqueued(ledger)
    (found,) = ledger.outbox.claim("waiting", "w", until=LATER, limit=10)
    ledger.write_many([outboxes.line(found.id, scenes.opened(), "w")])


def _taken_back(ledger: Ledger) -> object:
    _enqueued(ledger)
    ledger.outbox.claim("waiting", "w", until=scenes.NOW - timedelta(minutes=1), limit=10)
    return ledger.outbox.reclaim()


LOOKUPS: dict[str, Callable[[Ledger], object]] = {
    "id": lambda ledger: ledger.get("id"),
    "key": lambda ledger: ledger.get("key"),
    "tenant's key": lambda ledger: ledger.get("key", "a"),
    "find key": lambda ledger: ledger.find(key="key"),
    "find tag": lambda ledger: ledger.find(tag="tag"),
    "find to": lambda ledger: ledger.find(to=scenes.NUMBER),
    "find status": lambda ledger: ledger.find(status=Status.QUEUED),
    "find unclear": lambda ledger: ledger.find(status=Status.MAYBE_SENT),
    "find account": lambda ledger: ledger.find(account="wavix"),
    "find since": lambda ledger: ledger.find(since=scenes.NOW),
    "find all": lambda ledger: ledger.find(
        to=scenes.NUMBER, tag="tag", status="QUEUED", account="wavix", tenant="a", key="key"
    ),
    "message": lambda ledger: ledger.message("id"),
    "events": lambda ledger: ledger.events("id"),
    "open": lambda ledger: ledger.open_attempts(LATER),
    "owns": lambda ledger: ledger.owns("wavix", "theirs"),
    "watermark": lambda ledger: ledger.watermark("wavix", scenes.NOW),
    "rival": lambda ledger: ledger.has_rival(scenes.opened(), scenes.NUMBER, 60),
    "write": lambda ledger: ledger.write("id", scenes.message(), scenes.opened()),
    "close": lambda ledger: ledger.write("id", scenes.message(), scenes.closed(scenes.opened())),
    "parked": lambda ledger: ledger.record(scenes.report(scenes.closed(scenes.opened()))),
    "matched": _matched,
    "begin key": _begin_twice,
    "lapse": lambda ledger: ledger.lapse(),
    "forget": lambda ledger: ledger.forget("id"),
    "purge texts": lambda ledger: ledger.purge(texts_older_than=LATER),
    "purge rows": lambda ledger: ledger.purge(rows_older_than=LATER),
    "enqueue": lambda ledger: _enqueued(ledger, "key"),
    "claim": _under_way,
    "claim one": lambda ledger: ledger.outbox.claim_one("id", "w", until=LATER),
    "due": lambda ledger: ledger.outbox.due(limit=10),
    "reclaim": _taken_back,
    "looks": lambda ledger: ledger.outbox.looks(until=LATER, limit=10),
    "look later": lambda ledger: ledger.outbox.look_later("id", LATER),
    "release": lambda ledger: ledger.outbox.release(["id"], "w", "waiting"),
    "cancel": lambda ledger: ledger.outbox.cancel("key"),
    "confirm": lambda ledger: ledger.outbox.confirm("id"),
    "waiting": lambda ledger: ledger.outbox.waiting(),
    "until next": lambda ledger: ledger.outbox.until_next(),
    "worker seen": lambda ledger: ledger.outbox.seen("w"),
    "worker gone": lambda ledger: ledger.outbox.gone("w"),
    "assigned": lambda ledger: histories.History(ledger, histories.Clock()).send(),
    "cells": lambda ledger: ledger.cells("main", since=scenes.NOW),
    "observed": lambda ledger: ledger.cells("main", since=scenes.NOW, observational=True),
    "matured": lambda ledger: ledger.matured(["wavix"], scenes.NOW),
    "first assigned": lambda ledger: ledger.assigned("main"),
    "look": lambda ledger: ledger.look("main", (1, 1)),
}


Statement = tuple[str, Any]


@contextmanager
def statements() -> Iterator[list[Statement]]:
    """Collect every statement that reads or changes rows it looks for."""
    seen: list[Statement] = []

    def note(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
        if (
            statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH"))
            and "polysms_version" not in statement
        ):
            one = parameters[0] if isinstance(parameters, list) else parameters
            seen.append((statement, one))

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.parametrize("name", LOOKUPS)
def test_no_lookup_scans_a_table(ledger: Ledger, url: str, name: str) -> None:
    """Whatever is looked for, an index leads to it."""
    ledger.write("id", scenes.message(key="key", tag="tag"), scenes.opened())

    with statements() as seen:
        LOOKUPS[name](ledger)

    plans = {statement: _plan(url, statement, parameters) for statement, parameters in seen}
    assert {} != plans
    assert {} == {statement: plan for statement, plan in plans.items() if _scans(plan)}


def _plan(url: str, statement: str, parameters: Any) -> str:
    with connected(url) as connection:
        if connection.dialect.name == "postgresql":
            # So small a table would be read whole, whatever index there is.
            connection.execute(text("SET enable_seqscan = off"))
            explain = f"EXPLAIN {statement}"
        else:
            explain = f"EXPLAIN QUERY PLAN {statement}"
        return "\n".join(str(row) for row in connection.exec_driver_sql(explain, parameters))


def _scans(plan: str) -> bool:
    return "Seq Scan" in plan or "SCAN polysms_" in plan


def test_scans_are_seen(ledger: Ledger, url: str) -> None:
    """The rule above sees a look-up without an index."""
    ledger.write("id", scenes.message(), scenes.closed(scenes.opened(), Outcome.NOT_SENT))

    assert _scans(_plan(url, "SELECT * FROM polysms_messages WHERE text = 'x'", ()))


def test_many_ledgers_are_made_at_once(tmp_path: Path) -> None:
    """Threads of one process may each open a new file: the migrations run one after the other."""
    ledgers = [Ledger(f"sqlite:///{tmp_path}/{number}.db") for number in range(6)]

    with ThreadPoolExecutor(6) as threads:
        counted = list(threads.map(Ledger.stats, ledgers))

    assert [0] * 6 == [stats.attempts for stats in counted]
    for ledger in ledgers:
        ledger.close()
