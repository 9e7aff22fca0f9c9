"""SIGKILL: workers and producers die at random, and no message is lost or doubled.

``python tests/campaigns/kills.py --kills 40 --workers 1 [--postgresql]``. The sandbox, in a process
of its own, is slow, drops or delays 6 % of its answers after accepting and loses 3 % of the
requests before. Each worker lives 0.25 to 0.55 s; one producer enqueues all the time. Then nobody
is killed any more, the outbox is drained, and the ledger is laid beside what the phones got. The
same program does it to two workers that are written as they often are.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

import attrs
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

if __name__ == "__main__":
    #: Beside what is installed, and after it: the library under test is the installed one.
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from polysms.delivery import Status
from polysms.ledger import Ledger
from tests import postgres
from tests.campaigns import audit, hands
from tests.campaigns.audit import Finding, Kept, Sent
from tests.campaigns.hands import Journal
from tests.campaigns.nursery import Nursery, nursery
from tests.campaigns.phone import Copy
from tests.campaigns.proxy import Weather
from tests.campaigns.town import Clock, Town, town

#: Seconds that a worker lives.
LIFE = (0.25, 0.55)
#: Six of a hundred sends are accepted and their answers dropped or delayed for longer than anybody
#: waits; three are lost before.
SHARE = 0.09
KINDS = (
    *("close, taken", "reset, taken", "hang, taken", "hang, taken"),
    *("close, untaken", "reset, untaken"),
)
#: Seconds that the provider takes at most for a send.
LATENCY = 0.25
#: Messages that are enqueued in a second, for each worker; and while the outbox is drained.
RATE = 30.0
SLOW_RATE = 4.0
#: One kill of so many is followed by one of the producer.
PRODUCERS = 8
#: Kills before the outbox is drained and the sandbox forgets: its long lists are slow.
ROUND = 50
#: Messages for each worker that wait before the first begins.
AHEAD = 25
#: Seconds in which the outbox must be drained.
DRAINED = 120.0
#: Seconds between two looks at it.
LOOK = 0.25
POLICIES = ("polysms", "requeue", "write after send")


@attrs.frozen(kw_only=True)
class Game:
    """One campaign: how many kills, of how many workers, by what habit, on which database."""

    kills: int
    policy: str = "polysms"
    workers: int = 1
    database: str = "sqlite"
    seed: int = 7

    @property
    def is_ours(self) -> bool:
        """Whether it is polysms that works."""
        return self.policy == "polysms"


@attrs.frozen(kw_only=True)
class Tally:
    """What came of it. ``hits`` are the kills that met an open attempt."""

    kills: int = 0
    producers: int = 0
    hits: int = 0
    messages: int = 0
    lost: int = 0
    extra: int = 0
    unknown: int = 0
    unsent: int = 0
    findings: tuple[Finding, ...] = ()
    troubles: tuple[str, ...] = ()
    seconds: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        """Return both together."""
        names = [field.name for field in attrs.fields(Tally)]
        return Tally(**{name: getattr(self, name) + getattr(other, name) for name in names})


class Scene:
    """A database, a nursery and a town, for one round."""

    def __init__(self, place: Town, kin: Nursery, game: Game, url: str, folder: Path) -> None:
        self.place = place
        self.kin = kin
        self.game = game
        self.url = url
        self.folder = folder
        self.random = Random(f"{game.seed}/{folder.name}")  # noqa: S311 - guards nothing
        self.engine = create_engine(url, poolclass=NullPool)
        self.journal = Journal(str(folder / "journal.txt"))
        self.troubles: list[str] = []
        self.hits = 0
        self.producers = 0
        self._finals: dict[str, Status] = {}
        self._slots: dict[int, int] = {}
        self._producer: int | None = None

    def prepare(self) -> None:
        """Make the tables: the ledger's, and those of whoever uses it."""
        with Ledger(self.url) as ledger:
            ledger.upgrade()
        with self.engine.begin() as connection:
            connection.execute(text("CREATE TABLE orders (number INTEGER PRIMARY KEY)"))
            columns = "number INTEGER PRIMARY KEY, state TEXT, until DOUBLE PRECISION"
            connection.execute(text(f"CREATE TABLE jobs ({columns})"))

    # Processes.

    def hire(self, slot: int) -> None:
        """Let a worker begin."""
        facts = {"ledger": self.url, "urls": self.place.urls()}
        if self.game.is_ours:
            clock = {"began": self.place.clock.began, "pace": self.place.clock.pace}
            self._slots[slot] = self.kin.begin("work", **facts, **clock)
        elif self.game.policy == "requeue":
            self._slots[slot] = self.kin.begin("requeue", **facts)
        else:
            row = {"slot": slot, "slots": self.game.workers}
            self._slots[slot] = self.kin.begin("write_after", **facts, **row)

    def kill(self, slot: int) -> None:
        """Kill a worker, and look at what it leaves behind."""
        pid = self._slots.pop(slot)
        self._expect(self.kin.end(pid), -signal.SIGKILL)
        if self.game.is_ours:
            self._look(pid)

    def dismiss(self) -> None:
        """Let every worker stop by itself."""
        code = 0 if self.game.is_ours else -signal.SIGTERM
        for pid in self._slots.values():
            self._expect(self.kin.end(pid, signal.SIGTERM), code)
        self._slots.clear()

    def supply(self, rate: float) -> None:
        """Let a producer begin; the one before is killed."""
        self.cut_off()
        facts = {"ledger": self.url, "journal": str(self.folder / "journal.txt"), "rate": rate}
        if self.game.is_ours:
            clock = {"began": self.place.clock.began, "pace": self.place.clock.pace}
            job = self.kin.begin("produce", **facts, **clock, urls=self.place.urls())
        else:
            job = self.kin.begin("order", **facts)
        self._producer = job

    def cut_off(self) -> None:
        """Kill the producer, if there is one."""
        if self._producer is not None:
            self._expect(self.kin.end(self._producer), -signal.SIGKILL)
            self.producers += 1
            self._producer = None

    def _expect(self, code: int, wanted: int) -> None:
        if code != wanted:
            self.troubles.append(f"a process ended with {code}, not {wanted}")

    # What the database tells.

    def _look(self, pid: int) -> None:
        """Count the attempts that a dead worker left open; see whether the file is whole."""
        with self.engine.connect() as connection:
            opened = connection.execute(_OPEN, {"worker": f"%:{pid}:%"}).scalar_one()
            self.hits += opened > 0
            if self.engine.dialect.name == "sqlite":
                said = connection.execute(text("PRAGMA integrity_check")).scalar()
                if said != "ok":
                    self.troubles.append(f"integrity_check: {said}")
            self._compare(connection)

    def _compare(self, connection: Connection) -> None:
        """See that no message's final status has become a weaker one."""
        now = {row.id: Status(row.status) for row in connection.execute(_STATUSES)}
        for id_, was in self._finals.items():
            if id_ not in now or now[id_].rank < was.rank:
                self.troubles.append(f"{was} has become {now.get(id_)}")
        self._finals = {id_: status for id_, status in now.items() if status.final}

    def left(self) -> set[str]:
        """Return the messages of which somebody has to see to something that can be found out."""
        with self.engine.connect() as connection:
            return set(connection.execute(_LEFT if self.game.is_ours else _QUEUED).scalars())

    def tally(self, kills: int, seconds: float) -> Tally:
        """Lay the ledger beside what the phones got."""
        copies = self.place.copies()
        with self.engine.connect() as connection:
            told = _ours(connection, self.journal) if self.game.is_ours else None
            told = told or _theirs(connection, self.journal)
        kept, sent = told
        broken = tuple(audit.findings(sent, kept, copies)) if self.game.is_ours else ()
        if self.game.is_ours:
            with self.engine.connect() as connection:
                self._compare(connection)
        return Tally(
            kills=kills,
            producers=self.producers,
            hits=self.hits,
            messages=len(kept),
            lost=_lost(sent, kept, copies),
            extra=len(copies) - len({copy.number for copy in copies}),
            unknown=sum(one.is_unknown for one in kept),
            unsent=sum(one.status is Status.NOT_SENT for one in kept),
            findings=broken,
            troubles=tuple(self.troubles),
            seconds=seconds,
        )


