"""A provider's list as one long answer: a message a line, each given as it comes.

Nothing here grows with the answer. What was read before something went wrong has been given; a
line that cannot be read loses itself alone, and the end tells its number.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from math import inf
from typing import Any

import attrs
import httpx

from polysms.client.trace import Trace
from polysms.client.wire import LONGEST_ANSWER, Exchange, Got, current, outgoing
from polysms.config import Account
from polysms.delivery import Delivery
from polysms.errors import LookupFailed
from polysms.providers.base import Query, Response
from polysms.routing import lookup

#: Bytes; no message comes near.
LONGEST_LINE = 1024 * 1024
#: Seconds within which the next message must come.
IDLE_SECONDS = 60.0
#: Lines that cannot be read, before it is clear that these are no messages at all.
MOST_BROKEN = 1000
_MOST_NAMED = 5


class Lines:
    """Pieces of a body put together to lines, of which one that is too long is None."""

    def __init__(self, longest: int = LONGEST_LINE) -> None:
        self._longest = longest
        self._begun = bytearray()
        self._is_too_long = False

    def of(self, chunk: bytes) -> Iterator[bytes | None]:
        """Yield the lines that end in a piece."""
        *ends, begin = chunk.split(b"\n")
        for end in ends:
            self._keep(end)
            yield self.rest()
        self._keep(begin)

    def rest(self) -> bytes | None:
        """Return the line that has begun, as if it ended here."""
        line = None if self._is_too_long else bytes(self._begun)
        self._begun.clear()
        self._is_too_long = False
        return line

    def _keep(self, piece: bytes) -> None:
        if self._is_too_long or len(self._begun) + len(piece) > self._longest:
            self._is_too_long = True
            self._begun.clear()
        else:
            self._begun += piece


class Export:
    """One export: what is asked for, and what has come of it so far."""

    def __init__(self, account: Account, query: Query, idle: float) -> None:
        build = lookup.able(account, "export_request", "export its messages")
        request = build(query)
        headers = {**request.headers, "Accept-Encoding": "identity"}
        self._request = attrs.evolve(request, headers=headers)
        self._account = account
        self._query = query
        self._idle = idle
        self._lines = Lines()
        self._line = 0
        self._given = 0
        self._broken: list[int] = []
        self._response: Any = None
        self._refusal = bytearray()
        self._until = inf

    def outgoing(self) -> httpx.Request:
        """Return the request, which is made now; raise LookupFailed where it cannot be built."""
        self._rested()
        made = outgoing(self._request, None, self._account.timeouts, self._idle)
        if isinstance(made, Exchange):
            lookup.answered(self._account, made.answer)
        return made  # type: ignore[no-any-return]

    def begin(self, response: httpx.Response) -> None:
        """Take the status line and the headers."""
        self._response = response
        if self._is_good and response.headers.get("content-encoding", "identity") != "identity":
            raise self._failed("the export came packed, though nobody asked for that")

    @property
    def _is_good(self) -> bool:
        return self._response is not None and self._response.status_code == httpx.codes.OK

    def add(self, chunk: bytes) -> Iterator[Delivery]:
        """Take one more piece of the body; yield the messages that end in it."""
        if self._is_good:
            yield from self._read(self._lines.of(chunk))
            return
        self._refusal += chunk
        if len(self._refusal) > LONGEST_ANSWER:
            raise self._refused(complete=False)

    def end(self) -> Iterator[Delivery]:
        """Yield the message of the last line. Raises LookupFailed where not all could be read."""
        if not self._is_good:
            raise self._refused(complete=True)
        yield from self._read([self._lines.rest()])
        if self._broken:
            raise self._unread()

    def _unread(self) -> LookupFailed:
        named = ", ".join(str(line) for line in self._broken[:_MOST_NAMED])
        more = len(self._broken) - _MOST_NAMED
        others = f" and {more} more" if more > 0 else ""
        return self._failed(f"of its export these lines cannot be read: {named}{others}")

    def _read(self, lines: Iterable[bytes | None]) -> Iterator[Delivery]:
        for line in lines:
            delivery = self._delivery(line)
            if delivery is not None:
                self._given += 1
                yield delivery
                # Whoever took it may have taken long: the provider is not to blame.
                self._rested()

    def _rested(self) -> None:
        self._until = time.monotonic() + self._idle

    def _delivery(self, line: bytes | None) -> Delivery | None:
        self._line += 1
        if line is not None and not line.strip():
            return None
        adapter: Any = self._account.adapter
        record = None if line is None else adapter.read_export_line(line)
        if record is None:
            self._broken.append(self._line)
            if len(self._broken) > MOST_BROKEN:
                raise self._unread()
            return None
        self._rested()
        is_wanted = lookup.wanted(record, self._query)
        return lookup.foreign(record, self._account) if is_wanted else None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Bound what waits for the provider, and tell in our words what goes wrong."""
        current.until = self._until
        try:
            self._require_time()
            yield
        except LookupFailed:
            raise
        except Exception as error:
            raise self._told(error) from error
        finally:
            current.until = None

    @asynccontextmanager
    async def waiting_async(self) -> AsyncIterator[None]:
        """As :meth:`waiting`, in an event loop."""
        try:
            self._require_time()
            async with asyncio.timeout(self._until - time.monotonic()):
                yield
        except LookupFailed:
            raise
        except Exception as error:
            raise self._told(error) from error

    def _require_time(self) -> None:
        if time.monotonic() > self._until:
            raise TimeoutError

    def _told(self, error: Exception) -> LookupFailed:
        if self._response is None:
            got = Got(time.monotonic()).broken(error, self._request, Trace(), tracing=False)
            try:
                lookup.answered(self._account, got.answer)
            except LookupFailed as failed:
                return failed
        if not self._is_good:
            return self._refused(complete=False)
        late = isinstance(error, (TimeoutError, httpx.TimeoutException))
        why = "did not go on" if late else "was cut off"
        return self._failed(f"its export {why} ({type(error).__name__})")

    def _failed(self, sentence: str) -> LookupFailed:
        title = f"{self._account.name} ({self._account.adapter.capabilities.title})"
        return LookupFailed(
            f"{title}: {sentence}; messages read before: {self._given}",
            account=self._account.name,
            status_code=self._response.status_code,
        )

    def _refused(self, *, complete: bool) -> LookupFailed:
        headers = {name.lower(): value for name, value in self._response.headers.items()}
        body = bytes(self._refusal)
        response = Response(self._response.status_code, headers, body, complete)
        return lookup.failed(self._account, response, self._account.adapter.read(response))


def exported(export: Export, transport: httpx.BaseTransport) -> Generator[Delivery, None, None]:
    """Yield the messages of an export while they come."""
    request = export.outgoing()
    with export.waiting():
        response = transport.handle_request(request)
    try:
        export.begin(response)
        pieces = iter(response.stream)  # type: ignore[arg-type]
        while True:
            with export.waiting():
                chunk = next(pieces, None)
            yield from export.end() if chunk is None else export.add(chunk)
            if chunk is None:
                break
    finally:
        with suppress(Exception):
            response.close()


async def exported_async(
    export: Export, transport: httpx.AsyncBaseTransport
) -> AsyncGenerator[Delivery, None]:
    """As :func:`exported`, in an event loop."""
    request = export.outgoing()
    async with export.waiting_async():
        response = await transport.handle_async_request(request)
    try:
        export.begin(response)
        pieces = aiter(response.stream)  # type: ignore[arg-type]
        while True:
            async with export.waiting_async():
                chunk = await anext(pieces, None)
            for delivery in export.end() if chunk is None else export.add(chunk):
                yield delivery
            if chunk is None:
                break
    finally:
        with suppress(Exception):
            await response.aclose()
