"""How fast, and how many at once, an account is asked in this process: rates and slots.

A rate counts segments per second, because carriers do: a text of six segments is six. It is kept
by throttled-py (GCRA, in memory), which is imported when an account with a rate is first used.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from polysms.config import Account
from polysms.errors import ConfigError

if TYPE_CHECKING:
    from throttled.rate_limiter import GCRARateLimiter

#: Seconds: where a rate is fast, those who wait ask no more often than this.
EASY_WAIT = 0.1
#: Senders whose rate is remembered. throttled-py forgets the one used longest ago, and its default
#: of 1024 would let an account with more senders than that go too fast.
MOST_SENDERS = 65_536
#: Parts of a second: how finely a rate is understood.
FINEST = 1_000_000

_FREE = contextlib.nullcontext(enter_result=True)


class Limits:
    """Rates and slots of every account of one client, in this process.

    Any thread and any event loop may use it. A child process begins with rates and slots of its
    own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rates: dict[str, _Rates] = {}
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

        Returns 0.0, or the seconds until it may be asked again; then nothing was taken.
        """
        if not account.limited:
            return 0.0
        with self._lock:
            return self._rates_of(account).admit(sender, cost)

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

    def _rates_of(self, account: Account) -> _Rates:
        rates = self._rates.get(account.name)
        if rates is None:
            rates = self._rates[account.name] = _Rates(account)
        return rates

    def _of_loop(self, loop: asyncio.AbstractEventLoop) -> dict[str, asyncio.Semaphore]:
        # A semaphore of asyncio belongs to one loop, and holds it: closed ones are let go.
        if loop not in self._loops:
            kept = {one: made for one, made in self._loops.items() if not one.is_closed()}
            self._loops = {**kept, loop: {}}
        return self._loops[loop]


class _Rates:
    """The rates of one account. Whoever uses it holds the lock of its :class:`Limits`."""

    def __init__(self, account: Account) -> None:
        try:
            self._account = None if account.mps is None else _Rate(account.mps)
            self._senders = None if account.sender_mps is None else _Rate(account.sender_mps)
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"accounts.{account.name}: mps and sender_mps need {error.name}: "
                'pip install "polysms[limits]"',
                account=account.name,
            ) from None

    def admit(self, sender: str | None, cost: int) -> float:
        cost = max(1, cost)
        asked = []
        if self._account is not None:
            asked.append((self._account, "account"))
        if self._senders is not None and sender is not None:
            asked.append((self._senders, sender))
        wait = max((rate.wait(key, cost) for rate, key in asked), default=0.0)
        if wait == 0:
            for rate, key in asked:
                rate.take(key, cost)
        return wait


class _Rate:
    """So many segments per second, counted for each key by itself.

    GCRA lets a key run ahead of its rate by a burst, here one second's worth. It would refuse for
    ever what costs more than the burst, and it would let single segments overtake a long text for
    as long as they come, since they need less room. So the burst is the largest cost that was ever
    asked for, if that is more, and every cost waits for the same moment: the one at which that
    largest one fits. No length starves, and no window of W seconds ever holds more segments than
    ``mps * W + burst``.
    """

    def __init__(self, mps: float) -> None:
        from throttled.store import MemoryStore  # noqa: PLC0415 - only where there is a rate

        # throttled-py counts whole segments in whole seconds: 0.5 is one in two.
        self._mps = max(Fraction(mps).limit_denominator(FINEST), Fraction(1, FINEST))
        self._store = MemoryStore(options={"MAX_SIZE": MOST_SENDERS})
        self._limiters: dict[int, GCRARateLimiter] = {}
        self._largest = 1

    def wait(self, key: str, cost: int) -> float:
        """Return 0.0 if ``cost`` can be taken now, or the seconds until it can."""
        self._largest = max(self._largest, cost)
        state = self._limiter(cost).peek(key)
        # What a peek finds free, a take still finds: time only adds to it.
        if state.remaining >= cost:
            return 0.0
        ahead = float(self._room / self._mps)
        # What becomes free while nobody asks is not lost before it is as much as `ahead`. And with
        # room, rounding might make the exact wait nothing at all.
        return max(min(EASY_WAIT, ahead / 2), state.reset_after - ahead)

    def take(self, key: str, cost: int) -> None:
        """Take what :meth:`wait` has just found free."""
        self._limiter(cost).limit(key, cost)

    @property
    def _room(self) -> int:
        """How many segments a key may be ahead of its rate, and still be given more."""
        return max(0, int(self._mps) - self._largest)

    def _limiter(self, cost: int) -> GCRARateLimiter:
        # What is remembered of a key does not depend on the burst, so limiters share the store.
        burst = self._room + cost
        limiter = self._limiters.get(burst)
        if limiter is None:
            limiter = self._limiters[burst] = self._made(burst)
        return limiter

    def _made(self, burst: int) -> GCRARateLimiter:
        from throttled import rate_limiter  # noqa: PLC0415 - only where there is a rate

        period = timedelta(seconds=self._mps.denominator)
        quota = rate_limiter.per_duration(period, self._mps.numerator, burst)
        return rate_limiter.GCRARateLimiter(quota, self._store)


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
