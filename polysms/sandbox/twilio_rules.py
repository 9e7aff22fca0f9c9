"""What Twilio takes and what it refuses in a send, and how it says no.

Sources: the OpenAPI document of its 2010 API (the official Python package 9.13.0 is made of it),
its page "Test credentials" (which code answers which mistake, each of them a 400), its error
dictionary and its page on a message's properties, as of 2026. The texts are paraphrases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from polysms.sandbox.answering import Refusal, refuse, whole
from polysms.sandbox.behaviour import is_web_url
from polysms.sandbox.form_pages import Malformed
from polysms.sandbox.forms import Form, flat
from polysms.sandbox.progress import is_only_verified, is_strange
from polysms.sandbox.regions import is_us_or_canada
from polysms.sandbox.store import Draft

NAME = "twilio"
_INFO = "https://www.twilio.com/docs/errors/"
# Message properties: 1,600 characters, ten media, at most ten hours in the queue.
_LONGEST = 1600
_MOST_MEDIA = 10
_LONGEST_VALIDITY = 36_000
_TO = re.compile(r"\+[1-9][0-9]{6,14}")
_SENDER = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{5,6}")
# The guide on alphanumeric sender IDs: up to eleven, one of them a letter.
_WORD = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 &+_-]{1,11}")
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_TEXTS = {
    20001: "A parameter is not valid.",
    20003: "Authenticate",
    20009: "The message is still on its way.",
    20403: "The key lacks the permission for this.",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    20500: "Internal Server Error",
    20503: "Service unavailable",
    21211: "The 'To' number is not a valid phone number.",
    21212: "The 'From' number is not a valid phone number, shortcode, or alphanumeric sender ID.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21606: "The 'From' phone number is not a valid, SMS-capable number for your account.",
    21608: "The number is unverified. Trial accounts cannot send to unverified numbers.",
    21609: "The 'StatusCallback' URL is not valid.",
    21610: "Attempt to send to unsubscribed recipient",
    21612: "The 'To' and 'From' numbers cannot be connected.",
    21617: "The message body exceeds the 1600 character limit.",
    21619: "A text message body or media urls must be specified.",
    21620: "Invalid media URL(s)",
    21623: "The number of media files exceeds the limit.",
    21624: "The validity period is not valid.",
    21701: "The Messaging Service does not exist.",
    30002: "Account suspended",
}


def no(code: int, status: int = 400, headers: Mapping[str, str] | None = None) -> Refusal:
    """Return a refusal in Twilio's shape."""
    body = {
        "code": code,
        "message": _TEXTS[code],
        "more_info": f"{_INFO}{code}",
        "status": status,
    }
    return Refusal(status, body, headers or {})


# Which codes refuse a page's size, its token and a date is not documented.
MALFORMED = Malformed(no(20001), no(20001), no(20001))


def draft(form: Form, account: str, key: str) -> Draft:
    """Return the message that a form asks for. Raises Refused with the first problem it has."""
    given = {name: values[-1] for name, values in form.items() if values[-1]}
    media = tuple(url for url in form.get("MediaUrl", ()) if url)
    for code in (*_problems(given), *_more_problems(given, media)):
        refuse(no(code))
    kind = "mms" if media or given.get("SendAsMms", "").lower() == "true" else "sms"
    return Draft(
        provider=NAME,
        account=account,
        sender=given.get("From", ""),
        to=given["To"],
        text=given.get("Body", ""),
        media=media,
        kind=kind,
        callback=given.get("StatusCallback"),
        request=flat(form, "MediaUrl"),
        named=_mms if kind == "mms" else _sms,
        key=key,
    )


def _sms(identity: UUID) -> str:
    return f"SM{identity.hex}"


def _mms(identity: UUID) -> str:
    return f"MM{identity.hex}"


def _problems(given: Mapping[str, str]) -> Iterator[int]:
    """Yield what is wrong with the two ends."""
    to, sender = given.get("To"), given.get("From")
    if to is None:
        yield 21604
    elif not _TO.fullmatch(to):
        yield 21211
    if sender is not None:
        yield from _sender_problems(sender, to or "")
    elif "MessagingServiceSid" not in given:
        yield 21603
    elif not _SERVICE.fullmatch(given["MessagingServiceSid"]):
        yield 21701


def _sender_problems(sender: str, to: str) -> Iterator[int]:
    if is_strange(sender) or is_only_verified(sender):
        yield 21606
    elif _SENDER.fullmatch(sender):
        return
    elif not _WORD.fullmatch(sender):
        yield 21212
    elif is_us_or_canada(to.removeprefix("+")):
        # Words are not taken there; that this is the code is a guess.
        yield 21612


def _more_problems(given: Mapping[str, str], media: Sequence[str]) -> Iterator[int]:
    """Yield what is wrong with the rest."""
    if len(given.get("Body", "")) > _LONGEST:
        yield 21617
    if "Body" not in given and not media:
        yield 21619
    if len(media) > _MOST_MEDIA:
        yield 21623
    if not all(map(is_web_url, media)):
        yield 21620
    if "StatusCallback" in given and not is_web_url(given["StatusCallback"]):
        yield 21609
    if whole(given.get("ValidityPeriod"), 1, 1, _LONGEST_VALIDITY) is None:
        yield 21624
