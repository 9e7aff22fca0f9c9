"""What a configuration says of routing: rules, weights, patience, prices, rates."""

from __future__ import annotations

import math
from contextlib import suppress
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms import Config, ConfigError, Message
from polysms.config import Account, Prices, Route, Source
from polysms.config.routes import STRATEGIES, Rule

ACCOUNTS: dict[str, Any] = {"first": {"provider": "memory"}, "second": {"provider": "null"}}
PICTURE = "https://example.com/a.png"


def config(**tables: Any) -> Config:
    """Return a configuration of two local accounts."""
    return Config.from_mapping({"accounts": ACCOUNTS, **tables}, Source("polysms.toml"))


def route(**keys: Any) -> Route:
    """Return a route of one account with these keys."""
    return config(routes={"main": {"accounts": ["first"], **keys}}).route("main")


def fault_of(**tables: Any) -> tuple[str | None, str]:
    """Return the key and the sentence by which a configuration is refused."""
    with pytest.raises(ConfigError) as raised:
        config(**tables)
    key, said = raised.value.key, str(raised.value)
    assert said.startswith(f"{key}: ")
    assert said.endswith(" (in polysms.toml)")
    return key, said.removeprefix(f"{key}: ").removesuffix(" (in polysms.toml)")


#: A route's keys as a file may write them, and what is read.
GOOD: list[tuple[dict[str, Any], str, Any]] = [
    *(({"strategy": name}, "strategy", name) for name in ("failover", "round_robin", "weighted")),
    ({"strategy": "weighted", "weights": {"first": 3}}, "weights", {"first": 3.0}),
    ({"strategy": "weighted", "weights": {"first": "0.5"}}, "weights", {"first": 0.5}),
    (
        {"strategy": "weighted", "weights": {"first": 0, "second": 1}},
        "weights",
        {"first": 0.0, "second": 1.0},
    ),
    ({"strategy": "weighted", "sticky": True}, "sticky", True),
    ({"strategy": "weighted", "sticky": "true"}, "sticky", True),
    ({"sticky": False}, "sticky", False),
    *(({"repeats": number}, "repeats", number) for number in (0, 1, 5)),
    ({"repeats": "2"}, "repeats", 2),
    ({"when_limited": "skip"}, "when_limited", "skip"),
    ({"when_limited": "wait"}, "when_limited", "wait"),
    ({"resolve_within": "8s"}, "resolve_within", 8.0),
    ({"resolve_within": 0.5}, "resolve_within", 0.5),
    ({"first_copy_valid_for": "1m"}, "first_copy_valid_for", 60.0),
    ({"rules": []}, "rules", ()),
]


@pytest.mark.parametrize(("keys", "name", "expected"), GOOD)
def test_route(keys: dict[str, Any], name: str, expected: Any) -> None:
    """Each key of a route is read into its type."""
    assert expected == getattr(route(**keys), name)


def test_route_by_default() -> None:
    """What a route leaves out has no surprise in it."""
    found = route()
    assert ((), {}) == (found.rules, found.weights)
    expected = ("failover", False, 120.0, None, 1, "wait")
    assert expected == (
        found.strategy,
        found.sticky,
        found.first_copy_valid_for,
        found.resolve_within,
        found.repeats,
        found.when_limited,
    )


WEIGHTS = "write numbers from 0 up, as { wavix = 3, signalwire = 1 }"
REPEATS = "write a whole number from 0 to 5"
SECONDS = 'write seconds, as 60, "60s" or "2m"'
ZERO = "must be more than zero, and no more than a year"
UNREAD = 'only strategy = "weighted" reads this'
STICKY = 'only strategy = "weighted" or "experiment" reads this'

