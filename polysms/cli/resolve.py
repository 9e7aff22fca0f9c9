"""``polysms resolve``: what became of messages that may have been sent. Never sends anything."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import attrs
import cattrs
import typer

from polysms.cli.failure import DONE, MAYBE_SENT, NOT_SENT, name_of, reported, tell
from polysms.cli.options import WHERE, File, Json, Reveal, Url, configured, seconds
from polysms.cli.output import Output, plainly
from polysms.client import Client
from polysms.config.reading import fault
from polysms.delivery import Delivery, Status
from polysms.errors import ConfigError, LookupFailed

Source = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        show_default=False,
        help='What "polysms send --json" printed, one or more; "-" reads stdin.',
    ),
]
Within = Annotated[
    str | None, typer.Option(metavar="TIME", help="Go on looking for so long, as 2m.")
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
    3 one is proved not to have been sent, so it may be sent again; 4 one is still unknown.
    """
    patience = seconds("--within", within)
    deliveries = [_delivery(document, place) for place, document in _documents(_read(source))]
    if not deliveries:
        raise fault(source, "holds no delivery", WHERE)
    output = Output(json=json, reveal=reveal)
    with Client(configured(config, url)) as client:
        codes = [_resolved(client, delivery, patience, output) for delivery in deliveries]
    return max(codes)


def _read(source: str) -> str:
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        return data.decode()
    except OSError as error:
        raise fault(source, f"cannot be read ({name_of(error)})", WHERE) from None
    except UnicodeDecodeError:
        raise fault(source, "is not UTF-8 text", WHERE) from None


def _documents(text: str) -> Iterator[tuple[int, Any]]:
    """Yield each JSON document with the line on which it begins."""
    decoder, end = json.JSONDecoder(), 0
    while (start := _next(text, end)) < len(text):
        line = text.count("\n", 0, start) + 1
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
    # A masked number is nobody's; the reference does without it.
    masked = found.to is not None and "*" in found.to
    return attrs.evolve(found, to=None) if masked else found


def _resolved(client: Client, delivery: Delivery, within: float | None, output: Output) -> int:
    """Look for one delivery, tell what became of it, and return its exit code."""
    try:
        delivery = client.resolve(delivery, within=within)
    except LookupFailed as error:
        if isinstance(error.__cause__, ConfigError):
            raise
        delivery = error.delivery or delivery
        tell(str(error))
    if output.json:
        output.document(delivery.to_dict(), indent=None)
    else:
        output.say(plainly(_told(delivery)))
    return _CODES.get(delivery.status, DONE)


_CODES = {Status.MAYBE_SENT: MAYBE_SENT, Status.NOT_SENT: NOT_SENT, Status.PENDING: NOT_SENT}


def _told(delivery: Delivery) -> str:
    if delivery.status is Status.MAYBE_SENT:
        return f"{delivery.id}: still unknown; do not send it again by reflex"
    if delivery.status in _CODES:
        return f"{delivery.id}: surely not sent; it may be sent again"
    has = f"{delivery.account} has it as {delivery.provider_id}"
    return f"{delivery.id}: {delivery.status}, {has}"
