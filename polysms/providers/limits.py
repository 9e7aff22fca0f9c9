"""Checks that every adapter makes before a send: only limits that would lose a message.

A limit that a provider itself explains in its refusal is left to it; what it would drop, cut or
fail later without a word is refused here, in a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import attrs

from polysms import numbers
from polysms.errors import InvalidMessage, Reason, Unsupported
from polysms.message import Message
from polysms.providers.base import Capabilities, Provider
from polysms.segments import segments

T = TypeVar("T")

_EMPTY: dict[type, Any] = {}
_NO_MMS = "sends texts alone, no media"
_MMS_TO: dict[str, Callable[[str], bool]] = {
    "none": lambda _: False,
    "any": lambda _: True,
    "US": numbers.in_us,
    "US and CA": numbers.in_us_or_canada,
}


def check(message: Message, can: Capabilities, *, kind: str | None = None) -> None:
    """Raise :class:`~polysms.errors.Unsupported` for what this provider cannot say accurately.

    ``kind`` is "sms" or "mms" where the adapter knows better than ``message.kind``.
    """
    kind = kind or message.kind
    _check_content(message, can, kind)
    if message.from_ is not None:
        _check_sender(message.from_, can)
    if numbers.is_short(message.to) and not can.short_numbers:
        raise _unsupported(can, Reason.CAPABILITY, f"cannot send to short numbers: {message.to}")
    if kind == "mms" and not _MMS_TO[can.mms_to](message.to):
        where = f"sends MMS only to numbers of: {can.mms_to}"
        raise _unsupported(can, Reason.CAPABILITY, where if can.mms_to != "none" else _NO_MMS)
    if message.status_callback and not can.status_callback:
        raise _unsupported(can, Reason.CAPABILITY, "takes no status_callback per message")


def _unsupported(can: Capabilities, reason: Reason, sentence: str) -> Unsupported:
    return Unsupported(f"{can.title}: {sentence}", reason=reason)


def _check_content(message: Message, can: Capabilities, kind: str) -> None:
    if len(message.media) > can.most_media:
        most = f"takes at most {can.most_media} media" if can.most_media else _NO_MMS
        spoken = f"{most}, the message has {len(message.media)}"
        raise _unsupported(can, Reason.MEDIA, spoken)
    longest = can.longest_mms_text if kind == "mms" else can.longest_text
    if longest is not None and len(message.text) > longest:
        spoken = f"takes at most {longest} characters of text in an {kind.upper()}"
        raise _unsupported(can, Reason.TOO_LONG, f"{spoken}, the message has {len(message.text)}")
    if can.longest_units and len(message.text) > min(can.longest_units.values()) // 2:
        _check_units(message.text, can)


def _check_units(text: str, can: Capabilities) -> None:
    counted = segments(text)
    limit = can.longest_units[counted.encoding]
    if counted.units > limit:
        spoken = f"takes at most {limit} units of {counted.encoding}, the text has {counted.units}"
        raise _unsupported(can, Reason.TOO_LONG, spoken)


def _check_sender(sender: str, can: Capabilities) -> None:
    if numbers.is_alphanumeric(sender):
        if not can.alphanumeric_senders:
            spoken = f"takes no alphanumeric sender such as {sender!r}"
            raise _unsupported(can, Reason.SENDER, spoken)
    elif numbers.is_short(sender) and not can.short_code_senders:
        raise _unsupported(can, Reason.SENDER, f"cannot send from a short code such as {sender}")


def advisory(message: Message, can: Capabilities) -> tuple[str, ...]:
    """Return the names of the wishes this provider has no word for; polysms honours them itself."""
    if message.valid_for is None and message.tag is None:
        return ()
    wishes = (("valid_for", message.valid_for, can.validity), ("tag", message.tag, can.tag))
    return tuple(name for name, wanted, possible in wishes if wanted is not None and not possible)


def options_of(message: Message, provider: str, kind: type[T]) -> T:
    """Return the message's options for one provider, typed; a plain mapping is read into them.

    Raises :class:`~polysms.errors.InvalidMessage` for an unknown name or a wrong type.
    """
    given = message.options.get(provider)
    if given is None:
        if kind not in _EMPTY:
            _EMPTY[kind] = kind()
        return _EMPTY[kind]  # type: ignore[no-any-return]
    if isinstance(given, kind):
        return given
    if not isinstance(given, Mapping):
        raise _wrong(provider, f"is a {type(given).__name__}; write {kind.__name__}(...)")
    known = {field.name for field in attrs.fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(given) - known):
        raise _wrong(provider, f"has no {unknown[0]!r}; known are {', '.join(sorted(known))}")
    try:
        return kind(**given)
    except (TypeError, ValueError, AttributeError) as error:
        if isinstance(error, InvalidMessage):
            raise
        raise _wrong(provider, str(error.args[0])) from error


def highest_price(value: object) -> Decimal | None:
    """Return the most that a message may cost, in USD: what reads an option ``max_price``."""
    if value is None:
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        found = Decimal("nan")
    if isinstance(value, bool) or not found.is_finite() or found <= 0:
        raise ValueError("max_price: write an amount in USD, as 0.0075")
    return found


def lookup_grade(message: Message, provider: Provider) -> str:
    """Return how surely a message can be found again (:class:`Capabilities`).

    Options that stand in our reference's place on the wire leave only likeness to go by.
    """
    grade = provider.capabilities.lookup
    if grade != "exact" or not message.options or provider.name not in message.options:
        return grade
    options: Any = options_of(message, provider.name, provider.Options)
    fields: Iterable[attrs.Attribute[Any]] = attrs.fields(provider.Options)
    ours = [field.name for field in fields if field.metadata.get("reference")]
    return "heuristic" if any(getattr(options, name) for name in ours) else grade


def _wrong(provider: str, sentence: str) -> InvalidMessage:
    return InvalidMessage(f"options[{provider!r}] {sentence}", field="options")
