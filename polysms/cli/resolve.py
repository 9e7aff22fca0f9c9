"""``polysms resolve``: what became of messages that may have been sent. Never sends anything."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import attrs
import cattrs
import typer

from polysms.cli.failure import DONE, MAYBE_SENT, NOT_SENT, name_of, reported, tell
from polysms.cli.options import WHERE, File, Json, Reveal, Url, configured, seconds
from polysms.cli.output import Output, plainly
from polysms.client import Client
from polysms.config import Config
from polysms.config.reading import fault
from polysms.delivery import Delivery, Outcome, Status
from polysms.errors import LookupFailed

#: No file of deliveries that a person looks up needs so many bytes.
_MOST_BYTES = 64_000_000

Source = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        show_default=False,
        help='What "polysms send --json" printed, one or more; "-" reads stdin.',
    ),
]
Within = Annotated[
    str | None, typer.Option(metavar="TIME", help="Go on looking for each so long, as 2m.")
]


@reported
def resolve(  # noqa: PLR0913 - one argument for each option
    *,
    source: Source,
    within: Within = None,
    config: File = None,
    url: Url = None,
    json: Json = False,
    reveal: Reveal = False,
) -> int:
    """Find out what became of messages that may have been sent. Sends nothing, ever.

    Exit codes: 0 the providers have them; 2 wrong usage or configuration;
    3 one is proved not to have been sent, so it may be sent again; 4 one is
    still unknown, or was found by likeness alone.
    """
    patience = seconds("--within", within)
    deliveries = [_delivery(document, place) for place, document in _documents(_read(source))]
    if not deliveries:
        raise fault(source, "holds no delivery", WHERE)
    accounts, output = configured(config, url), Output(json=json, reveal=reveal)
    for delivery in deliveries:
        _require_accounts(delivery, accounts)
    try:
        with Client(accounts) as client:
            return max(_resolved(client, delivery, patience, output) for delivery in deliveries)
    except KeyboardInterrupt:
        tell("interrupted: what is not told above is still unknown; nothing was sent")
        return MAYBE_SENT


def _require_accounts(delivery: Delivery, config: Config) -> None:
    """Raise ConfigError where an account that was asked is another one here, or none."""
    for attempt in delivery.attempts:
        here = config.account(attempt.account).provider_name
        if here != attempt.provider:
            sentence = f"is {here} here, and {attempt.provider} was asked"
            raise fault(f"account {attempt.account}", sentence, config.where)


def _read(source: str) -> str:
    try:
        with nullcontext(sys.stdin.buffer) if source == "-" else Path(source).open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise fault(source, f"has more than {_MOST_BYTES:,} bytes; look up a part", WHERE)
        return data.decode("utf-8-sig")
    except OSError as error:
        raise fault(source, f"cannot be read ({name_of(error)})", WHERE) from None
    except UnicodeDecodeError:
        raise fault(source, "is not UTF-8 text", WHERE) from None


def _documents(text: str) -> Iterator[tuple[int, Any]]:
    """Yield each JSON document with the line on which it begins."""
    decoder, line, seen, end = json.JSONDecoder(), 1, 0, 0
    while (start := _next(text, end)) < len(text):
        line, seen = line + text.count("\n", seen, start), start
        try:
            found, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            raise fault(f"line {line}", "is not JSON", WHERE) from None
        yield line, found


def _next(text: str, end: int) -> int:
    while end < len(text) and text[end].isspace():
        end += 1
    return end


def _delivery(document: Any, line: int) -> Delivery:
    """Return the delivery in a document: itself, or that of an error."""
    data = document.get("delivery", document) if isinstance(document, dict) else None
    if not isinstance(data, dict) or not isinstance(data.get("attempts"), list):
        raise fault(f"line {line}", 'holds no delivery, as "polysms send --json" prints it', WHERE)
    try:
        found = Delivery.from_dict(data)
    except (ValueError, TypeError, KeyError, AttributeError, cattrs.BaseValidationError):
        raise fault(f"line {line}", "holds a delivery that cannot be read", WHERE) from None
    if not found.attempts and found.status is not Status.NOT_SENT:
        sentence = "holds a delivery without attempts: there is nothing to look for"
        raise fault(f"line {line}", sentence, WHERE)
    return found


def _resolved(client: Client, before: Delivery, within: float | None, output: Output) -> int:
    """Look for one delivery, tell what became of it, and return its exit code."""
    after, likely = _looked(client, before, within), None
    if _by_likeness(before, after):
        after, likely = before, after
    if output.json:
        found = {} if likely is None else {"likely": {name: getattr(likely, name) for name in _ID}}
        output.document({**after.to_dict(), **found}, indent=None)
    else:
        output.say(plainly(_told(after, likely)))
    return _CODES.get(after.status, DONE)


_CODES = {Status.MAYBE_SENT: MAYBE_SENT, Status.NOT_SENT: NOT_SENT}
#: What names a message that was found at its provider.
_ID = ("account", "provider_id", "status")


def _looked(client: Client, before: Delivery, within: float | None) -> Delivery:
    masked = before.to is not None and "*" in before.to
    # A masked number is nobody's; the reference does without it.
    sought = attrs.evolve(before, to=None) if masked else before
    try:
        after = client.resolve(sought, within=within, likely=True)
    except LookupFailed as error:
        tell(str(error))
        after = error.delivery or sought
    if masked and after.status is Status.MAYBE_SENT and "heuristic" in _grades(after):
        tell(
            f"{before.id}: its number is masked, and without it nothing like it can be found",
            'Give what "polysms send --json --reveal" printed.',
        )
    return attrs.evolve(after, to=before.to) if after.to is None else after


def _grades(delivery: Delivery) -> set[str | None]:
    return {one.lookup for one in delivery.attempts if one.outcome is Outcome.MAYBE_SENT}


def _by_likeness(before: Delivery, after: Delivery) -> bool:
    """Whether likeness is all that speaks for it: this process knows of no other message."""
    if before.status is not Status.MAYBE_SENT or after.status is Status.MAYBE_SENT:
        return False
    pairs = zip(before.attempts, after.attempts, strict=True)
    settled = [new for old, new in pairs if new.outcome is not old.outcome]
    return bool(settled) and all(one.lookup == "heuristic" for one in settled)


def _told(delivery: Delivery, likely: Delivery | None) -> str:
    if likely is not None:
        return (
            f"{delivery.id}: still unknown; {likely.account} has one like it, "
            f"{likely.provider_id} ({likely.status}), which may be another of yours"
        )
    if delivery.status is Status.MAYBE_SENT:
        return f"{delivery.id}: still unknown; do not send it again by reflex"
    if delivery.status in _CODES:
        return f"{delivery.id}: surely not sent; it may be sent again"
    has = f"{delivery.account} has it as {delivery.provider_id}"
    return f"{delivery.id}: {delivery.status}, {has}"
