"""What providers have on their own lists, on the command line: files, details, opt-outs, names."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from polysms.cli import formats
from tests.cli.conftest import NUMBER, Command
from tests.faults import FaultServer, answering

CONFIG = """
[accounts.wavix]
api_key = "canary-wavix"
sender = "+13135550100"
[accounts.carrierx]
token = "canary-carrierx"
sender = "+13135550101"
[accounts.signalwire]
space = "demo"
project_id = "p"
api_token = "canary-signalwire"
sender = "+13135550102"
"""
LISTING = ("wavix", "carrierx", "signalwire")
COUNT = 3

pytestmark = pytest.mark.unmeasured


@pytest.fixture
def here(command: Command, sandbox: str, tmp_path: Path) -> Iterator[Path]:
    """Have messages on each provider's list, and nothing else; return the folder."""
    httpx.post(f"{sandbox}/_sandbox/reset")
    (tmp_path / "polysms.toml").write_text(CONFIG, encoding="utf-8")
    for account in LISTING:
        for number in range(COUNT):
            to = f"+1313555012{number}"
            assert 0 == command("send", "--to", to, "--via", account, "hello").code
    end = time.monotonic() + 30
    while any(len(_lines(command, one)) < COUNT for one in LISTING):
        assert time.monotonic() < end
        time.sleep(0.1)
    yield tmp_path
    httpx.post(f"{sandbox}/_sandbox/reset")


def _lines(command: Command, account: str, *words: str) -> list[dict[str, Any]]:
    said = command("export", "-", "--remote", account, *words)
    assert (0, "") == (said.code, said.err)
    return [json.loads(line) for line in said.out.splitlines()]


def test_export_is_streamed_from_each_provider(command: Command, here: Path) -> None:
    """One long answer where there is one, else pages: a message a line, numbers masked."""
    for account in LISTING:
        rows = _lines(command, account)
        assert {(account, "outbound")} == {(row["account"], row["direction"]) for row in rows}
        assert {f"+1********2{number}" for number in range(COUNT)} == {row["to"] for row in rows}
        assert COUNT == len({row["provider_id"] for row in rows})
        assert {False} == {"text" in row for row in rows}
    whole = _lines(command, "wavix", "--texts", "--reveal")
    assert ({"+13135550100"}, {"hello"}) == tuple(
        {row[name] for row in whole} for name in ("from", "text")
    )


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (("--to", "+13135550121"), 1),
        (("--to", "+13135550199"), 0),
        (("--since", "1h"), COUNT),
        (("--until", "1h"), 0),
        (("--direction", "inbound"), 0),
        (("--filter", "message_type=sms"), COUNT),
        (("--filter", "message_type=mms"), 0),
        (("--filter", "tag=no-such-tag"), 0),
    ],
)
def test_export_is_filtered(
    command: Command, here: Path, words: tuple[str, ...], count: int
) -> None:
    """Filters are ours, or the provider's own by name."""
    assert count == len(_lines(command, "wavix", *words))


def test_export_by_reference(command: Command, here: Path) -> None:
    """One message is found by the reference that its provider has."""
    wanted = _lines(command, "carrierx")[1]
    assert [wanted] == _lines(command, "carrierx", "--reference", wanted["reference"])
    words = ("list", "--remote", "carrierx", "--reference", wanted["reference"], "--json")
    assert [wanted["provider_id"]] == [
        json.loads(line)["provider_id"] for line in command(*words).out.splitlines()
    ]


def test_export_into_a_file(command: Command, here: Path) -> None:
    """A file is told of with its rows; it is there only once it is whole."""
    said = command("export", "out.csv", "--remote", "wavix")
    rows = list(csv.DictReader(io.StringIO((here / "out.csv").read_text(encoding="utf-8"))))
    assert (0, "3 rows in out.csv\n") == (said.code, said.out)
    assert {"0.01"} == {row["price"] for row in rows}
    assert {"out.csv", "polysms.toml"} == {path.name for path in here.iterdir()}


def _line(number: int) -> bytes:
    return (
        json.dumps({"message_id": f"m-{number}", "status": "sent", "to": NUMBER}).encode() + b"\n"
    )


