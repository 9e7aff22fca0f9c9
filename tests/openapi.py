"""Requests and answers beside the documents that providers publish of them.

The documents stand in ``tests/data``; what they do not name is taken for wrong here, although a
schema may leave it open: an adapter that sends a name nobody published is mistaken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import attrs
import openapi_core
import yaml
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

from polysms.providers.base import Request

DATA = Path(__file__).parent / "data"
LINES = "application/x-ndjson"
_CONFIG = openapi_core.Config(extra_media_type_deserializers={LINES: json.loads})
_METHODS = ("get", "post", "patch", "put", "delete")


class Undocumented(Exception):
    """Something of a request or an answer stands in no document."""


@attrs.frozen(eq=False)
class Operation:
    """What one method of one path may be asked, and may answer."""

    identity: str
    method: str
    segments: tuple[str, ...]
    queries: frozenset[str]
    responses: Mapping[str, Any]

    def fits(self, method: str, path: str) -> bool:
        """Whether a request is one of this operation."""
        parts = tuple(path.split("/"))
        return (
            self.method == method
            and len(parts) == len(self.segments)
            and all(
                re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(mine)), part)
                for mine, part in zip(self.segments, parts, strict=True)
            )
        )


@attrs.define(eq=False)
class _Asked:
    """A request, as openapi-core wants to see it."""

    host_url: str
    path: str
    method: str
    body: bytes | None
    content_type: str
    parameters: RequestParameters


@attrs.define(eq=False)
class _Said:
    """An answer, as openapi-core wants to see it."""

    status_code: int
    headers: Mapping[str, Any]
    content_type: str
    data: bytes | None


class Document:
    """One provider's document."""

    def __init__(self, name: str, hyphen: str = "-") -> None:
        """Read the document of this name, and close what it leaves open.

        ``hyphen`` stands in paths instead: editions of one document differ in nothing else.
        """
        text = (DATA / f"{name}.yaml").read_text(encoding="utf-8")
        self.raw: dict[str, Any] = _closed(yaml.safe_load(text))
        found = self.raw["paths"]
        self.raw["paths"] = {path.replace("-", hyphen): item for path, item in found.items()}
        self._checks = openapi_core.OpenAPI.from_dict(self.raw, config=_CONFIG)
        self.server = str(self.raw["servers"][0]["url"])
        # Exact paths come before those with an id in them.
        self.operations = tuple(sorted(_operations(self.raw), key=_ids))

    def operation(self, request: Request, home: str) -> Operation:
        """Return the operation that a request is one of. Raises Undocumented."""
        path = urlsplit(request.url.removeprefix(home)).path
        for one in self.operations:
            if one.fits(request.method, path):
                return one
        raise Undocumented(f"{request.method} {path}")

    def check_request(self, request: Request, home: str) -> Operation:
        """Return the operation of a request that keeps to the document; raise for any other."""
        operation = self.operation(request, home)
        names = [name for name, _ in _query(request)]
        if unknown := set(names) - operation.queries:
            raise Undocumented(f"query: {', '.join(sorted(unknown))}")
        if len(names) != len(set(names)):
            raise Undocumented("query: a name comes twice")
        wanted = request.headers.get("Accept", "*/*")
        answers = operation.responses.values()
        given = [kind for answer in answers for kind in _kinds(self.raw, answer)]
        if given and not any(kind in wanted for kind in given):
            raise Undocumented(f"Accept: {wanted}")
        if request.content and "Content-Type" not in request.headers:
            raise Undocumented("a body without a Content-Type")
        self._checks.validate_request(self._asked(request, home))
        return operation

    def declares(self, operation: Operation, status: int) -> bool:
        """Whether an operation says what it answers with this status."""
        return str(status) in operation.responses or "default" in operation.responses

    def check_answer(self, request: Request, home: str, answer: Any) -> None:
        """Raise for an answer that does not keep to the document."""
        kind = {name.lower(): value for name, value in answer.headers.items()}.get("content-type")
        bodies = answer.body.splitlines() if kind == LINES else [answer.body]
        for body in bodies:
            said = _Said(answer.status, dict(answer.headers), kind or "", body or None)
            self._checks.validate_response(self._asked(request, home), said)

    def _asked(self, request: Request, home: str) -> _Asked:
        parts = urlsplit(request.url.removeprefix(home))
        return _Asked(
            self.server,
            _readable(parts.path),
            request.method.lower(),
            request.content or None,
            request.headers.get("Content-Type", ""),
            RequestParameters(
                query=ImmutableMultiDict(_query(request)), header=Headers(request.headers)
            ),
        )


def _readable(path: str) -> str:
    """Return a path whose ids are as they are meant, but for what would end them."""
    return "/".join(quote(unquote(part), safe="+") for part in path.split("/"))


def _ids(operation: Operation) -> list[bool]:
    return [segment.startswith("{") for segment in operation.segments]


def _query(request: Request) -> list[tuple[str, str]]:
    query = urlsplit(request.url).query
    return parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []


def _operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        common = item.get("parameters", [])
        for method in _METHODS:
            if method not in item:
                continue
            named = [*common, *item[method].get("parameters", [])]
            yield Operation(
                item[method]["operationId"],
                method.upper(),
                tuple(path.split("/")),
                frozenset(one["name"] for one in named if one["in"] == "query"),
                item[method]["responses"],
            )


def _kinds(document: Mapping[str, Any], response: Mapping[str, Any]) -> list[str]:
    """Return the content types of an answer, wherever it is described."""
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    return list(response.get("content", {}))


def _closed(node: Any) -> Any:
    """Return a document whose objects have the properties that it names, and no others."""
    if isinstance(node, list):
        return [_closed(one) for one in node]
    if not isinstance(node, dict):
        return node
    found = {key: _closed(value) for key, value in node.items()}
    if "properties" in found and isinstance(found["properties"], dict):
        found.setdefault("additionalProperties", False)
    return found
