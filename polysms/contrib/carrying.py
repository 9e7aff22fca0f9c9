"""What the doors share: carrying a request in and an answer out, as plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import quote

from polysms.providers.hearing import LARGEST
from polysms.webhooks import WebhookRequest, WebhookResponse


def carried_in(
    method: str, inside: str, query: str, headers: Iterable[tuple[str, str]], body: bytes
) -> WebhookRequest:
    """Return a request; ``inside`` is its path below the door, without escapes or first slash."""
    # Escaped as our own addresses are, so that it is what its provider has signed.
    path = "/" + quote(inside, errors="replace")
    return WebhookRequest(method, f"{path}?{query}" if query else path, headers, body)


def bounded(read: Callable[[int], bytes]) -> bytes:
    """Return a body, no more of it than tells that it is too large."""
    body = bytearray()
    while len(body) <= LARGEST and (part := read(LARGEST + 1 - len(body))):
        body += part
    return bytes(body)


def headers_out(response: WebhookResponse) -> dict[str, str]:
    """Return an answer's headers; those about the connection are the server's business (WSGI)."""
    return {name: value for name, value in response.headers.items() if name != "connection"}
