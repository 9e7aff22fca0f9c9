"""httpx's default transport with a shorter way to the connections of its pool.

The same pool, the same wire, the same exceptions; what is left out is a request and an answer of
httpx's own around each exchange, which nobody would look at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from types import FunctionType
from typing import Any, ClassVar

import httpcore
import httpx

from polysms.providers.base import Request

Build = Callable[[Request, dict[str, Any]], httpcore.Request]
Carry = Callable[[httpcore.Request], "Answered"]

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

    def shorter(self) -> tuple[Build, Carry] | None:
        """Return what builds a request and what carries it, None where httpx is to do it.

        It is where a recorder, a tracer or a mock sits in httpx's transport: they want its objects.
        """
        handle: object = httpx.HTTPTransport.handle_request
        if isinstance(handle, FunctionType) and handle.__code__.co_filename == _HTTPX:
            return built, self._carry
        return None

    def _carry(self, request: httpcore.Request) -> Answered:
        try:
            return Answered(self._pool.handle_request(request))
        except _ERRORS as error:
            raise _of_httpx(error) from error


def built(request: Request, extensions: dict[str, Any]) -> httpcore.Request:
    """Return a request as httpcore takes it; raise as httpx does for what cannot be one."""
    url, host = _parsed(request.url)
    headers = [(b"Host", host)]
    headers += [
        (name.encode("ascii"), said.encode("ascii")) for name, said in request.headers.items()
    ]
    if request.content:
        headers.append((b"Content-Length", b"%d" % len(request.content)))
    return httpcore.Request(
        request.method, url, headers=headers, content=request.content, extensions=extensions
    )


class Answered:
    """An answer whose status line and headers were read; as much of ``httpx.Response`` as we use."""

    def __init__(self, answer: httpcore.Response) -> None:
        self.status_code = answer.status
        self.headers = _headers(answer.headers)
        self._stream: Any = answer.stream
        self.close: Callable[[], None] = self._stream.close

    @property
    def stream(self) -> Iterator[bytes]:
        """The body's bytes, as they come."""
        try:
            yield from self._stream
        except _ERRORS as error:
            raise _of_httpx(error) from error


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
