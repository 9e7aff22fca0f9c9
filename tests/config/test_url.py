"""A configuration in one line: its parts, their encoding, and that it is never shown."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms import Config, ConfigError
from polysms.config import Source
from polysms.config.url import tables

WAVIX = {"provider": "wavix", "api_key": "canary"}
TABLES: list[tuple[str, dict[str, Any]]] = [
    ("wavix://canary@", WAVIX),
    ("wavix://canary", WAVIX),
    ("  WAVIX://canary@/  ", WAVIX),
    ("wavix://CaNaRy", {**WAVIX, "api_key": "CaNaRy"}),
    ("wavix://can%40ry%2F%3A%25@", {**WAVIX, "api_key": "can@ry/:%"}),
    ("wavix://canary@?sender=Acme", {**WAVIX, "sender": ["Acme"]}),
    (
        "wavix://canary@?sender=%2B13137890021&sender=Acme%20Ltd",
        {**WAVIX, "sender": ["+13137890021", "Acme Ltd"]},
    ),
    (
        "wavix://canary@?base_url=https%3A%2F%2Fproxy.example%3A8443%2Fw&trust_env=true",
        {**WAVIX, "base_url": "https://proxy.example:8443/w", "trust_env": "true"},
    ),
    ("carrierx://canary@", {"provider": "carrierx", "token": "canary"}),
    ("carrierx://me:can:ry@", {"provider": "carrierx", "username": "me", "password": "can:ry"}),
    (
        "signalwire://project:canary@Example?sender=%2B15559876543",
        {
            "provider": "signalwire",
            "project_id": "project",
            "api_token": "canary",
            "space": "Example",
            "sender": ["+15559876543"],
        },
    ),
    ("memory://", {"provider": "memory"}),
]


@pytest.mark.parametrize(("line", "expected"), TABLES)
def test_one_account(line: str, expected: dict[str, Any]) -> None:
    """One part is one account, named for its provider, and the default."""
    name = expected["provider"]
    assert {"default": name, "accounts": {name: expected}} == tables(line, "f")


def test_several_accounts() -> None:
    """Several parts are tried in their order; accounts of one provider are numbered."""
    line = "wavix://one@ || memory:// || wavix://two@||wavix://three@"
    found = tables(line, "f")
    names = ["wavix", "memory", "wavix2", "wavix3"]
    assert names == list(found["accounts"])
    assert {"main": {"strategy": "failover", "accounts": names}} == found["routes"]
    assert "main" == found["default"]
    assert ["one", None, "two", "three"] == [
        table.get("api_key") for table in found["accounts"].values()
    ]


def test_config_of_a_url() -> None:
    """A line is read as strictly as a file, and becomes the same configuration."""
    config = Config.from_url("wavix://canary@?sender=Acme || null://?sender=Other")
    assert ("wavix", "null") == config.route(None).accounts
    assert (("canary",), ("Acme",)) == (
        config.account("wavix").secrets,
        config.account("wavix").sender,
    )


def test_variables() -> None:
    """A variable in a line is replaced after the line is taken apart: it needs no encoding."""
    source = Source("POLYSMS_URL", {"KEY": "can@ry/?#&"})
    config = Config.from_url("wavix://${KEY}@?sender=${SENDER:-Acme}", source)
    account = config.account("wavix")
    assert (("can@ry/?#&",), ("Acme",)) == (account.secrets, account.sender)


def test_sandbox() -> None:
    """The sandbox stands in for the providers of a line too."""
    config = Config.from_url("wavix://canary@", sandbox="http://127.0.0.1:8026")
    request = config.account("wavix").adapter.check_request()  # type: ignore[attr-defined]
    assert request.url.startswith("http://127.0.0.1:8026/")


PART = "part 1 of the URL"
FAULTS = [
    ("", PART, "has no provider; write it as wavix://KEY@?sender=..."),
    ("canary", PART, "has no provider"),
    ("wavix:canary@", PART, "has no provider"),
    ("://canary@", PART, "has no provider"),
    ("wavix://canary@ || canary2", "part 2 of the URL", "has no provider"),
    ("wavix://canary@ || ", "part 2 of the URL", "has no provider"),
    ("wavx://canary@", PART, "no provider is called 'wavx'; did you mean \"wavix\"?"),
    ("wavix://", PART, "has 0 of user, password and host; wavix takes 1"),
    ("wavix://@", PART, "has 0 of user, password and host; wavix takes 1"),
    ("wavix://canary:canary2@", PART, "has 2 of user, password and host; wavix takes 1"),
    (
        "carrierx://canary:canary2@canary3",
        PART,
        "has 3 of user, password and host; carrierx takes 1 or 2",
    ),
    ("signalwire://canary@example", PART, "has 2 of user, password and host; signalwire takes 3"),
    ("memory://canary", PART, "has 1 of user, password and host; memory takes 0"),
    ("wavix://canary@:8026", PART, "has a port, a path or a fragment"),
    ("wavix://can/ary@", PART, "has a port, a path or a fragment"),
    ("wavix://can#ary@?sender=Acme", PART, "has a port, a path or a fragment"),
    ("wavix://canary:x@:port", PART, "cannot be read; percent-encode its parts"),
    ("wavix://[canary@", PART, "cannot be read; percent-encode its parts"),
    ("wavix://canary@?sendr=Acme", PART, 'has a setting of no known name; did you mean "sender"?'),
    ("wavix://can?ary@?sender=Acme", PART, "has a setting of no known name"),
    ("wavix://canary@?proxy=http&canary2", PART, "has a setting of no known name; known are api_k"),
    ("wavix://canary@?ca=a&ca=b", f"{PART}, ca", "is given twice"),
    ("wavix://canary@?api_key=canary2", f"{PART}, api_key", "is given twice"),
    ("wavix://canary@?provider=null", f"{PART}, provider", "is given twice"),
    ("wavix://canary@?sender=", "accounts.wavix.sender", "is empty"),
    ("wavix://canary@?timeouts=5", "accounts.wavix.timeouts", "is a str; write a table"),
    ("wavix://%20@", "accounts.wavix.api_key", "is empty; an empty secret protects nothing"),
    ("wavix://canary%0A@", "accounts.wavix.api_key", "has a line end or another control"),
    ("wavix://canary@?base_url=http://canary.example", "accounts.wavix.base_url", "is plain http"),
    ("wavix://canary@?trust_env=canary", "accounts.wavix.trust_env", "write true or false"),
    ("wavix://${UNSET}@", "accounts.wavix.api_key", "the environment variable UNSET is not set"),
    ("signalwire://p:canary@ca.nary", "accounts.signalwire.space", "write only the name before"),
]


@pytest.mark.parametrize(("line", "key", "sentence"), FAULTS)
def test_fault(line: str, key: str, sentence: str) -> None:
    """A wrong line is refused by the part at fault, and nothing of it is shown."""
    with pytest.raises(ConfigError) as raised:
        Config.from_url(line, Source("POLYSMS_URL"))
    assert str(raised.value).startswith(f"{key}: {sentence}")
    assert key == raised.value.key
    assert not re.search("can.?ary", str(raised.value))


def test_fault_says_where() -> None:
    """A line that was handed in is "the URL", one of the environment its variable."""
    found = []
    for source in (None, Source("POLYSMS_URL")):
        with pytest.raises(ConfigError) as raised:
            Config.from_url("wavix://canary@?sender=", source)
        found.append(str(raised.value).rpartition(" (in ")[2])
    assert ["the URL)", "POLYSMS_URL)"] == found


def test_provider_without_a_url_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that says no URL form is configured in a file."""
    from polysms.providers import load

    monkeypatch.delattr(load("memory").Settings, "url_forms")
    with pytest.raises(ConfigError, match="has 0 of user, password and host; memory takes no URL"):
        Config.from_url("memory://")


