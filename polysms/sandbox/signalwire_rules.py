"""What SignalWire takes and what it refuses in a send."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from polysms.sandbox.answering import Refusal, refuse
from polysms.sandbox.behaviour import is_web_url
from polysms.sandbox.progress import is_only_verified, is_strange
from polysms.sandbox.state import Object
from polysms.sandbox.store import Draft

# Seed 004: `+` and 5 to 17 digits; pass-through numbers such as 988 and +988, of which only this
# one is named.
TO = re.compile(r"\+[0-9]{5,17}|\+?988")
FROM = re.compile(r"\+[1-9][0-9]{4,14}|[0-9]{5,6}")
# Seed 004; platform page on SMS; TypeSpec of custom_variables.
MOST_MEDIA = 8
LONGEST = 1600
_MOST_VARIABLES = 20
_LONGEST_VALUE = 1024
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = ("signalwire_", "sw_", "rtc_", "internal_")
_URL = "https://developer.signalwire.com/rest/overview/error-codes/"

# Invented, but for the price of a segment, which stands in the TypeSpec's example of a log.
_CHARGE = {"sms": 0.00415, "mms": 0.01}

#: A code of the error-codes page, and the attribute it is about.
Problem = tuple[str, str | None]


def error(code: str, attribute: str | None, kind: str = "validation_error") -> Object:
    """Return one item of ``errors`` (seed 004); its message is the code in words."""
    return {
        "type": kind,
        "code": code,
        "message": f"{code.replace('_', ' ').capitalize()}.",
        "attribute": attribute,
        "url": f"{_URL}#{code}",
    }


def invalid(code: str, attribute: str | None, kind: str = "validation_error") -> Refusal:
    """Return a 422 with one error (seed 004)."""
    return Refusal(422, {"errors": [error(code, attribute, kind)]})


def price(kind: str, segments: int) -> float:
    """Return what a message costs, in USD."""
    return round(_CHARGE[kind] * segments, 5)


def draft(body: Object, project: str) -> Draft:
    """Return the message that a body asks for. Raises Refused with every problem it has.

    A key that is not of the schema is not looked at: the schema (seed 004) does not forbid it.
    """
    given = {name: value for name, value in body.items() if value is not None}
    problems = [problem for check in _CHECKS for problem in check(given)]
    if problems:
        errors = [error(code, attribute) for code, attribute in problems]
        refuse(Refusal(422, {"errors": errors}))
    media = tuple(given.get("media", ()))
    return Draft(
        provider="signalwire",
        account=project,
        sender=given["from"],
        to=given["to"],
        text=given.get("body", ""),
        media=media,
        kind="mms" if media or given.get("send_as_mms") else "sms",
        callback=given.get("status_callback"),
        request=body,
    )


def _to(body: Object) -> Iterator[Problem]:
    if "to" not in body:
        yield "missing_required_parameter", "to"
    elif not isinstance(body["to"], str) or not TO.fullmatch(body["to"]):
        yield "invalid_to_number", "to"


def _from(body: Object) -> Iterator[Problem]:
    sender = body.get("from")
    if sender is None:
        yield "missing_required_parameter", "from"
    elif not isinstance(sender, str) or not FROM.fullmatch(sender):
        yield "invalid_from_number", "from"
    elif is_strange(sender):
        # Seed 004: it must be a purchased number of the project.
        yield "invalid_from_number", "from"
    elif is_only_verified(sender):
        yield "verified_caller_id_not_permitted", "from"


def _body(body: Object) -> Iterator[Problem]:
    text = body.get("body", "")
    if not isinstance(text, str):
        yield "not_a_string", "body"
    elif len(text) > LONGEST:
        yield "character_limit_exceeded", "body"
    if not text and not body.get("media"):
        yield "body_or_media_required", "body"


def _media(body: Object) -> Iterator[Problem]:
    media = body.get("media", [])
    if not isinstance(media, list):
        yield "invalid_parameter", "media"
        return
    if len(media) > MOST_MEDIA:
        yield "media_limit_exceeded", "media"
    if not all(map(is_web_url, media)):
        yield "invalid_media_url", "media"


def _options(body: Object) -> Iterator[Problem]:
    if not isinstance(body.get("send_as_mms", False), bool):
        yield "not_a_boolean", "send_as_mms"
    if "status_callback" in body and not is_web_url(body["status_callback"]):
        yield "not_an_http_url", "status_callback"


def _variables(body: Object) -> Iterator[Problem]:
    variables = body.get("custom_variables", {})
    if not isinstance(variables, dict):
        yield "must_be_object", "custom_variables"
        return
    if len(variables) > _MOST_VARIABLES:
        yield "too_many_custom_variables", "custom_variables"
    codes = [code for item in variables.items() for code in _variable(*item)]
    yield from ((code, "custom_variables") for code in dict.fromkeys(codes))


def _variable(name: str, value: Any) -> Iterator[str]:
    if not _VARIABLE.fullmatch(name):
        yield "invalid_custom_variable_name"
    if name.lower().startswith(_RESERVED):
        yield "reserved_custom_variable_name"
    if not isinstance(value, str) or not value:
        yield "invalid_custom_variable_value"
    elif len(value.encode(errors="surrogatepass")) > _LONGEST_VALUE:
        yield "custom_variable_value_too_long"


_CHECKS: tuple[Callable[[Object], Iterator[Problem]], ...] = (
    _to,
    _from,
    _body,
    _media,
    _options,
    _variables,
)