_OPEN = text(
    "SELECT count(*) FROM polysms_attempts a JOIN polysms_messages m ON m.id = a.message_id "
    "WHERE a.outcome IS NULL AND m.claimed_by LIKE :worker"
)
_STATUSES = text("SELECT id, status FROM polysms_messages")
#: What is waiting, under way, or unclear at a provider that can be asked.
_LEFT = text(
    "SELECT id FROM polysms_messages WHERE state IN ('waiting', 'claimed') "
    "OR (state = 'unclear' AND provider <> 'signalwire')"
)
_QUEUED = text("SELECT number FROM jobs WHERE state <> 'sent'")


def _ours(connection: Connection, journal: Journal) -> tuple[Sequence[Kept], Sent]:
    """Return what the ledger holds, and what was enqueued."""
    orders = set(connection.execute(text("SELECT number FROM orders")).scalars())
    begun = {one for one in journal.numbers(hands.BEGUN) if one % hands.OWN}
    sent = Sent(surely=frozenset(journal.numbers(hands.DONE) | orders), perhaps=frozenset(begun))
    return audit.opened(connection), sent


def _theirs(connection: Connection, journal: Journal) -> tuple[Sequence[Kept], Sent]:
    """Return what the queue of another habit holds: it has no word for what is unknown."""
    rows = connection.execute(text("SELECT number, state FROM jobs"))
    states = {"sent": Status.SENT, "sending": Status.PENDING, "queued": Status.PENDING}
    kept = [
        Kept(number=row.number, status=states[row.state], state="over", due=row.state != "sent")
        for row in rows
    ]
    return kept, Sent(surely=frozenset(journal.numbers(hands.DONE)))


