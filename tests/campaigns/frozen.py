"""Frozen worker: one is stopped at each stage of a send until its lease is over, then goes on.

``python tests/campaigns/frozen.py --freezes 1 [--stage asked] [--database sqlite]``. A worker in a
process of its own stops itself (SIGSTOP) exactly at a stage; another works on meanwhile, finds the
lease expired and what became of the message. Then the first goes on (SIGCONT) as if nothing had
been. Its result is kept, and decides nothing any more; no phone may get a second copy. Clocks are
faster than the real one. Ends with 1 if a promise was broken.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import attrs
from sqlalchemy import Connection, create_engine, select
from sqlalchemy.pool import NullPool

if __name__ == "__main__":
    #: Beside what is installed, and after it: the library under test is the installed one.
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from polysms import AsyncClient, Message
from polysms.delivery import Outcome
from polysms.errors import LedgerError
from polysms.ledger import Ledger
from polysms.ledger.tables import attempts, events, messages
from polysms.worker import Worker
from tests import postgres
from tests.campaigns import audit, frozen_worker, hands, phone
from tests.campaigns.audit import Finding, Sent
from tests.campaigns.frozen_worker import STAGES, WINDOWS
from tests.campaigns.phone import Copy
from tests.campaigns.town import Clock, Town, town
from tests.campaigns.unmeasured import environment

ALL = (*STAGES, *WINDOWS)
DATABASES = ("sqlite", "postgresql")
#: Those whose lists show our references, so that nothing stays unknown.
PROVIDERS = ("wavix", "carrierx")
#: Seconds of the fast clock that a lease lasts: 60 s (no route's deadline is longer), and 60 more.
LEASE = 120.0
#: How much longer than its lease a worker is frozen.
LONGER = (1.1, 2.0)
#: Real seconds between two messages; those sent later show how far a provider's list has come.
TRICKLE = 0.4
#: Real seconds until a worker has come to its stage, until all is found out, until one has stopped.
REACHED = 30.0
SETTLED = 60.0
STOPPED = 30.0
LOOK = 0.2
#: Numbers that belong to one scene; those in one round, after which the sandbox forgets.
NUMBERS = 10_000
ROUND = 3

#: What ruling 6 says of the one that was frozen, beside what the audit says of all.
EVIDENCE = "what a stale worker came back with is kept"
ABANDONED = "an attempt past its expiry is abandoned before its first byte"
TAKEN = "an expired lease with an attempt is looked up, and never waits again"
FREED = "a transaction that stands still keeps its rows from nobody"
ENDED = "every message is accepted in the end, once"
STEADY = "both workers live, and stop when they are told to"


@attrs.frozen(kw_only=True)
class Play:
    """One scene: where a worker is frozen, on which database, how often."""

    stage: str
    database: str
    freezes: int = 1


@attrs.define(kw_only=True)
class Freeze:
    """One freeze: the message, the attempt under way, and what was known of it before SIGCONT."""

    number: int
    reference: str | None
    known: Outcome | None = None
    evidence: str | None = None
    state: str | None = None


@attrs.frozen(kw_only=True)
class Row:
    """What came of a scene."""

    play: Play
    freezes: int = 0
    messages: int = 0
    known: int = 0
    late: int = 0
    first: int = 0
    second: int = 0
    extra: int = 0
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0

    @property
    def kept(self) -> bool:
        """Whether every promise was kept: in a window, every one but that of a single copy."""
        return not self.findings and self.freezes == self.play.freezes


class Scene:
    """One ledger, the worker that is frozen and the one that is not."""

    def __init__(self, place: Town, play: Play, url: str, first: int) -> None:
        self.place = place
        self.play = play
        self.url = url
        self.numbers = range(first, first + NUMBERS)
        self.config = hands.tables(url, place.urls())
        self.world = hands.world(place.clock)
        self.random = Random(f"{play.stage}/{play.database}/{first}")  # noqa: S311 - guards nothing
        self.freezes: list[Freeze] = []
        self.surely: set[int] = set()
        self.perhaps: set[int] = set()
        self.findings: list[Finding] = []
        self._engine = create_engine(url, poolclass=NullPool)

    async def run(self) -> None:
        """Freeze as often as asked, and let everything be found out."""
        async with AsyncClient(self.config, world=self.world) as client:
            second = Worker(client, concurrency=hands.CONCURRENCY)
            working = asyncio.create_task(second.run())
            supplying = asyncio.create_task(self._supply(client))
            async with self._first() as process:
                for _ in range(self.play.freezes):
                    await self._freeze(process)
                await self._until(self._found_out)
                supplying.cancel()
                await asyncio.wait([supplying])
                await self._until(self._drained)
                await self._stop(process)
            self._expect(STEADY, kept=not working.done())
            second.stop()
            _, late = await asyncio.wait([working], timeout=STOPPED)
            self._expect(STEADY, kept=not late and working.exception() is None)

    @contextlib.asynccontextmanager
    async def _first(self) -> AsyncIterator[asyncio.subprocess.Process]:
        clock = self.place.clock
        words = (self.url, json.dumps(self.place.urls()), str(clock.began), str(clock.pace))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, frozen_worker.__file__, *words, self.play.stage),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment(),
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def _supply(self, client: AsyncClient) -> None:
        for number in self.numbers:
            message = Message(phone.recipient(number), phone.text(number))
            self.perhaps.add(number)
            try:
                await client.enqueue(message, via=f"by {PROVIDERS[number % len(PROVIDERS)]}")
            except LedgerError:
                # A worker that is frozen in its commit holds SQLite's one lock.
                continue
            self.surely.add(number)
            await asyncio.sleep(TRICKLE)

    async def _freeze(self, process: asyncio.subprocess.Process) -> None:
        """Let the first worker be stopped at its stage, and go on when its lease is over."""
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the worker cannot be told")
        process.stdin.write(b"freeze\n")
        line = await asyncio.wait_for(process.stdout.readline(), REACHED)
        freeze = Freeze(number=int(line), reference=self._under_way(int(line)))
        self.freezes.append(freeze)
        seconds = LEASE / self.place.clock.pace * self.random.uniform(*LONGER)
        await asyncio.sleep(seconds)
        self._note(freeze)
        process.send_signal(signal.SIGCONT)

    async def _stop(self, process: asyncio.subprocess.Process) -> None:
        self._expect(STEADY, kept=process.returncode is None)
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            code = await asyncio.wait_for(process.wait(), STOPPED)
            self._expect(STEADY, kept=code == 0)

    async def _until(self, done: Callable[[], bool]) -> None:
        until = time.monotonic() + SETTLED
        while time.monotonic() < until and not done():  # noqa: ASYNC110 - the database tells
            await asyncio.sleep(LOOK)

    def _expect(self, promise: str, *, kept: bool, number: int = 0) -> None:
        if not kept:
            self.findings.append(Finding(promise, number))

    # What the database tells.

    def _read(self, reader: Callable[[Connection], Any]) -> Any:
        with self._engine.connect() as connection:
            return reader(connection)

    def _under_way(self, number: int) -> str | None:
        """Return the reference of the message's attempt, None where none is committed."""
        tried = _tries(number).where(attempts.c.outcome.is_(None))
        row = self._read(lambda one: one.execute(tried).first())
        return None if row is None else str(row.reference)

    def _note(self, freeze: Freeze) -> None:
        """Note what the second worker has made of it."""
        row = self._read(lambda one: one.execute(_attempt(freeze.reference)).first())
        if row is not None:
            freeze.known = row.outcome and Outcome(row.outcome)
            freeze.evidence = row.evidence
            freeze.state = row.state
            waits = row.state == "waiting" and freeze.known is not Outcome.NOT_SENT
            self._expect(TAKEN, kept=not waits, number=freeze.number)

    def _found_out(self) -> bool:
        """Whether no message that was frozen is unclear any more."""
        frozen = [phone.text(freeze.number) for freeze in self.freezes]
        return not self._read(
            lambda one: one.execute(_LEFT.where(messages.c.text.in_(frozen))).first()
        )

    def _drained(self) -> bool:
        return not self._read(lambda one: one.execute(_LEFT).first())

    def row(self, copies: Sequence[Copy], seconds: float) -> Row:
        """Lay the ledger beside what the phones got."""
        mine = [copy for copy in copies if copy.number in self.numbers]
        kept = self._read(audit.opened)
        sent = Sent(surely=frozenset(self.surely), perhaps=frozenset(self.perhaps))
        self.findings += audit.findings(sent, kept, mine)
        arrived = {copy.reference for copy in mine}
        for freeze in self.freezes:
            self._check(freeze, arrived)
        for message in kept:
            self._expect(ENDED, kept=message.is_accepted, number=message.number)
        firsts = sum(freeze.reference in arrived for freeze in self.freezes)
        return Row(
            play=self.play,
            freezes=len(self.freezes),
            messages=len(kept),
            known=sum(freeze.known is not None for freeze in self.freezes),
            late=self._read(lambda one: len(one.execute(_LATE).all())),
            first=firsts,
            second=len(self.freezes) - firsts,
            extra=len(mine) - len({copy.number for copy in mine}),
            findings=tuple(one for one in self.findings if self._is_promised(one)),
            seconds=seconds,
        )

    def _is_promised(self, finding: Finding) -> bool:
        return self.play.stage not in WINDOWS or finding.promise not in _TWICE

    def _check(self, freeze: Freeze, arrived: set[str | None]) -> None:
        """Hold one freeze against ruling 6."""
        if freeze.reference is None:
            return
        row = self._read(lambda one: one.execute(_attempt(freeze.reference)).one())
        late = self._read(lambda one: one.execute(_late(freeze.reference)).first())
        if self.play.stage in {"written", "first byte"}:
            abandoned = row.outcome == Outcome.NOT_SENT and freeze.reference not in arrived
            self._expect(ABANDONED, kept=abandoned, number=freeze.number)
        elif self.play.stage == "closing":
            # SQLite's lock is nobody else's as long as it is frozen; PostgreSQL takes it back.
            known = freeze.known is not None or self.play.database == "sqlite"
            self._expect(FREED, kept=known, number=freeze.number)
        elif freeze.known is not None:
            heard = late is not None or row.evidence != freeze.evidence
            self._expect(EVIDENCE, kept=heard, number=freeze.number)
        asked = self.play.stage in {"asked", "answered", "closing"}
        self._expect(ENDED, kept=not asked or freeze.reference in arrived, number=freeze.number)


