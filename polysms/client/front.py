"""``polysms.send()``: one call for small programs, over a client that the process shares."""

from __future__ import annotations

import atexit
import threading
from datetime import timedelta
from typing import Any

from polysms.client.sync import Client
from polysms.delivery import Delivery
from polysms.message import Message

_lock = threading.Lock()
_shared: list[Client] = []


def send(  # noqa: PLR0913 - each wish by name
    to: str,
    text: str = "",
    *,
    via: str | None = None,
    on_maybe_sent: str | None = None,
    deadline: float | timedelta | None = None,
    attempt_timeout: float | timedelta | None = None,
    **fields: Any,
) -> Delivery:
    """Send a text with the configuration that the environment names; see :meth:`Client.send`.

    ``fields`` are the other fields of :class:`~polysms.message.Message`, as ``media`` or ``tag``.
    """
    message = Message(to, text, **fields)
    return shared().send(
        message,
        via=via,
        on_maybe_sent=on_maybe_sent,
        deadline=deadline,
        attempt_timeout=attempt_timeout,
    )


def shared() -> Client:
    """Return the client of ``Client.from_config()``, made once and closed when Python ends."""
    with _lock:
        if not _shared:
            client = Client.from_config()
            atexit.register(client.close)
            _shared.append(client)
        return _shared[0]
