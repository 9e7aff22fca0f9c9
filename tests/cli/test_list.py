"""``polysms list``: our own messages out of the ledger, and what does not go with what."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from polysms import Client, Message
from tests.cli.conftest import NUMBER, Command

pytestmark = [pytest.mark.one_python, pytest.mark.usefixtures("kept")]

WAVIX = "wavix://canary-key@?sender=%2B13137890021"


@pytest.fixture
def sent(kept: Path) -> list[str]:
    """Send three messages that differ, and let a fourth wait; return their ids, oldest first."""
    with Client.from_config(kept) as client:
        found = [
            client.send(Message(NUMBER, "one", tag="a"), via="null"),
            client.send(Message("+13135550124", "two", key="order-7"), via="null"),
            client.send(Message(NUMBER, "three"), via="null"),
            client.enqueue(Message(NUMBER, "four"), via="null"),
        ]
    return [str(one.id) for one in found]


def ids(command: Command, *options: str) -> list[str]:
    """Return the ids that a list shows to a program."""
    said = command("list", "--json", *options)
    assert (0, "") == (said.code, said.err)
    return [json.loads(line)["id"] for line in said.out.splitlines()]


@pytest.mark.parametrize(
    ("options", "places"),
    [
        ((), [3, 2, 1, 0]),
        (("--to", NUMBER), [3, 2, 0]),
        (("--to", "+1 (313) 555-0124"), [1]),
        (("--tag", "a"), [0]),
        (("--key", "order-7"), [1]),
        (("--status", "pending"), [3]),
        (("--status", "SENT", "--to", NUMBER), [2, 0]),
        (("--account", "null"), [2, 1, 0]),
        (("--account", "wavix"), []),
        (("--since", "1h"), [3, 2, 1, 0]),
        (("--since", "2999-01-01"), []),
        (("--limit", "2"), [3, 2]),
    ],
)
def test_ours(
    command: Command, sent: list[str], options: tuple[str, ...], places: list[int]
) -> None:
    """Each option narrows the list; the newest stand first."""
    assert [sent[place] for place in places] == ids(command, *options)


def test_for_people(command: Command, sent: list[str]) -> None:
    """The table fits 80 columns, shows ids whole and numbers masked."""
    said = command("list")
    header, *lines = said.out.splitlines()

    assert (0, ["time", "(UTC)", "status", "to", "account", "id"]) == (said.code, header.split())
    assert list(reversed(sent)) == [line.split()[-1] for line in lines]
    assert ["PENDING", "+1********23"] == lines[0].split()[2:4]
    assert all(len(line) <= 80 for line in said.out.splitlines())


def test_more_than_are_shown(command: Command, sent: list[str]) -> None:
    """A list that was cut says so."""
    del sent
    assert "The newest 2; --limit shows more" in command("list", "--limit", "2").out
    assert "--limit" not in command("list").out


def test_revealed(command: Command, sent: list[str]) -> None:
    """Numbers stand whole only where that is asked for, in JSON too."""
    del sent
    assert NUMBER in command("list", "--reveal").out
    assert NUMBER in command("list", "--json", "--reveal").out
    assert "+1********23" in command("list", "--json").out


def test_none(command: Command) -> None:
    """An empty ledger is told in words."""
    assert "No message found.\n" == command("list").out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--status", "LOST"), "there is no 'LOST'; known are PENDING"),
        (("--to", "555 0123"), "has no country code"),
        (("--from", "Acme"), "--from: is for the list of a provider"),
        (("--until", "1h"), "--until: is for the list of a provider"),
        (("--direction", "inbound"), "--direction: is for the list of a provider"),
        (("--remote", "wavix", "--tag", "a"), "--tag: does not go with --remote"),
        (("--remote", "wavix", "--key", "a"), "--key: does not go with --remote"),
        (("--remote", "wavix", "--status", "SENT"), "--status: does not go with --remote"),
        (("--remote", "wavix", "--account", "a"), "--account: does not go with --remote"),
        (("--url", WAVIX), "or ask a provider for its own list with --remote ACCOUNT"),
        (("--url", WAVIX), 'add a line to the configuration, as ledger = "sqlite:///polysms.db"'),
    ],
)
def test_mistakes(command: Command, options: tuple[str, ...], words: str) -> None:
    """No option is passed over in silence, and without a ledger it is said how to have one."""
    said = command("list", *options)

    assert 2 == said.code
    assert words in said.err