# `${` begins a variable, and a control character is in no secret.
SECRETS = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20
).filter(lambda text: "${" not in text)


def encoded(text: str) -> str:
    """Return a text as it stands in a part of a URL."""
    return quote(text, safe="")


@given(user=SECRETS, password=SECRETS, sender=SECRETS)
def test_encoding_there_and_back(user: str, password: str, sender: str) -> None:
    """Whatever a credential or a sender is made of, encoding brings it through."""
    line = f"carrierx://{encoded(user)}:{encoded(password)}@?sender={encoded(sender)}"
    found = tables(f"{line} || wavix://{encoded(user)}@", "f")["accounts"]["carrierx"]
    assert (user, password, [sender]) == (found["username"], found["password"], found["sender"])
    assert (password,) == Config.from_url(line.partition("?")[0]).account("carrierx").secrets


def refusal(line: str) -> ConfigError | None:
    """Return the error of a line, None where it is a configuration."""
    try:
        Config.from_url(line)
    except ConfigError as error:
        return error
    return None


CANARY = "k4n4ry"
AROUND = st.text(st.sampled_from("abc:/@?#&=%+.|[] $\u212a"), max_size=8)


@given(
    scheme=st.sampled_from(["wavix", "carrierx", "signalwire", "memory", "wavx", "http"]),
    before=AROUND,
    after=AROUND,
    query=st.one_of(st.just(""), AROUND.map(lambda text: f"?{text}")),
)
def test_error_never_shows_the_url(scheme: str, before: str, after: str, query: str) -> None:
    """However wrong a line is, its error is ours and shows no piece of it but its scheme."""
    line = f"{scheme}://{before}{CANARY}{after}@{query}"
    error = refusal(line)
    if error is not None:
        assert CANARY not in f"{error!r} {error} {error.key}"
        assert error.__suppress_context__ or CANARY not in f"{error.__context__!r}"


@given(line=st.text())
def test_any_line(line: str) -> None:
    """Any text at all is a configuration or an error of ours."""
    error = refusal(line)
    assert error is None or error.key
