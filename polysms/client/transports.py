"""Transports: made when first needed, one per way of reaching the network, never across a fork."""

from __future__ import annotations

import os
import ssl
import threading
import weakref
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, Generic, TypeVar

import httpx

from polysms.client.local import LocalTransport
from polysms.config import Account
from polysms.errors import ConfigError, PolysmsError

T = TypeVar("T", httpx.BaseTransport, httpx.AsyncBaseTransport)
Made = TypeVar("Made")


class Transports(Generic[T]):
    """The transports of one client: the caller's own, or ours by proxy and certificates."""

    def __init__(
        self,
        own: T | Callable[[], T] | Mapping[str, T] | None,
        make: Callable[[Account], T],
    ) -> None:
        self._own: Any = own
        self._make: Callable[[Account], T] = make
        self._lock = threading.Lock()
        self._made: dict[object, T] = {}
        self._of_account: dict[str, T] = {}
        self._closed = False
        self._forked = False
        _open.add(self)

    def prepare(self, account: Account) -> None:
        """Raise ConfigError where the account's transport cannot be made; makes nothing.

        Better when the client is planning than in the middle of a send.
        """
        if self._own_of(account) is None:
            require(account)

    def of(self, account: Account) -> T:
        """Return the transport that carries an account's requests."""
        found = self._of_account.get(account.name)
        return self._find(account) if found is None else found

    def _find(self, account: Account) -> T:
        with self._lock:
            self.check_open()
            key = self._key(account)
            if key not in self._made:
                self._made[key] = self._new(account)
                _bind(self._made[key])
            self._of_account[account.name] = self._made[key]
            return self._made[key]

    def _key(self, account: Account) -> object:
        if account.local or isinstance(self._own, Mapping):
            return account.name
        return "own" if self._own is not None else (account.proxy, account.ca, account.trust_env)

    def _new(self, account: Account) -> T:
        if account.local:
            made: Any = LocalTransport(account)
            return made  # type: ignore[no-any-return]
        own = self._own_of(account)
        if own is None:
            return self._make(account)
        if callable(own):
            return _called(own, account)  # type: ignore[no-any-return]
        if self._forked:
            raise ConfigError(
                "a transport of your own cannot cross a fork; make the client in the child, "
                "or pass a function that makes the transport"
            )
        return own  # type: ignore[no-any-return]

    def _own_of(self, account: Account) -> Any:
        return self._own.get(account.name) if isinstance(self._own, Mapping) else self._own

    @property
    def closed(self) -> bool:
        """Whether the client is closed."""
        return self._closed

    def check_open(self) -> None:
        """Raise ConfigError where the client is closed."""
        if self._closed:
            raise ConfigError("this client is closed; make a new one")

    def begin_again(self) -> None:
        """Leave the parent process's connections alone: both would speak on the same sockets."""
        self._lock = threading.Lock()
        self._made, self._of_account = {}, {}
        self._forked = True

    def local(self) -> list[LocalTransport]:
        """Return the transports of accounts without a network."""
        return [made for made in self._made.values() if isinstance(made, LocalTransport)]

    def forget(self) -> list[T]:
        """Return every transport for closing, once; afterwards the client is closed."""
        with self._lock:
            made = list(self._made.values())
            self._made, self._of_account, self._closed = {}, {}, True
        return made


_open: weakref.WeakSet[Transports[Any]] = weakref.WeakSet()


def _in_child() -> None:
    for transports in list(_open):
        transports.begin_again()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)


def _bind(transport: object) -> None:
    # A read timeout is per read; the async client has asyncio's own deadline instead.
    if isinstance(transport, httpx.HTTPTransport):
        from polysms.client.bounded import bind  # noqa: PLC0415 - httpcore, when first used

        bind(transport)


def _called(own: Callable[[], Any], account: Account) -> Any:
    try:
        return own()
    except PolysmsError:
        raise
    except Exception as error:
        # Else it would look as if somebody had stopped the send.
        raise ConfigError(
            f"accounts.{account.name}: your function that makes its transport raised "
            f"{type(error).__name__}",
            key=f"accounts.{account.name}",
        ) from error


def make_sync(account: Account) -> httpx.HTTPTransport:
    """Return the default transport."""
    from polysms.client.pooled import PooledTransport  # noqa: PLC0415 - httpcore, when first used

    return _made(PooledTransport, account)


def make_async(account: Account) -> httpx.AsyncHTTPTransport:
    """Return the default async transport; its deadline is asyncio's own."""
    from polysms.client.pooled_async import AsyncPooledTransport  # noqa: PLC0415 - as above

    return _made(AsyncPooledTransport, account)


def _made(kind: Callable[..., Made], account: Account) -> Made:
    require(account)
    verify, proxy = tls(account), proxy_of(account)
    try:
        return kind(verify=verify, trust_env=account.trust_env, proxy=proxy)
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        # Not its words: they may hold the proxy's password.
        raise _wrong(account, "proxy", f"cannot be used ({type(error).__name__})") from error


def require(account: Account) -> None:
    """Raise ConfigError where this machine lacks what an account's transport is made of."""
    if account.local:
        return
    if (proxy_of(account) or "").startswith("socks") and find_spec("socksio") is None:
        sentence = "a SOCKS proxy needs socksio: pip install 'httpx[socks]'"
        raise _wrong(account, "proxy", sentence)
    if account.ca:
        _trust(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), account)


def _wrong(account: Account, name: str, sentence: str) -> ConfigError:
    key = f"accounts.{account.name}.{name}"
    return ConfigError(f"{key}: {sentence}", key=key, account=account.name)


def tls(account: Account) -> ssl.SSLContext:
    """Return whose certificates an account's connections trust."""
    try:
        context = httpx.create_ssl_context(trust_env=account.trust_env)
    except (OSError, ssl.SSLError) as error:
        sentence = f"the certificates of this machine cannot be read: {error}"
        raise _wrong(account, "trust_env", sentence) from error
    if account.ca:
        _trust(context, account)
    return context


def _trust(context: ssl.SSLContext, account: Account) -> None:
    try:
        context.load_verify_locations(cafile=account.ca)
    except (OSError, ssl.SSLError) as error:
        raise _wrong(account, "ca", f"cannot read {account.ca!r}: {error}") from error


def proxy_of(account: Account) -> str | None:
    """Return the proxy of an account's requests, None where they go straight."""
    if account.proxy or not account.trust_env:
        return account.proxy
    from urllib.request import getproxies  # noqa: PLC0415 - rarely wanted

    return getproxies().get("https")
