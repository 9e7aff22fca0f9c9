"""``polysms show``, ``fetch``, ``cancel``, ``confirm`` and ``send --later``: one message."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from polysms import Client, DeliveryReport, Status
from tests.cli.conftest import NUMBER, Command

pytestmark = [pytest.mark.one_python, pytest.mark.usefixtures("kept", "sandbox")]


def send(command: Command, *arguments: str, code: int = 0) -> dict[str, Any]:
    """Send a text; return what is printed for a program."""
    said = command("send", "--json", *arguments, "Your table is ready")
    assert code == said.code
    found: dict[str, Any] = json.loads(said.out)
    return found


def facts(text: str) -> dict[str, str]:
    """Return the facts of the lines that a command shows, by name; the last of a name counts."""
    lines = [line.strip().split("  ", 1) for line in text.splitlines() if line.startswith("  ")]
    return {name: value.strip() for name, value in lines}


def test_every_attempt(command: Command) -> None:
    """Every account that was asked is there with what it said, when, and what that rests on."""
    sent = send(command, "--via", "both", "--to", NUMBER, "--key", "order-7")
    by_key, by_id = command("show", "order-7"), command("show", sent["id"])
    first, second = by_key.out.split("attempt 1: locked")[1].split("attempt 2: carrierx")

    assert (0, by_id.out) == (by_key.code, by_key.out)
    assert ("not_sent", "refusal", "credentials") == tuple(
        facts(first)[name] for name in ("outcome", "evidence", "reason")
    )
    assert ("accepted", sent["provider_id"]) == tuple(
        facts(second)[name] for name in ("outcome", "provider id")
    )
    assert {"began", "ended", "took", "reference"} <= facts(first).keys()
    assert "order-7" == facts(by_key.out)["key"]
    assert all(len(line) <= 80 for line in by_key.out.splitlines())


def test_every_report(command: Command, kept: Path) -> None:
    """Every report is there, the late and the contradicting too."""
    sent = send(command, "--to", NUMBER)
    at = datetime.now(UTC)
    with Client.from_config(kept) as client:
        for name, status in (("1", Status.DELIVERED), ("2", Status.FAILED)):
            client.ledger.record(
                DeliveryReport(
                    event_id=name,
                    account="wavix",
                    provider="wavix",
                    provider_id=sent["provider_id"],
                    status=status,
                    raw_status=status.lower(),
                    code="30003",
                    at=at,
                    received_at=at + timedelta(seconds=int(name)),
                )
            )
    said = command("show", sent["id"])
    shown = json.loads(command("show", "--json", sent["id"]).out)

    assert "DELIVERED" == said.out.splitlines()[0]
    assert 2 == said.out.count("report: wavix")
    assert {"FAILED", "30003"} <= set(facts(said.out).values())
    assert ["DELIVERED", "FAILED"] == [event["status"] for event in shown["events"]]
    assert ["DELIVERED"] == [attempt["status"] for attempt in shown["attempts"]]


def test_what_is_shown_of_one_that_waits(command: Command) -> None:
    """Where a message stands in the outbox is shown, to people and to programs."""
    waiting = send(command, "--later", "--at", "2h", "--to", NUMBER)
    shown = facts(command("show", waiting["id"]).out)
    outbox = json.loads(command("show", "--json", waiting["id"]).out)["outbox"]

    assert ("waiting", "wavix") == (shown["outbox"], shown["via"])
    assert {"next", "valid until"} <= shown.keys()
    assert waiting["outbox"] == outbox
    assert ("waiting", 0) == (outbox["state"], outbox["tries"])
    left = datetime.fromisoformat(outbox["next_at"]) - datetime.now(UTC)
    assert timedelta(hours=1) < left <= timedelta(hours=2)


@pytest.mark.parametrize("name", ["show", "explain", "cancel", "confirm", "fetch", "resolve"])
def test_unknown(command: Command, name: str) -> None:
    """What the ledger does not know is exit code 3."""
    said = command(name, "nobody")

    assert (3, "the ledger knows no message with this id or key") == (said.code, said.lines[0])


@pytest.mark.parametrize("name", ["show", "explain", "cancel", "confirm"])
def test_without_a_ledger(command: Command, name: str) -> None:
    """Without a ledger it is said what to add."""
    said = command(name, "--url", "memory://?sender=Acme", "order-7")

    assert 2 == said.code
    assert 'add a line to the configuration, as ledger = "sqlite:///polysms.db"' in said.err


def test_keys_made_of_numbers_are_masked(command: Command) -> None:
    """A key that is a phone number is shown as one."""
    send(command, "--via", "null", "--to", NUMBER, "--key", NUMBER)

    assert "+1********23" == facts(command("show", NUMBER).out)["key"]
    assert NUMBER == facts(command("show", "--reveal", NUMBER).out)["key"]


def test_a_key_is_sent_once(command: Command) -> None:
    """The same command with the same key sends nothing more; with another text it is refused."""
    first = send(command, "--to", NUMBER, "--key", "once")
    again = send(command, "--to", NUMBER, "--key", "once")
    other = command("send", "--to", NUMBER, "--key", "once", "Another text")

    assert first["provider_id"] == again["provider_id"]
    assert 2 == other.code
    assert "this key belongs to another message" in other.err


def test_a_key_that_waits(command: Command) -> None:
    """A key whose message waits is not sent beside it, and people are told how to follow it."""
    waiting = send(command, "--later", "--to", NUMBER, "--key", "soon")
    said = command("send", "--to", NUMBER, "--key", "soon", "Your table is ready")

    assert (0, True) == (said.code, said.out.startswith("PENDING, not sent so far"))
    assert f"Follow it: polysms show {waiting['id']}" == said.out.splitlines()[-1]


def test_later_for_people(command: Command) -> None:
    """Who enqueues is told that it waits, for whom, and how to follow it."""
    said = command("send", "--later", "--to", NUMBER, "Your table is ready")

    assert 0 == said.code
    assert said.out.startswith("PENDING, in the outbox: polysms worker sends it\n")
    assert f"Follow it: polysms show {facts(said.out)['id']}" == said.out.splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--at", "soon"), "--at: write in how long, as 30m or 2h"),
        (("--at", "999999999d"), "--at: write in how long"),
        (("--later", "--deadline", "30s"), "--deadline: does not go with --later"),
        (("--later", "--on-maybe-sent", "next"), "--on-maybe-sent: does not go with --later"),
        (("--later", "--explain"), "--explain: does not go with --later"),
        (("--later", "--url", "memory://?sender=Acme"), "this needs a ledger"),
        (("--later", "--from", "@nobody"), "nobody"),
    ],
)
def test_mistakes_of_later(command: Command, options: tuple[str, ...], words: str) -> None:
    """What the outbox does not keep is refused, and nothing is enqueued."""
    said = command("send", *options, "--to", NUMBER, "Your table is ready")

    assert (2, True) == (said.code, words in said.err)
    assert "No message found.\n" == command("list").out


@pytest.mark.parametrize("at", ["2999-01-01T07:30", "2999-01-01T07:30Z", "2999-01-01T09:30+02:00"])
def test_a_time_is_utc_unless_it_says_otherwise(command: Command, at: str) -> None:
    """A time without a zone is UTC, as everywhere."""
    waiting = send(command, "--at", at, "--to", NUMBER)

    assert datetime(2999, 1, 1, 7, 30, tzinfo=UTC) == datetime.fromisoformat(
        waiting["outbox"]["next_at"]
    )


def test_cancel(command: Command) -> None:
    """What waits is cancelled, once and for all; what was sent is not, and that is exit code 4."""
    waiting = send(command, "--later", "--to", NUMBER, "--key", "soon")
    taken = send(command, "--to", NUMBER)
    cancelled, again = command("cancel", "soon"), command("cancel", "--json", waiting["id"])
    late = command("cancel", taken["id"])

    assert (0, "CANCELLED: it will not be sent") == (cancelled.code, cancelled.out.splitlines()[0])
    assert (0, "CANCELLED") == (again.code, json.loads(again.out)["status"])
    assert 4 == late.code
    assert "too late to cancel it" in late.out


def test_confirm(command: Command, kept: Path) -> None:
    """A confirmation is written down."""
    sent = send(command, "--to", NUMBER)
    said = command("confirm", sent["id"])

    assert (0, True) == (said.code, "confirmed: no other account tries it" in said.out)
    assert "confirmed" in facts(command("show", sent["id"]).out)
    with Client.from_config(kept) as client:
        entry = client.ledger.entry(sent["id"])
        assert entry is not None
        assert entry.confirmed_at is not None


def test_fetch_by_id(command: Command) -> None:
    """A provider is asked by our id or key as well, and what it says is written down."""
    sent = send(command, "--to", NUMBER, "--key", "order-7")
    fetched = json.loads(command("fetch", "--json", "order-7").out)
    by_id = command("fetch", sent["id"])

    assert (sent["id"], sent["provider_id"]) == (fetched["id"], fetched["provider_id"])
    assert (0, sent["id"]) == (by_id.code, facts(by_id.out)["id"])


def test_fetch_of_what_no_provider_has(command: Command) -> None:
    """Nobody can be asked for a message that waits."""
    waiting = send(command, "--later", "--to", NUMBER)
    said = command("fetch", waiting["id"])

    assert (3, True) == (said.code, "no provider was asked to send this message" in said.err)


def test_fetch_of_an_account_alone(command: Command) -> None:
    """The name of an account alone says what is missing."""
    said = command("fetch", "wavix")

    assert (2, True) == (said.code, "give the provider's own id after it" in said.err)
