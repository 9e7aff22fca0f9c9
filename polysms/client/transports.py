"""Transports: made when first needed, one per way of reaching the network, never across a fork."""

from __future__ import annotations

import os
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import httpcore
import httpx

from polysms.client.local import LocalTransport
from polysms.client.wire import current
from polysms.config import Account
from polysms.errors import ConfigError

T = TypeVar("T", httpx.BaseTransport, httpx.AsyncBaseTransport)
Made = Callable[[], T]


class Transports(Generic[T]):
    """The transports of one client: the caller's own, or ours by proxy and certificates."""

    def __init__(self, own: T | Made[T] | Mapping[str, T] | None, make: Callable[..., T]) -> None:
        self._own = own
        self._make = make
        self._lock = threading.Lock()
        self._made: dict[object, T] = {}
        self._pid = os.getpid()
        self._closed = False

    def of(self, account: Account) -> T:
        """Return the transport that carries an account's requests."""
        if self._closed:
            raise ConfigError("this client is closed; make a new one")
        if self._pid != os.getpid():
            self._begin_again()
        key, make = self._wanted(account)
        found = self._made.get(key)
        if found is not None:
            return found
        with self._lock:
            if key not in self._made:
                self._made[key] = make()
            return self._made[key]

    def _wanted(self, account: Account) -> tuple[object, Callable[[], T]]:
        if account.local:
            return account.name, lambda: LocalTransport(account)  # type: ignore[return-value]
        own = self._own.get(account.name) if isinstance(self._own, Mapping) else self._own
        if own is None:
            key = (account.proxy, account.ca, account.trust_env)
            return key, lambda: self._make(account)
        key = ("own", account.name if isinstance(self._own, Mapping) else None)
        return key, own if callable(own) else lambda: own

    def _begin_again(self) -> None:
        """Leave a parent process's connections alone: both would speak on the same sockets."""
        own = self._own.values() if isinstance(self._own, Mapping) else [self._own]
        if any(transport is not None and not callable(transport) for transport in own):
            raise ConfigError(
                "a transport of your own cannot cross a fork; make the client in the child, "
                "or pass a function that makes the transport"
            )
        self._lock = threading.Lock()
        self._made = {}
        self._pid = os.getpid()

    def local(self) -> list[LocalTransport]:
        """Return the transports of accounts without a network."""
        return [made for made in self._made.values() if isinstance(made, LocalTransport)]

    def forget(self) -> list[T]:
        """Return every transport for closing, once; afterwards the client is closed."""
        made = list(self._made.values()) if self._pid == os.getpid() else []
        self._made, self._closed = {}, True
        return made


def make_sync(account: Account) -> httpx.HTTPTransport:
    """Return the default transport, whose every read ends at the deadline of its exchange."""
    transport = httpx.HTTPTransport(
        verify=_tls(account), trust_env=account.trust_env, proxy=_proxy(account)
    )
    pool: Any = transport._pool  # noqa: SLF001 - the only door to the socket's own timeout
    pool._network_backend = _BoundedBackend(pool._network_backend)  # noqa: SLF001
    return transport


def make_async(account: Account) -> httpx.AsyncHTTPTransport:
    """Return the default async transport; its deadline is asyncio's own."""
    return httpx.AsyncHTTPTransport(
        verify=_tls(account), trust_env=account.trust_env, proxy=_proxy(account)
    )


def _tls(account: Account) -> ssl.SSLContext:
    try:
        context = httpx.create_ssl_context(trust_env=account.trust_env)
        if account.ca:
            context.load_verify_locations(cafile=account.ca)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"accounts.{account.name}.ca: cannot read {account.ca!r}: {error}",
            key=f"accounts.{account.name}.ca",
        ) from error
    return context


def _proxy(account: Account) -> str | None:
    if account.proxy or not account.trust_env:
        return account.proxy
    from urllib.request import getproxies  # noqa: PLC0415 - rarely wanted

    return getproxies().get("https")


class _BoundedBackend(httpcore.NetworkBackend):
    """Opens connections whose reads end at the exchange's deadline.

    A read timeout is per read: a server that sends one byte a second never meets it.
    """

    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:  # noqa: ANN401
        return _BoundedStream(self._inner.connect_tcp(*args, **kwargs))

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:  # noqa: ANN401
        return _BoundedStream(self._inner.connect_unix_socket(*args, **kwargs))


class _BoundedStream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self.write = inner.write
        self.close = inner.close
        self.get_extra_info = inner.get_extra_info

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        until = getattr(current, "until", None)
        if until is not None:
            left = until - time.monotonic()
            if left <= 0:
                raise httpcore.ReadTimeout("the deadline has passed")
            timeout = left if timeout is None else min(timeout, left)
        return self._inner.read(max_bytes, timeout)

    def start_tls(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:  # noqa: ANN401
        return _BoundedStream(self._inner.start_tls(*args, **kwargs))
