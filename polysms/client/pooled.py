"""httpx's default transport with a shorter way to its connections.

The connections are httpcore's, made as httpx's own pool makes them, and raise what httpx raises.
Left out is what costs as much as all of polysms: a request and an answer of httpx's own around
each exchange, and a pool that looks at every connection twice for each.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from queue import Empty, SimpleQueue
from threading import TIMEOUT_MAX, Lock
from types import FunctionType
from typing import Any, ClassVar, Generic, TypeVar

import httpcore
import httpx

from polysms.client import standin
from polysms.providers.base import Request

Build = Callable[[Request, dict[str, Any]], httpcore.Request]
Carry = Callable[[httpcore.Request], "Answered"]
Key = tuple[bytes, bytes, int | None]
C = TypeVar("C", httpcore.ConnectionInterface, httpcore.AsyncConnectionInterface)

#: Connections at most in use at once, and unused ones that are kept: as httpx's own defaults.
MOST = 100
MOST_IDLE = 20
_HTTPX = httpx.HTTPTransport.close.__code__.co_filename
ERRORS = (
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
        tell_of_connections(self._pool)
        # A semaphore would do; this one is not written in Python.
        self._slots: SimpleQueue[None] = SimpleQueue()
        for _ in range(MOST):
            self._slots.put(None)
        self._idle: Idle[httpcore.ConnectionInterface] = Idle(MOST_IDLE)

    def shorter(self) -> tuple[Build, Carry] | None:
        """Return what builds a request and what carries it, None where httpx is to do it.

        It is where a recorder, a tracer or a mock sits in httpx's transport: they want its objects.
        """
        return (built, self._carry) if is_httpx(httpx.HTTPTransport.handle_request) else None

    def close(self) -> None:
        """Close every connection; one that is in use, when its exchange is over."""
        for connection in self._idle.emptied():
            connection.close()
        super().close()

    def _carry(self, request: httpcore.Request) -> Answered:
        try:
            self._slots.get(timeout=min(request.extensions["timeout"]["pool"], TIMEOUT_MAX))
        except Empty:
            raise httpx.PoolTimeout("no connection was free in time") from None
        try:
            return self._carried(request)
        except ERRORS as error:
            self._slots.put(None)
            raise of_httpx(error) from error
        except BaseException:
            self._slots.put(None)
            raise

    def _carried(self, request: httpcore.Request) -> Answered:
        key = key_of(request)
        connection = self._taken(key) or self._pool.create_connection(request.url.origin)
        try:
            answer = connection.handle_request(request)
        except BaseException:
            connection.close()
            raise

        def release() -> None:
            try:
                if (surplus := self._idle.put(key, connection)) is not None:
                    surplus.close()
            finally:
                self._slots.put(None)

        return Answered(answer, release)

    def _taken(self, key: Key) -> httpcore.ConnectionInterface | None:
        """Return a connection that is still good, None where there is none."""
        while (found := self._idle.found(key)) is not None:
            if not found.has_expired():
                return found
            found.close()
        return None


class Idle(Generic[C]):
    """Connections that nobody uses, the one used last at the end. It closes none of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._kept: list[tuple[Key, C]] = []
        self._closed = False

    def found(self, key: Key) -> C | None:
        """Return the connection used last, which may have expired; None where there is none."""
        with self._lock:
            for place in range(len(self._kept) - 1, -1, -1):
                if self._kept[place][0] == key:
                    return self._kept.pop(place)[1]
        return None

    def put(self, key: Key, connection: C) -> C | None:
        """Keep a connection that can be used again; return one that is to be closed."""
        with self._lock:
            if self._closed or not connection.is_idle():
                return connection
            self._kept.append((key, connection))
            if len(self._kept) > 1 and (len(self._kept) > self._most or self._is_oldest_expired()):
                return self._kept.pop(0)[1]
        return None

    def _is_oldest_expired(self) -> bool:
        return self._kept[0][1].has_expired()

    def emptied(self) -> list[C]:
        """Return them all, for closing; from now on none is kept."""
        with self._lock:
            kept, self._kept, self._closed = self._kept, [], True
        return [connection for _, connection in kept]


def tell_of_connections(pool: Any) -> None:
    """Let it be known beforehand of each connection that a pool opens, whoever asks it to."""
    create: Callable[[httpcore.Origin], Any] = pool.create_connection

    def create_connection(origin: httpcore.Origin) -> Any:
        standin.opening(origin.host.decode("ascii"))
        return create(origin)

    pool.create_connection = create_connection


class Answered:
    """An answer whose status line and headers were read, as far as we use ``httpx.Response``."""

    def __init__(self, answer: httpcore.Response, release: Callable[[], None]) -> None:
        self.status_code = answer.status
        self.headers = headers_of(answer)
        #: The body's bytes, as they come. Its errors stay httpcore's: the status is known by then.
        self.stream: Any = answer.stream
        self._release = release

    def close(self) -> None:
        """Give the connection back, or close it where the answer was not read to its end."""
        try:
            self.stream.close()
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


def is_httpx(handle: object) -> bool:
    """Whether a method of httpx's transports is httpx's own, and nobody looks on."""
    return isinstance(handle, FunctionType) and handle.__code__.co_filename == _HTTPX


@lru_cache(maxsize=64)
def _parsed(url: str) -> tuple[httpcore.URL, bytes]:
    parsed = httpx.URL(url)
    whole = httpcore.URL(
        scheme=parsed.raw_scheme, host=parsed.raw_host, port=parsed.port, target=parsed.raw_path
    )
    return whole, parsed.netloc


def key_of(request: httpcore.Request) -> Key:
    """Return whose connections can carry a request."""
    return request.url.scheme, request.url.host, request.url.port


def headers_of(answer: httpcore.Response) -> dict[str, str]:
    """Return an answer's headers, their names in small letters."""
    headers: dict[str, str] = {}
    for name, value in answer.headers:
        key, said = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {said}" if key in headers else said
    return headers


def of_httpx(error: Exception) -> Exception:
    """Return an error of httpcore's as httpx raises it."""
    kind: type[Exception] = getattr(httpx, type(error).__name__, httpx.TransportError)
    return kind(str(error))
