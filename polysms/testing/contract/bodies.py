"""Bodies of requests and answers: read, changed in one place, made into an answer."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode

from polysms.providers.base import JSON, Request, Response
from polysms.providers.hearing import FORM

HEADERS = {"content-type": JSON}
#: What may stand in a field instead of what was promised.
JUNK: tuple[object, ...] = (None, True, 7, 1.5, "", "x", [], {}, [[]], ["x"], {"x": None})
#: Answers that are nobody's: proxies, crashes, misprints.
GARBAGE: tuple[bytes, ...] = (
    b"",
    b"null",
    b"true",
    b"7",
    b'"text"',
    b"[]",
    b"{}",
    b"[null]",
    b'{"a":',
    b"<html><body>502 Bad Gateway</body></html>",
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b'{"id": NaN, "status": Infinity}',
    b'{"message": null, "error": null, "errors": [null], "data": [null], "items": [null]}',
    b'{"message": 7, "error": 7, "errors": 7, "data": 7, "items": 7, "code": {}, "status": []}',
)


def answer(status: int, body: object = None, *, complete: bool = True) -> Response:
    """Return an answer with a JSON body, or with these very bytes."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, HEADERS, data, complete)


def said(request: Request) -> Any:
    """Return the body of a request: its JSON, or the fields of its form (several: a list)."""
    if request.headers.get("Content-Type") != FORM:
        return json.loads(request.content)
    fields = parse_qs(request.content.decode(), keep_blank_values=True, strict_parsing=True)
    return {name: values if len(values) > 1 else values[0] for name, values in fields.items()}


def encoded(fields: Any, content_type: str) -> bytes:
    """Return fields as they are posted, as JSON or as a form."""
    return urlencode(fields).encode() if content_type == FORM else json.dumps(fields).encode()


def texts(value: Any) -> Iterator[str]:
    """Yield every text and number in a body, as text."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif value is not None:
        yield str(value)


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every field and item in a body."""
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for key, item in inner:
        yield (*above, key)
        yield from places(item, (*above, key))


def at(value: Any, place: tuple[Any, ...]) -> Any:
    """Return what stands at a place of a body."""
    for key in place:
        value = value[key]
    return value


def changed(value: Any, place: tuple[Any, ...], new: object) -> Any:
    """Return a body with something else at one place."""
    if not place:
        return new
    made = copy.deepcopy(value)
    at(made, place[:-1])[place[-1]] = new
    return made


def mangled(body: Any) -> Iterator[tuple[str, Any]]:
    """Yield a body with every kind of junk at every place, and what was done."""
    for place in places(body):
        name = ".".join(map(str, place))
        for junk in JUNK:
            yield f"{name} is {json.dumps(junk)}", changed(body, place, junk)
