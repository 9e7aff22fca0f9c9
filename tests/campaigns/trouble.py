"""Database trouble: the ledger's database dies, is locked or full while texts are sent.

``python tests/campaigns/trouble.py --times 3 [--kind killed] [...]``. Clients in threads and in an
event loop send and enqueue, and workers (one here, others in processes of their own) drain, while
the database breaks again and again. Nothing may be told as accepted that is not, nothing that was
enqueued may be missing, nothing may be at a provider that is not written, no phone may get two
copies; and all must go on by itself once the database is back. Clocks are faster than the real one.
Ends with 1 if a promise was broken.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

if __name__ == "__main__":
    #: Beside what is installed, and after it: the library under test is the installed one.
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from polysms import AsyncClient, Client, Delivery, Message, PolysmsError
from polysms.delivery import Outcome
from polysms.errors import LedgerError
from polysms.ledger import Ledger, store
from polysms.worker import Worker
from tests.campaigns import audit, fragile, hands, phone
from tests.campaigns.audit import Finding, Kept, Sent
from tests.campaigns.fragile import Database, UnavailableError
from tests.campaigns.nursery import Nursery, nursery
from tests.campaigns.phone import Copy
from tests.campaigns.proxy import Weather
from tests.campaigns.town import Clock, Town, town

#: Seconds that a write waits for others, in this process: a tenth of the usual ones.
PATIENCE = 1.0
#: Seconds that others hold SQLite's lock at most: longer than anybody's patience here.
HELD = 3.5
#: How long the database is well in between: seconds.
WELL = (0.6, 1.4)
#: Callers in threads, and in the event loop; the pause of each after every message.
THREADS = 4
TASKS = 3
PAUSE = 0.2
#: Workers in processes of their own.
WORKERS = 2
#: Seconds that the provider takes at most for a send: then many are under way at any moment.
LATENCY = 0.1
#: Messages that must be taken once the database is back, and the seconds between what is sent then.
AFTER = 10
TRICKLE = 0.2
#: Seconds until all is found out, and until a thread or a process has ended.
SETTLED = 60.0
STOPPED = 20.0
LOOK = 0.3
#: Numbers that belong to one kind of trouble.
NUMBERS = 50_000
#: Those whose lists show our references, so that nothing stays unknown.
PROVIDERS = ("wavix", "carrierx")

KINDS: Mapping[str, tuple[str, Callable[[], contextlib.AbstractContextManager[Database]]]] = {
    "killed": ("PostgreSQL is killed and restarted", fragile.killed),
    "held": ("SQLITE_BUSY: others hold the lock", lambda: fragile.held(HELD)),
    "bounded": ("SQLite is full (max_page_count)", fragile.bounded),
    "full sqlite": ("SQLite's disk is full", fragile.full_sqlite),
    "full postgresql": ("PostgreSQL's tablespace is full", fragile.full_postgresql),
}

#: What is promised beside what the audit says of all.
ACCEPTED = "what send() returned is at a provider, under that id"
UNSENT = "what send() could not write down is at no provider"
ERRORS = "a database's trouble is told as a LedgerError, and as nothing else"
UNCLOSED = "what was sent and could not be written down is found, and not sent again"
ALIVE = "workers live through it, and stop when they are told to"
BACK = "once the database is back, all is taken again and drained"


@attrs.frozen(kw_only=True)
class Row:
    """What came of one kind of trouble."""

    kind: str
    times: int = 0
    sends: int = 0
    enqueues: int = 0
    refused: int = 0
    there: int = 0
    unclosed: int = 0
    lost: int = 0
    wrong: int = 0
    unwritten: int = 0
    extra: int = 0
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    skipped: str | None = None

    @property
    def kept(self) -> bool:
        """Whether every promise was kept."""
        return not self.findings


class Unwritten(logging.Handler):
    """Notes the ids of what was sent, and could not be written down afterwards."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.ids: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of one line of the log."""
        if str(record.msg).startswith("not written down") and isinstance(record.args, tuple):
            self.ids |= set(record.args[0] if isinstance(record.args[0], list) else ())


