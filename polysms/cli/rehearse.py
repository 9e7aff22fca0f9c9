"""``polysms rehearse``: what messages would become at another account. Nothing is ever sent."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any

import attrs
import typer
from rich.text import Text

from polysms.cli.failure import DONE, NOT_SENT, USAGE, name_of, reported, tell
from polysms.cli.lines import lines_of, message_in
from polysms.cli.options import File, Json, Reveal, Url, configured
from polysms.cli.output import Output, columns, plainly
from polysms.config import Config
from polysms.errors import InvalidMessage
from polysms.message import Message
from polysms.routing.rehearse import Rehearsal, Said
from polysms.routing.rehearse import rehearse as rehearsed

_MOST = 10_000
KINDS = ("sms", "mms")
BEFORE, AFTER = SIDES = ("before", "after")
SAME, CHANGED, IMPOSSIBLE, BAD = "same", "changed", "impossible", "bad"

Messages = Annotated[
    str, typer.Argument(metavar="FILE", show_default=False, help='JSON Lines; "-" reads stdin.')
]
Before = Annotated[
    str, typer.Option("--from", metavar="ACCOUNT", help="The account that sends them now.")
]
After = Annotated[str, typer.Option("--to", metavar="ACCOUNT", help="The account that would.")]
Limit = Annotated[
    int, typer.Option(min=0, max=_MOST, metavar="N", help="Show at most so many lines.")
]


@attrs.define(kw_only=True)
class Sum:
    """What messages of one kind come to at one account; ``unlisted`` have no listed price."""

    messages: int = 0
    segments: int = 0
    cost: Decimal = Decimal(0)
    unlisted: int = 0

    @property
    def spoken_cost(self) -> str | None:
        """The cost in digits, None where no message has a listed price."""
        return f"{self.cost:f}" if self.unlisted < self.messages else None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**attrs.asdict(self), "cost": self.spoken_cost}


@attrs.frozen
class Line:
    """What came of one line: its rehearsal, or what is wrong with it."""

    number: int
    result: str
    found: Rehearsal | str


@attrs.define(kw_only=True)
class Tally:
    """What all lines so far come to, and the first few that differ."""

    limit: int
    results: dict[str, int] = attrs.field(
        factory=lambda: dict.fromkeys((SAME, CHANGED, IMPOSSIBLE, BAD), 0)
    )
    sums: dict[tuple[str, str], Sum] = attrs.field(
        factory=lambda: {(side, kind): Sum() for side in SIDES for kind in KINDS}
    )
    shown: dict[str, list[Line]] = attrs.field(factory=lambda: {CHANGED: [], IMPOSSIBLE: []})

    @property
    def lines(self) -> int:
        """How many lines there were, without the empty ones."""
        return sum(self.results.values())

    @property
    def differing(self) -> int:
        """How many messages do not stay as they are."""
        return self.results[CHANGED] + self.results[IMPOSSIBLE]

    def keep(self, line: Line) -> None:
        """Keep a line that differs, if there is room for it."""
        if line.result in self.shown and len(self.shown[line.result]) < self.limit:
            self.shown[line.result].append(line)

    def kept(self) -> list[Line]:
        """Return the lines to show, in their order: what is impossible before what changes."""
        chosen = [*self.shown[IMPOSSIBLE], *self.shown[CHANGED]][: self.limit]
        return sorted(chosen, key=lambda line: line.number)

    def code(self) -> int:
        """Return the exit code."""
        if self.results[BAD]:
            return USAGE
        return NOT_SENT if self.results[IMPOSSIBLE] else DONE


@reported
def rehearse(  # noqa: PLR0913 - one argument for each option
    *,
    file: Messages,
    before: Before,
    after: After,
    limit: Limit = 20,
    config: File = None,
    url: Url = None,
    json: Json = False,
    reveal: Reveal = False,
) -> int:
    """Show what messages would become at another account.

    FILE has one JSON object a line, with the fields of a message: to, text,
    media, from, valid_for, tag, options ... With --json one object a line
    comes back, then a summary. Exit codes: 0 the other account can say them
    all; 2 wrong usage or configuration, or a line that is no message; 3 it
    cannot say some of them. Nothing is ever sent, and nobody is asked.
    """
    rehearsing = Rehearsing(configured(config, url), before, after, limit)
    output = Output(json=json, reveal=reveal)
    if json:
        _write(rehearsing, file, output)
    else:
        _show(rehearsing, file, output)
    return rehearsing.tally.code()


class Rehearsing:
    """The rehearsal of a whole file."""

    def __init__(self, config: Config, before: str, after: str, limit: int) -> None:
        self.config = config
        self.before = config.account(before)
        self.after = config.account(after)
        self.tally = Tally(limit=limit)

    def lines(self, path: str) -> Iterator[Line]:
        """Yield what comes of each line of a file."""
        for number, text in lines_of(path):
            found = self._rehearsed(text)
            result = BAD if isinstance(found, str) else _result(found)
            self.tally.results[result] += 1
            yield Line(number, result, found)

    def _rehearsed(self, text: bytes | None) -> Rehearsal | str:
        config = self.config
        try:
            message = message_in(text)
            found = rehearsed(message, self.before, self.after, config.senders, config.rails)
        except InvalidMessage as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - no line ends the rehearsal of the rest
            return f"cannot be prepared ({name_of(error)})"
        self._add(BEFORE, message, found.before)
        self._add(AFTER, message, found.after)
        return found

    def _add(self, side: str, message: Message, said: Said) -> None:
        if said.error is not None:
            return
        total = self.tally.sums[side, said.kind]
        total.messages += 1
        total.segments += said.segments
        prices = self.config.prices.get(said.account)
        # A price list speaks of media alone: it knows no group.
        listed = prices is not None and said.kind == message.kind
        price = prices.of(message, said.segments) if prices and listed else None
        total.cost += price or 0
        total.unlisted += price is None


def _result(found: Rehearsal) -> str:
    if not found.possible:
        return IMPOSSIBLE
    return CHANGED if found.differences else SAME


def _write(rehearsing: Rehearsing, file: str, output: Output) -> None:
    for line in rehearsing.lines(file):
        if not output.document(_plain(line, output), indent=None):
            return
    tally = rehearsing.tally
    sums = {side: {kind: tally.sums[side, kind].to_dict() for kind in KINDS} for side in SIDES}
    output.document({"summary": {**tally.results, **sums}}, indent=None)


def _plain(line: Line, output: Output) -> dict[str, Any]:
    facts = {"line": line.number, "result": line.result}
    if isinstance(line.found, str):
        return {**facts, "error": line.found}
    return {
        **facts,
        BEFORE: _said(line.found.before),
        AFTER: _said(line.found.after),
        "differences": line.found.told(output.number),
    }


def _said(said: Said) -> dict[str, Any]:
    error = said.error
    return {
        "account": said.account,
        **{name: getattr(said, name) for name in ("kind", "from_", "segments", "encoding")},
        **{name: getattr(said, name) for name in ("media", "unsupported", "warnings", "ignored")},
        "recipients": len(said.recipients),
        "error": None if error is None else str(error),
        "reason": None if error is None else error.reason,
    }


def _show(rehearsing: Rehearsing, file: str, output: Output) -> None:
    tally = rehearsing.tally
    for line in rehearsing.lines(file):
        if isinstance(line.found, str):
            tell(f"line {line.number}: {line.found}")
        tally.keep(line)
    _show_lines(tally, output)
    names = {BEFORE: rehearsing.before.name, AFTER: rehearsing.after.name}
    output.say(f"From {plainly(names[BEFORE])} to {plainly(names[AFTER])}:")
    counts = {"lines": tally.lines, **tally.results}
    output.facts((name, f"{count:,}") for name, count in counts.items())
    _show_sums(rehearsing, output)


def _show_lines(tally: Tally, output: Output) -> None:
    kept = tally.kept()
    if kept:
        table = columns("line", "what changes", right=["line"])
        for line in kept:
            told = () if isinstance(line.found, str) else line.found.told(output.number)
            table.add_row(str(line.number), Text("\n".join(map(plainly, told))))
        output.table(table)
    if more := tally.differing - len(kept):
        output.say(
            f"{'and ' if kept else ''}{more:,} more that differ: --limit N or --json shows them"
        )
    if tally.differing:
        output.say("")


def _show_sums(rehearsing: Rehearsing, output: Output) -> None:
    sums, prices = rehearsing.tally.sums, rehearsing.config.prices
    sides = {BEFORE: rehearsing.before.name, AFTER: rehearsing.after.name}
    priced = any(name in prices for name in sides.values())
    names = ["kind", "account", "messages", "segments", *(["cost", "unlisted"] if priced else [])]
    table = columns(*names, right=names[2:])
    for kind in KINDS:
        if not any(sums[side, kind].messages for side in SIDES):
            continue
        for side, name in sides.items():
            table.add_row(kind, plainly(name), *_cells(sums[side, kind])[: len(names) - 2])
    if table.row_count:
        output.say("")
        output.table(table)


def _cells(total: Sum) -> tuple[str, ...]:
    counts = f"{total.messages:,}", f"{total.segments:,}"
    return (*counts, total.spoken_cost or "", f"{total.unlisted:,}")
