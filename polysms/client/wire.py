"""One HTTP exchange, told as evidence: how much was written, whether a status line came back.

No exception class tells whether a text was accepted (the same ``ReadError`` comes when the server
has seen nothing and when it has processed everything). Two things do: the ``trace`` extension,
which httpcore calls as the request is written, and the status line, read before the body.
"""

from __future__ import annotations

import re
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import attrs
import httpx

from polysms import redact
from polysms.client import standin
from polysms.client.trace import LateError, Trace
from polysms.config import Timeouts
from polysms.providers.base import Request, Response
from polysms.routing.steps import Call, Failure, Stage

#: A provider's answer is read up to this many bytes; a longer one is as good as cut.
LONGEST_ANSWER = 1024 * 1024
#: Transports whose silence about a request proves that it was not written.
TRACING = (httpx.HTTPTransport, httpx.AsyncHTTPTransport)

Build = Callable[[Request, dict[str, Any]], Any]

#: The moment (steady clock) at which the exchange of this thread must be over.
current = threading.local()


@attrs.frozen(slots=False)
class Exchange:
    """What one exchange brought, and the interrupt (cancellation, Ctrl-C) that ended it, if any."""

    answer: Response | Failure
    interrupt: BaseException | None = None


def outgoing(
    request: Request, trace: Any, timeouts: Timeouts, seconds: float, build: Build | None = None
) -> Any:
    """Return the request as a transport takes it, or the end of an exchange that cannot begin.

    The time left caps every timeout.
    """
    try:
        extensions = {"trace": trace, "timeout": _capped(timeouts, seconds)}
        return (build or _built)(request, extensions)
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        text = f"the request could not be built ({type(error).__name__})"
        return Exchange(Failure(stage=Stage.NOTHING, text=text, ours=True))


def _built(request: Request, extensions: dict[str, Any]) -> httpx.Request:
    """Return a request as httpx's transports take it."""
    url = _url(request)
    return httpx.Request(
        request.method,
        url,
        # With a stream of its own httpx adds no headers: these are all.
        headers={"Host": url.netloc.decode(), **request.headers, **_length(request)},
        stream=httpx.ByteStream(request.content),
        extensions=extensions,
    )


def _length(request: Request) -> dict[str, str]:
    return {"Content-Length": str(len(request.content))} if request.content else {}


def _url(request: Request) -> httpx.URL:
    # A send's URL is the same each time and holds nothing private.
    return _parsed(request.url) if request.method == "POST" else httpx.URL(request.url)


@lru_cache(maxsize=64)
def _parsed(url: str) -> httpx.URL:
    return httpx.URL(url)


def _capped(timeouts: Timeouts, seconds: float) -> dict[str, float]:
    return {
        "connect": min(timeouts.connect, seconds),
        "read": min(timeouts.read, seconds),
        "write": min(timeouts.write, seconds),
        "pool": min(timeouts.pool, seconds),
    }


