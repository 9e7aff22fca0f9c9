"""The rails: who may be reached at all."""

from __future__ import annotations

import attrs

from polysms import numbers, redact
from polysms.config.reading import Texts
from polysms.config.routes import countries
from polysms.errors import InvalidMessage


def masked(value: tuple[str, ...]) -> str:
    """Return numbers as a ``repr`` shows them."""
    return str([redact.mask(number) for number in value])


def _reachable(value: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(numbers.recipient(number) for number in value)
    except InvalidMessage as error:
        raise ValueError(f"only_to: {error}") from None


def _redirect(value: str | None) -> str | None:
    try:
        return None if value is None else numbers.recipient(value)
    except InvalidMessage as error:
        raise ValueError(f"redirect_to: {error}") from None


def _most(value: int | None) -> int | None:
    if value is not None and value < 1:
        raise ValueError("max_segments: must be at least 1")
    return value


@attrs.frozen(kw_only=True)
class Rails:
    """Safety for staging and for life: who may be reached at all, and how long a text may be.

    ``only_to`` lists the numbers that may be reached, ``redirect_to`` takes every message,
    ``countries`` lists two-letter countries, ``max_segments`` bounds one message.
    """

    only_to: Texts = attrs.field(default=(), converter=_reachable, repr=masked)
    redirect_to: str | None = attrs.field(default=None, converter=_redirect, repr=redact.mask)
    countries: Texts = attrs.field(default=(), converter=countries)
    max_segments: int | None = attrs.field(default=None, converter=_most)
