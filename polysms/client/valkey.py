"""A Valkey or Redis that many processes share: asked for a tenth of a second, or done without.

Nothing here may make a send wait long or fail. So threads of our own make the round trips, those
who ask wait :data:`WITHIN` at most, and while the server is out of reach nobody waits at all but
the one who tries again every few seconds. The client package ``redis`` speaks to both servers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import random
import secrets
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from polysms.errors import ConfigError

if TYPE_CHECKING:
    from redis import Redis

T = TypeVar("T")

#: Seconds that anybody waits for an answer, and that a connection does.
WITHIN = 0.1
ANSWERS = 0.08
#: Seconds after which a connection that is not there yet is given up; nobody waits for that.
CONNECTS = 0.5
#: Seconds between two tries to reach a server that was lost, at most.
AGAIN = 2.0
#: Seconds after its return in which a process does not rely on it alone: by then every other
#: process that sends has found it again.
SETTLES = AGAIN + CONNECTS + WITHIN
#: Round trips at once.
WORKERS = 4
#: How often :data:`WITHIN` one waits for its turn where many ask at once in this process.
LINE = 10
SILENT = "no answer in time"
_SCHEMES = {
    "redis": "redis",
    "rediss": "rediss",
    "unix": "unix",
    "valkey": "redis",
    "valkeys": "rediss",
}

log = logging.getLogger("polysms")


class OutOfReach(Exception):
    """There was no answer in time, or nobody was asked because there was none lately."""


class Busy(Exception):
    """No answer yet, perhaps because too many ask at once in this process: ask again."""


class _Trip:
    """One round trip: when it began, and whether it tries to reach a server that was lost."""

    def __init__(self, tries: bool) -> None:  # noqa: FBT001 - one fact
        self.tries = tries
        self.begun_at = math.inf


class Valkey:
    """One server, whichever thread or event loop asks.

    ``losses`` counts how often it was lost, ``lost_at`` and ``back_at`` are when it was last lost
    and found again, by ``time.monotonic``.
    """

    def __init__(self, url: str) -> None:
        # Wrong is wrong at once, and in a sentence without the URL: that may hold a password.
        self._make: Callable[[], Redis] = lambda: _client(url)
        self.losses = 0
        self.lost_at = self.back_at = -SETTLES
        self.begin_again()
        _all.add(self)

    def begin_again(self) -> None:
        """In the child of a fork: use no thread, lock or connection of the parent."""
        #: The name of this process among those that share.
        self.me = secrets.token_hex(8)
        self._client = self._make()
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="polysms-shared")
        #: For who must write in order.
        self.writes = threading.Lock()
        self._lock = threading.Lock()
        self._out = self._trying = self._closed = False
        self._again_at = 0.0
        self._running: set[_Trip] = set()

    @property
    def settles_for(self) -> float:
        """The seconds left in which not all others may have found it again."""
        return max(0.0, self.back_at + SETTLES - time.monotonic()) if self.losses else 0.0

    def ask(self, work: Callable[[Redis], T]) -> T:
        """Return what the work returns; raises :class:`OutOfReach` or :class:`Busy`."""
        trip, future = self._begun(work)
        for _ in range(LINE):
            with contextlib.suppress(TimeoutError):
                return future.result(WITHIN)
            if self._is_overdue(trip):
                break
        future.cancel()
        raise self._given_up()

    async def ask_async(self, work: Callable[[Redis], T]) -> T:
        """As :meth:`ask`, for a running loop, which goes on meanwhile."""
        trip, begun = self._begun(work)
        future = asyncio.wrap_future(begun)
        try:
            for _ in range(LINE):
                await asyncio.wait((future,), timeout=WITHIN)
                if future.done():
                    return future.result()
                if self._is_overdue(trip):
                    break
            raise self._given_up()
        finally:
            if not future.cancel() and not future.cancelled():
                # Asked for its error, it does not complain that nobody did.
                future.exception()

    def tell(self, work: Callable[[Redis], object]) -> None:
        """Do the work in the background, if the server is in reach."""
        with contextlib.suppress(OutOfReach):
            self._begun(work)

    def close(self) -> None:
        """Let go of every connection. Who asks afterwards finds it out of reach."""
        self._closed = True
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    def _begun(self, work: Callable[[Redis], T]) -> tuple[_Trip, Future[T]]:
        with self._lock:
            tries = self._out
            if tries and (self._trying or time.monotonic() < self._again_at):
                raise OutOfReach
            self._trying = tries
        trip = _Trip(tries)
        try:
            future = self._workers.submit(self._done, work, trip)
        except RuntimeError:
            # Closed, or Python is ending.
            raise OutOfReach from None
        if tries:
            future.add_done_callback(self._tried)
        return trip, future

    def _done(self, work: Callable[[Redis], T], trip: _Trip) -> T:
        if self._out and not trip.tries:
            raise OutOfReach
        trip.begun_at = time.monotonic()
        self._running.add(trip)
        try:
            result = work(self._client)
        except Exception as error:  # noqa: BLE001 - whatever it is, no send may fail of it
            self._lose(type(error).__name__)
            raise OutOfReach from None
        finally:
            self._running.discard(trip)
        if trip.tries:
            self._find()
        return result

    def _tried(self, future: Future[Any]) -> None:
        # Given up before a thread was free for it: another may try.
        if future.cancelled():
            self._lose(SILENT)

    def _is_overdue(self, trip: _Trip) -> bool:
        # Who still stands in line waits for no server.
        late = time.monotonic() >= trip.begun_at + WITHIN
        return late or self._out or self._hangs()

    def _hangs(self) -> bool:
        # A socket tells of its own time-out, whoever keeps this process busy; a name server's
        # silence is not told.
        oldest = min((trip.begun_at for trip in tuple(self._running)), default=math.inf)
        return time.monotonic() >= oldest + CONNECTS + WITHIN

    def _given_up(self) -> Exception:
        if not self._out and not self._hangs():
            return Busy()
        if not self._out:
            self._lose(SILENT)
        return OutOfReach()

    def _lose(self, why: str) -> None:
        with self._lock:
            lost, self._out, self._trying = not self._out, True, False
            now = time.monotonic()
            # Not all processes at one moment.
            self._again_at = now + AGAIN * random.uniform(0.75, 1)  # noqa: S311 - no secret
            if lost:
                self.losses += 1
                self.lost_at = now
        if lost and not self._closed:
            log.warning("shared: out of reach (%s); each process keeps to its own share", why)

    def _find(self) -> None:
        with self._lock:
            found, self._out, self._trying = self._out, False, False
            self.back_at = time.monotonic()
        if found:
            log.info("shared: in reach again")


def _client(url: str) -> Redis:
    try:
        from redis import Redis  # noqa: PLC0415 - only where something is shared
        from redis.backoff import NoBackoff  # noqa: PLC0415 - as above
        from redis.retry import Retry  # noqa: PLC0415 - as above
    except ModuleNotFoundError:
        sentence = 'shared: rates and health are shared by redis: pip install "polysms[shared]"'
        raise ConfigError(sentence, key="shared") from None
    scheme, _, rest = url.partition("://")
    try:
        return Redis.from_url(
            f"{_SCHEMES[scheme]}://{rest}",
            socket_timeout=ANSWERS,
            socket_connect_timeout=CONNECTS,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
    except (KeyError, ValueError):
        sentence = 'shared: write an address as "redis://localhost:6379/0"'
        raise ConfigError(sentence, key="shared") from None


_all: weakref.WeakSet[Valkey] = weakref.WeakSet()


def _in_child() -> None:
    for valkey in list(_all):
        valkey.begin_again()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
