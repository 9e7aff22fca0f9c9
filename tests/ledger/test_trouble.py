"""When the database fails, a LedgerError says how, in words that show nothing private."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from polysms.delivery import Status
from polysms.errors import LedgerError
from polysms.ledger import Ledger, store, trouble
from polysms.values import changed
from tests.ledger import scenes
from tests.postgres import Postgres


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a ledger's file."""
    return tmp_path / "ledger.db"


@pytest.fixture
def filed(path: Path) -> Iterator[Ledger]:
    """Return a ledger in a file, with its tables."""
    with Ledger(f"sqlite:///{path}", clock=scenes.clock) as ledger:
        ledger.stats()
        yield ledger


def test_nothing_private_in_an_error(ledger: Ledger) -> None:
    """Neither the error nor its traceback shows a number, a text or a key."""
    said = scenes.message("Code 4711", key="canary-key")
    attempt = changed(scenes.opened(from_="+13135550199"), status_code=2**80)

    with pytest.raises(LedgerError) as caught:
        ledger.write("id", said, attempt)

    shown = "".join(traceback.format_exception(caught.value))
    for private in ("3135550123", "3135550199", "4711", "canary-key"):
        assert private not in shown
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)


def test_values_in_the_databases_own_words_are_not_repeated(ledger: Ledger) -> None:
    """PostgreSQL names the values of a row that is there already; we do not."""
    statement = text("INSERT INTO polysms_settings (name, value) VALUES ('canary', '4711')")
    ledger._write(lambda one: one.execute(statement))  # noqa: SLF001 - to break it from within

    with pytest.raises(LedgerError) as caught:
        ledger._write(lambda one: one.execute(statement))  # noqa: SLF001

    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_ledger_works_on_after_an_error(ledger: Ledger) -> None:
    """An error closes nothing for good: the next write goes through."""
    with pytest.raises(LedgerError):
        ledger.write("bad", scenes.message(), changed(scenes.opened(), status_code=2**80))

    ledger.write("good", scenes.message(), scenes.opened())

    assert {Status.PENDING: 1} == ledger.stats().statuses


def test_password_is_not_in_an_error() -> None:
    """A server that cannot be reached is told of without its address."""
    with (
        Ledger("postgresql+psycopg://me:canary@127.0.0.1:1/sms") as ledger,
        pytest.raises(LedgerError, match="cannot be reached") as caught,
    ):
        ledger.check()

    assert "canary" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.retry_later


def test_storm_of_writers_loses_nothing(path: Path, filed: Ledger) -> None:
    """While others hold the file again and again, every write waits for its turn."""
    over = threading.Event()

    def hold() -> None:
        with sqlite3.connect(path, timeout=10, isolation_level=None) as other:
            while not over.is_set():
                other.execute("BEGIN IMMEDIATE")
                over.wait(0.003)
                other.execute("COMMIT")
                over.wait(0.001)
        other.close()

    holders = [threading.Thread(target=hold) for _ in range(3)]
    for holder in holders:
        holder.start()
    with Ledger(filed._store.url.render_as_string(), clock=scenes.clock) as second:  # noqa: SLF001 - the same file
        with ThreadPoolExecutor(4) as threads:
            ledgers = [filed, second] * 20
            done = [
                threads.submit(one.write, f"id-{n}", scenes.message(), scenes.opened())
                for n, one in enumerate(ledgers)
            ]
        over.set()
        for holder in holders:
            holder.join()
    trouble_seen = [one.exception() for one in done if one.exception() is not None]

    assert [] == trouble_seen
    assert {Status.PENDING: 40} == filed.stats().statuses