@pytest.mark.parametrize(
    ("status", "body", "left"),
    [
        ("200 OK", _line(1) + b"{broken\n" + _line(2), ["m-1", "m-2"]),
        ("401 Unauthorized", b'{"success":false,"message":"Unauthorized"}', None),
    ],
)
def test_export_that_breaks_off(
    command: Command, tmp_path: Path, status: str, body: bytes, left: list[str] | None
) -> None:
    """What came before an end that is none is kept under a name that does not look whole."""
    with FaultServer(answering(status, body)) as server:
        base = f'base_url = "{server.url}"\napi_key = "canary"\n'
        (tmp_path / "polysms.toml").write_text(f"[accounts.wavix]\n{base}", encoding="utf-8")
        said = command("export", "out.jsonl", "--remote", "wavix")
    part = tmp_path / "out.jsonl.part"
    found = part.read_text().splitlines() if part.exists() else None
    assert (3, False) == (said.code, (tmp_path / "out.jsonl").exists())
    assert left == (found and [json.loads(line)["provider_id"] for line in found])
    assert (left is not None) is ("what came is in out.jsonl.part" in said.err)


def test_export_that_is_interrupted(
    command: Command, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C leaves no file behind, and says that nothing was sent."""

    def stop(_: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(formats, "_plain", stop)
    said = command("export", "out.jsonl", "--remote", "wavix")
    assert (3, "interrupted; nothing was sent\n") == (said.code, said.err)
    assert {"polysms.toml"} == {path.name for path in here.iterdir()}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("export", "-", "--to", NUMBER), "--to: is for the list of a provider"),
        (("export", "-", "--filter", "a=b"), "--filter: is for the list of a provider"),
        (("export", "-", "--remote", "wavix", "--filter", "ab"), "write it as NAME=VALUE"),
        (("export", "-", "--remote", "wavix", "--filter", "a=b"), "there is no 'a'"),
        (("export", "-", "--remote", "nobody"), "nobody"),
        (("list", "--details"), "--details: is for the list of a provider"),
        (("list", "--reference", "r"), "--reference: is for the list of a provider"),
        (("list", "--filter", "a=b"), "--filter: is for the list of a provider"),
        (("optouts", "list", "--filter", "a=b"), "--filter: is for the list of a provider"),
        (("optouts", "list", "--remote", "wavix", "--list", "x"), "--list: does not go with"),
    ],
)
def test_wrong_usage(command: Command, here: Path, words: tuple[str, ...], told: str) -> None:
    """What is not to be combined is told with 2."""
    said = command(*words)
    assert (2, True) == (said.code, told in said.err)


def test_details(command: Command, here: Path) -> None:
    """What was billed is another list where the provider has one."""
    said = command("list", "--remote", "carrierx", "--details", "--json")
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert (0, COUNT) == (said.code, len(rows))
    assert {True} == {"dr_sid" in row["raw"] for row in rows}
    assert 3 == command("list", "--remote", "wavix", "--details").code


def test_identity(command: Command, here: Path) -> None:
    """Whose the credentials are is told by each account that can tell, or by one that is named."""
    every = json.loads(command("identity", "--json").out)
    said = command("identity", "carrierx")
    assert ["carrierx"] == list(every)
    assert (0, f"carrierx: {every['carrierx']['id']}\n") == (said.code, said.out)
    assert 3 == command("identity", "wavix").code


def test_nobody_can_tell(command: Command, tmp_path: Path) -> None:
    """Where no account's provider can tell, that is said."""
    (tmp_path / "polysms.toml").write_text("[accounts.null]\n", encoding="utf-8")
    said = command("identity")
    assert (0, True) == (said.code, "No account's provider can tell" in said.out)


def test_remote_optouts(command: Command, here: Path, sandbox: str) -> None:
    """The numbers that a provider itself sends nothing to, narrowed in its own words."""
    words = ("optouts", "list", "--remote", "wavix")
    assert "No number has opted out.\n" == command(*words).out
    headers = {"Authorization": "Bearer any"}
    body = {"opt_out": {"number": "13135550177"}}
    httpx.post(f"{sandbox}/v3/messages/opt-outs", json=body, headers=headers)

    said = command(*words)
    assert (0, ["+1********77", "every", "sender"]) == (said.code, said.out.split()[4:7])
    (row,) = [json.loads(line) for line in command(*words, "--json").out.splitlines()]
    assert ("+1********77", None) == (row["number"], row["sender"])
    narrowed = command(*words, "--filter", "created_before=2020-01-01")
    assert (0, "No number has opted out.\n") == (narrowed.code, narrowed.out)