#: A route's keys, the one that is wrong, and the sentence.
BAD: list[tuple[dict[str, Any], str, str]] = [
    (
        {"strategy": "fastest"},
        "strategy",
        f"there is no 'fastest'; known are {', '.join(STRATEGIES)}",
    ),
    ({"strategy": 5}, "strategy", "is a int; write a text in quotes"),
    ({"strategy": "cheapest"}, "strategy", "needs a price list; add one as [prices.ACCOUNT]"),
    ({"weights": {"first": 1}}, "weights", UNREAD),
    ({"strategy": "round_robin", "weights": {"first": 1}}, "weights", UNREAD),
    ({"strategy": "weighted", "weights": {"first": -1}}, "weights", WEIGHTS),
    ({"strategy": "weighted", "weights": {"first": math.inf}}, "weights", WEIGHTS),
    ({"strategy": "weighted", "weights": {"first": math.nan}}, "weights", WEIGHTS),
    (
        {"strategy": "weighted", "weights": {"first": 0}},
        "weights",
        "at least one must be more than 0",
    ),
    ({"strategy": "weighted", "weights": {"first": "many"}}, "weights", "write a number"),
    ({"strategy": "weighted", "weights": {"first": True}}, "weights", "write a number"),
    ({"strategy": "weighted", "weights": {"first": None}}, "weights", "write a number"),
    (
        {"strategy": "weighted", "weights": {"frist": 1}},
        "weights",
        "there is no account 'frist'; did you mean \"first\"?",
    ),
    ({"sticky": True}, "sticky", STICKY),
    ({"sticky": True, "strategy": "round_robin"}, "sticky", STICKY),
    ({"sticky": "perhaps"}, "sticky", "write true or false"),
    ({"repeats": -1}, "repeats", REPEATS),
    ({"repeats": 6}, "repeats", REPEATS),
    ({"repeats": 1.5}, "repeats", "write a whole number"),
    ({"repeats": True}, "repeats", "write a whole number"),
    ({"when_limited": "give up"}, "when_limited", 'write "wait" or "skip"'),
    ({"on_maybe_sent": "again"}, "on_maybe_sent", 'write "stop" or "next"'),
    ({"resolve_within": "soon"}, "resolve_within", SECONDS),
    ({"resolve_within": 0}, "resolve_within", ZERO),
    ({"resolve_within": True}, "resolve_within", SECONDS),
    ({"first_copy_valid_for": "-1s"}, "first_copy_valid_for", SECONDS),
    ({"first_copy_valid_for": -1}, "first_copy_valid_for", ZERO),
    ({"first_copy_valid_for": "400d"}, "first_copy_valid_for", ZERO),
    ({"rules": {"accounts": "first"}}, "rules", "write a list"),
    ({"rules": "first"}, "rules", "write a list"),
    ({"rules": ["first"]}, "rules", "is a str; write a table"),
    ({"rules": [{}]}, "rules.accounts", "is missing"),
    ({"rules": [{"accounts": []}]}, "rules.accounts", "is empty; leave the key out, or write a te"),
    ({"rules": [{"accounts": 5}]}, "rules.accounts", "write one text, or a list of texts"),
    (
        {"rules": [{"accounts": "first", "country": "US"}]},
        "rules.country",
        'no such key; did you mean "countries"?',
    ),
    (
        {"rules": [{"accounts": "first"}, {"accounts": ["first", "secnod"]}]},
        "rules",
        "there is no account 'secnod'; did you mean \"second\"?",
    ),
]
#: A rule's keys, the one that is wrong, and the sentence.
BAD_RULES: list[tuple[dict[str, Any], str, str]] = [
    ({"countries": "USA"}, "countries", 'write two-letter countries, as ["US", "CA"]'),
    ({"countries": ["US", "1a"]}, "countries", 'write two-letter countries, as ["US", "CA"]'),
    ({"prefixes": "1"}, "prefixes", 'write the beginnings of numbers, as ["+1", "+4477"]'),
    ({"prefixes": ["+1", "+"]}, "prefixes", 'write the beginnings of numbers, as ["+1", "+4477"]'),
    ({"prefixes": "+1 313"}, "prefixes", 'write the beginnings of numbers, as ["+1", "+4477"]'),
    ({"prefixes": "+" + "1" * 16}, "prefixes", "write the beginnings of numbers, as "),
    ({"kinds": "fax"}, "kinds", 'write "sms", "mms" or both'),
    ({"kinds": ["sms", "MMS"]}, "kinds", 'write "sms", "mms" or both'),
    ({"senders": []}, "senders", "is empty; leave the key out, or write a text"),
    ({"senders": 13135550123}, "senders", "write one text, or a list of texts"),
]


@pytest.mark.parametrize(("keys", "name", "sentence"), BAD)
def test_bad_route(keys: dict[str, Any], name: str, sentence: str) -> None:
    """What a route cannot be is refused by its key, in a sentence that says what can."""
    key, said = fault_of(routes={"main": {"accounts": ["first"], **keys}})
    assert f"routes.main.{name}" == key
    assert said.startswith(sentence)


@pytest.mark.parametrize(("keys", "name", "sentence"), BAD_RULES)
def test_bad_rule(keys: dict[str, Any], name: str, sentence: str) -> None:
    """So is what a rule cannot be."""
    rules = [{"accounts": "first"}, {"accounts": "first", **keys}]
    key, said = fault_of(routes={"main": {"accounts": ["first"], "rules": rules}})
    assert f"routes.main.rules.{name}" == key
    assert said.startswith(sentence)


