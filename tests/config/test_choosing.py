"""Routes that choose by chance or by reports: what they may say, and that reports can be heard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import attrs
import pytest

from polysms import Config, ConfigError, Message
from polysms.config import Source
from polysms.config.choosing import is_told
from polysms.providers import base
from polysms.providers.base import Answer, Capabilities, Request, Response

URL = "https://sms.example.com"
ACCOUNTS: dict[str, Any] = {
    "wavix": {"api_key": "k"},
    "carrierx": {"token": "k"},
    "memory": {},
    "mute": {
        "provider": "tests.config.test_choosing:Mute",
        "base_url": "https://mute.example.com",
        "webhook_token": "a-webhook-token-of-its-own",
    },
}


@attrs.frozen(kw_only=True)
class MuteSettings:
    """It has none."""


class Mute:
    """A provider that tells what becomes of messages, and cannot be asked."""

    name: ClassVar[str] = "mute"
    Settings: ClassVar[type] = MuteSettings
    Options: ClassVar[type] = MuteSettings
    capabilities: ClassVar[Capabilities] = Capabilities(
        title="Mute",
        lookup="none",
        reports=frozenset({"sms"}),
        most_media=0,
        validity=False,
        tag=False,
        status_callback=True,
        short_numbers=True,
        short_code_senders=True,
        alphanumeric_senders=True,
        mms_to="none",
        checked="2026-11-21",
        verified="never",
    )

    def __init__(self, settings: object, base_url: str) -> None:
        del settings
        self._base_url = base_url

    def request(self, message: Message, reference: str) -> Request:
        """Return a request."""
        del message
        return Request("POST", f"{self._base_url}/{reference}", {}, b"")

    def read(self, response: Response) -> Answer:
        """Read nothing."""
        return base.Unclear(text=f"HTTP {response.status}")


def config(
    strategy: str,
    accounts: list[str] | None = None,
    top: Mapping[str, Any] | None = None,
    **keys: Any,
) -> Config:
    """Return a configuration with one route that chooses."""
    main = {"accounts": accounts or ["wavix", "carrierx"], "strategy": strategy, **keys}
    tables = {"accounts": ACCOUNTS, "routes": {"main": main}, "default": "main"}
    return Config.from_mapping(
        {**tables, "ledger": "sqlite:///unused.db", **(top or {})}, Source("polysms.toml")
    )


GOOD: list[tuple[str, dict[str, Any], str, Any]] = [
    ("experiment", {}, "chances", {"wavix": 1.0, "carrierx": 1.0}),
    ("experiment", {"shares": {"wavix": 3, "carrierx": 1}}, "chances", {"wavix": 3, "carrierx": 1}),
    ("experiment", {"seed": 7}, "seed", "7"),
    ("experiment", {"seed": "summer"}, "seed", "summer"),
    ("experiment", {}, "seed", ""),
    ("experiment", {"sticky": True}, "sticky", True),
    ("experiment", {"failover": False}, "failover", False),
    ("best", {}, "explore", 0.05),
    ("best", {"explore": 0}, "explore", 0.0),
    ("best", {"explore": "0.2"}, "explore", 0.2),
    ("best", {"pin": "wavix"}, "pin", {"": "wavix"}),
    ("best", {"pin": {"us": "wavix", "": "carrierx"}}, "pin", {"US": "wavix", "": "carrierx"}),
    ("best", {}, "pin", {}),
    ("best", {}, "learn_from", 14 * 86400.0),
    ("best", {"learn_from": "3d"}, "learn_from", 3 * 86400.0),
    ("best", {"learn_every": "1m"}, "learn_every", 60.0),
    ("best", {"seed": "x"}, "is_drawn", True),
    ("failover", {}, "is_drawn", False),
]


@pytest.mark.parametrize(("strategy", "keys", "name", "expected"), GOOD)
def test_good(strategy: str, keys: dict[str, Any], name: str, expected: Any) -> None:
    """Each key of such a route is read into its type."""
    assert expected == getattr(config(strategy, **keys).route("main"), name)


NUMBERS = "write numbers from 0 up, as { wavix = 3, signalwire = 1 }"
SEED = 'write a text or a whole number, as "summer"'
SHARE = "write a share from 0 to 1, as 0.05 for one in twenty"
PIN = 'write an account, or accounts by country, as { US = "wavix" }'
OF_EXPERIMENT = 'only strategy = "experiment" reads this'
OF_BEST = 'only strategy = "best" reads this'
OF_BOTH = 'only strategy = "experiment" or "best" reads this'
TWO = "an experiment needs two accounts with a share at least"
ANOTHER = "asks another account, and failover = false asks none"

#: The strategy, a route's keys, the one that is wrong, and the sentence.
BAD: list[tuple[str, dict[str, Any], str, str]] = [
    ("failover", {"shares": {"wavix": 1}}, "shares", OF_EXPERIMENT),
    ("best", {"shares": {"wavix": 1}}, "shares", OF_EXPERIMENT),
    ("best", {"failover": False}, "failover", OF_EXPERIMENT),
    ("best", {"sticky": True}, "sticky", 'only strategy = "weighted" or "experiment" reads this'),
    ("weighted", {"seed": "x"}, "seed", OF_BOTH),
    ("experiment", {"explore": 0.1}, "explore", OF_BEST),
    ("experiment", {"pin": "wavix"}, "pin", OF_BEST),
    ("experiment", {"learn_from": "1d"}, "learn_from", OF_BEST),
    ("experiment", {"learn_every": "1d"}, "learn_every", OF_BEST),
    ("experiment", {"shares": {"wavix": -1}}, "shares", NUMBERS),
    ("experiment", {"shares": {"wavix": 0}}, "shares", "at least one must be more than 0"),
    ("experiment", {"shares": {"wavix": 1}}, "shares", TWO),
    ("experiment", {"shares": {"wavix": 1, "carrierx": 0}}, "shares", TWO),
    (
        "experiment",
        {"shares": {"wavix": 1, "carierx": 1}},
        "shares",
        "'carierx' is no account of this route; did you mean \"carrierx\"?",
    ),
    ("experiment", {"seed": True}, "seed", SEED),
    ("experiment", {"seed": 1.5}, "seed", SEED),
    ("experiment", {"seed": "x" * 256}, "seed", "write at most 255 characters that can be printed"),
    ("experiment", {"seed": "\x07"}, "seed", "write at most 255 characters that can be printed"),
    ("experiment", {"failover": False, "on_maybe_sent": "next"}, "on_maybe_sent", ANOTHER),
    ("experiment", {"failover": False, "on_undelivered": "FAILED"}, "on_undelivered", ANOTHER),
    ("experiment", {"failover": False, "no_report_after": "1m"}, "no_report_after", ANOTHER),
    ("best", {"explore": 1.5}, "explore", SHARE),
    ("best", {"explore": -0.1}, "explore", SHARE),
    ("best", {"pin": 5}, "pin", PIN),
    ("best", {"pin": {"USA": "wavix"}}, "pin", PIN),
    ("best", {"pin": {"US": 5}}, "pin", PIN),
    ("best", {"pin": ""}, "pin", PIN),
    (
        "best",
        {"pin": "memory"},
        "pin",
        "'memory' is no account of this route; known are wavix, carrierx",
    ),
    ("best", {"learn_every": 0}, "learn_every", "must be more than zero, and no more than a year"),
]


@pytest.mark.parametrize(("strategy", "keys", "name", "sentence"), BAD)
def test_bad(strategy: str, keys: dict[str, Any], name: str, sentence: str) -> None:
    """What such a route cannot be is refused by its key, in a sentence that says what can."""
    with pytest.raises(ConfigError) as caught:
        config(strategy, **keys)
    assert f"routes.main.{name}" == caught.value.key
    assert f"routes.main.{name}: {sentence} (in polysms.toml)" == str(caught.value)


@pytest.mark.parametrize("strategy", ["experiment", "best"])
def test_needs_a_ledger(strategy: str) -> None:
    """What goes by reports has nothing to go by where none are kept."""
    with pytest.raises(ConfigError, match="needs a ledger; add ledger") as caught:
        config(strategy, top={"ledger": None})
    assert "routes.main.strategy" == caught.value.key


@pytest.mark.parametrize("strategy", ["experiment", "best"])
@pytest.mark.parametrize(
    ("account", "top", "sentence"),
    [
        ("memory", {}, "goes by delivery reports, and memory reports none"),
        ("memory", {"public_url": URL}, "goes by delivery reports, and memory reports none"),
        (
            "mute",
            {},
            "goes by delivery reports, and mute cannot be asked for them: set public_url, and its",
        ),
    ],
)
def test_reports_must_be_heard(
    strategy: str, account: str, top: dict[str, Any], sentence: str
) -> None:
    """An account of which nothing is ever heard cannot be compared, and would be called bad."""
    with pytest.raises(ConfigError) as caught:
        config(strategy, ["wavix", account], top)
    assert "routes.main.strategy" == caught.value.key
    assert sentence in str(caught.value)


def test_told_is_heard() -> None:
    """Who tells us by itself need not be asked; who can be asked need not tell."""
    found = config("experiment", ["wavix", "mute"], {"public_url": URL})
    told = {name: is_told(account, found.public_url) for name, account in found.accounts.items()}
    assert {"wavix": False, "carrierx": False, "memory": False, "mute": True} == told
    assert not is_told(found.accounts["mute"], None)


def test_spares_need_not_be_heard() -> None:
    """An account without a share is not compared, so nothing need be heard of it."""
    found = config(
        "experiment", ["wavix", "carrierx", "memory"], shares={"wavix": 1, "carrierx": 1}
    )
    assert ("wavix", "carrierx", "memory") == found.route("main").accounts


def test_account_that_lacks_its_secret_says_so() -> None:
    """Of an account that cannot be used, its own error is told."""
    accounts = {**ACCOUNTS, "wavix": {"api_key": "${UNSET}"}}
    with pytest.raises(ConfigError, match="the environment variable UNSET is not set"):
        config("experiment", top={"accounts": accounts})


def test_account_that_is_not_there_says_so() -> None:
    """A misspelt account of an experiment is told as in any route."""
    with pytest.raises(ConfigError, match="there is no account 'wavx'; did you mean"):
        config("experiment", ["wavx", "carrierx"])
