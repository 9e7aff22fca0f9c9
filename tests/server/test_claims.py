"""A forged report, by one who has an account's address and a reference, over the sandbox."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from polysms import Client, Config, Delivery, DeliveryReport, MaybeSent, Message, Status
from polysms.delivery import Evidence, Outcome
from polysms.sandbox import Behaviour, running
from polysms.server import Receiver
from polysms.server.telling import as_found
from polysms.webhooks import WebhookRequest, message_token

TOKEN = "a-token-nobody-can-guess"
PATIENCE = 20.0


@pytest.fixture(scope="module")
def home() -> Iterator[Any]:
    """Return a sandbox that is quick."""
    with running(behaviour=Behaviour(speed=100, seed=7)) as sandbox:
        yield sandbox


@pytest.fixture
def client(home: Any, tmp_path: Path) -> Iterator[Client]:
    """Return a client with a ledger, and an address for webhooks."""
    account = {"api_key": "any", "sender": "+13135550100", "webhook_token": TOKEN}
    tables = {
        "accounts": {"wavix": account},
        "ledger": f"sqlite:///{tmp_path}/polysms.db",
        "public_url": "http://127.0.0.1:1/hooks",
    }
    with Client(Config.from_mapping(tables, sandbox=home.url)) as sms:
        yield sms


def settled(client: Client, delivery: Delivery) -> Status:
    """Wait until the provider says how a message ended; our ledger does not hear of it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = client.fetch(account="wavix", provider_id=delivery.provider_id)
        if found.status.final:
            return found.status
        time.sleep(0.02)
    raise TimeoutError("it never ended")


@pytest.mark.parametrize("way", ["body", "path"])
@pytest.mark.parametrize("word", ["rejected", "undelivered", "delivered", "sent"])
def test_failure_of_one_message_is_not_another_s(client: Client, way: str, word: str) -> None:
    """Whatever a report claims, a message that failed does not let another one fail or arrive."""
    ours = client.send(Message("+13135550123", "A"))
    other = client.send(Message("+13135550103", "B"))
    assert Status.REJECTED is settled(client, other)
    reference = ours.attempts[0].reference
    token = message_token(client.config.account("wavix"), reference)
    path = f"/hooks/wavix/{TOKEN}" + (f"/{token}" if way == "path" else "")
    body = {"message_id": other.provider_id, "status": word}
    body |= {"tag": reference} if way == "body" else {}
    receiver = Receiver(client)

    answer = receiver.handle(WebhookRequest("POST", path, {}, json.dumps(body).encode()))
    for _ in range(3):
        receiver.catch_up()

    assert 200 == answer.status
    assert Status.QUEUED is client.get(str(ours.id)).status


@pytest.mark.parametrize("said", ["theirs", None])
def test_provider_says_whose_it_is(said: str | None) -> None:
    """Of a report that is confirmed, the provider names the attempt, and not the report."""
    report = DeliveryReport(
        event_id="e",
        account="wavix",
        provider="wavix",
        provider_id="p",
        reference="claimed",
        status=Status.DELIVERED,
        received_at=datetime.now(UTC),
    )
    found = Delivery(id=None, status=Status.DELIVERED, reference=said)

    assert said == as_found(report, found).reference


LOST = "+13135550113"


def lost(client: Client) -> tuple[str, str, str]:
    """Send a message that is taken without a word; return its id, reference and provider's id."""
    with pytest.raises(MaybeSent) as raised:
        client.send(Message(LOST, "Are you there?", key="k-1", tag="t"), deadline=2)
    delivery = raised.value.delivery
    assert delivery is not None
    attempt = delivery.attempts[0]
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for found in client.list_remote("wavix", reference=attempt.reference):
            return str(delivery.id), attempt.reference, str(found.provider_id)
        time.sleep(0.02)
    raise TimeoutError("the provider never showed it")


def report_of(reference: str, provider_id: str, word: str, address: Client) -> WebhookRequest:
    """Return a report as it comes to the address of an attempt."""
    token = message_token(address.config.account("wavix"), reference)
    body = json.dumps({"message_id": provider_id, "status": word, "tag": reference})
    return WebhookRequest("POST", f"/hooks/wavix/{TOKEN}/{token}", {}, body.encode())


def test_reports_of_a_lost_send_have_its_names(client: Client) -> None:
    """What tells of a send without an answer says whose it is, before and after it is proved."""
    id_, reference, provider_id = lost(client)
    told: list[DeliveryReport] = []
    receiver = Receiver(client)
    receiver.on_report(told.append)

    settled(client, client.fetch(account="wavix", provider_id=provider_id))
    for word in ("sent", "delivered"):
        receiver.handle(report_of(reference, provider_id, word, client))
        receiver.catch_up()

    assert [Status.SENT, Status.DELIVERED] == [one.status for one in told]
    assert [(id_, "k-1", "t")] * 2 == [(one.id, one.key, one.tag) for one in told]


def test_lost_send_is_found_by_its_report(client: Client) -> None:
    """Once its provider has confirmed a report, its attempt is no longer unclear."""
    id_, reference, provider_id = lost(client)
    settled(client, client.fetch(account="wavix", provider_id=provider_id))
    receiver = Receiver(client)
    receiver.handle(report_of(reference, provider_id, "delivered", client))
    receiver.catch_up()

    found = client.get(id_)

    assert (Status.DELIVERED, provider_id) == (found.status, found.provider_id)
    (attempt,) = found.attempts
    assert (Outcome.ACCEPTED, Evidence.FOUND) == (attempt.outcome, attempt.evidence)
    assert provider_id == attempt.provider_id
    assert Status.DELIVERED is client.fetch(found).status
    assert id_ == client.send(Message(LOST, "Are you there?", key="k-1", tag="t")).id


def test_progress_alone_finds_no_lost_send(client: Client) -> None:
    """What ends nothing and is not proved lets its provider be asked soon, and no more."""
    id_, reference, _ = lost(client)

    Receiver(client).handle(report_of(reference, "somebody-s", "sent", client))

    assert (Status.MAYBE_SENT, None) == (client.get(id_).status, client.get(id_).provider_id)
