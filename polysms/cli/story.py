"""``polysms show`` and ``polysms explain``: all that is known of a message. Neither ever sends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from polysms.cli import show as showing
from polysms.cli import telling
from polysms.cli.failure import DONE, reported
from polysms.cli.options import File, Json, Region, Reveal, Url, configured, recipient
from polysms.cli.output import Output, plainly
from polysms.client import Client
from polysms.delivery import Attempt, DeliveryReport, Event
from polysms.errors import NotFound
from polysms.numbers import is_short
from polysms.numbers import recipient as number_of

if TYPE_CHECKING:
    from polysms.ledger import Entry, Ledger

#: How many messages a number explains, unless told otherwise.
_NEWEST = 3
_NUMBER = re.compile(r"\+?[0-9][0-9\s().\-]{1,25}")

Name = Annotated[str, typer.Argument(metavar="ID|KEY", help="Of our ledger.")]
Anything = Annotated[
    str, typer.Argument(metavar="ID|KEY|NUMBER", help="Of a number, its newest messages.")
]
Limit = Annotated[int, typer.Option(min=1, max=100, metavar="N", help="Of a number, so many.")]


@reported
def show(
    *,
    name: Name,
    config: File = None,
    url: Url = None,
    json: Json = False,
    reveal: Reveal = False,
) -> int:
    """Show one message of the ledger, with every attempt and every report.

    Exit codes: 0 done; 2 wrong usage or configuration; 3 the ledger knows no
    such message. Nothing is sent, and no provider is asked.
    """
    output = Output(json=json, reveal=reveal)
    with Client(configured(config, url)) as client:
        entry = _entry(client.ledger, name)
        events = client.ledger.events(entry.delivery.id or "")
    if json:
        output.document(telling.document(entry, events))
        return DONE
    delivery = entry.delivery
    output.say(showing.status(delivery.status))
    output.facts((*showing.facts(delivery, output), *telling.places(entry, output)))
    for number, attempt in enumerate(delivery.attempts, start=1):
        output.say(Text.assemble((f"attempt {number}", "bold"), f": {plainly(attempt.account)}"))
        output.facts(_attempt(attempt, entry, output))
    for event in events:
        output.say(Text.assemble(("report", "bold"), f": {plainly(event.account)}"))
        output.facts(_event(event, output))
    return DONE


def _entry(ledger: Ledger, name: str) -> Entry:
    found = ledger.entry(name)
    if found is None:
        raise NotFound("the ledger knows no message with this id or key")
    return found


def _attempt(attempt: Attempt, entry: Entry, output: Output) -> Iterator[tuple[str, object]]:
    yield "outcome", attempt.outcome or "under way"
    yield "evidence", attempt.evidence and attempt.evidence.replace("_", " ")
    yield "said", output.words(attempt.text)
    yield "reason", attempt.reason
    yield "HTTP", attempt.status_code
    yield "code", attempt.code
    yield "provider", attempt.provider
    yield "provider id", attempt.provider_id
    yield "reference", attempt.reference
    yield "status", entry.statuses.get(attempt.reference)
    yield "from", output.number(attempt.from_)
    yield "began", telling.when(attempt.started_at)
    yield "ended", telling.when(attempt.ended_at)
    yield "took", None if attempt.seconds is None else f"{attempt.seconds:.3f} s"
    yield "looked for", ", ".join(filter(None, map(telling.when, attempt.looks)))
    yield "not said", ", ".join(attempt.unsupported)
    yield "warnings", "; ".join(map(output.words, attempt.warnings))


def _event(event: Event, output: Output) -> Iterator[tuple[str, object]]:
    if isinstance(event, DeliveryReport):
        yield "status", event.status
        yield "it said", output.words(event.raw_status)
        yield "reason", event.reason
        yield "code", event.code
    yield "provider id", event.provider_id
    yield "happened", telling.when(event.at)
    yield "received", telling.when(event.received_at)


@reported
def explain(  # noqa: PLR0913 - one argument for each option
    *,
    what: Anything,
    limit: Limit = _NEWEST,
    region: Region = None,
    config: File = None,
    url: Url = None,
    json: Json = False,
    reveal: Reveal = False,
) -> int:
    """Tell in sentences what happened to a message, why, and what to do.

    A number explains the newest messages to it. Exit codes: 0 done; 2 wrong
    usage or configuration; 3 the ledger knows no such message. Nothing is
    sent, and no provider is asked.
    """
    output, now = Output(json=json, reveal=reveal), datetime.now(UTC)
    with Client(configured(config, url)) as client:
        ledger = client.ledger
        found = [_entry(ledger, id_) for id_ in _ids(client, what, region, limit)]
        told = [(one, ledger.events(one.delivery.id or "")) for one in found]
    if json:
        stories = [telling.explanation(entry, events, now) for entry, events in told]
        output.document(stories)
        return DONE
    for place, (entry, events) in enumerate(told):
        if place:
            output.say("")
        for line in telling.lines(entry, events, now):
            output.say(plainly(line))
    return DONE


def _ids(client: Client, what: str, region: str | None, limit: int) -> list[str]:
    """Return the ids of the messages that are meant: one by its name, or a number's newest."""
    if client.ledger.entry(what) is not None:
        return [what]
    if region is None and not _NUMBER.fullmatch(what.strip()):
        raise NotFound("the ledger knows no message with this id or key")
    found = client.find(to=_number(what, region), limit=limit)
    if not found:
        raise NotFound("the ledger knows no message to this number")
    return [str(one.id) for one in found]


def _number(written: str, region: str | None) -> str:
    if region is not None or is_short(written):
        return recipient(written, region)
    # A shell's user leaves the plus out now and then; the ledger has it.
    return number_of(written if written.strip().startswith("+") else f"+{written.strip()}")
