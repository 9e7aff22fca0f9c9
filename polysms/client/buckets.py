"""Rates that many processes share through Valkey: all of a message's buckets in one round trip.

The keys hold the names of accounts, and senders only as digests: no phone number.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from polysms.client.rates import EASY_WAIT, easy, exact
from polysms.client.valkey import Busy, Valkey
from polysms.config import Account

if TYPE_CHECKING:
    from redis import Redis

#: Buckets of which it is remembered that they are empty, before those are dropped that are not.
MOST_EMPTY = 1024

#: Takes the cost from every bucket or from none, by the clock of the server (GCRA; microseconds).
#: A bucket is a hash: `tat`, the moment at which it would be full again, and `largest`, the largest
#: cost ever asked: see :class:`polysms.client.rates.Rate`, which this does for many processes.
#: A bucket that is not known begins with nothing saved up, so that a server that forgot everything
#: gives no burst away; `drain` says that one may have been given elsewhere meanwhile.
TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local cost, drain = tonumber(ARGV[2]), ARGV[3] == '1'
local buckets, waits, free = #KEYS - 1, {}, true
local found = {}
for i = 1, buckets do
  local each, burst = tonumber(ARGV[2 + 2 * i]), tonumber(ARGV[3 + 2 * i])
  local known = redis.call('HMGET', KEYS[i], 'tat', 'largest')
  local largest = math.max(cost, tonumber(known[2]) or 1)
  local ahead = math.max(0, burst - largest) * each
  local tat = tonumber(known[1]) or 0
  if drain or not known[1] then tat = math.max(tat, now + ahead) end
  tat = math.min(math.max(tat, now), now + math.max(burst, largest) * each)
  local wait = math.max(0, tat - ahead - now)
  free = free and wait == 0
  waits[i] = string.format('%.0f', math.ceil(wait))
  found[i] = {tat = tat, largest = largest, price = cost * each}
end
for i = 1, buckets do
  local tat = found[i].tat
  if free then tat = tat + found[i].price end
  redis.call('HSET', KEYS[i], 'tat', string.format('%.0f', math.ceil(tat)),
             'largest', string.format('%.0f', found[i].largest))
  redis.call('PEXPIRE', KEYS[i], string.format('%.0f', 86400000 + (tat - now) / 1000))
end
local processes = KEYS[#KEYS]
redis.call('ZADD', processes, now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', processes, 0, now - 60000000)
redis.call('EXPIRE', processes, 60)
waits[#waits + 1] = redis.call('ZCARD', processes)
return waits
"""


@attrs.frozen
class _Bucket:
    key: str
    each: float
    burst: int
    ahead: float


class Buckets:
    """The rates of accounts and their senders, kept where every process sees them."""

    def __init__(self, valkey: Valkey) -> None:
        self.valkey = valkey
        #: How many processes were last seen to use an account, this one among them.
        self.seen: dict[str, int] = {}
        self._drained: dict[str, int] = {}
        # Until when a bucket is known to be empty: asking before is in vain.
        self._empty_until: dict[str, float] = {}
        self._script: Any = None

    def take(self, account: Account, sender: str | None, cost: int) -> float:
        """Take from both rates or none; return 0.0, or the seconds until it may be asked again."""
        buckets = _buckets(account, sender)
        if (wait := self._known_wait(buckets)) > 0:
            return wait
        try:
            return self.valkey.ask(self._taking(account, buckets, cost))
        except Busy:
            return EASY_WAIT

    async def take_async(self, account: Account, sender: str | None, cost: int) -> float:
        """As :meth:`take`; the loop goes on meanwhile."""
        buckets = _buckets(account, sender)
        if (wait := self._known_wait(buckets)) > 0:
            return wait
        try:
            return await self.valkey.ask_async(self._taking(account, buckets, cost))
        except Busy:
            return EASY_WAIT

    def _known_wait(self, buckets: list[_Bucket]) -> float:
        now = time.monotonic()
        return max((self._empty_until.get(one.key, 0.0) - now for one in buckets), default=0.0)

    def _taking(
        self, account: Account, buckets: list[_Bucket], cost: int
    ) -> Callable[[Redis], float]:
        def work(client: Redis) -> float:
            # Others of this process may have learned it while this one stood in line.
            if (wait := self._known_wait(buckets)) > 0:
                return wait
            return self._taken(client, account.name, buckets, max(1, cost))

        return work

    def _taken(self, client: Redis, account: str, buckets: list[_Bucket], cost: int) -> float:
        if self._script is None:
            self._script = client.register_script(TAKE)
        losses = self.valkey.losses
        drain = int(self._drained.get(account, 0) != losses)
        rates = [value for one in buckets for value in (one.each, one.burst)]
        keys = [*(one.key for one in buckets), f"{place(account)}:processes"]
        told = self._script(keys, [self.valkey.me, cost, drain, *rates], client)
        self._drained[account] = losses
        self.seen[account] = int(told[-1])
        return self._remembered(buckets, [int(wait) / 1_000_000 for wait in told[:-1]])

    def _remembered(self, buckets: list[_Bucket], waits: list[float]) -> float:
        now, longest = time.monotonic(), 0.0
        for bucket, wait in zip(buckets, waits, strict=True):
            if wait > 0:
                wait = easy(wait, bucket.ahead)  # noqa: PLW2901 - as it is told
                self._empty_until[bucket.key] = now + wait
                longest = max(longest, wait)
        if len(self._empty_until) > MOST_EMPTY:
            kept = {key: until for key, until in self._empty_until.items() if until > now}
            self._empty_until = kept
        return longest


def _buckets(account: Account, sender: str | None) -> list[_Bucket]:
    start, buckets = place(account.name), []
    if account.mps is not None:
        buckets.append(_bucket(f"{start}:rate", account.mps))
    if account.sender_mps is not None and sender is not None:
        digest = hashlib.blake2b(sender.encode(), digest_size=12, person=b"polysms").hexdigest()
        buckets.append(_bucket(f"{start}:rate:{digest}", account.sender_mps))
    return buckets


def place(account: str) -> str:
    """Return how every key of an account begins."""
    # In braces: of several machines that share the keys, one holds all of an account's.
    return f"polysms:{{{account}}}"


def _bucket(key: str, mps: float) -> _Bucket:
    rate = exact(mps)
    burst = int(rate)
    return _Bucket(key, float(1_000_000 / rate), burst, float(max(0, burst - 1) / rate))
