"""Which of its senders an account may use for a message, and in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zlib import crc32

from polysms import numbers
from polysms.config import Account
from polysms.errors import InvalidMessage, Reason, Unsupported
from polysms.message import Message

Logical = Mapping[str, Mapping[str, Sequence[str]]]


def check_named(message: Message, logical: Logical) -> None:
    """Raise :class:`~polysms.errors.InvalidMessage` for a logical sender nobody configured."""
    if message.from_ and message.from_.startswith("@") and message.from_[1:] not in logical:
        known = ", ".join(f"@{name}" for name in logical) or "none"
        raise InvalidMessage(
            f"from_: there is no logical sender {message.from_!r}; known are {known}",
            field="from_",
        )


def senders_for(message: Message, account: Account, logical: Logical) -> Sequence[str]:
    """Return the senders this account may use, the first choice first.

    Raises Unsupported where it has none for the message.
    """
    wanted = message.from_
    if wanted is None:
        return _turned(account.sender, message, f"account {account.name} has no sender")
    if wanted.startswith("@"):
        own = logical[wanted[1:]].get(account.name, ())
        return _turned(own, message, f"account {account.name} has no sender for {wanted}")
    listed = [*account.sender, *_all_of(account.name, logical)]
    fitting = [sender for sender in listed if numbers.same(sender, wanted)]
    return _turned(fitting[:1], message, f"account {account.name} does not list this sender")


def _all_of(account: str, logical: Logical) -> list[str]:
    return [sender for senders in logical.values() for sender in senders.get(account, ())]


def _turned(senders: Sequence[str], message: Message, sentence: str) -> Sequence[str]:
    if not senders:
        raise Unsupported(f"{sentence}; add it to its sender", reason=Reason.SENDER)
    if len(senders) == 1:
        return senders
    # One recipient always hears from the same number; Python's own hash differs by process.
    first = crc32(message.to.encode()) % len(senders)
    return [*senders[first:], *senders[:first]]
