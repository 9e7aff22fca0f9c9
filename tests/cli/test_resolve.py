"""``polysms resolve``: reads what a send printed, looks it up, and never sends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.conftest import NUMBER, Command

FILE = """
[accounts.wavix]
api_key = "canary-wavix"
sender = "+13135550100"
"""
TAKEN = "+13135550113"


@pytest.fixture(autouse=True)
def file(command: Command, tmp_path: Path) -> None:
    """Write the configuration of one account."""
    del command
    (tmp_path / "polysms.toml").write_text(FILE, encoding="utf-8")


def unclear(command: Command) -> dict[str, Any]:
    """Return what a send prints whose answer was lost."""
    said = command("send", "--to", TAKEN, "--json", "hello")
    assert 4 == said.code
    printed: dict[str, Any] = json.loads(said.out)
    return printed


def total(sandbox: str) -> int:
    """Return how many messages the sandbox has taken."""
    found: int = httpx.get(f"{sandbox}/_sandbox/messages").json()["total"]
    return found


def test_found(command: Command, sandbox: str, tmp_path: Path) -> None:
    """What --json printed of an unclear send is enough to find it; nothing is sent by that."""
    printed = unclear(command)
    (tmp_path / "sent.json").write_text(json.dumps(printed), encoding="utf-8")
    before = total(sandbox)
    said = command("resolve", "--within", "20s", "sent.json")
    assert (0, "") == (said.code, said.err)
    assert said.out.startswith(f"{printed['delivery']['id']}: ")
    assert "wavix has it as " in said.out
    assert before == total(sandbox)


def test_several_and_for_programs(command: Command, sandbox: str) -> None:
    """Several documents are resolved one by one, a line each; the worst decides the exit code."""
    del sandbox
    printed = unclear(command)
    refused = json.loads(command("send", "--to", "+13135550105", "--json", "hello").out)
    both = json.dumps(printed, indent=2) + "\n" + json.dumps(refused["delivery"])
    said = command("resolve", "--within", "20s", "--json", "-", stdin=both.encode())
    found = [json.loads(line) for line in said.out.splitlines()]
    assert 3 == said.code
    assert ["accepted", "not_sent"] == [one["attempts"][0]["outcome"] for one in found]
    told = command("resolve", "-", stdin=json.dumps(refused).encode())
    assert (3, True) == (told.code, "surely not sent; it may be sent again" in told.out)


def test_still_unknown(command: Command, sandbox: str) -> None:
    """What no list shows is still unknown: exit code 4."""
    del sandbox
    printed = unclear(command)
    printed["delivery"]["attempts"][0]["reference"] = "01980000-0000-7000-8000-000000000000"
    said = command("resolve", "-", stdin=json.dumps(printed).encode())
    assert 4 == said.code
    assert "still unknown; do not send it again by reflex" in said.out


def test_no_answer(command: Command, sandbox: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look-up without an answer leaves it unknown, and says why."""
    del sandbox
    printed = unclear(command)
    monkeypatch.setenv("POLYSMS_SANDBOX", "http://127.0.0.1:9")
    said = command("resolve", "-", stdin=json.dumps(printed).encode())
    assert 4 == said.code
    assert "gave no answer" in said.err
    assert "still unknown" in said.out


BAD: list[tuple[bytes, str]] = [
    (b"", "-: holds no delivery"),
    (b"{", "line 1: is not JSON"),
    (b"\n\n[" * 100_000, "line 3: is not JSON"),
    (b"{}", "line 1: holds no delivery, as"),
    (b"[1]", "line 1: holds no delivery, as"),
    (b'{"delivery": null}', "line 1: holds no delivery, as"),
    (b'{"id": "x", "attempts": [1]}', "line 1: holds a delivery that cannot be read"),
    (b'{"id": "x", "status": "LOST", "attempts": []}', "that cannot be read"),
    (b"\xff", "-: is not UTF-8 text"),
]


@pytest.mark.parametrize(("stdin", "words"), BAD)
def test_bad_input(command: Command, sandbox: str, stdin: bytes, words: str) -> None:
    """What holds no delivery is told by its line, and nothing is asked."""
    del sandbox
    said = command("resolve", "-", stdin=stdin)
    assert 2 == said.code
    assert words in said.err


def test_account_of_another_configuration(command: Command, sandbox: str) -> None:
    """A delivery of an account that this configuration does not have names it."""
    del sandbox
    printed = unclear(command)
    printed["delivery"]["attempts"][0]["account"] = "elsewhere"
    said = command("resolve", "-", stdin=json.dumps(printed).encode())
    assert 2 == said.code
    assert "there is no account 'elsewhere'" in said.err


def test_file_that_is_not_there(command: Command, sandbox: str) -> None:
    """A file that cannot be read is named."""
    del sandbox
    said = command("resolve", "nowhere.json")
    assert 2 == said.code
    assert "nowhere.json: cannot be read (No such file or directory)" in said.err


def test_masked_numbers_are_nobody(command: Command, sandbox: str) -> None:
    """A masked number is never looked for: the reference does without it."""
    del sandbox
    printed = unclear(command)
    assert "*" in printed["delivery"]["to"]
    assert NUMBER not in json.dumps(printed)
    printed["delivery"]["attempts"][0]["lookup"] = "heuristic"
    said = command("resolve", "-", stdin=json.dumps(printed).encode())
    assert 4 == said.code
