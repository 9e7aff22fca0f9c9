"""The keys that say which webhooks are believed: their secrets, their sources, our address."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from polysms import Config, ConfigError
from polysms.config import Account, Source
from polysms.providers.signalwire import SignalWireSettings

TOKEN, OTHER = "canary-0123456789abcdef", "canary-fedcba9876543210"
SIGNALWIRE = {"space": "example", "project_id": "p-1", "api_token": "t"}


def config(table: dict[str, Any], provider: str = "wavix", **top: Any) -> Config:
    """Return a configuration of one account."""
    usual = SIGNALWIRE if provider == "signalwire" else {"api_key": "k"}
    tables = {"accounts": {provider: {**usual, **table}}, **top}
    return Config.from_mapping(tables, Source("polysms.toml"))


def one(table: dict[str, Any], provider: str = "wavix") -> Account:
    """Return its account."""
    return config(table, provider).account(provider)


def test_usual() -> None:
    """Without these keys no address is believed and every report is to be fetched."""
    account = one({})
    assert ((), "fetch", ()) == (account.webhook_token, account.verify_reports, account.sources)
    assert config({}).public_url is None
    signalwire: Any = one({}, "signalwire").adapter
    assert () == signalwire.signing_keys


@pytest.mark.parametrize(
    ("said", "expected"), [(TOKEN, (TOKEN,)), ([TOKEN, OTHER], (TOKEN, OTHER))]
)
def test_one_or_several(said: Any, expected: tuple[str, ...]) -> None:
    """A secret is one or, while it is changed, a list; and every one of them is hidden."""
    account = one({"webhook_token": said, "signing_key": said}, "signalwire")
    adapter: Any = account.adapter
    assert (expected, expected) == (account.webhook_token, adapter.signing_keys)
    assert "canary" not in repr(account)
    assert "canary" not in account.hide(" ".join(expected))


def test_others() -> None:
    """Addresses and networks, and the way to believe reports."""
    account = one({"sources": ["62.212.73.112", "2001:db8::/32"], "verify_reports": "trust"})
    assert (ip_network("62.212.73.112"), ip_network("2001:db8::/32")) == account.sources
    assert "trust" == account.verify_reports


@pytest.mark.parametrize("url", ["https://sms.example.com/hooks", "https://sms.example.com/hooks/"])
def test_public_url(url: str) -> None:
    """The public address is read without its last slash, alike from a file and from code."""
    assert "https://sms.example.com/hooks" == config({}, public_url=url).public_url
    made = Config(accounts={"wavix": {"api_key": "k"}}, public_url=url)
    assert "https://sms.example.com/hooks" == made.public_url


EMPTY = "is empty; an empty secret protects nothing"
FAULTS = [
    ("wavix", {"webhook_token": ""}, "webhook_token", "is empty"),
    ("wavix", {"webhook_token": []}, "webhook_token", "is empty"),
    ("wavix", {"webhook_token": [TOKEN, " "]}, "webhook_token", "is empty"),
    ("wavix", {"webhook_token": "short"}, "webhook_token", "has fewer than 16 characters"),
    ("wavix", {"webhook_token": f"{TOKEN}/x"}, "webhook_token", "has more than letters, digits"),
    ("wavix", {"webhook_token": f"{TOKEN}\x00"}, "webhook_token", "has a line end or another"),
    ("wavix", {"webhook_token": 5}, "webhook_token", "write one text, or a list of texts"),
    ("signalwire", {"signing_key": ""}, "signing_key", "is empty"),
    ("signalwire", {"signing_key": ["PSK-x", ""]}, "signing_key", "is empty"),
    ("signalwire", {"signing_key": "PSK\nx"}, "signing_key", "has a line end or another"),
    ("wavix", {"signing_key": "PSK-x"}, "signing_key", "no such key"),
    ("wavix", {"verify_reports": "never"}, "verify_reports", 'write "fetch" or "trust"'),
    ("wavix", {"sources": "example.com"}, "sources", 'as "192.0.2.7" or "2001:db8::/32"'),
    ("wavix", {"sources": "10.0.0.1/8"}, "sources", "write addresses or networks"),
    ("wavix", {"sources": ""}, "sources", "is empty"),
]


@pytest.mark.parametrize(("provider", "table", "key", "sentence"), FAULTS)
def test_fault(provider: str, table: dict[str, Any], key: str, sentence: str) -> None:
    """A secret that is none, and whatever cannot be meant, is refused by its key."""
    with pytest.raises(ConfigError) as raised:
        config(table, provider)
    assert f"accounts.{provider}.{key}" == raised.value.key
    assert sentence in str(raised.value)
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["sms.example.com", "http://sms.example.com", "https://a@b.example", ""]
)
def test_bad_public_url(url: str) -> None:
    """The public address is one of https, whole, without a user."""
    with pytest.raises(ConfigError) as raised:
        config({}, public_url=url)
    assert "public_url" == raised.value.key
    with pytest.raises(ConfigError):
        Config(accounts={"wavix": {"api_key": "k"}}, public_url=url)


def test_number_for_a_public_url() -> None:
    """What is no text is no address."""
    with pytest.raises(ConfigError, match="public_url: is a int"):
        config({}, public_url=5)


@pytest.mark.parametrize("value", ["", " "])
def test_no_empty_key_in_code(value: str) -> None:
    """An adapter that is made in code has no empty key either: HMAC would take it."""
    with pytest.raises(ValueError, match="signing_key: is empty"):
        SignalWireSettings(**SIGNALWIRE, signing_key=(value,))


def test_in_one_line() -> None:
    """A URL takes the keys too."""
    line = f"wavix://KEY@?webhook_token={TOKEN}&sources=62.212.73.112"
    account = Config.from_url(line).account("wavix")
    assert ((TOKEN,), 1) == (account.webhook_token, len(account.sources))
