"""``polysms send --later``: a message put into the outbox, from which a worker sends it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from polysms.cli import show, telling
from polysms.cli.failure import DONE
from polysms.cli.options import WHERE
from polysms.cli.output import Output, plainly
from polysms.client import Client
from polysms.config import Config
from polysms.config.reading import Seconds, fault, value_of
from polysms.delivery import Delivery, Status
from polysms.errors import ConfigError
from polysms.message import Message

if TYPE_CHECKING:
    from polysms.ledger import Entry

Later = Annotated[
    bool, typer.Option("--later", help="Put it into the outbox; polysms worker sends it.")
]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="With --later: in 2h, or 2026-11-21T07:30Z."),
]
Key = Annotated[
    str | None,
    typer.Option("--key", metavar="KEY", help="Sent once, however often you run it (ledger)."),
]


def ahead(value: str | None, now: datetime) -> datetime | None:
    """Return a time written as ``2026-11-21T07:30Z`` or, for in two hours, ``2h``.

    A time without a zone is UTC.
    """
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return _from_now(value, now)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _from_now(value: str, now: datetime) -> datetime:
    try:
        return now + timedelta(seconds=value_of(value, Seconds, "--at", WHERE))
    except (ConfigError, OverflowError):
        sentence = "write in how long, as 30m or 2h, or an ISO date with or without a time"
        raise fault("--at", sentence, WHERE) from None


def enqueued(
    accounts: Config, message: Message, at: str | None, wishes: Mapping[str, Any], output: Output
) -> int:
    """Put a message into the outbox, and show how it waits.

    Raises :class:`~polysms.errors.ConfigError` for a wish that the outbox does not keep.
    """
    for name, value in wishes.items():
        if value and name != "via":
            option = f"--{name.replace('_', '-')}"
            raise fault(option, "does not go with --later: the route says it", WHERE)
    moment = ahead(at, datetime.now(UTC))
    with Client(accounts) as client:
        delivery = client.enqueue(message, at=moment, via=wishes["via"])
        entry = client.ledger.entry(str(delivery.id))
    if output.json:
        outbox = {} if entry is None else {"outbox": telling.outbox(entry)}
        output.document({**delivery.to_dict(), **outbox})
    else:
        _tell(delivery, entry, output)
    return DONE


def _tell(delivery: Delivery, entry: Entry | None, output: Output) -> None:
    output.say(Text.assemble(show.status(delivery.status), _how(delivery)))
    facts = () if entry is None else telling.places(entry, output)
    output.facts([("id", delivery.id), ("to", output.number(delivery.to)), *facts])
    output.say(plainly(f"Follow it: polysms show {delivery.id}"))


def _how(delivery: Delivery) -> str:
    waits = delivery.status is Status.PENDING
    return ", in the outbox: polysms worker sends it" if waits else ": its key was known already"
