"""Reading requests and writing answers: what the providers have in common is only HTTP."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

import attrs
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

#: Bytes; a longer request body is refused.
LONGEST_BODY = 64 * 1024
#: What asks to be turned away, when it stands in a credential.
INVALID = "invalid"
NO_SCOPE = "noscope"


class Json(JSONResponse):
    """A JSON answer in ASCII: a lone surrogate that was sent can be sent back."""

    def render(self, content: object) -> bytes:
        """Return the body."""
        return encoded(content)


def encoded(content: object) -> bytes:
    """Return JSON in ASCII, without spaces."""
    return json.dumps(content, separators=(",", ":"), allow_nan=False).encode("ascii")


@attrs.frozen
class Refusal:
    """One way in which a provider says no."""

    status: int
    body: Any
    headers: Mapping[str, str] = attrs.field(factory=dict)

    def answer(self) -> Response:
        """Return it as an answer."""
        return Json(self.body, self.status, dict(self.headers))


class Refused(Exception):
    """The request is refused; it ends the handling of it."""

    def __init__(self, refusal: Refusal) -> None:
        """Take the refusal to answer with."""
        super().__init__(refusal.status)
        self.refusal = refusal


def refuse(refusal: Refusal) -> NoReturn:
    """End the handling of a request with a refusal."""
    raise Refused(refusal)


async def refused(_: Request, error: Exception) -> Response:
    """Return the answer that a :class:`Refused` carries."""
    refusal: Refusal = error.refusal  # type: ignore[attr-defined]
    return refusal.answer()


# No document names a limit; this one is the sandbox's own.
_TOO_LARGE = Refusal(413, {"error": "Payload Too Large"}, {"Connection": "close"})


async def content(request: Request) -> bytes:
    """Return the body of a request. One that is too long is refused unread, with 413."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            refuse(_TOO_LARGE)
    return bytes(body)


def loaded(body: bytes) -> object:
    """Return the JSON of a body. Raises ValueError for anything that is none."""
    try:
        return json.loads(body, parse_constant=_no_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def bearer(request: Request) -> str:
    """Return the token of ``Authorization: Bearer``, or nothing."""
    return _credential(request, "bearer")


def basic(request: Request) -> tuple[str, str]:
    """Return user and password of ``Authorization: Basic``, or two empty texts."""
    try:
        plain = base64.b64decode(_credential(request, "basic"), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    user, _, password = plain.partition(":")
    return user, password


def _credential(request: Request, scheme: str) -> str:
    word, _, credential = request.headers.get("Authorization", "").partition(" ")
    return credential.strip() if word.lower() == scheme else ""


def whole(value: str | None, default: int, least: int, most: int) -> int | None:
    """Return a whole number of a query, its default if absent, or none if it is out of range."""
    if value is None:
        return default
    if not (value.isascii() and value.isdigit() and len(value) <= len(str(most))):
        return None
    number = int(value)
    return number if least <= number <= most else None


def stamp(moment: float, form: str = "%Y-%m-%dT%H:%M:%SZ") -> str:
    """Return a moment in UTC, in whole seconds."""
    return datetime.fromtimestamp(moment, UTC).strftime(form)


def stamp_ms(moment: float) -> str:
    """Return a moment in UTC with milliseconds and ``Z``, as in 2024-06-26T14:02:08.096Z."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
