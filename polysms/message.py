"""The message: what you want said, checked when it is made.

A :class:`Message` that exists can be sent: its number is possible, it has text or media, its URLs
are http(s). What only one provider cannot say is found later, when that provider is asked.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import attrs

from polysms import numbers, redact
from polysms.errors import InvalidMessage

#: More than any provider takes in one message, and far from what hurts us.
LONGEST_TEXT = 10_000
MOST_MEDIA = 20
LONGEST_URL = 2_048
LONGEST_LABEL = 255
#: Four weeks: beyond it no carrier keeps a message.
LONGEST_VALIDITY = 28 * 24 * 3600
_KEPT_CONTROLS = "\n\r\t\f"
# Blanks, control characters, halves of surrogate pairs: what no URL has.
_STRANGE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff\\]")


def _wrong(field: str, sentence: str) -> InvalidMessage:
    return InvalidMessage(f"{field}: {sentence}", field=field)


def _text(value: str | None) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _wrong("text", f"is a {type(value).__name__}; write a str")
    if len(value) > LONGEST_TEXT:
        raise _wrong("text", f"has {len(value)} characters; at most {LONGEST_TEXT} can be sent")
    if value.isprintable():
        return value
    for character in value:
        if unicodedata.category(character) == "Cs":
            raise _wrong(
                "text",
                f"has half a surrogate pair (U+{ord(character):04X}); "
                "decode it as UTF-16 or remove it",
            )
        if unicodedata.category(character) == "Cc" and character not in _KEPT_CONTROLS:
            raise _wrong("text", f"has the control character U+{ord(character):04X}; remove it")
    return value


def url(field: str, value: str) -> str:
    """Return an http(s) URL as it is; raise :class:`InvalidMessage` where it cannot be one."""
    if not isinstance(value, str):
        raise _wrong(field, f"is a {type(value).__name__}; write an http(s) URL")
    if len(value) > LONGEST_URL:
        raise _wrong(field, f"is {len(value)} characters long; at most {LONGEST_URL} can be sent")
    try:
        parts = urlsplit(value)
        port_is_sane = parts.port != 0
    except ValueError:
        raise _wrong(field, "is not a URL; write one as https://example.com/a.png") from None
    if parts.scheme not in {"http", "https"}:
        raise _wrong(field, f"begins with {parts.scheme[:12]!r}; only http and https are sent")
    if parts.username is not None or parts.password is not None:
        raise _wrong(field, "has a user name or password in it; remove them")
    if not parts.hostname or not port_is_sane or _STRANGE.search(value):
        raise _wrong(field, "is not a URL; write one as https://example.com/a.png")
    return value


def _media(value: Iterable[str] | None) -> tuple[str, ...]:
    if not value:
        return ()
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise _wrong("media", f"is one {type(value).__name__}; write a list of URLs")
    items = tuple(islice(value, MOST_MEDIA + 1))
    if len(items) > MOST_MEDIA:
        raise _wrong("media", f"has more than {MOST_MEDIA} items, and no more can be sent")
    return tuple(url("media", item) for item in items)


def _sender(value: str | None) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_LABEL:
        raise _wrong("from_", "is not a sender; write a number, a sender ID or @name")
    if not value.isprintable():
        raise _wrong("from_", "has control characters; remove them")
    return numbers.sender(value)


def _valid_for(value: float | timedelta | None) -> int | None:
    if value is None:
        return None
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise _wrong("valid_for", f"is a {type(value).__name__}; write seconds")
    if not 1 <= seconds <= LONGEST_VALIDITY:
        raise _wrong("valid_for", "is out of range; write 1 second to 28 days")
    return int(seconds)


def _callback(value: str | None) -> str | None:
    return None if value is None else url("status_callback", value)


def _label(_: Message, field: attrs.Attribute[Any], value: str | None) -> None:
    if value is None:
        return
    if not isinstance(value, str) or not value or len(value) > LONGEST_LABEL:
        raise _wrong(field.name, f"is not a str of 1 to {LONGEST_LABEL} characters")
    if not value.isprintable():
        raise _wrong(field.name, "has control characters; remove them")


def _timezone(_: Message, __: attrs.Attribute[Any], value: str | None) -> None:
    if value is None:
        return
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - rarely wanted

    try:
        ZoneInfo(value)
    except (KeyError, ValueError, TypeError, OSError):
        raise _wrong("timezone", "is unknown; write one as America/Detroit") from None


def _options(value: Mapping[str, Any] | None) -> dict[str, Any]:
    if not value:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise _wrong("options", 'is not a mapping of provider names, as {"wavix": ...}')
    return dict(value)


def _shown_text(text: str) -> str:
    return f"<{len(text)} characters>"


def _shown_media(media: tuple[str, ...]) -> str:
    return f"<{len(media)} URLs>"


def _shown_options(options: Mapping[str, Any]) -> str:
    return f"<for {', '.join(sorted(options)) or 'none'}>"


def _optional(validator: Any = None, **facts: Any) -> Any:
    return attrs.field(default=None, kw_only=True, validator=validator, **facts)


@attrs.frozen(slots=False)
class Message:
    """What you want said, to whom; checked when it is made (:class:`InvalidMessage`).

    ``to`` is E.164 (``+13135550123``) or a short number (988); ``media`` holds http(s) URLs, any
    of which makes it an MMS; ``from_`` is a number or sender ID that an account lists as its own,
    or ``@name`` from ``[senders]``; ``valid_for`` is in seconds: no attempt begins after it;
    ``status_callback`` takes the delivery reports in place of polysms; ``tag`` is your label for
    grouping, ``key`` your idempotency key, ``tenant`` its scope; ``timezone`` is the
    recipient's, as ``America/Detroit``; ``options`` holds typed extras by provider name.
    """

    to: str = attrs.field(converter=numbers.recipient, repr=redact.mask)
    text: str = attrs.field(default="", converter=_text, repr=_shown_text)
    media: tuple[str, ...] = attrs.field(
        default=(), converter=_media, kw_only=True, repr=_shown_media
    )
    from_: str | None = attrs.field(default=None, converter=_sender, kw_only=True, repr=redact.mask)
    valid_for: int | None = attrs.field(default=None, converter=_valid_for, kw_only=True)
    status_callback: str | None = attrs.field(
        default=None, converter=_callback, kw_only=True, repr=False
    )
    tag: str | None = _optional(_label, repr=redact.shown)
    key: str | None = _optional(_label, repr=redact.shown)
    tenant: str | None = _optional(_label, repr=redact.shown)
    timezone: str | None = _optional(_timezone)
    options: Mapping[str, Any] = attrs.field(
        factory=dict, converter=_options, kw_only=True, repr=_shown_options, hash=False
    )

    def __attrs_post_init__(self) -> None:
        """Refuse a message that says nothing."""
        if not self.text and not self.media:
            raise _wrong("text", "is empty and there are no media; write a text or add media")

    @property
    def kind(self) -> str:
        """``"mms"`` with media, else ``"sms"``."""
        return "mms" if self.media else "sms"
