"""Twilio over both clients and the sandbox, which was written from the same documents apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from polysms import (
    LookupFailed,
    MaybeSent,
    Message,
    Outcome,
    Reason,
    Refused,
    Status,
)
from polysms.sandbox import Behaviour, running
from tests.clients import Both, answering

Make = Callable[..., Both]
SID, TOKEN = f"AC{'2' * 32}", "twilio-canary-token"
SENDER = "+13135550106"
#: A number of its own for each client and test: likeness is by number.
AREA = {"sync": "+1313", "async": "+1212"}


@pytest.fixture(scope="module")
def home() -> Iterator[Any]:
    """Run one sandbox for the tests of this module."""
    with running(behaviour=Behaviour(speed=100, seed=7)) as sandbox:
        yield sandbox


def tables(url: str, **facts: Any) -> dict[str, Any]:
    """Return the configuration of one account, at an address."""
    account = {"account_sid": SID, "auth_token": TOKEN, "sender": SENDER, "base_url": url}
    return {"accounts": {"twilio": {**account, "timeouts": {"read": 0.5}, **facts}}}


def settled(client: Both, delivery: Any) -> Any:
    """Return a delivery as it is at its end."""
    for _ in range(400):
        delivery = client.fetch(delivery)
        if delivery.final:
            return delivery
    pytest.fail("it did not settle")


@pytest.mark.parametrize("media", [(), ("https://example.com/menu.png",)])
def test_whole_life(home: Any, make: Make, media: tuple[str, ...]) -> None:
    """A message is sent, delivered, listed and forgotten, and has cost something."""
    client = make(tables(home.url))
    text = f"{client.kind} {len(media)}"
    sent = client.send(Message(f"{AREA[client.kind]}5550101", text, media=media, valid_for=600))
    assert (Status.QUEUED, "twilio") == (sent.status, sent.provider)

    delivered = settled(client, sent)
    assert Status.DELIVERED is delivered.status
    assert delivered.price.amount > 0

    listed = client.list_remote("twilio", since=datetime.now(UTC) - timedelta(hours=1))
    assert sent.provider_id in {one.provider_id for one in listed}

    client.call("redact", sent)
    assert "" == client.fetch(sent).raw["body"]


STATUSES = [("0102", Status.UNDELIVERED), ("0103", Status.FAILED)]


@pytest.mark.parametrize(("ending", "status"), STATUSES)
def test_bad_end(home: Any, make: Make, ending: str, status: Status) -> None:
    """What a carrier says no to has Twilio's code and our reason."""
    client = make(tables(home.url))
    ended = settled(client, client.send(Message(f"{AREA[client.kind]}555{ending}", "x")))
    assert status is ended.status
    assert ended.error_code.startswith("30")
    assert ended.reason is not None


REFUSALS = [("0105", Reason.INVALID_NUMBER), ("0106", Reason.OPTED_OUT)]


@pytest.mark.parametrize(("ending", "reason"), REFUSALS)
def test_refusal(home: Any, make: Make, ending: str, reason: Reason) -> None:
    """A no has its reason, and nothing was taken."""
    with pytest.raises(Refused) as raised:
        make(tables(home.url)).send(Message(f"+1313555{ending}", "x"))
    assert reason is raised.value.reason


@pytest.mark.parametrize("ending", ["0109", "0113", "0114", "0115", "0116"])
def test_taken_without_a_word(home: Any, make: Make, ending: str) -> None:
    """A message that was taken without our hearing of it is found by likeness, once."""
    client = make(tables(home.url))
    message = Message(f"{AREA[client.kind]}555{ending}", f"{client.kind} {ending}")
    with pytest.raises(MaybeSent) as raised:
        client.send(message)
    unclear = raised.value.delivery
    assert unclear is not None
    assert "heuristic" == unclear.attempts[-1].lookup

    found = client.resolve(unclear, within=timedelta(seconds=20))

    assert Outcome.ACCEPTED is found.attempts[0].outcome
    assert message.text == client.fetch(found).raw["body"]


def test_absence_is_never_proved(make: Make) -> None:
    """Where the list shows nothing the message may still be on its way."""
    transport, _ = answering(
        httpx.Response(500), *(httpx.Response(200, json={"messages": []}) for _ in range(9))
    )
    client = make(tables("https://example.com"), transport=transport)
    with pytest.raises(MaybeSent) as raised:
        client.send(Message("+13135550123", "x"))
    assert raised.value.delivery is not None
    found = client.resolve(raised.value.delivery)
    assert Outcome.MAYBE_SENT is found.attempts[0].outcome


def test_services(home: Any, make: Make) -> None:
    """Balance, senders and facts about a number, in neutral words."""
    client = make(tables(home.url))
    assert "USD" == client.call("balance").currency
    facts = client.call("lookup", "+13135550101")
    assert ("+13135550101", True, "US") == (facts.number, facts.valid, facts.country)
    with pytest.raises(LookupFailed):
        client.call("redact", account="twilio", provider_id=f"SM{'0' * 32}")
