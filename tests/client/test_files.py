"""Where a configuration is read from: an argument, the environment, a file beside us."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from polysms import AsyncClient, Client, Config, ConfigError, Message
from polysms.client import core
from polysms.client.files import config_from

#: Each place names another account, so that it shows which one was read.
TOML = '[accounts.{name}]\nprovider = "memory"\nsender = "Acme"\n'
URL = "null://?sender=Acme"


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Work in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(path: Path, name: str) -> Path:
    """Write a configuration with one account of this name."""
    path.write_text(TOML.format(name=name), encoding="utf-8")
    return path


PLACES: list[tuple[str | None, dict[str, str], str, str]] = [
    # the argument, the environment, the account, where; ./polysms.toml is always there
    (None, {}, "beside", "polysms.toml"),
    (None, {"POLYSMS_CONFIG": "named.toml"}, "named", "named.toml"),
    (None, {"POLYSMS_URL": URL}, "null", "POLYSMS_URL"),
    (None, {"POLYSMS_CONFIG": "named.toml", "POLYSMS_URL": ""}, "named", "named.toml"),
    (None, {"POLYSMS_CONFIG": "", "POLYSMS_URL": URL}, "null", "POLYSMS_URL"),
    (None, {"POLYSMS_CONFIG": "", "POLYSMS_URL": ""}, "beside", "polysms.toml"),
    ("named.toml", {"POLYSMS_URL": URL}, "named", "named.toml"),
    (URL, {"POLYSMS_CONFIG": "named.toml"}, "null", "the URL"),
    ("named.toml", {"POLYSMS_CONFIG": "other.toml", "POLYSMS_URL": URL}, "named", "named.toml"),
]


@pytest.mark.parametrize(("source", "environment", "account", "where"), PLACES)
def test_precedence(
    here: Path, source: str | None, environment: dict[str, str], account: str, where: str
) -> None:
    """The argument comes first, then POLYSMS_CONFIG or POLYSMS_URL, then ./polysms.toml."""
    written(here / "named.toml", "named")
    written(here / "polysms.toml", "beside")
    found = config_from(source, environment)
    assert ([account], where) == (list(found.accounts), found.where)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_environment_of_the_process(here: Path, monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    """``from_config`` of both clients reads the process's own environment."""
    monkeypatch.setenv("POLYSMS_CONFIG", str(written(here / "named.toml", "named")))
    assert ["named"] == list(kind.from_config().config.accounts)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_path(here: Path, kind: Any) -> None:
    """A path may be a Path too."""
    path = written(here / "named.toml", "named")
    assert ["named"] == list(kind.from_config(path).config.accounts)


def test_mapping() -> None:
    """A mapping (Django's settings) is read with the environment beside it."""
    tables = {"accounts": {"wavix": {"api_key": "${KEY}"}}}
    found = config_from(tables, {"KEY": "canary", "POLYSMS_URL": URL})
    assert (("canary",), "the mapping") == (found.account("wavix").secrets, found.where)


@pytest.mark.parametrize("source", ["named.toml", "wavix://${KEY}@", None])
def test_variables(here: Path, source: str | None) -> None:
    """Variables are replaced from the same environment, wherever the configuration lies."""
    (here / "named.toml").write_text('[accounts.wavix]\napi_key = "${KEY}"\n')
    environment = {"KEY": "canary", "POLYSMS_CONFIG": "named.toml"}
    assert ("canary",) == config_from(source, environment).account("wavix").secrets


@pytest.mark.parametrize("source", ["named.toml", "wavix://key@", None])
def test_sandbox(here: Path, source: str | None) -> None:
    """POLYSMS_SANDBOX stands in for the providers, wherever the configuration lies."""
    (here / "named.toml").write_text('[accounts.wavix]\napi_key = "key"\n')
    environment = {"POLYSMS_SANDBOX": "http://127.0.0.1:8026", "POLYSMS_CONFIG": "named.toml"}
    adapter = config_from(source, environment).account("wavix").adapter
    sent = adapter.request(Message("+13135550123", "x", from_="+13137890021"), "r1")
    assert "http://127.0.0.1:8026/v3/messages" == sent.url


