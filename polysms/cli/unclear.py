"""The deliveries in what a send printed: one or more JSON documents, or a file of results."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import attrs
import cattrs

from polysms.cli.failure import name_of
from polysms.cli.options import WHERE
from polysms.cli.tally import COLUMNS
from polysms.config.reading import fault
from polysms.delivery import Delivery, Outcome, Status

#: No file of deliveries that a person looks up needs so many bytes.
_MOST_BYTES = 64_000_000


@attrs.frozen
class Unclear:
    """One delivery, and of a file of many the line of its row there (and its key).

    ``is_kept`` says that it is the ledger's, which knows what else was sent.
    """

    delivery: Delivery
    row: str | None = None
    is_kept: bool = False

    @property
    def name(self) -> str | None:
        """What a person knows it by."""
        return self.row or self.delivery.id


def read(source: str) -> list[Unclear]:
    """Return the deliveries that a file ("-" is standard input) holds.

    Of many at once only those are returned that may have been sent. Raises
    :class:`~polysms.errors.ConfigError` for what holds none.
    """
    text = _text(source)
    results = text.startswith(",".join(COLUMNS[:3]))
    items = list(_rows(text) if results else _documents(text))
    if not items and not results:
        raise fault(source, "holds no delivery", WHERE)
    return [found for line, item in items for found in _found(item, line)]


def _text(source: str) -> str:
    try:
        with nullcontext(sys.stdin.buffer) if source == "-" else Path(source).open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise fault(source, f"has more than {_MOST_BYTES:,} bytes; look up a part", WHERE)
        return data.decode("utf-8-sig")
    except OSError as error:
        raise fault(source, f"cannot be read ({name_of(error)})", WHERE) from None
    except UnicodeDecodeError:
        raise fault(source, "is not UTF-8 text", WHERE) from None


def _rows(text: str) -> Iterator[tuple[int, Any]]:
    """Yield each row of a results file as the document of a result, with its line."""
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        for row in reader:
            yield reader.line_num, _result(row, reader.line_num)
    except csv.Error:
        raise fault(f"line {reader.line_num}", "is no line of results", WHERE) from None


def _result(row: Mapping[str, str | None], line: int) -> dict[str, Any]:
    if row.get("outcome") != Outcome.MAYBE_SENT:
        return {"type": "result", "outcome": row.get("outcome")}
    try:
        attempts = json.loads(row.get("attempts") or "")
    except ValueError:
        sentence = "has no attempts to look for; it was cut, or written by an older version"
        raise fault(f"line {line}", sentence, WHERE) from None
    kept = {name: row.get(name) or None for name in ("id", "account", "status")}
    return {**row, "type": "result", "delivery": {**kept, "attempts": attempts}}


def _documents(text: str) -> Iterator[tuple[int, Any]]:
    """Yield each JSON document with the line on which it begins."""
    decoder, line, seen, end = json.JSONDecoder(), 1, 0, 0
    while (start := _next(text, end)) < len(text):
        line, seen = line + text.count("\n", seen, start), start
        try:
            found, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            raise fault(f"line {line}", "is not JSON", WHERE) from None
        yield line, found


def _next(text: str, end: int) -> int:
    while end < len(text) and text[end].isspace():
        end += 1
    return end


def _found(document: Any, line: int) -> Iterator[Unclear]:
    """Yield the delivery in a document: itself, that of an error, or that of an unclear result."""
    kind = document.get("type") if isinstance(document, dict) else None
    if kind == "summary" or (kind == "result" and document.get("outcome") != Outcome.MAYBE_SENT):
        return
    row = _row(document) if kind == "result" else None
    yield Unclear(_delivery(document, line), row)


def _row(result: Mapping[str, Any]) -> str:
    key = f" ({result['key']})" if result.get("key") else ""
    return f"line {result.get('line')}{key}"


def _delivery(document: Any, line: int) -> Delivery:
    data = document.get("delivery", document) if isinstance(document, dict) else None
    if not isinstance(data, dict) or not isinstance(data.get("attempts"), list):
        raise fault(f"line {line}", 'holds no delivery, as "polysms send --json" prints it', WHERE)
    try:
        found = Delivery.from_dict(data)
    except (ValueError, TypeError, KeyError, AttributeError, cattrs.BaseValidationError):
        raise fault(f"line {line}", "holds a delivery that cannot be read", WHERE) from None
    if not found.attempts and found.status is not Status.NOT_SENT:
        sentence = "holds a delivery without attempts: there is nothing to look for"
        raise fault(f"line {line}", sentence, WHERE)
    return found
