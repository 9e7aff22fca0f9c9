"""``polysms resolve``: reads what a send printed, looks it up, and never sends."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from polysms import Client
from polysms.cli import unclear as reading
from tests.cli.conftest import NUMBER, Command, Said

pytestmark = pytest.mark.one_python

FILE = """
default = "wavix"
[accounts.wavix]
api_key = "canary-wavix"
sender = "+13135550100"
[accounts.signalwire]
space = "example"
project_id = "p"
api_token = "canary-signalwire"
sender = "+13135550102"
[accounts.memory]
sender = "Acme"
"""
TAKEN = "+13135550113"


@pytest.fixture(autouse=True)
def file(command: Command, tmp_path: Path) -> None:
    """Write the configuration of three accounts."""
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
    (b'{"id": "x", "status": "PENDING", "attempts": []}', "delivery without attempts: there is"),
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
    assert (
        "its number is not here whole, and without it nothing like it can be found" in said.lines[0]
    )
    assert "--reveal" in said.lines[1]


def test_masked_number_stays_as_it_was(command: Command, sandbox: str) -> None:
    """A delivery that is still unknown comes back with all that it was read with."""
    del sandbox
    given = unclear(command)["delivery"]
    given["attempts"][0]["reference"] = "01980000-0000-7000-8000-000000000000"
    said = command("resolve", "--json", "-", stdin=json.dumps(given).encode())
    assert given == json.loads(said.out)


def test_likeness_is_no_proof(command: Command, sandbox: str) -> None:
    """A text that was lost is not called sent because another one looks like it."""
    to, behaviour = "+13135550141", f"{sandbox}/_sandbox/behaviour"
    one = ("send", "--via", "signalwire", "--to", to, "--json", "--reveal")
    other = json.loads(command(*one, "taken").out)
    httpx.post(behaviour, json={"provider": "signalwire", "mode": "down"})
    lost = command(*one, "lost")
    httpx.post(behaviour, json={"provider": "signalwire", "mode": "ok"})
    told = command("resolve", "--within", "20s", "-", stdin=lost.out.encode())
    plain = command("resolve", "--within", "20s", "--json", "-", stdin=lost.out.encode())
    found = json.loads(plain.out)
    assert (4, 4, 4) == (lost.code, told.code, plain.code)
    like = f"still unknown; signalwire has one like it, {other['provider_id']} ("
    assert like in told.out
    assert "which may be another of yours" in told.out
    assert ("MAYBE_SENT", other["provider_id"]) == (found["status"], found["likely"]["provider_id"])


def test_ctrl_c_proves_nothing(
    command: Command, sandbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who stops a look-up knows no more than before: never exit code 3, which says "not sent"."""
    del sandbox
    printed = unclear(command)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "resolve", interrupted)
    said = command("resolve", "-", stdin=json.dumps(printed).encode())
    assert 4 == said.code
    assert "interrupted: what is not told above is still unknown" in said.err


def test_a_provider_that_cannot_be_asked_proves_nothing(command: Command, sandbox: str) -> None:
    """An account without a list leaves it unknown."""
    del sandbox
    printed = unclear(command)
    printed["delivery"]["attempts"][0].update(account="memory", provider="memory")
    said = command("resolve", "-", stdin=json.dumps(printed).encode())
    assert 4 == said.code
    assert "cannot list its messages" in said.err
    assert "still unknown" in said.out


def test_every_account_is_checked_before_anybody_is_asked(command: Command, sandbox: str) -> None:
    """A mistake in a later document is told before the first one is looked up."""
    del sandbox
    good, bad = unclear(command), unclear(command)
    bad["delivery"]["attempts"][0]["account"] = "signalwire"
    said = command("resolve", "-", stdin=(json.dumps(good) + json.dumps(bad)).encode())
    assert (2, "") == (said.code, said.out)
    assert "account signalwire: is signalwire here, and wavix was asked" in said.err


def test_times_without_a_zone(command: Command, sandbox: str) -> None:
    """A time without a zone is UTC, as everywhere."""
    del sandbox
    printed = unclear(command)
    attempt = printed["delivery"]["attempts"][0]
    attempt["started_at"] = attempt["started_at"].removesuffix("+00:00")
    said = command("resolve", "--within", "20s", "-", stdin=json.dumps(printed).encode())
    assert (0, "") == (said.code, said.err)


