"""Looking messages up: pages that end, links that stay at home, references that come back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from polysms.providers.base import Page, Query
from polysms.testing.contract.bodies import answer, at, changed, places, said, texts
from polysms.testing.contract.example import REFERENCE
from polysms.testing.contract.subject import Finding, Subject, Unwritten, rule, unless, unlike

_PAIR = ("list_request", "read_list")
ASTRAY = (
    "https://evil.example/v1/messages?page=2",
    "//evil.example/v1/messages",
    "http://169.254.169.254/latest/meta-data",
    "https://evil.example@home.example/",
    "@evil.example/x",
    ".evil.example/x",
    "javascript:alert(1)",
    "https://[",
    "\r\nHost: evil.example",
)
#: What providers call the next page, where their example has none.
_NEXT = ("next", "next_page", "next_page_uri", "next_url", "nextPage", "links", "paging", "meta")
_INNER = ("next", "next_page", "next_page_url", "next_url")


def _listed(subject: Subject) -> Any:
    if subject.row.listed is None:
        raise Unwritten("its Example has no published list: write listed= and items=")
    return json.loads(subject.row.listed)


@rule(
    "A list is how an unclear send is found again: a page that is missed is a message lost.",
    *_PAIR,
    reads=True,
)
def the_published_list_is_read(subject: Subject) -> Iterator[Finding]:
    """The published list is one page with all of its messages, and the last one."""
    row, data = subject.row, _listed(subject)
    page = subject.adapter().read_list(answer(200, data), Query())
    if not isinstance(page, Page):
        yield Finding("the published list", repr(page), "a Page")
        return
    yield from unlike("its messages", len(data[row.items or ""]), len(page.records))
    yield from unlike("a page after it", None, page.following)


@rule(
    "Taken for an empty list, it would prove that nobody has the message: it is sent twice.", *_PAIR
)
def a_list_that_cannot_be_read_is_no_page(subject: Subject) -> Iterator[Finding]:
    """A list that cannot be read, or is an error, is not an empty list."""
    adapter = subject.adapter()
    empty: tuple[object, ...] = ({}, [], None, b"<html>", {"items": 1, "data": 1, "messages": 1})
    for body in empty:
        found = adapter.read_list(answer(200, body), Query())
        yield from unless(not isinstance(found, Page), f"HTTP 200 with {body!r}", found, "no Page")
    bodies: list[object] = [{}, *([] if subject.example is None else [_listed(subject)])]
    for status in (401, 404, 500, 503):
        for body in bodies:
            found = adapter.read_list(answer(status, body), Query())
            yield from unless(not isinstance(found, Page), f"HTTP {status}", found, "no Page")


@rule(
    "The request for the next page has the credentials in it: a foreign link would get them.",
    *_PAIR,
    reads=True,
)
def next_links_stay_at_home(subject: Subject) -> Iterator[Finding]:
    """Whatever a list names as its next page, it is asked for at the account's own address."""
    adapter = subject.adapter()
    home = urlsplit(subject.home)
    for case, body in _led_astray(subject):
        page = adapter.read_list(answer(200, body), Query())
        if not isinstance(page, Page) or page.following is None:
            continue
        target = urlsplit(adapter.list_request(page.following).url)
        yield from unlike(f"the page after a list in which {case}", home[:2], target[:2])


def _led_astray(subject: Subject) -> Iterator[tuple[str, Any]]:
    """Yield the published list with a foreign link wherever one may stand."""
    row, data = subject.row, _listed(subject)
    known = [place for place in places(data) if place[0] != row.items]
    known = [place for place in known if not isinstance(at(data, place), dict | list)]
    added = [(name,) for name in _NEXT if name not in data]
    for link in ASTRAY:
        for place in (*known, *added):
            yield f"{'.'.join(map(str, place))} is {link!r}", changed(data, place, link)
        for name in _NEXT:
            if isinstance(data.get(name, {}), dict):
                inner = {**data.get(name, {}), **dict.fromkeys(_INNER, link)}
                yield f"{name} holds {link!r}", {**data, name: inner}


@rule(
    'On the strength of "exact" an unclear send is called not sent, and sent again.',
    *_PAIR,
    reads=True,
)
def an_exact_lookup_is_kept(subject: Subject) -> Iterator[Finding]:
    """Where the grade is "exact" our reference is on the wire, and each record brings it back."""
    if subject.kind.capabilities.lookup != "exact":
        return
    for fields in ({}, subject.pictured):
        body = said(subject.request(**fields))
        there = REFERENCE in texts(body)
        yield from unless(there, f"the reference of a send with {fields}", body, "in the body")
    yield from _brought_back(subject)


def _brought_back(subject: Subject) -> Iterator[Finding]:
    row, data = subject.row, _listed(subject)
    key = next((key for key, value in row.spelled.items() if value == REFERENCE), None)
    if key is None or not data[row.items or ""]:
        return
    body = changed(data, (row.items, 0, key), REFERENCE)
    page = subject.adapter().read_list(answer(200, body), Query())
    found = page.records[0].reference if isinstance(page, Page) and page.records else repr(page)
    yield from unlike("the reference of a record in the list", REFERENCE, found)
