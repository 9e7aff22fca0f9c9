"""What SignalWire's compatibility API says of a message."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import attrs

from polysms.delivery import Price, Status, aware
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
        price=_price(data),
        error_code=code,
        error_text=reading.word(said("error_message")) or None,
        reason=REASONS.get(code or ""),
        created_at=_moment(said("date_created")),
        sent_at=_moment(said("date_sent")),
        changed_at=_moment(said("date_updated")),
        raw=data,
    )


def _price(data: Mapping[str, Any]) -> Price | None:
    price, unit = reading.money(data.get("price")), reading.word(data.get("price_unit"))
    return attrs.evolve(price, currency=unit.upper()) if price and unit else price


def _moment(value: object) -> datetime | None:
    """Return a time as RFC 2822 writes it (the documents), or ISO 8601; None if unreadable."""
    if not isinstance(value, str):
        return None
    try:
        return aware(parsedate_to_datetime(value))
    except (ValueError, TypeError, IndexError, OverflowError):
        return reading.moment(value)
