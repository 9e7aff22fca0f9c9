"""Whether the capability table is true: what it allows goes through, one more is Unsupported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from polysms.errors import NotSent, Unsupported
from polysms.message import LONGEST_TEXT, MOST_MEDIA
from polysms.providers.base import Capabilities, Request
from polysms.testing.contract.bodies import said, texts
from polysms.testing.contract.example import PICTURE
from polysms.testing.contract.subject import Finding, Subject, raised, rule, unless

ABROAD = "+442079460958"
CALLBACK = "https://example.com/hook"
_LIMITS = (
    "The table is what the router chooses by, and what users read: a wrong one loses messages."
)
UNITS = {"GSM-7": "a", "UCS-2": "☺"}


def _request(subject: Subject, **fields: Any) -> Request | NotSent:
    try:
        return subject.request(**fields)
    except NotSent as error:
        return error


def _goes(subject: Subject, case: str, *wanted: str, **fields: Any) -> Iterator[Finding]:
    """Yield a finding where a message is not taken, or does not say all that it should."""
    request = _request(subject, **fields)
    if isinstance(request, NotSent):
        yield Finding(case, raised(request), "a request: the table allows it")
        return
    found = list(texts(said(request)))
    lost = [one for one in wanted if not any(one in text for text in found)]
    if lost:
        yield Finding(case, f"a request without {lost[0][:60]!r}", "one that says all of it")


def _stops(subject: Subject, case: str, **fields: Any) -> Iterator[Finding]:
    """Yield a finding where a message is taken that the table says cannot be said."""
    request = _request(subject, **fields)
    if not isinstance(request, Unsupported):
        found = raised(request) if isinstance(request, NotSent) else "a request"
        yield Finding(case, found, "Unsupported: the table does not allow it")


def _held(
    subject: Subject, allowed: object, case: str, *wanted: str, **fields: Any
) -> Iterator[Finding]:
    if allowed:
        yield from _goes(subject, case, *wanted, **fields)
    else:
        yield from _stops(subject, case, **fields)


@rule(_LIMITS)
def most_media_is_true(subject: Subject) -> Iterator[Finding]:
    """As many media as the table says stand in a request, and one more is Unsupported."""
    most = subject.kind.capabilities.most_media
    pictures = [f"https://example.com/{number}.png" for number in range(most + 1)]
    if 0 < most <= MOST_MEDIA:
        few = pictures[:most]
        yield from _goes(subject, f"a message with {most} media", *few, media=few)
    if most < MOST_MEDIA:
        yield from _stops(subject, f"a message with {most + 1} media", media=pictures)


@rule(_LIMITS)
def longest_text_is_true(subject: Subject) -> Iterator[Finding]:
    """As long a text as the table says stands in a request whole, and one more is Unsupported."""
    can = subject.kind.capabilities
    yield from _long(subject, "a text", can.longest_text, {})
    if subject.pictured:
        yield from _long(subject, "the text of an MMS", can.longest_mms_text, subject.pictured)
    for encoding, most in can.longest_units.items():
        letter = UNITS.get(encoding, "a")
        yield from _long(subject, f"a text in {encoding}", most, {}, letter)


def _long(
    subject: Subject, case: str, most: int | None, fields: Mapping[str, Any], letter: str = "a"
) -> Iterator[Finding]:
    if most is None:
        # Not stated: it is left to the provider, and nothing is cut on the way.
        yield from _goes(subject, f"{case} of 1000", letter * 1000, text=letter * 1000, **fields)
        return
    whole = letter * most
    if most <= LONGEST_TEXT:
        yield from _goes(subject, f"{case} of {most}", whole, text=whole, **fields)
    if most < LONGEST_TEXT:
        yield from _stops(subject, f"{case} of {most + 1}", text=whole + letter, **fields)


@rule(_LIMITS)
def senders_are_as_said(subject: Subject) -> Iterator[Finding]:
    """A name or a short code as the sender stands in the request, or is Unsupported."""
    can = subject.kind.capabilities
    name, code = "Acme", "12345"
    # Abroad: some countries take no names, and that is no limit of the provider's.
    named = {"from_": name, "to": ABROAD}
    yield from _held(subject, can.alphanumeric_senders, "the sender Acme", name, **named)
    yield from _held(subject, can.short_code_senders, "the sender 12345", code, from_=code)


@rule(_LIMITS)
def recipients_are_as_said(subject: Subject) -> Iterator[Finding]:
    """A short number, and a picture abroad, are said or are Unsupported, as the table has it."""
    can: Capabilities = subject.kind.capabilities
    yield from _held(subject, can.short_numbers, "a message to 988", "988", to="988")
    abroad: dict[str, Any] = {"to": ABROAD, "media": [PICTURE]}
    yield from _held(subject, can.mms_to == "any", "an MMS to +44", PICTURE, **abroad)


@rule("What a provider is said to do, polysms does not do itself: then nobody does it.")
def wishes_are_as_said(subject: Subject) -> Iterator[Finding]:
    """A validity, a tag and a status callback stand in the request, where the table says so."""
    can = subject.kind.capabilities
    yield from _wish(subject, "valid_for", can.validity, 3600, 7200)
    yield from _wish(subject, "tag", can.tag, "spring-sale", "autumn-sale")
    case = f"a message with status_callback={CALLBACK}"
    yield from _held(subject, can.status_callback, case, CALLBACK, status_callback=CALLBACK)


def _wish(subject: Subject, name: str, said_to: object, one: Any, other: Any) -> Iterator[Finding]:
    asked = [{}, {name: one}, {name: other}]
    plain, first, second = (_asked(subject.request(**fields)) for fields in asked)
    if said_to:
        case = f"a message with {name}={one}, beside one with {other}"
        yield from unless(first != second, case, "the same request", "another: the table says so")
    else:
        told = (plain, plain) != (first, second)
        case = f"a message with {name}={one}, beside one without"
        yield from unless(not told, case, "another request", "the same: the table says so")


def _asked(request: Request) -> tuple[str, bytes]:
    return request.url, request.content
