"""Lists as Twilio and SignalWire's compatibility API show them: pages, their links, filters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import attrs

from polysms.sandbox.answering import Refusal, refuse, whole
from polysms.sandbox.state import Object
from polysms.sandbox.store import View

# SignalWire's page "List all messages"; Twilio's says the same of the size.
_SIZE = 50
_MOST = 1000
_TOKEN = "PA"  # noqa: S105 - not a secret
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)

Query = Mapping[str, str]


@attrs.frozen
class Malformed:
    """How an API refuses a page's size, its token, and a date."""

    size: Refusal
    token: Refusal
    date: Refusal


def page(
    items: Sequence[Any],
    query: Query,
    path: str,
    identity: Callable[[Any], str],
    malformed: Malformed,
) -> tuple[Sequence[Any], Object]:
    """Return one page of what is wanted, and what the answer says of it. Raises Refused."""
    size = whole(query.get("PageSize"), _SIZE, 1, _MOST)
    number = whole(query.get("Page"), 0, 0, 10**9)
    if size is None or number is None:
        refuse(malformed.size)
    tokens = [_TOKEN + identity(item) for item in items]
    start = _start(tokens, query.get("PageToken"), malformed)

    def address(to: int, begin: int) -> str:
        mark = {"PageToken": tokens[begin - 1]} if begin else {}
        given = {name: value for name, value in query.items() if name not in ("Page", "PageToken")}
        return f"{path}?{urlencode({**given, 'Page': to, 'PageSize': size, **mark})}"

    following = start + size
    return items[start : start + size], {
        "uri": address(number, start),
        "first_page_uri": address(0, 0),
        "next_page_uri": address(number + 1, following) if following < len(items) else None,
        "previous_page_uri": address(max(0, number - 1), max(0, start - size)) if start else None,
        "page": number,
        "page_size": size,
    }


def _start(tokens: Sequence[str], token: str | None, malformed: Malformed) -> int:
    if token is None:
        return 0
    if token not in tokens:
        refuse(malformed.token)
    return tokens.index(token) + 1


def wanted(views: Sequence[View], query: Query, malformed: Malformed, *, up_to: bool) -> list[View]:
    """Return the messages that the filters let through.

    ``up_to`` says that the day of ``DateSent<`` is among what is wanted. Raises Refused.
    """
    until = _up_to if up_to else _before
    tests = {"DateSent": _on, "DateSent<": until, "DateSent>": _since}
    bounds = [(tests[name], _moment(query[name], malformed)) for name in tests if name in query]
    return [view for view in views if _fits(view, query) and _is_within(view, bounds)]


def _fits(view: View, query: Query) -> bool:
    draft = view.entry.draft
    said = {"To": draft.to, "From": draft.sender}
    return all(query.get(name, value) == value for name, value in said.items())


def _is_within(
    view: View, bounds: Sequence[tuple[Callable[[datetime, datetime], bool], datetime]]
) -> bool:
    sent = view.entry.since("sent", view.moment)
    if sent is None:
        return not bounds
    at = datetime.fromtimestamp(sent, UTC)
    return all(test(at, bound) for test, bound in bounds)


def _on(at: datetime, day: datetime) -> bool:
    return day <= at and at - day < _DAY


def _since(at: datetime, bound: datetime) -> bool:
    # Both pages' own examples of `DateSent>` say "on or after".
    return at >= bound


def _before(at: datetime, bound: datetime) -> bool:
    return at < bound


def _up_to(at: datetime, bound: datetime) -> bool:
    is_day = bound == bound.replace(hour=0, minute=0, second=0, microsecond=0)
    return at - bound < (_DAY if is_day else _SECOND)


def _moment(text: str, malformed: Malformed) -> datetime:
    """Return a day, or a moment as the official packages write it; without a zone UTC."""
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        refuse(malformed.date)
