"""``polysms send --explain`` and ``--dry-run``: what happened and why, what would happen."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import NUMBER, Command

FILE = """
default = "main"
[accounts.wavix]
api_key = "canary-wavix"
sender = "+13135550100"
[accounts.carrierx]
token = "canary-carrierx"
sender = "+13135550101"
[accounts.signalwire]
space = "example"
project_id = "p"
api_token = "canary-signalwire"
sender = "+13135550102"
[routes.main]
accounts = ["wavix", "carrierx", "signalwire"]
"""


@pytest.fixture(autouse=True)
def file(command: Command, tmp_path: Path) -> None:
    """Write the configuration of three accounts."""
    del command
    (tmp_path / "polysms.toml").write_text(FILE, encoding="utf-8")


def test_explained(command: Command, sandbox: str) -> None:
    """After the result comes its story: who was chosen, and why the others were not asked."""
    del sandbox
    said = command("send", "--to", NUMBER, "--explain", "hello")
    assert 0 == said.code
    assert "1. wavix: chosen, first by failover" in said.out
    assert "2. carrierx: not asked, wavix took the message" in said.out
    assert all(len(line) <= 80 for line in said.out.splitlines())


@pytest.mark.parametrize(
    ("ending", "code", "words"),
    [
        ("0105", 3, "not asked, no other account would take it either (invalid_number)"),
        ("0107", 3, "chosen, next by failover"),
        ("0113", 4, "maybe sent:"),
    ],
)
def test_errors_are_explained(
    command: Command, sandbox: str, ending: str, code: int, words: str
) -> None:
    """An error keeps its exit code and its words on stderr, and has its story too."""
    del sandbox
    said = command("send", "--to", f"+1313555{ending}", "--explain", "hello")
    told = command("send", "--to", f"+1313555{ending}", "--explain", "--json", "hello")
    assert (code, code) == (said.code, told.code)
    assert said.lines
    assert words in " ".join(said.out.split())
    assert json.loads(told.out)["explained"].startswith("sms to +1********")


def test_explained_for_programs(command: Command, sandbox: str) -> None:
    """With --json the story is one more field."""
    del sandbox
    said = command("send", "--to", NUMBER, "--explain", "--json", "hello")
    assert json.loads(said.out)["explained"].endswith("to know more")


def test_an_error_before_any_delivery(command: Command, sandbox: str) -> None:
    """Where nothing was begun there is nothing to explain, and the error is told as ever."""
    del sandbox
    said = command("send", "--to", NUMBER, "--via", "nobody", "--explain", "hello")
    assert 2 == said.code
    assert "nobody" in said.err
    assert "" == said.out


def test_dry_run(command: Command, sandbox: str) -> None:
    """The route in order and each request, credentials and numbers hidden; nothing is sent."""
    text = "nothing of this is sent"
    said = command("send", "--to", NUMBER, "--dry-run", "--valid-for", "2m", text)
    assert (0, "") == (said.code, said.err)
    order = [line for line in said.out.splitlines() if line[:2] in {"1.", "2.", "3."}]
    assert [
        "1. wavix (wavix)",
        "2. carrierx (carrierx)",
        "3. signalwire (signalwire)",
    ] == order
    assert "   Authorization: Bearer ***" in said.out
    assert "   Authorization: Basic ***" in said.out
    assert '"to": "+1********23"' in said.out
    assert "carrierx has no word for valid_for: polysms keeps it itself" in said.out
    kept = httpx.get(f"{sandbox}/_sandbox/messages?limit=1000").json()["items"]
    assert text not in [one["text"] for one in kept]


def test_dry_run_for_programs(command: Command, sandbox: str) -> None:
    """With --json the same as one document; an account that cannot say it tells why."""
    del sandbox
    arguments = ("--media", "https://example.com/a.png", "--to", "+447700900123")
    said = command("send", *arguments, "--dry-run", "--json", "hello")
    seen = json.loads(said.out)
    assert (0, False) == (said.code, seen["sent"])
    assert [None, None, "POST"] == [
        one["request"] and one["request"]["method"] for one in seen["route"]
    ]
    assert "Wavix: sends MMS only to numbers of: US and CA" == seen["route"][0]["error"]
    assert "Basic ***" == seen["route"][2]["request"]["headers"]["Authorization"]


def test_dry_run_that_nobody_could_send(command: Command, sandbox: str) -> None:
    """Where no account could take it the exit code says so."""
    del sandbox
    arguments = ("--media", "https://example.com/a.png", "--to", "+447700900123")
    said = command("send", *arguments, "--via", "wavix", "--dry-run", "hello")
    assert 3 == said.code
    assert "would be passed over: Wavix: sends MMS only" in said.out
