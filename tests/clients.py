"""Both clients behind one face, so that every client test runs sync and async."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import httpx

from polysms import AsyncClient, Client, Config, Delivery, Message

KINDS = ("sync", "async")

WAVIX = {
    "provider": "wavix",
    "api_key": "wavix-canary-key",
    "sender": "+13137890021",
}
ACCEPTED = {
    "message_id": "871b4eeb-f798-4105-be23-32df9e991456",
    "message_type": "sms",
    "status": "accepted",
    "segments": 1,
    "charge": "0.02",
    "submitted_at": "2026-04-14T13:51:16",
}


class Both:
    """A client of either kind, called in the same way; the async one runs in its own loop."""

    def __init__(
        self, kind: str, config: Config | Mapping[str, Any] | str, **settings: Any
    ) -> None:
        self.kind = kind
        self.runner = asyncio.Runner() if kind == "async" else None
        maker: Any = AsyncClient if self.runner else Client
        self.client = maker(config, **settings)

    def _get(self, result: Any) -> Any:
        if self.runner is None or not asyncio.iscoroutine(result):
            return result
        return self.runner.run(_waited(result))

    def send(self, message: Message, **settings: Any) -> Delivery:
        found = self._get(self.client.send(message, **settings))
        assert isinstance(found, Delivery)
        return found

    def fetch(self, *args: Any, **settings: Any) -> Delivery:
        found = self._get(self.client.fetch(*args, **settings))
        assert isinstance(found, Delivery)
        return found

    def list_remote(self, account: str, *, most: int = 1000, **settings: Any) -> list[Delivery]:
        if self.runner is None:
            return [
                one for _, one in zip(range(most), self.client.list_remote(account, **settings))
            ]
        return self.runner.run(_gathered(self.client.list_remote(account, **settings), most))

    def resolve(self, delivery: Delivery, **settings: Any) -> Delivery:
        found = self._get(self.client.resolve(delivery, **settings))
        assert isinstance(found, Delivery)
        return found

    def call(self, method: str, *args: Any, **settings: Any) -> Any:
        """Call any other method of the client."""
        return self._get(getattr(self.client, method)(*args, **settings))

    def preview(self, message: Message, **settings: Any) -> Any:
        return self.client.preview(message, **settings)

    def check(self, account: str) -> None:
        self._get(self.client.check(account))

    def close(self) -> None:
        if self.kind == "sync":
            self.client.close()
        elif self.runner is not None:
            self.runner.run(self.client.close())
            self.runner.close()
            self.runner = None


async def _waited(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return await coroutine


async def _gathered(items: Any, most: int) -> list[Delivery]:
    found = []
    async for one in items:
        found.append(one)
        if len(found) >= most:
            break
    await items.aclose()
    return found


Handler = Callable[[httpx.Request], httpx.Response]


def answering(
    *answers: httpx.Response | Exception,
) -> tuple[httpx.MockTransport, list[httpx.Request]]:
    """Return a transport that gives these answers in turn, and the list of what it was asked."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        given = answers[min(len(asked), len(answers)) - 1]
        if isinstance(given, BaseException):
            raise given
        return given

    return httpx.MockTransport(answer), asked


def accepted(**changes: Any) -> httpx.Response:
    """Return Wavix's answer to a message it has taken."""
    return httpx.Response(201, json={**ACCEPTED, **changes})
