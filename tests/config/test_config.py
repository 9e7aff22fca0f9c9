"""The configuration as a whole: made in code, of tables, of junk; and what it shows."""

from __future__ import annotations

import copy
import tomllib
from contextlib import suppress
from typing import Any

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from polysms import Config, ConfigError, Message
from polysms.config import Account, Rails, Route, Source, Timeouts
from polysms.config.build import COMMON, TOP, account_of
from polysms.config.values import Common
from polysms.providers import LOCAL, REGISTRY

WHOLE = """
default = "${SMS_ROUTE:-main}"

[accounts.wavix]
api_key = "${WAVIX_API_KEY}"
sender  = "+13137890021"
proxy   = "http://me:proxy-canary@127.0.0.1:3128"

[accounts.carrierx]
token  = "${CARRIERX_TOKEN}"
sender = "15162065575"

[accounts.signalwire]
space      = "example"
project_id = "${SIGNALWIRE_PROJECT_ID}"
api_token  = "${SIGNALWIRE_API_TOKEN}"
sender     = ["+15559876543", "12345"]
timeouts   = { read = "20s" }

[senders.alerts]
wavix = "Acme"
signalwire = "+15559876543"

[routes.main]
strategy = "failover"
accounts = ["wavix", "signalwire"]
on_maybe_sent = "stop"
deadline = "60s"

[rails]
only_to = ["+13135550123"]
redirect_to = "+13135550124"
countries = ["US", "CA"]
"""
ENVIRONMENT = {
    "WAVIX_API_KEY": "wavix-canary",
    "CARRIERX_TOKEN": "carrierx-canary",
    "SIGNALWIRE_PROJECT_ID": "3a9f2b1c-0000-4000-8000-000000000000",
    "SIGNALWIRE_API_TOKEN": "signalwire-canary",
}


@pytest.fixture
def whole() -> Config:
    """Return a configuration that uses everything."""
    return Config.from_mapping(tomllib.loads(WHOLE), Source("polysms.toml", ENVIRONMENT))


def test_whole(whole: Config) -> None:
    """All that a file may say is read, and hangs together."""
    assert ["wavix", "carrierx", "signalwire"] == list(whole.accounts)
    assert ("main", "polysms.toml") == (whole.default, whole.where)
    assert whole.routes["main"] == whole.route(None)
    assert {"alerts": {"wavix": ("Acme",), "signalwire": ("+15559876543",)}} == whole.senders
    assert ("+15559876543", "12345") == whole.account("signalwire").sender


def test_shows_nothing_private(whole: Config) -> None:
    """A configuration shows its names, and no secret and no whole number."""
    for shown in (repr(whole), str(whole), f"{[whole]}"):
        assert "canary" not in shown
        for number in ("3137890", "5162065", "5559876", "3135550"):
            assert number not in shown
    assert "senders=<alerts>" in repr(whole)


def test_common_keys_show_no_credential() -> None:
    """A proxy's address may hold a user name and a password."""
    assert "canary" not in repr(Common(proxy="http://me:canary@127.0.0.1:3128"))


@pytest.mark.parametrize("kind", [Account, Common, Config, Rails, Route, Timeouts])
def test_fields_are_said_by_name(kind: type[attrs.AttrsInstance]) -> None:
    """So many fields have no order that anyone remembers."""
    named = [field.kw_only for field in attrs.fields(kind) if field.init]
    assert all(named)


def test_account_by_default() -> None:
    """An account made in code is reached directly, with the usual patience."""
    account = Account(name="a", provider=None, provider_name="null")
    found = (account.sender, account.timeouts, account.proxy, account.ca, account.trust_env)
    assert ((), Timeouts(), None, None, False) == found


def test_tables_stay_as_they_are() -> None:
    """The mapping that was handed in (Django's settings) is not changed."""
    tables = tomllib.loads(WHOLE)
    before = copy.deepcopy(tables)
    Config.from_mapping(tables, Source("settings", ENVIRONMENT))
    assert before == tables


def test_without_a_source() -> None:
    """Tables alone have no environment: a variable is unset."""
    with pytest.raises(ConfigError, match=r"WAVIX_API_KEY is not set.*\(in the configuration\)"):
        Config.from_mapping(tomllib.loads(WHOLE))


def test_made_in_code() -> None:
    """A program may make a configuration of plain tables, of the classes, or of both."""
    tables = Config(
        accounts={"wavix": {"api_key": "canary", "sender": "Acme"}, "null": {}},
        routes={"main": {"accounts": ["wavix", "null"], "deadline": "5s"}},
        senders={"alerts": {"wavix": "Acme"}},
        rails={"only_to": "+13135550123"},
        default="main",
    )
    values = Config(
        accounts={"wavix": tables.accounts["wavix"], "null": account_of("null", {})},
        routes={"main": Route(accounts=("wavix", "null"), deadline=5.0)},  # type: ignore[arg-type]
        senders={"alerts": {"wavix": ("Acme",)}},
        rails=Rails(only_to=("+13135550123",)),
        default="main",
    )
    for name in ("routes", "senders", "rails", "default", "where"):
        assert getattr(values, name) == getattr(tables, name)
    assert list(values.accounts) == list(tables.accounts)
    assert Rails(only_to=("+13135550123",)) == tables.rails


