"""Messages, attempts, deliveries and events as rows, and back, with nothing lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs

from polysms.delivery import (
    Attempt,
    Delivery,
    DeliveryReport,
    Event,
    Evidence,
    InboundMessage,
    Outcome,
    Price,
    Status,
)
from polysms.errors import Reason
from polysms.message import Message
from polysms.plain import delivery_from_dict, delivery_to_dict
from polysms.segments import segments
from polysms.values import changed

Row = Mapping[Any, Any]

#: Among the facts of an inbound message: the list on which it has changed something.
OPT_OUT = "opt_out"
#: Of a report: that its provider has signed it, and so the attempt it names.
SIGNED = "signed"
#: In the facts of a report that ends nothing: it came to the address of its attempt alone.
NAMED = "named"
_OURS = frozenset({OPT_OUT, SIGNED, NAMED})

#: What a delivery has from its copy.
_COPYS = ("account", "provider", "provider_id", "reference", "from_")
_LISTS = ("looks", "unsupported", "warnings")
_WORDS = {"outcome": Outcome, "evidence": Evidence, "reason": Reason}
_NAMES = {"from_": "sender"}
_ATTEMPT = tuple((f.name, _NAMES.get(f.name, f.name)) for f in attrs.fields(Attempt))
#: What a delivery has in columns of its own, or in those of its attempts.
_APART = ("id", "key", "tag", "text", "media", "raw", "attempts", "segments")
_EMPTY = Delivery(id=None, status=Status.PENDING)
_DEFAULTS = delivery_to_dict(_EMPTY)
_FACTS = tuple((name, usual) for name, usual in vars(_EMPTY).items() if name not in _APART)


def message_row(id_: str, message: Message, *, texts: bool, created_at: datetime) -> dict[str, Any]:
    """Return a message's row, nothing of it sent yet; without its text where none is kept."""
    return {
        "id": id_,
        "tenant": message.tenant or "",
        "key": message.key,
        "tag": message.tag,
        "kind": message.kind,
        "recipient": message.to,
        "sender": message.from_,
        "text": message.text if texts else None,
        "media": list(message.media) if texts and message.media else None,
        "options": plain_options(message) if texts and message.options else None,
        "valid_for": message.valid_for,
        "status_callback": message.status_callback,
        "timezone": message.timezone,
        "segments": 1 if message.media else segments(message.text).count,
        "texts": texts,
        "status": Status.PENDING,
        "created_at": created_at,
    }


def message_of(row: Row) -> Message | None:
    """Return the message of a row, None where its text is not kept."""
    if row["text"] is None or row["recipient"] is None:
        return None
    return Message(
        to=row["recipient"],
        text=row["text"],
        media=row["media"] or (),
        from_=row["sender"],
        valid_for=row["valid_for"],
        status_callback=row["status_callback"],
        tag=row["tag"],
        key=row["key"],
        tenant=row["tenant"] or None,
        timezone=row["timezone"],
        options=row["options"] or {},
    )


def plain_options(message: Message) -> dict[str, Any]:
    """Return a message's options as plain data, without what is as it would be unsaid."""
    return {name: _plain(options) for name, options in sorted(message.options.items())}


def _plain(options: Any) -> Any:
    if not attrs.has(type(options)):
        return options
    fields = attrs.fields_dict(type(options))
    given = attrs.asdict(options).items()
    return {name: value for name, value in given if value != fields[name].default}


def attempt_row(message_id: str, attempt: Attempt) -> dict[str, Any]:
    """Return an attempt's row."""
    row = {**vars(attempt), "message_id": message_id}
    row["sender"] = row.pop("from_")
    row["looks"] = [look.isoformat() for look in attempt.looks] or None
    row["unsupported"] = list(attempt.unsupported) or None
    row["warnings"] = list(attempt.warnings) or None
    price = row.pop("price")
    if price is not None:
        # Where it is not known it may be known already: that stays.
        row |= {"price": str(price.amount), "currency": price.currency}
    return row


def attempt_of(row: Row) -> Attempt:
    """Return the attempt of a row."""
    facts = {name: row[column] for name, column in _ATTEMPT}
    for name, kind in _WORDS.items():
        if facts[name] is not None:
            facts[name] = kind(facts[name])
    for name in _LISTS:
        facts[name] = tuple(facts[name] or ())
    facts["looks"] = tuple(datetime.fromisoformat(look) for look in facts["looks"])
    if facts["price"] is not None:
        facts["price"] = Price(Decimal(facts["price"]), row["currency"])
    return Attempt(**facts)