def _lost(sent: Sent, kept: Sequence[Kept], copies: Sequence[Copy]) -> int:
    """Return how many messages were enqueued and neither came nor are known to be on the way."""
    came = {copy.number for copy in copies}
    known = {
        one.number
        for one in kept
        if one.is_unknown or one.due or (one.status is Status.NOT_SENT and not one.is_accepted)
    }
    return len((sent.surely | {one.number for one in kept}) - came - known)


def play(place: Town, kin: Nursery, game: Game, make: Callable[[], tuple[str, Path]]) -> Tally:
    """Play one game in rounds; ``make`` returns the address and the folder of a new database."""
    left, told = game.kills, Tally()
    while left:
        kills = min(left, ROUND)
        left -= kills
        url, folder = make()
        one = _round(Scene(place, kin, game, url, folder), kills)
        print(f"{kills} kills, {one.messages} messages, {one.seconds:.0f} s", flush=True)
        told += one
    return told


def _round(scene: Scene, kills: int) -> Tally:
    began = time.monotonic()
    scene.prepare()
    scene.place.forget()
    scene.place.weather(Weather(seed=scene.game.seed, share=SHARE, kinds=KINDS, latency=LATENCY))
    scene.supply(RATE * scene.game.workers)
    _wait(lambda: len(scene.left()) >= AHEAD * scene.game.workers, DRAINED)
    _kill(scene, kills)
    scene.place.calm()
    for slot in range(scene.game.workers):
        scene.hire(slot)
    _drain(scene)
    scene.dismiss()
    return scene.tally(kills, time.monotonic() - began)


def _kill(scene: Scene, kills: int) -> None:
    def end() -> float:
        return time.monotonic() + scene.random.uniform(*LIFE)

    ends = {}
    for slot in range(scene.game.workers):
        scene.hire(slot)
        ends[slot] = end()
    for number in range(kills):
        slot = min(ends, key=ends.__getitem__)
        time.sleep(max(0.0, ends[slot] - time.monotonic()))
        scene.kill(slot)
        if number % PRODUCERS == PRODUCERS - 1:
            scene.supply(RATE * scene.game.workers)
        if number + len(ends) < kills:
            scene.hire(slot)
            ends[slot] = end()
        else:
            del ends[slot]


