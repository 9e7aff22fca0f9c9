"""``polysms send --csv`` again, with a ledger: each row goes once, by its key."""

from __future__ import annotations

import csv
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Command

pytestmark = pytest.mark.one_python

CONFIG = """
default = "wavix"
ledger = "sqlite:///polysms.db"
[accounts.wavix]
api_key = "canary"
sender = "+13137890021"
[accounts.wavix.timeouts]
read = 0.5
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a configuration and a file of rows, which is the current one."""
    (tmp_path / "polysms.toml").write_text(CONFIG, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def guests(place: Path, *rows: str) -> None:
    """Write the file of rows: an id and the last four digits of a number each."""
    lines = [f"{row.partition(':')[0]},+1313555{row.partition(':')[2]}" for row in rows]
    (place / "guests.csv").write_text("\n".join(["id,phone", *lines]) + "\n", encoding="utf-8")


def copies(sandbox: str, text: str) -> list[str]:
    """Return the recipients of what the sandbox accepted with a text."""
    kept = httpx.get(f"{sandbox}/_sandbox/messages", params={"limit": "1000"}).json()["items"]
    return sorted(str(one["to"])[-4:] for one in kept if one["text"] == text)


def sent(command: Command, text: str, *more: str) -> int:
    """Send the file; return the exit code."""
    given = ("--csv", "guests.csv", "--text", text, "--key-column", "id", *more)
    return command("send", *given).code


def test_what_was_sent_is_not_sent_again(command: Command, sandbox: str, place: Path) -> None:
    """A file that has grown is sent again: only the new row goes out."""
    guests(place, "a:0121", "b:0122")
    assert 0 == sent(command, "Resumed")
    guests(place, "a:0121", "b:0122", "c:0123")
    assert 0 == sent(command, "Resumed")
    assert ["0121", "0122", "0123"] == copies(sandbox, "Resumed")


def test_what_surely_was_not_sent_is_tried_again(
    command: Command, sandbox: str, place: Path
) -> None:
    """A row that was refused is asked anew, and its neighbour is left alone."""
    guests(place, "a:0124", "b:0107")
    assert 3 == sent(command, "Refused once")
    assert 3 == sent(command, "Refused once")
    assert ["0124"] == copies(sandbox, "Refused once")


def test_what_may_have_been_sent_is_looked_for(command: Command, sandbox: str, place: Path) -> None:
    """A row whose answer was lost is found by the second run, which sends nothing."""
    guests(place, "a:0113")
    assert 4 == sent(command, "Lost")
    for _ in range(50):
        if (code := sent(command, "Lost")) == 0:
            break
    assert 0 == code
    assert ["0113"] == copies(sandbox, "Lost")


def test_a_second_copy_is_made_by_name_only(command: Command, sandbox: str, place: Path) -> None:
    """What nobody took, as far as anybody knows, goes again when it is asked for; once."""
    guests(place, "a:0112")
    assert 4 == sent(command, "Again")
    assert 4 == sent(command, "Again")
    assert 4 == sent(command, "Again", "--resend-maybe-sent", "--results", "results.csv")
    with (place / "results.csv").open(encoding="utf-8") as stream:
        (row,) = csv.DictReader(stream)
    assert ("a", "maybe_sent") == (row["key"], row["outcome"])
    told = command("list", "--json")
    assert ["guests.csv:a", "guests.csv:a#2"] == sorted(
        line.partition('"key": "')[2].partition('"')[0]
        for line in told.out.splitlines()
        if '"key": "guests' in line
    )


@pytest.mark.parametrize(
    ("ledger", "more", "words"),
    [(True, (), "--key-column"), (False, ("--key-column", "id"), "ledger")],
)
def test_sending_again_needs_a_memory(
    command: Command, place: Path, *, ledger: bool, more: tuple[str, ...], words: str
) -> None:
    """Without a key's column or a ledger nothing tells which rows are meant."""
    if not ledger:
        plain = CONFIG.replace('ledger = "sqlite:///polysms.db"', "")
        (place / "polysms.toml").write_text(plain, encoding="utf-8")
    guests(place, "a:0121")
    told = command("send", "--csv", "guests.csv", "--text", "x", "--resend-maybe-sent", *more)
    assert 2 == told.code
    assert words in told.err
