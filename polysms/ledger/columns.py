"""How values stand in a column, so that both databases give back what they were given."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator

# PostgreSQL keeps no NUL, and halves of surrogate pairs are no UTF-8; a provider may send both.
_STRANGE = re.compile("[\x00\ud800-\udfff]")
_MARK = "json:"
_ZONE = "+00:00"
#: What turns a value into what is stored, or back.
Processor = Callable[[Any], Any]


class Words(TypeDecorator[str]):
    """Text as it is; what no database can keep as it is stands as JSON after ``json:``."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Processor:  # noqa: ARG002 - SQLAlchemy's word
        """Return what turns text into what is stored."""
        return stored_words

    def result_processor(self, dialect: Dialect, coltype: object) -> Processor:  # noqa: ARG002
        """Return what turns what is stored into text."""
        return _words


class Json(TypeDecorator[Any]):
    """Plain data as JSON in ASCII: as text, which both databases keep to the letter."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Processor:  # noqa: ARG002
        """Return what turns data into what is stored."""
        return _stored_data

    def result_processor(self, dialect: Dialect, coltype: object) -> Processor:  # noqa: ARG002
        """Return what turns what is stored into data."""
        return _data


def stored_words(value: str | None) -> str | None:
    """Return text as it is stored."""
    if value is None:
        return None
    # Most words are printable, which is told ten times as fast; nothing strange is.
    if (value.isprintable() or not _STRANGE.search(value)) and not value.startswith(_MARK):
        # A plain str: drivers look at the exact type, and a StrEnum is another.
        return str(value)
    return _MARK + json.dumps(value)


def _words(value: str | None) -> str | None:
    if value is None or not value.startswith(_MARK):
        return value
    return str(json.loads(value[len(_MARK) :]))


def _stored_data(value: Any) -> str | None:
    return None if value is None else _encoded(value)


def _data(value: str | None) -> Any:
    return None if value is None else json.loads(value)


class Moment(TypeDecorator[datetime]):
    """A time with its zone, stored in UTC to the microsecond."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Processor:
        """Return what turns a time into what is stored."""
        return _stored_time if dialect.name == "sqlite" else _in_utc

    def result_processor(self, dialect: Dialect, coltype: object) -> Processor:  # noqa: ARG002
        """Return what turns what is stored into a time."""
        return _time if dialect.name == "sqlite" else _in_utc


def _in_utc(value: datetime | None) -> datetime | None:
    if value is None or value.tzinfo is UTC:
        return value
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _stored_time(value: datetime | None) -> str | None:
    # SQLite has no times: text that sorts as they do, without a zone.
    time = _in_utc(value)
    return None if time is None else time.isoformat(" ", "microseconds").removesuffix(_ZONE)


def _time(value: str | datetime | None) -> datetime | None:
    # On a connection of somebody else's, its converters may have made a time of it.
    return datetime.fromisoformat(value + _ZONE) if isinstance(value, str) else _in_utc(value)


_encoded = json.JSONEncoder(separators=(",", ":"), default=str).encode
