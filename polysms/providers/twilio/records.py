"""What Twilio answers: messages, and its way of saying no."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from polysms.delivery import Price, Status
from polysms.providers import reading
from polysms.providers.base import Busy, Record, Refused, Response, Unclear
from polysms.providers.outcome import outcome
from polysms.providers.twilio.codes import BUSY, REASONS, TOO_EARLY, status_of

No = Refused | Busy | Unclear

NOT_FOUND = 404
CONFLICT = 409


@attrs.frozen(kw_only=True, slots=False)
class _Message:
    """``api.v2010.account.message`` of the OpenAPI document: texts, also where they are numbers."""

    sid: str | None = None
    status: str | None = None
    direction: str | None = None
    sender: str | None = None
    to: str | None = None
    body: str | None = None
    num_segments: int | None = None
    num_media: int | None = None
    price: str | None = None
    price_unit: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    date_created: datetime | None = None
    date_sent: datetime | None = None
    date_updated: datetime | None = None


_wire = reading.wire_converter()
reading.wire(_wire, _Message, sender="from")


def record(data: dict[str, Any]) -> Record:
    """Return what a message says: the answer of send, fetch and list."""
    said: _Message = _wire.structure(data, _Message)
    inbound = said.direction == "inbound"
    return Record(
        provider_id=said.sid,
        raw_status=said.status,
        status=Status.RECEIVED if inbound else status_of(said.status),
        kind=kind_of(said.sid, said.num_media),
        direction="inbound" if inbound else "outbound",
        to=said.to,
        from_=said.sender,
        text=said.body,
        # 0 while a Messaging Service has not chosen a sender yet.
        segments_billed=said.num_segments or None,
        price=_price(said),
        error_code=said.error_code,
        error_text=said.error_message or None,
        reason=REASONS.get(said.error_code or ""),
        created_at=said.date_created,
        sent_at=said.date_sent,
        changed_at=said.date_updated,
        raw=data,
    )


def kind_of(sid: str | None, media: int | None) -> str | None:
    """Return "mms" where it is shown; a text without media may have been sent as one all the same.

    The published answers to an MMS just created say that it has no media.
    """
    return "mms" if (media or 0) > 0 or (sid or "").startswith("MM") else None


def _price(said: _Message) -> Price | None:
    """Return what was billed: Twilio writes it as what it does to the balance, ``-0.00750``."""
    price = reading.priced(said.price, said.price_unit)
    return price and attrs.evolve(price, amount=price.amount.copy_abs())


def refusal(response: Response, data: Mapping[str, Any], unknown: str = "") -> No:
    """Return what an answer means that is not what was asked for.

    ``unknown`` is what a 404 says where Twilio itself says nothing.
    """
    code = reading.word(data.get("code"))
    text = reading.word(data.get("message")) or ""
    if not text and response.status == NOT_FOUND:
        text = unknown
    return outcome(
        response, reason=REASONS.get(code or ""), text=text, code=code, busy=code in BUSY
    )


def redacted(response: Response, data: Mapping[str, Any]) -> No | None:
    """Return what is wrong with a redaction, None where the text is surely gone."""
    if not response.ok:
        no = refusal(response, data, "Twilio knows no such message")
        early = no.code in TOO_EARLY and response.status in range(400, 500)
        return Busy(limited=False, text=no.text, code=no.code) if early else no
    if not reading.word(data.get("sid")):
        return Unclear(text=f"HTTP {response.status} without a message we can read")
    return Unclear(text="the message still has its text") if data.get("body") else None
