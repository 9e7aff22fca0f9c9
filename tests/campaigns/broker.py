"""Celery: tasks that are lost, repeated and shuffled, workers killed in the middle, no broker.

``python tests/campaigns/broker.py --messages 2000 [--keeps] [--postgresql]``. Real workers
(``celery worker --pool=prefork -c 2``), a real beat and a real Valkey. Each message's task is
published one to five times, in any order. Six of a hundred answers of the sandbox, in a process of
its own, are dropped or delayed after it accepted; three requests are lost before. Meanwhile
processes that have an open attempt are killed, whole workers too, and so is the broker, which
forgets its queue unless it ``keeps`` it. Then the ledger is laid beside what the phones got.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import attrs
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

if __name__ == "__main__":
    #: Beside what is installed, and after it: the library under test is the installed one.
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from polysms import Delivery, Message, Status
from polysms.celery import outbox
from polysms.delivery import Outcome
from polysms.ledger import Ledger
from tests import postgres, valkey
from tests.campaigns import checker, hands, phone, shop
from tests.campaigns.checker import Finding, Told
from tests.campaigns.proxy import Weather
from tests.campaigns.shop import Facts
from tests.campaigns.town import Clock, Town, town
from tests.valkey import Server

#: As in the campaign of kills: six of a hundred answers do not come, three requests do not arrive.
SHARE = 0.09
KINDS = (
    *("close, taken", "reset, taken", "hang, taken", "hang, taken"),
    *("close, untaken", "reset, untaken"),
)
#: Seconds that the provider takes at most for a send.
LATENCY = 0.2
PROVIDERS = ("wavix", "carrierx")
WORKERS = 2
#: Messages that are enqueued together, and the seconds until the next.
BATCH = 20
PAUSE = 0.5
#: Times at most that one task is published.
MOST = 5
#: Batches from one kill of a whole worker to the next, and from one end of the broker to the next.
WHOLE = 4
BROKER = 5
#: Messages after which the sandbox forgets: its lists are slow when they are long.
ROUND = 900
#: Seconds in which all must be over at the end, and of a worker's own end.
DRAINED = 300.0
STOPPED = 60.0
#: Seconds to wait for an attempt that is open.
OPEN = 1.0

_COMMON = ("--loglevel", "WARNING")
_WORKER = (
    *("worker", "--pool", "prefork", "-c", "2", *_COMMON),
    *("--without-mingle", "--without-gossip", "--without-heartbeat"),
)
_OPEN = text(
    "SELECT m.claimed_by FROM polysms_attempts a JOIN polysms_messages m ON m.id = a.message_id "
    "WHERE a.outcome IS NULL AND m.state = 'claimed'"
)
_LEFT = text(
    "SELECT count(*), count(CASE WHEN state = 'unclear' THEN 1 END) FROM polysms_messages "
    "WHERE state IN ('waiting', 'claimed', 'unclear')"
)


@attrs.frozen(kw_only=True)
class Game:
    """One campaign: how many messages, whether the broker keeps its queue, on which database."""

    messages: int
    keeps: bool = False
    database: str = "sqlite"
    seed: int = 7


@attrs.frozen(kw_only=True)
class Tally:
    """What came of it. ``hits`` are the kills of a process that had an open attempt."""

    messages: int = 0
    tasks: int = 0
    unpublished: int = 0
    forgotten: int = 0
    kills: int = 0
    hits: int = 0
    brokers: int = 0
    lost: int = 0
    extra: int = 0
    unknown: int = 0
    findings: tuple[Finding, ...] = ()
    troubles: tuple[str, ...] = ()
    seconds: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        """Return both together."""
        names = [field.name for field in attrs.fields(Tally)]
        return Tally(**{name: getattr(self, name) + getattr(other, name) for name in names})

    @property
    def is_kept(self) -> bool:
        """Whether every promise was kept, and what it is there to meet was met."""
        broken = self.lost or self.extra or self.unknown or self.findings or self.troubles
        return not broken and self.hits > 0 and self.brokers > 0


class Staff:
    """Celery's processes, each the first of a group of its own."""

    def __init__(self, facts: Facts, folder: Path) -> None:
        self._environment = facts.environment()
        self._folder = folder
        self._log = (folder / "celery.log").open("a")
        self._workers: list[subprocess.Popen[bytes]] = []
        self._beat: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Let all of them begin."""
        self._workers = [self._start(*_WORKER, "-n", f"{one}@shop") for one in range(WORKERS)]
        place = str(self._folder / "schedule")
        self._beat = self._start("beat", "-s", place, "--pidfile=", *_COMMON)

    def replace(self, one: int) -> None:
        """Kill a whole worker, and let another begin."""
        _killed(self._workers[one])
        self._workers[one] = self._start(*_WORKER, "-n", f"{one}@shop")

    def kill(self, pid: int) -> bool:
        """Kill one process of a worker; return whether it was there."""
        if any(pid in _children(worker.pid) for worker in self._workers):
            os.kill(pid, signal.SIGKILL)
            return True
        return False

    def end(self) -> list[str]:
        """Let all of them end by themselves; return a sentence for each that does not."""
        everybody = [*self._workers, *([self._beat] if self._beat else [])]
        for process in everybody:
            process.terminate()
        late = []
        for process in everybody:
            try:
                process.wait(STOPPED)
            except subprocess.TimeoutExpired:
                late.append(f"a process of Celery does not end in {STOPPED:g} s")
                _killed(process)
        self._workers, self._beat = [], None
        return late

    def close(self) -> None:
        """Leave nobody behind."""
        for process in (*self._workers, *([self._beat] if self._beat else [])):
            _killed(process)
        self._log.close()

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - the app beside this
            [sys.executable, shop.__file__, *words],
            env=self._environment,
            cwd=self._folder,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )


def _killed(process: subprocess.Popen[bytes]) -> None:
    # Its group is its own, and it has not been waited for: the number is nobody else's.
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(STOPPED)


def _children(pid: int) -> set[int]:
    with contextlib.suppress(OSError):
        return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    return set()


class Scene:
    """A broker, a ledger, a town and Celery's processes, for one round."""

    def __init__(self, game: Game, place: Town, broker: Server, facts: Facts, staff: Staff) -> None:
        self.game = game
        self.place = place
        self.broker = broker
        self.staff = staff
        self.app, self.outbox = shop.made(facts)
        self.random = Random(f"{game.seed}/{facts.ledger}")  # noqa: S311 - guards nothing
        self.engine = create_engine(facts.ledger, poolclass=NullPool)
        self.numbers: dict[int, str] = {}
        self.tally = Tally()

    def count(self, **more: Any) -> None:
        """Add to what is counted."""
        self.tally += Tally(**more)

    def enqueue(self, many: int) -> None:
        """Write messages down, and publish the task of each a few times, in any order."""
        client = self.outbox.client
        tasks: list[str] = []
        for number in range(len(self.numbers), len(self.numbers) + many):
            message = Message(phone.recipient(number), phone.text(number))
            via = f"by {PROVIDERS[number % len(PROVIDERS)]}"
            self.numbers[number] = str(client.enqueue(message, via=via).id)
            tasks += [self.numbers[number]] * self.random.randint(1, MOST)
        self.random.shuffle(tasks)
        published = sum(self.outbox.publish(id_) for id_ in tasks)
        self.count(messages=many, tasks=published, unpublished=len(tasks) - published)

    def strike(self) -> None:
        """Kill a process that has an open attempt, if there is one soon."""
        until = time.monotonic() + OPEN
        while time.monotonic() < until:
            with self.engine.connect() as connection:
                workers = connection.execute(_OPEN).scalars().all()
            if any(self.staff.kill(int(name.split(":")[1])) for name in workers[:1]):
                self.count(kills=1, hits=1)
                return
            time.sleep(0.01)

    def replace(self, one: int) -> None:
        """Kill a whole worker."""
        self.staff.replace(one)
        self.count(kills=1)

    def cut(self) -> None:
        """End the broker, and start it again."""
        queued = self._queued()
        self.broker.kill()
        time.sleep(PAUSE / 2)
        self.broker.start()
        self.count(brokers=1, forgotten=queued - self._queued())

    def _queued(self) -> int:
        with self.broker.client() as client:
            return sum(len(client.lrange(name, 0, -1)) for name in ("celery", outbox.DUE))

    def left(self) -> tuple[int, int]:
        """Return how many messages somebody has to see to, and how many of them are unclear."""
        with self.engine.connect() as connection:
            left, unclear = connection.execute(_LEFT).one()
            return int(left), int(unclear)

    def lay(self) -> None:
        """Lay the ledger beside what the phones got."""
        client = self.outbox.client
        tales = {number: _told(client.get(id_)) for number, id_ in self.numbers.items()}
        copies = self.place.copies()
        broken = checker.findings([*self.numbers], tales, copies, 1)
        came = {copy.number for copy in copies}
        unknown = {
            number
            for number, tale in tales.items()
            if tale is not None and tale.outcome is Outcome.MAYBE_SENT
        }
        self.count(
            lost=len(self.numbers.keys() - came - unknown),
            extra=len(copies) - len(came),
            unknown=len(unknown),
            findings=tuple(broken),
        )


