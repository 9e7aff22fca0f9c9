"""``polysms send --explain`` and ``--dry-run``: what happened and why, what would happen."""

from __future__ import annotations

import json
import sys
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


def test_dry_run_shows_whole_numbers_where_asked(command: Command, sandbox: str) -> None:
    """``--reveal`` shows the numbers, and never a credential."""
    del sandbox
    said = command("send", "--to", NUMBER, "--dry-run", "--reveal", "hello")
    assert f'"to": "{NUMBER}"' in said.out
    assert "Bearer ***" in said.out


def test_dry_run_of_two_copies(command: Command, sandbox: str) -> None:
    """The requests are those of this very call: the first of two copies would live shortly."""
    del sandbox
    arguments = ("send", "--to", NUMBER, "--dry-run", "--json", "hello")
    usual = json.loads(command(*arguments).out)["route"][0]["request"]["body"]
    copies = command(*arguments, "--on-maybe-sent", "next")
    bent = json.loads(copies.out)["route"][0]["request"]["body"]
    assert {"validity"} == bent.keys() - usual.keys()


def test_dry_run_checks_all_that_a_send_would(command: Command, sandbox: str) -> None:
    """What a send would refuse is refused before anything is shown."""
    del sandbox
    said = command("send", "--to", NUMBER, "--dry-run", "--deadline", "soon", "hello")
    assert (2, "") == (said.code, said.out)


PARROT = """
from polysms.providers.base import Request
from polysms.providers.wavix import Wavix

class Parrot(Wavix):
    def request(self, message, reference):
        headers = {
            "X-Api-Key": "canary-parrot", "X-Signature": "c2lnbmVk", "Trace": "of canary-parrot",
            "Content-Type": CONTENT_TYPE,
        }
        return Request("POST", "http://127.0.0.1:9/a?to=%2B13135550123", headers, CONTENT)
"""
CONTENTS = [
    (
        "application/x-www-form-urlencoded",
        b"To=%2B13135550123&Body=a+b",
        "To=+1********23&Body=a b",
    ),
    ("application/json", b'{"to": [13135550123, 5, true]}', {"to": ["1********23", 5, True]}),
    ("application/json", b'"\\u0063anary-parrot"', "***"),
    ("text/plain", b"to +13135550123", "to +1********23"),
]


@pytest.mark.parametrize(("kind", "content", "shown"), CONTENTS)
def test_dry_run_of_an_adapter_of_ones_own(  # noqa: PLR0913 - a fixture each
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    kind: str,
    content: bytes,
    shown: object,
) -> None:
    """Whatever form a request has on the wire, it shows neither a credential nor a number."""
    source = PARROT.replace("CONTENT_TYPE", repr(kind)).replace("CONTENT)", f"{content!r})")
    (tmp_path / "parrot.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "parrot", raising=False)
    (tmp_path / "polysms.toml").write_text(
        '[accounts.own]\nprovider = "parrot:Parrot"\napi_key = "canary-parrot"\n'
        'sender = "+13135550100"\n',
        encoding="utf-8",
    )
    said = command("send", "--to", NUMBER, "--dry-run", "--json", "hello")
    request = json.loads(said.out)["route"][0]["request"]
    assert shown == request["body"]
    assert "http://127.0.0.1:9/a?to=+1********23" == request["url"]
    assert ["***", "***", "of ***", kind] == list(request["headers"].values())
