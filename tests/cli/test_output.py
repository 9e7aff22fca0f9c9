"""What may be shown: masked numbers, no terminal codes, lines that fit."""

from __future__ import annotations

import io
import os
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from polysms.cli import show
from polysms.cli.output import Output, flush, plainly, prepare, shown
from polysms.delivery import Status

NOW = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)
ID = "871b4eeb-f798-4105-9123-320123991456"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"to": "+13135550123"}, {"to": "+1********23"}),
        ({"from_did": "13135550123"}, {"from_did": "1********23"}),
        ({"group_recipients": ["13135550123"]}, {"group_recipients": ["1********23"]}),
        ({"raw": {"number": "13135550123"}}, {"raw": {"number": "1********23"}}),
        ({"text": "call 313-555-0123"}, {"text": "call 3*********23"}),
        ({"message_body": {"text": "+13135550123"}}, {"message_body": {"text": "+1********23"}}),
        ({"provider_id": ID}, {"provider_id": ID}),
        ({"sid": "20261121073000"}, {"sid": "20261121073000"}),
        ({"created_at": "2026-11-21T07:30:00Z"}, {"created_at": "2026-11-21T07:30:00Z"}),
        ({"charge": "0.02", "segments": 2}, {"charge": "0.02", "segments": 2}),
        ({"from": "Acme", "mcc": "310"}, {"from": "Acme", "mcc": "310"}),
        ({"to": "988"}, {"to": "988"}),
        ({"to": None, "media": ()}, {"to": None, "media": []}),
    ],
)
def test_numbers_are_masked(data: dict[str, Any], expected: dict[str, Any]) -> None:
    """In JSON every phone number is masked, a provider's own object included, and nothing else."""
    assert expected == shown(data)


def test_terminal_codes_are_taken_out() -> None:
    """A provider's words cannot colour, clear or forge a terminal."""
    assert " [31mred  line 2" == plainly("\x1b[31mred\r\nline 2")


def test_output_hides_unless_asked() -> None:
    """Numbers and words are masked, and whole with ``reveal``."""
    masked, whole = Output(), Output(reveal=True)

    assert ("+1********23", "", "Acme") == tuple(map(masked.number, ("+13135550123", None, "Acme")))
    assert "+13135550123" == whole.number("+13135550123")
    assert ("at +1********23", "") == (masked.words("at +13135550123"), masked.words(None))
    assert "at +13135550123" == whole.words("at +13135550123")


def test_a_reader_who_has_gone_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left to write when the reader has gone goes nowhere, and nothing is raised."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        stream.write("never read")
        flush()

        assert 1 == stream.write("x")


def test_streams_of_another_kind_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that is no file, as that of a notebook, is taken as it is."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    prepare()

    assert stream is sys.stdout


def test_facts_stand_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    """Facts that are not known are left out, and the others stand below each other."""
    Output().facts([("id", "1"), ("error", None), ("price", ""), ("segments", 0)])

    assert "  id        1\n  segments  0\n" == capsys.readouterr().out


def test_a_sentence_for_a_pipe_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """What is not a terminal gets each sentence whole, however long."""
    Output().say("word " * 40 + "end")

    assert "word " * 40 + "end\n" == capsys.readouterr().out


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (NOW, "11-21 07:30"),
        (NOW.astimezone(timezone(timedelta(hours=-5))), "11-21 07:30"),
        (datetime(2025, 3, 1, tzinfo=UTC), "2025-03-01"),
        (None, ""),
    ],
)
def test_times_are_short(moment: datetime | None, expected: str) -> None:
    """A time is shown in UTC, with its year where that is not this one."""
    assert expected == show.time(moment, NOW)


@pytest.mark.parametrize(
    ("identity", "expected"), [(ID, "871b4eeb-f79…"), ("SM123", "SM123"), (None, "")]
)
def test_ids_are_shortened_for_tables(identity: str | None, expected: str) -> None:
    """A long id is cut, and it can be seen that it is."""
    assert expected == show.short_id(identity)


@pytest.mark.parametrize(
    ("status", "colour"),
    [
        (Status.DELIVERED, "green"),
        (Status.RECEIVED, "green"),
        (Status.SENT, "yellow"),
        (Status.MAYBE_SENT, "yellow"),
        (Status.UNRECOGNIZED, "yellow"),
        (Status.UNDELIVERED, "red"),
        (Status.EXPIRED, "red"),
        (Status.NOT_SENT, "red"),
    ],
)
def test_colours(status: Status, colour: str) -> None:
    """Green arrived, yellow is open or unclear, red did not arrive; the word is there anyway."""
    assert (str(status), colour) == (show.status(status).plain, show.status(status).style)