class Got:
    """What has come of an exchange so far."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.response: Any = None
        self.body = bytearray()
        self.complete = False

    def exchange(self, interrupt: BaseException | None = None) -> Exchange:
        """Return the exchange once its status line is known."""
        response, seconds = self.response, time.monotonic() - self.began
        if response is None:
            raise RuntimeError("no status line was read")
        return Exchange(_answer(response, bytes(self.body), seconds, self.complete), interrupt)

    def broken(
        self, error: BaseException, request: Request, trace: Trace, *, tracing: bool
    ) -> Exchange:
        """Return the exchange that an error ended: its status, if one came, survives it."""
        interrupt = None if isinstance(error, Exception) else error
        if self.response is not None:
            return self.exchange(interrupt)
        failure = Failure(
            stage=trace.stage(error, tracing=tracing),
            text=_sentence(error, httpx.URL(request.url).netloc.decode()),
            ours=isinstance(error, _OURS) or interrupt is not None,
            interrupted=interrupt is not None,
        )
        return Exchange(failure, interrupt)


def exchange(transport: httpx.BaseTransport, call: Call, now: Callable[[], datetime]) -> Exchange:
    """Make one request and return what is known of it. Raises nothing, not even an interrupt.

    ``now`` is the clock by which the call expires.
    """
    got, request, seconds = Got(time.monotonic()), call.request, call.seconds
    trace = Trace(got.began + seconds, call.expires_at, now)
    build, carry = _way(transport)
    sent = outgoing(request, trace.note, call.account.timeouts, seconds, build)
    if isinstance(sent, Exchange):
        return sent
    if (instead := standin.answer(transport, call)) is not None:
        return instead
    trace.extensions = sent.extensions
    current.until = trace.until
    try:
        # Of a transport that does not trace, this is the last that is heard.
        if build is None and trace.late:
            raise LateError  # noqa: TRY301 - an end like the others
        got.response = carry(sent)
        for chunk in got.response.stream:
            got.body += chunk
            if len(got.body) > LONGEST_ANSWER or time.monotonic() > current.until:
                break
        else:
            got.complete = True
        done = got.exchange()
    except BaseException as error:  # noqa: BLE001 - what is not known to be unsent is maybe sent
        done = got.broken(error, request, trace, tracing=tracing(transport))
    current.until = None
    interrupt = _close(got.response)
    return done if interrupt is None else attrs.evolve(done, interrupt=interrupt)


def _way(transport: Any) -> tuple[Build | None, Callable[[Any], Any]]:
    """Return what builds a request and what carries it: our own transport has a shorter way."""
    shorter = getattr(transport, "shorter", None)
    return (shorter and shorter()) or (None, transport.handle_request)


def tracing(transport: object) -> bool:
    """Whether a transport is of a type whose silence proves that nothing was written."""
    return type(transport) in TRACING or getattr(transport, "traces", False)


def _answer(
    response: Any,
    body: bytes,
    seconds: float,
    complete: bool,  # noqa: FBT001 - one of the facts
) -> Response:
    headers: Mapping[str, str] = response.headers
    if complete and "content-encoding" in headers:
        body, complete = _decoded(body, headers["content-encoding"].strip().lower())
    return Response(response.status_code, headers, body, complete, seconds)


def _decoded(body: bytes, coding: str) -> tuple[bytes, bool]:
    """Return an answer unpacked though we never asked for packing, and whether it is whole."""
    if coding == "identity":
        return body, True
    if coding not in {"gzip", "x-gzip", "deflate"}:
        return b"", False
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        return unpacker.decompress(body, LONGEST_ANSWER), unpacker.eof
    except zlib.error:
        return b"", False


_OURS = (
    LateError,
    httpx.PoolTimeout,
    httpx.InvalidURL,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
_SENTENCES: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    (httpx.PoolTimeout, "no connection of our own was free in time"),
    (httpx.ConnectTimeout, "no connection in time"),
    (httpx.ConnectError, "no connection"),
    (httpx.ProxyError, "the proxy refused"),
    (httpx.WriteTimeout, "the request could not be written in time"),
    (httpx.WriteError, "the connection broke while the request was written"),
    ((httpx.ReadTimeout, TimeoutError), "no answer in time"),
    (httpx.ReadError, "the connection broke before an answer"),
    (httpx.RemoteProtocolError, "the connection ended without a readable answer"),
    (httpx.UnsupportedProtocol, "the URL's scheme is not supported"),
)


_ERRNO = re.compile(r"^\[Errno -?\d+\] ")


def _sentence(error: BaseException, host: str) -> str:
    """Return what happened in our words: the library's may hold the URL with its credentials."""
    if isinstance(error, LateError):
        return str(error)
    if _about_certificate(error):
        return "its certificate could not be verified"
    if isinstance(error, httpx.ConnectError) and str(error):
        return f"no connection to {host}: {redact.scrub(_ERRNO.sub('', str(error)))}"
    for kind, sentence in _SENTENCES:
        if isinstance(error, kind):
            return f"{sentence} ({type(error).__name__})"
    if not isinstance(error, Exception):
        return f"stopped while waiting ({type(error).__name__})"
    return f"the request failed ({type(error).__name__})"


def _about_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _close(response: Any) -> BaseException | None:
    """Close an answer that is known already: trouble in closing changes nothing about it."""
    try:
        if response is not None:
            response.close()
    except Exception:  # noqa: BLE001
        return None
    except BaseException as interrupt:  # noqa: BLE001 - handed on beside the answer
        return interrupt
    return None
