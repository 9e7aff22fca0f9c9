"""The whole way over HTTP: a send to the sandbox, its reports to a real server, and the ledger."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from polysms import AsyncClient, Client, Config, DeliveryReport, Message, Status
from polysms.sandbox import Behaviour, running
from polysms.server import Receiver, serving
from polysms.webhooks import address
from tests.webhooks.forms import KEY, TOKEN

PATIENCE = 60.0
ACCOUNTS: dict[str, dict[str, Any]] = {
    "wavix": {"api_key": "wavix-key", "webhook_token": TOKEN, "sender": "+13137890021"},
    "carrierx": {"token": "carrierx-key", "webhook_token": TOKEN, "sender": "15162065575"},
    "signalwire": {
        "space": "example",
        "project_id": "3a9f2b1c-0000-4000-8000-000000000000",
        "api_token": "signalwire-key",
        "signing_key": KEY,
        "sender": "+15559876543",
    },
    "twilio": {"account_sid": f"AC{'3' * 32}", "auth_token": KEY, "sender": "+13135550106"},
}


@contextmanager
def served(receiver: Receiver, bound: socket.socket) -> Iterator[None]:
    """Serve a receiver in a thread, as ``polysms serve`` does."""
    ready, servers = threading.Event(), []

    async def serve() -> None:
        config = serving.configured(receiver, None)
        server = serving._Server(config, ready.set)  # noqa: SLF001
        servers.append(server)
        await server._serve([bound])  # noqa: SLF001 - signals belong to the main thread
        closing = receiver.client.close()
        if closing is not None:
            await closing

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(PATIENCE)
    try:
        yield
    finally:
        servers[0].should_exit = True
        thread.join(PATIENCE)


def until(found: Callable[[], Any]) -> Any:
    """Wait until there is something, for a minute at most; return it."""
    end = time.monotonic() + PATIENCE
    while not (result := found()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return result


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize(
    ("name", "digits", "status"),
    [
        ("wavix", "0101", Status.DELIVERED),
        ("wavix", "0102", Status.UNDELIVERED),
        ("carrierx", "0101", Status.DELIVERED),
        ("signalwire", "0101", Status.DELIVERED),
        ("signalwire", "0102", Status.UNDELIVERED),
        ("twilio", "0101", Status.DELIVERED),
        ("twilio", "0102", Status.UNDELIVERED),
    ],
)
def test_sent_and_reported(
    tmp_path: Path, name: str, digits: str, status: Status, kind: type[Client]
) -> None:
    """A report that a provider posts reaches the ledger and who listens, with our id and key."""
    behaviour = Behaviour(speed=20, seed=1, signing_key=KEY)
    with (
        running(behaviour=behaviour) as sandbox,
        socket.create_server(("127.0.0.1", 0)) as bound,
    ):
        config = Config.from_mapping(
            {
                "public_url": f"http://127.0.0.1:{bound.getsockname()[1]}/hooks",
                "ledger": f"sqlite:///{tmp_path}/ledger.db",
                "default": name,
                "accounts": {name: ACCOUNTS[name]},
            },
            sandbox=sandbox.url,
        )
        # CarrierX takes no address with a message, only one for the whole account.
        where = address(config.account(name), config.public_url or "")
        urls = {name: where} if name == "carrierx" else {}
        sandbox.behaviour = Behaviour(speed=20, seed=1, signing_key=KEY, callback_urls=urls)
        receiver, heard = Receiver(kind(config)), list[DeliveryReport]()
        receiver.on_report(heard.append)
        with served(receiver, bound), Client(config) as client:
            sent = client.send(Message(f"+1313555{digits}", "hello", key="order-7"))
            last = until(lambda: [one for one in heard if one.status.final])[0]
            got = client.get(str(sent.id))

    assert (sent.id, "order-7", status) == (last.id, last.key, last.status)
    assert status is got.status
