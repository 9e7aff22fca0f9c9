"""What a provider says of a message later: to who asks, and to the program's receiver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from polysms.client import standin
from polysms.config import Account
from polysms.delivery import Delivery, Status
from polysms.providers.base import Record
from polysms.providers.hearing import WebhookRequest
from polysms.routing.results import delivery_of
from polysms.testing.hearing import address_of, apost, post, receiver_of
from polysms.testing.players import Guessed, Player
from polysms.testing.problems import NoAnswer
from polysms.testing.sent import Sent
from polysms.testing.taking import Taking

if TYPE_CHECKING:
    from polysms.server import Receiver


@attrs.frozen
class Settled:
    """A message that has come to a status at its provider."""

    sent: Sent
    provider_id: str
    player: Any
    client: Any
    delivery: Delivery


def settled(
    taking: Taking,
    delivery: Delivery | Sent,
    status: Status | str,
    code: str | None,
    text: str | None,
) -> Settled:
    """Let a message have come to a status; return what is known of it."""
    sent, provider_id = taking.found(delivery)
    client = taking.client_of(sent)
    player: Any = _player(taking, _account(client, sent))
    player.settle(provider_id, status, code, text)
    known = sent.delivery if isinstance(delivery, Sent) else delivery
    return Settled(sent, provider_id, player, client, known)


def _account(client: Any, sent: Sent) -> Account:
    for one in (client, *standin.clients):
        if one is not None and sent.account in one.config.accounts:
            account: Account = one.config.account(sent.account)
            return account
    raise NoAnswer(f"the client of account {sent.account!r} is gone")


def _player(taking: Taking, account: Account) -> Player:
    player = taking.players.of(account)
    if isinstance(player, Guessed):
        player.ask_of("a status later")
    return player


def reported(taking: Taking, what: Settled, given: Receiver | None) -> Delivery:
    """Post a report of a message's status; return its delivery then."""
    receiver, account, request = _posting(what, given)
    post(receiver, account, request)
    return _after(taking, what, account, request)


async def areported(taking: Taking, what: Settled, given: Receiver | None) -> Delivery:
    """As :func:`reported`, in an event loop."""
    receiver, account, request = _posting(what, given)
    await apost(receiver, account, request)
    return _after(taking, what, account, request)


def _posting(what: Settled, given: Receiver | None) -> tuple[Receiver, Account, WebhookRequest]:
    receiver = receiver_of(what.sent.account, what.client, given)
    account = receiver.client.config.account(what.sent.account)
    request: WebhookRequest = what.player.report(what.provider_id, address_of(receiver, account))
    return receiver, account, request


def _after(taking: Taking, what: Settled, account: Account, request: WebhookRequest) -> Delivery:
    adapter: Any = account.adapter
    records: tuple[Record, ...] = adapter.events(request).records
    known = what.delivery
    if records:
        taking.ended(delivery_of(records[0], attrs.evolve(known, provider_id=what.provider_id)))
    return what.sent.delivery
