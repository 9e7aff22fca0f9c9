"""An account of whose provider an example tells: what the provider itself has published."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import uuid4

import attrs

from polysms.delivery import Status
from polysms.errors import Reason
from polysms.providers.base import JSON, Provider, Request, Response
from polysms.providers.hearing import WebhookRequest
from polysms.routing.steps import Failure
from polysms.testing.players import Guessed
from polysms.testing.problems import NoAnswer

if TYPE_CHECKING:
    from polysms.testing.contract.example import Example

_JSON = {"content-type": JSON}


@attrs.frozen
class Told:
    """Answers as an adapter's example has them; ``taken`` are the messages taken, by id."""

    adapter: Provider
    example: Example
    taken: dict[str, dict[str, Any]]

    def ask(self, request: Request) -> Response:
        """Return a message that was taken where its id is asked for; raise NoAnswer for more."""
        found = next((body for id_, body in self.taken.items() if id_ in request.url), None)
        if found is None:
            return Guessed(self.adapter).ask(request)
        return Response(200, _JSON, json.dumps(found).encode())

    def take(self, request: Request, status: Status | str | None) -> Response:
        """Return the published answer with an id of its own, and with a status."""
        del request
        body, identity = json.loads(self.example.sent), str(uuid4())
        body[self.example.where["id"]] = identity
        if status is not None:
            body[self.example.where["status"]] = self._word(status)
        self.taken[identity] = body
        return Response(self.example.sent_status, _JSON, json.dumps(body).encode())

    def refuse(
        self, request: Request, reason: Reason | None, code: str | None
    ) -> Response | Failure:
        """Return the published refusal for a reason, else one by its HTTP status."""
        for status, body, means in self.example.codes:
            content = json.dumps(body)
            if (code is None and means is reason) or (code is not None and code in content):
                return Response(status, _JSON, content.encode())
        return Guessed(self.adapter).refuse(request, reason, code)

    def busy(self, request: Request, seconds: float) -> Response | Failure:
        """Return a 429."""
        return Guessed(self.adapter).busy(request, seconds)

    def settle(
        self, provider_id: str, status: Status | str, code: str | None, text: str | None
    ) -> None:
        """Let a message have come to a status; an example has no words for why."""
        del code, text
        self.taken[provider_id][self.example.where["status"]] = self._word(status)

    def report(self, provider_id: str, address: str) -> WebhookRequest:
        """Return the published report, of this message."""
        if self.example.heard is None:
            raise NoAnswer(f"the example of {self.adapter.name} has no report (heard)")
        body = json.loads(json.dumps(self.example.heard))
        body[self.example.where["id"]] = provider_id
        *path, last = self.example.heard_at
        inner = body
        for name in path:
            inner = inner[name]
        inner[last] = self.taken[provider_id][self.example.where["status"]]
        is_json = self.example.heard_type == JSON
        content = json.dumps(body) if is_json else urlencode(body)
        headers = {"content-type": self.example.heard_type}
        return WebhookRequest("POST", address, headers, content.encode())

    def _word(self, status: Status | str) -> str:
        words = self.example.statuses
        if status in words:
            return str(status)
        found = next((word for word, means in words.items() if means == status), None)
        if found is None:
            raise NoAnswer(f"the example of {self.adapter.name} has no word for {status!s}")
        return found
