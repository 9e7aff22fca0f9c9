"""How the sandbox behaves: its speed, its seed, and the trouble it is asked to make."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import attrs
from attrs.validators import deep_mapping, gt, in_, instance_of, le, optional

PROVIDERS = ("wavix", "carrierx", "signalwire", "twilio")

#: What a whole provider can be told to do, and what it means for every send to it.
MODES: Mapping[str, str] = {
    "ok": "as its documents say",
    "refuse": "the account may not send: refused in the provider's own words",
    "limited": "429 with Retry-After: 1, nothing is accepted",
    "error": "accepted, then 500",
    "hang": "accepted, then no answer",
    "down": "every request's connection is closed without an answer; nothing is accepted",
}
#: Providers whose account, and not the single message, says where reports go.
ACCOUNT_CALLBACKS = ("wavix", "carrierx")

_FASTEST = 10_000
#: A provider that is slower than so many times has no end that anyone waits for.
_SLOWEST = 10_000
# Visible ASCII only: the address is written into a request line.
_WEB_URL = re.compile(r"https?://[!-~]+", re.IGNORECASE)


def is_web_url(value: object) -> bool:
    """Return whether a value is an http or https URL with a host."""
    if not isinstance(value, str) or not _WEB_URL.fullmatch(value):
        return False
    try:
        parts = urlsplit(value)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _web_url(_: object, attribute: attrs.Attribute[str], value: object) -> None:
    if not is_web_url(value):
        raise ValueError(f"{attribute.name}: write an http or https URL")


def _numbers(least: float, most: float) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    def check(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not least <= value <= most:
            raise ValueError(f"{attribute.name}: write a number from {least:g} to {most:g}")

    return check


@attrs.frozen(kw_only=True)
class Behaviour:
    """What the sandbox is asked to be like; the control API changes it while it runs.

    ``speed`` divides every time: at 1 a message is delivered in about two seconds. ``seed`` makes
    ids and small delays repeat; without one each run has its own. ``clock`` returns the time in
    seconds since 1970. ``modes`` holds a word of :data:`MODES` by provider; ``losses`` the share of
    its messages that end undelivered (which ones follows from the seed, the number and the text),
    ``slowness`` how many times as long it takes for each. ``wrapped`` makes
    Wavix wrap a message it is asked for in ``{"message": ...}``; ``legacy`` makes CarrierX answer
    with ``from_did`` and ``to_did``. ``callback_urls`` holds, by provider, where the reports of
    the whole account go (Wavix, CarrierX). ``signing_key`` signs SignalWire's callbacks, and
    Twilio's where a message was sent with an API key and not with the account's token.
    ``disorder`` posts reports as on a bad day, see :mod:`polysms.sandbox.disorder`.
    ``hang_seconds`` bounds an answer that never comes. Raises ValueError or TypeError for a value
    that makes no sense.
    """

    speed: float = attrs.field(
        default=1.0, validator=[instance_of((int, float)), gt(0), le(_FASTEST)]
    )
    seed: int | None = attrs.field(default=None, validator=optional(instance_of(int)))
    clock: Callable[[], float] = time.time
    modes: Mapping[str, str] = attrs.field(
        factory=dict, validator=deep_mapping(in_(PROVIDERS), in_(MODES), instance_of(dict))
    )
    losses: Mapping[str, float] = attrs.field(
        factory=dict, validator=deep_mapping(in_(PROVIDERS), _numbers(0, 1), instance_of(dict))
    )
    slowness: Mapping[str, float] = attrs.field(
        factory=dict,
        validator=deep_mapping(in_(PROVIDERS), _numbers(0.01, _SLOWEST), instance_of(dict)),
    )
    wrapped: bool = attrs.field(default=False, validator=instance_of(bool))
    legacy: bool = attrs.field(default=False, validator=instance_of(bool))
    callback_urls: Mapping[str, str] = attrs.field(
        factory=dict,
        validator=deep_mapping(in_(ACCOUNT_CALLBACKS), _web_url),
    )
    signing_key: str = attrs.field(
        default="PSKsandbox0000000000", validator=[instance_of(str), attrs.validators.min_len(1)]
    )
    disorder: bool = attrs.field(default=False, validator=instance_of(bool))
    hang_seconds: float = attrs.field(default=120.0, validator=gt(0))

    def mode(self, provider: str) -> str:
        """Return the mode of one provider."""
        return self.modes.get(provider, "ok")