def test_file_that_others_hold_too_long_is_busy(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that waited in vain says so, and that it may succeed later; nothing is written."""
    # Or the test would wait.
    monkeypatch.setattr(store, "PATIENCE", 0.05)
    with Ledger(f"sqlite:///{path}", clock=scenes.clock) as ledger:
        ledger.stats()
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(LedgerError, match="busy") as caught:
            ledger.write("id", scenes.message(), scenes.opened())
        # Readers wait for nobody.
        assert ledger.get("id") is None
        other.close()

        ledger.write("id", scenes.message(), scenes.opened())
    assert caught.value.retry_later


def test_full_disk_is_no_false_promise(path: Path, filed: Ledger) -> None:
    """What does not fit is an error and not written; what was written before is there."""

    def fill(limit: str) -> None:
        filed._write(lambda one: one.execute(text(f"PRAGMA max_page_count = {limit}")))  # noqa: SLF001

    fill("60")
    written: list[str] = []

    def write_on() -> None:
        for number in range(200):
            filed.write(f"id-{number}", scenes.message("x" * 1000), scenes.opened())
            written.append(f"id-{number}")

    with pytest.raises(LedgerError, match="full"):
        write_on()

    assert written
    assert set(written) == {one.id for one in filed.find(limit=1000)}
    filed.check()
    filed.write("after", scenes.message(), scenes.opened())
    assert filed.get("after") is not None


def test_damaged_file_is_told(path: Path) -> None:
    """A file that is no database, or a broken one, is not written over."""
    path.write_bytes(b"not a database" * 100)

    with (
        Ledger(f"sqlite:///{path}", clock=scenes.clock) as ledger,
        pytest.raises(LedgerError, match="no SQLite"),
    ):
        ledger.write("id", scenes.message(), scenes.opened())

    assert path.read_bytes().startswith(b"not a database")


def test_damage_inside_is_found(path: Path, filed: Ledger) -> None:
    """``check`` finds pages that were overwritten."""
    for number in range(50):
        filed.write(f"id-{number}", scenes.message("x" * 500), scenes.opened())
    filed.check()
    filed.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xff" * 20_000)

    with pytest.raises(LedgerError, match="damaged"):
        filed.check()


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    """A file in a folder that does not exist is told as such."""
    with (
        Ledger(f"sqlite:///{tmp_path}/none/ledger.db") as ledger,
        pytest.raises(LedgerError, match="folder"),
    ):
        ledger.stats()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everything")
def test_file_that_may_not_be_written(path: Path, filed: Ledger) -> None:
    """A file of somebody else's is told as such."""
    filed.close()
    path.chmod(stat.S_IRUSR)

    with pytest.raises(LedgerError, match=r"written|opened"):
        filed.write("id", scenes.message(), scenes.opened())


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_connection_that_died_is_replaced(ledger: Ledger, postgres: Postgres) -> None:
    """Connections that the server closed while nobody used them do not fail the next write."""
    ledger.write("id", scenes.message(), scenes.opened())
    postgres.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND datname LIKE 'test_%'"
    )

    ledger.write("after", scenes.message(), scenes.opened())

    assert {Status.PENDING: 2} == ledger.stats().statuses


@pytest.mark.one_python
def test_knot_is_untied(postgres: Postgres, template: str) -> None:
    """Of two transactions that wait for each other one is undone, and done again."""
    change = text("UPDATE polysms_messages SET tag = :tag WHERE id = :id")
    with Ledger(postgres.url(postgres.database(template))) as ledger:
        for name in ("a", "b"):
            ledger.write(name, scenes.message(), scenes.opened())
        both, tries = threading.Barrier(2, timeout=10), []

        def crosswise(first: str, second: str) -> None:
            def locked(connection: Connection) -> None:
                again = first in tries
                tries.append(first)
                connection.execute(change, {"tag": first, "id": first})
                if not again:
                    both.wait()
                connection.execute(change, {"tag": first, "id": second})

            ledger._write(locked)  # noqa: SLF001 - no public write goes in this order

        with ThreadPoolExecutor(2) as threads:
            list(threads.map(crosswise, "ab", "ba"))

    assert len(tries) > 2


def _sqlite(code: int) -> DBAPIError:
    error = sqlite3.OperationalError("canary")
    error.sqlite_errorcode = code
    return DBAPIError("INSERT canary", None, error)


SENTENCES = [
    (_sqlite(sqlite3.SQLITE_BUSY_SNAPSHOT), "busy"),
    (_sqlite(sqlite3.SQLITE_IOERR_WRITE), "read or write"),
    (_sqlite(sqlite3.SQLITE_READONLY_DBMOVED), "may not be written"),
    (_sqlite(sqlite3.SQLITE_MISUSE), "failed"),
    (DBAPIError("x", None, sqlite3.OperationalError("no such table: x")), "ledger upgrade"),
    (DBAPIError("x", None, psycopg.errors.UndefinedTable()), "ledger upgrade"),
    (DBAPIError("x", None, psycopg.errors.DiskFull()), "full"),
    (DBAPIError("x", None, psycopg.errors.DeadlockDetected()), "busy"),
    (DBAPIError("x", None, psycopg.errors.QueryCanceled()), "too long"),
    (DBAPIError("x", None, psycopg.errors.AdminShutdown()), "cannot be reached"),
    (DBAPIError("x", None, psycopg.errors.InvalidPassword()), "password"),
    (DBAPIError("x", None, psycopg.errors.InsufficientPrivilege()), "rights"),
    (DBAPIError("x", None, psycopg.errors.ReadOnlySqlTransaction()), "only be read"),
    (DBAPIError("x", None, psycopg.errors.InternalError_()), "SQLSTATE XX000"),
    (DBAPIError("x", None, psycopg.OperationalError("canary")), "cannot be reached"),
    (PoolTimeout("canary"), "busy"),
    (InvalidRequestError("canary"), "InvalidRequestError"),
]


@pytest.mark.parametrize(("error", "expected"), SENTENCES)
def test_sentences(error: Exception, expected: str) -> None:
    """Every trouble has a sentence, and none repeats what the database said."""
    sentence = trouble.sentence_of(error)

    assert expected in sentence
    assert "canary" not in sentence
