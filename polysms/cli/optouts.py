"""``polysms optouts``: the numbers that are sent nothing more, seen, added, taken off, imported."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated, Any

import attrs
import typer
from rich.text import Text

from polysms import redact
from polysms.cli import optouts_remote
from polysms.cli.failure import DONE, NOT_SENT, in_shell, reported, tell
from polysms.cli.options import (
    WHERE,
    File,
    Json,
    Region,
    Reveal,
    Url,
    configured,
    recipient,
    require_region,
)
from polysms.cli.output import Output, columns, plainly
from polysms.cli.remote import Filters
from polysms.cli.rows import BadRow, records
from polysms.client import Client
from polysms.client.optouts import list_named, mirrors_of
from polysms.config.reading import fault
from polysms.errors import InvalidMessage
from polysms.numbers import recipient as spelled

if TYPE_CHECKING:
    from polysms.ledger import OptOut

optouts = typer.Typer(
    name="optouts",
    help="Opt-outs: the numbers that are sent nothing more.",
    no_args_is_help=True,
)

Number = Annotated[str, typer.Argument(metavar="NUMBER", help="As +44 20 7946 0123.")]
Source = Annotated[
    str, typer.Argument(metavar="FILE", help="A CSV file, or a number a line; - is stdin.")
]
List = Annotated[
    str | None, typer.Option("--list", metavar="NAME", help="Of one list; else of every list.")
]
Tenant = Annotated[
    str | None, typer.Option("--tenant", metavar="NAME", help="Of one tenant; else of them all.")
]
#: The column of a CSV file that holds the numbers.
_COLUMN = "number"
#: Numbers that one commit adds.
_STEP = 500
#: How many bad rows are shown to people.
_MOST_SHOWN = 20


@optouts.command("list")
@reported
def listed(  # noqa: PLR0913 - one argument for each option
    *,
    list_: List = None,
    tenant: Tenant = None,
    remote: optouts_remote.Remote = None,
    filter_: Filters = None,
    config: File = None,
    url: Url = None,
    json: Json = False,
    reveal: Reveal = False,
) -> int:
    """Show every opt-out. With --json one a line.

    With --remote ACCOUNT those that its provider has noted itself. Exit codes:
    0 done; 2 wrong usage or configuration; 3 the database failed, or no answer.
    """
    output = Output(json=json, reveal=reveal)
    with Client(configured(config, url)) as client:
        if optouts_remote.is_meant(remote, filter_, ours={"list": list_, "tenant": tenant}):
            optouts_remote.shown(client, remote, filter_, output)
            return DONE
        found = client.optouts.list(list_, tenant=tenant)
        if json:
            _write(found, output)
        else:
            _show(found, output)
    return DONE


def _write(found: Iterator[OptOut], output: Output) -> None:
    for one in found:
        if not output.document(_plain(one, output), indent=None):
            return


def _plain(one: OptOut, output: Output) -> dict[str, Any]:
    facts = {**attrs.asdict(one), "since": one.since.isoformat()}
    scope = {"list": one.list or None, "tenant": one.tenant or None}
    return {**facts, **scope, "source": output.words(one.source)}


def _show(found: Iterator[OptOut], output: Output) -> None:
    first = next(found, None)
    if first is None:
        output.say("No number has opted out.")
        return
    table = columns("number", "list", "tenant", "since (UTC)", "how")
    for one in chain([first], found):
        words = (one.list or "every list", one.tenant, f"{one.since:%Y-%m-%d %H:%M}")
        how = output.words(one.source)
        cells = (output.number(one.number), *words, how)
        table.add_row(*(Text(plainly(cell)) for cell in cells))
    output.table(table)


@optouts.command("add")
@reported
def add(  # noqa: PLR0913 - one argument for each option
    *,
    number: Number,
    list_: List = None,
    tenant: Tenant = None,
    region: Region = None,
    config: File = None,
    url: Url = None,
    json: Json = False,
    reveal: Reveal = False,
) -> int:
    """Send a number nothing more.

    Exit codes: 0 done; 2 wrong usage or configuration; 3 the database failed.
    """
    to = recipient(number, region)
    with Client(configured(config, url)) as client:
        new = client.optouts.add(to, list_, tenant=tenant, source="command")
    output = Output(json=json, reveal=reveal)
    if json:
        output.document({"number": spelled(to), "list": list_, "tenant": tenant, "new": new})
    else:
        known = "is sent nothing more" if new else "had opted out already"
        output.say(f"{output.number(spelled(to))} {known} ({_of(list_)}).")
    return DONE


@optouts.command("remove")
@reported
def remove(  # noqa: PLR0913 - one argument for each option
    *,
    number: Number,
    list_: List = None,
    tenant: Tenant = None,
    region: Region = None,
    config: File = None,
    url: Url = None,
    json: Json = False,
    reveal: Reveal = False,
) -> int:
    """Take a number off a list, or without --list off every list.

    No provider is told: what it has noted itself is mended there.
    Exit codes: 0 done; 2 wrong usage or configuration; 3 the database failed.
    """
    to = recipient(number, region)
    with Client(configured(config, url)) as client:
        gone = client.optouts.remove(to, list_, tenant=tenant)
    output = Output(json=json, reveal=reveal)
    if json:
        output.document({"number": spelled(to), "list": list_, "tenant": tenant, "removed": gone})
    else:
        known = "may be sent messages again" if gone else "had not opted out"
        output.say(f"{output.number(spelled(to))} {known} ({_of(list_)}).")
    return DONE


def _of(list_: str | None) -> str:
    return "every list" if list_ is None else f"list {plainly(list_)}"


@optouts.command("import")
@reported
def import_(  # noqa: PLR0913 - one argument for each option
    *,
    source: Source,
    list_: List = None,
    tenant: Tenant = None,
    region: Region = None,
    config: File = None,
    url: Url = None,
    json: Json = False,
) -> int:
    """Add every number of a file: its column "number", or one number a line.

    What cannot be read is named, and all the others are added; to import a
    file once more changes nothing. Exit codes: 0 every row is in; 2 wrong
    usage or configuration; 3 the database failed, or some rows are no numbers.
    """
    output, named = Output(json=json), list_named(list_)
    require_region(region)
    whole = configured(config, url)
    bad: list[BadRow] = []
    rows = new = 0
    with Client(whole) as client:
        found = _numbers(source, region, bad)
        facts: dict[str, Any] = {"source": "import", "mirror": mirrors_of(whole)}
        while step := tuple(islice(found, _STEP)):
            new += client.ledger.optouts.add_many(step, named, tenant or "", **facts)
            rows += len(step)
    _report(output, rows, new, bad)
    return NOT_SENT if bad else DONE


def _numbers(path: str, region: str | None, bad: list[BadRow]) -> Iterator[str]:
    """Yield the numbers of a file; what is none goes to ``bad``."""
    place: int | None = None
    for count, (line, fields) in enumerate(records(path)):
        names = [field.strip().casefold() for field in fields]
        if count == 0 and _COLUMN in names:
            place = names.index(_COLUMN)
            continue
        if count == 0 and len(fields) > 1:
            sentence = f'the first line names no column "{_COLUMN}", and has more than a number'
            raise fault("FILE", sentence, WHERE)
        try:
            yield spelled(recipient(_field(fields, place), region))
        except InvalidMessage as error:
            bad.append(BadRow(line, in_shell(str(error))))


def _field(fields: list[str], place: int | None) -> str:
    if place is None and len(fields) > 1:
        raise InvalidMessage("has more than a number", field="to")
    if place is not None and place >= len(fields):
        raise InvalidMessage("has no number: it ends before that column", field="to")
    return fields[place or 0].strip()


def _report(output: Output, rows: int, new: int, bad: list[BadRow]) -> None:
    if output.json:
        named = [{"line": one.line, "why": redact.scrub(one.why)} for one in bad]
        output.document({"numbers": rows, "new": new, "bad": named})
        return
    output.say(f"Numbers that are sent nothing more: {rows:,} ({new:,} new).")
    for one in bad[:_MOST_SHOWN]:
        tell(f"line {one.line}: {one.why}")
    if bad:
        more = "" if len(bad) <= _MOST_SHOWN else "; --json names them all"
        tell(f"rows that are no numbers, and were left out: {len(bad):,}{more}")