@pytest.mark.parametrize(("url", "fails"), [("https://sandbox.example", True), ("", False)])
def test_no_sandbox(*, url: str, fails: bool) -> None:
    """A sandbox elsewhere is refused; an empty variable is as good as none."""
    environment = {"POLYSMS_SANDBOX": url, "POLYSMS_URL": URL}
    if fails:
        with pytest.raises(ConfigError, match="POLYSMS_SANDBOX: must be a loopback address"):
            config_from(None, environment)
    else:
        assert ["null"] == list(config_from(None, environment).accounts)


FAULTS: list[tuple[Any, dict[str, str], str | None, str]] = [
    (None, {}, "POLYSMS_CONFIG", "there is no configuration: write ./polysms.toml, or set"),
    (
        None,
        {"POLYSMS_CONFIG": "named.toml", "POLYSMS_URL": "wavix://canary@"},
        "POLYSMS_URL",
        "POLYSMS_CONFIG and POLYSMS_URL are both set; unset one",
    ),
    (
        None,
        {"POLYSMS_URL": "canary"},
        "POLYSMS_URL",
        "POLYSMS_URL: is no URL; write it as wavix://",
    ),
    (
        None,
        {"POLYSMS_CONFIG": "wavix://x?api_key=canary"},
        "POLYSMS_CONFIG",
        "POLYSMS_CONFIG: is a URL; set POLYSMS_URL to it",
    ),
    (None, {"POLYSMS_CONFIG": "none.toml"}, None, "none.toml: cannot be read: No such file"),
    ("none.toml", {}, None, "none.toml: cannot be read: No such file"),
    (".", {}, None, ".: cannot be read: "),
    ("", {}, None, ".: cannot be read: "),
    ("a\x00b", {}, None, "'a\\x00b' is no path: "),
    ("latin.toml", {}, None, "latin.toml: is not UTF-8 text"),
    ("broken.toml", {}, None, "broken.toml: is not TOML: "),
    # "is nested too deeply", or "is not TOML" where Python's own reader sees it first.
    ("deep.toml", {}, None, "deep.toml: is n"),
    ("typo.toml", {}, "accounts.wavix.api_kye", "accounts.wavix.api_kye: no such key; did you"),
    ("wavix://canary@?sender=", {}, "accounts.wavix.sender", "accounts.wavix.sender: is empty"),
]


@pytest.mark.parametrize(("source", "environment", "key", "sentence"), FAULTS)
def test_fault(
    here: Path, source: Any, environment: dict[str, str], key: str | None, sentence: str
) -> None:
    """What cannot be read is refused in a sentence that says where, and shows no secret."""
    (here / "latin.toml").write_bytes('default = "caf\xe9"'.encode("latin-1"))
    (here / "broken.toml").write_text('[accounts.wavix]\napi_key = "canary')
    (here / "deep.toml").write_text("default = " + "[" * 100_000)
    (here / "typo.toml").write_text('[accounts.wavix]\napi_kye = "canary"')
    with pytest.raises(ConfigError) as raised:
        config_from(source, environment)
    assert str(raised.value).startswith(sentence)
    assert key == raised.value.key
    assert "canary" not in str(raised.value)


def test_fault_names_the_file(here: Path) -> None:
    """An error in a file says which file it was read from."""
    (here / "typo.toml").write_text("[accounts.wavix]\n")
    with pytest.raises(ConfigError, match=r"api_key: is missing \(in typo\.toml\)$"):
        config_from("typo.toml", {})


@pytest.mark.parametrize("source", [Config(accounts={"null": {}}), {"accounts": {"null": {}}}, URL])
def test_client_takes(source: Any) -> None:
    """A client is made of a Config, of tables or of a URL, and reads nothing else."""
    assert ["null"] == list(core.config_of(source).accounts)


@pytest.mark.parametrize("source", ["polysms.toml", Path("polysms.toml"), None, 5])
def test_client_takes_no_path(here: Path, source: Any) -> None:
    """A path is for ``from_config``, and the error says so."""
    written(here / "polysms.toml", "beside")
    with pytest.raises(ConfigError, match=r"Client\.from_config\(\) reads files"):
        core.config_of(source)