def _told(delivery: Delivery) -> Told | None:
    if delivery.status is Status.PENDING:
        return None
    outcome = Outcome.ACCEPTED
    if delivery.status in {Status.MAYBE_SENT, Status.NOT_SENT}:
        outcome = Outcome(delivery.status.value.lower())
    return Told(outcome=outcome, provider_id=delivery.provider_id, attempts=delivery.attempts)


def play(scene: Scene, messages: int) -> Tally:
    """Play one round; return what came of it."""
    began = time.monotonic()
    scene.place.forget()
    scene.place.weather(Weather(seed=scene.game.seed, share=SHARE, kinds=KINDS, latency=LATENCY))
    scene.staff.begin()
    for batch in range(-(-messages // BATCH)):
        scene.enqueue(min(BATCH, messages - batch * BATCH))
        scene.strike()
        if batch % WHOLE == WHOLE - 2:
            scene.replace(batch // WHOLE % WORKERS)
        if batch % BROKER == BROKER - 2:
            scene.cut()
        time.sleep(PAUSE)
    scene.place.calm()
    _drain(scene)
    late = scene.staff.end()
    scene.lay()
    scene.count(troubles=tuple(late), seconds=time.monotonic() - began)
    return scene.tally


def _drain(scene: Scene) -> None:
    """Wait until nobody has to see to anything."""
    until = time.monotonic() + DRAINED
    left, unclear = scene.left()
    while left and time.monotonic() < until:
        if unclear:
            # What is sent later shows how far a list has come, and so what is not on it.
            scene.enqueue(1)
        time.sleep(PAUSE)
        left, unclear = scene.left()
    if left:
        scene.count(troubles=(f"{left} are not over after {DRAINED:.0f} s",))


def run(game: Game) -> Tally:
    """Play a game in rounds, and show what came of it."""
    told, left = Tally(), game.messages
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(town(game.seed, Clock(pace=hands.PACE)))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="broker-")))
        server = stack.enter_context(postgres.running()) if game.database != "sqlite" else None
        while left > 0:
            home = folder / f"{left}"
            home.mkdir()
            url = server.url(server.database()) if server else f"sqlite:///{home}/ledger.db"
            with _scene(game, place, url, home) as scene:
                told += play(scene, min(left, ROUND))
            left -= ROUND
            show(game, told)
            if not told.is_kept:
                print((home / "celery.log").read_text()[-4000:])
    return told


