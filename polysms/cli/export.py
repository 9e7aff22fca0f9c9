"""``polysms export``: the ledger, or a provider's own list, as a file for other programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from polysms.cli import formats, remote
from polysms.cli.failure import DONE, reported
from polysms.cli.formats import COLUMNS, TEXTS
from polysms.cli.lookup import Direction
from polysms.cli.options import WHERE, File, Json, Reveal, Url, configured, moment
from polysms.cli.output import Output, plainly
from polysms.client import Client
from polysms.config.reading import fault
from polysms.delivery import Attempt, Price

if TYPE_CHECKING:
    from polysms.ledger import Entry


class Format(StrEnum):
    """What an export is written as."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


Target = Annotated[
    str, typer.Argument(metavar="FILE", help='A new file; "-" writes to stdout, as JSON Lines.')
]
As = Annotated[
    Format | None, typer.Option("--format", help="Else what the name of the file ends with.")
]
Since = Annotated[
    str | None, typer.Option(metavar="TIME", help="Only later ones: 7d ago, or 2026-11-21T07:30Z.")
]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="Only earlier ones, as --since.")]
Texts = Annotated[
    bool, typer.Option("--texts", help="With the texts, and the providers' own words.")
]
Remote = Annotated[
    str | None,
    remote.option("--remote", metavar="ACCOUNT", help="Write this one's, instead of the ledger."),
]
To = Annotated[
    str | None, remote.option("--to", metavar="NUMBER", help="Only messages to this number.")
]
Sender = Annotated[
    str | None, remote.option("--from", metavar="SENDER", help="Only from this sender.")
]
Way = Annotated[Direction | None, remote.option("--direction", help="Which way they went.")]


@reported
def export(  # noqa: PLR0913 - one argument for each option
    *,
    target: Target,
    format_: As = None,
    since: Since = None,
    until: Until = None,
    texts: Texts = False,
    remote_: Remote = None,
    to: To = None,
    from_: Sender = None,
    direction: Way = None,
    reference: remote.Reference = None,
    filter_: remote.Filters = None,
    config: File = None,
    url: Url = None,
    json: Json = False,
    reveal: Reveal = False,
) -> int:
    """Write the ledger into a file, the oldest first: a row for each attempt.

    A message that nobody tried has one row too. With --remote ACCOUNT it is
    its provider's own list, as it comes, a row for each message. Numbers are
    masked unless --reveal is given. Parquet needs the extra "export". Exit
    codes: 0 done; 2 wrong usage or configuration, or no file can be written;
    3 the database failed, or the list broke off.
    """
    now = datetime.now(UTC)
    span = {"since": moment("--since", since, now), "until": moment("--until", until, now)}
    output, kind = Output(json=json, reveal=reveal), _format(target, format_)
    theirs: dict[str, Any] = {
        "to": to,
        "from": from_,
        "direction": direction,
        "reference": reference,
    }
    theirs["filter"] = filter_ or None
    written: dict[str, Any] = {"target": target, "kind": kind, "texts": texts}
    with Client(configured(config, url)) as client:
        if remote_ is None:
            _refuse(theirs)
            count = _kept(client, span, output, **written)
        else:
            query = _query(theirs, span)
            count = remote.exported(client, remote_, query, output, **written)
    if target != "-":
        _tell(target, count, output)
    return DONE


def _kept(  # noqa: PLR0913 - each by name
    client: Client,
    span: Mapping[str, datetime | None],
    output: Output,
    *,
    target: str,
    kind: str,
    texts: bool,
) -> int:
    write = formats.writer(target, kind, COLUMNS | TEXTS if texts else COLUMNS)
    walk = client.ledger.walk(**span)
    return write(row for entry in walk for row in rows(entry, output, texts=texts))


def _refuse(theirs: Mapping[str, object]) -> None:
    for name, value in theirs.items():
        if value is not None:
            raise fault(f"--{name}", "is for the list of a provider (--remote ACCOUNT)", WHERE)


def _query(theirs: Mapping[str, Any], span: Mapping[str, datetime | None]) -> dict[str, Any]:
    direction = theirs["direction"] or Direction.OUTBOUND
    alike = {name: theirs[name] for name in ("to", "reference")}
    own = remote.filters(theirs["filter"])
    return {**alike, **span, "from_": theirs["from"], "direction": direction, "filters": own}


def _format(target: str, given: Format | None) -> str:
    ending = "jsonl" if target == "-" else Path(target).suffix.removeprefix(".").lower()
    if given is None and ending not in set(Format):
        sentence = "say what it is to be: --format jsonl, csv or parquet"
        raise fault(f"export {target}", sentence, WHERE)
    return given or ending


def _tell(target: str, count: int, output: Output) -> None:
    if output.json:
        output.document({"file": target, "rows": count})
    else:
        output.say(plainly(f"{count:,} rows in {target}"))


def rows(entry: Entry, output: Output, *, texts: bool) -> Iterator[dict[str, Any]]:
    """Yield a message's rows: one for each attempt, or one alone if there was none."""
    message = _message(entry, output)
    if texts:
        delivery = entry.delivery
        message |= {"text": delivery.text, "media": " ".join(delivery.media) or None}
    for number, attempt in enumerate(entry.delivery.attempts, start=1):
        told = _attempt(number, attempt, entry, output)
        said = {"attempt_text": output.words(attempt.text) or None} if texts else {}
        yield {**message, **told, **said}
    if not entry.delivery.attempts:
        yield message


def _message(entry: Entry, output: Output) -> dict[str, Any]:
    delivery = entry.delivery
    alike = ("id", "kind", "account", "provider_id", "segments", "mcc", "mnc", "error_code")
    return {
        **{name: getattr(delivery, name) for name in alike},
        "status": str(delivery.status),
        "reason": delivery.reason and str(delivery.reason),
        "key": output.words(delivery.key) or None,
        "tag": output.words(delivery.tag) or None,
        "tenant": entry.tenant,
        "to": output.number(delivery.to) or None,
        "from": output.number(delivery.from_) or None,
        **_money("price", delivery.price),
        **_money("fees", delivery.fees),
        "created_at": entry.created_at,
        "sent_at": delivery.sent_at,
        "delivered_at": delivery.delivered_at,
        "ended_at": entry.ended_at,
    }


def _money(name: str, price: Price | None) -> dict[str, str | None]:
    """Return an amount as text: a price is no binary fraction."""
    amount, currency = (str(price.amount), price.currency) if price else (None, None)
    return {name: amount, f"{name}_currency": currency}


def _attempt(number: int, attempt: Attempt, entry: Entry, output: Output) -> dict[str, Any]:
    alike = ("account", "provider", "reference", "provider_id", "started_at", "ended_at")
    codes = ("status_code", "code", "lookup")
    words = {
        "outcome": attempt.outcome,
        "evidence": attempt.evidence,
        "reason": attempt.reason,
        "status": entry.statuses.get(attempt.reference),
    }
    facts = {
        "number": number,
        **{name: getattr(attempt, name) for name in (*alike, *codes)},
        **{name: None if word is None else str(word) for name, word in words.items()},
        "from": output.number(attempt.from_) or None,
        "seconds": attempt.seconds,
    }
    return {f"attempt_{name}": value for name, value in facts.items()}
