"""httpx's default async transport with a shorter way to its connections, as :mod:`.pooled`.

httpx's own pool looks at every connection for each request: with fifty in flight it takes ten times
as long as everything else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

import httpcore
import httpx

from polysms.client.pooled import (
    ERRORS,
    MOST,
    Build,
    Idle,
    Key,
    built,
    headers_of,
    is_httpx,
    key_of,
    of_httpx,
    tell_of_connections,
)

Carry = Callable[[httpcore.Request], Awaitable["AsyncAnswered"]]
Connection = httpcore.AsyncConnectionInterface

#: As many as may be in use: each send of a rush finds one, and they expire when it is over.
MOST_IDLE = MOST


class AsyncPooledTransport(httpx.AsyncHTTPTransport):
    """httpx's async transport, which also carries requests of httpcore's as they are."""

    traces: ClassVar[bool] = True

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        tell_of_connections(self._pool)
        # There is no other door.
        self._pool._network_backend = ClosingBackend(self._pool._network_backend)  # noqa: SLF001
        self._slots = asyncio.Semaphore(MOST)
        self._idle: Idle[Connection] = Idle(MOST_IDLE)

    def shorter(self) -> tuple[Build, Carry] | None:
        """As :meth:`PooledTransport.shorter <polysms.client.pooled.PooledTransport.shorter>`."""
        handle = httpx.AsyncHTTPTransport.handle_async_request
        return (built, self._carry) if is_httpx(handle) else None

    async def aclose(self) -> None:
        """Close every connection; one that is in use, when its exchange is over."""
        await _closed(*self._idle.emptied())
        await super().aclose()

    async def _carry(self, request: httpcore.Request) -> AsyncAnswered:
        await self._slot(request.extensions["timeout"]["pool"])
        try:
            return await self._carried(request)
        except ERRORS as error:
            self._slots.release()
            raise of_httpx(error) from error
        except BaseException:
            self._slots.release()
            raise

    async def _slot(self, seconds: float) -> None:
        if not self._slots.locked():
            # It does not wait, so it needs no timer.
            await self._slots.acquire()
            return
        try:
            async with asyncio.timeout(seconds):
                await self._slots.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout("no connection was free in time") from None

    async def _carried(self, request: httpcore.Request) -> AsyncAnswered:
        key = key_of(request)
        connection = await self._taken(key) or self._pool.create_connection(request.url.origin)
        try:
            answer = await connection.handle_async_request(request)
        except BaseException:
            await _closed(connection)
            raise

        async def release() -> None:
            try:
                if (surplus := self._idle.put(key, connection)) is not None:
                    await _closed(surplus)
            finally:
                self._slots.release()

        return AsyncAnswered(answer, release)

    async def _taken(self, key: Key) -> Connection | None:
        while (found := self._idle.found(key)) is not None:
            if not found.has_expired():
                return found
            await _closed(found)
        return None


async def _closed(*connections: Connection | httpcore.AsyncNetworkStream) -> None:
    """Close connections to the end, even if we are cancelled meanwhile."""
    closing = (connection.aclose() for connection in connections)
    await asyncio.shield(asyncio.gather(*closing, return_exceptions=True))


class AsyncAnswered:
    """As :class:`~polysms.client.pooled.Answered`."""

    def __init__(self, answer: httpcore.Response, release: Callable[[], Awaitable[None]]) -> None:
        self.status_code = answer.status
        self.headers = headers_of(answer)
        self.stream: Any = answer.stream
        self._release = release

    async def aclose(self) -> None:
        """Give the connection back, or close it where the answer was not read to its end."""
        try:
            await self.stream.aclose()
        finally:
            await self._release()


class ClosingBackend(httpcore.AsyncNetworkBackend):
    """Opens connections that are closed where they cannot become TLS connections."""

    def __init__(self, inner: httpcore.AsyncNetworkBackend) -> None:
        self._inner = inner

    async def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        """Return a connection to a host."""
        return _Stream(await self._inner.connect_tcp(*args, **kwargs))

    async def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        """Return a connection to a Unix socket."""
        return _Stream(await self._inner.connect_unix_socket(*args, **kwargs))

    async def sleep(self, seconds: float) -> None:
        """Wait before another try."""
        await self._inner.sleep(seconds)


class _Stream(httpcore.AsyncNetworkStream):
    """A connection that is closed when a cancellation ends its handshake; httpcore's is left."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner
        # Handed through as they are: they are called for each request.
        for name in ("read", "write", "aclose", "get_extra_info"):
            setattr(self, name, getattr(inner, name))

    async def start_tls(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        try:
            return await self._inner.start_tls(*args, **kwargs)
        except BaseException:
            await _closed(self._inner)
            raise