def _drain(scene: Scene) -> None:
    """Let the traffic go on until what was unclear is found out, then let it end."""
    # What is sent later shows how far a list has come, and so what is not on it.
    scene.supply(SLOW_RATE)
    before = scene.left()
    _wait(lambda: not scene.left() & before, DRAINED)
    scene.cut_off()
    _wait(lambda: not scene.left(), DRAINED)
    if scene.left():
        scene.troubles.append(f"not drained in {DRAINED:g} s")


def _wait(until: Callable[[], object], seconds: float) -> None:
    """Wait until something is so, or the time is up."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not until():
        time.sleep(LOOK)


class Makers:
    """Where new databases come from, as long as the block lasts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def _next(self) -> Path:
        self._count += 1
        place = self._folder / f"{self._count}"
        place.mkdir()
        return place

    def sqlite(self) -> tuple[str, Path]:
        """Return the address of a file, and its folder."""
        place = self._next()
        return f"sqlite:///{place}/ledger.db", place


@contextlib.contextmanager
def makers(game: Game) -> Iterator[Callable[[], tuple[str, Path]]]:
    """Yield what makes databases for a game."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kills-")))
        made = Makers(folder)
        if game.database == "sqlite":
            yield made.sqlite
            return
        server = stack.enter_context(postgres.running())
        yield lambda: (server.url(server.database()), made.sqlite()[1])


def run(games: Sequence[Game]) -> list[tuple[Game, Tally]]:
    """Play some games, and show what came of them."""
    told = []
    for game in games:
        with (
            makers(game) as make,
            tempfile.NamedTemporaryFile("r", prefix="kills-") as log,
            nursery(Path(log.name)) as kin,
            town(game.seed, Clock(pace=hands.PACE)) as place,
        ):
            tally = play(place, kin, game, make)
            said = log.read()
        told.append((game, tally))
        show(told)
        if tally.findings or tally.troubles:
            print(said[-4000:])
    return told


def show(told: Sequence[tuple[Game, Tally]]) -> None:
    """Print the table, and what is broken."""
    head = ("policy", "database", "workers", "kills", "open", "messages", "lost")
    print(f"\n{head[0]:17}{head[1]:12}" + "".join(f"{name:>9}" for name in head[2:]), end="")
    print("".join(f"{name:>9}" for name in ("extra", "unknown", "unsent", "seconds")))
    for game, tally in told:
        opened = f"{tally.hits}" if game.is_ours else "-"
        figures = (game.workers, tally.kills, opened, tally.messages, tally.lost, tally.extra)
        more = (tally.unknown, tally.unsent, f"{tally.seconds:.0f}")
        row = "".join(f"{one:>9}" for one in (*figures, *more))
        print(f"{game.policy:17}{game.database:12}{row}")
    for game, tally in told:
        if game.is_ours:
            print(f"{game.database}: and {tally.producers} kills of the producer")
            print(audit.shown(tally.findings))
        for trouble in tally.troubles:
            print(f"  TROUBLE: {trouble}")


def is_kept(game: Game, tally: Tally) -> bool:
    """Whether a campaign of ours kept every promise, and met what it is there to meet."""
    figures = (tally.lost, tally.extra, tally.unsent)
    if not game.is_ours:
        return not tally.troubles
    met = 2 * tally.hits >= tally.kills
    return met and not any(figures) and not tally.findings and not tally.troubles


def games(kills: int, others: int, databases: Sequence[tuple[str, int]]) -> list[Game]:
    """Return the games: ours on each database (with so many workers), and the other habits."""
    ours = [
        Game(kills=kills, database=database, workers=workers) for database, workers in databases
    ]
    return ours + [Game(kills=others, policy=policy) for policy in POLICIES[1:]]


def main() -> int:
    """Run what the command line asks for; return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--policy", choices=POLICIES, default="polysms")
    parser.add_argument("--postgresql", action="store_true")
    wanted = vars(parser.parse_args())
    database = "postgresql" if wanted.pop("postgresql") else "sqlite"
    told = run([Game(database=database, **wanted)])
    return 0 if all(is_kept(game, tally) for game, tally in told) else 1


if __name__ == "__main__":
    sys.exit(main())
