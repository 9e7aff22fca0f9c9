"""The rows of a CSV file as messages: every one of them is looked at before the first is sent."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO

import attrs

from polysms import redact
from polysms.cli.failure import in_shell
from polysms.cli.options import WHERE, recipient, require_region
from polysms.config.reading import fault, nearest
from polysms.errors import ConfigError, InvalidMessage
from polysms.message import Message

_PIECE = re.compile(r"(\{\{|\}\})|\{([^{}]*)\}|([{}])|[^{}]+")
#: What else may stand between two fields, and how to say so.
_DELIMITERS = {
    ";": 'semicolons (--delimiter ";")',
    "\t": "tabs (--delimiter $'\\t')",
    "|": 'bars (--delimiter "|")',
    ",": "commas (leave --delimiter out)",
}
#: The fields of a message that a row decides; what is wrong in another is wrong in every row.
_OF_ROWS = frozenset({"to", "text"})


@attrs.frozen
class Row:
    """One row that can be sent: its line in the file, its recipient, its key and its text."""

    line: int
    to: str = attrs.field(repr=redact.mask)
    text: str = attrs.field(repr=False)
    key: str | None = attrs.field(default=None, repr=redact.shown)


@attrs.frozen
class BadRow:
    """One row that cannot be sent, and why, numbers masked."""

    line: int
    why: str = attrs.field(converter=redact.scrub)


@attrs.frozen(kw_only=True)
class Checked:
    """What a file holds: the good rows, the bad ones, and lines that repeat a recipient."""

    good: tuple[Row, ...]
    bad: tuple[BadRow, ...]
    repeated: tuple[int, ...]


@attrs.frozen
class Template:
    """A text with ``{column}`` where a row's value is to stand; ``{{`` and ``}}`` are braces.

    What stands between braces is the column's name and nothing else: no index, no attribute, no
    format, so that whoever wrote the file reaches nothing but its values.
    """

    pieces: tuple[tuple[str, bool], ...] = attrs.field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Template:
        """Return the template that a text describes; raises ConfigError for a lone brace."""
        pieces = []
        for found in _PIECE.finditer(text):
            double, name, lone = found.groups()
            if lone is not None:
                sentence = f'a lone "{lone}" at character {found.start() + 1}; write it twice'
                raise fault("--text", sentence, WHERE)
            if name is not None:
                pieces.append((name.strip(), True))
            else:
                pieces.append((double[0] if double else found.group(), False))
        return cls(tuple(pieces))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it uses, each once."""
        return tuple(dict.fromkeys(piece for piece, is_column in self.pieces if is_column))

    def filled(self, values: Mapping[str, str]) -> str:
        """Return the text of one row."""
        return "".join(values[piece] if is_column else piece for piece, is_column in self.pieces)


@attrs.frozen(kw_only=True)
class Plan:
    """How rows become messages: which column is what, and what all messages have in common."""

    template: Template
    to_column: str
    key_column: str | None = None
    region: str | None = None
    better: Callable[[str], str] = str
    message: Callable[..., Message] = Message

    @property
    def columns(self) -> Mapping[str, str]:
        """The columns it uses, and the option that named each."""
        named = dict.fromkeys(self.template.columns, "--text") | {self.to_column: "--to-column"}
        return named | ({self.key_column: "--key-column"} if self.key_column else {})

    def row(self, line: int, values: Mapping[str, str]) -> Row:
        """Return one row; raises :class:`~polysms.errors.InvalidMessage` for a bad one."""
        for column in self.columns:
            if not values[column].strip():
                raise InvalidMessage(f"column {column!r} is empty", field="text")
        to = recipient(values[self.to_column].strip(), self.region)
        message = self.message(to, self.better(self.template.filled(values)))
        key = values[self.key_column].strip() if self.key_column else None
        return Row(line, message.to, message.text, key)


def check(records: Iterator[tuple[int, list[str]]], plan: Plan) -> Checked:
    """Look at every row of a file.

    Raises :class:`~polysms.errors.ConfigError` for what is wrong with the whole file or the
    command, and :class:`~polysms.errors.InvalidMessage` for what is wrong in every message.
    """
    require_region(plan.region)
    header = _header(records, plan)
    good: list[Row] = []
    bad: list[BadRow] = []
    recipients: set[str] = set()
    repeated = []
    keys: dict[str, int] = {}
    for line, fields in records:
        try:
            row = plan.row(line, _values(header, fields))
            _require_new(row, keys)
        except InvalidMessage as error:
            if error.field not in _OF_ROWS:
                raise
            bad.append(BadRow(line, in_shell(str(error))))
            continue
        good.append(row)
        if row.to in recipients:
            repeated.append(line)
        recipients.add(row.to)
    return Checked(good=tuple(good), bad=tuple(bad), repeated=tuple(repeated))


def _header(records: Iterator[tuple[int, list[str]]], plan: Plan) -> list[str]:
    _, found = next(records, (1, None))
    if found is None:
        raise fault("--csv", "the file is empty; its first line names the columns", WHERE)
    header = [name.strip() for name in found]
    for name in header:
        if name and header.count(name) > 1:
            raise fault("--csv", f"the header has {name!r} twice", WHERE)
    for name, option in plan.columns.items():
        if name not in header:
            hint = _delimiter_in(header) or nearest(name, header)
            raise fault(option, f"the header has no column {name!r}; {hint}", WHERE)
    return header


def _delimiter_in(header: list[str]) -> str | None:
    """Return a hint where all the names of a header were read as one."""
    found = next((one for one in _DELIMITERS if header[1:] == [] and one in header[0]), None)
    if found is None:
        return None
    return f"it has one column: do its fields stand between {_DELIMITERS[found]}?"


def _values(header: list[str], fields: list[str]) -> dict[str, str]:
    if len(fields) != len(header):
        sentence = f"has {len(fields)} fields where the header has {len(header)}"
        raise InvalidMessage(sentence, field="text")
    return dict(zip(header, fields, strict=True))


def _require_new(row: Row, keys: dict[str, int]) -> None:
    if row.key is None:
        return
    first = keys.setdefault(row.key, row.line)
    if first != row.line:
        raise InvalidMessage(f"has the same key as line {first}", field="text")


def records(path: str, delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    """Yield the records of a CSV file ("-" is standard input), each with the line it begins on.

    Blank lines are left out. Raises :class:`~polysms.errors.ConfigError` for what is no CSV.
    """
    if len(delimiter) != 1 or delimiter in '"\r\n ':
        raise fault("--delimiter", 'write one character, as ";"', WHERE)
    line = 0
    try:
        with _opened(path) as stream:
            # Strict: else an open quotation mark makes one value of all that follows it.
            reader = csv.reader(_decoded(stream, path), delimiter=delimiter, strict=True)
            for fields in reader:
                begun, line = line + 1, reader.line_num
                if any(field.strip() for field in fields):
                    yield begun, fields
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except csv.Error as error:
        raise ConfigError(f"{path}: is no CSV after line {line}: {error}") from None
    except ValueError as error:
        raise ConfigError(f"{path!r} is no path: {error}") from error


def _opened(path: str) -> AbstractContextManager[IO[bytes]]:
    return nullcontext(sys.stdin.buffer) if path == "-" else Path(path).open("rb")


def _decoded(stream: IO[bytes], path: str) -> Iterator[str]:
    """Yield the lines of a file with their ends; one that is not UTF-8 is named."""
    # Line by line: a decoder of whole blocks knows no line.
    for number, line in enumerate(stream, start=1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise ConfigError(f"{path}: line {number} is not UTF-8 text; save it so") from None
        yield from io.StringIO(text, newline="")
