"""A receiver as an ASGI app: bounded bodies in bounded time, and handlers after the answer."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from polysms.providers.hearing import LARGEST
from polysms.server.judging import TOO_LARGE, TOO_SLOW
from polysms.webhooks import WebhookRequest, WebhookResponse

if TYPE_CHECKING:
    from polysms.server.receiver import Receiver

#: Seconds in which a request must be there, to its end.
BODY_SECONDS = 10.0
#: The status of an answer that has no body, and so no length either.
NO_CONTENT = 204


async def answer(receiver: Receiver, scope: Any, receive: Any, send: Any) -> None:
    """Answer a request, or live through the life of a server."""
    if scope["type"] == "lifespan":
        await _live(receiver, receive, send)
    elif scope["type"] == "http":
        await _answer(receiver, scope, receive, send)
    else:
        raise ValueError(f"a receiver does not speak {scope['type']}")


async def _live(receiver: Receiver, receive: Any, send: Any) -> None:
    await receive()
    async with receiver.running():
        await send({"type": "lifespan.startup.complete"})
        await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def _answer(receiver: Receiver, scope: Any, receive: Any, send: Any) -> None:
    request = await _request(scope, receive, receiver.client.duties.now())
    if request is None:
        return
    if isinstance(request, WebhookResponse):
        await _send(request, scope, send)
        return
    client = scope.get("client")
    response, dues = await receiver.received(request, client[0] if client else None)
    await _send(response, scope, send)
    await receiver.tell(dues)


async def _send(response: WebhookResponse, scope: Any, send: Any) -> None:
    length = {} if response.status == NO_CONTENT else {"content-length": str(len(response.body))}
    headers = {**response.headers, **length}
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    body = b"" if scope["method"] == "HEAD" else response.body
    await send({"type": "http.response.start", "status": response.status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


async def _request(
    scope: Any, receive: Any, now: datetime
) -> WebhookRequest | WebhookResponse | None:
    """Return the request, how it is refused, or None where its sender has gone."""
    headers = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]
    ]
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _body(receive)
    except TimeoutError:
        return TOO_SLOW
    if body is None:
        return None
    if len(body) > LARGEST:
        return TOO_LARGE
    return WebhookRequest(scope["method"], _url(scope), headers, body, now)


async def _body(receive: Any) -> bytes | None:
    """Return a body, no more of it than tells that it is too large; None: its sender has gone."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > LARGEST or not message.get("more_body", False):
            return bytes(body)


def _url(scope: Any) -> str:
    """Return path and query, as they came, without the place at which the app is mounted."""
    raw = scope.get("raw_path")
    path = quote(scope["path"]) if raw is None else raw.decode("latin-1")
    path = path.removeprefix(quote(scope.get("root_path", "")))
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{path}?{query}" if query else path
