"""``polysms explain``: what happened, why, and what to do, in sentences for support people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from polysms import Client, DeliveryReport, Message, Status
from polysms.delivery import Attempt
from polysms.errors import Reason
from polysms.ledger import Ledger
from tests.cli.conftest import NUMBER, Command

pytestmark = [pytest.mark.one_python, pytest.mark.usefixtures("kept", "sandbox")]
LONG_AGO = datetime.now(UTC) - timedelta(days=2)


@pytest.fixture
def client(kept: Path) -> Iterator[Client]:
    """Return a client of the same ledger."""
    with Client.from_config(kept) as opened:
        yield opened


def told(command: Command, name: str | None) -> dict[str, str]:
    """Return what a message's explanation says, by its titles, each in one line."""
    said = command("explain", str(name))
    assert (0, "") == (said.code, said.err)
    assert all(len(line) <= 80 for line in said.out.splitlines())
    text = " ".join(line.strip() for line in said.out.splitlines())
    titles = ("What happened", "Why", "What to do", "In detail")
    places = [(text.index(f"{title}:"), title) for title in titles if f"{title}:" in text]
    ends = [place for place, _ in places[1:]] + [len(text)]
    return {
        title: text[place + len(title) + 2 : end].strip()
        for (place, title), end in zip(places, ends, strict=True)
    }


def report(client: Client, id_: str | None, status: Status, **facts: object) -> None:
    """Let a provider report on a message that wavix took."""
    taken = client.get(str(id_))
    now = datetime.now(UTC)
    event = DeliveryReport(
        event_id=f"{status}", account="wavix", provider="wavix",
        provider_id=str(taken.provider_id), status=status, at=now, received_at=now,
        **facts,  # type: ignore[arg-type]
    )  # fmt: skip
    client.ledger.record(event)


def test_delivered(command: Command, client: Client) -> None:
    """Of a message that arrived nothing is to be done."""
    id_ = client.send(Message(NUMBER, "hello")).id
    report(client, id_, Status.DELIVERED)
    found = told(command, id_)

    assert "wavix took it at" in found["What happened"]
    assert "its provider reported that the phone got it at" in found["What happened"]
    assert "Nothing." == found["What to do"]
    assert "Why" not in found
    assert "wavix said DELIVERED" in found["In detail"]


@pytest.mark.parametrize(
    ("status", "reason", "happened", "advice"),
    [
        (Status.UNDELIVERED, Reason.INVALID_NUMBER, "could not be delivered", "Check the number"),
        (Status.FAILED, Reason.CONTENT, "sending it failed", "Change the message"),
        (Status.REJECTED, Reason.BALANCE, "it was rejected", "Mend the account"),
        (Status.EXPIRED, Reason.OTHER, "its time ran out", "Send it again, by another account"),
        (Status.FAILED, None, "sending it failed", "See what the report says"),
    ],
)
def test_lost(  # noqa: PLR0913, PLR0917 - each fact of a case
    command: Command,
    client: Client,
    status: Status,
    reason: Reason | None,
    happened: str,
    advice: str,
) -> None:
    """Of a message that did not arrive it is said why, and what helps."""
    id_ = client.send(Message(NUMBER, "hello")).id
    report(client, id_, status, reason=reason, code="30005", raw_status="unknown handset")
    found = told(command, id_)

    assert happened in found["What happened"]
    assert "code 30005, unknown handset" in found["Why"]
    assert found["What to do"].startswith(advice)


def test_unreported(command: Command, client: Client) -> None:
    """A message of which nothing was ever heard is not to be sent again by reflex."""
    id_ = client.send(Message(NUMBER, "hello")).id
    report(client, id_, Status.UNREPORTED)
    found = told(command, id_)

    assert "never reported what became of it" in found["What happened"]
    assert "do not send it by reflex" in found["What to do"]


def test_under_way(command: Command, client: Client) -> None:
    """Of a message that a provider has, it is said when it is asked, and how to ask at once."""
    id_ = client.send(Message(NUMBER, "hello")).id
    found = told(command, id_)

    assert "has reported nothing yet" in found["What happened"]
    assert "Wait: a worker asks at" in found["What to do"]
    assert f"polysms fetch {id_}" in found["What to do"]
    client.confirm(str(id_))
    assert told(command, id_)["What to do"].startswith("Nothing: it was confirmed at")


def test_another_account_before(command: Command, client: Client) -> None:
    """Who was asked before in vain is named."""
    id_ = client.send(Message(NUMBER, "hello"), via="both").id
    found = told(command, id_)

    assert "locked did not; carrierx took it at" in found["What happened"]
    assert "2. carrierx: chosen" in found["In detail"]


def test_not_sent(command: Command) -> None:
    """Of a message that was refused it is said by whom, why, and whether to try again."""
    command("send", "--to", "+13135550105", "--key", "bad", "hello")
    found = told(command, "bad")

    assert found["What happened"].endswith("surely not sent.")
    assert "wavix: Destination number is invalid" in found["Why"]
    assert "sending it again as it is would end the same way" in found["What to do"]


