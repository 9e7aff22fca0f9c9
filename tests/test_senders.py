"""One spelling for a sender: what people write as a number goes on the wire as its digits."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from polysms import Client, Config, ConfigError, InvalidMessage, Message, numbers
from tests.clients import accepted, answering

ACCOUNTS: dict[str, dict[str, str]] = {
    "wavix": {"api_key": "canary-key"},
    "carrierx": {"token": "canary-token"},
    "signalwire": {"space": "example", "project_id": "p", "api_token": "canary-token"},
}
ON_THE_WIRE = {
    "wavix": "+13135550100",
    "carrierx": "13135550100",
    "signalwire": "+13135550100",
}
_EASTERN = "\u0663\u0661\u0663 \u0665\u0665\u0665"
WRITTEN = ("+13135550100", "+1 313 555 0100", " +1 (313) 555-0100", "+1.313.555.0100")
SPELLINGS = [
    *((written, "+13135550100") for written in WRITTEN),
    ("1 (313) 555-0100", "13135550100"),
    ("(313) 555-0100", "3135550100"),
    ("725-77", "72577"),
    ("Acme", "Acme"),
    (" Acme Ltd ", "Acme Ltd"),
    ("A-1", "A-1"),
    ("@alerts", "@alerts"),
    ("+", "+"),
    (_EASTERN, _EASTERN),
]


@pytest.mark.parametrize(("written", "expected"), SPELLINGS)
def test_spelling(written: str, expected: str) -> None:
    """A number loses what people put between its digits, a name stays as it is."""
    account = Config(accounts={"wavix": {**ACCOUNTS["wavix"], "sender": written}}).account("wavix")

    assert expected == numbers.sender(written)
    assert (expected,) == account.sender
    assert expected == Message("+13135550123", "x", from_=written).from_


@pytest.mark.parametrize("provider", ACCOUNTS)
@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("place", ["account", "logical", "url"])
def test_wire(provider: str, written: str, place: str) -> None:
    """Wherever a sender is written, its provider is told the number in the form it wants."""
    table: dict[str, Any] = {**ACCOUNTS[provider], "sender": written}
    tables: dict[str, Any] = {"accounts": {provider: table}}
    if place == "logical":
        tables["senders"] = {"alerts": {provider: table.pop("sender")}}
    config: Any = tables
    if place == "url":
        parts = {"wavix": "canary@", "carrierx": "canary@", "signalwire": "p:canary@example"}
        config = f"{provider}://{parts[provider]}?sender={written.strip()}"
    answers = {"wavix": accepted()}
    transport, asked = answering(answers.get(provider, httpx.Response(400)))
    message = Message("+13135550123", "x", from_="@alerts" if place == "logical" else None)
    with Client(config, transport=transport) as client:
        (one,) = client.preview(message)

    assert one.request is not None
    assert ON_THE_WIRE[provider] == json.loads(one.request.content)["from"]
    assert [] == asked


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("+13135550100", "+13135550100"),
        ("%2B13135550100", "+13135550100"),
        ("+1+313+555+0100", "+13135550100"),
        ("13135550100", "13135550100"),
        ("+Acme", "Acme"),
        ("Acme+Ltd", "Acme Ltd"),
    ],
)
def test_bare_plus_in_a_url(query: str, expected: str) -> None:
    """A plus before digits is the plus of a number, though in a query it stands for a blank."""
    config = Config.from_url(f"wavix://canary@?sender={query}")

    assert (expected,) == config.account("wavix").sender


@pytest.mark.parametrize(
    ("tables", "key"),
    [
        ({"accounts": {"wavix": {"sender": "+44 (0)20 7946 0958"}}}, "accounts.wavix.sender"),
        (
            {"accounts": {"wavix": {}}, "senders": {"a": {"wavix": "+44 (0)20 7946 0958"}}},
            "senders.a.wavix",
        ),
    ],
)
def test_trunk_zero(tables: dict[str, Any], key: str) -> None:
    """A number with "(0)" is an error: some dial it and most must not."""
    tables["accounts"]["wavix"]["api_key"] = "canary"
    with pytest.raises(ConfigError) as raised:
        Config.from_mapping(tables)
    with pytest.raises(InvalidMessage) as in_message:
        Message("+13135550123", "x", from_="+44 (0)20 7946 0958")

    assert (key, "from_") == (raised.value.key, in_message.value.field)
    assert f"{key}: has a (0); leave it out" in str(raised.value)
