"""Where everything the command says goes: lines and tables for people, JSON for programs.

What a provider wrote may hold anything, terminal codes included: :func:`plainly` takes them out.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import attrs
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from polysms import redact

#: Of a provider's own object: fields that hold a number, and fields that hold someone's words.
_NUMBERS = frozenset({"to", "from", "from_", "to_did", "from_did", "group_recipients"})
_WORDS = frozenset({"text", "body", "message", "error_text", "error_message", "description"})
_SHORTEST_NUMBER, _LONGEST_NUMBER = 10, 16


class Terminal(Console):
    """A console that falls silent when its reader has gone, as in ``polysms list … | head``."""

    def __init__(self, *, stderr: bool = False) -> None:
        """Write to stdout, or to stderr."""
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False)

    def on_broken_pipe(self) -> None:
        """Say nothing more, and do not end the program: what it did is done."""
        self.quiet = True
        silence(self.file)

    def say(self, text: Text | str) -> None:
        """Print a sentence: folded at words on a terminal, in one line for a pipe."""
        self.print(text, soft_wrap=not self.is_terminal)


def silence(stream: IO[str]) -> None:
    """Send what is still written to a stream nowhere, so that Python ends without a word."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def prepare() -> None:
    """Make sure that both streams exist, and that no character breaks them."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started us
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - open to the end
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def flush() -> None:
    """Write out what is left, so that a reader who has gone troubles no one later."""
    try:
        sys.stdout.flush()
    except OSError:
        silence(sys.stdout)


def plainly(text: str) -> str:
    """Return a text in one line, without the control characters that a terminal would obey."""
    return "".join(character if character.isprintable() else " " for character in text)


def shown(data: Any, name: str = "") -> Any:
    """Return plain data with every phone number in it masked; ids, times and prices stay whole."""
    if isinstance(data, Mapping):
        return {key: shown(value, str(key)) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [shown(item, name) for item in data]
    if not isinstance(data, str):
        return data
    if name in _NUMBERS or (_is_number(data) and not name.endswith("id")):
        return redact.mask(data)
    return redact.scrub(data) if name in _WORDS else data


def _is_number(text: str) -> bool:
    digits = text.removeprefix("+")
    return digits.isdecimal() and _SHORTEST_NUMBER <= len(digits) <= _LONGEST_NUMBER


@attrs.frozen(kw_only=True)
class Output:
    """How one run of the command speaks: ``json`` to a program, ``reveal`` with whole numbers."""

    json: bool = False
    reveal: bool = False
    terminal: Terminal = attrs.field(factory=Terminal)

    def document(self, data: object, *, indent: int | None = 2) -> bool:
        """Write one JSON document; return whether anyone still reads."""
        plain = data if self.reveal else shown(data)
        try:
            sys.stdout.write(json.dumps(plain, indent=indent) + "\n")
            sys.stdout.flush()
        except OSError as error:
            silence(sys.stdout)
            if isinstance(error, BrokenPipeError):
                return False
            raise
        return True

    def say(self, text: Text | str) -> None:
        """Print a sentence for people."""
        self.terminal.say(text)

    def facts(self, facts: Iterable[tuple[str, object]]) -> None:
        """Print the facts that are known, each in its line, names before values."""
        known = [(name, plainly(str(value))) for name, value in facts if value not in (None, "")]
        width = max((len(name) for name, _ in known), default=0)
        for name, value in known:
            self.say(Text.assemble("  ", (name.ljust(width), "dim"), "  ", value))

    def table(self, table: RenderableType) -> None:
        """Print a table."""
        self.terminal.print(table)

    def number(self, number: str | None) -> str:
        """Return a number as it may be shown here, "" where there is none."""
        if number is None:
            return ""
        return plainly(number if self.reveal else redact.mask(number))

    def words(self, text: str | None) -> str:
        """Return someone's words as they may be shown here, "" where there are none."""
        return "" if text is None else (text if self.reveal else redact.scrub(text))


def columns(*names: str, right: Iterable[str] = ()) -> Table:
    """Return an empty table without lines, one space between its columns."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return table
