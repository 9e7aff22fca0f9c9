"""What an adapter that hears webhooks makes of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from polysms import webhooks
from polysms.delivery import DeliveryReport, Event, Status
from polysms.errors import BadPayload
from polysms.providers.hearing import FORM, WebhookRequest
from polysms.routing.fold import fold
from polysms.testing.contract.bodies import GARBAGE, changed, encoded
from polysms.testing.contract.subject import (
    Finding,
    Subject,
    Unwritten,
    raised,
    rule,
    unless,
    unlike,
)


def posted(subject: Subject, status: str | None = None) -> WebhookRequest:
    """Return the published report, with another status word in it where one is given."""
    row = subject.row
    if row.heard is None:
        raise Unwritten("its Example has no published report: write heard= (and heard_at=)")
    fields: Any = dict(row.heard)
    if status is not None:
        fields = changed(fields, row.heard_at, status)
    return _request(encoded(fields, row.heard_type), row.heard_type)


def _request(body: bytes, content_type: str) -> WebhookRequest:
    return WebhookRequest("POST", "/hook", {"content-type": content_type}, body)


def _events(subject: Subject, request: WebhookRequest) -> tuple[Event, ...]:
    return webhooks.parse(subject.account("mine", subject.home), request)


@rule("Providers post a report twice, and in any order: it must count once.", "events", reads=True)
def a_report_that_comes_again_is_the_same(subject: Subject) -> Iterator[Finding]:
    """A report parsed twice is the same event, and reports fold alike in whatever order."""
    first, again = (_events(subject, posted(subject)) for _ in range(2))
    yield from unless(first, "the published report", "of no message", "an event")
    yield from unlike("the published report, parsed again", first, again)
    words = list(subject.row.statuses)[:4]
    folded: dict[tuple[str, ...], Status] = {}
    for order in itertools.permutations(words):
        reports = [one for word in order for one in _events(subject, posted(subject, word))]
        known = [one for one in reports if isinstance(one, DeliveryReport)]
        folded[order] = fold(known, Status.QUEUED)
    for order, status in folded.items():
        yield from unlike(f"reports that come as {order}", folded[tuple(words)], status)


@rule("A user's code decides by the neutral word, wherever it is heard.", "events", reads=True)
def reports_say_the_documented_statuses(subject: Subject) -> Iterator[Finding]:
    """A report's status word means what it means in an answer, and an unknown one is kept."""
    for word, status in {**subject.row.statuses, "teleported": Status.UNRECOGNIZED}.items():
        for event in _events(subject, posted(subject, word)):
            if isinstance(event, DeliveryReport):
                yield from unlike(f"a report that says {word!r}", str(status), str(event.status))
                yield from unlike(f"{word!r}, as it came", word, event.raw_status)


@rule("Whoever knows the address can post to it, and a crash is an invitation.", "events")
def what_nobody_posts_is_a_bad_payload(subject: Subject) -> Iterator[Finding]:
    """A webhook that cannot be read is BadPayload, and nothing else is raised."""
    adapter = subject.adapter()
    for content_type in ("application/json", FORM, "text/plain"):
        for body in GARBAGE:
            try:
                adapter.events(_request(body, content_type))
            except BadPayload:
                continue
            except Exception as error:  # noqa: BLE001 - this is what is looked for
                yield Finding(f"{body[:60]!r} as {content_type}", raised(error), "BadPayload")
