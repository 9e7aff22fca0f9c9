"""What SignalWire's compatibility API (LaML) takes and what it refuses, and how it says no.

Sources: the TypeSpec of its messages and errors and its page on error codes, of 2026-08-21.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation

from polysms.sandbox.answering import Refusal, refuse, whole
from polysms.sandbox.behaviour import is_web_url
from polysms.sandbox.counting import segments
from polysms.sandbox.forms import Form, flat
from polysms.sandbox.progress import is_only_verified, is_strange
from polysms.sandbox.signalwire_access import NAME
from polysms.sandbox.signalwire_rules import FROM, LONGEST, MOST_MEDIA, TO, price
from polysms.sandbox.store import Draft

_INFO = "https://developer.signalwire.com/compatibility-api/reference/errors"
_LONGEST_VALIDITY = 172_800
# The page on error codes, paraphrased.
_TEXTS = {
    20003: "Authentication failed.",
    20403: "The token lacks the scope for this.",
    20404: "The requested resource was not found.",
    20429: "Too many requests.",
    21210: "The 'From' number is none of the project's.",
    21211: "The 'To' number is no valid number.",
    21212: "The 'From' number is no valid number.",
    21219: "This project cannot send to this number yet.",
    21602: "A message needs a body or media.",
    21603: "A 'From' number is required.",
    21604: "A 'To' number is required.",
    21610: "The message is blocked by its recipient.",
    21617: "The body is too long.",
    21620: "A media URL is not valid.",
    21623: "There are too many media.",
    21624: "The validity period is not valid.",
    30002: "The balance is too low.",
    50509: "The body must be empty.",
    54453: "The page token is not valid.",
    54454: "The page or its size is not valid.",
}


def no(code: int, status: int = 400, headers: Mapping[str, str] | None = None) -> Refusal:
    """Return a refusal: one flat error (TypeSpec)."""
    text = _TEXTS.get(code, "The request could not be processed.")
    body = {"code": code, "message": text, "more_info": _INFO, "status": status}
    return Refusal(status, body, headers or {})


def draft(form: Form, project: str) -> Draft:
    """Return the message that a form asks for. Raises Refused with the first problem it has."""
    given = {name: values[-1] for name, values in form.items() if values[-1]}
    media = tuple(form.get("MediaUrl", ()))
    for code in (*_problems(given), *_media_problems(media)):
        refuse(no(code))
    text = given.get("Body", "")
    kind = "mms" if media or given.get("SendAsMms", "").lower() == "true" else "sms"
    callback = given.get("StatusCallback")
    return Draft(
        provider=NAME,
        account=project,
        sender=given["From"],
        to=given["To"],
        text=text,
        media=media,
        kind=kind,
        callback=callback if is_web_url(callback) else None,
        over_limit=_is_too_dear(given, kind, text),
        request=flat(form, "MediaUrl"),
    )


def _problems(given: Mapping[str, str]) -> Iterator[int]:
    sender, text = given.get("From"), given.get("Body", "")
    if "To" not in given:
        yield 21604
    elif not TO.fullmatch(given["To"]):
        yield 21211
    if sender is None:
        yield 21603
    elif not FROM.fullmatch(sender):
        yield 21212
    elif is_strange(sender) or is_only_verified(sender):
        yield 21210
    if len(text) > LONGEST:
        yield 21617
    if not text and "MediaUrl" not in given:
        yield 21602
    if whole(given.get("ValidityPeriod"), 1, 1, _LONGEST_VALIDITY) is None:
        yield 21624


def _media_problems(media: Sequence[str]) -> Iterator[int]:
    if len(media) > MOST_MEDIA:
        yield 21623
    if not all(map(is_web_url, media)):
        yield 21620


def _is_too_dear(given: Mapping[str, str], kind: str, text: str) -> bool:
    """Whether a message costs more than ``MaxPrice``: it is taken, and fails."""
    cost = Decimal(str(price(kind, 1 if kind == "mms" else segments(text))))
    try:
        return cost > Decimal(given.get("MaxPrice", "Infinity"))
    except InvalidOperation:
        return False
