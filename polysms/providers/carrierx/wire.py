"""CarrierX's JSON: what is sent, the SMS object, the detail record, and its errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from polysms.delivery import Price
from polysms.errors import Reason
from polysms.providers import reading
from polysms.providers.base import Busy, Record, Refused, Response, Unclear
from polysms.providers.carrierx.codes import FIELDS, TEXTS, status_of
from polysms.providers.outcome import outcome, weightiest

SCOPES = "sending needs the scope sms.manage or sms.create"

No = Refused | Busy | Unclear


@attrs.frozen(kw_only=True, slots=False)
class Send:
    """``POST /sms/messages``, the request (seed 003)."""

    sender: str
    to: str
    message: str | None = None
    media_urls: tuple[str, ...] = ()
    group_recipients: tuple[str, ...] = ()
    type: str | None = None
    user_data: str | None = None


@attrs.frozen(kw_only=True, slots=False)
class _Sms:
    """The SMS object (seed 003); legacy accounts see ``from_did`` and ``to_did``."""

    message_sid: str | None = None
    status: str | None = None
    direction: str | None = None
    type: str | None = None
    sender: str | None = None
    from_did: str | None = None
    to: str | None = None
    to_did: str | None = None
    message: str | None = None
    message_segments: int | None = None
    media_urls: reading.Strings = ()
    mcc: str | None = None
    mnc: str | None = None
    price: Price | None = None
    user_data: str | None = None
    date_created: datetime | None = None
    date_changed: datetime | None = None
    date_status_changed: datetime | None = None


@attrs.frozen(kw_only=True, slots=False)
class _Detail:
    """The SMS detail record (its page in the Core API)."""

    status: str | None = None
    direction: str | None = None
    type: str | None = None
    number_src: str | None = None
    number_dst: str | None = None
    message: str | None = None
    message_segments: int | None = None
    media_urls: reading.Strings = ()
    mcc: str | None = None
    mnc: str | None = None
    price: Price | None = None
    passthrough_price: Price | None = None
    user_data: str | None = None
    vendor_error_code: str | None = None
    date_start: datetime | None = None
    date_sent: datetime | None = None
    date_changed: datetime | None = None


_wire = reading.wire_converter()
reading.wire(_wire, Send, sender="from")
reading.wire(_wire, _Sms, sender="from")
reading.wire(_wire, _Detail)


def dumps(send: Send) -> bytes:
    """Return the JSON of a send."""
    return reading.dumps(_wire.unstructure(send))


def record(data: dict[str, Any]) -> Record:
    """Return what an SMS object says of a message."""
    said: _Sms = _wire.structure(data, _Sms)
    return Record(
        provider_id=said.message_sid,
        raw_status=said.status,
        status=status_of(said.status, said.direction),
        kind=said.type,
        direction=said.direction,
        to=reading.plus(said.to or said.to_did),
        from_=reading.plus(said.sender or said.from_did),
        text=said.message,
        media=said.media_urls,
        reference=said.user_data,
        segments_billed=said.message_segments,
        price=said.price,
        mcc=said.mcc,
        mnc=said.mnc,
        created_at=said.date_created,
        changed_at=said.date_changed,
        status_changed_at=said.date_status_changed,
        raw=data,
    )


def detail(data: dict[str, Any]) -> Record:
    """Return what a detail record says of a message.

    It has an id of its own, ``dr_sid`` in ``raw``, by which no message can be fetched; which
    message it is of, its reference tells. ``vendor_error_code`` is also told of messages that were
    sent, so it is no reason for anything.
    """
    said: _Detail = _wire.structure(data, _Detail)
    return Record(
        provider_id=None,
        raw_status=said.status,
        status=status_of(said.status, said.direction),
        kind=said.type,
        direction=said.direction,
        to=reading.plus(said.number_dst),
        from_=reading.plus(said.number_src),
        text=said.message,
        media=said.media_urls,
        reference=said.user_data,
        segments_billed=said.message_segments,
        price=said.price,
        fees=said.passthrough_price,
        mcc=said.mcc,
        mnc=said.mnc,
        error_code=said.vendor_error_code,
        created_at=said.date_start,
        sent_at=said.date_sent,
        changed_at=said.date_changed,
        raw=data,
    )


def refusal(response: Response, data: Mapping[str, Any], scopes: str = SCOPES) -> No:
    """Return what an answer without what was asked for means; ``scopes`` explain a 403."""
    errors = reading.objects(data.get("errors"))
    # The last two are those of OAuth (RFC 6749 §5.2), where a token was asked for.
    said = [data.get("message"), *(error.get("message") for error in errors)]
    said += [data.get("error"), data.get("error_description")]
    text = "; ".join(part for part in said if isinstance(part, str) and part)
    fields = [reading.word(error.get("field")) or "" for error in errors]
    worded = (found for words, found in TEXTS if re.search(words, text, re.IGNORECASE))
    reason: Reason | None = next(worded, None)
    reason = reason or weightiest(FIELDS[one] for one in fields if one in FIELDS)
    if response.status == 403:
        text = f"{text or 'Forbidden'} ({scopes})"
    return outcome(response, reason=reason, text=text, code=next(filter(None, fields), None))
