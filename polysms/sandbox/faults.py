"""Answers that go wrong on purpose, after the message was accepted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import MutableMapping
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from polysms.sandbox.answering import encoded

#: Where the server leaves the function that closes the connection of a request.
CLOSE = "polysms.sandbox.close"
_GONE = "http.disconnect"
# Seconds.
_AWAITED = 5.0


class Drop(Response):
    """The connection is closed without an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Close the connection."""
        await close(scope, receive)


class Hang(Response):
    """No answer, until the client leaves, the sandbox stops, or the time is up."""

    def __init__(self, stopping: asyncio.Event, seconds: float) -> None:
        super().__init__()
        self._stopping = stopping
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Wait, then close the connection."""
        ends = [asyncio.ensure_future(self._stopping.wait()), asyncio.ensure_future(gone(receive))]
        await asyncio.wait(ends, timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        await close(scope, receive)


class Awaiting(Response):
    """An answer that is given once something else has happened, or has not for some seconds."""

    def __init__(self, event: asyncio.Event, response: Response) -> None:
        super().__init__()
        self._event = event
        self._response = response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, then answer."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), _AWAITED)
        await self._response(scope, receive, send)


class Cut(Response):
    """The first half of a JSON answer; then the connection is closed."""

    def __init__(self, body: object, status: int) -> None:
        super().__init__(encoded(body), status, media_type="application/json")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Announce the whole body, send half of it and close the connection."""
        half = bytes(self.body[: len(self.body) // 2])
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        )
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await close(scope, receive)


async def gone(receive: Receive) -> None:
    """Wait until the client has left."""
    message: MutableMapping[str, Any] = {}
    while message.get("type") != _GONE:
        message = await receive()


async def close(scope: Scope, receive: Receive) -> None:
    """Close the connection of a request, and wait until the server has noticed."""
    scope[CLOSE]()
    await gone(receive)