class Scene:
    """A ledger in trouble, and those who use it."""

    def __init__(self, place: Town, kind: str, database: Database, first: int) -> None:
        self.kind = kind
        self.numbers = range(first, first + NUMBERS)
        self.database = database
        self.config = hands.tables(database.url, place.urls())
        self.place = place
        self.world = hands.world(place.clock)
        self.sent: dict[int, Delivery | PolysmsError] = {}
        self.enqueued: dict[int, Delivery | PolysmsError] = {}
        self.findings: list[Finding] = []
        self.unwritten = Unwritten()
        self.seconds = 0.0
        self._next = iter(self.numbers)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._pids: list[int] = []

    # Those who use it.

    def number(self) -> int:
        """Return the number of a new message."""
        with self._lock:
            return next(self._next)

    def call(self, client: Client) -> None:
        """Send and enqueue in turn, until told to stop."""
        while not self._stopping.is_set():
            number = self.number()
            self.note(number, lambda one=number: self.act(client, one))  # type: ignore[misc]
            time.sleep(PAUSE)

    def act(self, client: Any, number: int) -> Any:
        """Let a client of either kind enqueue or send a message: each other one."""
        message = Message(phone.recipient(number), phone.text(number))
        via = f"by {PROVIDERS[number // 2 % 2]}"
        return (client.send if self.is_sent(number) else client.enqueue)(message, via=via)

    @staticmethod
    def is_sent(number: int) -> bool:
        """Whether a message is sent at once, and not enqueued."""
        return bool(number % 2)

    def note(self, number: int, act: Callable[[], Delivery]) -> Delivery | PolysmsError | None:
        """Do something with a message, and note what was told."""
        try:
            said: Delivery | PolysmsError = act()
        except PolysmsError as error:
            said = error
        except Exception as error:  # noqa: BLE001 - what nobody was promised
            self.expect(ERRORS, kept=False, number=number)
            print(f"  {number}: {error!r}")
            return None
        (self.sent if self.is_sent(number) else self.enqueued)[number] = said
        return said

    async def live(self) -> None:
        """Be the callers and the worker of an event loop, until told to stop."""
        async with AsyncClient(self.config, world=self.world) as client:
            worker = Worker(client, concurrency=hands.CONCURRENCY)
            working = asyncio.create_task(worker.run())
            await asyncio.gather(*(self._call(client) for _ in range(TASKS)))
            await asyncio.to_thread(self._drain, client)
            self.expect(ALIVE, kept=not working.done())
            worker.stop()
            await asyncio.wait_for(working, STOPPED)

    async def _call(self, client: AsyncClient) -> None:
        while not self._stopping.is_set():
            number = self.number()
            try:
                said = await self.act(client, number)
            except Exception as error:  # noqa: BLE001 - handed on
                said = error
            self.note(number, lambda one=said: _again(one))  # type: ignore[misc]
            await asyncio.sleep(PAUSE)

    def _drain(self, client: AsyncClient) -> None:
        """Let messages follow until what was unclear is found out, and the outbox is empty."""
        until = time.monotonic() + SETTLED
        with Client(self.config, world=self.world) as own:
            for _ in range(AFTER * 2):
                self._taken(own, until)
            while time.monotonic() < until and any(map(_is_unclear, self.kept())):
                number = self.number()
                self.note(number, lambda one=number: self.act(own, one))  # type: ignore[misc]
                time.sleep(TRICKLE)
        while (left := [one for one in self.kept() if _is_left(one)]) and time.monotonic() < until:
            time.sleep(LOOK)
        for one in left:
            self.expect(BACK, kept=False, number=one.number)
        client.ledger.check()

    def _taken(self, client: Client, until: float) -> None:
        """Let a message be taken; the next one, where others are only busy on a slow machine."""
        while True:
            number = self.number()
            said = self.note(number, lambda one=number: self.act(client, one))  # type: ignore[misc]
            passing = isinstance(said, LedgerError) and said.retry_later
            if not passing or time.monotonic() > until:
                break
        self.expect(BACK, kept=not isinstance(said, LedgerError), number=number)

    # What happens to it.

    def hire(self, kin: Nursery) -> None:
        """Make the tables, and let workers begin in processes of their own."""
        with Ledger(self.database.url) as ledger:
            ledger.upgrade()
        clock = self.place.clock
        facts = {"ledger": self.database.url, "urls": self.place.urls()}
        for _ in range(WORKERS if self.database.many else 0):
            self._pids.append(kin.begin("work", **facts, began=clock.began, pace=clock.pace))

    def dismiss(self, kin: Nursery) -> None:
        """Let them stop by themselves."""
        for pid in self._pids:
            self.expect(ALIVE, kept=kin.end(pid, signal.SIGTERM) == 0)

    def run(self, times: int) -> None:
        """Break the database so often, and mend it; let everything be found out."""
        began = time.monotonic()
        with Client(self.config, world=self.world) as client:
            threads = [threading.Thread(target=self.call, args=(client,)) for _ in range(THREADS)]
            threads.append(threading.Thread(target=lambda: asyncio.run(self.live())))
            for thread in threads:
                thread.start()
            self._trouble(times)
            self._stopping.set()
            for thread in threads:
                thread.join(SETTLED + STOPPED)
                self.expect(BACK, kept=not thread.is_alive())
        self.seconds = time.monotonic() - began

    def _trouble(self, times: int) -> None:
        chance = random.Random(self.kind)  # noqa: S311 - guards nothing
        for _ in range(times):
            time.sleep(chance.uniform(*WELL))
            self.database.hurt()
            time.sleep(chance.uniform(*self.database.seconds))
            self.database.heal()

    def expect(self, promise: str, *, kept: bool, number: int = 0) -> None:
        """Note a promise that is broken."""
        if not kept:
            self.findings.append(Finding(promise, number))

    # What came of it.

    def kept(self) -> tuple[Kept, ...]:
        """Return what the ledger holds."""
        engine = create_engine(self.database.url, poolclass=NullPool)
        with engine.connect() as connection:
            return audit.opened(connection)

    def row(self, all_copies: Sequence[Copy], times: int) -> Row:
        """Lay what was told, the ledger and the phones beside each other."""
        copies = [copy for copy in all_copies if copy.number in self.numbers]
        kept = self.kept()
        told = {**self.sent, **self.enqueued}
        taken = {number for number, one in told.items() if isinstance(one, Delivery)}
        sent = Sent(surely=frozenset(taken), perhaps=frozenset(told))
        broken = audit.findings(sent, kept, copies)
        wrong = self._wrong(copies)
        unwritten = self._unwritten(copies)
        unclosed = self._unclosed(kept)
        refused = {n for n, one in told.items() if isinstance(one, LedgerError)}
        return Row(
            kind=self.kind,
            times=times,
            sends=len(self.sent),
            enqueues=len(self.enqueued),
            refused=len(refused),
            there=len(refused & self.enqueued.keys() & {one.number for one in kept}),
            unclosed=unclosed,
            lost=sum(one.promise == audit.PROMISES[0] for one in broken),
            wrong=wrong,
            unwritten=unwritten + sum(one.promise == audit.PROMISES[7] for one in broken),
            extra=len(copies) - len({copy.number for copy in copies}),
            findings=(*broken, *self.findings),
            seconds=self.seconds,
        )

    def _wrong(self, copies: Sequence[Copy]) -> int:
        """Count what was told as accepted and is not there."""
        there = {(copy.number, copy.provider_id) for copy in copies}
        told = {n: one.provider_id for n, one in self.sent.items() if isinstance(one, Delivery)}
        false = [number for number, identity in told.items() if (number, identity) not in there]
        self.findings += [Finding(ACCEPTED, number) for number in false]
        return len(false)

    def _unwritten(self, copies: Sequence[Copy]) -> int:
        """Count what could not be written down and is at a provider all the same."""
        came = {copy.number for copy in copies}
        refused = {n for n, one in self.sent.items() if isinstance(one, LedgerError)}
        self.findings += [Finding(UNSENT, number) for number in sorted(refused & came)]
        return len(refused & came)

    def _unclosed(self, kept: Sequence[Kept]) -> int:
        """Count what send() returned though its end could not be written; it must be known now."""
        told = {n: one.id for n, one in self.sent.items() if isinstance(one, Delivery)}
        unclosed = {number for number, id_ in told.items() if id_ in self.unwritten.ids}
        known = {one.number for one in kept if one.is_accepted}
        self.findings += [Finding(UNCLOSED, number) for number in sorted(unclosed - known)]
        return len(unclosed)


