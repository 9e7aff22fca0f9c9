"""Answering a message that came in."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from polysms import InboundMessage, InvalidMessage, Message, Unsupported
from polysms.webhooks import WebhookRequest, parse
from tests.clients import WAVIX, Both, accepted, answering

OURS, THEIRS = "+13137890021", "+13135550123"
MEMORY = {"provider": "memory", "sender": ["+13137890020", OURS]}
ACCOUNTS = {"accounts": {"house": MEMORY, "other": {"provider": "memory", "sender": OURS}}}

Make = Callable[..., Both]


def inbound(**changes: Any) -> InboundMessage:
    """Return a message that came in."""
    facts: dict[str, Any] = {
        "event_id": "e-1",
        "account": "house",
        "provider": "memory",
        "provider_id": "m-1",
        "from_": THEIRS,
        "to": OURS,
        "received_at": datetime(2026, 4, 14, tzinfo=UTC),
        "text": "Is my table ready?",
    }
    return InboundMessage(**{**facts, **changes})


def test_reply_goes_back_the_way_it_came(make: Make) -> None:
    """A reply is from the number that was written to, to the one that wrote, at that account."""
    delivery = make(ACCOUNTS).call("reply", inbound(), "It is")

    assert ("house", OURS, THEIRS, "It is") == (
        delivery.account,
        delivery.from_,
        delivery.to,
        delivery.text,
    )


def test_arguments_of_message_and_of_send(make: Make) -> None:
    """What ``send`` takes goes there, all else into the message."""
    heard: list[Message] = []
    both = make(ACCOUNTS, before_send=heard.append)
    delivery = both.call(
        "reply",
        inbound(),
        media=["https://example.com/a.png"],
        tag="tables",
        via="other",
        deadline=5,
    )

    assert ("other", "tables", "mms") == (delivery.account, delivery.tag, delivery.kind)
    assert [Message(THEIRS, media=["https://example.com/a.png"], tag="tables", from_=OURS)] == heard


def test_key_is_kept(make: Make, tmp_path: Any) -> None:
    """A webhook that is handled twice is answered once where the reply has a key."""
    both = make({**ACCOUNTS, "ledger": f"sqlite:///{tmp_path}/l.db"})
    first = both.call("reply", inbound(), "It is", key="reply:e-1")
    again = both.call("reply", inbound(), "It is", key="reply:e-1")

    assert first.id == again.id
    assert 1 == len(both.client.memory)


@pytest.mark.parametrize("sender", ["Acme", "Acme 24", "VM-ACME", ""])
def test_names_cannot_be_replied_to(make: Make, sender: str) -> None:
    """A message from a name, or from nobody, is not answered: the error says why."""
    both = make(ACCOUNTS)
    with pytest.raises(InvalidMessage, match="only a number can be replied to") as caught:
        both.call("reply", inbound(from_=sender), "It is")

    assert ("to", "house") == (caught.value.field, caught.value.account)
    assert () == both.client.memory


def test_only_an_inbound_message_is_answered(make: Make) -> None:
    """What did not come in is no message to reply to."""
    with pytest.raises(InvalidMessage, match="takes an InboundMessage, not a str"):
        make(ACCOUNTS).call("reply", THEIRS, "It is")


def test_number_that_the_account_does_not_list(make: Make) -> None:
    """A reply never comes from another number than the one that was written to."""
    both = make(ACCOUNTS)
    with pytest.raises(Unsupported, match="does not list this sender"):
        both.call("reply", inbound(to="+13137890029"), "It is")


def test_what_wavix_posts_is_answered(make: Make) -> None:
    """Wavix posts numbers without a plus; a reply goes to them as to any other."""
    transport, asked = answering(accepted())
    both = make(transport=transport)
    posted = {"message_id": "w-1", "from": THEIRS[1:], "to": WAVIX["sender"][1:]}
    posted |= {"message_body": {"text": "Hi", "media": None}, "received_at": "2026-04-14T13:51:16Z"}  # type: ignore[dict-item]
    request = WebhookRequest("POST", "/wavix", {}, json.dumps(posted).encode())
    (event,) = parse(both.client.config.account("wavix"), request)
    both.call("reply", event, "It is")
    said = json.loads(asked[0].content)

    assert (THEIRS, WAVIX["sender"]) == (said["to"], said["from"])


def test_sender_falls_back_to_the_accounts_number(make: Make) -> None:
    """A message that names no sender is from the account's own number."""
    transport, asked = answering(accepted())
    make(transport=transport).send(Message(THEIRS, "Your table is ready"))

    assert WAVIX["sender"] == json.loads(asked[0].content)["from"]


def test_message_from_a_name_warns(make: Make) -> None:
    """Who sends from a name is told that nobody can reply to it."""
    transport, _ = answering(accepted())
    both = make({"accounts": {"wavix": {**WAVIX, "sender": "Acme"}}}, transport=transport)
    delivery = both.send(Message("+442079460100", "Your table is ready"))

    assert ("sender 'Acme' is a name: nobody can reply to it",) == delivery.attempts[0].warnings
