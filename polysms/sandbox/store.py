"""The messages the sandbox has accepted, in memory; their statuses follow from the time alone."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from random import Random
from typing import Any
from uuid import UUID

import attrs

from polysms.sandbox.behaviour import Behaviour
from polysms.sandbox.counting import segments
from polysms.sandbox.progress import Step, Wish, timetable

#: The oldest are forgotten beyond this many.
MOST = 50_000
# Seconds at speed 1 by which lists and logs lag behind.
_LAG = (0.5, 1.5)


@attrs.frozen(kw_only=True)
class Draft:
    """A send that was found good, not yet accepted.

    ``account`` is who sent it; ``sender`` and ``to`` are as the provider writes them in its answer;
    ``kind`` is "sms" or "mms"; ``over_limit`` says that it will fail later, ``request`` is the
    body as it came. ``named`` makes a message's id of a UUID. ``key`` signs its reports where that
    is the sender's own credential.
    """

    provider: str
    account: str
    sender: str
    to: str
    text: str | None
    media: tuple[str, ...] = ()
    kind: str
    group: tuple[str, ...] = ()
    callback: str | None = None
    over_limit: bool = False
    request: Mapping[str, Any] = attrs.field(repr=False)
    named: Callable[[UUID], str] = str
    key: str = attrs.field(default="", repr=False)


@attrs.frozen(kw_only=True)
class Entry:
    """A message the sandbox has accepted. Times are seconds since 1970, ``lag`` is seconds."""

    id: str
    draft: Draft
    segments: int
    created: float
    lag: float
    steps: tuple[Step, ...]
    redacted: bool = False

    def at(self, moment: float) -> Step:
        """Return the step the message has come to."""
        return [step for step in self.steps if step.at <= moment or step is self.steps[0]][-1]

    def since(self, status: str, moment: float) -> float | None:
        """Return since when the message has been in a status, or none if it never was."""
        reached = (step.at for step in self.steps if step.status == status and step.at <= moment)
        return next(reached, None)

    @property
    def numbers(self) -> tuple[str, ...]:
        """Every number that gets a copy, as digits."""
        return tuple(number.lstrip("+") for number in (self.draft.to, *self.draft.group))


@attrs.frozen(kw_only=True)
class View:
    """What a list shows of a message: it, as it was at ``moment``."""

    entry: Entry
    moment: float


class Store:
    """The messages accepted so far. Every method may be called from any thread."""

    def __init__(self, seed: int | None = None) -> None:
        """Take the seed of ids and delays; without one they are different in every run."""
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self._seed = secrets.randbits(64) if seed is None else seed
        self._serial = 0

    def accept(self, draft: Draft, wish: Wish, behaviour: Behaviour) -> Entry:
        """Keep a message and return it with its id, its segments and its timetable."""
        with self._lock:
            self._serial += 1
            random = Random(f"{self._seed}/{self._serial}")  # noqa: S311 - guards nothing
            asked = Wish.FAILED if draft.over_limit else self._fate(draft, wish, behaviour)
            entry = _entry(draft, asked, behaviour, random)
            self._entries[entry.id] = entry
            if len(self._entries) > MOST:
                del self._entries[next(iter(self._entries))]
            return entry

    def _fate(self, draft: Draft, wish: Wish, behaviour: Behaviour) -> Wish:
        """Return what becomes of a message whose provider loses some."""
        lost = behaviour.losses.get(draft.provider, 0.0)
        if wish is not Wish.DELIVERED or not lost:
            return wish
        # Not by its place among the others: who sends many at once has no order to repeat.
        luck = Random(f"{self._seed}/{draft.provider}/{draft.to}/{draft.text}")  # noqa: S311
        return Wish.UNDELIVERED if luck.random() < lost else wish

    def get(self, provider: str, identity: str, account: str | None = None) -> Entry | None:
        """Return the message of this id that the provider shows this account."""
        with self._lock:
            entry = self._entries.get(identity)
        return entry if entry and _shown(entry, provider, account) else None

    def listed(self, provider: str, now: float, account: str | None = None) -> tuple[View, ...]:
        """Return what a list shows at this moment, newest first: each message ``lag`` ago."""
        return tuple(
            View(entry=entry, moment=now - entry.lag)
            for entry in reversed(self.all())
            if entry.created <= now - entry.lag and _shown(entry, provider, account)
        )

    def all(self) -> tuple[Entry, ...]:
        """Return every message, in the order of acceptance."""
        with self._lock:
            return tuple(self._entries.values())

    def received(self, number: str) -> tuple[Entry, ...]:
        """Return every message to a number, with or without plus, groups included."""
        digits = number.lstrip("+")
        return tuple(entry for entry in self.all() if digits in entry.numbers)

    def redact(self, entry: Entry) -> Entry:
        """Forget the text of a message and return it without."""
        redacted = attrs.evolve(entry, redacted=True, draft=attrs.evolve(entry.draft, text=""))
        with self._lock:
            self._entries[entry.id] = redacted
        return redacted

    def forget(self, entry: Entry) -> None:
        """Forget one message."""
        with self._lock:
            self._entries.pop(entry.id, None)

    def clear(self) -> None:
        """Forget every message. Ids go on: none comes twice."""
        with self._lock:
            self._entries.clear()


def _shown(entry: Entry, provider: str, account: str | None) -> bool:
    return entry.draft.provider == provider and account in (None, entry.draft.account)


def _entry(draft: Draft, wish: Wish, behaviour: Behaviour, random: Random) -> Entry:
    now = behaviour.clock()
    speed = behaviour.speed / behaviour.slowness.get(draft.provider, 1.0)
    steps = timetable(draft.provider, draft.kind, wish, random)
    return Entry(
        id=draft.named(UUID(int=random.getrandbits(128), version=4)),
        draft=draft,
        # All providers: an MMS is one segment.
        segments=1 if draft.kind == "mms" else segments(draft.text or ""),
        created=now,
        lag=random.uniform(*_LAG) / speed,
        steps=tuple(attrs.evolve(step, at=now + step.at / speed) for step in steps),
    )
