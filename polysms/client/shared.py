"""What processes tell each other through Valkey: which accounts must rest, and which are well.

Who opens a breaker, marks an account or begins a probe says so, and the others read it about once
a second, behind their sends: no send waits for this. Each key lives as long as what it says.
"""

from __future__ import annotations

import itertools
import json
import random
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from polysms.client.buckets import place
from polysms.client.valkey import Valkey
from polysms.errors import Reason
from polysms.redact import scrub
from polysms.routing.health import Health, Rest

if TYPE_CHECKING:
    from redis import Redis

#: Seconds between two readings of what others say.
EVERY = 1.0
#: Seconds for which it is told that an account is well again.
WELL = 300.0
#: Seconds, at most, for which those who were told leave the next probe to the one who told them.
LATER = 5.0
#: Characters of another process's words that are kept.
WORDS = 100


class SharedHealth:
    """Tells others of the rests of one :class:`~polysms.routing.health.Health`, and it of theirs.

    While Valkey is out of reach, each process knows what it has found out itself.
    """

    def __init__(
        self, valkey: Valkey, health: Health, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._valkey = valkey
        self._health = health
        self._clock = clock
        self._read_at = clock()
        self._numbers = itertools.count()
        # By key: what is to be told, and the last news that was told or believed here.
        self._untold: dict[str, tuple[str, int]] = {}
        self._known: dict[str, str] = {}
        health.tell = self.tell

    def tell(self, rest: Rest) -> None:
        """Tell the others of a rest that begins or ends here; nobody waits for it."""
        key = _key(rest.account, marks=rest.reason is not None)
        news = f"{self._valkey.me}-{next(self._numbers)}"
        facts = {"id": news, "rests": rest.seconds > 0, "why": rest.why, "reason": rest.reason}
        self._known[key] = news
        self._untold[key] = json.dumps(facts), round((rest.seconds or WELL) * 1000)
        self._valkey.tell(lambda client: self._write(client, key))

    def refresh(self, accounts: Iterable[str]) -> None:
        """Read what others say of these accounts, at most once a second; nobody waits for it."""
        now = self._clock()
        if now < self._read_at:
            return
        self._read_at = now + EVERY
        names = tuple(accounts)
        self._valkey.tell(lambda client: self._read(client, names))

    def _write(self, client: Redis, key: str) -> None:
        # One after another: the last word must be the last.
        with self._valkey.writes:
            text, milliseconds = self._untold.pop(key, ("", 0))
            if text:
                client.set(key, text, px=max(1, milliseconds))

    def _read(self, client: Redis, names: tuple[str, ...]) -> None:
        places = [(name, _key(name, marks=marks)) for name in names for marks in (False, True)]
        pipeline = client.pipeline(transaction=False)
        for _, key in places:
            pipeline.get(key)
            pipeline.pttl(key)
        told = pipeline.execute()
        for (name, key), text, milliseconds in zip(places, told[::2], told[1::2], strict=True):
            if text is not None and milliseconds > 0:
                self._hear(name, key, text, milliseconds / 1000)

    def _hear(self, account: str, key: str, text: str, seconds: float) -> None:
        facts = _facts(text)
        if facts is None or facts["id"] == self._known.get(key):
            return
        if not facts["rests"]:
            seconds = 0.0
        elif facts["reason"] is None:
            seconds += LATER * random.random()  # noqa: S311 - no secret
        rest = Rest(account=account, seconds=seconds, why=facts["why"], reason=facts["reason"])
        if self._health.learn(rest, self._clock()):
            self._known[key] = facts["id"]


def _key(account: str, *, marks: bool) -> str:
    return f"{place(account)}:{'mark' if marks else 'breaker'}"


def _facts(text: str) -> dict[str, Any] | None:
    """Return what another process wrote, None for what no process of ours would."""
    try:
        facts = json.loads(text)
        reason = facts["reason"]
        return {
            "id": str(facts["id"]),
            "rests": facts["rests"] is True,
            "why": scrub(str(facts["why"]))[:WORDS],
            "reason": None if reason is None else Reason(reason),
        }
    except (ValueError, TypeError, KeyError):
        return None
