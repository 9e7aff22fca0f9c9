"""``polysms optouts list --remote``: the numbers that a provider itself sends nothing to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Annotated

from rich.text import Text

from polysms.cli.options import WHERE
from polysms.cli.output import Output, columns, plainly
from polysms.cli.remote import filters, option
from polysms.cli.services import plain
from polysms.client import Client
from polysms.config.reading import fault
from polysms.services import RemoteOptOut

Remote = Annotated[
    str | None,
    option("--remote", metavar="ACCOUNT", help="Ask this account's provider, not the ledger."),
]


def is_meant(
    account: str | None, given: Sequence[str] | None, ours: Mapping[str, str | None]
) -> bool:
    """Whether a provider's opt-outs are meant; raises ConfigError where both are."""
    if account is None:
        if given:
            raise fault("--filter", "is for the list of a provider (--remote ACCOUNT)", WHERE)
        return False
    for name, value in ours.items():
        if value is not None:
            raise fault(f"--{name}", "does not go with --remote: no provider knows it", WHERE)
    return True


def shown(client: Client, account: str | None, given: Sequence[str] | None, output: Output) -> None:
    """Show what an account's provider has noted."""
    found = client.remote_optouts(account, **filters(given))
    (_write if output.json else _show)(found, output)


def _write(found: Iterator[RemoteOptOut], output: Output) -> None:
    for one in found:
        if not output.document(plain(one), indent=None):
            return


def _show(found: Iterator[RemoteOptOut], output: Output) -> None:
    first = next(found, None)
    if first is None:
        output.say("No number has opted out.")
        return
    table = columns("number", "sender", "since (UTC)")
    for one in chain([first], found):
        since = f"{one.created_at:%Y-%m-%d %H:%M}" if one.created_at else ""
        cells = (output.number(one.number), output.number(one.sender) or "every sender", since)
        table.add_row(*(Text(plainly(cell)) for cell in cells))
    output.table(table)
