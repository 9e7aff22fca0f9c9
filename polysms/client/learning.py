"""What a route learns of its accounts from the reports in the ledger: read now and again.

The first send of a client waits for the first reading; every later one is made behind the sends.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from polysms.client.log import log
from polysms.config import Route
from polysms.errors import PolysmsError
from polysms.routing.standing import Standing
from polysms.routing.steps import World

if TYPE_CHECKING:
    from polysms.client.keeping import Task
    from polysms.ledger import Ledger

#: Of all the time that is learned from, this part of it is the latest: of two weeks the last day.
LATEST = 14
#: Seconds for which a client that is closed waits for a reading.
LONGEST = 5.0


class Learning:
    """How the accounts of a route stand, as far as the ledger knew when it was last read."""

    def __init__(self, route: Route, ledger: Ledger) -> None:
        self._accounts: Sequence[str] = route.reachable
        self._from = timedelta(seconds=route.learn_from)
        self._every: float = route.learn_every
        self._ledger = ledger
        self._standing = Standing()
        self._read_at: float | None = None
        self._lock = threading.Lock()
        self._reading: threading.Thread | None = None

    def standing(self) -> Standing:
        """Return how the accounts stood at the last reading."""
        return self._standing

    def begin_again(self) -> None:
        """In the child of a fork: hold no lock that a thread of the parent has locked."""
        self._lock, self._reading = threading.Lock(), None

    def close(self) -> None:
        """Wait for a reading that is under way, so that it finds its ledger open."""
        if self._reading is not None:
            self._reading.join(LONGEST)

    def looked_at(self, world: World) -> None:
        """Read for the first time now, where nobody has yet: a preview is to show what is known."""
        if self._read_at is None and self._is_due(world.clock()):
            self.read(world.now())

    def refreshed(self, world: World) -> Generator[Task, Any, None]:
        """Yield the first reading as a task; begin a later one in a thread, where one is due."""
        from polysms.client.keeping import Consult  # noqa: PLC0415 - it needs this class

        moment, is_first = world.clock(), self._read_at is None
        if not self._is_due(moment):
            return
        if is_first:
            yield Consult(lambda _: self.read(world.now()))
            return
        self._reading = threading.Thread(target=self.read, args=(world.now(),), daemon=True)
        self._reading.start()

    def _is_due(self, moment: float) -> bool:
        with self._lock:
            if self._read_at is not None and moment < self._read_at + self._every:
                return False
            self._read_at = moment
            return True

    def read(self, now: datetime) -> None:
        """Read what has become of the messages; what is known stays where that fails."""
        try:
            whole = self._ledger.matured(self._accounts, now - self._from)
            latest = self._ledger.matured(self._accounts, now - self._from / LATEST)
            self._standing = Standing(whole, latest)
        except PolysmsError as error:
            log.warning("reports could not be read, so nothing new is learned: %s", error)
