"""The client and the receiver of ``settings.POLYSMS``; a process makes them when it needs them."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.db import connections
from django.utils.functional import SimpleLazyObject, empty

from polysms import Client, ConfigError, Delivery, Message
from polysms.contrib.django.signals import signals
from polysms.server import Receiver

#: What ``settings.POLYSMS`` may be.
KINDS = "a mapping with the keys of a polysms.toml, the path of one, or a URL"

# One may be made of the other.
_lock = threading.RLock()


class Lazy(SimpleLazyObject):  # type: ignore[misc]
    """Something that a process makes once, when it is first used."""

    _wrapped: Any

    def _setup(self) -> None:
        with _lock:
            if self._wrapped is empty:
                super()._setup()

    def forget(self) -> Any:
        """Let the next use make a new one; return what there is, None if it was not used yet."""
        made, self._wrapped = self._wrapped, empty
        return None if made is empty else made


def _open() -> Client:
    source = getattr(settings, "POLYSMS", None)
    if source is None:
        raise _fault(f"is missing; set it to {KINDS}", "POLYSMS")
    if not isinstance(source, (Mapping, str, Path)):
        raise _fault(f"write {KINDS}", "POLYSMS")
    try:
        return Client.from_config(source)
    except ConfigError as error:
        raise _fault(str(error), error.key) from error


def _fault(sentence: str, key: str | None) -> ConfigError:
    return ConfigError(f"settings.POLYSMS: {sentence}", key=key)


def _listen() -> Receiver:
    return signals(Receiver(sms))


_client, _receiver = Lazy(_open), Lazy(_listen)
#: The client of ``settings.POLYSMS``: one for each process, made when it is first used.
sms = cast("Client", _client)
#: A receiver of its accounts, which sends the signals; made as the client is.
receiver = cast("Receiver", _receiver)


def enqueue(
    message: Message,
    *,
    using: str = "default",
    at: datetime | None = None,
    via: str | None = None,
) -> Delivery:
    """Put a message into the outbox, in the transaction of a database of Django's.

    The ledger is in that database (``using``). Inside ``transaction.atomic()`` the message is sent
    if the block commits, and never was if it rolls back. Else as :meth:`polysms.Client.enqueue`.
    """
    return sms.enqueue(message, at=at, via=via, connection=connections[using])


@atexit.register
def close() -> None:
    """Close the client, if there is one; the next use makes a new one."""
    with _lock:
        _receiver.forget()
        made = _client.forget()
    if made is not None:
        made.close()


def setting_changed(*, setting: str, **_: Any) -> None:
    """Go by other settings from here on: a test has changed them."""
    if setting == "POLYSMS":
        close()
