"""Accounts: their keys, their secrets, the sandbox in their place."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import attrs
import pytest

from polysms import Config, ConfigError, Message
from polysms.config import Account, Source
from polysms.config.build import account_of, keys_of
from polysms.providers import LOCAL, REGISTRY, load
from tests.providers.examples import EXAMPLES

MESSAGE = Message("+13135550123", "x", from_="+13137890021")
TABLES: dict[str, dict[str, Any]] = {name: dict(row.settings) for name, row in EXAMPLES.items()}
HOMES = {name: row.path for name, row in EXAMPLES.items()}


def one(table: dict[str, Any], name: str = "wavix", **settings: Any) -> Account:
    """Return the account of a configuration that has one."""
    config = Config.from_mapping({"accounts": {name: table}}, **settings)
    return config.account(name)


def url_of(account: Account) -> str:
    """Return where an account would send."""
    return account.adapter.request(MESSAGE, "r1").url


@pytest.mark.parametrize("provider", sorted(REGISTRY))
def test_provider_of_the_name(provider: str) -> None:
    """An account is of the provider it is named for, and sends to its public address."""
    account = one(TABLES[provider], provider)
    assert (provider, provider, False) == (account.name, account.provider_name, account.local)
    assert HOMES[provider] == url_of(account)


@pytest.mark.parametrize("provider", sorted(REGISTRY))
def test_provider_said(provider: str) -> None:
    """An account of another name says its provider; two may be of one."""
    table = {**TABLES[provider], "provider": provider}
    config = Config.from_mapping({"accounts": {"first": table, "second": table}})
    assert [provider, provider] == [item.provider_name for item in config.accounts.values()]
    assert HOMES[provider] == url_of(config.account("second"))


@pytest.mark.parametrize("provider", LOCAL)
def test_local(provider: str) -> None:
    """Console, memory and null need nothing and have no network."""
    account = one({}, provider)
    assert (provider, True, ()) == (account.provider_name, account.local, account.secrets)


def test_provider_of_your_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """``provider = "my.module:Provider"`` loads an adapter from anywhere."""
    module = ModuleType("my_providers")
    module.Mine = load("wavix")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "my_providers", module)
    account = one({**TABLES["wavix"], "provider": "my_providers:Mine"}, "mine")
    assert ("mine", "wavix") == (account.name, account.provider_name)


NO_PROVIDERS = [
    ("wavx", "no provider is called 'wavx'; did you mean \"wavix\"?"),
    ("zzz", "no provider is called 'zzz'; known are carrierx, console, memory, null, signalwire"),
    ("", "no provider is called ''"),
    ("no_such_module:Provider", "cannot load 'no_such_module:Provider'"),
    ("polysms:NoSuchName", "cannot load 'polysms:NoSuchName'"),
    (":Provider", "cannot load ':Provider'"),
    (".relative:Provider", "cannot load '.relative:Provider'"),
    ("json:loads", "'json:loads' is no provider: it lacks Settings, capabilities, request, read"),
    (5, "write a provider's name in quotes"),
    (None, "write a provider's name in quotes"),
]


@pytest.mark.parametrize(("provider", "sentence"), NO_PROVIDERS)
def test_no_provider(provider: Any, sentence: str) -> None:
    """A provider that is not there is refused, naming the key and the nearest there is."""
    with pytest.raises(ConfigError) as raised:
        one({"provider": provider}, "mine")
    assert str(raised.value).startswith(f"accounts.mine.provider: {sentence}")
    assert "accounts.mine.provider" == raised.value.key


COMMON: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"sender": (), "proxy": None, "ca": None, "trust_env": False}),
    ({"sender": "+13137890021"}, {"sender": ("+13137890021",)}),
    ({"sender": ["+13137890021", " Acme "]}, {"sender": ("+13137890021", "Acme")}),
    ({"proxy": "http://me:canary@127.0.0.1:3128"}, {"proxy": "http://me:canary@127.0.0.1:3128"}),
    ({"proxy": "socks5://proxy.example"}, {"proxy": "socks5://proxy.example"}),
    ({"proxy": "http://proxy.example:1"}, {"proxy": "http://proxy.example:1"}),
    ({"ca": "authorities.pem"}, {"ca": "authorities.pem"}),
    ({"trust_env": True}, {"trust_env": True}),
    ({"trust_env": "true"}, {"trust_env": True}),
]


@pytest.mark.parametrize(("table", "expected"), COMMON)
def test_common_keys(table: dict[str, Any], expected: dict[str, Any]) -> None:
    """Whatever its provider, an account may say its senders and how it is reached."""
    account = one({**TABLES["wavix"], **table})
    assert expected == {name: getattr(account, name) for name in expected}


def test_timeouts() -> None:
    """Each step of a request has its own bound; those left out keep their default."""
    account = one({**TABLES["wavix"], "timeouts": {"read": "20s", "connect": 1}})
    assert (1.0, 5.0, 20.0, 2.0) == attrs.astuple(account.timeouts)


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("https://proxy.example/wavix/", "https://proxy.example/wavix/v3/messages"),
        ("http://127.0.0.1:8026", "http://127.0.0.1:8026/v3/messages"),
    ],
)
def test_base_url(base_url: str, expected: str) -> None:
    """``base_url`` stands for the provider's public address."""
    assert expected == url_of(one({**TABLES["wavix"], "base_url": base_url}))


