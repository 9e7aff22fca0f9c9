"""``polysms list``: the messages of our own ledger, or of a provider's own list. Never sends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.text import Text

from polysms.cli import remote as remotely
from polysms.cli import show
from polysms.cli.failure import DONE, reported
from polysms.cli.lookup import Direction, listed_remote
from polysms.cli.options import WHERE, File, Json, Reveal, Url, configured, moment
from polysms.cli.output import Output, columns, plainly
from polysms.client import Client
from polysms.client.records import MISSING
from polysms.config import Config
from polysms.config.reading import fault
from polysms.delivery import Delivery
from polysms.errors import ConfigError
from polysms.numbers import recipient

_MOST = 10_000
_OURS, _THEIRS = "The ledger", remotely.PANEL


def _option(*names: str, panel: str | None, **facts: Any) -> Any:
    return typer.Option(*names, rich_help_panel=panel, **facts)


Remote = Annotated[
    str | None,
    _option(
        "--remote",
        metavar="ACCOUNT",
        panel=_THEIRS,
        help="Ask this account's provider, instead of the ledger.",
    ),
]
To = Annotated[
    str | None, typer.Option("--to", metavar="NUMBER", help="Only messages to this number.")
]
Key = Annotated[str | None, _option("--key", metavar="KEY", panel=_OURS, help="With this key.")]
Tag = Annotated[str | None, _option("--tag", metavar="TAG", panel=_OURS, help="With this label.")]
WithStatus = Annotated[
    str | None, _option("--status", metavar="STATUS", panel=_OURS, help="As MAYBE_SENT or FAILED.")
]
Account = Annotated[
    str | None, _option("--account", metavar="NAME", panel=_OURS, help="Taken by this account.")
]
Sender = Annotated[
    str | None, _option("--from", metavar="SENDER", panel=_THEIRS, help="Only from this sender.")
]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="Only later ones: 2h ago, or 2026-11-21T07:30Z."),
]
Until = Annotated[
    str | None, _option("--until", metavar="TIME", panel=_THEIRS, help="Only earlier ones.")
]
Way = Annotated[
    Direction | None, _option("--direction", panel=_THEIRS, help="Which way they went.")
]
Details = Annotated[
    bool,
    _option("--details", panel=_THEIRS, help="What was billed, where that is a list of its own."),
]
Limit = Annotated[
    int, typer.Option("--limit", min=1, max=_MOST, metavar="N", help="At most so many.")
]


@reported
def listed(  # noqa: PLR0913 - one argument for each option
    *,
    to: To = None,
    since: Since = None,
    limit: Limit = 20,
    key: Key = None,
    tag: Tag = None,
    status: WithStatus = None,
    account: Account = None,
    remote: Remote = None,
    from_: Sender = None,
    until: Until = None,
    direction: Way = None,
    reference: remotely.Reference = None,
    filter_: remotely.Filters = None,
    details: Details = False,
    config: File = None,
    url: Url = None,
    json: Json = False,
    reveal: Reveal = False,
) -> int:
    """List our own messages, the newest first, as the ledger has them.

    With --remote ACCOUNT those of its provider's own list, in its order.
    With --json one message a line. Exit codes: 0 done; 2 wrong usage or
    configuration; 3 no answer. Nothing is ever sent.
    """
    output, now = Output(json=json, reveal=reveal), datetime.now(UTC)
    ours = {"key": key, "tag": tag, "status": status, "account": account}
    theirs = {"from": from_, "until": until, "direction": direction, "reference": reference}
    others = {"filter": filter_ or None, "details": details or None}
    accounts = configured(config, url)
    later = moment("--since", since, now)
    if remote is not None:
        _refuse(ours, "does not go with --remote: no provider's list knows it")
        query = _query({**theirs, **others}, now)
        listed_remote(accounts, remote, {"to": to, "since": later, **query}, limit, output)
        return DONE
    _refuse({**theirs, **others}, "is for the list of a provider (--remote ACCOUNT)")
    _list(accounts, {"to": to and recipient(to), **ours, "since": later, "limit": limit}, output)
    return DONE


def _query(theirs: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return what only a provider's list is asked for."""
    return {
        "from_": theirs["from"],
        "until": moment("--until", theirs["until"], now),
        "direction": theirs["direction"] or Direction.OUTBOUND,
        "reference": theirs["reference"],
        "filters": remotely.filters(theirs["filter"]),
        "of": "details" if theirs["details"] else "list",
    }


def _refuse(options: Mapping[str, object], why: str) -> None:
    for name, value in options.items():
        if value is not None:
            raise fault(f"--{name}", why, WHERE)


def _list(accounts: Config, wanted: Mapping[str, Any], output: Output) -> None:
    if accounts.ledger is None:
        sentence = f"{MISSING}; or ask a provider for its own list with --remote ACCOUNT"
        raise ConfigError(sentence, key="ledger")
    with Client(accounts) as client:
        found = client.find(**wanted)
    if output.json:
        for delivery in found:
            if not output.document(delivery.to_dict(), indent=None):
                return
        return
    if not found:
        output.say("No message found.")
        return
    _show(found, output)
    if len(found) == wanted["limit"]:
        output.say(f"The newest {len(found)}; --limit shows more, the other options narrow it.")


def _show(found: Iterable[Delivery], output: Output) -> None:
    table, now = columns("time (UTC)", "status", "to", "account"), datetime.now(UTC)
    # What the other commands are given stands whole, in one line.
    table.add_column("id", no_wrap=True, min_width=36)
    for one in found:
        when, account = show.time(one.created_at, now), plainly(one.account or "")
        to, identity = output.number(one.to), plainly(one.id or "")
        table.add_row(when, show.status(one.status), Text(to), Text(account), Text(identity))
    output.table(table)
