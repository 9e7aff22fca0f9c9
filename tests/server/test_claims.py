"""A forged report, by one who has an account's address and a reference, over the sandbox."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from polysms import Client, Config, Delivery, DeliveryReport, Message, Status
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
