"""Messages, attempts and deliveries of every kind, for the ledger's tests."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from polysms.delivery import (
    Attempt,
    Considered,
    Delivery,
    DeliveryReport,
    Evidence,
    Outcome,
    Price,
    Status,
)
from polysms.errors import Reason
from polysms.message import Message
from polysms.routing.fold import sent_status, together
from polysms.values import changed

#: Long ago, so that what asks the real clock is found out.
NOW = datetime(2024, 5, 17, 12, 0, tzinfo=UTC)
NUMBER = "+13135550123"
_ids = itertools.count()


def clock() -> datetime:
    """Return the time, which stands still."""
    return NOW


def fresh(prefix: str = "id") -> str:
    """Return an id that no other test has."""
    return f"{prefix}-{next(_ids):06d}"


def message(text: str = "Your table is ready", to: str = NUMBER, **fields: Any) -> Message:
    """Return a message."""
    return Message(to, text, **fields)


def opened(reference: str | None = None, **facts: Any) -> Attempt:
    """Return an attempt that is about to begin."""
    usual = {
        "account": "wavix",
        "provider": "wavix",
        "started_at": NOW,
        "expires_at": NOW + timedelta(seconds=90),
        "lookup": "exact",
    }
    return Attempt(reference=reference or fresh("ref"), **{**usual, **facts})


def closed(attempt: Attempt, outcome: Outcome = Outcome.ACCEPTED, **facts: Any) -> Attempt:
    """Return an attempt as it has ended."""
    usual: dict[str, Any] = {"ended_at": attempt.started_at + timedelta(seconds=1)}
    if outcome is Outcome.ACCEPTED:
        usual |= {"provider_id": fresh("theirs"), "evidence": Evidence.ACCEPTED}
    return changed(attempt, outcome=outcome, **{**usual, **facts})


def ended(id_: str, said: Message, *attempts: Attempt, **facts: Any) -> Delivery:
    """Return the delivery that a send of these attempts returns."""
    last = attempts[-1]
    usual = {
        "status": together(sent_status(one.outcome, one.expires_at, NOW) for one in attempts),
        "account": last.account,
        "provider": last.provider,
        "provider_id": last.provider_id,
        "reference": last.reference,
        "to": said.to,
        "from_": last.from_,
        "text": said.text,
        "media": said.media,
        "kind": said.kind,
        "key": said.key,
        "tag": said.tag,
        "created_at": last.started_at,
        "attempts": attempts,
    }
    return Delivery(id=id_, **{**usual, **facts})


def report(attempt: Attempt, status: Status = Status.DELIVERED, **facts: Any) -> DeliveryReport:
    """Return a report about an attempt, told by the provider's id."""
    usual = {
        "event_id": fresh("event"),
        "account": attempt.account,
        "provider": attempt.provider,
        "provider_id": attempt.provider_id,
        "received_at": NOW,
    }
    return DeliveryReport(status=status, **{**usual, **facts})


# Everything that a provider may send, NUL and halves of surrogate pairs among it.
words = st.text(st.characters(exclude_categories=()), max_size=12) | st.just('json:"x"')
labels = st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=12)
times = st.datetimes(
    datetime(2020, 1, 1),
    datetime(2090, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5)), timezone(timedelta(hours=13))]),
)
prices = st.builds(Price, st.decimals(0, 100, places=5), st.sampled_from(["USD", "EUR"]))


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return None, or what the strategy gives."""
    return st.none() | strategy


attempts = st.builds(
    Attempt,
    account=labels,
    provider=labels,
    reference=st.builds(fresh, st.just("ref")),
    started_at=times,
    expires_at=maybe(times),
    ended_at=maybe(times),
    outcome=st.sampled_from(Outcome),
    evidence=maybe(st.sampled_from(Evidence)),
    reason=maybe(st.sampled_from(Reason)),
    status_code=maybe(st.integers(100, 599)),
    code=maybe(words),
    text=words,
    retry_after=maybe(st.floats(0, 1e9)),
    provider_id=maybe(words),
    from_=maybe(words),
    valid_for=maybe(st.integers(0, 2**40)),
    lookup=st.sampled_from([None, "exact", "heuristic", "none"]),
    looks=st.lists(times, max_size=3).map(tuple),
    unsupported=st.lists(labels, max_size=3).map(tuple),
    warnings=st.lists(words, max_size=3).map(tuple),
    price=maybe(prices),
)
raws = st.dictionaries(
    words, st.none() | st.booleans() | st.integers() | words | st.lists(words, max_size=2)
)
messages = st.builds(
    Message,
    to=st.sampled_from([NUMBER, "988", "+442079460123"]),
    text=st.text(st.characters(categories=("L", "N", "Zs")), min_size=1, max_size=20),
    media=st.sampled_from([(), ("https://example.com/a.png",)]),
    from_=st.sampled_from([None, "Acme", "@alerts"]),
    valid_for=maybe(st.integers(1, 3600)),
    status_callback=st.sampled_from([None, "https://example.com/reports"]),
    tag=maybe(labels),
    key=maybe(labels),
    tenant=maybe(labels),
    timezone=st.sampled_from([None, "America/Detroit"]),
    options=st.dictionaries(labels, st.dictionaries(labels, words, max_size=2), max_size=2),
)


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[Message, Delivery]:
    """Return a message and its delivery, as a send (or a later look) may have left it."""
    said = draw(messages)
    tries = tuple(draw(st.lists(attempts, max_size=4)))
    facts = {name: draw(strategy) for name, strategy in _FACTS.items()}
    status = draw(st.sampled_from([Status.NOT_SENT, Status.CANCELLED]))
    if tries:
        status = together(sent_status(one.outcome, one.expires_at, NOW) for one in tries)
        accepted = [one for one in tries if one.outcome is Outcome.ACCEPTED]
        facts["reference"] = (accepted or tries)[-1].reference
        # What a provider says of its copy is more than that it took it.
        if accepted and Outcome.MAYBE_SENT not in {one.outcome for one in tries}:
            status = draw(st.sampled_from(SAID)) if len(accepted) == 1 else status
    kept: dict[str, Any] = {
        "text": said.text,
        "media": said.media,
        "key": said.key,
        "tag": said.tag,
    }
    made = Delivery(id=fresh(), status=status, **kept, **facts)
    return said, changed(made, attempts=tries)


#: What a provider may say of a message that it took.
SAID = tuple(status for status in Status if status.rank > Status.MAYBE_SENT.rank)
_FACTS: dict[str, st.SearchStrategy[Any]] = {
    "raw_status": maybe(words),
    "account": maybe(labels),
    "provider": maybe(labels),
    "provider_id": maybe(words),
    "kind": st.sampled_from(["sms", "mms"]),
    "direction": st.sampled_from(["outbound", "inbound"]),
    "to": maybe(words),
    "from_": maybe(words),
    "segments_predicted": maybe(st.integers(1, 10)),
    "segments_billed": maybe(st.integers(0, 2**70)),
    "price": maybe(prices),
    "fees": maybe(prices),
    "mcc": maybe(words),
    "mnc": maybe(words),
    "error_code": maybe(words),
    "error_text": maybe(words),
    "reason": maybe(st.sampled_from(Reason)),
    "created_at": maybe(times),
    "sent_at": maybe(times),
    "delivered_at": maybe(times),
    "changed_at": maybe(times),
    "status_changed_at": maybe(times),
    "retry_later": st.booleans(),
    "considered": st.lists(
        st.builds(Considered, account=labels, chosen=st.booleans(), why=words), max_size=2
    ).map(tuple),
    "raw": raws,
}