def _again(said: Any) -> Any:
    if isinstance(said, Exception):
        raise said
    return said


def _is_unclear(message: Kept) -> bool:
    """Whether a look-up is still to tell of it."""
    open_ = any(one.outcome in {None, Outcome.MAYBE_SENT} for one in message.attempts)
    return open_ and not message.is_accepted


def _is_left(message: Kept) -> bool:
    return _is_unclear(message) or message.state in {"waiting", "claimed", "unclear"}


@contextlib.contextmanager
def _patience() -> Iterator[None]:
    """Let this process have less patience with a database than is usual."""
    usual = store.PATIENCE
    setattr(store, "PATIENCE", PATIENCE)  # noqa: B010 - a constant to everybody else
    try:
        yield
    finally:
        setattr(store, "PATIENCE", usual)  # noqa: B010


@contextlib.contextmanager
def _listening(handler: Unwritten) -> Iterator[None]:
    log = logging.getLogger("polysms")
    before = log.propagate
    log.addHandler(handler)
    # Else each error is said on the terminal: they are what we are here for.
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.propagate = before


def play(kinds: Sequence[str], times: int) -> list[Row]:
    """Make these kinds of trouble so often, all at the same time; return what came of each."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="polysms-"))
        place = stack.enter_context(town(7, Clock(pace=hands.PACE)))
        kin = stack.enter_context(nursery(Path(folder) / "log.txt"))
        stack.enter_context(_patience())
        place.weather(Weather(seed=7, latency=LATENCY))
        scenes, rows = [], []
        for at, kind in enumerate(kinds):
            try:
                database = stack.enter_context(KINDS[kind][1]())
            except UnavailableError as error:
                rows.append(Row(kind=kind, skipped=str(error)))
            else:
                scenes.append(Scene(place, kind, database, at * NUMBERS))
        _play(scenes, kin, times)
        copies = place.copies()
        return [scene.row(copies, times) for scene in scenes] + rows


def _play(scenes: Sequence[Scene], kin: Nursery, times: int) -> None:
    with contextlib.ExitStack() as stack:
        for scene in scenes:
            stack.enter_context(_listening(scene.unwritten))
            scene.hire(kin)
        threads = [threading.Thread(target=scene.run, args=(times,)) for scene in scenes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for scene in scenes:
            scene.dismiss(kin)


_HEAD = ("trouble", "times", "sends", "enqueues", "told", "there", "unclosed")
_ZEROS = ("lost", "false", "unwritten", "extra")
_LINE = "  {:<38}{:>6}{:>7}{:>9}{:>6}{:>6}{:>9}{:>6}{:>6}{:>10}{:>6}"


def show(rows: Sequence[Row]) -> None:
    """Print a line for each kind of trouble, and what the columns mean."""
    print(_LINE.format(*_HEAD, *_ZEROS))
    for row in rows:
        if row.skipped is not None:
            print(f"  {KINDS[row.kind][0]:<38} not to be had: {row.skipped}")
            continue
        told = (row.times, row.sends, row.enqueues, row.refused, row.there, row.unclosed)
        zeros = (row.lost, row.wrong, row.unwritten, row.extra)
        print(_LINE.format(KINDS[row.kind][0], *told, *zeros))
    print("  told: operations that raised a LedgerError; there: of those, enqueued all the same,")
    print(
        "  because a commit's answer was lost; unclosed: returned as sent, though their end could"
    )
    print("  not be written, and found by the sweep. All others must be 0.")
    print(f"  took {max((row.seconds for row in rows), default=0):.0f} s, all at the same time")
    print(audit.shown([finding for row in rows for finding in row.findings]))


def run(times: int) -> bool:
    """Make every kind of trouble so often; return whether every promise was kept."""
    rows = play(tuple(KINDS), times)
    show(rows)
    return all(row.kept for row in rows)


def main() -> int:
    """Make the trouble that the command line asks for; return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--kind", choices=KINDS, action="append")
    wanted = parser.parse_args()
    rows = play(wanted.kind or tuple(KINDS), wanted.times)
    show(rows)
    return 0 if all(row.kept for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
