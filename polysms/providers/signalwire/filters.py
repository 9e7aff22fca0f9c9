"""SignalWire's words for what a list is to hold: which there are, and what they may say."""

from __future__ import annotations

from datetime import datetime

from polysms.providers.lists import LAST_PAGE, Filters, day, one_of, text, whole
from polysms.providers.signalwire.codes import OLDER, STATUSES

MOST_PER_PAGE = 1000


def _truth(value: str) -> str:
    if value not in {"true", "false"}:
        raise ValueError('write "true" or "false"')
    return value


def _moment(value: str) -> str:
    try:
        datetime.fromisoformat(text(value))
    except ValueError:
        raise ValueError("write a day or a moment, as 2026-04-14 or 2026-04-14T12:00:00Z") from None
    return value


_page, _size = whole(0, LAST_PAGE), whole(1, MOST_PER_PAGE)

#: What logs can be filtered by: by time alone (TypeSpec of 2026-08-21).
OF_LOGS: Filters = {
    "include_deleted": _truth,
    "created_before": _moment,
    "created_on": _moment,
    "created_after": _moment,
    "page_size": _size,
    "page_number": _page,
    "page_token": text,
}
#: What the compatibility API's messages can be filtered by (its page "List all messages").
OF_MESSAGES: Filters = {
    "To": text,
    "From": text,
    "Status": one_of(*STATUSES, *OLDER),
    "DateSent": day,
    "DateSent<": day,
    "DateSent>": day,
    "Page": _page,
    "PageSize": _size,
    "PageToken": text,
}