CODE_FAULTS: list[tuple[dict[str, Any], str, str]] = [
    ({"accounts": {}}, "accounts", "there is none"),
    ({"accounts": {"wavix": {}}}, "accounts.wavix.api_key", "is missing"),
    ({"accounts": {"wavix": 5}}, "accounts.wavix", "is a int; write a table"),
    ({"default": "nothing"}, "default", "there is no account or route 'nothing'"),
    ({"routes": {"main": 5}}, "routes.main", "is a int; write a table"),
    ({"routes": {"main": Route(accounts=())}}, "routes.main.accounts", "is empty"),
    ({"routes": {"main": Route(accounts=("nul",))}}, "routes.main.accounts", "there is no account"),
    ({"senders": {"alerts": 5}}, "senders.alerts", "is a int; write tables"),
    ({"rails": {"only": 5}}, "rails.only", "no such key"),
    ({"rails": None}, "rails", "is a NoneType; write a table"),
]


@pytest.mark.parametrize(("tables", "key", "sentence"), CODE_FAULTS)
def test_made_in_code_is_checked(tables: dict[str, Any], key: str, sentence: str) -> None:
    """A configuration made in code is held to the rules of one that was read."""
    with pytest.raises(ConfigError) as raised:
        Config(**{"accounts": {"null": {}}, **tables})
    assert str(raised.value).startswith(f"{key}: {sentence}")
    assert (key, True) == (raised.value.key, str(raised.value).endswith("(in the configuration)"))


def test_common_keys_are_those_of_the_class() -> None:
    """The keys that all accounts may have are the fields of the class that reads them."""
    assert set(COMMON) == {field.name for field in attrs.fields(Common)}


@pytest.mark.parametrize("provider", [*sorted(REGISTRY), *LOCAL])
def test_providers_are_loadable(provider: str) -> None:
    """Every name in the list of providers leads to an adapter; nothing else is asked of it."""
    with suppress(ConfigError):
        account_of(provider, {})


@pytest.mark.parametrize(
    ("tables", "sentence"),
    [
        (None, "is a NoneType; write tables"),
        ("wavix", "is a str; write tables"),
        ([{}], "is a list; write tables"),
    ],
)
def test_no_tables(tables: Any, sentence: str) -> None:
    """What is no mapping at all is no configuration."""
    with pytest.raises(ConfigError, match=sentence):
        Config.from_mapping(tables)


def test_endless_tables() -> None:
    """Tables that hold themselves are refused, not followed."""
    tables: dict[str, Any] = {"accounts": {}}
    tables["accounts"]["wavix"] = tables
    with pytest.raises(ConfigError, match="is nested too deeply"):
        Config.from_mapping(tables)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.binary(max_size=4),
    st.dates(),
    st.sampled_from(["${X}", "${X:-}", "${A:-60s}", "wavix", "memory", "null", "main", "+1313555"]),
)
KEYS = st.one_of(
    st.sampled_from([*COMMON, "api_key", "token", "space", "wavix", "memory", "null", "main"]),
    st.sampled_from(["strategy", "accounts", "deadline", "only_to", "countries", "max_segments"]),
    st.text(max_size=5),
    st.integers(),
    st.none(),
)
JUNK = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(KEYS, inner, max_size=4),
        st.tuples(inner),
        st.sets(st.integers(), max_size=2),
    ),
    max_leaves=12,
)
TABLES = st.dictionaries(st.sampled_from(["memory", "null", "a", "main"]), JUNK, max_size=3)
MEMORY = st.fixed_dictionaries({"provider": st.just("memory")}, optional={"sender": SCALARS})


@given(
    st.one_of(
        JUNK,
        st.fixed_dictionaries({}, optional=dict.fromkeys(TOP, JUNK)),
        st.fixed_dictionaries(
            {"accounts": st.dictionaries(KEYS, st.one_of(MEMORY, JUNK), min_size=1, max_size=2)},
            optional={
                "default": SCALARS,
                "routes": TABLES,
                "senders": TABLES,
                "rails": st.dictionaries(KEYS, SCALARS, max_size=2),
            },
        ),
    )
)
@example({"accounts": {"memory": {"timeouts": {"read": 10**400}}}})
@example({"accounts": {"memory": {"timeouts": 5}}})
@example({"accounts": {"memory": {"trust_env": []}}})
@example({"accounts": {"memory": {}}, "default": {}})
@example({"accounts": {None: {"provider": "memory"}}})
def test_junk(tables: Any) -> None:
    """Whatever is handed in, a configuration is made or ConfigError is raised, and no other."""
    with suppress(ConfigError):
        config = Config.from_mapping(tables)
        assert all(isinstance(account, Account) for account in config.accounts.values())
        assert repr(config)


@given(
    sender=st.text(min_size=1),
    default=st.sampled_from(["first", "second", "main"]),
    order=st.permutations(["first", "second"]),
)
def test_sound_tables(sender: str, default: str, order: list[str]) -> None:
    """Sound tables are always taken."""
    account = {"provider": "memory", "sender": f"x{sender}x".replace("${", "")}
    tables = {
        "accounts": {"first": account, "second": account},
        "routes": {"main": {"accounts": order}},
        "default": default,
    }
    config = Config.from_mapping(tables)
    first = config.account(config.route(None).accounts[0])
    assert first.adapter.request(Message("+13135550123", "x", from_="x"), "r1").content