NO_ACCOUNTS: list[tuple[str, Any, str, str]] = [
    # name, table, key, sentence
    ("wavix", {}, "wavix.api_key", "is missing"),
    ("wavix", {"api_key": ""}, "wavix.api_key", "is empty; an empty secret"),
    ("wavix", {"api_key": 5}, "wavix.api_key", "is a int; write a text in quotes"),
    ("wavix", {"api_kye": "x"}, "wavix.api_kye", 'no such key; did you mean "api_key"?'),
    (
        "wavix",
        {"zzz": "x"},
        "wavix.zzz",
        "no such key; known are api_key, paths, optout_body, provider, sender",
    ),
    ("wavix", "canary", "wavix", "is a str; write a table"),
    ("wavix", None, "wavix", "is a NoneType; write a table"),
    ("wavix", ["canary"], "wavix", "is a list; write a table"),
    ("carrierx", {}, "carrierx.token", "is missing; give token, or username and password"),
    ("carrierx", {"username": "me"}, "carrierx.token", "is missing; give token, or username"),
    ("carrierx", {"token": ""}, "carrierx.token", "is empty; an empty secret"),
    (
        "signalwire",
        {**TABLES["signalwire"], "space": "example.signalwire.com"},
        "signalwire.space",
        'write only the name before ".signalwire.com"',
    ),
    ("memory", {"api_key": "canary"}, "memory.api_key", "no such key; known are provider, sender"),
    ("null", {"sender": ""}, "null.sender", "is empty"),
    ("null", {"sender": 13137890021}, "null.sender", "write one text, or a list of texts"),
    ("null", {"timeouts": 5}, "null.timeouts", "is a int; write a table"),
    ("null", {"timeouts": {"reed": 5}}, "null.timeouts.reed", 'no such key; did you mean "read"?'),
    ("null", {"timeouts": {"read": 0}}, "null.timeouts.read", "must be more than zero"),
    ("null", {"base_url": "http://api.example.com"}, "null.base_url", "is plain http"),
    ("null", {"base_url": "canary"}, "null.base_url", "is not a URL"),
    ("null", {"proxy": "proxy.example:3128"}, "null.proxy", "write one as http://host:port"),
    ("null", {"proxy": "http://"}, "null.proxy", "write one as http://host:port"),
    ("null", {"proxy": "http://proxy.example:0"}, "null.proxy", "write one as http://host:port"),
    ("null", {"proxy": "http://[canary"}, "null.proxy", "write one as http://host:port"),
    ("null", {"proxy": "http://proxy.example:x"}, "null.proxy", "write one as http://host:port"),
    ("null", {"trust_env": "perhaps"}, "null.trust_env", "write true or false"),
    ("null", {5: "x"}, "null.5", "its name is a int; write a text"),
]


