"""Every crash point: a program dies at the k-th commit or request, for every k, and recovers.

``python tests/campaigns/crashes.py [--every]``. Before and after each commit that writes, and each
request: the program of :mod:`tests.campaigns.mortal` ends there without another word. Then it is
started anew, dies at the j-th point of its recovery, and is started once more. After every death
the ledger is whole and knows every reference that a provider has seen; in the end every message
has come, once.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import attrs
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

if __name__ == "__main__":
    #: Beside what is installed, and after it: the library under test is the installed one.
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from polysms.ledger import Ledger
from tests.campaigns import audit, mortal
from tests.campaigns.audit import Sent
from tests.campaigns.mortal import DEAD, Home
from tests.campaigns.nursery import Nursery, nursery

#: More points than the program has.
MOST = 1000
#: Explorers at once, each of its own share of the points.
AT_ONCE = 2
#: Points of a recovery among which the short form draws.
LATEST = 60
SEED = 7

#: Names points of the recovery, by the point of the first death.
Again = Callable[[int], Iterable[int]]


@attrs.define(kw_only=True)
class Deaths:
    """What came of it: how often the program died first, and in its recovery."""

    first: int = 0
    second: int = 0
    recovered: int = 0
    messages: int = 0
    troubles: list[str] = attrs.field(factory=list)
    seconds: float = 0.0

    def __add__(self, other: Deaths) -> Deaths:
        """Return both together."""
        names = [field.name for field in attrs.fields(Deaths)]
        return Deaths(**{name: getattr(self, name) + getattr(other, name) for name in names})


class Story:
    """One line of deaths and recoveries, in a folder of its own."""

    def __init__(self, kin: Nursery, folder: Path, deaths: Deaths, tale: tuple[int, ...]) -> None:
        self._kin = kin
        self.deaths = deaths
        self._tale = tale
        self.home = Home(folder)

    def dies(self, at: int) -> bool:
        """Run the program once; return whether it died at this point: else it came to its end."""
        self._tale = (*self._tale, at)
        code = self._run(at)
        if code != DEAD:
            self._check_end(code)
            return False
        self._check_death()
        return True

    def recovers(self) -> None:
        """Run the program to its end."""
        self._tale = (*self._tale, 0)
        self._check_end(self._run(None))

    def fork(self, folder: Path) -> Story:
        """Return the same story up to here, to go on otherwise."""
        shutil.copytree(self.home.folder, folder)
        return Story(self._kin, folder, self.deaths, self._tale)

    def forget(self) -> None:
        """Forget its files."""
        shutil.rmtree(self.home.folder)

    def _run(self, last: int | None) -> int:
        facts = {"folder": str(self.home.folder), "last": last, "run": len(self._tale)}
        return self._kin.wait(self._kin.begin("mortal", **facts))

    def _check_death(self) -> None:
        with self._connect() as connection:
            self._check_whole(connection)
            known = set(
                connection.execute(text("SELECT reference FROM polysms_attempts")).scalars()
            )
            seen = {one["item"]["tag"] for one in mortal.heard(self.home.phones)}
            if seen - known:
                self._say("a provider has seen a reference that the ledger does not know")

    def _check_whole(self, connection: Connection) -> None:
        said = connection.execute(text("PRAGMA integrity_check")).scalar()
        orders = connection.execute(text("SELECT count(*) FROM orders")).scalar()
        kept = audit.opened(connection)
        if said != "ok":
            self._say(f"integrity_check: {said}")
        if orders != sum(one.number == mortal.OWN for one in kept):
            self._say("an order and its message do not stand and fall together")

    def _check_end(self, code: int) -> None:
        self.deaths.recovered += 1
        if code:
            self._say(f"the program ended with {code}")
        with self._connect() as connection:
            self._check_whole(connection)
            kept = audit.opened(connection)
        self.deaths.messages += len(kept)
        run = len(self._tale)
        perhaps = [one for before in range(run) for one in mortal.further(before)]
        surely = frozenset({*mortal.NUMBERS, *mortal.further(run)})
        sent = Sent(surely=surely, perhaps=frozenset(perhaps))
        copies = mortal.copies(self.home.phones)
        for finding in audit.findings(sent, kept, copies):
            self._say(f"{finding.promise}: {finding.number}")
        for one in kept:
            if not one.is_accepted:
                self._say(f"message {one.number} was not accepted: {one.status}, {one.state}")

    def _connect(self) -> Connection:
        return create_engine(self.home.ledger, poolclass=NullPool).connect()

    def _say(self, sentence: str) -> None:
        where = " then ".join(f"point {one}" for one in self._tale if one)
        self.deaths.troubles.append(f"after {where or 'no death'}: {sentence}")
        print(f"  BROKEN {self.deaths.troubles[-1]}", flush=True)


def explore(origin: Path, points: Iterable[int], again: Again) -> Deaths:
    """Die at these points, until there are no more; after each, die again in the recovery.

    ``origin`` is the folder of what is there at first, ``again`` names points of the recovery.
    """
    deaths = Deaths()
    with tempfile.TemporaryDirectory(prefix="crashes-") as folder:
        log = Path(folder) / "log.txt"
        with nursery(log) as kin:
            _explore(Story(kin, origin, deaths, ()), Path(folder), points, again)
        if deaths.troubles:
            print(log.read_text()[-4000:])
    return deaths


def prepare(home: Home) -> None:
    """Make the tables: the ledger's, and that of whoever uses it."""
    with Ledger(home.ledger) as ledger:
        ledger.upgrade()
    engine = create_engine(home.ledger, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE orders (number INTEGER PRIMARY KEY)"))


def _explore(origin: Story, folder: Path, points: Iterable[int], again: Again) -> None:
    for point in points:
        story = origin.fork(folder / f"{point}")
        died = story.dies(point)
        if died:
            story.deaths.first += 1
            _again(story, again(point))
        story.forget()
        if not died:
            return


def _again(story: Story, points: Iterable[int]) -> None:
    for second in points:
        other = story.fork(story.home.folder.with_name("again"))
        died = other.dies(second)
        if died:
            story.deaths.second += 1
            other.recovers()
        other.forget()
        if not died:
            return
    story.recovers()


def few(point: int) -> Iterable[int]:
    """Return one point of the recovery, another after each first death; none after every other."""
    if point // AT_ONCE % 2:
        return ()
    random = Random(f"{SEED}/{point}")  # noqa: S311 - guards nothing
    return (random.randrange(1, LATEST),)


def every(_: int) -> Iterable[int]:
    """Return every point of the recovery."""
    return itertools.count(1)


def run(again: Again) -> Deaths:
    """Die at every point, and show what came of it."""
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="crashes-") as folder,
        ThreadPoolExecutor(AT_ONCE) as threads,
    ):
        prepare(Home(Path(folder)))
        shares = [range(one + 1, MOST, AT_ONCE) for one in range(AT_ONCE)]
        told = [threads.submit(explore, Path(folder), share, again) for share in shares]
        deaths = sum((one.result() for one in told), Deaths())
    deaths.seconds = time.monotonic() - began
    show(deaths)
    return deaths


def show(deaths: Deaths) -> None:
    """Print the figures."""
    print(
        f"{deaths.first} points to die at, {deaths.second} deaths in the recovery, "
        f"{deaths.recovered} recoveries of {deaths.messages} messages, {deaths.seconds:.0f} s"
    )
    print(f"  {len(deaths.troubles)} promises broken")


def main() -> int:
    """Run what the command line asks for; return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", action="store_true", help="die at every point of each recovery")
    wanted = parser.parse_args()
    return 1 if run(every if wanted.every else few).troubles else 0


if __name__ == "__main__":
    sys.exit(main())
