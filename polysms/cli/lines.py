"""Messages from a file of JSON Lines, one object a line, in bounded memory."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any

import attrs

from polysms.config.reading import nearest
from polysms.errors import ConfigError, InvalidMessage
from polysms.message import Message

#: Bytes of one line: no message that can be sent needs so many.
LONGEST_LINE = 1_000_000
FIELDS = tuple(field.name for field in attrs.fields(Message))
_LONGEST_NAME = 40


def lines_of(path: str) -> Iterator[tuple[int, bytes | None]]:
    """Yield the lines of a file ("-" is standard input) by number; None for one that is too long.

    Lines with nothing in them are counted and left out.
    """
    try:
        with _opened(path) as stream:
            for number in itertools.count(1):
                line = stream.readline(LONGEST_LINE + 1)
                if not line:
                    return
                if len(line) > LONGEST_LINE and not line.endswith(b"\n"):
                    _skip_line(stream)
                    yield number, None
                elif line.strip():
                    yield number, line
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path!r} is no path: {error}") from error


def _opened(path: str) -> AbstractContextManager[IO[bytes]]:
    return nullcontext(sys.stdin.buffer) if path == "-" else Path(path).open("rb")


def _skip_line(stream: IO[bytes]) -> None:
    while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
        pass


def message_in(line: bytes | None) -> Message:
    """Return the message that one line describes: a JSON object with the fields of Message.

    Raises :class:`~polysms.errors.InvalidMessage`.
    """
    if line is None:
        raise InvalidMessage(f"has more than {LONGEST_LINE:,} bytes, and no message needs so many")
    fields = _object(line)
    if "from" in fields:
        if "from_" in fields:
            raise InvalidMessage("from and from_ are both given; give one", field="from_")
        fields["from_"] = fields.pop("from")
    for name in fields:
        if name not in FIELDS:
            short = name[:_LONGEST_NAME]
            raise InvalidMessage(f"a message has no field {short!r}; {nearest(short, FIELDS)}")
    if "to" not in fields:
        raise InvalidMessage("to: is missing; write a number", field="to")
    return Message(**fields)


def _object(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise InvalidMessage("is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise InvalidMessage(f"is not JSON: {error.msg}, character {error.pos + 1}") from None
    except (ValueError, RecursionError):
        raise InvalidMessage("is JSON beyond reason: nested too deeply, or a huge number") from None
    if not isinstance(found, dict):
        raise InvalidMessage('is no object; write one as {"to": ..., "text": ...}')
    return found
