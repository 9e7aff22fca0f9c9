"""``polysms ledger``: its tables, its counts, and what it forgets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from polysms import Client, Delivery, DeliveryReport, Message, Status
from polysms.delivery import Attempt, Evidence, Outcome
from polysms.ledger import Ledger
from tests.cli.conftest import NUMBER, Command

pytestmark = [pytest.mark.one_python, pytest.mark.usefixtures("kept")]
NOW = datetime.now(UTC)


@pytest.fixture
def aged(kept: Path) -> list[str]:
    """Write messages of 100, 30 and 1 days ago, with a text and a report each; return their ids."""
    ids = []
    for days in (100, 30, 1):
        then = NOW - timedelta(days=days)
        attempt = Attempt(
            account="null", provider="null", reference=f"r-{days}", started_at=then, ended_at=then,
            outcome=Outcome.ACCEPTED, evidence=Evidence.ACCEPTED, provider_id=f"p-{days}",
        )  # fmt: skip
        with Ledger(address(kept), clock=stopped(then)) as ledger:
            ids.append(f"id-{days}")
            ledger.write(ids[-1], Message(NUMBER, "hello"), attempt)
            ledger.ended(Delivery(id=ids[-1], status=Status.SENT, attempts=(attempt,), to=NUMBER))
            ledger.record(
                DeliveryReport(
                    event_id=f"e-{days}", account="null", provider="null",
                    provider_id=f"p-{days}", status=Status.DELIVERED, received_at=then,
                )
            )  # fmt: skip
    return ids


@pytest.fixture
def client(kept: Path) -> Iterator[Client]:
    """Return a client of the same ledger."""
    with Client.from_config(kept) as opened:
        yield opened


def stopped(at: datetime) -> Callable[[], datetime]:
    """Return a clock that stands still."""
    return lambda: at


def address(kept: Path) -> str:
    """Return the address of the ledger."""
    return f"sqlite:///{kept.parent}/ledger.db"


def document(command: Command, *arguments: str) -> dict[str, Any]:
    """Return what a command prints for a program."""
    said = command(*arguments, "--json")
    assert (0, "") == (said.code, said.err)
    found: dict[str, Any] = json.loads(said.out)
    return found


def test_texts_go_and_lines_stay(command: Command, client: Client, aged: list[str]) -> None:
    """A purge forgets the texts of old messages, and every line of the ledger is kept."""
    purged = document(command, "ledger", "purge", "--older-than", "90d")
    kept = [client.ledger.message(id_) for id_ in aged]

    # The message's own, and what its report repeated.
    assert {"texts": 2, "rows": 0, "keys": 0} == purged
    assert [None, "hello", "hello"] == [one and one.text for one in kept]
    assert [Status.DELIVERED] * 3 == [client.get(id_).status for id_ in aged]


def test_texts_younger_than_rows(command: Command, client: Client, aged: list[str]) -> None:
    """Whole messages go only where that is said, and texts may go before them."""
    said = command(
        *("ledger", "purge", "--older-than", "90d", "--texts-older-than", "7d", "--rows")
    )
    found = [client.ledger.entry(id_) for id_ in aged]
    texts = [one.delivery.text for one in found if one is not None]

    assert (0, True) == (said.code, said.out.startswith("Forgotten: "))
    assert " 1 whole messages," in said.out
    assert [False, True, True] == [one is not None for one in found]
    assert [None, "hello"] == texts


def test_texts_alone(command: Command, client: Client, aged: list[str]) -> None:
    """The age of texts alone is enough."""
    assert 0 == command("ledger", "purge", "--texts-older-than", "7d").code
    assert [None, None, "hello"] == [client.get(id_).text for id_ in aged]


def test_what_is_under_way_is_kept(command: Command, client: Client) -> None:
    """Neither the text nor the line of a message goes that still waits."""
    id_ = client.enqueue(Message(NUMBER, "hello"), at=NOW + timedelta(hours=1)).id
    assert 0 == command("ledger", "purge", "--older-than", "2999-01-01", "--rows").code

    assert "hello" == client.get(str(id_)).text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "--older-than: is missing; say how old, as 90d"),
        (("--rows", "--texts-older-than", "7d"), "--rows: needs --older-than"),
        (("--older-than", "old"), "--older-than"),
        (("--older-than", "-1d"), "--older-than"),
        (("--older-than", "99999999d"), "--older-than: write how long ago"),
    ],
)
def test_mistakes(command: Command, options: tuple[str, ...], words: str) -> None:
    """A purge says how old, and never guesses."""
    said = command("ledger", "purge", *options)

    assert (2, True) == (said.code, words in said.err)


def test_stats(command: Command, client: Client, aged: list[str]) -> None:
    """What the ledger holds is counted, for programs and for people."""
    client.enqueue(Message(NUMBER, "hello", key="k"))
    found = document(command, "ledger", "stats")
    said = command("ledger", "stats")

    assert {"DELIVERED": 3, "PENDING": 1} == found["statuses"]
    assert (3, 3, 1, 1) == tuple(found[name] for name in ("attempts", "events", "keys", "waiting"))
    assert aged
    assert NOW - timedelta(days=100) == datetime.fromisoformat(found["oldest"])
    lines = [line.split() for line in said.out.splitlines()]
    assert ["DELIVERED", "3"] in lines
    assert ["worker", "seen", "never"] in lines


def test_upgrade(command: Command, kept: Path) -> None:
    """A SQLite file is made by it, and doing it again changes nothing."""
    first, again = command("ledger", "upgrade"), command("ledger", "upgrade", "--json")

    assert (0, 0) == (first.code, again.code)
    assert "The ledger's tables are at the newest revision.\n" == first.out
    assert (kept.parent / "ledger.db").is_file()


@pytest.mark.one_python
def test_postgresql(command: Command, postgres_ledger: None) -> None:
    """PostgreSQL's tables are made by this command alone; the others say so until then."""
    before = command("ledger", "stats")
    upgraded = command("ledger", "upgrade")
    after = document(command, "ledger", "stats")

    assert (3, "the ledger's tables are missing or old: run `polysms ledger upgrade`") == (
        before.code,
        before.lines[0],
    )
    assert (0, {}) == (upgraded.code, after["statuses"])
    assert 0 == command("ledger", "purge", "--older-than", "1d", "--rows").code


@pytest.mark.parametrize("name", ["upgrade", "stats", "purge"])
def test_without_a_ledger(command: Command, name: str) -> None:
    """Without a ledger it is said what to add."""
    age = ("--older-than", "1d") if name == "purge" else ()
    said = command("ledger", name, *age, "--url", "memory://?sender=Acme")

    assert (2, True) == (said.code, 'as ledger = "sqlite:///polysms.db"' in said.err)


def test_a_word_that_is_none(command: Command) -> None:
    """What ``ledger`` does not have is told with what it has."""
    said = command("ledger", "stat")

    assert (2, True) == (said.code, "Did you mean 'stats'?" in said.err)
    assert 2 == command("ledger").code
