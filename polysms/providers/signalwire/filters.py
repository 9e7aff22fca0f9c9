"""SignalWire's words for what a list is to hold: which there are, and what they may say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from polysms.errors import ConfigError
from polysms.providers.signalwire.codes import OLDER, STATUSES

#: By the word: what reads its value, and raises ValueError with a sentence for a wrong one.
Filters = Mapping[str, Callable[[str], str]]

MOST_PER_PAGE = 1000
_LAST_PAGE = 999_999_999
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)


def spelled(wanted: Mapping[str, str], known: Filters) -> dict[str, str]:
    """Return filters as SignalWire takes them. Raises ConfigError for an unknown or wrong one."""
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


def _text(value: str) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("write a text")
    return value


def _truth(value: str) -> str:
    if value not in {"true", "false"}:
        raise ValueError('write "true" or "false"')
    return value


def _moment(value: str) -> str:
    try:
        datetime.fromisoformat(_text(value))
    except ValueError:
        raise ValueError("write a day or a moment, as 2026-04-14 or 2026-04-14T12:00:00Z") from None
    return value


def _day(value: str) -> str:
    if not _DAY.fullmatch(_text(value)):
        raise ValueError("write a day, as 2026-04-14")
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("there is no such day") from None
    return value


def _whole(value: str, least: int, most: int) -> str:
    if isinstance(value, str) and _WHOLE.fullmatch(value) and least <= int(value) <= most:
        return value
    raise ValueError(f"write a whole number from {least} to {most}")


def _page(value: str) -> str:
    return _whole(value, 0, _LAST_PAGE)


def _size(value: str) -> str:
    return _whole(value, 1, MOST_PER_PAGE)


def _status(value: str) -> str:
    known = {**STATUSES, **OLDER}
    if value not in known:
        raise ValueError(f"write one of {', '.join(known)}")
    return value


#: What logs can be filtered by: by time alone (TypeSpec of 2026-08-21).
OF_LOGS: Filters = {
    "include_deleted": _truth,
    "created_before": _moment,
    "created_on": _moment,
    "created_after": _moment,
    "page_size": _size,
    "page_number": _page,
    "page_token": _text,
}
#: What the compatibility API's messages can be filtered by (its page "List all messages").
OF_MESSAGES: Filters = {
    "To": _text,
    "From": _text,
    "Status": _status,
    "DateSent": _day,
    "DateSent<": _day,
    "DateSent>": _day,
    "Page": _page,
    "PageSize": _size,
    "PageToken": _text,
}


def page_size(wanted: int) -> str:
    """Return how many items a page is to have, as far as SignalWire lets it."""
    return str(min(max(wanted, 1), MOST_PER_PAGE))
