"""What Wavix answers: message objects, and its ways of saying no."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from polysms.providers import reading
from polysms.providers.base import Busy, Record, Refused, Response, Unclear
from polysms.providers.outcome import outcome
from polysms.providers.wavix.codes import reason_of, status_of


def says_no(data: Mapping[str, Any]) -> bool:
    """Whether a body says no, whatever the status line says."""
    return data.get("success") is False or data.get("error") is True


def refusal(response: Response, data: Mapping[str, Any]) -> Refused | Busy | Unclear:
    """Return what an answer means that is not what was asked for."""
    text = reading.word(data.get("message")) or ""
    reason = reason_of(text)
    if response.ok and says_no(data):
        # A "no" inside a 2xx: Wavix's own Go client reads these flags there too.
        response = attrs.evolve(response, status=422)
    if response.status == 401:
        text = f"{text or 'Unauthorized'} (a key may be limited to IP addresses)"
    return outcome(response, reason=reason, text=text, code=reading.word(data.get("error_code")))


def record(data: dict[str, Any]) -> Record:
    """Return what a message object says: the answer of send, get and list (seeds 000 and 001)."""
    said = data.get
    body = reading.mapping(said("message_body"))
    error = reading.word(said("error_message")) or None
    status = reading.word(said("status"))
    direction = reading.word(said("direction"))
    return Record(
        provider_id=reading.word(said("message_id")),
        raw_status=status,
        status=status_of(status, direction),
        kind=reading.word(said("message_type")),
        direction=direction,
        to=reading.plus(reading.word(said("to"))),
        from_=reading.plus(reading.word(said("from"))),
        text=reading.word(body.get("text")),
        media=reading.strings(body.get("media")),
        reference=reading.word(said("tag")),
        segments_billed=reading.whole(said("segments")),
        price=reading.money(said("charge")),
        fees=reading.money(said("carrier_fees")),
        mcc=reading.word(said("mcc")),
        mnc=reading.word(said("mnc")),
        error_text=error,
        reason=reason_of(error) if error else None,
        created_at=reading.moment(said("submitted_at")),
        sent_at=reading.moment(said("sent_at")),
        delivered_at=reading.moment(said("delivered_at")),
        raw=data,
    )
