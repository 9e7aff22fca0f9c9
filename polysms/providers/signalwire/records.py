"""What SignalWire answers: messages and their logs, and its ways of saying no."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from polysms.delivery import Price, Status
from polysms.providers import reading
from polysms.providers.base import Busy, Record, Refused, Response, Unclear
from polysms.providers.outcome import outcome, weightiest
from polysms.providers.signalwire.codes import BUSY, REASONS, TOO_EARLY, status_of
from polysms.redact import HIDDEN

No = Refused | Busy | Unclear

NOT_FOUND = 404
UNKNOWN = "SignalWire knows no such message"
_CALLBACK = "status_callback_url"


@attrs.frozen(kw_only=True, slots=False)
class _Message:
    """``Message.Message`` (seed 004), and the log of the same message, which has ``charge``."""

    id: str | None = None
    sender: str | None = None
    to: str | None = None
    body: str | None = None
    status: str | None = None
    direction: str | None = None
    kind: str | None = None
    media: reading.Strings = ()
    number_of_segments: int | None = None
    charge: Price | None = None
    error_code: str | None = None
    error_message: str | None = None
    created_at: datetime | None = None


_wire = reading.wire_converter()
reading.wire(_wire, _Message, sender="from")


def record(data: dict[str, Any]) -> Record:
    """Return what a message, or its log, says."""
    said: _Message = _wire.structure(data, _Message)
    inbound = said.direction == "inbound"
    return Record(
        provider_id=said.id,
        raw_status=said.status,
        status=Status.RECEIVED if inbound else status_of(said.status),
        kind=said.kind,
        direction="inbound" if inbound else "outbound",
        to=said.to,
        from_=said.sender,
        text=said.body,
        media=said.media,
        segments_billed=said.number_of_segments,
        price=said.charge,
        error_code=said.error_code,
        error_text=said.error_message or None,
        reason=REASONS.get(said.error_code or ""),
        created_at=said.created_at,
        # Who knows our own address can post to it, and this is kept and shown.
        raw=data | {_CALLBACK: HIDDEN} if data.get(_CALLBACK) else data,
    )


def refusal(response: Response, data: Mapping[str, Any], otherwise: str = "") -> No:
    """Return what an answer means that is not what was asked for, in any API of SignalWire.

    A list of errors (objects, or texts alone), or one error that is the answer itself.
    ``otherwise`` is what is said where the answer says nothing.
    """
    errors = [*reading.objects(data.get("errors")), reading.mapping(data)]
    codes = [code for error in errors if (code := reading.word(error.get("code")))]
    texts = [_said(error) for error in errors] + list(reading.strings(data.get("errors")))
    reason = weightiest(REASONS[code] for code in codes if code in REASONS)
    return outcome(
        response,
        reason=reason,
        text="; ".join(text for text in texts if text) or otherwise,
        code=next(iter(codes), None),
        busy=not BUSY.isdisjoint(codes),
    )


def _said(error: Mapping[str, Any]) -> str | None:
    names = ("message", "detail", "title", "error")
    return next((text for name in names if (text := reading.word(error.get(name)))), None)


def redacted(response: Response, data: Mapping[str, Any], identity: str) -> No | None:
    """Return what is wrong with a redaction, None where the text is surely gone."""
    if not response.ok:
        no = refusal(response, data, UNKNOWN if response.status == NOT_FOUND else "")
        if isinstance(no, Refused) and no.code in TOO_EARLY:
            return Busy(limited=False, text=no.text, code=no.code)
        return no
    if not reading.word(data.get(identity)):
        return Unclear(text=f"HTTP {response.status} without a message we can read")
    return Unclear(text="the message still has its text") if data.get("body") else None
