"""What SignalWire's compatibility API says of a message."""

from __future__ import annotations

from typing import Any

from polysms.delivery import Status
from polysms.providers import reading
from polysms.providers.base import Record
from polysms.providers.signalwire.codes import REASONS, status_of


def record(data: dict[str, Any]) -> Record:
    """Return what a message object says: the answer of send, fetch and list."""
    said = data.get
    status, code = reading.word(said("status")), reading.word(said("error_code"))
    inbound = said("direction") == "inbound"
    return Record(
        provider_id=reading.word(said("sid")),
        raw_status=status,
        status=Status.RECEIVED if inbound else status_of(status),
        # A message without media may have been sent as an MMS all the same.
        kind="mms" if (reading.whole(said("num_media")) or 0) > 0 else None,
        direction="inbound" if inbound else "outbound",
        to=reading.word(said("to")),
        from_=reading.word(said("from")),
        text=reading.word(said("body")),
        segments_billed=reading.whole(said("num_segments")),
        price=reading.priced(said("price"), said("price_unit")),
        error_code=code,
        error_text=reading.word(said("error_message")) or None,
        reason=REASONS.get(code or ""),
        created_at=reading.moment(said("date_created")),
        sent_at=reading.moment(said("date_sent")),
        changed_at=reading.moment(said("date_updated")),
        raw=data,
    )
