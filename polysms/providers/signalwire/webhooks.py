"""What SignalWire posts, in its four forms, and the answer each of them expects.

===================  ==========================  =================================
JSON with ``id``     status callback             200, nothing more
JSON ``message``     inbound, asks for SWML      a SWML document that does nothing
form, no status      inbound, asks for cXML      ``<Response/>``
form with a status   compatibility callback      204
===================  ==========================  =================================

Sources: the TypeSpec of webhooks of 2026-08-21, the cXML pages on inbound messages and on webhook
errors (200 or 204; more than 64 kB is an error; three tries of a status callback, one of others).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count, takewhile
from typing import Any

from polysms.delivery import Status
from polysms.providers import reading
from polysms.providers.base import Record
from polysms.providers.hearing import (
    Heard,
    WebhookRequest,
    WebhookResponse,
    form,
    is_form,
    json_answer,
    json_object,
    need,
)
from polysms.providers.signalwire.codes import REASONS, status_of

#: The key of ``custom_variables`` that carries our reference.
REFERENCE = "polysms_reference"
#: The documents' own way to do nothing (the method ``receive`` of SWML).
SWML = json_answer('{"version":"1.0.0","sections":{"main":[{"receive":{}}]}}')
CXML = WebhookResponse(
    200, {"content-type": "text/xml"}, b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
)
NOTHING = WebhookResponse(204)


def heard(request: WebhookRequest) -> Heard:
    """Return what a webhook says, and the answer for its form."""
    if is_form(request):
        return _heard_form(form(request))
    data = json_object(request)
    need(data, "id", "message")
    if "message" in data:
        inner = reading.mapping(data["message"])
        # The same document may be asked for an outbound message: nobody sent us that one.
        is_ours = inner.get("direction") == "outbound"
        return Heard(() if is_ours else (_inbound(inner, data),), SWML)
    return Heard((_report(data),))


def _report(data: dict[str, Any]) -> Record:
    said = data.get
    status, code = reading.word(said("status")), reading.word(said("error_code"))
    return Record(
        provider_id=reading.word(said("id")),
        raw_status=status,
        status=status_of(status),
        direction="outbound",
        to=reading.word(said("to")),
        from_=reading.word(said("from")),
        text=reading.word(said("body")),
        reference=reading.word(reading.mapping(said("custom_variables")).get(REFERENCE)),
        segments_billed=reading.whole(said("number_of_segments")),
        error_code=code,
        error_text=reading.word(said("error_message")) or None,
        reason=REASONS.get(code or ""),
        status_changed_at=reading.moment(said("timestamp")),
        raw=data,
    )


def _inbound(message: dict[str, Any], raw: dict[str, Any]) -> Record:
    said = message.get
    urls = [reading.word(item.get("url")) for item in reading.objects(said("media"))]
    return Record(
        provider_id=reading.word(said("message_id")),
        raw_status=None,
        status=Status.RECEIVED,
        kind=reading.word(said("type")),
        direction="inbound",
        to=reading.word(said("to")),
        from_=reading.word(said("from")),
        text=reading.word(said("body")),
        media=tuple(url for url in urls if url),
        segments_billed=reading.whole(said("segments")),
        created_at=reading.moment(said("timestamp")),
        raw=raw,
    )


def _heard_form(data: dict[str, str]) -> Heard:
    need(data, "MessageSid", "SmsSid")
    word = data.get("MessageStatus", data.get("SmsStatus"))
    if word is None or status_of(word) is Status.RECEIVED:
        return Heard((_inbound_form(data),), CXML)
    return Heard((_report_form(data, word),), NOTHING)


def _form_id(data: Mapping[str, str]) -> str | None:
    return data.get("MessageSid") or data.get("SmsSid")


def _report_form(data: dict[str, str], status: str) -> Record:
    code = data.get("ErrorCode") or None
    return Record(
        provider_id=_form_id(data),
        raw_status=status,
        status=status_of(status),
        direction="outbound",
        to=data.get("To"),
        from_=data.get("From"),
        text=data.get("Body"),
        segments_billed=reading.whole(data.get("NumSegments")),
        error_code=code,
        reason=REASONS.get(code or ""),
        raw=data,
    )


def _inbound_form(data: dict[str, str]) -> Record:
    # NumMedia says how many there are; the names say it too, and cannot disagree with themselves.
    names = takewhile(data.get, (f"MediaUrl{number}" for number in count()))
    media = tuple(data[name] for name in names)
    return Record(
        provider_id=_form_id(data),
        raw_status=data.get("MessageStatus", data.get("SmsStatus")),
        status=Status.RECEIVED,
        kind="mms" if media else "sms",
        direction="inbound",
        to=data.get("To"),
        from_=data.get("From"),
        text=data.get("Body"),
        media=media,
        raw=data,
    )