def test_byte_order_mark_and_lines(command: Command, sandbox: str) -> None:
    """What an editor puts before the text is no part of it; a mistake is told by its line."""
    del sandbox
    refused = command("send", "--to", "+13135550105", "--json", "hello").out.encode()
    assert 3 == command("resolve", "-", stdin=b"\xef\xbb\xbf" + refused).code
    count = refused.count(b"\n")
    said = command("resolve", "-", stdin=refused + refused + b"x")
    assert f"line {2 * count + 1}: is not JSON" in said.err


def test_a_file_beyond_reason(
    command: Command, sandbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more is read than could be looked up."""
    del sandbox
    monkeypatch.setattr(reading, "_MOST_BYTES", 10)
    said = command("resolve", "-", stdin=b"{}" * 6)
    assert 2 == said.code
    assert "-: has more than 10 bytes" in said.err


PEOPLE = "phone,id\n+13135550113,a1\n+13135550105,a2\n+13135550131,a3\n+13135550113,a4\n"


def many(command: Command, tmp_path: Path, *more: str) -> Said:
    """Send to four people, of whom two may have been sent; return what was said."""
    (tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")
    said = command("send", "--csv", "people.csv", "--text", "hello", "--key-column", "id", *more)
    assert 4 == said.code
    return said


@pytest.mark.parametrize("form", ["results", "json"])
def test_of_many_those_that_may_have_been_sent(
    command: Command, sandbox: str, tmp_path: Path, form: str
) -> None:
    """A file of --results, or what --json printed, is enough to look for the unclear of many."""
    given = ("--json",) if form == "json" else ("--results", "out.csv")
    said = many(command, tmp_path, *given)
    if form == "json":
        (tmp_path / "out.csv").write_text(said.out, encoding="utf-8")
    before = total(sandbox)
    found = command("resolve", "--within", "20s", "out.csv")
    plain = command("resolve", "--json", "out.csv")
    rows = [json.loads(line) for line in plain.out.splitlines()]

    assert (0, "") == (found.code, found.err)
    assert ["line 2 (a1)", "line 5 (a4)"] == sorted(
        line.partition(": ")[0] for line in found.out.splitlines()
    )
    assert 2 == found.out.count("wavix has it as ")
    assert ["line 2 (a1)", "line 5 (a4)"] == sorted(row["row"] for row in rows)
    assert ["accepted"] * 2 == [row["attempts"][0]["outcome"] for row in rows]
    assert before == total(sandbox)


def test_results_say_how_to_look(command: Command, sandbox: str, tmp_path: Path) -> None:
    """After an unclear send of many the very command that looks for them is named."""
    del sandbox
    with_file = many(command, tmp_path, "--results", "my out.csv")
    without = many(command, tmp_path)

    assert "  polysms resolve 'my out.csv'" == with_file.out.splitlines()[-1]
    assert "  polysms list --remote wavix --since 1h" in without.out.splitlines()
    assert "--results FILE" in without.out.splitlines()[-1]


def test_results_hold_no_number_and_no_text(command: Command, sandbox: str, tmp_path: Path) -> None:
    """What is written down to look by is references and times."""
    del sandbox
    many(command, tmp_path, "--results", "out.csv")
    written = (tmp_path / "out.csv").read_text(encoding="utf-8")
    header, *rows = csv.reader(written.splitlines())

    assert "attempts" == header[-1]
    assert ["a1", "a4"] == sorted(row[1] for row in rows if row[-1])
    assert not re.search(r"3135550|hello", written)


@pytest.mark.parametrize(
    ("rows", "code", "words"),
    [
        ("", 0, "-: holds no message that may have been sent"),
        ("2,a1,accepted,wavix,x,y,QUEUED,1,,\n", 0, "holds no message that may have been sent"),
        ("2,a1,maybe_sent,wavix,,y,MAYBE_SENT,1,MaybeSent,\n", 2, "line 2: has no attempts"),
        ("2,a1,maybe_sent,wavix,,y,MAYBE_SENT,1,MaybeSent,{\n", 2, "line 2: has no attempts"),
        ("2,a1,maybe_sent,wavix,,y,MAYBE_SENT,1,MaybeSent,{}\n", 2, "line 2: holds no delivery"),
        ("2,a1,maybe_sent\n", 2, "line 2: has no attempts"),
        ('2,a1,"acc\n', 2, "is no line of results"),
    ],
)
def test_results_that_say_little(command: Command, rows: str, code: int, words: str) -> None:
    """A file without unclear ones is no mistake; one that was cut is told by its line."""
    header = "line,key,outcome,account,provider_id,id,status,segments,error,attempts\n"
    said = command("resolve", "-", stdin=(header + rows).encode())

    assert (code, "") == (said.code, said.out)
    assert words in said.err
