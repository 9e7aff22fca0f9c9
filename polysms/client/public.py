"""Connections to the public internet alone, whatever a name says: checked as they are opened.

An address that someone else chose may lead into our own network: as a number, by its name, by a
redirect, or by a name that means another address each time it is asked for (DNS rebinding). So the
name is looked up here, once for each connection; every address it has is checked, and the very
address that was checked is connected to.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import httpcore

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Iterable[str]]
ResolveAsync = Callable[[str, int], Awaitable[Iterable[str]]]
Allowed = Callable[[Address], bool]

#: Addresses of one host that are tried, one after the other.
MOST_ADDRESSES = 4

# The IANA's registries of special addresses: what is not, or not surely, on the public internet.
# Python's ``is_global`` takes some of them for public.
_INTERNAL = tuple(
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        # A cloud's own door to each of its machines (Azure), though the address looks public.
        "168.63.129.16/32",
        # Within 2000::/3: protocols (Teredo and others), examples.
        *("2001::/23", "2001:db8::/32", "3fff::/20"),
    )
)
_UNICAST = ip_network("2000::/3")
_NAT64 = ip_network("64:ff9b::/96")


class NotPublicError(Exception):
    """A host leads where we do not go."""


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet; one inside another counts as itself."""
    if isinstance(address, IPv6Address):
        inner = _inside(address)
        if inner is not None:
            return is_public(inner)
        if address not in _UNICAST:
            return False
    return not any(
        address in network for network in _INTERNAL if network.version == address.version
    )


def _inside(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address stands for, None where it stands for itself."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour


def is_public_or_loopback(address: Address) -> bool:
    """Whether an address is public or this machine's own: where the account itself is on it."""
    return address.is_loopback or is_public(address)


def checked(host: str, found: Iterable[str], is_allowed: Allowed) -> list[str]:
    """Return the addresses to connect to; raise NotPublicError where any of them is not allowed.

    A host that has both kinds is no host to trust with the choice.
    """
    addresses = [ip_address(text) for text in dict.fromkeys(found)]
    if not addresses:
        raise httpcore.ConnectError("the name has no address")
    if not all(map(is_allowed, addresses)):
        raise NotPublicError(f"{host} is no host of the public internet")
    return [str(address) for address in addresses[:MOST_ADDRESSES]]


def resolved(host: str, port: int) -> list[str]:
    """Return the addresses of a host."""
    return _texts(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


async def resolved_async(host: str, port: int) -> list[str]:
    """Return the addresses of a host, looked up in a thread."""
    loop = asyncio.get_running_loop()
    return _texts(await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))


def _texts(found: Iterable[tuple[Any, ...]]) -> list[str]:
    return [str(sockaddr[0]) for *_, sockaddr in found]


class PublicBackend(httpcore.NetworkBackend):
    """Opens connections to allowed addresses only."""

    def __init__(
        self,
        inner: httpcore.NetworkBackend,
        is_allowed: Allowed = is_public,
        resolve: Resolve = resolved,
    ) -> None:
        self._inner = inner
        self._is_allowed = is_allowed
        self._resolve = resolve

    def connect_tcp(
        self, host: str, port: int, *args: Any, **kwargs: Any
    ) -> httpcore.NetworkStream:
        """Return a connection to the first address that takes one."""
        try:
            found = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("the name cannot be looked up") from error
        *others, last = checked(host, found, self._is_allowed)
        for address in others:
            try:
                return self._inner.connect_tcp(address, port, *args, **kwargs)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return self._inner.connect_tcp(last, port, *args, **kwargs)


class AsyncPublicBackend(httpcore.AsyncNetworkBackend):
    """As :class:`PublicBackend`, for asyncio."""

    def __init__(
        self,
        inner: httpcore.AsyncNetworkBackend,
        is_allowed: Allowed = is_public,
        resolve: ResolveAsync = resolved_async,
    ) -> None:
        self._inner = inner
        self._is_allowed = is_allowed
        self._resolve = resolve

    async def connect_tcp(
        self, host: str, port: int, *args: Any, **kwargs: Any
    ) -> httpcore.AsyncNetworkStream:
        """Return a connection to the first address that takes one."""
        try:
            found = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("the name cannot be looked up") from error
        *others, last = checked(host, found, self._is_allowed)
        for address in others:
            try:
                return await self._inner.connect_tcp(address, port, *args, **kwargs)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._inner.connect_tcp(last, port, *args, **kwargs)
