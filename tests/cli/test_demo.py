"""``polysms demo`` where something goes wrong: it never claims what it did not see."""

from __future__ import annotations

import json

import pytest

from polysms import Client, LookupFailed
from polysms.cli import demo
from tests.cli.conftest import Command


def test_messages_that_do_not_settle(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo whose messages have not settled in time shows how far they came, and fails."""
    monkeypatch.setattr(demo, "PATIENCE", 0.1)
    said, told = command("demo"), command("demo", "--json")

    assert (3, 3) == (said.code, told.code)
    assert "Not every message settled as it should within 0.1 s." in said.out
    assert False is json.loads(told.out)["ok"]


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
