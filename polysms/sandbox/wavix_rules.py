"""What Wavix takes and what it refuses, in a send and in a list."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, NoReturn

from polysms.sandbox.answering import refuse
from polysms.sandbox.behaviour import is_web_url
from polysms.sandbox.counting import is_gsm, units
from polysms.sandbox.progress import is_strange
from polysms.sandbox.regions import is_us_or_canada
from polysms.sandbox.store import Draft
from polysms.sandbox.wavix_account import no, wrong

NUMBER = re.compile(r"\+?[1-9][0-9]{6,14}")
_DIGITS = re.compile(r"\+?[0-9]+")
_SENDER_NUMBER = re.compile(r"\+?[1-9][0-9]{4,14}")
# Seed 000: 3 to 11 of these, not only digits.
SENDER_NAME = re.compile(r"[A-Za-z0-9+_& -]{3,11}")
_KEYS = ("from", "to", "message_body", "callback_url", "validity", "tag", "smart_encoding")
_STATUSES = ("accepted", "pending", "sent", "delivered", "undelivered", "rejected", "expired")
_INT32 = 2**31
# Error 21; error 41 (in characters: 1,630 may be a misprint of 1,530).
_MOST_MEDIA = 5
_LONGEST_GSM = 1630
_LONGEST_UCS = 670


def _stop(status: int, message: str) -> NoReturn:
    refuse(no(status, message))


def draft(body: object) -> Draft:
    """Return the message that a body asks for. Raises Refused for what Wavix does not take.

    400 for what the schema forbids (OpenAPI: no other keys), 422 for a rule of business; which of
    the catalogue's errors are 422 is not documented.
    """
    if not isinstance(body, dict):
        wrong("message_body")
    for key in body:
        if key not in _KEYS:
            wrong(key)
    sender, to = _text(body, "from"), _text(body, "to")
    text, media = _message_body(body.get("message_body"))
    _check_options(body)
    if not NUMBER.fullmatch(to):
        wrong("to")
    _check_sender(sender, to)
    kind = "sms" if media is None else "mms"
    _check_content(text, media or [])
    if kind == "mms":
        _check_mms(to)
    return Draft(
        provider="wavix",
        account="",
        sender=_with_plus(sender),
        to=_with_plus(to),
        text=text,
        media=tuple(media or ()),
        kind=kind,
        callback=body.get("callback_url"),
        request=body,
    )


def _text(body: Mapping[str, Any], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        wrong(key)
    return value


def _message_body(value: object) -> tuple[str, list[str] | None]:
    if not isinstance(value, dict) or set(value) - {"text", "media"}:
        wrong("message_body")
    text, media = value.get("text"), value.get("media")
    # Seed 000: `text` is required. That it may be empty beside media is a guess.
    if not isinstance(text, str) or not (text or media):
        wrong("message_body.text")
    if media is not None and not (isinstance(media, list) and all(map(is_web_url, media))):
        wrong("message_body.media")
    return text, media


def _check_options(body: Mapping[str, Any]) -> None:
    validity, tag = body.get("validity"), body.get("tag")
    if validity is not None and not _is_seconds(validity):
        wrong("validity")
    if tag is not None and not isinstance(tag, str):
        wrong("tag")
    if not isinstance(body.get("smart_encoding", False), bool):
        wrong("smart_encoding")
    url = body.get("callback_url")
    if url is not None and not is_web_url(url):
        # Error 25.
        _stop(422, "Callback URL is invalid")


def _is_seconds(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < _INT32


def _check_sender(sender: str, to: str) -> None:
    # Error 22: seed 000, "must be an SMS-enabled DID on your account".
    if is_strange(sender):
        _stop(422, "Sender ID not found")
    if _SENDER_NUMBER.fullmatch(sender):
        return
    if _DIGITS.fullmatch(sender) or not SENDER_NAME.fullmatch(sender):
        wrong("from")
    # Error 5: seed 002, not supported in the United States and Canada.
    if is_us_or_canada(to.lstrip("+")):
        _stop(422, "Sender ID is not provisioned for the destination country")


def _check_content(text: str, media: list[str]) -> None:
    if len(media) > _MOST_MEDIA:
        _stop(422, f"The number of attachments exceeds {_MOST_MEDIA}")
    if units(text) > (_LONGEST_GSM if is_gsm(text) else _LONGEST_UCS):
        _stop(422, "Message is too long")


def _check_mms(to: str) -> None:
    # Error 12. The reference names only the US; the error's page Canada too.
    if not is_us_or_canada(to.lstrip("+")):
        _stop(422, "MMS can be sent only to US and Canadian numbers")
    # An alphanumeric sender was refused above: it cannot be used to the US or Canada.


def bare(value: str) -> str:
    """Return a number without its plus; a name may begin with one and keeps it."""
    return value[1:] if _DIGITS.fullmatch(value) and value.startswith("+") else value


def _with_plus(value: str) -> str:
    # A short code is no number with a country code.
    return f"+{value.lstrip('+')}" if NUMBER.fullmatch(value) else value


def listing(query: Mapping[str, str]) -> Callable[[Mapping[str, Any]], bool]:
    """Return which messages a list shows, by whole days. Raises Refused with 400."""
    return _kept(query, day, len("2026-04-14"))


def exporting(query: Mapping[str, str]) -> Callable[[Mapping[str, Any]], bool]:
    """Return which messages an export holds, by the second. Raises Refused with 400."""
    return _kept(query, _second, len("2026-04-14T13:51:16"))


def _kept(
    query: Mapping[str, str], read: Callable[[Mapping[str, str], str], str | None], length: int
) -> Callable[[Mapping[str, Any]], bool]:
    _check_words(query)
    since, until = read(query, "sent_after"), read(query, "sent_before")

    def keeps(item: Mapping[str, Any]) -> bool:
        at = item["submitted_at"][:length]
        return (since or at) <= at <= (until or at) and _matches(item, query)

    return keeps


def _check_words(query: Mapping[str, str]) -> None:
    # `type` is the direction, and the one filter that must be given.
    if query.get("type") not in ("outbound", "inbound"):
        wrong("type")
    if query.get("message_type", "sms") not in ("sms", "mms"):
        wrong("message_type")
    if query.get("status", "sent") not in (*_STATUSES, "dlr_expired"):
        wrong("status")


def day(query: Mapping[str, str], name: str) -> str | None:
    """Return a day of a query, none if it is absent. Raises Refused with 400."""
    return _moment(query, name, date)


def _second(query: Mapping[str, str], name: str) -> str | None:
    return _moment(query, name, datetime)


def _moment(query: Mapping[str, str], name: str, kind: type[date | datetime]) -> str | None:
    value = query.get(name)
    if value is None:
        return None
    try:
        found = kind.fromisoformat(value).isoformat()
    except ValueError:
        found = ""
    # No zone and no parts of a second, which would be longer.
    if found != value or len(found) > len("2026-04-14T13:51:16"):
        wrong(name)
    return value


def _matches(item: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    wanted = {
        "direction": query.get("type"),
        "from": bare(query.get("from", "")) or None,
        "to": bare(query.get("to", "")) or None,
        "status": query.get("status"),
        "tag": query.get("tag"),
        "message_type": query.get("message_type"),
    }
    return all(value is None or item[name] == value for name, value in wanted.items())
