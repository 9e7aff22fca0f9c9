"""The main paths against the sandbox: sent, fetched, listed, and trouble of every kind."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from polysms import Client, Delivery, Status
from tests.cli.conftest import Command

WAVIX = "wavix://canary-key@?sender=%2B13137890021"
CARRIERX = "carrierx://canary-token@?sender=%2B15162065575"
SIGNALWIRE = "signalwire://project:canary-token@example?sender=%2B15559876543"
ACCOUNTS = {"wavix": WAVIX, "carrierx": CARRIERX, "signalwire": SIGNALWIRE}
EVERY = pytest.mark.parametrize("account", ACCOUNTS)

pytestmark = [pytest.mark.one_python, pytest.mark.usefixtures("sandbox")]


def _sent(command: Command, url: str, to: str, *more: str) -> dict[str, Any]:
    said = command("send", "--json", "--url", url, "--to", to, "hello", *more)
    assert (0, "") == (said.code, said.err)
    found: dict[str, Any] = json.loads(said.out)
    return found


@EVERY
def test_a_text_is_sent_and_fetched(command: Command, account: str) -> None:
    """What one command sends, another finds again by the id it was told."""
    url = ACCOUNTS[account]
    sent = _sent(command, url, "+13135550131")
    fetched = command("fetch", "--json", "--url", url, account, sent["provider_id"])
    told = command("fetch", "--url", url, account, sent["provider_id"])

    assert sent["provider_id"] == json.loads(fetched.out)["provider_id"]
    assert 0 == told.code
    lines = [line.split() for line in told.out.splitlines()]
    assert ["provider", "id", sent["provider_id"]] in lines
    assert ["to", "+1********31"] in lines


@EVERY
def test_people_are_told_how_to_follow(command: Command, account: str) -> None:
    """A send ends with the command that follows it."""
    said = command("send", "--url", ACCOUNTS[account], "--to", "+13135550132", "hello")

    assert said.out.startswith(f"QUEUED, accepted by {account}\n")
    assert f"Follow it: polysms fetch {account} " in said.out.splitlines()[-1]


@EVERY
def test_sent_messages_are_listed(command: Command, account: str) -> None:
    """The provider's own list shows a message once it has caught up, one line each in JSON."""
    url, to = ACCOUNTS[account], "+13135550133"
    identity = _sent(command, url, to)["provider_id"]
    arguments = ("list", "--url", url, "--remote", account, "--to", to, "--since", "1h")
    for _ in range(50):
        said = command(*arguments, "--json")
        if said.out:
            break
        time.sleep(0.1)
    table = command(*arguments)

    assert [identity] == [json.loads(line)["provider_id"] for line in said.out.splitlines()]
    assert [True] == [identity in line for line in table.out.splitlines()[1:]]
    assert all(len(line) <= 80 for line in table.out.splitlines())


def test_at_most_so_many_are_listed(command: Command) -> None:
    """``--limit`` ends the list, whatever the provider still has."""
    for _ in range(3):
        _sent(command, CARRIERX, "+13135550134")
    arguments = ("--json", "--url", CARRIERX, "--remote", "carrierx", "--to", "+13135550134")
    for _ in range(50):
        if len(command("list", *arguments).out.splitlines()) == 3:
            break
        time.sleep(0.1)

    said = command("list", *arguments, "--limit", "2")

    assert 2 == len(said.out.splitlines())


def test_an_empty_list_says_so(command: Command) -> None:
    """Nothing found is an answer: exit code 0, and a sentence."""
    said = command("list", "--url", WAVIX, "--remote", "wavix", "--direction", "inbound")

    assert (0, "No message found.\n") == (said.code, said.out)


def test_an_inbound_list_shows_who_sent(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a list of inbound messages the other party is the sender (the sandbox plays none)."""
    received = Delivery(
        id=None,
        status=Status.RECEIVED,
        direction="inbound",
        from_="+13135550136",
        to="+13137890021",
        provider_id="871b4eeb",
    )
    monkeypatch.setattr(Client, "list_remote", lambda *_, **__: iter([received]))

    said = command("list", "--url", WAVIX, "--remote", "wavix", "--direction", "inbound")

    header, row = said.out.splitlines()
    assert ("from", "+1********36") == (header.split()[-3], row.split()[-2])


def test_an_unknown_id_is_not_found(command: Command) -> None:
    """A message the provider does not know is a look-up that failed: 3, and nothing was sent."""
    said = command("fetch", "--url", WAVIX, "wavix", "871b4eeb-f798-4105-be23-32df9e991456")

    assert 3 == said.code
    assert "knows no such message" in said.lines[0]


#: The recipient's last digits, the exit code, and words of the first line on stderr.
TROUBLE = [
    ("0105", 3, "refused the message (invalid_number)"),
    ("0106", 3, "refused the message"),
    ("0107", 3, "refused the message"),
    ("0108", 3, "asks to come back later"),
    ("0109", 4, "may have been sent"),
    ("0111", 3, "asks to come back later"),
    ("0112", 4, "may have been sent"),
    ("0113", 4, "may have been sent"),
    ("0114", 4, "may have been sent"),
    ("0115", 4, "may have been sent"),
    ("0116", 4, "may have been sent"),
]


@EVERY
@pytest.mark.parametrize(("digits", "code", "words"), TROUBLE)
def test_trouble(command: Command, account: str, digits: str, code: int, words: str) -> None:
    """A refusal is 3; an answer that cannot be read is 4, never a failure."""
    to = f"+1313555{digits}"
    said = command("send", "--url", ACCOUNTS[account], "--to", to, "--deadline", "3s", "hello")

    assert code == said.code
    assert said.lines[0].startswith(account)
    assert words in said.lines[0]


def test_no_answer_may_have_been_sent(command: Command) -> None:
    """Where no answer comes in time the message may have been sent, and it is said how to look."""
    said = command(
        *("send", "--json", "--url", WAVIX, "--to", "+13135550110", "--deadline", "500ms", "hello")
    )
    told = json.loads(said.out)

    assert (4, "MaybeSent", "MAYBE_SENT") == (said.code, told["type"], told["delivery"]["status"])
    assert "polysms list --remote wavix" in told["remedy"]
    assert "+1********10" == told["delivery"]["to"]


def test_the_next_account_is_told(command: Command) -> None:
    """A message that a second account took tells what the first one said."""
    bad = "wavix://canary-invalid@?sender=%2B13137890021"
    said = command("send", "--url", f"{bad} || {CARRIERX}", "--to", "+13135550135", "hello")

    assert 0 == said.code
    assert said.out.startswith("QUEUED, accepted by carrierx\n")
    assert "Tried wavix before: " in said.out


def test_what_a_provider_has_no_word_for_is_told(command: Command) -> None:
    """A wish that polysms keeps itself is said to be kept."""
    url = "wavix://canary-key@?sender=A%26B"
    said = command("send", "--url", url, "--to", "+442079460135", "--tag", "orders", "hello")

    assert 0 == said.code
    assert "wavix has no word for tag: polysms keeps it itself" in said.out
    assert "Warning: sender 'A&B'" in said.out
