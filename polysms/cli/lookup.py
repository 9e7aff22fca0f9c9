"""``polysms fetch`` and ``polysms list``: what providers say of messages. Neither ever sends."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import Annotated

import typer
from rich.text import Text

from polysms.cli import show
from polysms.cli.failure import DONE, reported
from polysms.cli.options import File, Json, Reveal, Url, configured, moment
from polysms.cli.output import Output, columns, plainly
from polysms.client import Client
from polysms.delivery import Delivery

_MOST = 10_000


class Direction(StrEnum):
    """Which way a message went."""

    OUTBOUND = "outbound"
    INBOUND = "inbound"


Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Its name in the configuration.")]
ProviderId = Annotated[str, typer.Argument(metavar="PROVIDER_ID", help="The provider's own id.")]
Remote = Annotated[
    str, typer.Option(metavar="ACCOUNT", help="The account whose provider is to be asked.")
]
To = Annotated[str | None, typer.Option(metavar="NUMBER", help="Only messages to this number.")]
Sender = Annotated[
    str | None, typer.Option("--from", metavar="SENDER", help="Only messages from this sender.")
]
Since = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Only later ones: 2h ago, or as 2026-11-21T07:30Z."),
]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="Only earlier ones, as --since.")]
Way = Annotated[Direction, typer.Option(help="Which way they went.")]
Limit = Annotated[int, typer.Option(min=1, max=_MOST, metavar="N", help="At most so many.")]


@reported
def fetch(  # noqa: PLR0913 - one argument for each option
    *,
    account: Account,
    provider_id: ProviderId,
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
        delivery = client.fetch(account=account, provider_id=provider_id)
    if json:
        output.document(delivery.to_dict())
        return DONE
    said = f" ({plainly(delivery.raw_status)})" if delivery.raw_status else ""
    output.say(Text.assemble(show.status(delivery.status), said))
    output.facts(show.facts(delivery, output))
    return DONE


@reported
def listed(  # noqa: PLR0913 - one argument for each option
    *,
    remote: Remote,
    to: To = None,
    from_: Sender = None,
    since: Since = None,
    until: Until = None,
    direction: Way = Direction.OUTBOUND,
    limit: Limit = 20,
    config: File = None,
    url: Url = None,
    json: Json = False,
    reveal: Reveal = False,
) -> int:
    """List the messages in a provider's own list, in its own order.

    With --json one message a line. Exit codes: 0 it answered; 2 wrong usage
    or configuration; 3 no answer. Nothing is ever sent.
    """
    output = Output(json=json, reveal=reveal)
    now = datetime.now(UTC)
    with Client(configured(config, url)) as client:
        found = client.list_remote(
            remote,
            to=to,
            from_=from_,
            since=moment("--since", since, now),
            until=moment("--until", until, now),
            direction=direction,
        )
        (_lines if json else _table)(islice(found, limit), output, now)
    return DONE


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