#: What a second copy breaks.
_TWICE = (audit.PROMISES[3], audit.PROMISES[5], ENDED)


def _tries(number: int) -> Any:
    joined = select(attempts).join(messages, messages.c.id == attempts.c.message_id)
    return joined.where(messages.c.text == phone.text(number))


def _attempt(reference: str | None) -> Any:
    joined = select(attempts, messages.c.state).join(
        messages, messages.c.id == attempts.c.message_id
    )
    return joined.where(attempts.c.reference == reference)


#: The messages that are still to be seen to.
_LEFT = select(messages.c.id).where(messages.c.state.in_(("waiting", "claimed", "unclear")))


_LATE = select(events.c.reference).where(events.c.kind == "late")


def _late(reference: str | None) -> Any:
    return _LATE.where(events.c.reference == reference)


@contextlib.contextmanager
def _databases() -> Iterator[Callable[[str], str]]:
    """Yield what makes a new ledger on a database of this kind, and returns its address."""
    with tempfile.TemporaryDirectory(prefix="polysms-") as place, contextlib.ExitStack() as stack:
        servers: list[postgres.Postgres] = []

        def made(kind: str) -> str:
            if kind == "sqlite":
                return f"sqlite:///{place}/{time.monotonic_ns()}.db"
            if not servers:
                servers.append(stack.enter_context(postgres.running()))
            return servers[0].url(servers[0].database())

        def upgraded(kind: str) -> str:
            url = made(kind)
            with Ledger(url) as ledger:
                ledger.upgrade()
            return url

        yield upgraded


