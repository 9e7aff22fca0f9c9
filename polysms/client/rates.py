"""Rates of one process, in memory: so many segments per second, by throttled-py (GCRA).

A rate counts segments, because carriers do: a text of six segments is six. The library is imported
when an account with a rate is first used.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
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


def exact(mps: float) -> Fraction:
    """Return a rate as a fraction: throttled-py counts whole segments in whole seconds."""
    # 0.5 is one in two.
    return max(Fraction(mps).limit_denominator(FINEST), Fraction(1, FINEST))


def easy(wait: float, ahead: float) -> float:
    """Return how long who must wait should, where so many seconds may be saved up meanwhile."""
    # What becomes free while nobody asks is not lost before it is as much as `ahead`. And with
    # room, rounding might make the exact wait nothing at all.
    return max(min(EASY_WAIT, ahead / 2), wait)


class Rates:
    """The rates of one account. One thread at a time may use it.

    ``share`` is the part of each rate that is this process's own, and ``since`` the moment (of
    ``time.monotonic``) from which it is: nothing has been saved up before.
    """

    def __init__(self, account: Account, share: int = 1, since: float | None = None) -> None:
        try:
            self._account = _rate(account.mps, share, since)
            self._senders = _rate(account.sender_mps, share, since)
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"accounts.{account.name}: mps and sender_mps need {error.name}: "
                'pip install "polysms[limits]"',
                account=account.name,
            ) from None

    def admit(self, sender: str | None, cost: int) -> float:
        """Take from both rates or none; return 0.0, or the seconds until it may be asked again."""
        wait = self.wait(sender, cost)
        if wait == 0:
            self.take(sender, cost)
        return wait

    def wait(self, sender: str | None, cost: int) -> float:
        """Return 0.0 if so much can be taken now, or the seconds until it can."""
        asked = self._asked(sender)
        return max((rate.wait(key, max(1, cost)) for rate, key in asked), default=0.0)

    def take(self, sender: str | None, cost: int) -> None:
        """Take what :meth:`wait` has just found free."""
        for rate, key in self._asked(sender):
            rate.take(key, max(1, cost))

    def _asked(self, sender: str | None) -> Iterator[tuple[Rate, str]]:
        if self._account is not None:
            yield self._account, "account"
        if self._senders is not None and sender is not None:
            yield self._senders, sender


def _rate(mps: float | None, share: int, since: float | None) -> Rate | None:
    return None if mps is None else Rate(exact(mps) / share, since)


class Rate:
    """So many segments per second, counted for each key by itself.

    GCRA lets a key run ahead of its rate by a burst, here one second's worth. It would refuse for
    ever what costs more than the burst, and it would let single segments overtake a long text for
    as long as they come, since they need less room. So the burst is the largest cost that was ever
    asked for, if that is more, and every cost waits for the same moment: the one at which that
    largest one fits. No length starves, and no window of W seconds ever holds more segments than
    ``mps * W + burst``.
    """

    def __init__(self, mps: Fraction, since: float | None = None) -> None:
        from throttled.store import MemoryStore  # noqa: PLC0415 - only where there is a rate

        self._mps = mps
        self._since = since
        self._store = MemoryStore(options={"MAX_SIZE": MOST_SENDERS})
        self._limiters: dict[int, GCRARateLimiter] = {}
        self._largest = 1

    def wait(self, key: str, cost: int) -> float:
        """Return 0.0 if ``cost`` can be taken now, or the seconds until it can."""
        self._largest = max(self._largest, cost)
        if (early := self._seconds_early()) > 0:
            return early
        state = self._limiter(cost).peek(key)
        # What a peek finds free, a take still finds: time only adds to it.
        if state.remaining >= cost:
            return 0.0
        ahead = float(self._room / self._mps)
        return easy(state.reset_after - ahead, ahead)

    def _seconds_early(self) -> float:
        """Return the seconds until a burst is earned by a share that began with none."""
        if self._since is None:
            return 0.0
        earned = float((self._room + self._largest) / self._mps)
        return self._since + earned - time.monotonic()

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
