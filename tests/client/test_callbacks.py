"""Where providers are to report to: each attempt's request carries an address of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from polysms import Message, Refused
from polysms.config import Config
from polysms.sandbox import running
from polysms.webhooks import WebhookRequest, address, read
from tests.clients import WAVIX, Both, accepted, answering

PUBLIC = "https://example.com/sms"
TOKEN = "canary-webhook-token"
SIGNALWIRE = {
    "provider": "signalwire",
    "space": "example",
    "project_id": "11111111-1111-4111-8111-111111111111",
    "api_token": "canary-api-token",
    "sender": "+13137890021",
}
CARRIERX = {"provider": "carrierx", "token": "canary-carrierx", "sender": "+13137890021"}
TAKEN = httpx.Response(200, json={"id": "m-1", "status": "queued"})
MESSAGE = Message("+13135550123", "Your table is ready")

Make = Callable[..., Both]


def tables(public_url: str | None = PUBLIC, /, **accounts: Any) -> dict[str, Any]:
    """Return the configuration of these accounts, whose webhooks have a public address."""
    return {"accounts": accounts, **({"public_url": public_url} if public_url else {})}


def body(request: httpx.Request) -> dict[str, Any]:
    """Return what a request says."""
    said: dict[str, Any] = json.loads(request.content)
    return said


@pytest.mark.parametrize(
    ("name", "account", "field", "answer"),
    [
        ("wavix", {**WAVIX, "webhook_token": TOKEN}, "callback_url", accepted()),
        ("signalwire", {**SIGNALWIRE, "webhook_token": TOKEN}, "status_callback", TAKEN),
        # Where the provider signs, an address can be made of the signing key.
        ("signalwire", {**SIGNALWIRE, "signing_key": "PSK_canary"}, "status_callback", TAKEN),
        (
            "north & south",
            {**WAVIX, "webhook_token": TOKEN, "sources": ["192.0.2.1", "2001:db8::/32"]},
            "callback_url",
            accepted(),
        ),
    ],
)
def test_each_attempt_has_its_own_address(
    make: Make, name: str, account: dict[str, Any], field: str, answer: httpx.Response
) -> None:
    """A provider that takes an address per message gets the one of this attempt."""
    transport, asked = answering(answer)
    both = make(tables(**{name: account}), transport=transport)
    delivery = both.send(MESSAGE)
    ours = both.client.config.account(name)

    assert address(ours, PUBLIC, delivery.reference) == body(asked[0])[field]


def test_address_is_believed(make: Make) -> None:
    """What is posted to the address is taken for a report of the very attempt it was made for."""
    transport, asked = answering(accepted())
    both = make(tables(wavix={**WAVIX, "webhook_token": TOKEN}), transport=transport)
    first, second = both.send(MESSAGE), both.send(MESSAGE)
    report = {"message_id": "m-1", "status": "delivered", "tag": "another"}
    heard = [
        read(
            both.client.config.account("wavix"),
            WebhookRequest("POST", body(request)["callback_url"], {}, json.dumps(report).encode()),
            PUBLIC,
        )
        for request in asked
    ]

    assert [first.reference, second.reference] == [one.events[0].reference for one in heard]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("public_url", "account"),
    [
        (None, {**WAVIX, "webhook_token": TOKEN}),
        (PUBLIC, WAVIX),
        (PUBLIC, SIGNALWIRE),
        (PUBLIC, {**CARRIERX, "webhook_token": TOKEN}),
        (PUBLIC, {"provider": "memory", "sender": "Acme", "webhook_token": TOKEN}),
    ],
    ids=["no public address", "no token", "no key", "no field for it", "local"],
)
def test_no_address(make: Make, public_url: str | None, account: dict[str, Any]) -> None:
    """Nothing is asked for where there is no address, no secret to make it of, or no field."""
    both = make(tables(public_url, one=account))
    (seen,) = both.preview(MESSAGE)

    assert seen.error is None
    assert b"callback" not in seen.request.content


@pytest.mark.parametrize("name", ["wavix", "signalwire"])
def test_callers_own_address_wins(make: Make, name: str) -> None:
    """A caller's ``status_callback`` is sent in the place of ours."""
    accounts = {
        "wavix": {**WAVIX, "webhook_token": TOKEN},
        "signalwire": {**SIGNALWIRE, "webhook_token": TOKEN},
    }
    both = make(tables(**{name: accounts[name]}))
    mine = "https://example.net/mine"
    (seen,) = both.preview(Message("+13135550123", "x", status_callback=mine))

    assert mine.encode() in seen.request.content
    assert TOKEN.encode() not in seen.request.content


def test_route_still_reaches_who_takes_no_address(make: Make) -> None:
    """Our address, unlike a caller's, keeps no account from being asked."""
    transport, asked = answering(
        httpx.Response(503, json={"success": False}, headers={"Retry-After": "60"}),
        httpx.Response(200, json={"message_sid": "c-1", "status": "accepted"}),
    )
    config = tables(
        wavix={**WAVIX, "webhook_token": TOKEN}, carrierx={**CARRIERX, "webhook_token": TOKEN}
    )
    config["routes"] = {"all": {"accounts": ["wavix", "carrierx"]}}
    both = make(config, transport=transport)

    assert "carrierx" == both.send(MESSAGE, via="all").account
    assert [True, False] == [TOKEN in request.content.decode() for request in asked]


@pytest.mark.parametrize("key", ["webhook_token", "signing_key"])
def test_token_is_hidden(make: Make, key: str) -> None:
    """A provider that repeats our address puts the token into no error, and no repr shows it."""
    account = {**SIGNALWIRE, key: TOKEN}
    transport = httpx.MockTransport(lambda request: httpx.Response(422, content=request.content))
    both = make(tables(signalwire=account), transport=transport)
    config = Config.from_mapping(tables(signalwire=account))
    base = address(config.account("signalwire"), PUBLIC)
    token = base.rpartition("/")[2]
    with pytest.raises(Refused) as caught:
        both.send(MESSAGE)
    seen = both.preview(MESSAGE)[0]

    assert "/signalwire/***/" in str(caught.value.body)
    assert token in seen.request.content.decode()
    assert "/signalwire/***/" in seen.account.hide(seen.request.content.decode())
    for shown in (caught.value, caught.value.delivery, seen, config):
        assert token not in repr(shown)


def test_token_stays_out_of_the_delivery(make: Make) -> None:
    """SignalWire's answer names the address it will report to: what is kept of it hides it."""
    with running() as sandbox:
        account = {**SIGNALWIRE, "base_url": sandbox.url, "webhook_token": TOKEN}
        delivery = make(tables(signalwire=account)).send(MESSAGE)

    assert "***" == delivery.raw["status_callback_url"]
    assert TOKEN not in str(delivery.to_dict())