@pytest.mark.parametrize(("name", "table", "key", "sentence"), NO_ACCOUNTS)
def test_no_account(name: str, table: Any, key: str, sentence: str) -> None:
    """A wrong account is refused by the key to mend, and no value is shown."""
    with pytest.raises(ConfigError) as raised:
        Config.from_mapping({"accounts": {name: table}}, Source("polysms.toml"))
    assert str(raised.value).startswith(f"accounts.{key}: {sentence}")
    assert str(raised.value).endswith(" (in polysms.toml)")
    assert f"accounts.{key}" == raised.value.key
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize("provider", [*sorted(REGISTRY), *LOCAL])
def test_no_key_has_two_meanings(provider: str) -> None:
    """No setting of a provider is called as a key that all accounts have."""
    keys = keys_of(load(provider))
    assert len(keys) == len(set(keys))


UNSET = {"wavix": {"api_key": "${WAVIX_API_KEY}"}, "null": {}}


def test_missing_secret_of_an_account_in_use() -> None:
    """A missing secret is an error that names the key and the variable."""
    with pytest.raises(ConfigError) as raised:
        Config.from_mapping({"accounts": UNSET, "default": "wavix"}, Source("polysms.toml"))
    assert "accounts.wavix.api_key" == raised.value.key
    assert "the environment variable WAVIX_API_KEY is not set" in str(raised.value)
    assert "(in polysms.toml)" in str(raised.value)


@pytest.mark.parametrize("default", ["main", "null"])
def test_missing_secret_of_an_account_in_a_route(default: str) -> None:
    """An account that any route can reach must be whole, the default one or not."""
    tables = {
        "accounts": UNSET,
        "routes": {"main": {"accounts": ["null", "wavix"]}},
        "default": default,
    }
    with pytest.raises(ConfigError, match="WAVIX_API_KEY is not set"):
        Config.from_mapping(tables)


def test_missing_secret_of_an_account_that_nothing_uses() -> None:
    """A missing secret elsewhere is no error, until that account is asked for."""
    config = Config.from_mapping({"accounts": UNSET, "default": "null"})
    assert "null" == config.account("null").name
    broken = config.accounts["wavix"]
    assert ("wavix", False) == (broken.provider_name, broken.local)
    for use in (lambda: config.account("wavix"), lambda: broken.adapter):
        with pytest.raises(ConfigError, match="WAVIX_API_KEY is not set") as raised:
            use()
        assert "accounts.wavix.api_key" == raised.value.key


def test_missing_secret_names_its_provider() -> None:
    """A broken account of another name is still of the provider it says."""
    tables = {"accounts": {"null": {}, "main": {"provider": "wavix", "api_key": "${UNSET}"}}}
    assert "wavix" == Config.from_mapping(tables).accounts["main"].provider_name


def test_only_account_is_in_use() -> None:
    """Without a default, a lone account is the one that is used."""
    with pytest.raises(ConfigError, match="WAVIX_API_KEY is not set"):
        Config.from_mapping({"accounts": {"wavix": UNSET["wavix"]}})


def test_set_secret() -> None:
    """A secret comes from the environment, its default from the file."""
    table = {"api_key": "${WAVIX_API_KEY}", "sender": "${SENDER:-Acme}"}
    account = one(table, source=Source("f", {"WAVIX_API_KEY": "wavix-canary"}))
    assert (("wavix-canary",), ("Acme",)) == (account.secrets, account.sender)