def test_rules() -> None:
    """A rule is a table; one text stands for a list of one, countries for their capitals."""
    table = {
        "accounts": "second",
        "countries": ["gb", "US"],
        "prefixes": "+4477",
        "kinds": "mms",
        "senders": ["+1 313 555 0123", "@alerts"],
    }
    expected = Rule(
        accounts=("second",),
        countries=("GB", "US"),
        prefixes=("+4477",),
        kinds=("mms",),
        senders=("+1 313 555 0123", "@alerts"),
    )
    assert (expected,) == route(rules=[table]).rules
    assert ("first", "second") == route(rules=[table, table]).reachable


def test_rules_made_in_code() -> None:
    """A program may write a rule as a table or as the class, and so a route."""
    rule = Rule(accounts=("second",))
    tables = {"accounts": ["first"], "rules": [rule, {"accounts": "first"}]}
    made = Config(accounts=ACCOUNTS, routes={"main": tables}, default="main").route(None)
    assert (rule, Rule(accounts=("first",))) == made.rules
    ready = Route(accounts=("first",), rules=(Rule(accounts=("frist",)),))
    with pytest.raises(ConfigError, match=r"routes\.main\.rules: there is no account 'frist'"):
        Config(accounts=ACCOUNTS, routes={"main": ready}, default="main")


def test_rule_shows_no_number() -> None:
    """A sender is somebody's number."""
    assert "3135550" not in repr(Rule(accounts=("a",), senders=("+13135550123",)))


#: What a rule asks for, a message, and whether it fits.
FITS: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({}, {}, True),
    ({"countries": ("us", "ca")}, {}, True),
    ({"countries": ("US",)}, {"to": "+14165550123"}, False),
    ({"countries": ("CA",)}, {"to": "+14165550123"}, True),
    ({"countries": ("US",)}, {"to": "988"}, False),
    ({"prefixes": ("+44", "+1313")}, {}, True),
    ({"prefixes": ("+44", "+1416")}, {}, False),
    ({"prefixes": ("+13135550123",)}, {}, True),
    ({"prefixes": ("+1",)}, {"to": "988"}, False),
    ({"kinds": ("sms",)}, {}, True),
    ({"kinds": ("sms",)}, {"media": [PICTURE]}, False),
    ({"kinds": ("mms",)}, {"media": [PICTURE]}, True),
    ({"kinds": ("sms", "mms")}, {"media": [PICTURE]}, True),
    ({"senders": ("+1 (212) 555-0123", "Acme")}, {"from_": "+12125550123"}, True),
    ({"senders": ("Acme",)}, {"from_": "Acme"}, True),
    ({"senders": ("Acme",)}, {"from_": "Other"}, False),
    ({"senders": ("Acme",)}, {}, False),
    ({"senders": ("@alerts",)}, {"from_": "@alerts"}, True),
    ({"senders": ("alerts",)}, {"from_": "@alerts"}, False),
    ({"senders": ("@other",)}, {"from_": "@alerts"}, False),
    ({"countries": ("US",), "kinds": ("mms",)}, {}, False),
    ({"countries": ("GB",), "kinds": ("sms",)}, {}, False),
    ({"countries": ("US",), "kinds": ("sms",), "prefixes": ("+1313",)}, {}, True),
]


@pytest.mark.parametrize(("keys", "fields", "fits"), FITS)
def test_rule_fits(
    keys: dict[str, Any],
    fields: dict[str, Any],
    fits: bool,  # noqa: FBT001 - a table's column
) -> None:
    """A rule fits where all that it asks for is so; what it leaves out, it does not ask for."""
    message = Message(**{"to": "+13135550123", "text": "x", **fields})
    assert fits == Rule(accounts=("a",), **keys).fits(message)


def test_first_rule_that_fits_counts() -> None:
    """The accounts are those of the first rule that fits, else the route's own."""
    found = Route(
        accounts=("a",),
        rules=(
            Rule(accounts=("b",), countries=("GB",)),
            Rule(accounts=("c", "d"), prefixes=("+44", "+1416")),
        ),
    )
    recipients = ("+13135550123", "+442079460123", "+14165550123")
    expected = [("a",), ("b",), ("c", "d")]
    assert expected == [found.accounts_for(Message(to, "x")) for to in recipients]
    assert ("a", "b", "c", "d") == found.reachable


