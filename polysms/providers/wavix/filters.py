"""Wavix's words for what a list is to hold: which there are, and what they may say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from polysms import numbers
from polysms.providers import reading
from polysms.providers.lists import LAST_PAGE, Filters, one_of, spelled, text, whole, wrong
from polysms.providers.wavix.codes import STATUSES

MOST_PER_PAGE = 100
DAY: Final = "%Y-%m-%d"
MOMENT: Final = "%Y-%m-%dT%H:%M:%S"
_SHAPES = {
    DAY: (re.compile(r"\d{4}-\d\d-\d\d", re.ASCII), "a day, as 2026-04-14"),
    MOMENT: (
        re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII),
        "a day and time in UTC, as 2026-04-14T13:51:16",
    ),
}


def sender(value: str) -> str:
    """Return a number as its digits, as Wavix's lists have it, a name as it is."""
    return numbers.digits_or_name(text(value))


def _moment(value: str, form: str) -> str:
    shape, example = _SHAPES[form]
    if isinstance(value, str) and shape.fullmatch(value):
        try:
            datetime.strptime(value, form)  # noqa: DTZ007 - looked at, not used
        except ValueError:
            raise ValueError(f"there is no such date: write {example}") from None
        return value
    raise ValueError(f"write {example}")


def day(value: str) -> str:
    """Return a day."""
    return _moment(value, DAY)


def moment(value: str) -> str:
    """Return a day and time."""
    return _moment(value, MOMENT)


#: The number of a page, and how many items it is to have.
page, per_page = whole(1, LAST_PAGE), whole(1, MOST_PER_PAGE)


def require_order(spelled: Mapping[str, str], after: str, before: str) -> None:
    """Raise ConfigError where a list is to end before it begins."""
    begin, end = spelled.get(after), spelled.get(before)
    if begin is not None and end is not None and begin > end:
        raise wrong(f"{after} is later than {before}, so nothing can be found")


#: What messages can be filtered by, in a list and in an export.
_MESSAGES: Filters = {
    "type": one_of("outbound", "inbound"),
    "from": sender,
    "to": sender,
    "status": one_of(*STATUSES),
    "tag": text,
    "message_type": one_of("sms", "mms"),
}
IN_LIST: Filters = {
    **_MESSAGES,
    "sent_after": day,
    "sent_before": day,
    "page": page,
    "per_page": per_page,
}
IN_EXPORT: Filters = {**_MESSAGES, "sent_after": moment, "sent_before": moment}


def of_messages(wanted: Mapping[str, str], direction: str, known: Filters) -> dict[str, str]:
    """Return the filters of messages of a direction, as Wavix takes them."""
    found = spelled(wanted, known)
    require_order(found, "sent_after", "sent_before")
    if found.get("type", direction) != direction:
        raise wrong(f'type: is the direction: write direction="{found["type"]}"')
    if direction == "inbound" and "tag" in found:
        raise wrong("tag: Wavix has tags on outbound messages alone, and would show them all")
    return found


def around(when: datetime | None, days: int, form: str) -> str | None:
    """Return a moment so many days later, in UTC: whose zone Wavix means is not documented."""
    if when is None:
        return None
    try:
        when = when.astimezone(UTC) + timedelta(days=days)
    except OverflowError:
        return None
    return when.strftime(form)


def following(data: Mapping[str, Any], asked: str | None) -> str | None:
    """Return the number of the page after the one that was asked for, None where it is the last."""
    pages = reading.mapping(data.get("pagination"))
    page = reading.whole(asked) or reading.whole(pages.get("current_page")) or 1
    more = bool(data.get("items")) and page < (reading.whole(pages.get("total_pages")) or 0)
    return str(page + 1) if more else None
