"""Rails: who may be reached at all, checked before any account is asked.

They cover every number one request would reach, a group's members included.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from polysms import numbers, redact
from polysms.config import Account, Rails
from polysms.errors import Reason, Refused, Unsupported
from polysms.message import Message
from polysms.segments import segments

_GROUP = "group_recipients"


def redirected(message: Message, rails: Rails) -> Message:
    """Return the message, addressed to ``redirect_to`` where that is set."""
    if rails.redirect_to is None:
        return message
    return attrs.evolve(message, to=rails.redirect_to)


def check(message: Message, account: Account, rails: Rails) -> None:
    """Raise :class:`~polysms.errors.Refused` by "polysms" for what the rails forbid."""
    if rails.max_segments is not None and segments(message.text).count > rails.max_segments:
        raise _refused(f"the text needs more than {rails.max_segments} segments", "max_segments")
    if not (rails.only_to or rails.redirect_to or rails.countries):
        return
    for number in recipients(message, account):
        _check_number(number, rails)


def check_group(message: Message, account: Account) -> None:
    """Raise Unsupported where the options for another provider name a group that this one ignores.

    A group is one outcome: it never becomes single messages, on its way through a route or not.
    """
    grouped = [name for name, options in message.options.items() if _others(message, options)]
    if grouped and account.provider_name not in grouped:
        title = account.adapter.capabilities.title
        raise Unsupported(f"{title} would not reach the whole group", reason=Reason.CAPABILITY)


def _others(message: Message, options: Any) -> bool:
    """Whether options name others than the recipient."""
    mapped = isinstance(options, Mapping)
    named: Any = options.get(_GROUP) if mapped else getattr(options, _GROUP, None)
    return bool(named) and tuple(named) != (message.to,)


def recipients(message: Message, account: Account) -> tuple[str, ...]:
    """Return every number this account's request would reach."""
    listed = getattr(account.adapter, "recipients", None)
    return (message.to,) if listed is None else listed(message)


def _check_number(number: str, rails: Rails) -> None:
    shown = redact.mask(number)
    if rails.redirect_to and number != rails.redirect_to:
        raise _refused(f"{shown} is in a group and cannot be redirected", "redirect_to")
    if rails.only_to and number not in rails.only_to:
        raise _refused(f"{shown} is not in the list", "only_to")
    if rails.countries and numbers.country(number) not in rails.countries:
        found = numbers.country(number) or "a country that cannot be told"
        raise _refused(f"{shown} is of {found}", "countries")


def _refused(sentence: str, rail: str) -> Refused:
    return Refused(
        f"refused by the rail {rail}: {sentence}",
        by="polysms",
        reason=Reason.BLOCKED,
        code=f"rails.{rail}",
    )