def test_broken_account_of_a_rule_is_told() -> None:
    """An account without its secret is refused where a rule of the default route may use it."""
    accounts = {"first": {"provider": "memory"}, "wavix": {"api_key": "${WAVIX_API_KEY}"}}
    rules = [{"accounts": "wavix", "countries": "GB"}]
    key, said = fault_of(
        accounts=accounts, routes={"main": {"accounts": "first", "rules": rules}}, default="main"
    )
    assert "accounts.wavix.api_key" == key
    assert said.startswith("the environment variable WAVIX_API_KEY is not set")


def test_prices() -> None:
    """A price list is exact decimals by the beginning of the number; those of an MMS are apart."""
    tables = {
        "first": {"+1": 0.0075, "+44": "0.04", "+49": 0, "mms": {"+1": 0.02}},
        "second": {},
    }
    found = config(prices=tables).prices
    sms = {"+1": Decimal("0.0075"), "+44": Decimal("0.04"), "+49": Decimal(0)}
    assert {"first": Prices(sms=sms, mms={"+1": Decimal("0.02")}), "second": Prices()} == found
    assert {} == config().prices


def test_prices_made_in_code() -> None:
    """A price list may be the class, too."""
    ready = Prices(sms={"+1": Decimal("0.01")})
    assert {"first": ready} == Config(accounts=ACCOUNTS, prices={"first": ready}).prices


def test_cheapest_with_prices() -> None:
    """With a price list a route may ask for the cheapest."""
    routes = {"main": {"accounts": ["first"], "strategy": "cheapest"}}
    found = config(routes=routes, prices={"first": {"+1": 0.01}})
    assert "cheapest" == found.route("main").strategy


PREFIX = 'write the beginning of numbers, as "+1" = 0.0075'
AMOUNT = 'write amounts from 0 up, as 0.0075 or "0.0075"'
#: Price lists, the key that is wrong, and the sentence.
BAD_PRICES: list[tuple[Any, str, str]] = [
    ([], "prices", "is a list; write tables"),
    ({"first": 0.01}, "prices.first", "is a float; write tables"),
    ({"first": {"1": 0.01}}, "prices.first", PREFIX),
    ({"first": {"+": 0.01}}, "prices.first", PREFIX),
    ({"first": {"US": 0.01}}, "prices.first", PREFIX),
    ({"first": {"sms": {"+1": 0.01}}}, "prices.first", PREFIX),
    ({"first": {"mms": {"1": 0.01}}}, "prices.first", PREFIX),
    ({"first": {"+1": -0.01}}, "prices.first", AMOUNT),
    ({"first": {"+1": "cheap"}}, "prices.first", AMOUNT),
    ({"first": {"+1": True}}, "prices.first", AMOUNT),
    ({"first": {"+1": None}}, "prices.first", AMOUNT),
    ({"first": {"+1": math.inf}}, "prices.first", AMOUNT),
    ({"first": {"+1": "NaN"}}, "prices.first", AMOUNT),
    ({"first": {"mms": {"+1": -1}}}, "prices.first", AMOUNT),
    (
        {"frist": {"+1": 0.01}},
        "prices.frist",
        "there is no account 'frist'; did you mean \"first\"?",
    ),
]


@pytest.mark.parametrize(("prices", "key", "sentence"), BAD_PRICES)
def test_bad_prices(prices: Any, key: str, sentence: str) -> None:
    """What no price list can be is refused by its key."""
    found, said = fault_of(prices=prices)
    assert key == found
    assert said.startswith(sentence)


#: Keys of an account, and what is read.
RATES: list[tuple[dict[str, Any], tuple[float | None, float | None, int | None], bool]] = [
    ({}, (None, None, None), False),
    ({"mps": 1}, (1.0, None, None), True),
    ({"mps": "0.5"}, (0.5, None, None), True),
    ({"mps": 1_000_000}, (1_000_000.0, None, None), True),
    ({"sender_mps": 0.25}, (None, 0.25, None), True),
    ({"mps": 10, "sender_mps": 1, "concurrency": 4}, (10.0, 1.0, 4), True),
    ({"concurrency": "1"}, (None, None, 1), False),
]


@pytest.mark.parametrize(("keys", "expected", "limited"), RATES)
def test_rates(
    keys: dict[str, Any],
    expected: tuple[float | None, ...],
    limited: bool,  # noqa: FBT001 - a table's column
) -> None:
    """An account's rates are segments per second, its concurrency a number, all optional."""
    accounts = {"first": {"provider": "memory", **keys}}
    account: Account = config(accounts=accounts).account("first")
    assert expected == (account.mps, account.sender_mps, account.concurrency)
    assert limited == account.limited


