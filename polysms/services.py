"""What providers offer beside messages: balances, senders, facts about numbers, lists of opt-outs.

Values in neutral words; ``raw`` is the provider's own object. Which provider offers what is in its
capabilities.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs

from polysms import redact
from polysms.delivery import aware


def _raw() -> Any:
    return attrs.field(factory=dict, repr=False, hash=False)


def _time() -> Any:
    return attrs.field(default=None, converter=aware)


def _texts(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@attrs.frozen(kw_only=True)
class Balance:
    """What is left on an account; ``currency`` is None where the provider does not say it."""

    amount: Decimal
    currency: str | None = None
    raw: Mapping[str, Any] = _raw()


@attrs.frozen(kw_only=True)
class Identity:
    """Who the provider says that an account's credentials are."""

    id: str | None
    name: str | None = None
    raw: Mapping[str, Any] = _raw()


@attrs.frozen(kw_only=True)
class Sender:
    """A sender that a provider has for an account: a number, a short code or a name.

    ``kind`` is "number", "short_code" or "name". ``can_send`` is None where the provider does not
    say; where it is False, ``why`` says what is missing, in the provider's words.
    """

    id: str | None
    sender: str = attrs.field(repr=redact.shown)
    kind: str = "number"
    countries: tuple[str, ...] = ()
    usecase: str | None = None
    status: str | None = None
    can_send: bool | None = None
    why: str | None = None
    created_at: datetime | None = _time()
    raw: Mapping[str, Any] = _raw()


@attrs.frozen(kw_only=True)
class NewSender:
    """A sender that is to be registered; ``countries`` are two letters each.

    ``usecase``, ``monthly_volume`` and ``samples`` (texts that will be sent) are for the approval.
    """

    sender: str = attrs.field(repr=redact.shown)
    countries: tuple[str, ...] = attrs.field(converter=_texts)
    usecase: str | None = None
    monthly_volume: int | None = None
    samples: tuple[str, ...] = attrs.field(default=(), converter=_texts, repr=False)


@attrs.frozen(kw_only=True)
class Restriction:
    """What a country asks of a kind of sender."""

    country: str
    kind: str
    registration: bool | None = None
    text: str | None = None
    raw: Mapping[str, Any] = _raw()


@attrs.frozen(kw_only=True)
class NumberFacts:
    """What a provider knows of a number; ``kind`` is "mobile", "landline", or its own word."""

    number: str = attrs.field(repr=redact.mask)
    valid: bool | None = None
    country: str | None = None
    kind: str | None = None
    carrier: str | None = None
    mcc: str | None = None
    mnc: str | None = None
    raw: Mapping[str, Any] = _raw()


@attrs.frozen(kw_only=True)
class RemoteOptOut:
    """A number that a provider itself sends nothing to: from one sender, or (None) from any."""

    number: str = attrs.field(repr=redact.mask)
    sender: str | None = attrs.field(default=None, repr=redact.shown)
    created_at: datetime | None = _time()
    raw: Mapping[str, Any] = _raw()


@attrs.frozen
class Listed:
    """One page of a list, and what to ask for the next one with (None at the end)."""

    items: tuple[Any, ...]
    following: Any = None
