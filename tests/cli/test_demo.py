"""``polysms demo``: the main job, from nothing; it never claims what it did not see."""

from __future__ import annotations

import json
import os
import pty
import subprocess

import pytest

from polysms import Client, LookupFailed
from polysms.cli import demo
from tests.cli.conftest import PATIENCE, POLYSMS, Command, run


@pytest.mark.one_python
def test_messages_that_do_not_settle(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo whose messages have not settled in time shows how far they came, and fails."""
    monkeypatch.setattr(demo, "PATIENCE", 0.1)
    said, told = command("demo"), command("demo", "--json")

    assert (3, 3) == (said.code, told.code)
    assert "Not every message settled as it should within 0.1 s." in said.out
    assert False is json.loads(told.out)["ok"]


@pytest.mark.one_python
def test_look_ups_that_fail(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look-up without an answer is tried again until the time is over."""
    asked = 0

    def unanswered(*_: object) -> None:
        nonlocal asked
        asked += 1
        raise LookupFailed("no answer")

    monkeypatch.setattr(Client, "fetch", unanswered)
    monkeypatch.setattr(demo, "PATIENCE", 0.4)
    said = command("demo")

    assert 3 == said.code
    assert asked > 6


def test_demo() -> None:
    """The demo needs no account: five messages arrive, SignalWire's MMS ends at SENT."""
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
    assert all(len(line) <= 80 for line in said.out.splitlines())


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


@pytest.mark.one_python
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
