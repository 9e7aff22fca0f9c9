"""What became of a message: Delivery, Attempt, Status, Price, and what webhooks bring."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

import attrs

from polysms import redact
from polysms.errors import Reason

Time = TypeVar("Time", datetime, datetime | None)


class Status(StrEnum):
    """Where a message is, in the same words for every provider.

    A message's status is the highest rank seen, whatever the order of the reports.
    """

    PENDING = "PENDING"
    CANCELLED = "CANCELLED"
    NOT_SENT = "NOT_SENT"
    MAYBE_SENT = "MAYBE_SENT"
    UNRECOGNIZED = "UNRECOGNIZED"
    QUEUED = "QUEUED"
    SENT = "SENT"
    UNREPORTED = "UNREPORTED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    UNDELIVERED = "UNDELIVERED"
    DELIVERED = "DELIVERED"
    READ = "READ"
    RECEIVED = "RECEIVED"

    @property
    def rank(self) -> int:
        """Its place in the order of knowledge; the highest rank seen is the message's status."""
        return _RANKS[self]

    @property
    def final(self) -> bool:
        """Whether nothing more is expected from the provider."""
        return self in _FINAL


_RANKS = {status: rank for rank, status in enumerate(Status)}
_FINAL = frozenset(
    {
        Status.CANCELLED,
        Status.UNREPORTED,
        Status.EXPIRED,
        Status.REJECTED,
        Status.FAILED,
        Status.UNDELIVERED,
        Status.DELIVERED,
        Status.READ,
        Status.RECEIVED,
    }
)


class Outcome(StrEnum):
    """What is known of one attempt. A refusal is a kind of not sent: it has a ``reason``."""

    ACCEPTED = "accepted"
    NOT_SENT = "not_sent"
    MAYBE_SENT = "maybe_sent"


class Evidence(StrEnum):
    """What an outcome rests on, from "no byte left us" to "an id came back".

    FOUND and ABSENT are what later look-ups proved of an attempt that had been maybe sent.
    """

    NOTHING_WRITTEN = "nothing_written"
    NOT_COMPLETE = "not_complete"
    REFUSAL = "refusal"
    NO_ANSWER = "no_answer"
    UNCLEAR_ANSWER = "unclear_answer"
    ACCEPTED_WITHOUT_ID = "accepted_without_id"
    ACCEPTED = "accepted"
    FOUND = "found"
    ABSENT = "absent"


@attrs.frozen(slots=False)
class Price:
    """An amount of money: ``Price(Decimal("0.02"), "USD")``."""

    amount: Decimal
    currency: str = "USD"

    def __str__(self) -> str:
        """Return it as people write it: ``0.02 USD``."""
        return f"{self.amount} {self.currency}"


def aware(value: Time) -> Time:
    """Return a time with its zone; a time without one is UTC (providers leave the Z out)."""
    if value is None or value.tzinfo is not None:
        return value
    return value.replace(tzinfo=UTC)


def _time(**facts: Any) -> Any:
    return attrs.field(default=None, converter=aware, **facts)


@attrs.frozen(kw_only=True, slots=False)
class Attempt:
    """One try at one account.

    ``reference`` is our id of this attempt, on the wire where the provider has a field for it;
    ``unsupported`` names the advisory fields this provider has no word for, ``warnings`` what may
    go wrong all the same; ``text`` says in a sentence what happened; ``retry_after`` is seconds.
    ``valid_for`` (seconds) is what the provider was told. ``lookup`` says how surely this attempt
    can be found again ("exact", "heuristic", "none"); ``looks`` are the times at which it was
    looked for in vain and should have been seen. ``price`` is what the provider charges for it.
    """

    account: str
    provider: str
    reference: str
    started_at: datetime
    expires_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    evidence: Evidence | None = None
    reason: Reason | None = None
    status_code: int | None = None
    code: str | None = None
    text: str = ""
    retry_after: float | None = None
    provider_id: str | None = None
    from_: str | None = attrs.field(default=None, repr=redact.mask)
    valid_for: int | None = None
    lookup: str | None = None
    looks: tuple[datetime, ...] = ()
    unsupported: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    price: Price | None = None

    @property
    def seconds(self) -> float | None:
        """How long it took, None while it runs."""
        return (self.ended_at - self.started_at).total_seconds() if self.ended_at else None