def test_empty_secret_in_the_environment() -> None:
    """A variable that is set and empty is no secret."""
    table = {"api_key": "${WAVIX_API_KEY}"}
    with pytest.raises(ConfigError, match=r"accounts\.wavix\.api_key: is empty"):
        one(table, source=Source("f", {"WAVIX_API_KEY": ""}))


def test_broken_account_without_a_reason() -> None:
    """An account made without an adapter says that it is broken."""
    account = Account(name="mine", provider=None, provider_name="wavix")
    with pytest.raises(ConfigError, match=r"accounts\.mine is broken"):
        account.adapter  # noqa: B018 - asked for to fail


@pytest.mark.parametrize("provider", sorted(REGISTRY))
def test_sandbox(provider: str) -> None:
    """The sandbox stands in for every provider, each under its own path."""
    account = one(TABLES[provider], provider, sandbox="http://127.0.0.1:8026/")
    path = HOMES[provider].partition(".com")[2]
    assert f"http://127.0.0.1:8026{path}" == url_of(account)


def test_sandbox_wins() -> None:
    """A base_url, a proxy and the environment's proxies are left aside for the sandbox."""
    table = {
        **TABLES["wavix"],
        "base_url": "https://proxy.example/wavix",
        "proxy": "http://proxy.example:3128",
        "trust_env": True,
    }
    account = one(table, sandbox="http://localhost:8026")
    assert "http://localhost:8026/wavix/v3/messages" == url_of(account)
    assert (None, False) == (account.proxy, account.trust_env)


def test_sandbox_leaves_local_accounts_alone() -> None:
    """What stays in this process goes to no sandbox."""
    assert url_of(one({}, "memory")) == url_of(one({}, "memory", sandbox="http://127.0.0.1:8026"))


@pytest.mark.parametrize(
    "url", ["https://sandbox.example", "http://10.0.0.1:8026", "127.0.0.1:8026", "canary", ""]
)
def test_no_sandbox(url: str) -> None:
    """The sandbox is on this machine, or it is refused: no real key ever leaves for it."""
    with pytest.raises(
        ConfigError, match=r"^POLYSMS_SANDBOX: .* \(in the environment\)$"
    ) as raised:
        one(TABLES["wavix"], sandbox=url)
    assert "POLYSMS_SANDBOX" == raised.value.key
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize("provider", sorted(REGISTRY))
def test_secrets_are_known(provider: str) -> None:
    """An account knows its secrets, and hides them in any text."""
    account = account_of(provider, TABLES[provider])
    assert (EXAMPLES[provider].secret,) == account.secrets
    said = f"bad key {EXAMPLES[provider].secret} for +13135550123"
    assert "bad key *** for +1********23" == account.hide(said)


@pytest.mark.parametrize("provider", sorted(REGISTRY))
def test_settings_show_no_secret(provider: str) -> None:
    """The settings of a provider show their names, never a secret."""
    kind = load(provider).Settings
    settings = kind(**TABLES[provider])
    for shown in (repr(settings), str(settings), f"{[settings]}"):
        assert "canary" not in shown


def test_legacy_password_is_not_shown() -> None:
    """CarrierX's old user name and password are a secret too."""
    settings = load("carrierx").Settings(username="me", password="carrierx-canary")
    assert "canary" not in repr(settings)
    account = account_of("carrierx", {"username": "me", "password": "carrierx-canary"})
    assert ("carrierx-canary",) == account.secrets


@pytest.mark.parametrize("provider", sorted(REGISTRY))
def test_account_shows_nothing_private(provider: str) -> None:
    """An account shows its name and how it is reached, no secret and no whole number."""
    table = {
        **TABLES[provider],
        "sender": ["+13137890021", "Acme"],
        "proxy": "http://me:canary@127.0.0.1:3128",
    }
    account = account_of(provider, table)
    for shown in (repr(account), str(account), f"{[account]}", repr(account.adapter)):
        assert "canary" not in shown
        assert "3137890" not in shown
    assert "+1********21" in repr(account)
