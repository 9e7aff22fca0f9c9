"""A message of the ledger in sentences, for people who were not there and did not write the code.

Numbers are masked always; what a provider said is scrubbed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import attrs

from polysms import explaining, redact
from polysms.cli.output import Output
from polysms.delivery import Attempt, Delivery, DeliveryReport, Event, Outcome, Status
from polysms.errors import Fault

if TYPE_CHECKING:
    from polysms.ledger import Entry

_WAITING, _CLAIMED = "waiting", "claimed"
_RUN_A_WORKER = "See that a worker runs (polysms worker)"
#: What a provider has said of a message that it took and that did not arrive.
_LOST = {
    Status.UNDELIVERED: "it could not be delivered",
    Status.FAILED: "sending it failed",
    Status.REJECTED: "it was rejected on its way",
    Status.EXPIRED: "its time ran out before it could be delivered",
}
_ARRIVED = {
    Status.DELIVERED: "reported that the phone got it",
    Status.READ: "reported that it was read",
    Status.RECEIVED: "has it as received",
}
_BY_FAULT = {
    Fault.RECIPIENT: "Check the number with whoever it belongs to; the same again ends the same",
    Fault.MESSAGE: "Change the message; the same again ends the same",
    Fault.ACCOUNT: "Mend the account at its provider, then send it again",
    Fault.PROVIDER: "Send it again, by another account if there is one",
    Fault.US: "See what the report says; then send it again",
}


def when(moment: datetime | None) -> str | None:
    """Return a time in UTC, to the second."""
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def places(entry: Entry, output: Output) -> Iterator[tuple[str, object]]:
    """Yield what the ledger knows of a message beside its delivery, by name."""
    yield "key", output.words(entry.delivery.key)
    yield "tenant", entry.tenant
    yield "via", entry.via
    yield "outbox", entry.state
    yield "tries", entry.tries or None
    yield "next", when(entry.next_at)
    yield "valid until", when(entry.valid_until)
    yield "asked next", when(entry.look_at)
    yield "confirmed", when(entry.confirmed_at)
    yield "ended", when(entry.ended_at)


def document(entry: Entry, events: Sequence[Event]) -> dict[str, Any]:
    """Return all that is known of a message, for a program."""
    known = entry.delivery.to_dict()
    return {
        **known,
        "tenant": entry.tenant,
        "attempts": [
            {**one, "status": entry.statuses.get(one["reference"])} for one in known["attempts"]
        ],
        "outbox": outbox(entry),
        "events": [_event(event) for event in events],
    }


def outbox(entry: Entry) -> dict[str, Any]:
    """Return where a message stands in the outbox, for a program."""
    return {name: _plain(getattr(entry, name)) for name in _OUTBOX}


_OUTBOX = (
    *("state", "via", "tries", "next_at", "valid_until", "look_at"),
    *("confirmed_at", "ended_at"),
)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _event(event: Event) -> dict[str, Any]:
    facts = attrs.asdict(event, recurse=False)
    plain = {name: _plain(value) for name, value in facts.items()}
    return {**plain, "raw": dict(event.raw)}


def explanation(entry: Entry, events: Sequence[Event], now: datetime) -> dict[str, Any]:
    """Return what happened, why, and what to do, for a program."""
    happened, why, advice = _told(entry, events, now)
    return {
        "id": entry.delivery.id,
        "status": str(entry.delivery.status),
        "what_happened": happened,
        "why": why,
        "what_to_do": advice,
        "story": [*explaining.told(entry.delivery), *_reports(events)],
    }


def lines(entry: Entry, events: Sequence[Event], now: datetime) -> Iterator[str]:
    """Yield the lines of a message's story, of at most 79 characters."""
    happened, why, advice = _told(entry, events, now)
    first, *story = explaining.told(entry.delivery)
    yield first
    for title, sentence in (("What happened", happened), ("Why", why), ("What to do", advice)):
        if sentence:
            yield from _wrapped(f"{title}: {sentence}")
    yield "In detail:"
    yield from [*story, *_reports(events)]


def _wrapped(text: str) -> list[str]:
    return wrap(text, explaining.WIDTH, subsequent_indent="   ", break_on_hyphens=False)


def _reports(events: Sequence[Event]) -> Iterator[str]:
    for event in events:
        if isinstance(event, DeliveryReport):
            raw = f" ({redact.scrub(event.raw_status)})" if event.raw_status else ""
            yield f"{when(event.at or event.received_at)}: {event.account} said {event.status}{raw}"


def _told(entry: Entry, events: Sequence[Event], now: datetime) -> tuple[str, str | None, str]:
    """Return what happened, why where there is a reason, and what to do."""
    delivery = entry.delivery
    status = delivery.status
    asked = f"Asked for at {when(entry.created_at)}; "
    if status is Status.PENDING:
        return _pending(entry, asked, now)
    if status is Status.CANCELLED:
        ended = f"cancelled at {when(entry.ended_at)}, and never sent."
        return asked + ended, None, "Nothing. To send it after all, send it anew."
    if status is Status.NOT_SENT:
        return asked + "surely not sent.", _why_not(delivery), _sentence(_advice(delivery))
    if status is Status.MAYBE_SENT:
        return _unclear(entry, asked)
    happened = f"{asked}{_taken(delivery)}, {_since(delivery, status, events)}."
    return happened + _copies(delivery), _why_lost(delivery), _after_taken(entry, now)


