"""What a believed webhook tells: its events, and the answer that its provider expects."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import attrs

from polysms.config import Account
from polysms.delivery import DeliveryReport, Event, InboundMessage
from polysms.errors import BadPayload, BadSignature
from polysms.providers.base import Record
from polysms.providers.hearing import Heard, WebhookRequest, WebhookResponse, bounded
from polysms.webhooks.keywords import EVERY, Keywords
from polysms.webhooks.verifying import Verdict, verify

#: When something came that nobody took the time of: never, rather than a time that is invented.
UNTIMED = datetime(1970, 1, 1, tzinfo=UTC)


@attrs.frozen
class Hearing:
    """The events of a webhook, the answer to give once they are kept, and how far it is believed.

    ``verdict`` is None where nobody asked for one.
    """

    events: tuple[Event, ...]
    answer: WebhookResponse
    verdict: Verdict | None = None


def read(
    account: Account,
    request: WebhookRequest,
    public_url: str,
    source: str | None = None,
    keywords: Keywords = EVERY,
) -> Hearing:
    """Return what a request to an account's address tells, as far as it is believed.

    Raises :class:`~polysms.errors.BadSignature` for what is forged, and
    :class:`~polysms.errors.BadPayload` for what cannot be read.
    """
    verdict = verify(account, bounded(request), public_url, source).demand()
    hearing = hear(account, request, reference=verdict.reference, keywords=keywords)
    if not verdict.inbound and any(isinstance(one, InboundMessage) for one in hearing.events):
        raise BadSignature("the webhook is refused: signature: is missing from an inbound message")
    return Hearing(hearing.events, hearing.answer, verdict)


def parse(account: Account, request: WebhookRequest) -> tuple[Event, ...]:
    """Return the events of a request, which nobody has verified by that.

    A webhook about a message that it does not name has none. Raises BadPayload for what cannot be
    read, or is about no message at all.
    """
    return hear(account, request).events


def hear(
    account: Account,
    request: WebhookRequest,
    *,
    reference: str | None = None,
    keywords: Keywords = EVERY,
) -> Hearing:
    """Return the events of a request, and the answer its provider expects.

    ``reference`` is the attempt that the address has proved; else the one the body claims is taken.
    """
    adapter: Any = account.adapter
    if not hasattr(adapter, "events"):
        raise BadPayload(f"{account.provider_name} posts no webhooks", account=account.name)
    heard: Heard = adapter.events(request)
    named = [record for record in heard.records if record.provider_id]
    received_at = request.received_at
    return Hearing(
        tuple(
            _inbound(account, record, received_at, keywords)
            if record.direction == "inbound"
            else _report(account, record, received_at, reference)
            for record in named
        ),
        heard.answer,
    )


def _report(
    account: Account, record: Record, received_at: datetime | None, reference: str | None
) -> DeliveryReport:
    at = record.status_changed_at
    when = at.isoformat() if at else None
    return DeliveryReport(
        event_id=event_id(account.name, record.provider_id, record.raw_status, when),
        account=account.name,
        provider=account.provider_name,
        provider_id=record.provider_id or "",
        status=record.status,
        received_at=received_at or at or UNTIMED,
        raw_status=record.raw_status,
        reference=reference or record.reference,
        reason=record.reason,
        code=record.error_code,
        at=at,
        raw=record.raw,
    )


def _inbound(
    account: Account, record: Record, received_at: datetime | None, keywords: Keywords
) -> InboundMessage:
    text, at = record.text or "", record.created_at
    return InboundMessage(
        # Without its time: a message comes once, and one that is posted again is the same.
        event_id=event_id(account.name, record.provider_id, "inbound", None),
        account=account.name,
        provider=account.provider_name,
        provider_id=record.provider_id or "",
        from_=record.from_ or "",
        to=record.to or "",
        received_at=received_at or at or UNTIMED,
        text=text,
        media=record.media,
        keyword=keywords.kind(text),
        at=at,
        raw=record.raw,
    )


def event_id(*said: str | None) -> str:
    """Return an id that is the same for a report that comes again, and for no other."""
    # None and "" differ, and so do ("ab", "c") and ("a", "bc").
    parts = "".join("-;" if part is None else f"{len(part)}:{part};" for part in said)
    return hashlib.sha256(parts.encode(errors="surrogatepass")).hexdigest()[:32]
