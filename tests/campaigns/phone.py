"""What the phones got: every copy that a provider has accepted, as the sandbox tells it."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.request import Request, urlopen

import attrs

#: Numbers that reach nobody; the sandbox makes no trouble for these last four digits.
_AREAS = (202, 212, 312, 313, 415, 602)
_TEXT = re.compile(r"n-(\d{6})")
_PER_PAGE = 1000
_SECONDS = 30.0


@attrs.frozen(kw_only=True)
class Copy:
    """One accepted copy of a message. ``reference`` is what the sender stamped on it, if it did."""

    number: int
    provider: str
    provider_id: str
    reference: str | None


def text(number: int) -> str:
    """Return the text of a message, by which it is known everywhere."""
    return f"n-{number:06d}"


def recipient(number: int) -> str:
    """Return the phone that a message goes to."""
    return f"+1{_AREAS[number % len(_AREAS)]}5550{120 + number % 60}"


def refused(number: int) -> str:
    """Return a phone that every provider refuses, as an invalid number."""
    return f"+1{_AREAS[number % len(_AREAS)]}5550105"


def number_in(content: bytes) -> int | None:
    """Return the number of the message in a request, None where there is none."""
    found = _TEXT.search(content.decode("latin-1"))
    return int(found[1]) if found else None


def copies(sandbox: str) -> tuple[Copy, ...]:
    """Return every copy that the sandbox at this address has accepted, in that order."""
    found: list[Copy] = []
    total = 1
    while len(found) < total:
        page = _told(f"{sandbox}/_sandbox/messages?limit={_PER_PAGE}&offset={len(found)}")
        found.extend(_copy(item) for item in page["items"])
        total = page["total"]
    return tuple(found)


def reset(sandbox: str) -> None:
    """Let the sandbox forget every message."""
    _told(f"{sandbox}/_sandbox/reset", b"{}")


def _told(url: str, content: bytes | None = None) -> Any:
    with urlopen(Request(url, content), timeout=_SECONDS) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def _copy(item: dict[str, Any]) -> Copy:
    number = number_in((item["text"] or "").encode())
    request = item["request"]
    return Copy(
        number=-1 if number is None else number,
        provider=item["provider"],
        provider_id=item["id"],
        reference=request.get("tag") or request.get("user_data"),
    )
