"""CarrierX's credentials: who is let in, and the tokens it gives.

Source: "Generate OAuth Bearer Token" of the Core API. A token holds the time of its end and a check
sum, so that it is known again without being remembered; a token of another form never ends.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl
from uuid import NAMESPACE_URL, UUID, uuid5

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from polysms.sandbox.answering import (
    INVALID,
    NO_SCOPE,
    Json,
    basic,
    bearer,
    content,
    refuse,
    stamp_ms,
    whole,
)
from polysms.sandbox.carrierx_rules import no
from polysms.sandbox.state import sandbox_of

# All credentials belong to one partner.
PARTNER = str(uuid5(NAMESPACE_URL, "https://sandbox.invalid/carrierx/partner"))
SCOPES = ("oauth.manage", "phonenumber.manage", "sms.manage", "lookup.dids.read")
NEEDED = "one of the scopes sms.manage, sms.create is required"
_FORM = "application/x-www-form-urlencoded"
_FIELDS = ("grant_type", "client_id", "client_secret", "username", "password")
# The page's sample is good for a hundred years; without a wish, so are these.
_CENTURY = 100 * 365 * 86400
_serial = itertools.count(1)


def authenticate(request: Request) -> None:
    """Check the credential: a Bearer token, or the older quick starts' user and password."""
    token = bearer(request)
    user, password = basic(request)
    credential = token or (user and password and f"{user}:{password}")
    if not credential or INVALID in credential:
        refuse(no(401, "bad credentials"))
    if NO_SCOPE in credential:
        refuse(no(403, NEEDED))
    ends = _end(token)
    if ends is not None and ends <= sandbox_of(request).now():
        refuse(no(401, "bad credentials"))


async def _generate(request: Request) -> Response:
    """``POST /oauth/token`` -> 200, with the token object."""
    body = await content(request)
    # Status-code page: a body of another type than is wanted is a 415.
    if request.headers.get("Content-Type", "").partition(";")[0].strip() != _FORM:
        refuse(no(415, "unsupported media type"))
    given = dict(parse_qsl(body.decode(errors="replace")))
    for field in _FIELDS:
        if not given.get(field):
            refuse(no(422, "is required", field))
    if given["grant_type"] != "password":
        refuse(no(422, "is not supported", "grant_type"))
    seconds = whole(given.get("access_token_expires_in"), _CENTURY, 1, _CENTURY)
    if seconds is None:
        refuse(no(422, "is out of range", "access_token_expires_in"))
    if any(INVALID in value for value in given.values()):
        refuse(no(401, "bad credentials"))
    if any(NO_SCOPE in value for value in given.values()):
        refuse(no(403, "one of the scopes oauth.manage, oauth.create is required"))
    return Json(_object(given, sandbox_of(request).now(), seconds))


def _object(given: Mapping[str, str], now: float, seconds: int) -> dict[str, Any]:
    ends = stamp_ms(now + seconds)
    return {
        "access_token": _made(now + seconds),
        "client_id": given["client_id"],
        "date_created": stamp_ms(now),
        "date_expiration_access_token": ends,
        "date_expiration_refresh_token": ends,
        "date_last_accessed": None,
        "ip_last_accessed": None,
        "name": given.get("name"),
        "partner_sid": PARTNER,
        "refresh_token": _made(now + seconds),
        "scopes": list(SCOPES),
        "token_sid": str(uuid5(NAMESPACE_URL, f"https://sandbox.invalid/{next(_serial)}")),
        "token_type": "bearer",
    }


def _made(ends: float) -> str:
    """Return a new token: 48 bits of its end in milliseconds, 16 that count, 64 to check."""
    head = (int(ends * 1000) << 16 | next(_serial) & 0xFFFF).to_bytes(8)
    return str(UUID(bytes=head + _check(head)))


def _end(token: str) -> float | None:
    """Return when a token ends, None for one that was not made here."""
    try:
        raw = UUID(token).bytes
    except ValueError:
        return None
    return int.from_bytes(raw[:6]) / 1000 if _check(raw[:8]) == raw[8:] else None


def _check(head: bytes) -> bytes:
    return hashlib.sha256(head).digest()[:8]


async def _whoami(request: Request) -> Response:
    """``GET /oauth/whoami`` -> 200 (the vendor's Ruby client); its shape is a guess."""
    authenticate(request)
    return Json({"partner_sid": PARTNER, "scopes": list(SCOPES)})


ROUTES = [
    Route("/core/v2/oauth/token", _generate, methods=["POST"]),
    Route("/core/v2/oauth/whoami", _whoami, methods=["GET"]),
]
