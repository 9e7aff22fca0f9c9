"""Databases that can be broken: killed and restarted, locked by others, without space left."""

from __future__ import annotations

import contextlib
import getpass
import os
import pwd
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
from sqlalchemy import Connection, Engine, event

if __name__ == "__main__":
    #: Beside what is installed, and after it: the library under test is the installed one.
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from tests import postgres

#: Bytes of a file system that is to become full: a database of PostgreSQL needs half of it.
SMALL = 32 * 1024 * 1024
#: How long it stays full: seconds. What has room in a page that is there is written all the same.
FULL = (1.5, 3.0)
#: Seconds until a killed server has gone.
GONE = 10.0
#: Microseconds that PostgreSQL takes for a commit at least, so that a kill finds many under way.
COMMIT = 20_000
#: Processes that hold SQLite's lock, and the seconds in which nobody does, at most.
HOLDERS = 3
FREE = 0.1


class UnavailableError(Exception):
    """This machine does not allow this trouble; says why."""


@attrs.frozen(kw_only=True)
class Database:
    """A ledger's address, and what breaks and mends it.

    ``seconds`` is how long it is broken, at least and at most; ``many`` says that other processes
    meet the trouble too.
    """

    url: str
    hurt: Callable[[], None]
    heal: Callable[[], None]
    seconds: tuple[float, float] = (0.4, 1.6)
    many: bool = True


#: A server that does not forget, that is mostly at a commit, and that is soon there again.
_LASTING = (
    *("RESET fsync", "SET recovery_init_sync_method = 'syncfs'"),
    *(f"SET commit_delay = {COMMIT}", "SET commit_siblings = 0"),
)


#: Seconds until a server that did not start is started again.
AGAIN = 0.5


class Killed:
    """A PostgreSQL server of our own that is killed, with every process of it."""

    def __init__(self, server: postgres.Postgres) -> None:
        self._server = server

    def hurt(self) -> None:
        """Kill it (SIGKILL), its postmaster first."""
        postmaster = self._server.server.get_postmaster_info().process
        family = [postmaster, *postmaster.children(recursive=True)]
        for process in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        until = time.monotonic() + GONE
        while time.monotonic() < until and any(_is_alive(process.pid) for process in family):
            time.sleep(0.01)

    def heal(self) -> None:
        """Start it again; it recovers by itself."""
        until = time.monotonic() + GONE
        while True:
            # A killed process whose parent does not ask for its end still has its number.
            for left in ("postmaster.pid", ".s.PGSQL.5432.lock"):
                (self._server.folder / left).unlink(missing_ok=True)
            try:
                self._server.server.ensure_postgres_running()
            except subprocess.SubprocessError:
                # What the killed ones shared may be in use for a moment more.
                if time.monotonic() > until:
                    raise
                time.sleep(AGAIN)
            else:
                return


def _is_alive(pid: int) -> bool:
    """Whether a process runs; a dead one has its number until somebody asks how it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextlib.contextmanager
def killed() -> Iterator[Database]:
    """Yield a PostgreSQL that is killed and started again; fsync is on."""
    with postgres.running() as server:
        for setting in _LASTING:
            server.run(f"ALTER SYSTEM {setting}")
        server.run("SELECT pg_reload_conf()")
        if server.run("SHOW fsync") != [("on",)]:
            time.sleep(0.5)
        breaking = Killed(server)
        yield Database(url=server.url(server.database()), hurt=breaking.hurt, heal=breaking.heal)


class Held:
    """A SQLite file whose write lock other processes hold."""

    def __init__(self, file: Path, longest: float) -> None:
        self._file = file
        self._longest = longest
        self._holders: list[subprocess.Popen[bytes]] = []

    def hurt(self) -> None:
        """Let the holders begin."""
        words = [sys.executable, __file__, str(self._file), str(self._longest)]
        for seed in range(HOLDERS):
            holder = subprocess.Popen([*words, str(seed)])  # noqa: S603 - this very file
            self._holders.append(holder)

    def heal(self) -> None:
        """End them, in the middle of whatever they hold."""
        for holder in self._holders:
            holder.kill()
            holder.wait()
        self._holders.clear()


@contextlib.contextmanager
def held(longest: float) -> Iterator[Database]:
    """Yield a SQLite file of which others hold the write lock, so many seconds at a time."""
    with tempfile.TemporaryDirectory(prefix="polysms-") as place:
        file = Path(place) / "ledger.db"
        breaking = Held(file, longest)
        try:
            yield Database(
                url=f"sqlite:///{file}",
                hurt=breaking.hurt,
                heal=breaking.heal,
                seconds=(longest, 2 * longest),
            )
        finally:
            breaking.heal()


def hold(file: str, longest: str, seed: str) -> None:
    """Hold a file's write lock now and then, until killed."""
    chance = random.Random(seed)  # noqa: S311 - guards nothing
    connection = sqlite3.connect(file, timeout=60, isolation_level=None)
    while True:
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(chance.uniform(0, float(longest)))
        connection.execute("ROLLBACK")
        time.sleep(chance.uniform(0, FREE))


