"""``polysms demo``: the main job, from nothing; it never claims what it did not see."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from polysms import Client, LookupFailed
from polysms.cli import demo, demo_compare
from polysms.cli.output import Output
from tests.cli.conftest import PATIENCE, POLYSMS, Command, run


@pytest.fixture(autouse=True)
def in_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run the demo in an empty folder: it writes a page."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.unmeasured
def test_messages_that_do_not_settle(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo whose messages have not settled in time shows how far they came, and fails."""
    monkeypatch.setattr(demo, "PATIENCE", 0.1)
    monkeypatch.setattr(demo, "compared", lambda: None)
    said, told = command("demo"), command("demo", "--json")

    assert (3, 3) == (said.code, told.code)
    assert "Not every message settled as it should within 0.1 s." in said.out
    assert False is json.loads(told.out)["ok"]


@pytest.mark.unmeasured
def test_look_ups_that_fail(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look-up without an answer is tried again until the time is over."""
    asked = 0

    def unanswered(*_: object) -> None:
        nonlocal asked
        asked += 1
        raise LookupFailed("no answer")

    monkeypatch.setattr(Client, "fetch", unanswered)
    monkeypatch.setattr(demo, "PATIENCE", 0.4)
    monkeypatch.setattr(demo, "compared", lambda: None)
    said = command("demo")

    assert 3 == said.code
    assert asked > 6


def test_demo() -> None:
    """The demo needs no account: five messages arrive, SignalWire's MMS ends at SENT.

    The route in trouble sends one copy each; the experiment names the better one, on a page too.
    """
    said = run("demo")
    rows = [line.split() for line in said.out.splitlines()[1:7]]

    assert (0, "") == (said.code, said.err)
    assert [
        ("wavix", "sms", "DELIVERED"),
        ("wavix", "mms", "DELIVERED"),
        ("carrierx", "sms", "DELIVERED"),
        ("carrierx", "mms", "DELIVERED"),
        ("signalwire", "sms", "DELIVERED"),
        ("signalwire", "mms", "SENT"),
    ] == [(row[0], row[1], row[-3]) for row in rows]
    assert "SignalWire's MMS ends at SENT: no carrier reports" in said.out
    assert [
        "wavix refuses accepted carrierx DELIVERED 1",
        "wavix takes it, says nothing maybe sent, then found wavix DELIVERED 1",
        "wavix is unreachable accepted carrierx DELIVERED 1",
    ] == [" ".join(line.split()) for line in said.out.splitlines() if line[:6] == "wavix "][2:]
    assert [
        "flaky 198 146 73.7 % 67.2 to 79.4",
        "steady 202 195 96.5 % 93.0 to 98.3",
    ] == [" ".join(line.split()[:8]) for line in said.out.splitlines() if _is_arm(line)]
    assert "Shown: steady delivers 23 points more (16 to 30)." in said.out
    assert "sandbox" in said.out
    assert "Two providers that the sandbox plays" in Path("polysms-compare.html").read_text("utf-8")
    assert all(len(line) <= 80 for line in said.out.splitlines())


def _is_arm(line: str) -> bool:
    return line.startswith(("flaky ", "steady "))


@pytest.mark.unmeasured
def test_demo_as_json() -> None:
    """Programs get the deliveries of both acts, each with where it should end and did."""
    said = run("demo", "--json")
    told = json.loads(said.out)

    assert (0, True, 6) == (said.code, told["ok"], len(told["messages"]))
    assert {True} == {message["settled"] for message in told["messages"]}
    assert [(1, True)] * 3 == [(act["copies"], act["well"]) for act in told["failover"]]
    assert ["found", "accepted"] == [
        told["failover"][place]["attempts"][-1]["evidence"] for place in (1, 2)
    ]
    assert all(message["seconds"] > 0 for message in told["messages"])
    assert (True, "steady", "polysms-compare.html") == tuple(
        told["comparison"][name] for name in ("well", "better", "page")
    )
    assert ["flaky", "steady"] == [arm["account"] for arm in told["comparison"]["report"]["arms"]]


@pytest.mark.unmeasured
def test_where_nothing_can_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that takes no page takes nothing away from the comparison."""
    Path("polysms-compare.html").mkdir()
    act = demo_compare.compared()
    assert act is not None
    demo_compare.show_compared(act, Output())
    out = capsys.readouterr().out

    assert (True, None) == (act.well, act.page)
    assert "Shown: steady" in out
    assert "polysms-compare.html" not in out


@pytest.mark.one_python
def test_a_comparison_that_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where not every text has ended, or nothing is shown, that is said, and nobody is named."""
    monkeypatch.setattr(demo_compare, "_PATIENCE", 0.0)
    monkeypatch.setattr(demo_compare, "_SPEED", 0.1)
    act = demo_compare.compared()
    assert act is not None
    demo_compare.show_compared(act, Output())

    assert (False, None) == (act.well, act.better)
    assert "The comparison did not come out as it should." in capsys.readouterr().out


def test_without_the_ledger(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the ledger's packages there is no third act, and what it needs is said."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    act = demo_compare.compared()
    demo_compare.show_compared(act, Output())

    assert act is None
    assert "pip install 'polysms[ledger]'" in capsys.readouterr().out


@pytest.mark.unmeasured
def test_demo_on_a_terminal() -> None:
    """On a terminal the table is shown live and in colours, and once more when all is settled."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*POLYSMS, "demo"], stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL, env=_colours()
    )
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 65_536):
            shown += chunk
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)

    assert 0 == process.wait(PATIENCE)
    assert b"\x1b[32mDELIVERED" in shown
    assert shown.count(b"provider") > 1


def _colours() -> dict[str, str]:
    hidden = ("NO_COLOR", "FORCE_COLOR", "TERM")
    return {name: value for name, value in os.environ.items() if name not in hidden} | {
        "TERM": "xterm"
    }
