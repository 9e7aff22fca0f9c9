"""The transport of accounts without a network: it answers every message itself."""

from __future__ import annotations

import json
import sys
from typing import Any

import httpx

from polysms.config import Account


class LocalTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers in this process: ``console`` prints, ``memory`` keeps, ``null`` forgets."""

    def __init__(self, account: Account) -> None:
        self._kind = account.provider_name
        self.kept: list[dict[str, Any]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Take one message and answer that it was accepted."""
        message = json.loads(request.read())
        if self._kind == "memory":
            self.kept.append(message)
        if self._kind == "console":
            _show(message)
        return httpx.Response(201, json={"id": message["id"]})

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Take one message and answer that it was accepted."""
        return self.handle_request(request)


def _show(message: dict[str, Any]) -> None:
    # To stderr: stdout belongs to the program's own output, which may be JSON.
    lines = [f"SMS from {message['from']} to {message['to']}", message["text"], *message["media"]]
    print("\n".join(line for line in lines if line), file=sys.stderr, flush=True)  # noqa: T201
