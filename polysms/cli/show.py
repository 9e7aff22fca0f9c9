"""How a delivery is shown to people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from rich.text import Text

from polysms.cli.output import Output, plainly
from polysms.delivery import Delivery, Status

_GOOD = frozenset({Status.DELIVERED, Status.READ, Status.RECEIVED})
_LONGEST_ID = 13


def status(found: Status) -> Text:
    """Return a status in its colour: green arrived, yellow open or unclear, red did not."""
    over = found.final or found is Status.NOT_SENT
    colour = "green" if found in _GOOD else "red" if over else "yellow"
    return Text(found, style=colour)


def short_id(identity: str | None) -> str:
    """Return an id in at most thirteen characters."""
    identity = plainly(identity or "")
    return identity if len(identity) <= _LONGEST_ID else identity[: _LONGEST_ID - 1] + "…"


def time(moment: datetime | None, now: datetime) -> str:
    """Return a time in UTC as ``11-21 07:30``, with its year alone where that is another."""
    if moment is None:
        return ""
    there = moment.astimezone(UTC)
    return f"{there:%m-%d %H:%M}" if there.year == now.astimezone(UTC).year else f"{there:%Y-%m-%d}"


def facts(delivery: Delivery, output: Output) -> Iterator[tuple[str, object]]:
    """Yield what is known of a delivery, by name."""
    yield "id", delivery.id
    yield "account", delivery.account
    yield "provider", delivery.provider
    yield "provider id", delivery.provider_id
    yield "kind", delivery.kind if delivery.direction == "outbound" else f"inbound {delivery.kind}"
    yield "from", output.number(delivery.from_)
    yield "to", output.number(delivery.to)
    yield "segments", delivery.segments
    yield "price", delivery.price
    yield "fees", delivery.fees
    yield "carrier", "-".join(filter(None, (delivery.mcc, delivery.mnc)))
    yield "tag", delivery.tag
    yield from _times(delivery)
    yield "text", output.words(delivery.text)
    yield "error", output.words(" ".join(filter(None, (delivery.error_code, delivery.error_text))))


def _times(delivery: Delivery) -> Iterator[tuple[str, object]]:
    for name in ("created_at", "sent_at", "delivered_at", "status_changed_at"):
        moment: datetime | None = getattr(delivery, name)
        yield name.removesuffix("_at").replace("_", " "), moment and _whole(moment)


def _whole(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
