"""The timetable: which statuses a message goes through, and when; and who asks for trouble."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from enum import StrEnum
from random import Random

import attrs


class Wish(StrEnum):
    """What is to become of a send."""

    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    EXPIRED = "expired"
    INVALID_NUMBER = "invalid_number"
    OPTED_OUT = "opted_out"
    BALANCE = "balance"
    LIMITED = "limited"
    ERROR = "error"
    HANG = "hang"
    BUSY = "busy"
    BARE_BUSY = "bare_busy"
    DROP = "drop"
    HTML = "html"
    EMPTY = "empty"
    CUT = "cut"
    REFUSED = "refused"


#: By the last four digits of the recipient.
MAGIC: Mapping[str, Wish] = {
    "0102": Wish.UNDELIVERED,
    "0103": Wish.FAILED,
    "0104": Wish.EXPIRED,
    "0105": Wish.INVALID_NUMBER,
    "0106": Wish.OPTED_OUT,
    "0107": Wish.BALANCE,
    "0108": Wish.LIMITED,
    "0109": Wish.ERROR,
    "0110": Wish.HANG,
    "0111": Wish.BUSY,
    "0112": Wish.BARE_BUSY,
    "0113": Wish.DROP,
    "0114": Wish.HTML,
    "0115": Wish.EMPTY,
    "0116": Wish.CUT,
}
#: By the mode of a whole provider. "down" never gets as far as a send.
BY_MODE: Mapping[str, Wish] = {
    "refuse": Wish.REFUSED,
    "limited": Wish.LIMITED,
    "error": Wish.ERROR,
    "hang": Wish.HANG,
}
#: Senders, by their last four digits: not a number of the account, and only a verified caller ID.
STRANGE_SENDER = "0198"
VERIFIED_SENDER = "0199"
#: Whether every number is as good as any other: where trouble is asked for in another way.
plain: ContextVar[bool] = ContextVar("plain", default=False)


def wish(recipient: str, mode: str) -> Wish:
    """Return what is to become of a send: what the provider's mode says, else the recipient."""
    asked = Wish.DELIVERED if plain.get() else MAGIC.get(recipient[-4:], Wish.DELIVERED)
    return BY_MODE.get(mode) or asked


def is_strange(sender: str) -> bool:
    """Whether a sender is none of the account's."""
    return not plain.get() and sender.endswith(STRANGE_SENDER)


def is_only_verified(sender: str) -> bool:
    """Whether a sender is a verified caller ID, and no number of the account's."""
    return not plain.get() and sender.endswith(VERIFIED_SENDER)


@attrs.frozen
class Step:
    """A status, in the provider's word, from ``at`` on, and why: the error's code and text.

    In a timetable ``at`` is seconds after acceptance, in a message seconds since 1970.
    """

    status: str
    at: float
    code: str | None = None
    text: str | None = None


@attrs.frozen(kw_only=True)
class _Words:
    """The statuses of one provider: on the way, and at the end by wish (none: it never ends)."""

    waiting: tuple[str, ...]
    sent: str
    ends: Mapping[Wish, str]
    early: frozenset[Wish]
    errors: Mapping[str, tuple[str | None, str]]


_WORDS: Mapping[str, _Words] = {
    # Wavix docs, the status list and the error catalogue; the texts are paraphrases of errors 23
    # and 24. `rejected` and `expired` come instead of `sent`.
    "wavix": _Words(
        waiting=("accepted", "pending"),
        sent="sent",
        ends={
            Wish.DELIVERED: "delivered",
            Wish.UNDELIVERED: "undelivered",
            Wish.FAILED: "rejected",
            Wish.EXPIRED: "expired",
        },
        early=frozenset({Wish.FAILED, Wish.EXPIRED}),
        errors={
            "undelivered": (None, "Message rejected by the far-end carrier"),
            "rejected": (None, "Gateway rejected the message"),
            "expired": (None, "Message validity period expired"),
        },
    ),
    # CarrierX docs, send page (seed 003) and wrap-up page: queued, sent, delivered. No page that
    # could be read names a failure: these two words are guesses. The object has no error field.
    "carrierx": _Words(
        waiting=("queued",),
        sent="sent",
        ends={
            Wish.DELIVERED: "delivered",
            Wish.UNDELIVERED: "undelivered",
            Wish.FAILED: "failed",
        },
        early=frozenset({Wish.FAILED}),
        errors={},
    ),
    # SignalWire's OpenAPI, `Message.MessageStatus` (seed 004), and its error-codes page.
    "signalwire": _Words(
        waiting=("queued", "initiated"),
        sent="sent",
        ends={
            Wish.DELIVERED: "delivered",
            Wish.UNDELIVERED: "undelivered",
            Wish.FAILED: "failed",
        },
        early=frozenset({Wish.FAILED}),
        errors={
            "undelivered": ("unreachable_destination_handset", "The handset is unreachable."),
            "failed": ("unable_to_deliver_to_carrier", "Unable to deliver to the carrier."),
        },
    ),
    # Twilio's guide "Outbound Message Status in Status Callbacks" and its pages on errors 30003 and
    # 30007; no page says which code goes with which ending.
    "twilio": _Words(
        waiting=("queued", "sending"),
        sent="sent",
        ends={
            Wish.DELIVERED: "delivered",
            Wish.UNDELIVERED: "undelivered",
            Wish.FAILED: "failed",
        },
        early=frozenset({Wish.FAILED}),
        errors={
            "undelivered": ("30003", "Unreachable destination handset"),
            "failed": ("30007", "Message filtered"),
        },
    ),
}
# Seconds after acceptance, at speed 1.
_OFFSETS = (0.0, 0.3)
_SENT = 0.8
_END = 2.0
_SPREAD = 0.1


def timetable(provider: str, kind: str, ending: Wish, random: Random) -> tuple[Step, ...]:
    """Return the steps of a message at speed 1, earliest first.

    Every offset is off by up to a tenth. A wish that is not about the ending is delivered.
    """
    words = _WORDS[provider]
    stops = ending if ending in (*words.ends, Wish.EXPIRED) else Wish.DELIVERED
    return tuple(
        Step(word, _spread(offset, random), *words.errors.get(word, ()))
        for word, offset in _planned(words, stops, silent=_is_silent(provider, kind))
    )


def _planned(words: _Words, ending: Wish, *, silent: bool) -> list[tuple[str, float]]:
    steps = list(zip(words.waiting, _OFFSETS, strict=False))
    if ending not in words.early:
        steps.append((words.sent, _SENT))
    if ending in words.ends and not (silent and ending not in words.early):
        steps.append((words.ends[ending], _END))
    return steps


def _is_silent(provider: str, kind: str) -> bool:
    # SignalWire's webhooks page: no carrier reports an MMS back, so `sent` is its last state.
    return (provider, kind) == ("signalwire", "mms")


def _spread(offset: float, random: Random) -> float:
    return offset * random.uniform(1 - _SPREAD, 1 + _SPREAD)