def _pending(entry: Entry, asked: str, now: datetime) -> tuple[str, str | None, str]:
    last = _last_words(entry.delivery)
    if entry.state == _CLAIMED:
        return f"{asked}a worker is sending it now.", last, "Wait a minute, and ask again."
    if entry.state != _WAITING or entry.next_at is None:
        return f"{asked}a program is sending it now.", last, "Wait a minute, and ask again."
    cancel = f"polysms cancel {entry.delivery.id} stops it"
    if entry.next_at > now:
        happened = f"{asked}it waits in the outbox until {when(entry.next_at)}."
        return happened, last, f"Nothing: a worker sends it then. {cancel}."
    if entry.valid_until is not None and entry.valid_until <= now:
        happened = (
            f"{asked}it was valid until {when(entry.valid_until)}, so it is not sent any more."
        )
        return happened, last, f"{_RUN_A_WORKER}, and send it anew if it is still wanted."
    happened = f"{asked}it has been due since {when(entry.next_at)}, and no worker has taken it."
    return happened, last, f"{_RUN_A_WORKER}. {cancel}."


def _last_words(delivery: Delivery) -> str | None:
    """Return why the last try did not do, None where there was none."""
    if not delivery.attempts:
        return None
    last = delivery.attempts[-1]
    return _sentence(f"tried before, by {last.account}: {redact.scrub(last.text)}")


def _why_not(delivery: Delivery) -> str | None:
    tried = [one for one in delivery.attempts if one.text]
    if tried:
        said = "; ".join(f"{one.account}: {redact.scrub(one.text)}" for one in tried)
        return _sentence(said)
    return _sentence(redact.scrub(delivery.error_text)) if delivery.error_text else None


def _unclear(entry: Entry, asked: str) -> tuple[str, str | None, str]:
    unclear = [one for one in entry.delivery.attempts if one.outcome in {None, Outcome.MAYBE_SENT}]
    names = " and ".join(dict.fromkeys(one.account for one in unclear)) or "a provider"
    happened = f"{asked}it may have been sent: nobody can tell whether {names} took it."
    why = "; ".join(redact.scrub(one.text) or _NO_END for one in unclear) or None
    advice = _advice(entry.delivery)
    if entry.look_at is not None:
        advice = f"A worker looks for it at {when(entry.look_at)}. {advice}"
    return happened, why and _sentence(why), _sentence(advice)


_NO_END = "whoever sent it ended before the provider's answer was written down"


def _taken(delivery: Delivery) -> str:
    taken = [one for one in delivery.attempts if one.outcome is Outcome.ACCEPTED]
    before = _before(delivery, taken[:1])
    if not taken:
        return f"{delivery.account or 'a provider'} has it"
    return f"{before}{taken[0].account} took it at {when(taken[0].ended_at)}"


def _before(delivery: Delivery, taken: Sequence[Attempt]) -> str:
    failed = [one for one in delivery.attempts if one.outcome is Outcome.NOT_SENT]
    if not failed or not taken:
        return ""
    return f"{' and '.join(dict.fromkeys(one.account for one in failed))} did not; "


def _since(delivery: Delivery, status: Status, events: Sequence[Event]) -> str:
    at = delivery.delivered_at if status in _ARRIVED else delivery.status_changed_at
    moment = f" at {when(at)}" if at else ""
    if status in _ARRIVED:
        return f"and its provider {_ARRIVED[status]}{moment}"
    if status in _LOST:
        return f"and its provider reported{moment} that {_LOST[status]}"
    if status is Status.UNREPORTED:
        return "and its provider never reported what became of it"
    heard = "has not said yet whether it arrived" if events else "has reported nothing yet"
    return f"and its provider {heard}"


def _copies(delivery: Delivery) -> str:
    count = sum(one.outcome is Outcome.ACCEPTED for one in delivery.attempts)
    return f" {count} providers took a copy: it may have arrived more than once." * (count > 1)


def _why_lost(delivery: Delivery) -> str | None:
    if delivery.status not in _LOST:
        return None
    said = (delivery.reason, delivery.error_code and f"code {delivery.error_code}")
    words = [*filter(None, said), redact.scrub(delivery.error_text or delivery.raw_status or "")]
    return _sentence(", ".join(str(word).replace("_", " ") for word in words if word)) or None


def _after_taken(entry: Entry, now: datetime) -> str:
    delivery = entry.delivery
    if entry.confirmed_at is not None:
        return f"Nothing: it was confirmed at {when(entry.confirmed_at)}."
    if delivery.status in _LOST:
        fault = delivery.reason.fault if delivery.reason else Fault.US
        return f"{_BY_FAULT[fault]}."
    if delivery.final:
        return f"{_FINAL.get(delivery.status, 'Nothing')}."
    ask = f"polysms fetch {delivery.id} asks its provider"
    if entry.look_at is None:
        return f"Wait for its report, or ask: {ask}."
    if entry.look_at < now:
        return f"{_RUN_A_WORKER}: it asks what became of it. By hand: {ask}."
    return f"Wait: a worker asks at {when(entry.look_at)}. By hand: {ask}."


_FINAL = {
    Status.UNREPORTED: "Ask the recipient, or the provider's support; do not send it by reflex",
}


def _advice(delivery: Delivery) -> str:
    words = explaining.advice(delivery)
    return words[:1].upper() + words[1:]


def _sentence(text: str) -> str:
    return text + "." * (bool(text) and not text.endswith("."))
