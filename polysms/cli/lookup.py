"""``polysms fetch``, and ``polysms list --remote``: what providers say. Neither ever sends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any

import typer
from rich.text import Text

from polysms.cli import show
from polysms.cli.failure import DONE, reported
from polysms.cli.options import WHERE, File, Json, Reveal, Url, configured
from polysms.cli.output import Output, columns, plainly
from polysms.client import Client
from polysms.config import Config
from polysms.config.reading import fault
from polysms.delivery import Delivery


class Direction(StrEnum):
    """Which way a message went."""

    OUTBOUND = "outbound"
    INBOUND = "inbound"


What = Annotated[
    str,
    typer.Argument(metavar="ACCOUNT|ID|KEY", help="Of our ledger the id or key; else whom to ask."),
]
ProviderId = Annotated[
    str | None, typer.Argument(metavar="PROVIDER_ID", help="After ACCOUNT: the provider's own id.")
]


@reported
def fetch(  # noqa: PLR0913 - one argument for each option
    *,
    what: What,
    provider_id: ProviderId = None,
    config: File = None,
    url: Url = None,
    json: Json = False,
    reveal: Reveal = False,
) -> int:
    """Ask a provider what became of one message.

    Exit codes: 0 it answered, whatever the status; 2 wrong usage or
    configuration; 3 no answer, or it knows no such message. Nothing is sent.
    """
    output = Output(json=json, reveal=reveal)
    with Client(configured(config, url)) as client:
        delivery = _fetched(client, what, provider_id)
    if json:
        output.document(delivery.to_dict())
        return DONE
    said = f" ({plainly(delivery.raw_status)})" if delivery.raw_status else ""
    output.say(Text.assemble(show.status(delivery.status), said))
    output.facts(show.facts(delivery, output))
    return DONE


def _fetched(client: Client, what: str, provider_id: str | None) -> Delivery:
    if provider_id is not None:
        return client.fetch(account=what, provider_id=provider_id)
    if what in client.config.accounts:
        sentence = f"give the provider's own id after it, as polysms fetch {what} PROVIDER_ID"
        raise fault(f"account {what}", sentence, WHERE)
    return client.fetch(what)


def listed_remote(
    accounts: Config, remote: str, query: Mapping[str, Any], limit: int, output: Output
) -> None:
    """Show what an account's provider has in its own list."""
    with Client(accounts) as client:
        found = islice(client.list_remote(remote, **query), limit)
        (_lines if output.json else _table)(found, output, datetime.now(UTC))


def _lines(found: Iterable[Delivery], output: Output, _: datetime) -> None:
    for delivery in found:
        if not output.document(delivery.to_dict(), indent=None):
            return


def _table(found: Iterable[Delivery], output: Output, now: datetime) -> None:
    deliveries = list(found)
    if not deliveries:
        output.say("No message found.")
        return
    inbound = deliveries[0].direction == "inbound"
    table = columns("time (UTC)", "status", "kind", "from" if inbound else "to", "provider id")
    for one in deliveries:
        party = output.number(one.from_ if inbound else one.to)
        identity = plainly(one.provider_id or "")
        when = show.time(one.created_at, now)
        table.add_row(when, show.status(one.status), one.kind, Text(party), Text(identity))
    output.table(table)
