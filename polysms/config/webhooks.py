"""The keys of an account that say which webhooks are believed to be its provider's."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

import attrs

from polysms.config.reading import Source, fault, value_of, web_url

#: Sixteen characters that nobody can guess; ``secrets.token_urlsafe()`` has forty-three.
SHORTEST_TOKEN = 16
#: Whether a report without a signature is confirmed by a fetch, or taken at its word.
VERIFY = ("fetch", "trust")
#: Where a configuration that is made in code says it is.
_CODE = Source()
# What a URL has unchanged (RFC 3986 §2.3): anything else is written in more than one way.
_TOKEN = re.compile(r"[A-Za-z0-9._~-]+")
_MAKE = 'make one with: python -c "import secrets; print(secrets.token_urlsafe())"'

Network = IPv4Network | IPv6Network


def token(_: Any, field: attrs.Attribute[Any], value: tuple[str, ...]) -> None:
    """Refuse a webhook token that can be guessed or does not stand in a URL as it is."""
    for one in value:
        if len(one.strip()) < SHORTEST_TOKEN:
            sentence = f"has fewer than {SHORTEST_TOKEN} characters"
            raise ValueError(f"{field.name}: {sentence if one.strip() else 'is empty'}; {_MAKE}")
        if not _TOKEN.fullmatch(one):
            raise ValueError(f"{field.name}: has more than letters, digits and . _ ~ -; {_MAKE}")


def verify_reports(_: Any, field: attrs.Attribute[Any], value: str) -> None:
    """Refuse what is neither of the two ways."""
    if value not in VERIFY:
        raise ValueError(f'{field.name}: write "fetch" or "trust"')


def networks(value: Iterable[str | Network]) -> tuple[Network, ...]:
    """Return addresses and networks, as ``62.212.73.112`` or ``2001:db8::/32``."""
    return tuple(ip_network(one) for one in value)


def sources(_: Any, field: attrs.Attribute[Any], value: tuple[str, ...]) -> None:
    """Refuse what are no addresses and no networks."""
    try:
        networks(value)
    except ValueError:
        sentence = 'write addresses or networks, as "192.0.2.7" or "2001:db8::/32"'
        raise ValueError(f"{field.name}: {sentence}") from None


def public_url_of(value: Any, source: Source = _CODE) -> str | None:
    """Return the address at which providers reach us, without its last slash."""
    if value is None:
        return None
    try:
        return web_url(value_of(value, str, "public_url", source.where))
    except ValueError as error:
        raise fault("public_url", str(error), source.where) from None
