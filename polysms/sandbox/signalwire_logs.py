"""SignalWire's pages of logs: which are shown, and the links from page to page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from polysms.sandbox.answering import refuse, whole
from polysms.sandbox.signalwire_rules import invalid
from polysms.sandbox.store import View

_PATH = "/api/messaging/logs"
# TypeSpec of the logs' query.
_SIZE = 50
_MOST = 1000
# A token of the documents begins so. Here the id of the last log before the page follows.
_TOKEN = "PA"  # noqa: S105 - not a secret
_DAY = timedelta(days=1)


def page(views: Sequence[View], query: Mapping[str, str]) -> tuple[Sequence[View], dict[str, str]]:
    """Return the logs of one page, and its links as paths. Raises Refused with 422."""
    size = whole(query.get("page_size"), _SIZE, 1, _MOST)
    number = whole(query.get("page_number"), 0, 0, 10**9)
    if size is None or number is None:
        refuse(invalid("invalid_parameter", "page_number" if size else "page_size"))
    if query.get("include_deleted", "false") not in ("true", "false"):
        refuse(invalid("not_a_boolean", "include_deleted"))
    kept = _within(views, query)
    start = _start(kept, number, query.get("page_token"))
    return kept[start : start + size], _links(kept, start, size, number, query)


def _within(views: Sequence[View], query: Mapping[str, str]) -> list[View]:
    since, until = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    # Whether the bounds themselves belong to it is not documented: `after` yes, `before` no.
    if "created_after" in query:
        since = _moment(query, "created_after")
    if "created_before" in query:
        until = _moment(query, "created_before")
    if "created_on" in query:
        day = _moment(query, "created_on").replace(hour=0, minute=0, second=0, microsecond=0)
        # The last day of the calendar has no next day.
        since, until = max(since, day), min(until, day + min(_DAY, until - day))
    return [view for view in views if since <= _created(view) < until]


def _created(view: View) -> datetime:
    return datetime.fromtimestamp(view.entry.created, UTC)


def _moment(query: Mapping[str, str], name: str) -> datetime:
    """Return a day, or a moment as one of the official recipes writes it; without a zone UTC."""
    try:
        found = datetime.fromisoformat(query[name])
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        refuse(invalid("not_a_datetime", name))


def _start(views: Sequence[View], number: int, token: str | None) -> int:
    if token is None:
        if number:
            refuse(invalid("page_token_required", "page_token"))
        return 0
    ids = [_TOKEN + view.entry.id for view in views]
    if token not in ids:
        refuse(invalid("page_token_is_invalid", "page_token"))
    return ids.index(token) + 1


def _links(
    views: Sequence[View], start: int, size: int, number: int, query: Mapping[str, str]
) -> dict[str, str]:
    """Return ``self``, ``first``, and ``next`` and ``prev`` where there are any."""
    kept = {
        name: value for name, value in query.items() if name not in ("page_number", "page_token")
    }

    def link(to: int, begin: int) -> str:
        token = {"page_token": _TOKEN + views[begin - 1].entry.id} if begin else {}
        return f"{_PATH}?{urlencode({**kept, 'page_number': to, 'page_size': size, **token})}"

    links = {"self": link(number, start), "first": link(0, 0)}
    if start + size < len(views):
        links["next"] = link(number + 1, start + size)
    if start:
        links["prev"] = link(max(0, number - 1), max(0, start - size))
    return links
