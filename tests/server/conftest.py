"""Receivers of either kind, with and without a ledger, asked as an ASGI app or directly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from polysms import AsyncClient, Client, Config, Delivery, DeliveryReport, Message
from polysms.ledger import Ledger
from polysms.server import Receiver
from polysms.webhooks import WebhookRequest, WebhookResponse
from tests.clients import ACCEPTED, accepted
from tests.postgres import Postgres
from tests.webhooks.forms import KEY, PUBLIC, TOKEN

NUMBER = "+13135550123"
TABLES: dict[str, dict[str, Any]] = {
    "wavix": {"api_key": "wavix-key", "webhook_token": TOKEN, "sender": "+13137890021"},
    "trusted": {
        "provider": "wavix",
        "api_key": "wavix-key",
        "webhook_token": TOKEN,
        "verify_reports": "trust",
        "sender": "+13137890021",
    },
    "signalwire": {
        "space": "example",
        "project_id": "p-1",
        "api_token": "signalwire-key",
        "signing_key": KEY,
        "sender": ["+15559876543", "+13135550199"],
    },
    "carrierx": {
        "token": "carrierx-key",
        "webhook_token": TOKEN,
        "verify_reports": "trust",
        "sender": "15162065575",
    },
    "null": {},
}
KINDS = ("sync", "async")


class Provider:
    """What a provider answers when it is asked for a message: its status, or its trouble."""

    def __init__(self) -> None:
        self.status = "delivered"
        self.more: dict[str, Any] = {}
        self.trouble: Exception | None = None
        self.asked = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return accepted(id=ACCEPTED["message_id"])
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble
        if self.status == "unknown":
            return httpx.Response(404, json={"success": False, "message": "not found"})
        answer = accepted(status=self.status, **self.more)
        return httpx.Response(200, content=answer.content)


class House:
    """A receiver and what it hears; the async one lives in a loop of its own."""

    def __init__(self, kind: str, ledger: str | None, **keys: Any) -> None:
        self.provider = Provider()
        tables: dict[str, Any] = {"public_url": PUBLIC, "default": "wavix", **keys}
        if ledger is not None:
            tables["ledger"] = ledger
        tables["accounts"] = TABLES
        self.config = Config.from_mapping(tables)
        maker: Any = Client if kind == "sync" else AsyncClient
        self.kind = kind
        self.client: Any = maker(self.config, transport=httpx.MockTransport(self.provider))
        self.receiver = Receiver(self.client)
        self.runner = asyncio.Runner()
        self.heard: list[Any] = []

    @property
    def ledger(self) -> Ledger:
        return self.client.ledger  # type: ignore[no-any-return]

    def listen(self) -> list[Any]:
        """Listen to everything; return the list of what is heard."""
        for listen in (
            self.receiver.on_report,
            self.receiver.on_inbound,
            self.receiver.on_opt_out,
        ):
            listen(self.heard.append)
        return self.heard

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def send(self, message: Message, **settings: Any) -> Delivery:
        found = self.client.send(message, **settings)
        sent = self.run(found) if asyncio.iscoroutine(found) else found
        assert isinstance(sent, Delivery)
        return sent

    def ask(self, request: WebhookRequest, source: str | None = None) -> WebhookResponse:
        """Ask the receiver, as the kind of client does it."""
        if self.kind == "sync":
            return self.receiver.handle(request, source)
        answer = self.run(self.receiver.ahandle(request, source))
        assert isinstance(answer, WebhookResponse)
        return answer

    def catch_up(self) -> int:
        if self.kind == "sync":
            return self.receiver.catch_up()
        return int(self.run(self.receiver.acatch_up()))

    def post(self, request: WebhookRequest, **settings: Any) -> httpx.Response:
        """Post a request to the receiver as an ASGI app."""
        answer = self.run(self._post(request, **settings))
        assert isinstance(answer, httpx.Response)
        return answer

    async def _post(self, request: WebhookRequest, **settings: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.receiver, **settings)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
            headers = dict(request.headers)
            return await http.request(
                request.method, request.url, headers=headers, content=request.body
            )

    def close(self) -> None:
        closing = self.client.close()
        if asyncio.iscoroutine(closing):
            self.run(closing)
        self.runner.close()


Made = Callable[..., House]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.unmeasured)])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty ledger."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.url(server.database(request.getfixturevalue("template")))


@pytest.fixture
def made() -> Iterator[Made]:
    """Return a function that makes receivers, which are closed at the end."""
    houses: list[House] = []

    def make(kind: str, ledger: str | None = None, **keys: Any) -> House:
        houses.append(House(kind, ledger, **keys))
        return houses[-1]

    yield make
    for house in houses:
        house.close()


@pytest.fixture(params=KINDS)
def house(request: pytest.FixtureRequest, made: Made, ledger_url: str) -> House:
    """Return a receiver with a ledger."""
    return made(request.param, ledger_url)


@pytest.fixture(params=KINDS)
def bare(request: pytest.FixtureRequest, made: Made) -> House:
    """Return a receiver without a ledger."""
    return made(request.param)


def facts(report: DeliveryReport) -> tuple[Any, ...]:
    """Return whose message a report is about, and what it says."""
    return report.id, report.key, report.tag, str(report.status)
