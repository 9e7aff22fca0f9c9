"""Checks that every adapter makes before a send: only limits that would lose a message.

A limit that a provider itself explains in its refusal is left to it; what it would drop, cut or
fail later without a word is refused here, in a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import attrs

from polysms import numbers
from polysms.errors import InvalidMessage, Reason, Unsupported
from polysms.message import Message
from polysms.providers.base import Capabilities
from polysms.segments import segments

T = TypeVar("T")

_MMS_TO: dict[str, Callable[[str], bool]] = {
    "any": lambda _: True,
    "US": numbers.in_us,
    "US and CA": numbers.in_us_or_canada,
}


def check(message: Message, can: Capabilities, *, kind: str | None = None) -> None:
    """Raise :class:`~polysms.errors.Unsupported` for what this provider cannot say accurately.

    ``kind`` is "sms" or "mms" where the adapter knows better than ``message.kind``.
    """
    for reason, sentence in _problems(message, can, kind or message.kind):
        raise Unsupported(f"{can.title}: {sentence}", reason=reason)


def _problems(message: Message, can: Capabilities, kind: str) -> Iterator[tuple[Reason, str]]:
    yield from _content(message, can, kind)
    yield from _sender(message.from_, can)
    if numbers.is_short(message.to) and not can.short_numbers:
        yield Reason.CAPABILITY, f"cannot send to short numbers such as {message.to}"
    if kind == "mms" and not _MMS_TO[can.mms_to](message.to):
        yield Reason.CAPABILITY, f"sends MMS only to numbers of: {can.mms_to}"
    if message.status_callback and not can.status_callback:
        yield Reason.CAPABILITY, "takes no status_callback per message"


def _content(message: Message, can: Capabilities, kind: str) -> Iterator[tuple[Reason, str]]:
    if len(message.media) > can.most_media:
        spoken = f"takes at most {can.most_media} media"
        yield Reason.MEDIA, f"{spoken}, the message has {len(message.media)}"
    longest = can.longest_mms_text if kind == "mms" else can.longest_text
    if longest is not None and len(message.text) > longest:
        spoken = f"takes at most {longest} characters of text in an {kind.upper()}"
        yield Reason.TOO_LONG, f"{spoken}, the message has {len(message.text)}"
    if can.longest_units and len(message.text) > min(can.longest_units.values()) // 2:
        yield from _units(message.text, can.longest_units)


def _units(text: str, longest: Mapping[str, int]) -> Iterator[tuple[Reason, str]]:
    counted = segments(text)
    limit = longest[counted.encoding]
    if counted.units > limit:
        spoken = f"takes at most {limit} units of {counted.encoding}"
        yield Reason.TOO_LONG, f"{spoken}, the text has {counted.units}"


def _sender(sender: str | None, can: Capabilities) -> Iterator[tuple[Reason, str]]:
    if sender is None:
        return
    if numbers.is_alphanumeric(sender):
        if not can.alphanumeric_senders:
            yield Reason.SENDER, f"takes no alphanumeric sender such as {sender!r}"
    elif numbers.is_short(sender) and not can.short_code_senders:
        yield Reason.SENDER, f"cannot send from a short code such as {sender}"


def advisory(message: Message, can: Capabilities) -> tuple[str, ...]:
    """Return the names of the wishes this provider has no word for; polysms honours them itself."""
    wishes = (("valid_for", message.valid_for, can.validity), ("tag", message.tag, can.tag))
    return tuple(name for name, wanted, possible in wishes if wanted is not None and not possible)


def options_of(message: Message, provider: str, kind: type[T]) -> T:
    """Return the message's options for one provider, typed; a plain mapping is read into them.

    Raises :class:`~polysms.errors.InvalidMessage` for an unknown name or a wrong type.
    """
    given = message.options.get(provider)
    if given is None:
        return kind()
    if isinstance(given, kind):
        return given
    if not isinstance(given, Mapping):
        raise _wrong(provider, f"is a {type(given).__name__}; write {kind.__name__}(...)")
    known = {field.name for field in attrs.fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(given) - known):
        raise _wrong(provider, f"has no {unknown[0]!r}; known are {', '.join(sorted(known))}")
    try:
        return kind(**given)
    except (TypeError, ValueError) as error:
        if isinstance(error, InvalidMessage):
            raise
        raise _wrong(provider, str(error)) from error


def _wrong(provider: str, sentence: str) -> InvalidMessage:
    return InvalidMessage(f"options[{provider!r}] {sentence}", field="options")
