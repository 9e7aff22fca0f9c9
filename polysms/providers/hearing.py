"""What a provider posts to us, as values: a request, its JSON or form, and the answer it expects.

Whoever knows our address can post to it, so everything here is bounded, and what cannot be read
without guessing (a key said twice, bytes that are no text) is :class:`~polysms.errors.BadPayload`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from math import isfinite
from typing import Any
from urllib.parse import parse_qsl

import attrs

from polysms.delivery import aware
from polysms.errors import BadPayload
from polysms.providers.base import JSON, Record

#: No provider's webhook comes near; SignalWire itself stops at 64 kB.
LARGEST = 64 * 1024
DEEPEST = 10
MOST_FIELDS = 500
FORM = "application/x-www-form-urlencoded"
# Halves of surrogate pairs and NUL: escaped in JSON, and nothing that a database takes as text.
_STRANGE = re.compile("[\x00\ud800-\udfff]")
_ESCAPED = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")

Headers = Mapping[str, str] | Iterable[tuple[str, str]]
Fields = tuple[tuple[str, str], ...]


def _method(value: str) -> str:
    return value.upper()


def _headers(value: Headers) -> dict[str, str]:
    pairs = value.items() if isinstance(value, Mapping) else value
    found: dict[str, str] = {}
    for name, text in pairs:
        name = name.lower()  # noqa: PLW2901 - headers have no case
        # A header that comes twice is one list (RFC 9110 §5.2), and so no signature any more.
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found


@attrs.frozen(slots=False)
class WebhookRequest:
    """One request from a provider, as it came: ``body`` is its raw bytes.

    ``url`` may be whole or begin with the path; only its path and query count. ``headers`` is a
    mapping or pairs; it is asked in lower case. ``received_at`` is when it came, by our clock.
    """

    method: str = attrs.field(converter=_method)
    url: str = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(converter=_headers, repr=False, hash=False)
    body: bytes = attrs.field(default=b"", repr=False)
    received_at: datetime | None = attrs.field(default=None, converter=aware)

    @property
    def target(self) -> tuple[str, str]:
        """The path and the query of the URL, as they came."""
        rest = self.url.partition("#")[0]
        if not rest.startswith("/"):
            rest = "/" + rest.partition("://")[2].partition("/")[2]
        path, _, query = rest.partition("?")
        return path, query

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case; empty where there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@attrs.frozen(slots=False)
class WebhookResponse:
    """The answer to a webhook."""

    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=dict, hash=False)
    body: bytes = b""


@attrs.frozen(slots=False)
class Heard:
    """What one webhook says, in neutral words, and the answer its provider expects.

    A record whose direction is ``"inbound"`` is a message to us, any other a report of ours.
    """

    records: tuple[Record, ...]
    answer: WebhookResponse = attrs.field(factory=WebhookResponse)


@attrs.frozen(kw_only=True)
class Signed:
    """A provider's signature of a request: the one it has, or None, and those that are right."""

    given: str | None = attrs.field(repr=False)
    right: tuple[str, ...] = attrs.field(repr=False)


def bounded(request: WebhookRequest) -> WebhookRequest:
    """Return a request as it is, unless it is too large to be a provider's."""
    if len(request.body) > LARGEST or len(request.url) > LARGEST:
        raise BadPayload(f"the webhook is larger than {LARGEST // 1024} KiB")
    return request


def json_object(request: WebhookRequest) -> dict[str, Any]:
    """Return the JSON object of a request. Raises BadPayload for anything else."""
    body = bounded(request).body
    try:
        data = json.loads(body.decode(), object_pairs_hook=_object, parse_constant=_no_number)
        if _ESCAPED.search(body) or not _is_plain(data):
            data = _sound(data, DEEPEST)
    except (ValueError, RecursionError):
        # Never with the error's own words: they quote the body.
        raise BadPayload("the webhook's body is not JSON that can be read") from None
    if not isinstance(data, dict):
        raise BadPayload("the webhook's body is JSON, but no object")
    return data


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key is said twice")
    return made


def _no_number(_: str) -> None:
    """Return None for NaN and Infinity, which only Python takes for JSON."""


def _is_plain(data: object) -> bool:
    """Whether data is an object of texts, whole numbers and nothing below: most webhooks are."""
    return isinstance(data, dict) and all(
        value is None or isinstance(value, (str, int)) for value in data.values()
    )


def _sound(value: Any, depth: int) -> Any:
    """Return JSON data that any database takes; raise ValueError where it is too deep."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, float):
        return value if isfinite(value) else None
    if not isinstance(value, (dict, list)):
        return value
    if depth == 0:
        raise ValueError("is nested too deeply")
    if isinstance(value, list):
        return [_sound(item, depth - 1) for item in value]
    return {text(name): _sound(item, depth - 1) for name, item in value.items()}


def text(value: str) -> str:
    """Return a text in which what is no character is replaced."""
    return _STRANGE.sub("\N{REPLACEMENT CHARACTER}", value)


def fields(request: WebhookRequest) -> Fields:
    """Return the names and values of a form, in order; those of the query for a GET.

    Raises :class:`~polysms.errors.BadPayload` for what is no form.
    """
    try:
        bounded(request)
        encoded = request.target[1] if request.method == "GET" else request.body.decode()
        return tuple(
            parse_qsl(encoded, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
        )
    except ValueError:
        raise BadPayload("the webhook's body is not a form that can be read") from None


def form(request: WebhookRequest) -> dict[str, str]:
    """Return a form's values by name; raise BadPayload where a name is there twice."""
    pairs = fields(request)
    found = {text(name): text(value) for name, value in pairs}
    if len(found) != len(pairs):
        raise BadPayload("the webhook's form has a name twice")
    return found


def is_form(request: WebhookRequest) -> bool:
    """Whether a request says that it is a form, or has nothing but its query."""
    return request.method == "GET" or request.media_type == FORM


def need(data: Mapping[str, Any], *names: str) -> None:
    """Raise BadPayload where a webhook has none of these keys, and so is about no message."""
    if not any(name in data for name in names):
        raise BadPayload(f"the webhook has no {names[0]}: it is about no message")


def json_answer(body: str, status: int = 200) -> WebhookResponse:
    """Return an answer that is JSON."""
    return WebhookResponse(status, {"content-type": JSON}, body.encode())
