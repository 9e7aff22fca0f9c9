"""What the router asks for, and what it hears back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import IntEnum

import attrs

from polysms.config import Account
from polysms.delivery import Attempt
from polysms.errors import LedgerError, Refused
from polysms.message import Message
from polysms.providers.base import Busy, Request, Response
from polysms.providers.base import Refused as No
from polysms.routing.assigning import Assignment


@attrs.frozen(slots=False)
class Write:
    """Write this attempt down: before its first byte, and again when it has ended.

    Answered with None, or with the LedgerError that it met, or Refused where a number has opted
    out: then an attempt must not begin. ``assignment`` goes down with a message's first attempt.
    """

    id: str
    message: Message
    attempt: Attempt
    assignment: Assignment | None = None


@attrs.frozen(slots=False)
class Call:
    """Make this request at this account, within ``seconds`` in all.

    ``patience`` (seconds) is how long it may wait for a free slot where the account bounds them;
    None: as long as it may take in all. After ``expires_at`` it must not begin. ``carries`` is the
    attempt that it is made for, None where no message goes with it.
    """

    account: Account
    request: Request
    seconds: float
    patience: float | None = None
    expires_at: datetime | None = None
    carries: Write | None = None


@attrs.frozen(slots=False)
class Admit:
    """Take this many segments from the rates of an account and of one of its senders."""

    account: Account
    sender: str | None
    segments: int


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
    stopped us (a cancellation, Ctrl-C), so nothing further is to be tried. ``no`` is what the
    provider answered where it had to be asked for something else first, a token.
    """

    stage: Stage
    text: str
    ours: bool = False
    interrupted: bool = False
    no: No | Busy | None = None


Step = Write | Admit | Call | Wait
#: What a step is answered with: a Call with a Response or a Failure, an Admit with the seconds to
#: wait before it is asked again (0.0: taken), a Write with its error, the others with None.
Answer = Response | Failure | float | LedgerError | Refused | None


def _no_chance() -> float:
    return 0.5


@attrs.frozen(kw_only=True)
class World:
    """The few things decisions need from the world, handed in: clocks, ids and chance.

    ``now`` is the wall clock (aware), ``clock`` a steady one in seconds, ``new_id`` makes our ids,
    ``random`` draws from 0 to 1.
    """

    now: Callable[[], datetime]
    clock: Callable[[], float]
    new_id: Callable[[], str]
    random: Callable[[], float] = _no_chance
