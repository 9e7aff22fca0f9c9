"""The messages of the ledger that may have been sent, looked up: of one id or key, or all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs

from polysms.cli.failure import MAYBE_SENT, NOT_SENT, tell
from polysms.cli.output import Output, plainly
from polysms.cli.unclear import Unclear
from polysms.client import Client
from polysms.config import Config
from polysms.delivery import Delivery, Status
from polysms.errors import ConfigError, LookupFailed

#: Steps in which leases of nobody are taken back before all that is unclear is looked at.
_STEPS = 10_000


def is_meant(source: str | None, accounts: Config) -> bool:
    """Whether messages of the ledger are meant, and not a file of what a send printed."""
    if source is None:
        return True
    try:
        is_file = source == "-" or Path(source).exists()
    except (OSError, ValueError):
        is_file = False
    return not is_file and accounts.ledger is not None


def sought(client: Client, name: str | None) -> Iterator[Unclear]:
    """Yield the message of an id or key, or every one that may have been sent, the oldest first."""
    if name is not None:
        yield Unclear(client.get(name), is_kept=True)
        return
    ledger = client.ledger
    for _ in range(_STEPS):
        if not ledger.lapse():
            break
    for entry in ledger.walk(status=Status.MAYBE_SENT):
        yield Unclear(entry.delivery, is_kept=True)


def known(client: Client, one: Unclear) -> Unclear:
    """Return a delivery of a file as the ledger has it, whose numbers are whole; else as it is."""
    if client.config.ledger is None or one.delivery.id is None:
        return one
    kept = client.ledger.get(one.delivery.id)
    return one if kept is None else attrs.evolve(one, delivery=kept, is_kept=True)


def looked(client: Client, delivery: Delivery, within: float | None) -> Delivery:
    """Look for a message of the ledger; return it as it stands then."""
    if delivery.status is not Status.MAYBE_SENT:
        return delivery
    try:
        client.resolve(delivery, within=within)
    except (ConfigError, LookupFailed) as error:
        tell(f"{delivery.id}: {error}")
    # What was found is written down; a worker may be about to send it again by now.
    return client.get(str(delivery.id))


def told_unsent(after: Delivery, output: Output) -> int | None:
    """Tell of what no provider has, and nothing is to be done about; None for any other."""
    if after.status not in _SENTENCES:
        return None
    if output.json:
        output.document(after.to_dict(), indent=None)
    else:
        output.say(plainly(f"{after.id}: {_SENTENCES[after.status]}"))
    return NOT_SENT if after.status is Status.CANCELLED else MAYBE_SENT


_SENTENCES = {
    Status.PENDING: "not sent so far; it is sent by itself, so leave it alone",
    Status.CANCELLED: "cancelled, and never sent",
}