async def _together(scenes: Sequence[Scene]) -> None:
    async with asyncio.TaskGroup() as group:
        for scene in scenes:
            group.create_task(scene.run())


def play(plays: Sequence[Play]) -> list[Row]:
    """Play scenes, all at the same time, in rounds; return a row for each round of each."""
    frozen_worker.quieten()
    rows = []
    with town(7, Clock(pace=hands.PACE)) as place, _databases() as made:
        left = max(one.freezes for one in plays)
        while left > 0:
            began, freezes = time.monotonic(), min(left, ROUND)
            left -= freezes
            place.forget()
            scenes = [
                Scene(place, attrs.evolve(one, freezes=freezes), made(one.database), at * NUMBERS)
                for at, one in enumerate(plays)
            ]
            asyncio.run(_together(scenes))
            copies = place.copies()
            rows += [scene.row(copies, time.monotonic() - began) for scene in scenes]
    return rows


def scenes(
    freezes: int = 1, stages: Sequence[str] = tuple(STAGES), databases: Sequence[str] = DATABASES
) -> list[Play]:
    """Return a scene for each stage on each database."""
    return [
        Play(stage=stage, database=database, freezes=freezes)
        for database in databases
        for stage in stages
    ]


_HEAD = ("database", "stage", "freezes", "messages", "by 1st", "by 2nd", "known", "late", "extra")
_LINE = "  {:<11}{:<11}{:>8}{:>9}{:>7}{:>7}{:>6}{:>5}{:>6}"


def show(rows: Sequence[Row]) -> None:
    """Print a line for each stage on each database."""
    lease = LEASE / hands.PACE
    print(
        f"frozen {lease * LONGER[0]:.1f} s or longer; leases {lease:g} s (times 1:{hands.PACE:g})"
    )
    print(_LINE.format(*_HEAD))
    for database, stage in dict.fromkeys((row.play.database, row.play.stage) for row in rows):
        mine = [r for r in rows if (r.play.database, r.play.stage) == (database, stage)]
        names = ("freezes", "messages", "first", "second", "known", "late", "extra")
        sums = Counter({name: sum(getattr(row, name) for row in mine) for name in names})
        words = (database, stage, *(sums[name] for name in names))
        print(_LINE.format(*words))
    seconds = {id(row): row.seconds for row in rows}
    print(f"  took {max(seconds.values(), default=0):.0f} s a round")
    print(audit.shown([finding for row in rows for finding in row.findings]))


def run(freezes: int) -> bool:
    """Freeze a worker so often at each stage on each database; return whether all was kept.

    In the long form in the window too.
    """
    rows = play(scenes(freezes, ALL if freezes > 1 else tuple(STAGES)))
    show(rows)
    return all(row.kept for row in rows)


def main() -> int:
    """Play what the command line asks for; return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--freezes", type=int, default=1)
    parser.add_argument("--stage", choices=ALL, action="append")
    parser.add_argument("--database", choices=DATABASES, action="append")
    wanted = parser.parse_args()
    rows = play(scenes(wanted.freezes, wanted.stage or tuple(STAGES), wanted.database or DATABASES))
    show(rows)
    return 0 if all(row.kept for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