def ended_row(delivery: Delivery) -> dict[str, Any]:
    """Return what a delivery adds to its message's row."""
    said = vars(delivery)
    facts = {name: _plainly(said[name]) for name, usual in _FACTS if said[name] != usual}
    return {
        "account": delivery.account,
        "provider": delivery.provider,
        "provider_id": delivery.provider_id,
        "price": str(delivery.price.amount) if delivery.price else None,
        "currency": delivery.price.currency if delivery.price else None,
        "facts": facts,
        "raw": dict(delivery.raw) or None,
    }


def _plainly(value: Any) -> Any:
    """Return a fact as :func:`delivery_to_dict` would, which takes far longer for all of them."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Price):
        return {"amount": str(value.amount), "currency": value.currency}
    # What was considered; words and numbers are as plain as they are.
    return [vars(one) for one in value] if isinstance(value, tuple) else value


def delivery_of(row: Row, attempts: Sequence[Attempt]) -> Delivery:
    """Return the delivery of a message's row, at the status it ended with."""
    if row["facts"] is None:
        return _unended(row, tuple(attempts))
    kept = {
        "id": row["id"],
        "key": row["key"],
        "tag": row["tag"],
        "text": row["text"],
        "media": row["media"] or [],
        "raw": row["raw"] or {},
    }
    delivery = delivery_from_dict({**_DEFAULTS, **row["facts"], **kept})
    return changed(delivery, attempts=tuple(attempts), **_found_later(delivery, attempts))


def _found_later(delivery: Delivery, attempts: Sequence[Attempt]) -> dict[str, Any]:
    """Return who has a message of which its send did not know that: a report has told of it."""
    if delivery.provider_id is not None or delivery.status is not Status.MAYBE_SENT:
        return {}
    taken = [one for one in attempts if one.evidence is Evidence.FOUND]
    return {name: getattr(taken[-1], name) for name in _COPYS} if taken else {}


def _unended(row: Row, attempts: tuple[Attempt, ...]) -> Delivery:
    """Return the delivery of a message whose send has not ended, or never will."""
    last: Any = attempts[-1] if attempts else None
    facts: dict[str, Any] = {name: getattr(last, name, None) for name in _COPYS}
    return Delivery(
        id=row["id"],
        status=Status.PENDING,
        kind=row["kind"],
        to=row["recipient"],
        text=row["text"],
        media=tuple(row["media"] or ()),
        segments_predicted=row["segments"],
        created_at=row["created_at"],
        key=row["key"],
        tag=row["tag"],
        attempts=attempts,
        raw=row["raw"] or {},
        **facts,
    )


def event_row(event: Event) -> dict[str, Any]:
    """Return an event's row, of which it is not known yet whose message it is."""
    inbound = isinstance(event, InboundMessage)
    own = ("raw", "text", "media", "received_at", "account", "event_id", "provider")
    facts = {
        field.name: _said(getattr(event, field.name))
        for field in attrs.fields(type(event))
        if field.name not in own
    }
    return {
        "account": event.account,
        "event_id": event.event_id,
        "kind": "inbound" if inbound else "report",
        "provider": event.provider,
        "provider_id": event.provider_id,
        "reference": getattr(event, "reference", None),
        "message_id": None,
        "status": getattr(event, "status", None),
        "received_at": event.received_at,
        "sender": getattr(event, "from_", None),
        "recipient": getattr(event, "to", None),
        "texts": True,
        "text": getattr(event, "text", None),
        "media": list(getattr(event, "media", ())) or None,
        "facts": {name: value for name, value in facts.items() if value is not None},
        "raw": dict(event.raw) or None,
    }


def _said(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def event_of(row: Row) -> Event:
    """Return the event of a row."""
    facts = {name: value for name, value in row["facts"].items() if name not in _OURS}
    facts |= {name: row[name] for name in ("account", "event_id", "provider", "received_at")}
    facts["raw"] = row["raw"] or {}
    if facts.get("at") is not None:
        facts["at"] = datetime.fromisoformat(facts["at"])
    if row["kind"] == "inbound":
        return InboundMessage(**facts, text=row["text"] or "", media=tuple(row["media"] or ()))
    facts["status"] = Status(facts["status"])
    facts["reason"] = Reason(facts["reason"]) if "reason" in facts else None
    return DeliveryReport(**facts)
