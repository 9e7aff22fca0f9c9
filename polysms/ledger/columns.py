"""How values stand in a column, so that both databases give back what they were given."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator

# PostgreSQL keeps no NUL, and halves of surrogate pairs are no UTF-8; a provider may send both.
_STRANGE = re.compile("[\x00\ud800-\udfff]")
_MARK = "json:"


class Words(TypeDecorator[str]):
    """Text as it is; what no database can keep as it is stands as JSON after ``json:``."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _: Dialect) -> str | None:
        """Return the text as it is stored."""
        if value is None or not (_STRANGE.search(value) or value.startswith(_MARK)):
            # A plain str: drivers look at the exact type, and a StrEnum is another.
            return None if value is None else str(value)
        return _MARK + json.dumps(value)

    def process_result_value(self, value: Any, _: Dialect) -> str | None:
        """Return the text as it was."""
        if value is None or not value.startswith(_MARK):
            return None if value is None else str(value)
        return str(json.loads(value[len(_MARK) :]))


class Json(TypeDecorator[Any]):
    """Plain data as JSON in ASCII: as text, which both databases keep to the letter."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, _: Dialect) -> str | None:
        """Return the data as it is stored."""
        return None if value is None else _encoded(value)

    def process_result_value(self, value: Any, _: Dialect) -> Any:
        """Return the data as it was."""
        return None if value is None else json.loads(value)


class Moment(TypeDecorator[datetime]):
    """A time with its zone, stored in UTC to the microsecond."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _: Dialect) -> datetime | None:
        """Return the time in UTC."""
        if value is None or value.tzinfo is UTC:
            return value
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _: Dialect) -> datetime | None:
        """Return the time in UTC: SQLite forgets the zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


_encoded = json.JSONEncoder(separators=(",", ":"), default=str).encode
