"""A phone writes: each provider's own form comes to the program, signed where it signs.

The adapters are asked whether they understand it: what they read was written in the sandbox.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from polysms import Config, InboundMessage
from polysms.webhooks import WebhookRequest, address, parse, verify
from tests.sandbox.conftest import ACCOUNT, PROJECT, Answer, House
from tests.sandbox.test_callbacks import Receiver, receiver

__all__ = ["receiver"]

KEY = "PSKsandbox0000000000"
SIGNALWIRE = {
    "space": "example",
    "project_id": PROJECT,
    "api_token": "any",
    "signing_key": KEY,
}
TOKEN = "webhook-token-0123456789"
TABLES: dict[str, dict[str, str]] = {
    "wavix": {"api_key": "any", "webhook_token": TOKEN},
    "carrierx": {"token": "any", "webhook_token": TOKEN},
    "signalwire": SIGNALWIRE,
    "signalwire-compat": SIGNALWIRE,
    "twilio": {"account_sid": ACCOUNT, "auth_token": KEY},
}
PICTURE = "https://example.com/menu.png"


def write(house: House, **said: Any) -> Answer:
    """Let a phone write."""
    named = {name.rstrip("_"): value for name, value in said.items()}
    return house.ask("POST", "/_sandbox/inbound", json.dumps(named).encode())


@pytest.mark.parametrize("media", [[], [PICTURE, PICTURE]], ids=["sms", "mms"])
@pytest.mark.parametrize("provider", sorted(TABLES))
def test_written(house: House, receiver: Receiver, provider: str, media: list[str]) -> None:
    """What is posted is what the phone wrote, and it is believed where the provider signs."""
    account = Config.from_mapping({"accounts": {provider: TABLES[provider]}}).account(provider)
    url = address(account, receiver.url)
    said = {"from_": "+13135550123", "to": "+13135550100", "text": "STOP ☺", "media": media}
    answer = write(house, provider=provider, url=url, **said).json
    (posted,) = receiver.posted
    headers = {name.lower(): value for name, value in posted.headers.items()}
    request = WebhookRequest("POST", url, headers, posted.body)
    (event,) = parse(account, request)

    assert isinstance(event, InboundMessage)
    assert (200, None) == (answer["answer"], answer["error"])
    assert ("+13135550123", "+13135550100") == (event.from_, event.to)
    assert (answer["id"], "STOP ☺", tuple(media)) == (event.provider_id, event.text, event.media)
    signs = "webhook_token" not in TABLES[provider]
    assert ("signature" if signs else "address") == verify(account, request, receiver.url).proof


def test_key(house: House, receiver: Receiver) -> None:
    """A key can be given: that of the account which is to believe it."""
    write(house, provider="twilio", url=receiver.url, from_="12345", to="+13135550100", key="k")
    write(house, provider="twilio", url=receiver.url, from_="12345", to="+13135550100")
    first, last = (each.headers["X-Twilio-Signature"] for each in receiver.posted)

    assert first != last


def test_refused_elsewhere(house: House) -> None:
    """It is posted to this machine alone."""
    said = {"from_": "+13135550123", "to": "+13135550100"}
    answer = write(house, provider="wavix", url="https://example.com/", **said).json

    assert answer["answer"] is None
    assert answer["error"].startswith("refused")


GOOD = {
    "provider": "wavix",
    "url": "http://127.0.0.1:9/",
    "from": "+13135550123",
    "to": "+13135550100",
}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], "JSON object"),
        ({}, "missing: from, provider, to, url"),
        ({**GOOD, "provider": "acme"}, "provider"),
        ({**GOOD, "url": "here"}, "url"),
        ({**GOOD, "from": 7}, "sender"),
        ({**GOOD, "to": "+1 (313)"}, "to"),
        ({**GOOD, "text": 7}, "text"),
        ({**GOOD, "media": "https://example.com/a.png"}, "media"),
        ({**GOOD, "media": ["here"]}, "media"),
        ({**GOOD, "more": 1}, "unknown: more"),
    ],
)
def test_senseless(house: House, said: Any, expected: str) -> None:
    """What makes no sense is refused with what is wrong."""
    answer = house.ask("POST", "/_sandbox/inbound", json.dumps(said).encode())

    assert 400 == answer.status
    assert expected in answer.json["error"]
