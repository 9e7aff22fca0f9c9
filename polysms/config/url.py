"""A configuration in one line: ``wavix://KEY@?sender=Acme || signalwire://PROJECT:TOKEN@example``.

Parts are percent-encoded. An error names the part at fault and never shows the URL.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from polysms.config.build import keys_of
from polysms.config.reading import fault, nearest
from polysms.providers import load

_BARE_PLUS = re.compile(r"^ (?=[0-9])")


def tables(line: str, where: str) -> dict[str, Any]:
    """Return the tables a URL stands for: one account each, and a failover route if several."""
    accounts: dict[str, Any] = {}
    for number, part in enumerate(line.split("||"), start=1):
        provider, table = _account(part.strip(), number, where)
        accounts[_free_name(provider, accounts)] = table
    if len(accounts) == 1:
        return {"default": next(iter(accounts)), "accounts": accounts}
    route = {"strategy": "failover", "accounts": list(accounts)}
    return {"default": "main", "accounts": accounts, "routes": {"main": route}}


def _free_name(provider: str, taken: dict[str, Any]) -> str:
    name, number = provider, 2
    while name in taken:
        name, number = f"{provider}{number}", number + 1
    return name


def _account(part: str, number: int, where: str) -> tuple[str, dict[str, Any]]:
    key = f"part {number} of the URL"
    try:
        parts = urlsplit(part)
        port = parts.port
    except ValueError:
        raise fault(key, "cannot be read; percent-encode its parts", where) from None
    if not parts.scheme or "://" not in part:
        raise fault(key, "has no provider; write it as wavix://KEY@?sender=...", where)
    if port is not None or parts.path.strip("/") or parts.fragment:
        raise fault(
            key,
            "has a port, a path or a fragment: base_url=... takes another address, "
            "/ and # in a secret are written %2F and %23",
            where,
        )
    pieces = [unquote(piece) for piece in _pieces(parts.netloc) if piece]
    adapter = load(parts.scheme, key)
    forms = getattr(adapter.Settings, "url_forms", ())
    form = next((form for form in forms if len(form) == len(pieces)), None)
    if form is None:
        raise fault(
            key,
            f"has {len(pieces)} of user, password and host; {parts.scheme} takes "
            f"{' or '.join(str(len(form)) for form in forms) or 'no URL'}",
            where,
        )
    given = {"provider": parts.scheme, **dict(zip(form, pieces, strict=True))}
    return parts.scheme, _with_query(given, parts.query, keys_of(adapter), key, where)


def _pieces(netloc: str) -> tuple[str | None, str | None, str | None]:
    # Not urlsplit's own attributes: they lower the case of a host that is none.
    user_info, at, host = netloc.rpartition("@")
    user, colon, password = user_info.partition(":")
    return (user if at else None), (password if colon else None), host or None


def _with_query(
    given: dict[str, Any], query: str, names: tuple[str, ...], key: str, where: str
) -> dict[str, Any]:
    table, senders = dict(given), []
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in names:
            # Not shown: it may be a piece of a secret in which & is not encoded.
            hint = f"{nearest(name, names)} (& in a value is written %26)"
            raise fault(key, f"has a setting of no known name; {hint}", where)
        if name == "sender":
            # A "+" in a query stands for a blank, and who writes a number means the plus.
            senders.append(_BARE_PLUS.sub("+", value))
        elif name in table:
            raise fault(f"{key}, {name}", "is given twice", where)
        else:
            table[name] = value
    return {**table, "sender": senders} if senders else table
