"""What Twilio posts: status callbacks and inbound messages, forms both, and how it signs them.

========================  ===================================  ===========================
status other than these   status callback                      204
``received``, none        inbound message, asks for TwiML      ``<Response/>``: no answer
========================  ===================================  ===========================

Signed is the URL, then each name and value sorted by name (HMAC-SHA1, base64, with the auth token);
of JSON the URL alone, whose ``bodySHA256`` is the body's hash. Whether the URL has its port then is
"inconsistent", says the official Python library, and takes both. Sources: its validator; "Secure
webhooks" (2026-08-13), "Twilio's request to your incoming message Webhook URL" (2026-03-09), the
status callback on the page of the Messages resource.
"""

from __future__ import annotations

from itertools import count, takewhile
from typing import Any

from polysms.delivery import Status
from polysms.providers import reading, signing
from polysms.providers.base import Record
from polysms.providers.hearing import (
    Heard,
    Signed,
    WebhookRequest,
    WebhookResponse,
    form,
    is_form,
    json_object,
    need,
)
from polysms.providers.twilio.codes import REASONS, status_of
from polysms.providers.twilio.records import kind_of

HEADER = "x-twilio-signature"
TWIML = WebhookResponse(
    200, {"content-type": "text/xml"}, b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
)
NOTHING = WebhookResponse(204)


def heard(request: WebhookRequest) -> Heard:
    """Return what a webhook says, and the answer that Twilio expects."""
    data: dict[str, Any] = {**form(request)} if is_form(request) else json_object(request)
    need(data, "MessageSid", "SmsSid")
    word = reading.word(data.get("MessageStatus")) or reading.word(data.get("SmsStatus"))
    if word is None or status_of(word) is Status.RECEIVED:
        return Heard((_inbound(data, word),), TWIML)
    return Heard((_report(data, word),), NOTHING)


def _report(data: dict[str, Any], status: str) -> Record:
    code = reading.word(data.get("ErrorCode")) or None
    sid = _sid(data)
    return Record(
        provider_id=sid,
        raw_status=status,
        status=status_of(status),
        kind=kind_of(sid, None),
        direction="outbound",
        to=reading.word(data.get("To")),
        from_=reading.word(data.get("From")),
        error_code=code,
        reason=REASONS.get(code or ""),
        raw=data,
    )


def _inbound(data: dict[str, Any], status: str | None) -> Record:
    # NumMedia says how many there are; the names say it too, and cannot disagree with themselves.
    names = takewhile(data.get, (f"MediaUrl{number}" for number in count()))
    media = tuple(url for name in names if (url := reading.word(data[name])))
    return Record(
        provider_id=_sid(data),
        raw_status=status,
        status=Status.RECEIVED,
        kind="mms" if media else "sms",
        direction="inbound",
        to=reading.word(data.get("To")),
        from_=reading.word(data.get("From")),
        text=reading.word(data.get("Body")),
        media=media,
        segments_billed=reading.whole(data.get("NumSegments")),
        raw=data,
    )


def _sid(data: dict[str, Any]) -> str | None:
    return reading.word(data.get("MessageSid")) or reading.word(data.get("SmsSid"))


def signed(request: WebhookRequest, url: str, keys: tuple[str, ...]) -> Signed:
    """Return the signature a request has, and those it should have at a URL."""
    rest = _rest(request, url)
    texts = (
        []
        if rest is None
        else [one.encode() + rest for one in signing.with_ports(url, any_port=True)]
    )
    return Signed(
        given=request.headers.get(HEADER),
        right=tuple(signing.in_base64(key, text) for key in keys for text in texts),
    )


def _rest(request: WebhookRequest, url: str) -> bytes | None:
    """Return what is signed after the URL, None where the body is not the one the URL names."""
    if request.method == "GET":
        return b""
    if is_form(request):
        return signing.sorted_form(request)
    return b"" if signing.names_body(url, request.body) else None
