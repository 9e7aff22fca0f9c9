"""How fast, and how many at once, an account is asked: rates and slots.

Rates are kept in this process, or shared by many through Valkey. While that is out of reach each
process keeps to its share of every rate: never to none.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager

from polysms.client.buckets import Buckets
from polysms.client.rates import EASY_WAIT, Rates
from polysms.client.valkey import OutOfReach, Valkey
from polysms.config import Account

__all__ = ["EASY_WAIT", "Limits"]

_FREE = contextlib.nullcontext(enter_result=True)


class Limits:
    """Rates and slots of every account of one client.

    Any thread and any event loop may use it. A child process begins with rates and slots of its
    own. ``shared`` is the URL of a Valkey or Redis that keeps the rates of all processes; each of
    ``processes`` takes its share of a rate while that is out of reach. Slots are never shared.
    """

    def __init__(self, shared: str | None = None, processes: int = 1) -> None:
        self.valkey = None if shared is None else Valkey(shared)
        self._buckets = None if self.valkey is None else Buckets(self.valkey)
        self._processes = processes
        self._lock = threading.Lock()
        self._rates: dict[str, Rates] = {}
        self._losses = 0
        self._slots: dict[str, threading.BoundedSemaphore] = {}
        self._loops: dict[asyncio.AbstractEventLoop, dict[str, asyncio.Semaphore]] = {}
        _all.add(self)

    def prepare(self, account: Account) -> None:
        """Make ready what an account's rates need.

        Raises :class:`~polysms.errors.ConfigError` where it is not installed: better when the
        client is planning than in the middle of a send.
        """
        if account.limited:
            with self._lock:
                self._rates_of(account)

    def admit(self, account: Account, sender: str | None, cost: int) -> float:
        """Take ``cost`` segments from the account's rate and the sender's, from both or none.

        Returns 0.0, or the seconds until it may be asked again; then nothing was taken. Where the
        rates are shared this is a round trip, of a tenth of a second at most.
        """
        if not account.limited:
            return 0.0
        if self._buckets is None:
            return self._admit_here(account, sender, cost)
        if (wait := self._wait_to_settle(account, sender, cost)) > 0:
            return wait
        try:
            wait = self._buckets.take(account, sender, cost)
        except OutOfReach:
            return self._admit_here(account, sender, cost)
        return self._settled(account, sender, cost, wait)

    async def admit_async(self, account: Account, sender: str | None, cost: int) -> float:
        """As :meth:`admit`; the running loop goes on meanwhile."""
        if not account.limited:
            return 0.0
        if self._buckets is None:
            return self._admit_here(account, sender, cost)
        if (wait := self._wait_to_settle(account, sender, cost)) > 0:
            return wait
        try:
            wait = await self._buckets.take_async(account, sender, cost)
        except OutOfReach:
            return self._admit_here(account, sender, cost)
        return self._settled(account, sender, cost, wait)

    def close(self) -> None:
        """Let go of the connections to what is shared."""
        if self.valkey is not None:
            self.valkey.close()

    def _admit_here(self, account: Account, sender: str | None, cost: int) -> float:
        with self._lock:
            return self._rates_of(account).admit(sender, cost)

    def _wait_to_settle(self, account: Account, sender: str | None, cost: int) -> float:
        # Others may not have found it again yet, and keep to their shares: so does this one, and
        # takes from the bucket too.
        if self.valkey is None or (left := self.valkey.settles_for) == 0:
            return 0.0
        with self._lock:
            return min(left, self._rates_of(account).wait(sender, cost))

    def _settled(self, account: Account, sender: str | None, cost: int, wait: float) -> float:
        if self.valkey is not None and wait == 0 and self.valkey.settles_for:
            with self._lock:
                self._rates_of(account).take(sender, cost)
        return wait

    def slot(self, account: Account, seconds: float) -> AbstractContextManager[bool]:
        """Hold one of the account's slots; False where none was free within ``seconds``."""
        if account.concurrency is None:
            return _FREE
        with self._lock:
            slots = self._slots.get(account.name)
            if slots is None:
                slots = threading.BoundedSemaphore(account.concurrency)
                self._slots[account.name] = slots
        return _held(slots, seconds)

    def slot_async(self, account: Account, seconds: float) -> AbstractAsyncContextManager[bool]:
        """Hold one of the account's slots in the running loop; False where none was free."""
        if account.concurrency is None:
            return _FREE
        with self._lock:
            of_loop = self._of_loop(asyncio.get_running_loop())
            slots = of_loop.get(account.name)
            if slots is None:
                slots = of_loop[account.name] = asyncio.Semaphore(account.concurrency)
        return _held_async(slots, seconds)

    def begin_again(self) -> None:
        """Take over nothing that a thread of the parent process may have locked."""
        self._lock = threading.Lock()
        self._rates, self._slots, self._loops = {}, {}, {}

    def _rates_of(self, account: Account) -> Rates:
        valkey = self.valkey
        if valkey is not None and self._losses != valkey.losses:
            # Nothing is saved up in a share that begins now.
            self._rates, self._losses = {}, valkey.losses
        rates = self._rates.get(account.name)
        if rates is None:
            rates = self._rates[account.name] = self._made(account)
        return rates

    def _made(self, account: Account) -> Rates:
        if self.valkey is None or self._buckets is None:
            return Rates(account)
        share = max(self._processes, self._buckets.seen.get(account.name, 1))
        return Rates(account, share, self.valkey.lost_at)

    def _of_loop(self, loop: asyncio.AbstractEventLoop) -> dict[str, asyncio.Semaphore]:
        # A semaphore of asyncio belongs to one loop, and holds it: closed ones are let go.
        if loop not in self._loops:
            kept = {one: made for one, made in self._loops.items() if not one.is_closed()}
            self._loops = {**kept, loop: {}}
        return self._loops[loop]


@contextlib.contextmanager
def _held(slots: threading.BoundedSemaphore, seconds: float) -> Iterator[bool]:
    free = slots.acquire(timeout=max(0.0, min(seconds, threading.TIMEOUT_MAX)))
    try:
        yield free
    finally:
        if free:
            slots.release()


@contextlib.asynccontextmanager
async def _held_async(slots: asyncio.Semaphore, seconds: float) -> AsyncIterator[bool]:
    free = await _acquired(slots, seconds)
    try:
        yield free
    finally:
        if free:
            slots.release()


async def _acquired(slots: asyncio.Semaphore, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await slots.acquire()
    except TimeoutError:
        return False


_all: weakref.WeakSet[Limits] = weakref.WeakSet()


def _in_child() -> None:
    for limits in list(_all):
        limits.begin_again()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
