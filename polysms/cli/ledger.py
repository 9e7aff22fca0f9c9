"""``polysms ledger``: its tables made and brought up to date, counted, and forgotten on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import attrs
import typer

from polysms.cli import telling
from polysms.cli.failure import DONE, reported
from polysms.cli.options import WHERE, File, Json, Url, configured, moment
from polysms.cli.output import Output, columns
from polysms.client import Client
from polysms.config.reading import fault

if TYPE_CHECKING:
    from polysms.ledger import Stats

ledger = typer.Typer(
    name="ledger",
    help="The ledger's tables: bring them up to date, count, forget.",
    no_args_is_help=True,
)

Age = Annotated[
    str | None,
    typer.Option("--older-than", metavar="TIME", help="As 90d, or a date."),
]
TextAge = Annotated[
    str | None, typer.Option("--texts-older-than", metavar="TIME", help="As 7d: of texts alone.")
]
Rows = Annotated[
    bool,
    typer.Option("--rows", help="Forget whole messages, with their attempts and reports."),
]


@ledger.command("upgrade")
@reported
def upgrade(*, config: File = None, url: Url = None, json: Json = False) -> int:
    """Bring the ledger's tables to the newest revision; what is there stays.

    A SQLite file does this by itself. Exit codes: 0 done; 2 wrong usage or
    configuration; 3 the database failed.
    """
    output = Output(json=json)
    with Client(configured(config, url)) as client:
        client.ledger.upgrade()
    if json:
        output.document({"upgraded": True})
    else:
        output.say("The ledger's tables are at the newest revision.")
    return DONE


@ledger.command("stats")
@reported
def stats(*, config: File = None, url: Url = None, json: Json = False) -> int:
    """Count what the ledger holds. This reads all of it.

    Exit codes: 0 done; 2 wrong usage or configuration; 3 the database failed.
    """
    output = Output(json=json)
    with Client(configured(config, url)) as client:
        counted = client.ledger.stats()
        waiting, seen = client.ledger.outbox.waiting(), client.ledger.outbox.last_seen()
    if json:
        facts = attrs.asdict(counted) | {"waiting": waiting, "worker_seen_at": seen}
        output.document({name: _plain(value) for name, value in facts.items()})
        return DONE
    table = columns("status", "messages", right=("messages",))
    for name, count in sorted(counted.statuses.items()):
        table.add_row(name, f"{count:,}")
    output.table(table)
    output.facts(_facts(counted, waiting, seen))
    return DONE


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, datetime) else value


def _facts(counted: Stats, waiting: int, seen: datetime | None) -> Iterator[tuple[str, object]]:
    yield "in the outbox", f"{waiting:,}"
    yield "worker seen", telling.when(seen) or "never"
    yield "attempts", f"{counted.attempts:,}, {counted.open_attempts:,} of them open"
    costs = sorted(counted.copies_cost.items())
    cost = " and ".join(f"{amount} {currency}" for currency, amount in costs)
    yield "extra copies", f"{counted.copies:,}" + (f", which cost {cost}" if cost else "")
    yield "reports", f"{counted.events:,}, {counted.parked:,} of them of no message we know"
    yield "keys", f"{counted.keys:,}"
    yield "opt-outs", f"{counted.optouts:,}"
    yield "oldest", telling.when(counted.oldest) or "none"


@ledger.command("purge")
@reported
def purge(  # noqa: PLR0913 - one argument for each option
    *,
    older_than: Age = None,
    texts_older_than: TextAge = None,
    rows: Rows = False,
    config: File = None,
    url: Url = None,
    json: Json = False,
) -> int:
    """Forget the texts of old messages; the lines of the ledger stay.

    With --rows whole messages go too, of before --older-than. What is still
    under way is never forgotten. Exit codes: 0 done; 2 wrong usage or
    configuration; 3 the database failed.
    """
    before = _moments(older_than, texts_older_than, rows=rows)
    output = Output(json=json)
    with Client(configured(config, url)) as client:
        purged = client.ledger.purge(**before)
    if json:
        output.document(attrs.asdict(purged))
        return DONE
    output.say(
        f"Forgotten: {purged.texts:,} texts, {purged.rows:,} whole messages, {purged.keys:,} keys."
    )
    return DONE


def _moments(older_than: str | None, texts_older_than: str | None, *, rows: bool) -> dict[str, Any]:
    """Return the moments before which texts, and whole messages, are to be forgotten."""
    now = datetime.now(UTC)
    whole = moment("--older-than", older_than, now)
    texts = moment("--texts-older-than", texts_older_than, now)
    if rows and whole is None:
        raise fault("--rows", "needs --older-than, as --older-than 90d", WHERE)
    moments = [one for one in (whole, texts) if one is not None]
    if not moments:
        raise fault("--older-than", "is missing; say how old, as 90d", WHERE)
    return {"texts_older_than": max(moments), "rows_older_than": whole if rows else None}
