"""``balance``, ``lookup``, ``senders`` and ``redact`` on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from polysms import Client, Message
from tests.cli.conftest import NUMBER, Command
from tests.client import offering

pytestmark = pytest.mark.one_python

CONFIG = """
ledger = "sqlite:///polysms.db"
default = "polly"

[accounts.mute]
provider = "tests.client.offering:Mute"
sender = "Acme"

[accounts.polly]
provider = "tests.client.offering:Parrot"
sender = "Acme"
"""


@pytest.fixture
def asked(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Work beside a configuration whose accounts repeat what they are asked; note it."""
    del command  # it is in its folder by now
    found: list[tuple[str, Any]] = []
    (tmp_path / "polysms.toml").write_text(CONFIG)
    monkeypatch.setattr("polysms.client.sync.make_sync", lambda _: offering.repeating(found))
    return found


@pytest.mark.usefixtures("asked")
def test_balance(command: Command) -> None:
    """The accounts that can tell are asked, each in its line."""
    assert (0, "polly: 12.50 USD\n") == (command("balance").code, command("balance", "polly").out)
    assert {"polly": "12.50"} == {
        name: one["amount"] for name, one in json.loads(command("balance", "--json").out).items()
    }


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("balance", "mute"), 3, "cannot tell a balance"),
        (("balance", "poly"), 2, "there is no account 'poly'"),
        (("lookup", "hello"), 2, "number"),
        (("senders", "list", "--account", "mute"), 3, "cannot list its senders"),
        (("senders", "register", "Acme"), 2, "--country"),
        (("redact", "no-such-message"), 3, "knows no message"),
        (("senders", "lst"), 2, "list"),
    ],
)
def test_wrong(command: Command, words: tuple[str, ...], code: int, told: str) -> None:
    """What cannot be done is told, with the code of its kind."""
    said = command(*words)
    assert code == said.code
    assert told in said.err


@pytest.mark.usefixtures("asked")
def test_lookup(command: Command) -> None:
    """What a provider knows of a number is told; the number is masked unless it may be shown."""
    said = command("lookup", "313 555 0123", "--region", "US")
    assert 0 == said.code
    assert ["kind", "carrier"] == [name for name in ("kind", "carrier") if f"  {name} " in said.out]
    shown = json.loads(command("lookup", NUMBER, "--json", "--reveal").out)
    assert (NUMBER, "mobile", True) == (shown["number"], shown["kind"], shown["valid"])
    assert NUMBER not in command("lookup", NUMBER, "--json").out


def test_senders(command: Command, asked: list[tuple[str, Any]]) -> None:
    """Senders are listed, shown, registered, given back."""
    listed = command("senders", "list")
    assert ["1", "2"] == [line.split()[-1] for line in listed.out.splitlines()[1:]]
    lines = command("senders", "list", "--json").out.splitlines()
    assert ["1", "2"] == [json.loads(line)["id"] for line in lines]
    assert "Acme   name    no: new  7" in command("senders", "get", "7").out
    made = command(
        *("senders", "register", "Acme", "--country", "GB", "--country", "FR"),
        *("--usecase", "promo", "--monthly-volume", "1000", "--sample", "Hello", "--json"),
    )
    assert ("3", "promo") == (json.loads(made.out)["id"], json.loads(made.out)["usecase"])
    registered = dict(asked)["new_sender"][0]
    assert [["GB", "FR"], 1000, ["Hello"]] == [
        registered[name] for name in ("countries", "monthly_volume", "samples")
    ]
    assert "It is given back.\n" == command("senders", "drop", "3").out
    assert "GB, name: must be registered\n" == command("senders", "restrictions", "GB").out


@pytest.mark.usefixtures("asked")
def test_redact(command: Command) -> None:
    """The provider forgets a text, and then our ledger does."""
    with Client.from_config() as sms:
        sent = sms.send(Message(NUMBER, "Your code is 123456"))

    assert "Its text is forgotten.\n" == command("redact", str(sent.id)).out
    assert {"redacted": True} == json.loads(command("redact", "polly", "p-1", "--json").out)

    with Client.from_config() as sms:
        assert sms.get(str(sent.id)).text is None
