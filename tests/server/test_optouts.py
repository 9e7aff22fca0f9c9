"""What a receiver hears of opt-outs, from the message to the next send, with either client."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from polysms import Message, Reason, Refused
from polysms.server import OptOut
from polysms.webhooks import WebhookRequest, address
from tests.clients import ACCEPTED
from tests.server.conftest import KINDS, NUMBER, House, Made
from tests.webhooks.forms import JSON, PUBLIC

OURS, OTHER = "+13137890021", "+13137890022"
ROUTES = {
    "sale": {"accounts": ["wavix"], "optouts": "marketing"},
    "login": {"accounts": ["wavix"], "optouts": "login"},
}


@pytest.fixture(params=KINDS)
def shop(request: pytest.FixtureRequest, made: Made, ledger_url: str) -> House:
    """Return a receiver whose one number serves two lists."""
    return made(request.param, ledger_url, routes=ROUTES)


def wavix(house: House, **body: Any) -> WebhookRequest:
    """Return what Wavix posts."""
    url = address(house.config.account("wavix"), PUBLIC)
    return WebhookRequest("POST", url, JSON, json.dumps(body).encode())


def say(house: House, word: str, second: int, to: str = OURS) -> int:
    """Say a word to one of our numbers, in a second of long ago; return the answer's status."""
    at = datetime(2026, 11, 1, 12, 0, second, tzinfo=UTC).isoformat()
    body = {"from": NUMBER, "to": to, "message_body": {"text": word}, "received_at": at}
    return house.ask(wavix(house, message_id=f"in-{to}-{second}", **body)).status


def is_refused(house: House, via: str) -> bool:
    """Whether a message is refused because of an opt-out that we know of."""
    try:
        house.send(Message(NUMBER, "hello"), via=via)
    except Refused as error:
        return (error.reason, error.by) == (Reason.OPTED_OUT, "polysms")
    return False


def test_stop_at_a_number_of_several_lists(shop: House) -> None:
    """Who had an advertisement and a code from one number is sent neither after STOP."""
    heard = shop.listen()
    shop.send(Message(NUMBER, "Sale!"), via="sale")
    shop.send(Message(NUMBER, "Your code is 1234"), via="login")

    assert 200 == say(shop, "STOP", 1)

    assert [True, True] == [is_refused(shop, via) for via in ("sale", "login")]
    assert [("stop", "")] == [(one.kind, one.list) for one in heard if isinstance(one, OptOut)]


def test_start_that_comes_late(shop: House) -> None:
    """A START that was said before the STOP, and comes after it, takes nothing back."""
    say(shop, "STOP", 5)
    say(shop, "START", 1)
    assert is_refused(shop, "sale")

    say(shop, "START", 9)
    say(shop, "STOP", 8)
    assert not is_refused(shop, "sale")


def test_start_at_one_of_two_numbers(shop: House) -> None:
    """Who said STOP to two numbers is sent nothing until both were told START."""
    heard = shop.listen()
    say(shop, "STOP", 1)
    say(shop, "STOP", 2, OTHER)

    say(shop, "START", 3)
    assert is_refused(shop, "sale")
    say(shop, "START", 4, OTHER)

    assert not is_refused(shop, "sale")
    assert ["stop", "start"] == [one.kind for one in heard if isinstance(one, OptOut)]


@pytest.mark.parametrize("via", ["sale", "login"])
def test_confirmed_hint_is_of_the_list_of_its_route(shop: House, via: str) -> None:
    """A report of an opt-out that its provider confirms locks out of its own list alone."""
    shop.send(Message(NUMBER, "hello"), via=via)
    shop.provider.status = "undelivered"
    shop.provider.more = {"error_message": "The recipient has unsubscribed"}

    said = wavix(shop, message_id=ACCEPTED["message_id"], status="undelivered", to=NUMBER)
    assert 200 == shop.ask(said).status
    shop.catch_up()

    assert [via == "sale", via == "login"] == [is_refused(shop, one) for one in ("sale", "login")]
