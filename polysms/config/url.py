"""A configuration in one line: ``wavix://KEY@?sender=Acme || signalwire://PROJECT:TOKEN@example``.

Parts are percent-encoded. An error names the part at fault and never shows the URL.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from polysms.config.reading import fault
from polysms.providers import load


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
    if port is not None or parts.path.strip("/"):
        raise fault(key, "has a port or a path; base_url=... takes another address", where)
    pieces = [unquote(piece) for piece in _pieces(parts.netloc) if piece]
    forms = getattr(load(parts.scheme, key).Settings, "url_forms", ())
    form = next((form for form in forms if len(form) == len(pieces)), None)
    if form is None:
        raise fault(
            key,
            f"has {len(pieces)} of user, password and host; {parts.scheme} takes "
            f"{' or '.join(str(len(form)) for form in forms) or 'no URL'}",
            where,
        )
    given = dict(zip(form, pieces, strict=True))
    return parts.scheme, {**given, **_query(parts.query, key, where), "provider": parts.scheme}


def _pieces(netloc: str) -> tuple[str | None, str | None, str | None]:
    # Not urlsplit's own attributes: they lower the case of a host that is none.
    user_info, at, host = netloc.rpartition("@")
    user, colon, password = user_info.partition(":")
    return (user if at else None), (password if colon else None), host or None


def _query(query: str, key: str, where: str) -> dict[str, Any]:
    pairs = parse_qsl(query, keep_blank_values=True)
    table: dict[str, Any] = {}
    for name, value in pairs:
        if name in table and name != "sender":
            raise fault(f"{key}, {name}", "is given twice", where)
        table[name] = (
            [*table[name], value] if name in table else ([value] if name == "sender" else value)
        )
    return table
