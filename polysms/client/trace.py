"""How far a request got, told by httpcore's ``trace`` extension as it is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import inf
from typing import Any, ClassVar

import httpx

from polysms.routing.steps import Stage

_STARTED = frozenset({"http11.send_request_headers.started", "http2.send_request_headers.started"})
_TUNNEL = "proxy.start_tls.started"
_BODY = ("http11.send_request_body", "http2.send_request_body")
_WRITTEN = frozenset(f"{body}.complete" for body in _BODY)
_BEGUN = frozenset(f"{body}.started" for body in _BODY)


class LateError(Exception):
    """A request is not begun, or not ended, because its time is over."""

    def __init__(self, what: str = "the first byte") -> None:
        super().__init__(f"its time was over before {what} was written")


# Ours too: it comes in place of the first byte.
_NEVER_WRITTEN = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, LateError)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Trace(dict[str, Mapping[str, Any]]):
    """How far a request got, from httpcore's events: the last of each name is kept.

    ``extensions`` are those of the request. Once it is written nothing that follows would tell
    anything new, and each event costs time: then the trace takes itself out of them. ``proofs``
    name httpcore's errors that leave a body unfinished.

    A request that would begin after ``until`` (steady clock) or ``expires_at`` (wall clock, as
    ``now`` tells it) is ended before its first byte: somebody else may have sent it anew by then.
    It takes both clocks, for the steady one may stand while the machine is suspended.
    """

    proofs: ClassVar[frozenset[str]] = frozenset({"WriteError", "WriteTimeout"})

    def __init__(
        self,
        until: float = inf,
        expires_at: datetime | None = None,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        super().__init__()
        self.extensions: dict[str, Any] = {}
        self.until = until
        self._expires_at = expires_at
        self._now = now

    def note(self, event: str, info: Mapping[str, Any]) -> None:
        """Take one event; raise in place of the first byte of a request whose time is over."""
        if event in _STARTED and self.late:
            raise LateError
        self[event] = info
        # Once more: who was held up in between must not end what others have sent anew. Its head
        # alone sends nothing; that it has no body we do not know here, so it may have been sent.
        if event in _BEGUN and self.late:
            raise LateError("its body")
        if event in _WRITTEN and self.started:
            self.extensions.pop("trace", None)

    async def later(self, event: str, info: Mapping[str, Any]) -> None:
        """Take one event, as httpcore's async half hands it in."""
        self.note(event, info)

    @property
    def late(self) -> bool:
        """Whether the request must not begin any more."""
        if time.monotonic() > self.until:
            return True
        return self._expires_at is not None and self._now() > self._expires_at

    @property
    def started(self) -> bool:
        """Whether the message's own request was begun; a proxy's CONNECT before it is not it."""
        infos = [self[event] for event in _STARTED if event in self]
        return any(info["request"].method != b"CONNECT" for info in infos)

    @property
    def written(self) -> bool:
        """Whether the request may have been handed over whole.

        After a proxy's CONNECT, whose events have the same names, it cannot be told: then it was.
        """
        if _TUNNEL in self or any(event in self for event in _WRITTEN):
            return True
        return any(self._may_be_whole(body) for body in _BODY)

    def _may_be_whole(self, body: str) -> bool:
        # An interrupt (Ctrl-C, a cancellation) may come when all is with the system already: only
        # an error of the writing itself proves that something of the body is missing.
        failed = self.get(f"{body}.failed", {}).get("exception")
        return f"{body}.started" in self and type(failed).__name__ not in self.proofs

    def stage(self, error: BaseException, *, tracing: bool) -> Stage:
        """Return how far the request got. A transport that may be silent proves little."""
        if tracing:
            if not self.started:
                return Stage.NOTHING
            return Stage.WHOLE if self.written else Stage.PARTIAL
        if isinstance(error, _NEVER_WRITTEN) and not self.started:
            return Stage.NOTHING
        return Stage.WHOLE


class LoopTrace(Trace):
    """As Trace, in an event loop.

    asyncio writes at once and waits afterwards: a timeout that ends the waiting proves nothing.
    """

    proofs: ClassVar[frozenset[str]] = frozenset({"WriteError"})