@contextlib.contextmanager
def _scene(game: Game, place: Town, url: str, home: Path) -> Iterator[Scene]:
    kept = home / "valkey" if game.keeps else None
    if kept is not None:
        kept.mkdir()
    with Ledger(url) as ledger:
        ledger.upgrade()
    with valkey.running(kept) as broker:
        urls = {name: place.urls()[name] for name in PROVIDERS}
        address = broker.url.replace("valkey:", "redis:")
        clock = place.clock
        facts = Facts(broker=address, ledger=url, urls=urls, began=clock.began, pace=clock.pace)
        staff = Staff(facts, home)
        scene = Scene(game, place, broker, facts, staff)
        try:
            yield scene
        finally:
            staff.close()
            scene.outbox.close()
            scene.app.close()


def show(game: Game, tally: Tally) -> None:
    """Print what came of a game."""
    queue = "kept" if game.keeps else "lost"
    print(
        f"\n{game.database}, the broker's queue is {queue} with it: {tally.messages} messages in "
        f"{tally.seconds:.0f} s\n"
        f"  tasks published {tally.tasks}, not published {tally.unpublished}, "
        f"forgotten by the broker {tally.forgotten}\n"
        f"  kills {tally.kills}, of them with an open attempt {tally.hits}; "
        f"the broker {tally.brokers} times\n"
        f"  lost {tally.lost}, extra copies {tally.extra}, unknown {tally.unknown}"
    )
    print("\n".join(checker.shown(tally.findings)))
    for trouble in tally.troubles:
        print(f"  TROUBLE: {trouble}")


def games(messages: int, *databases: str) -> Sequence[Game]:
    """Return the games over which so many messages are spread: half with a broker that keeps."""
    return [
        Game(messages=messages // (2 * len(databases)), keeps=keeps, database=database)
        for database in databases
        for keeps in (False, True)
    ]


def main() -> int:
    """Run what the command line asks for; return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--keeps", action="store_true")
    parser.add_argument("--postgresql", action="store_true")
    wanted = vars(parser.parse_args())
    database = "postgresql" if wanted.pop("postgresql") else "sqlite"
    return 0 if run(Game(database=database, **wanted)).is_kept else 1


if __name__ == "__main__":
    sys.exit(main())
