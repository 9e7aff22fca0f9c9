"""Reading one value: variables, texts, numbers, seconds, URLs, unknown keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.config.reading import (
    Seconds,
    Source,
    Texts,
    expand,
    known,
    nearest,
    read,
    web_url,
)
from polysms.errors import ConfigError, Fault

ENVIRONMENT = {"KEY": "value", "EMPTY": "", "NESTED": "${KEY}", "_A1": "under"}
SOURCE = Source("polysms.toml", ENVIRONMENT)

EXPANDED = [
    ("plain", "plain"),
    ("${KEY}", "value"),
    ("a-${KEY}-${_A1}-b", "a-value-under-b"),
    ("${KEY:-other}", "value"),
    ("${UNSET:-other}", "other"),
    ("${UNSET:-}", ""),
    ("${UNSET:-a:-b}", "a:-b"),
    # Set and empty is set: an empty secret is told apart from a missing one.
    ("${EMPTY:-other}", ""),
    # What a variable holds is never looked into.
    ("${NESTED}", "${KEY}"),
    ("$KEY ${} ${1A} ${KEY", "$KEY ${} ${1A} ${KEY"),
    ({"a": {"b": ["${KEY}", 5]}, "c": ("${KEY}",)}, {"a": {"b": ["value", 5]}, "c": ["value"]}),
    (5, 5),
    (None, None),
]


@pytest.mark.parametrize(("value", "expected"), EXPANDED)
def test_expand(value: Any, expected: Any) -> None:
    """``${VAR}`` and ``${VAR:-default}`` are replaced in any string, once."""
    missing: list[ConfigError] = []
    assert expected == expand(value, SOURCE, "", missing)
    assert [] == missing


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ({"accounts": {"wavix": {"api_key": "${UNSET}"}}}, "accounts.wavix.api_key"),
        ({"accounts": {"wavix": {"sender": ["a", "x${UNSET}"]}}}, "accounts.wavix.sender"),
        ({"default": "${UNSET}"}, "default"),
    ],
)
def test_unset_variable(value: Any, key: str) -> None:
    """An unset variable without a default is an error that names it, the key and the file."""
    missing: list[ConfigError] = []
    expand(value, SOURCE, "", missing)
    assert [key] == [error.key for error in missing]
    expected = (
        f"{key}: the environment variable UNSET is not set; set it, or write ${{UNSET:-...}} "
        "(in polysms.toml)"
    )
    assert expected == str(missing[0])


NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True)
PLAIN = st.text(st.characters(exclude_characters="${}"), max_size=20)


@given(name=NAMES, before=PLAIN, after=PLAIN, default=PLAIN, held=st.text())
def test_any_expansion(name: str, before: str, after: str, default: str, held: str) -> None:
    """A variable stands for what it holds, or for its default; what is around it stays."""
    text = f"{before}${{{name}:-{default}}}{after}"
    missing: list[ConfigError] = []
    assert before + held + after == expand(text, Source("", {name: held}), "", missing)
    assert before + default + after == expand(text, Source(), "", missing)
    assert [] == missing


@given(text=st.text(st.sampled_from("${}:-AB_ ")))
def test_expansion_leaves_the_rest_alone(text: str) -> None:
    """What is no whole ``${VAR}`` stays as it is: nothing is guessed."""
    missing: list[ConfigError] = []
    environment = dict.fromkeys(re.findall(r"[AB_]+", text), "")
    expected = re.sub(r"\$\{[AB_]+(:-[^}]*)?\}", "", text)
    assert expected == expand(text, Source("", environment), "", missing)


def test_source_hides_the_environment() -> None:
    """A source is shown in errors; the environment beside it holds secrets."""
    assert "Source(where='polysms.toml')" == repr(SOURCE)


@attrs.frozen(kw_only=True)
class Settings:
    """A table of every kind of value."""

    name: str
    code: str | None = None
    secret: str = attrs.field(default="x", repr=False, metadata={"secret": True})
    numbers: Texts = ()
    most: int | None = None
    on: bool = False
    wait: Seconds = Seconds(1.0)
    waits: Seconds | None = None
    counted: Mapping[str, int] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        """Refuse two values, in the two ways a class may say so."""
        if self.code == "bad":
            raise ValueError("code: is bad")
        if self.code == "worse":
            raise ValueError("all of it is worse: mend it")


VALUES = [
    ("name", "Acme", "Acme"),
    ("code", None, None),
    ("numbers", "one", ("one",)),
    ("numbers", ["one", " two "], ("one", "two")),
    ("numbers", ("one",), ("one",)),
    ("most", 5, 5),
    ("most", "5", 5),
    ("most", None, None),
    ("on", True, True),
    ("on", False, False),
    ("on", "true", True),
    ("on", "False", False),
    ("wait", 60, 60.0),
    ("wait", 0.25, 0.25),
    ("wait", "60", 60.0),
    ("wait", "60s", 60.0),
    ("wait", " 1.5 s ", 1.5),
    ("wait", "250ms", 0.25),
    ("wait", "2m", 120.0),
    ("wait", "4h", 14400.0),
    ("wait", "7d", 604800.0),
    ("wait", "366d", 31622400.0),
    ("waits", "1m", 60.0),
    ("waits", None, None),
]


@pytest.mark.parametrize(("name", "value", "expected"), VALUES)
def test_value(name: str, value: Any, expected: Any) -> None:
    """A value is read as the type of its field; URLs and variables bring all as texts."""
    found = getattr(read(Settings, {"name": "x", name: value}, "t", "f"), name)
    assert (type(expected), expected) == (type(found), found)


FAULTS = [
    ({"name": 5}, "t.name", "is a int; write a text in quotes"),
    ({"name": None}, "t.name", "is a NoneType; write a text in quotes"),
    ({}, "t.name", "is missing"),
    ({"name": ""}, "t.name", "is empty"),
    ({"nmae": "x"}, "t.nmae", 'no such key; did you mean "name"?'),
    ({"name": "x", "zzz": 1}, "t.zzz", "no such key; known are name, code, secret, numbers"),
    ({"name": "x", "code": "bad"}, "t.code", "is bad"),
    ({"name": "x", "code": "worse"}, "t", "all of it is worse: mend it"),
    ({"name": "x", "secret": ""}, "t.secret", "is empty; an empty secret protects nothing"),
    ({"name": "x", "secret": " \n"}, "t.secret", "is empty; an empty secret protects nothing"),
    ({"name": "x", "secret": "canary\n"}, "t.secret", "has a line end or another control"),
    ({"name": "x", "secret": "canary\x00"}, "t.secret", "has a line end or another control"),
    ({"name": "x", "numbers": 5}, "t.numbers", "write one text, or a list of texts"),
    ({"name": "x", "numbers": ["a", 5]}, "t.numbers", "write one text, or a list of texts"),
    ({"name": "x", "numbers": {"a": 1}}, "t.numbers", "write one text, or a list of texts"),
    ({"name": "x", "numbers": []}, "t.numbers", "is empty; leave the key out"),
    ({"name": "x", "numbers": ["a", " "]}, "t.numbers", "is empty; leave the key out"),
    ({"name": "x", "numbers": ""}, "t.numbers", "is empty; leave the key out"),
    ({"name": "x", "most": 1.5}, "t.most", "write a whole number"),
    ({"name": "x", "most": True}, "t.most", "write a whole number"),
    ({"name": "x", "most": "five"}, "t.most", "write a whole number"),
    ({"name": "x", "most": "-5"}, "t.most", "write a whole number"),
    ({"name": "x", "on": 1}, "t.on", "write true or false"),
    ({"name": "x", "on": "yes"}, "t.on", "write true or false"),
    ({"name": "x", "on": []}, "t.on", "write true or false"),
    ({"name": "x", "wait": "soon"}, "t.wait", 'write seconds, as 60, "60s" or "2m"'),
    ({"name": "x", "wait": "-1s"}, "t.wait", 'write seconds, as 60, "60s" or "2m"'),
    ({"name": "x", "wait": "1y"}, "t.wait", 'write seconds, as 60, "60s" or "2m"'),
    ({"name": "x", "wait": None}, "t.wait", 'write seconds, as 60, "60s" or "2m"'),
    ({"name": "x", "wait": True}, "t.wait", 'write seconds, as 60, "60s" or "2m"'),
    ({"name": "x", "wait": 0}, "t.wait", "must be more than zero, and"),
    ({"name": "x", "wait": -1}, "t.wait", "must be more than zero, and"),
    ({"name": "x", "wait": float("nan")}, "t.wait", "must be more than zero, and"),
    (
        {"name": "x", "wait": float("inf")},
        "t.wait",
        "must be more than zero, and no more than a year",
    ),
    ({"name": "x", "wait": "999d"}, "t.wait", "must be more than zero, and no more than a year"),
    (
        {"name": "x", "wait": "9" * 400 + "s"},
        "t.wait",
        "must be more than zero, and no more than a year",
    ),
    ({"name": "x", "wait": 10**400}, "t.wait", "must be more than zero, and no more than a year"),
    ({"name": "x", "waits": []}, "t.waits", 'write seconds, as 60, "60s" or "2m"'),
    ({"name": "x", "counted": {"a": "x"}}, "t.counted", "write a whole number"),
    ({"name": "x", "counted": 5}, "t.counted", "is a int; write a table"),
    ("x", "t", "is a str; write a table"),
    ([], "t", "is a list; write a table"),
]


@pytest.mark.parametrize(("table", "key", "sentence"), FAULTS)
def test_fault(table: Any, key: str, sentence: str) -> None:
    """A wrong value is an error of ours that names the key, the remedy and where it was read."""
    with pytest.raises(ConfigError) as raised:
        read(Settings, table, "t", "polysms.toml")
    assert str(raised.value).startswith(f"{key}: {sentence}")
    assert str(raised.value).endswith(" (in polysms.toml)")
    assert (key, Fault.US, False) == (
        raised.value.key,
        raised.value.fault,
        raised.value.retry_later,
    )
    assert "canary" not in str(raised.value)


def test_defaults() -> None:
    """What is left out is as the class says."""
    assert Settings(name="x") == read(Settings, {"name": "x"}, "t", "f")


@given(table=st.dictionaries(st.text(max_size=3), st.integers(), min_size=1))
def test_unknown_key(table: dict[str, int]) -> None:
    """Any key that is not known is refused, whatever it is called."""
    with pytest.raises(ConfigError, match="no such key"):
        known(table, ["api_key", "sender"], "", "f")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sendr", 'did you mean "sender"?'),
        ("apikey", 'did you mean "api_key"?'),
        ("zz", "known are api_key, sender"),
    ],
)
def test_nearest(name: str, expected: str) -> None:
    """A misspelt name is answered with the nearest, a strange one with all there are."""
    assert expected == nearest(name, ["api_key", "sender"])


WEB_URLS = [
    ("https://api.example.com", "https://api.example.com"),
    ("https://api.example.com/core/v2/", "https://api.example.com/core/v2"),
    ("https://api.example.com:8443", "https://api.example.com:8443"),
    ("http://127.0.0.1:8026", "http://127.0.0.1:8026"),
    ("http://localhost/", "http://localhost"),
    ("http://[::1]:8026", "http://[::1]:8026"),
]


@pytest.mark.parametrize(("url", "expected"), WEB_URLS)
def test_web_url(url: str, expected: str) -> None:
    """A base URL is kept without its last slash."""
    assert expected == web_url(url)


NO_WEB_URLS = [
    ("http://api.example.com", "is plain http; only https keeps"),
    ("http://127.0.0.1.example.com", "is plain http; only https keeps"),
    ("http://192.168.0.1", "is plain http; only https keeps"),
    ("ftp://127.0.0.1", "is not a URL"),
    ("api.example.com", "is not a URL"),
    ("https://", "is not a URL"),
    ("https://[::1", "is not a URL"),
    ("https://api.example.com:0", "is not a URL"),
    ("https://api.example.com:65536", "is not a URL"),
    ("", "is not a URL"),
    ("https://me:canary@api.example.com", "must have no user name"),
    ("https://@api.example.com", "must have no user name"),
    ("https://api.example.com/?canary", "must have no user name, query"),
    ("https://api.example.com/?", "must have no user name, query"),
    ("https://api.example.com/#", "must have no user name, query, fragment"),
    ("https://api.example.com\n", "must have no user name, query, fragment or blank"),
    (" https://api.example.com", "must have no user name, query, fragment or blank"),
    ("https://api.example.com/a b", "must have no user name, query, fragment or blank"),
    ("https://api.example.com/\ud800", "must have no user name, query, fragment or blank"),
]


@pytest.mark.parametrize(("url", "sentence"), NO_WEB_URLS)
def test_no_web_url(url: str, sentence: str) -> None:
    """What would send credentials in the clear, or elsewhere, is refused without being shown."""
    with pytest.raises(ValueError, match=sentence) as raised:
        web_url(url)
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize("url", ["https://api.example.com", "https://10.0.0.1"])
def test_only_loopback(url: str) -> None:
    """Where only this machine will do, https elsewhere is refused too."""
    with pytest.raises(ValueError, match=r"must be a loopback address, as http://127\.0\.0\.1"):
        web_url(url, loopback_only=True)