MPS = "write segments per second, more than 0, as 1 or 0.5"
#: Keys of an account, the one that is wrong, and the sentence.
BAD_RATES: list[tuple[dict[str, Any], str, str]] = [
    *(({name: 0}, name, MPS) for name in ("mps", "sender_mps")),
    *(({name: -1}, name, MPS) for name in ("mps", "sender_mps")),
    *(({name: 1_000_001}, name, MPS) for name in ("mps", "sender_mps")),
    ({"mps": math.nan}, "mps", MPS),
    ({"mps": math.inf}, "mps", MPS),
    ({"mps": "fast"}, "mps", "write a number"),
    ({"mps": "-1"}, "mps", "write a number"),
    ({"sender_mps": True}, "sender_mps", "write a number"),
    ({"sender_mps": [1]}, "sender_mps", "write a number"),
    ({"concurrency": 0}, "concurrency", "must be at least 1"),
    ({"concurrency": -3}, "concurrency", "must be at least 1"),
    ({"concurrency": 1.5}, "concurrency", "write a whole number"),
    ({"concurrency": "many"}, "concurrency", "write a whole number"),
    ({"mpx": 1}, "mpx", 'no such key; did you mean "mps"?'),
]


@pytest.mark.parametrize(("keys", "name", "sentence"), BAD_RATES)
def test_bad_rates(keys: dict[str, Any], name: str, sentence: str) -> None:
    """What no rate can be is refused by its key."""
    key, said = fault_of(accounts={"first": {"provider": "memory", **keys}})
    assert f"accounts.first.{name}" == key
    assert said.startswith(sentence)


def test_url_stays_as_it_was() -> None:
    """A configuration of one line has one account, the usual route, and no price list."""
    found = Config.from_url("wavix://canary@?sender=Acme")
    assert Route(accounts=("wavix",)) == found.route(None)
    account = found.account("wavix")
    assert (None, None, None, False) == (
        account.mps,
        account.sender_mps,
        account.concurrency,
        account.limited,
    )
    assert ({}, {}) == (found.prices, found.routes)


def test_url_may_set_a_rate() -> None:
    """The words of a line are texts, and are read as numbers all the same."""
    account = Config.from_url("wavix://canary@?sender=Acme&mps=0.5&concurrency=2").account("wavix")
    assert (0.5, 2) == (account.mps, account.concurrency)


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.lists(st.one_of(st.text(max_size=4), st.integers()), max_size=3),
    st.dictionaries(st.text(max_size=4), st.one_of(st.text(max_size=4), st.floats()), max_size=2),
)
ROUTE_KEYS = [field.name for field in attrs.fields(Route) if field.init]
RULE_KEYS = [field.name for field in attrs.fields(Rule)]


@given(
    keys=st.dictionaries(st.sampled_from(ROUTE_KEYS), JUNK, max_size=4),
    rule=st.dictionaries(st.sampled_from(RULE_KEYS), JUNK, max_size=3),
    prices=JUNK,
    rates=st.dictionaries(st.sampled_from(["mps", "sender_mps", "concurrency"]), JUNK),
)
def test_junk(
    keys: dict[str, Any], rule: dict[str, Any], prices: Any, rates: dict[str, Any]
) -> None:
    """Whatever stands in the new keys, it is read or refused as a ConfigError, and no other."""
    whole = {"accounts": ["first"], "rules": [{"accounts": "first", **rule}], **keys}
    accounts = {"first": {"provider": "memory", **rates}}
    for tables in (
        {"routes": {"main": whole}},
        {"prices": {"first": prices}},
        {"accounts": accounts},
    ):
        with suppress(ConfigError):
            assert repr(config(**tables))


def test_key_of_mms_prices() -> None:
    """A mistake in the prices of MMS names its whole key."""
    tables = {"accounts": {"first": {"provider": "memory"}}, "prices": {"first": {"mms": 0.01}}}
    with pytest.raises(ConfigError, match="is a float; write tables") as raised:
        Config.from_mapping(tables)
    assert "prices.first.mms" == raised.value.key


def test_weights_are_a_table() -> None:
    """Weights that are no table are told so."""
    route = {"accounts": "first", "strategy": "weighted", "weights": 5}
    tables = {"accounts": {"first": {"provider": "memory"}}, "routes": {"main": route}}
    with pytest.raises(ConfigError, match=r"routes\.main\.weights: is a int; write a table"):
        Config.from_mapping(tables)
