"""The compatibility API's pages of messages: which are shown, and the links from page to page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from polysms.sandbox.answering import refuse, whole
from polysms.sandbox.signalwire_laml_rules import no
from polysms.sandbox.state import Object
from polysms.sandbox.store import View

# The page "List all messages".
_SIZE = 50
_MOST = 1000
_TOKEN = "PA"  # noqa: S105 - not a secret
_DAY = timedelta(days=1)


def page(
    views: Sequence[View], query: Mapping[str, str], path: str
) -> tuple[Sequence[View], Object]:
    """Return the messages of one page, and what the answer says of it. Raises Refused with 400."""
    size = whole(query.get("PageSize"), _SIZE, 1, _MOST)
    number = whole(query.get("Page"), 0, 0, 10**9)
    if size is None or number is None:
        refuse(no(54454))
    kept = [view for view in views if _is_wanted(view, query)]
    start = _start(kept, query.get("PageToken"))

    def link(to: int, begin: int) -> str | None:
        if not 0 <= begin < max(len(kept), 1):
            return None
        token = {"PageToken": _TOKEN + kept[begin - 1].entry.id} if begin else {}
        given = {name: value for name, value in query.items() if name not in ("Page", "PageToken")}
        return f"{path}?{urlencode({**given, 'Page': to, 'PageSize': size, **token})}"

    return kept[start : start + size], {
        "uri": link(number, start),
        "first_page_uri": link(0, 0),
        "next_page_uri": link(number + 1, start + size),
        "previous_page_uri": link(max(0, number - 1), max(0, start - size)) if start else None,
        "page": number,
        "page_size": size,
    }


def _start(views: Sequence[View], token: str | None) -> int:
    if token is None:
        return 0
    ids = [_TOKEN + view.entry.id for view in views]
    if token not in ids:
        refuse(no(54453))
    return ids.index(token) + 1


def _is_wanted(view: View, query: Mapping[str, str]) -> bool:
    draft = view.entry.draft
    said = {"To": draft.to, "From": draft.sender, "Status": view.entry.at(view.moment).status}
    if any(query.get(name, value) != value for name, value in said.items()):
        return False
    bounds = {name: _moment(query[name]) for name in _BOUNDS if name in query}
    sent = view.entry.since("sent", view.moment)
    if sent is None:
        return not bounds
    at = datetime.fromtimestamp(sent, UTC)
    return all(_BOUNDS[name](at, bound) for name, bound in bounds.items())


# The page's own example of `DateSent>` says "on or after".
_BOUNDS = {
    "DateSent": lambda at, day: day <= at < day + _DAY,
    "DateSent<": lambda at, day: at < day,
    "DateSent>": lambda at, day: at >= day,
}


def _moment(text: str) -> datetime:
    """Return a day, or a moment as the official Python package writes it; without a zone UTC."""
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        refuse(no(400))
