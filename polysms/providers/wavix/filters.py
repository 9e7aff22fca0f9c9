"""Wavix's words for what a list is to hold: which there are, and what they may say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from polysms import numbers
from polysms.errors import ConfigError
from polysms.providers import reading
from polysms.providers.wavix.codes import STATUSES

#: By the word: what reads its value, and raises ValueError with a sentence for a wrong one.
Filters = Mapping[str, Callable[[str], str]]

MOST_PER_PAGE = 100
_LAST_PAGE = 999_999_999
DAY: Final = "%Y-%m-%d"
MOMENT: Final = "%Y-%m-%dT%H:%M:%S"
_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)
_SHAPES = {
    DAY: (re.compile(r"\d{4}-\d\d-\d\d", re.ASCII), "a day, as 2026-04-14"),
    MOMENT: (
        re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII),
        "a day and time in UTC, as 2026-04-14T13:51:16",
    ),
}


def spelled(wanted: Mapping[str, str], known: Filters) -> dict[str, str]:
    """Return filters as Wavix takes them. Raises ConfigError for an unknown or wrong one."""
    found = {}
    for name, value in wanted.items():
        if name not in known:
            raise _wrong(f"there is no {name!r}; known are {', '.join(known)}")
        try:
            found[name] = known[name](value)
        except ValueError as error:
            raise _wrong(f"{name}: {error}") from None
    return found


def _wrong(sentence: str) -> ConfigError:
    return ConfigError(f"filters: {sentence}", key="filters")


def text(value: str) -> str:
    """Return some text."""
    if not isinstance(value, str) or not value:
        raise ValueError("write a text")
    return value


def sender(value: str) -> str:
    """Return a number as its digits, as Wavix's lists have it, a name as it is."""
    return numbers.digits_or_name(text(value))


def one_of(*words: str) -> Callable[[str], str]:
    """Return what reads one of these words."""

    def read(value: str) -> str:
        if value not in words:
            raise ValueError(f"write one of {', '.join(words)}")
        return value

    return read


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


def _whole(value: str, most: int) -> str:
    if isinstance(value, str) and _WHOLE.fullmatch(value) and 1 <= int(value) <= most:
        return value
    raise ValueError(f"write a whole number from 1 to {most}")


def page(value: str) -> str:
    """Return the number of a page."""
    return _whole(value, _LAST_PAGE)


def per_page(value: str) -> str:
    """Return how many items a page is to have."""
    return _whole(value, MOST_PER_PAGE)


def require_order(spelled: Mapping[str, str], after: str, before: str) -> None:
    """Raise ConfigError where a list is to end before it begins."""
    begin, end = spelled.get(after), spelled.get(before)
    if begin is not None and end is not None and begin > end:
        raise _wrong(f"{after} is later than {before}, so nothing can be found")


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
        raise _wrong(f'type: is the direction: write direction="{found["type"]}"')
    if direction == "inbound" and "tag" in found:
        raise _wrong("tag: Wavix has tags on outbound messages alone, and would show them all")
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
