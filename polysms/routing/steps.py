"""What the router asks for, and what it hears back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import IntEnum

import attrs

from polysms.config import Account
from polysms.delivery import Attempt
from polysms.message import Message
from polysms.providers.base import Request, Response


@attrs.frozen(slots=False)
class Write:
    """Write this attempt down: before its first byte, and again when it has ended."""

    id: str
    message: Message
    attempt: Attempt


@attrs.frozen(slots=False)
class Call:
    """Make this request at this account, within ``seconds`` in all."""

    account: Account
    request: Request
    seconds: float


@attrs.frozen
class Wait:
    """Wait this many seconds."""

    seconds: float


class Stage(IntEnum):
    """How far a request got before it failed."""

    NOTHING = 0
    PARTIAL = 1
    WHOLE = 2


@attrs.frozen(kw_only=True)
class Failure:
    """No status line came back. ``stage`` is how much of the request had been written.

    ``text`` is our own sentence, never the library's: that one may hold a URL. ``ours`` marks our
    own saturation or bug, which says nothing about the provider; ``interrupted`` that somebody
    stopped us (a cancellation, Ctrl-C), so nothing further is to be tried.
    """

    stage: Stage
    text: str
    ours: bool = False
    interrupted: bool = False


Step = Write | Call | Wait
Answer = Response | Failure | None


@attrs.frozen(kw_only=True)
class World:
    """The few things decisions need from the world, handed in: clocks and ids.

    ``now`` is the wall clock (aware), ``clock`` a steady one in seconds, ``new_id`` makes our ids.
    """

    now: Callable[[], datetime]
    clock: Callable[[], float]
    new_id: Callable[[], str]
