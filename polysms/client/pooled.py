"""httpx's default transport with a shorter way to its connections.

The connections are httpcore's, made as httpx's own pool makes them, and raise what httpx raises.
Left out is what costs as much as all of polysms: a request and an answer of httpx's own around
each exchange, and a pool that looks at every connection twice for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from queue import Empty, SimpleQueue
from threading import TIMEOUT_MAX, Lock
from types import FunctionType
from typing import Any, ClassVar

import httpcore
import httpx

from polysms.providers.base import Request

Build = Callable[[Request, dict[str, Any]], httpcore.Request]
Carry = Callable[[httpcore.Request], "Answered"]
Key = tuple[bytes, bytes, int | None]

#: Connections at most in use at once, and unused ones that are kept: as httpx's own defaults.
MOST = 100
MOST_IDLE = 20
_HTTPX = httpx.HTTPTransport.close.__code__.co_filename
_ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)


class PooledTransport(httpx.HTTPTransport):
    """httpx's transport, which also carries requests of httpcore's as they are."""

    traces: ClassVar[bool] = True

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # A semaphore would do; this one is not written in Python.
        self._slots: SimpleQueue[None] = SimpleQueue()
        for _ in range(MOST):
            self._slots.put(None)
        self._idle = _Idle()

    def shorter(self) -> tuple[Build, Carry] | None:
        """Return what builds a request and what carries it, None where httpx is to do it.

        It is where a recorder, a tracer or a mock sits in httpx's transport: they want its objects.
        """
        handle: object = httpx.HTTPTransport.handle_request
        if isinstance(handle, FunctionType) and handle.__code__.co_filename == _HTTPX:
            return built, self._carry
        return None

    def close(self) -> None:
        """Close every connection; one that is in use, when its exchange is over."""
        self._idle.close()
        super().close()

    def _carry(self, request: httpcore.Request) -> Answered:
        try:
            self._slots.get(timeout=min(request.extensions["timeout"]["pool"], TIMEOUT_MAX))
        except Empty:
            raise httpx.PoolTimeout("no connection was free in time") from None
        try:
            return self._carried(request)
        except _ERRORS as error:
            self._slots.put(None)
            raise _of_httpx(error) from error
        except BaseException:
            self._slots.put(None)
            raise

    def _carried(self, request: httpcore.Request) -> Answered:
        url = request.url
        key = (url.scheme, url.host, url.port)
        connection = self._idle.taken(key) or self._pool.create_connection(url.origin)
        try:
            answer = connection.handle_request(request)
        except BaseException:
            connection.close()
            raise

        def release() -> None:
            try:
                self._idle.put(key, connection)
            finally:
                self._slots.put(None)

        return Answered(answer, release)


class _Idle:
    """Connections that nobody uses, the one used last at the end."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: list[tuple[Key, httpcore.ConnectionInterface]] = []
        self._closed = False

    def taken(self, key: Key) -> httpcore.ConnectionInterface | None:
        """Return a connection that is still good, None where there is none."""
        while (found := self._found(key)) is not None:
            if not found.has_expired():
                return found
            found.close()
        return None

    def _found(self, key: Key) -> httpcore.ConnectionInterface | None:
        with self._lock:
            for place in range(len(self._kept) - 1, -1, -1):
                if self._kept[place][0] == key:
                    return self._kept.pop(place)[1]
        return None

    def put(self, key: Key, connection: httpcore.ConnectionInterface) -> None:
        """Keep a connection that can be used again; close one that has rested too long."""
        surplus = None
        with self._lock:
            if self._closed:
                surplus = connection
            elif connection.is_idle():
                self._kept.append((key, connection))
            if len(self._kept) > 1 and (len(self._kept) > MOST_IDLE or self._is_oldest_expired()):
                surplus = self._kept.pop(0)[1]
        if surplus is not None:
            surplus.close()

    def _is_oldest_expired(self) -> bool:
        return self._kept[0][1].has_expired()

    def close(self) -> None:
        """Close them all, and those that come back."""
        with self._lock:
            kept, self._kept, self._closed = self._kept, [], True
        for _, connection in kept:
            connection.close()


class Answered:
    """An answer whose status line and headers were read, as far as we use ``httpx.Response``."""

    def __init__(self, answer: httpcore.Response, release: Callable[[], None]) -> None:
        self.status_code = answer.status
        self.headers = _headers(answer.headers)
        self._body: Any = answer.stream
        self._release = release

    @property
    def stream(self) -> Iterator[bytes]:
        """The body's bytes, as they come."""
        try:
            yield from self._body
        except _ERRORS as error:
            raise _of_httpx(error) from error

    def close(self) -> None:
        """Give the connection back, or close it where the answer was not read to its end."""
        try:
            self._body.close()
        finally:
            self._release()


def built(request: Request, extensions: dict[str, Any]) -> httpcore.Request:
    """Return a request as httpcore takes it; raise as httpx does for what cannot be one."""
    # A send's URL is the same each time and holds nothing private.
    url, host = (_parsed if request.method == "POST" else _parsed.__wrapped__)(request.url)
    headers = [(b"Host", host)]
    for name, value in request.headers.items():
        headers.append((name.encode("ascii"), value.encode("ascii")))
    if request.content:
        headers.append((b"Content-Length", b"%d" % len(request.content)))
    return httpcore.Request(
        request.method, url, headers=headers, content=request.content, extensions=extensions
    )


@lru_cache(maxsize=64)
def _parsed(url: str) -> tuple[httpcore.URL, bytes]:
    parsed = httpx.URL(url)
    whole = httpcore.URL(
        scheme=parsed.raw_scheme, host=parsed.raw_host, port=parsed.port, target=parsed.raw_path
    )
    return whole, parsed.netloc


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in raw:
        key, said = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {said}" if key in headers else said
    return headers


def _of_httpx(error: Exception) -> Exception:
    kind: type[Exception] = getattr(httpx, type(error).__name__, httpx.TransportError)
    return kind(str(error))
