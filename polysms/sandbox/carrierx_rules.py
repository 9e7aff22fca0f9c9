"""What CarrierX takes and what it refuses in a send."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from polysms.sandbox.answering import Refusal, refuse
from polysms.sandbox.behaviour import is_web_url
from polysms.sandbox.progress import is_strange, plain
from polysms.sandbox.regions import is_us
from polysms.sandbox.store import Draft, Entry

#: Send page (seed 003): the names that legacy accounts see, and may still send.
LEGACY = {"from": "from_did", "to": "to_did"}
#: Numbers that are rented, and how far messaging is enabled for each (None: voice alone).
NUMBERS: Mapping[str, str | None] = {
    "13135550101": "enabled",
    "15162065575": "enabled",
    "13135550193": None,
    "13135550194": "failed",
    "13135550195": "disabled",
    "13135550196": "in_progress",
}
# Invented; that it is a decimal text in USD, a segment, is the documents'.
_PRICE = {"sms": 4, "mms": 15}
# Every example is digits with the country code and no plus.
_NUMBER = re.compile(r"[1-9][0-9]{6,14}")
_SHORT_CODE = re.compile(r"[0-9]{3,6}")
# Send page: beyond these the message is taken, and fails later.
_LONGEST_MMS = 1600
_MOST_MEDIA = 10
# Quick start: the sender counts too.
_LARGEST_GROUP = 10
# Status-code and responses pages, the text of the top of each body.
_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "no item error",
    415: "Unsupported media type",
    422: "Object validation error",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


def no(
    status: int,
    message: str,
    field: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Refusal:
    """Return a refusal in CarrierX's shape (responses page)."""
    error = {"field": field, "message": message, "reference_sid": None}
    return Refusal(status, {"message": _TITLES[status], "errors": [error]}, headers or {})


def price(entry: Entry) -> str:
    """Return what a message costs, as a decimal text in USD (object page)."""
    return f"0.{_PRICE[entry.draft.kind] * entry.segments:03d}"


def _stop(field: str, message: str) -> NoReturn:
    refuse(no(422, message, field))


def draft(body: object) -> Draft:
    """Return the message that a body asks for. Raises Refused for what CarrierX does not take.

    A field that is not of the send page is not looked at: what becomes of it is not documented.
    """
    if not isinstance(body, dict):
        refuse(no(400, "Bad Request"))
    sender, to = _number(body, "from"), _number(body, "to")
    text, media = _text(body, "message"), _media(body)
    group = _group(body, sender, to)
    kind = _kind(body, mms=bool(media or group))
    if not text and not media:
        _stop("message", "is required if media_urls is empty")
    _text(body, "user_data")
    if kind == "mms":
        _check_region([to, *group])
    return Draft(
        provider="carrierx",
        account="",
        sender=sender,
        to=to,
        text=text,
        media=media,
        kind=kind,
        group=group,
        over_limit=kind == "mms" and (len(text or "") > _LONGEST_MMS or len(media) > _MOST_MEDIA),
        request=body,
    )


def _number(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name, body.get(LEGACY[name]))
    if value is None:
        _stop(name, "is required")
    if name == "from" and isinstance(value, str):
        _check_sender(value)
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        _stop(name, "must be a phone number: digits with the country code")
    return value


def _check_sender(value: str) -> None:
    if _SHORT_CODE.fullmatch(value):
        _stop("from", "sending SMS from short code is disabled")
    disabled = not plain.get() and NUMBERS.get(value, "enabled") != "enabled"
    if disabled or is_strange(value):
        _stop("from", "messaging is not enabled on this number")


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        _stop(name, "must be a string")
    return value


def _media(body: Mapping[str, Any]) -> tuple[str, ...]:
    value = body.get("media_urls") or []
    if not isinstance(value, list) or not all(map(is_web_url, value)):
        _stop("media_urls", "must be a list of URLs")
    return tuple(value)


def _group(body: Mapping[str, Any], sender: str, to: str) -> tuple[str, ...]:
    value = body.get("group_recipients") or []
    if not isinstance(value, list) or not all(_is_number(number) for number in value):
        _stop("group_recipients", "must be a list of phone numbers")
    if value and body.get("type") != "mms":
        _stop("type", "must be mms if group_recipients is set")
    if value and len({sender, to, *value}) > _LARGEST_GROUP:
        _stop("group_recipients", f"at most {_LARGEST_GROUP} numbers, the sender included")
    return tuple(value)


def _is_number(value: object) -> bool:
    return isinstance(value, str) and bool(_NUMBER.fullmatch(value))


def _kind(body: Mapping[str, Any], *, mms: bool) -> str:
    value = body.get("type")
    if value not in (None, "sms", "mms"):
        _stop("type", "must be sms or mms")
    # Object page: derived from media and group; the send page lets it be given.
    return "mms" if mms or value == "mms" else "sms"


def _check_region(numbers: list[str]) -> None:
    if not all(map(is_us, numbers)):
        _stop("to", "sending MMS to phone numbers outside the US is disabled")