class Bounded:
    """A SQLite file that may have no further page."""

    def __init__(self, file: Path) -> None:
        self._file = str(file)
        self._most = 0

    def begin(self, connection: Connection) -> None:
        """Tell SQLite the bound, as a transaction of this process begins."""
        if connection.engine.url.database == self._file and self._most:
            # Never fewer pages than there are: then it is full.
            connection.exec_driver_sql(f"PRAGMA max_page_count = {self._most}")

    def hurt(self) -> None:
        """Let no page be added."""
        self._most = 1

    def heal(self) -> None:
        """Let as many be added as SQLite can have."""
        self._most = 1_000_000_000


@contextlib.contextmanager
def bounded() -> Iterator[Database]:
    """Yield a SQLite file that this process alone finds full (``PRAGMA max_page_count``)."""
    with tempfile.TemporaryDirectory(prefix="polysms-") as place:
        file = Path(place) / "ledger.db"
        breaking = Bounded(file)
        event.listen(Engine, "begin", breaking.begin)
        try:
            yield Database(
                url=f"sqlite:///{file}", hurt=breaking.hurt, heal=breaking.heal, many=False
            )
        finally:
            event.remove(Engine, "begin", breaking.begin)


class Filled:
    """A small file system that is filled to its last byte."""

    def __init__(self, place: Path) -> None:
        self._ballast = place / "ballast"

    def hurt(self) -> None:
        """Fill it."""
        with contextlib.suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            for size in (65_536, 4096, 512, 1):
                _pour(file, bytes(size))

    def heal(self) -> None:
        """Give the space back."""
        self._ballast.unlink(missing_ok=True)


def _pour(file: Any, block: bytes) -> None:
    with contextlib.suppress(OSError):
        while file.write(block):
            continue


@contextlib.contextmanager
def small(owner: str) -> Iterator[Path]:
    """Yield the folder of a small file system of its own, which belongs to a user."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        raise UnavailableError("a small file system takes Linux and root (mount -t tmpfs)")
    with tempfile.TemporaryDirectory(prefix="polysms-") as outer:
        Path(outer).chmod(0o755)
        place = Path(outer) / "small"
        place.mkdir()
        uid = pwd.getpwnam(owner).pw_uid
        facts = f"size={SMALL},uid={uid},mode=700"
        mount = ["mount", "-t", "tmpfs", "-o", facts, "tmpfs", str(place)]
        done = subprocess.run(mount, capture_output=True, check=False)  # noqa: S603
        if done.returncode:
            raise UnavailableError("this machine mounts no small file system, even for root")
        try:
            yield place
        finally:
            subprocess.run(["umount", "-l", str(place)], check=False)  # noqa: S603, S607


@contextlib.contextmanager
def full_sqlite() -> Iterator[Database]:
    """Yield a SQLite file on a file system that becomes full, for every process."""
    with small(getpass.getuser()) as place:
        breaking = Filled(place)
        url = f"sqlite:///{place}/ledger.db"
        yield Database(url=url, hurt=breaking.hurt, heal=breaking.heal, seconds=FULL)


@contextlib.contextmanager
def full_postgresql() -> Iterator[Database]:
    """Yield a PostgreSQL database in a tablespace that becomes full."""
    with contextlib.ExitStack() as stack:
        # As root the server runs as a user of its own, which its start has made.
        server = stack.enter_context(postgres.running())
        owner = pwd.getpwuid(server.folder.stat().st_uid).pw_name
        place = stack.enter_context(small(owner))
        server.run(f"CREATE TABLESPACE small LOCATION '{place}'")
        database = "small"
        server.run(f"CREATE DATABASE {database} TABLESPACE small")
        stack.callback(server.run, f"DROP DATABASE {database} WITH (FORCE)")
        breaking = Filled(place)
        url = server.url(database)
        yield Database(url=url, hurt=breaking.hurt, heal=breaking.heal, seconds=FULL)


if __name__ == "__main__":
    hold(*sys.argv[1:])