def test_maybe_sent(command: Command) -> None:
    """Of a message that may have been sent it is said that it must not be sent again."""
    said = command("send", "--to", "+13135550113", "--key", "lost", "hello")
    found = told(command, "lost")

    assert 4 == said.code
    assert "nobody can tell whether wavix took it" in found["What happened"]
    assert "the connection ended without a readable answer" in found["Why"]
    assert "A worker looks for it at" in found["What to do"]
    assert "Nothing is sent again by itself" in found["What to do"]


def test_the_sender_died(command: Command, kept: Path) -> None:
    """An attempt that nobody closed is told as what it is."""
    attempt = Attempt(
        account="wavix", provider="wavix", reference="r-1", lookup="exact",
        started_at=LONG_AGO, expires_at=LONG_AGO + timedelta(seconds=60),
    )  # fmt: skip
    with Ledger(f"sqlite:///{kept.parent}/ledger.db", clock=lambda: LONG_AGO) as ledger:
        ledger.write("id-1", Message(NUMBER, "hello"), attempt)
    found = told(command, "id-1")

    assert "nobody can tell whether wavix took it" in found["What happened"]
    assert "ended before the provider's answer was written down" in found["Why"]


def test_being_sent(command: Command, kept: Path) -> None:
    """A send that is under way is told as such."""
    now = datetime.now(UTC)
    attempt = Attempt(
        account="wavix", provider="wavix", reference="r-1",
        started_at=now, expires_at=now + timedelta(hours=1),
    )  # fmt: skip
    with Ledger(f"sqlite:///{kept.parent}/ledger.db") as ledger:
        ledger.write("id-1", Message(NUMBER, "hello"), attempt)

    assert "a program is sending it now" in told(command, "id-1")["What happened"]


def test_waiting(command: Command, client: Client) -> None:
    """Of a message that waits it is said until when, and how to stop it."""
    at = datetime.now(UTC) + timedelta(hours=2)
    id_ = client.enqueue(Message(NUMBER, "hello"), at=at).id
    found = told(command, id_)

    assert f"it waits in the outbox until {at:%Y-%m-%d %H:%M:%S} UTC" in found["What happened"]
    assert f"polysms cancel {id_} stops it" in found["What to do"]


def test_due(command: Command, client: Client) -> None:
    """Of a message that nobody sends it is said that a worker is missing."""
    id_ = client.enqueue(Message(NUMBER, "hello")).id
    found = told(command, id_)

    assert "no worker has taken it" in found["What happened"]
    assert found["What to do"].startswith("See that a worker runs (polysms worker)")


def test_too_late(command: Command, client: Client) -> None:
    """A message whose time is over is not sent any more, and that is said."""
    id_ = client.enqueue(Message(NUMBER, "hello", valid_for=60), at=LONG_AGO).id

    assert "it is not sent any more" in told(command, id_)["What happened"]


def test_claimed(command: Command, client: Client) -> None:
    """A message that a worker has taken is being sent."""
    id_ = client.enqueue(Message(NUMBER, "hello")).id
    until = datetime.now(UTC) + timedelta(minutes=5)
    client.ledger.outbox.claim("waiting", "a worker", until=until, limit=1)

    assert "a worker is sending it now" in told(command, id_)["What happened"]


def test_cancelled(command: Command, client: Client) -> None:
    """A cancelled message was never sent."""
    id_ = str(client.enqueue(Message(NUMBER, "hello")).id)
    client.cancel(id_)

    assert "and never sent" in told(command, id_)["What happened"]


@pytest.mark.parametrize(
    "written", [NUMBER, NUMBER.removeprefix("+"), "+1 (313) 555-0123", "1 313 555 0123"]
)
def test_a_number(command: Command, client: Client, written: str) -> None:
    """A number explains its newest messages, however people write it."""
    ids = [client.send(Message(NUMBER, "hello"), via="null").id for _ in range(4)]
    client.send(Message("+13135550124", "hello"), via="null")
    said = command("explain", "--json", written)

    assert 0 == said.code
    assert [ids[3], ids[2], ids[1]] == [one["id"] for one in json.loads(said.out)]


def test_a_number_for_people(command: Command, client: Client) -> None:
    """Several messages are told one below the other, at most as many as wanted."""
    for _ in range(3):
        client.send(Message(NUMBER, "hello"), via="null")
    said = command("explain", "--limit", "2", "--region", "US", "(313) 555-0123")

    assert 2 == said.out.count("What happened:")
    assert 2 == said.out.count("sms to +1********23, 1 segment: SENT")


def test_an_unknown_number(command: Command) -> None:
    """A number that nothing was sent to is exit code 3."""
    said = command("explain", "+13135550199")

    assert (3, ["the ledger knows no message to this number"]) == (said.code, said.lines)


def test_a_short_code(command: Command, client: Client) -> None:
    """A short code is a number too."""
    id_ = client.send(Message("98800", "hello"), via="null").id

    assert [id_] == [one["id"] for one in json.loads(command("explain", "--json", "98800").out)]
