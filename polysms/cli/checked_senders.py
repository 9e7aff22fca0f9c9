"""What providers say of the senders that an account is configured with."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from polysms import Client, numbers, redact
from polysms.client.offers import offers
from polysms.config import Account
from polysms.errors import PolysmsError
from polysms.services import Sender

#: Senders of a provider that are looked through.
MOST = 10_000


def cannot_send(account: Account, client: Client) -> Iterator[str]:
    """Yield a sentence for each sender that its provider has and does not let send.

    A provider that gives no answer says nothing here: a number it does not list may be good.
    """
    if not account.sender or not offers(account, "senders"):
        return
    try:
        listed = list(islice(client.senders.list(account.name), MOST))
    except PolysmsError:
        return
    for sender in account.sender:
        for found in listed:
            if found.can_send is False and numbers.same(found.sender, sender):
                why = _why(found, account, client)
                yield f"sender {redact.mask(sender)} cannot send yet: {why}"


def _why(found: Sender, account: Account, client: Client) -> str:
    """Return why a sender cannot send: what is said of it alone, if that is more."""
    said = found.why or found.status or "its provider says so"
    if found.status is not None or found.id is None or not offers(account, "sender"):
        return said
    try:
        alone = client.senders.get(found.id, account.name)
    except PolysmsError:
        return said
    return alone.why or said
