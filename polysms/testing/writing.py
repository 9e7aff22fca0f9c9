"""What a person writes to the program, as the sandbox posts it for each provider."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from polysms import numbers
from polysms.config import Account
from polysms.providers.hearing import WebhookRequest
from polysms.testing.hearing import address_of, any_receiver, apost, as_posted, post
from polysms.testing.players import PLAYED
from polysms.testing.problems import NoAnswer
from polysms.testing.sent import Sent
from polysms.testing.taking import Taking

if TYPE_CHECKING:
    from polysms.server import Receiver


@attrs.frozen(kw_only=True)
class Writing:
    """What a person writes; ``to`` and ``account`` are found where they are left out."""

    from_: str
    to: str | None
    text: str
    media: tuple[str, ...]
    account: str | None


def written(taking: Taking, what: Writing, given: Receiver | None) -> None:
    """Post a message of a person's to the program's receiver."""
    receiver = any_receiver(given)
    account, request = _posting(taking, what, receiver)
    post(receiver, account, request)


async def awritten(taking: Taking, what: Writing, given: Receiver | None) -> None:
    """As :func:`written`, in an event loop."""
    receiver = any_receiver(given)
    account, request = _posting(taking, what, receiver)
    await apost(receiver, account, request)


def _posting(taking: Taking, what: Writing, receiver: Receiver) -> tuple[Account, WebhookRequest]:
    accounts = {
        name: receiver.client.config.account(name)
        for name, one in receiver.client.config.accounts.items()
        if hasattr(one.provider, "events")
    }
    last = next(
        (
            sent
            for sent in reversed(taking.every)
            if sent.account in accounts
            and any(numbers.same(what.from_, x) for x in sent.recipients)
        ),
        None,
    )
    account = accounts[_account_of(what, accounts, last)]
    to = what.to or (last and last.from_) or next(iter(account.sender), None)
    if to is None:
        raise NoAnswer(f"say to=: the account {account.name!r} has no sender")
    return account, _request(account, attrs.evolve(what, to=to), address_of(receiver, account))


def _account_of(what: Writing, accounts: Mapping[str, Account], last: Sent | None) -> str:
    """Return the account that hears it: the one named, that of the number, the last that wrote."""
    if what.account is not None:
        if what.account not in accounts:
            raise NoAnswer(f"account: {what.account!r} hears nothing; known are {_names(accounts)}")
        return what.account
    to = what.to
    owners = [
        name
        for name, one in accounts.items()
        if to is not None and any(numbers.same(to, sender) for sender in one.sender)
    ]
    if last is not None and (not owners or last.account in owners):
        return last.account
    found = owners or list(accounts)
    if len(found) != 1:
        raise NoAnswer(f"say account=: which of {_names(accounts)} hears it is not clear")
    return found[0]


def _names(accounts: Mapping[str, Account]) -> str:
    return ", ".join(accounts) or "none"


def _request(account: Account, what: Writing, url: str) -> WebhookRequest:
    adapter: Any = account.adapter
    if adapter.name not in PLAYED:
        raise NoAnswer(f"nobody knows how {adapter.capabilities.title} posts an inbound message")
    from polysms.sandbox.inbound import posted  # noqa: PLC0415 - an extra

    wanted = {
        "provider": adapter.name,
        "url": url,
        "from": what.from_,
        "to": what.to,
        "text": what.text,
        "media": list(what.media),
    }
    keys: tuple[str, ...] = getattr(adapter, "signing_keys", ())
    _, callback = posted(wanted, keys[0] if keys else "", time.time())
    return as_posted(callback)
