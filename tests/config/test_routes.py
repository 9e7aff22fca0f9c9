"""Routes, logical senders, rails, and which of them a send goes by."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from polysms import Client, Config, ConfigError, Message
from polysms.config import Rails, Route, Source

ACCOUNTS: dict[str, Any] = {"first": {"provider": "memory"}, "second": {"provider": "null"}}


def config(**tables: Any) -> Config:
    """Return a configuration of two local accounts."""
    return Config.from_mapping({"accounts": ACCOUNTS, **tables}, Source("polysms.toml"))


def test_route() -> None:
    """A route is an order of accounts, with its own rules."""
    table = {
        "strategy": "failover",
        "accounts": ["second", "first"],
        "on_maybe_sent": "next",
        "deadline": "2m",
        "attempt_timeout": "10s",
        "strict": True,
    }
    expected = Route(
        accounts=("second", "first"),
        on_maybe_sent="next",
        deadline=120.0,  # type: ignore[arg-type]
        attempt_timeout=10.0,  # type: ignore[arg-type]
        strict=True,
    )
    assert expected == config(routes={"main": table}).route("main")


def test_route_by_default() -> None:
    """A route stops when in doubt, and takes a minute at most."""
    found = config(routes={"main": {"accounts": "first"}}).route("main")
    assert Route(accounts=("first",)) == found
    expected = ("failover", "stop", 60.0, None, None, 1, "wait", False)
    assert expected == (
        found.strategy,
        found.on_maybe_sent,
        found.deadline,
        found.attempt_timeout,
        found.resolve_within,
        found.repeats,
        found.when_limited,
        found.strict,
    )


def test_account_is_a_route_of_one() -> None:
    """``via`` may name an account: then no other is tried."""
    assert Route(accounts=("second",)) == config().route("second")


VIAS: list[tuple[dict[str, Any], str | None, tuple[str, ...]]] = [
    ({"default": "second"}, None, ("second",)),
    ({"default": "main"}, None, ("first", "second")),
    ({"default": "main"}, "second", ("second",)),
    ({"default": "second"}, "main", ("first", "second")),
    ({"accounts": {"first": {"provider": "null"}}, "routes": {}}, None, ("first",)),
]


@pytest.mark.parametrize(("tables", "via", "accounts"), VIAS)
def test_via(tables: dict[str, Any], via: str | None, accounts: tuple[str, ...]) -> None:
    """A send goes by ``via``, else by the default, else by the only account there is."""
    found = config(**{"routes": {"main": {"accounts": ["first", "second"]}}, **tables})
    assert accounts == found.route(via).accounts


def test_changing_provider_is_one_line() -> None:
    """The program stays as it is: one line of the configuration decides who sends."""
    tables = {
        "accounts": {
            "main-wavix": {"provider": "wavix", "api_key": "${WAVIX_API_KEY}"},
            "other": {"provider": "memory", "sender": "Acme"},
            "third": {"provider": "null", "sender": "Acme"},
        }
    }
    used = []
    for default in ("other", "third"):
        with Client({**tables, "default": default}) as sms:
            used.append(sms.send(Message("+13135550123", "x")).account)
    assert ["other", "third"] == used


def test_default_from_the_environment() -> None:
    """The one line may stand in the environment: nothing is edited at all."""
    tables = {"accounts": ACCOUNTS, "default": "${SMS_ROUTE:-first}"}
    found = [
        Config.from_mapping(tables, Source("f", environment)).route(None).accounts
        for environment in ({}, {"SMS_ROUTE": "second"})
    ]
    assert [("first",), ("second",)] == found


FAULTS: list[tuple[dict[str, Any], str, str]] = [
    ({"default": "frist"}, "default", "there is no account or route 'frist'; known are first, sec"),
    ({"default": 5}, "default", "is a int; write a text in quotes"),
    ({"default": []}, "default", "is a list; write a text in quotes"),
    ({"default": "${UNSET}"}, "default", "the environment variable UNSET is not set"),
    ({"defualt": "first"}, "defualt", 'no such key; did you mean "default"?'),
    ({"accounts": {}}, "accounts", "there is none; add one as [accounts.wavix]"),
    ({"accounts": None}, "accounts", "is a NoneType; write tables"),
    ({"accounts": {5: {}}}, "accounts.5", "its name is a int; write a text"),
    ({"routes": []}, "routes", "is a list; write tables"),
    ({"routes": {"main": "first"}}, "routes.main", "is a str; write a table"),
    ({"routes": {"main": {}}}, "routes.main.accounts", "is missing"),
    ({"routes": {"main": {"accounts": []}}}, "routes.main.accounts", "is empty"),
    ({"routes": {"main": {"accounts": [5]}}}, "routes.main.accounts", "write one text, or a list"),
    (
        {"routes": {"main": {"accounts": ["frist"]}}},
        "routes.main.accounts",
        "there is no account 'frist'; did you mean \"first\"?",
    ),
    (
        {"routes": {"main": {"account": ["first"]}}},
        "routes.main.account",
        'no such key; did you mean "accounts"?',
    ),
    ({"routes": {"first": {"accounts": ["first"]}}}, "routes.first", "an account has this name"),
    (
        {"routes": {"main": {"accounts": ["first"], "strategy": "fastest"}}},
        "routes.main.strategy",
        "there is no 'fastest'; known are failover",
    ),
    (
        {"routes": {"main": {"accounts": ["first"], "on_maybe_sent": "retry"}}},
        "routes.main.on_maybe_sent",
        'write "stop" or "next"',
    ),
    (
        {"routes": {"main": {"accounts": ["first"], "deadline": "0s"}}},
        "routes.main.deadline",
        "must be more than zero",
    ),
    ({"senders": "Acme"}, "senders", "is a str; write tables"),
    ({"senders": {"alerts": "Acme"}}, "senders.alerts", "is a str; write tables"),
    (
        {"senders": {"alerts": {"frist": "Acme"}}},
        "senders.alerts",
        "there is no account 'frist'; did you mean \"first\"?",
    ),
    ({"senders": {"alerts": {"first": ""}}}, "senders.alerts.first", "is empty"),
    ({"senders": {"alerts": {"first": 5}}}, "senders.alerts.first", "write one text, or a list"),
    ({"rails": []}, "rails", "is a list; write a table"),
    ({"rails": {"only": "x"}}, "rails.only", 'no such key; did you mean "only_to"?'),
    ({"rails": {"per_number": 5}}, "rails.per_number", "no such key"),
    ({"rails": {"only_to": []}}, "rails.only_to", "is empty"),
    ({"rails": {"only_to": "3135550123"}}, "rails.only_to", "number '3*******23' has no country"),
    ({"rails": {"redirect_to": "CALL-ME"}}, "rails.redirect_to", "number 'CALL-ME' has letters"),
    ({"rails": {"countries": ["USA"]}}, "rails.countries", "write two-letter countries"),
    ({"rails": {"countries": ["1a"]}}, "rails.countries", "write two-letter countries"),
    ({"rails": {"max_segments": 0}}, "rails.max_segments", "must be at least 1"),
    ({"rails": {"max_segments": "many"}}, "rails.max_segments", "write a whole number"),
]


@pytest.mark.parametrize(("tables", "key", "sentence"), FAULTS)
def test_fault(tables: dict[str, Any], key: str, sentence: str) -> None:
    """What does not hang together is refused when it is read, by the key to mend."""
    with pytest.raises(ConfigError) as raised:
        config(**tables)
    assert str(raised.value).startswith(f"{key}: {sentence}")
    assert str(raised.value).endswith(" (in polysms.toml)")
    assert key == raised.value.key


def test_no_default() -> None:
    """With several accounts and no default, a send must say by which."""
    with pytest.raises(ConfigError) as raised:
        config().route(None)
    expected = "default: is not set; set it, or say via= one of first, second (in polysms.toml)"
    assert ("default", expected) == (raised.value.key, str(raised.value))


def test_unknown_via() -> None:
    """A ``via`` that names nothing is refused, and all there is to name is listed."""
    found = config(routes={"main": {"accounts": ["first"]}})
    with pytest.raises(ConfigError) as raised:
        found.route("mian")
    expected = "via: there is no account or route 'mian'; known are main, first, second"
    assert f"{expected} (in polysms.toml)" == str(raised.value)
    assert "via" == raised.value.key


def test_unknown_account() -> None:
    """An account asked for by a wrong name is refused, and all there are are listed."""
    with pytest.raises(ConfigError) as raised:
        config().account("frist")
    expected = "account: there is no account 'frist'; known are first, second (in polysms.toml)"
    assert expected == str(raised.value)


def test_senders() -> None:
    """A logical sender is one number or name, or a few, for each account."""
    found = config(senders={"alerts": {"first": "Acme", "second": ["Acme", "+13137890021"]}})
    expected = {"alerts": {"first": ("Acme",), "second": ("Acme", "+13137890021")}}
    assert expected == found.senders


def test_rails() -> None:
    """Rails are read into the forms in which numbers and countries are compared."""
    found = config(
        rails={
            "only_to": ["+1 313 555 0123", "988"],
            "redirect_to": "+1 (313) 555-0124",
            "countries": ["us", "CA"],
            "max_segments": "3",
        }
    ).rails
    expected = (("+13135550123", "988"), "+13135550124", ("US", "CA"), 3)
    assert expected == attrs.astuple(found)


def test_fewest_segments() -> None:
    """One segment is the least that a rail may allow."""
    assert 1 == config(rails={"max_segments": 1}).rails.max_segments


def test_no_rails() -> None:
    """Without rails anyone may be reached."""
    assert Rails() == config().rails == config(rails={}).rails
    assert ((), None, (), None) == attrs.astuple(Rails())


def test_rails_show_no_number() -> None:
    """Staging's own numbers are someone's numbers."""
    rails = Rails(only_to=("+13135550123",), redirect_to="+13135550124")
    assert "3135550" not in f"{rails!r}{rails}"
    assert "+1********23" in repr(rails)
