"""``polysms export``: the ledger as a file for other programs, one row for each attempt."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from polysms.cli import formats
from polysms.cli.failure import DONE, reported
from polysms.cli.formats import COLUMNS, TEXTS
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


@reported
def export(  # noqa: PLR0913 - one argument for each option
    *,
    target: Target,
    format_: As = None,
    since: Since = None,
    until: Until = None,
    texts: Texts = False,
    config: File = None,
    url: Url = None,
    json: Json = False,
    reveal: Reveal = False,
) -> int:
    """Write the ledger into a file, the oldest first: a row for each attempt.

    A message that nobody tried has one row too. Numbers are masked unless
    --reveal is given. Parquet needs the extra "export". Exit codes: 0 done;
    2 wrong usage or configuration, or no file can be written; 3 the database
    failed.
    """
    now = datetime.now(UTC)
    span = {"since": moment("--since", since, now), "until": moment("--until", until, now)}
    output = Output(json=json, reveal=reveal)
    names = COLUMNS | TEXTS if texts else COLUMNS
    write = formats.writer(target, _format(target, format_), names)
    with Client(configured(config, url)) as client:
        walk = client.ledger.walk(**span)
        count = write(row for entry in walk for row in rows(entry, output, texts=texts))
    if target != "-":
        _tell(target, count, output)
    return DONE


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
