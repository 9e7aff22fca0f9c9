"""Connections whose every step ends at the deadline of the exchange it belongs to.

A read timeout is per read: a server that sends one byte a second never meets it. What this cannot
bound is the look-up of a host name, and a host with several addresses is tried address by address.
"""

from __future__ import annotations

import ssl
import time
from typing import Any

import httpcore

from polysms.client.wire import current


def bind(transport: object) -> None:
    """Bound a transport's connections, if it is one of httpx's own over httpcore."""
    pool: Any = getattr(transport, "_pool", None)
    backend = getattr(pool, "_network_backend", None)
    if isinstance(backend, httpcore.NetworkBackend) and not isinstance(backend, BoundedBackend):
        pool._network_backend = BoundedBackend(backend)  # noqa: SLF001 - there is no other door


class BoundedBackend(httpcore.NetworkBackend):
    """Opens connections whose steps end at the exchange's deadline."""

    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        """Return a bounded connection to a host."""
        return BoundedStream(self._inner.connect_tcp(*args, **_within(kwargs)))

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        """Return a bounded connection to a Unix socket."""
        return BoundedStream(self._inner.connect_unix_socket(*args, **_within(kwargs)))


def _within(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {**kwargs, "timeout": _bound(kwargs.get("timeout"), httpcore.ConnectTimeout)}


def _bound(timeout: float | None, late: type[Exception]) -> float | None:
    """Return a timeout that ends at the deadline of this thread's exchange, if it has one."""
    until: float | None = getattr(current, "until", None)
    if until is None:
        return timeout
    left = until - time.monotonic()
    if left <= 0:
        raise late("the deadline has passed")
    return left if timeout is None else min(timeout, left)


class BoundedStream(httpcore.NetworkStream):
    """A connection whose every step ends at the exchange's deadline."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        # Handed through as they are: another call for each would cost as much as the bound.
        for name in ("close", "get_extra_info"):
            setattr(self, name, getattr(inner, name))

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what has come, within the timeout and before the deadline."""
        return self._inner.read(max_bytes, _bound(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it, within the timeout and before the deadline."""
        # The end of a request is announced by a write of nothing.
        if buffer:
            self._inner.write(buffer, _bound(timeout, httpcore.WriteTimeout))

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Return the same connection under TLS, bounded too."""
        timeout = _bound(timeout, httpcore.ConnectTimeout)
        return BoundedStream(self._inner.start_tls(ssl_context, server_hostname, timeout))