@attrs.frozen(kw_only=True, slots=False)
class Considered:
    """One account the router looked at: whether it was chosen, and why or why not."""

    account: str
    chosen: bool
    why: str


@attrs.frozen(kw_only=True, slots=False)
class Delivery:
    """Where a message went and how it ended, as far as is known.

    ``id`` is ours and always there for what we sent (None for a foreign message in a provider's
    list); ``provider_id`` is the provider's. ``segments`` are the billed ones where the provider
    says so, else the predicted. ``price`` is the provider's charge, ``fees`` (the carrier's) are
    apart from it. ``mcc`` and ``mnc`` name the carrier. Times are aware. ``raw`` is the
    provider's own answer. ``retry_later`` says that it was not sent and may succeed later.
    """

    id: str | None
    status: Status
    raw_status: str | None = None
    account: str | None = None
    provider: str | None = None
    provider_id: str | None = None
    reference: str | None = None
    kind: str = "sms"
    direction: str = "outbound"
    to: str | None = attrs.field(default=None, repr=redact.mask)
    from_: str | None = attrs.field(default=None, repr=redact.mask)
    text: str | None = attrs.field(default=None, repr=False)
    media: tuple[str, ...] = attrs.field(default=(), repr=False)
    segments_predicted: int | None = None
    segments_billed: int | None = None
    price: Price | None = None
    fees: Price | None = None
    mcc: str | None = None
    mnc: str | None = None
    error_code: str | None = None
    error_text: str | None = attrs.field(default=None, repr=False)
    reason: Reason | None = None
    created_at: datetime | None = _time()
    sent_at: datetime | None = _time()
    delivered_at: datetime | None = _time()
    changed_at: datetime | None = _time()
    status_changed_at: datetime | None = _time()
    key: str | None = attrs.field(default=None, repr=redact.shown)
    tag: str | None = attrs.field(default=None, repr=redact.shown)
    retry_later: bool = attrs.field(default=False, repr=False)
    attempts: tuple[Attempt, ...] = ()
    considered: tuple[Considered, ...] = attrs.field(default=(), repr=False)
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, hash=False)

    @property
    def segments(self) -> int | None:
        """Billed segments where the provider says so, else the predicted ones."""
        return self.segments_predicted if self.segments_billed is None else self.segments_billed

    @property
    def final(self) -> bool:
        """Whether nothing more is expected."""
        return self.status.final

    def explain(self) -> str:
        """Return, in lines, which accounts were considered and why, and what each answered."""
        from polysms import explaining  # noqa: PLC0415 - loaded when used

        return explaining.explained(self)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data that JSON can carry; :meth:`from_dict` reads it back."""
        from polysms import plain  # noqa: PLC0415 - cattrs, loaded when used

        return plain.delivery_to_dict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Delivery:
        """Return the delivery that :meth:`to_dict` wrote."""
        from polysms import plain  # noqa: PLC0415 - cattrs, loaded when used

        return plain.delivery_from_dict(data)


@attrs.frozen(kw_only=True)
class DeliveryReport:
    """A delivery report (DLR): what a provider says of a message it took."""

    event_id: str
    account: str
    provider: str
    provider_id: str
    status: Status
    received_at: datetime = attrs.field(converter=aware)
    raw_status: str | None = None
    id: str | None = None
    reference: str | None = None
    key: str | None = attrs.field(default=None, repr=redact.shown)
    tag: str | None = attrs.field(default=None, repr=redact.shown)
    reason: Reason | None = None
    code: str | None = None
    at: datetime | None = _time()
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, hash=False)


@attrs.frozen(kw_only=True)
class InboundMessage:
    """A message someone sent to one of our numbers."""

    event_id: str
    account: str
    provider: str
    provider_id: str
    from_: str = attrs.field(repr=redact.mask)
    to: str = attrs.field(repr=redact.mask)
    received_at: datetime = attrs.field(converter=aware)
    text: str = attrs.field(default="", repr=False)
    media: tuple[str, ...] = attrs.field(default=(), repr=False)
    keyword: str | None = None
    at: datetime | None = _time()
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, hash=False)


Event = DeliveryReport | InboundMessage
