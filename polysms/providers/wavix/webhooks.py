"""What Wavix posts: delivery reports and inbound messages, JSON both, told apart by their keys.

Sources: the OpenAPI document of 2026-06-30 (``smsDlr``, ``smsInbound``), the webhooks guide of
2025-12, the specification before February 2026 (``segments``). Wavix documents no signature.
"""

from __future__ import annotations

from typing import Any

from polysms.providers import reading
from polysms.providers.base import Record
from polysms.providers.hearing import Heard, WebhookRequest, json_object, need
from polysms.providers.wavix.codes import reason_of, status_of


def heard(request: WebhookRequest) -> Heard:
    """Return what a webhook says; Wavix expects 200 and reads no body."""
    data = json_object(request)
    need(data, "message_id")
    return Heard((_inbound(data) if _is_inbound(data) else _report(data),))


def _is_inbound(data: dict[str, Any]) -> bool:
    # No key names the kind: an inbound message has its body and received_at, a report its status.
    if data.get("direction") is not None:
        return bool(data["direction"] == "inbound")
    return "received_at" in data or ("message_body" in data and not data.get("status"))


def _inbound(data: dict[str, Any]) -> Record:
    said = data.get
    body = reading.mapping(said("message_body"))
    media = reading.strings(body.get("media"))
    return Record(
        provider_id=reading.word(said("message_id")),
        raw_status=reading.word(said("status")),
        status=status_of(None, "inbound"),
        # Older pages have message_type, the current ones do not.
        kind=reading.word(said("message_type")) or ("mms" if media else "sms"),
        direction="inbound",
        to=reading.plus(reading.word(said("to"))),
        from_=reading.plus(reading.word(said("from"))),
        text=reading.word(body.get("text")),
        media=media,
        created_at=reading.moment(said("received_at")),
        raw=data,
    )


def _report(data: dict[str, Any]) -> Record:
    said = data.get
    status = reading.word(said("status"))
    error = reading.word(said("error")) or None
    sent, delivered = reading.moment(said("sent")), reading.moment(said("delivered"))
    return Record(
        provider_id=reading.word(said("message_id")),
        raw_status=status,
        status=status_of(status, "outbound"),
        kind=reading.word(said("message_type")),
        direction="outbound",
        to=reading.plus(reading.word(said("to"))),
        from_=reading.plus(reading.word(said("from"))),
        reference=reading.word(said("tag")),
        segments_billed=reading.whole(said("segments_count", said("segments"))),
        price=reading.money(said("charge")),
        fees=reading.money(said("carrier_fees")),
        error_text=error,
        reason=reason_of(error) if error else None,
        sent_at=sent,
        delivered_at=delivered,
        status_changed_at=delivered or sent,
        raw=data,
    )
