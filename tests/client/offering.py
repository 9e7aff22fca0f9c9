"""A provider that offers everything there is beside messages, and one that offers nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, ClassVar

import attrs
import httpx

from polysms.delivery import Status
from polysms.errors import Reason
from polysms.message import Message
from polysms.providers.base import (
    Accepted,
    Answer,
    Capabilities,
    Record,
    Refused,
    Request,
    Response,
)
from polysms.services import (
    Balance,
    Identity,
    Listed,
    NewSender,
    NumberFacts,
    RemoteOptOut,
    Restriction,
    Sender,
)

HOME = "https://parrot.example"


@attrs.frozen(kw_only=True)
class Settings:
    """What an account of it needs."""

    home: ClassVar[str] = HOME


@attrs.frozen(kw_only=True)
class Options:
    """It has none."""


class Mute:
    """It sends, and offers nothing else."""

    name: ClassVar[str] = "mute"
    Settings: ClassVar[type] = Settings
    Options: ClassVar[type] = Options
    capabilities = Capabilities(
        title="Mute",
        lookup="none",
        reports=frozenset(),
        most_media=0,
        validity=False,
        tag=False,
        status_callback=False,
        short_numbers=False,
        short_code_senders=False,
        alphanumeric_senders=True,
        mms_to="any",
        checked="2026-11-21",
        verified="no",
    )

    def __init__(self, settings: Any, base_url: str) -> None:
        """Take the account's settings."""
        self.settings = settings
        self.url = base_url

    def request(self, message: Message, reference: str) -> Request:
        """Return a request that sends a message."""
        return Request("POST", f"{self.url}/send", {}, f"{message.to} {reference}".encode())

    def read(self, response: Response) -> Answer:
        """Return what an answer means."""
        if not response.ok:
            return Refused(reason=Reason.OTHER, text="no")
        return Accepted(Record(provider_id="p-1", raw_status="queued", status=Status.QUEUED))


class Parrot(Mute):
    """It offers everything, and repeats what it is asked."""

    name: ClassVar[str] = "parrot"

    def __getattr__(self, name: str) -> Any:
        """Make every request from the name of its service and what is wanted."""
        service = name.removesuffix("_request")
        if service == name or service not in READERS:
            raise AttributeError(name)
        return lambda *wanted: self._asks(service, *wanted)

    def _asks(self, service: str, *wanted: Any) -> Request:
        said = [attrs.asdict(one) if isinstance(one, NewSender) else one for one in wanted]
        return Request("POST", f"{self.url}/{service}", {}, json.dumps(said, default=list).encode())


def _reader(read: Callable[[Any], Any]) -> Callable[[Any, Response], Any]:
    def reading(_: Any, response: Response, *__: Any) -> Any:
        if not response.ok:
            return Refused(reason=Reason.OTHER, text="polly says no")
        return read(json.loads(response.body))

    return reading


def _page(said: Any) -> Listed:
    first = said == [None]
    one = Sender(id="1" if first else "2", sender="Acme" if first else "+13135550100")
    return Listed((one,), "next" if first else None)


READERS: dict[str, Callable[[Any], Any]] = {
    "balance": lambda _: Balance(amount=Decimal("12.50"), currency="USD"),
    "identity": lambda _: Identity(id="acme", name="Acme Inc"),
    "number": lambda said: NumberFacts(number=said[0], kind="mobile", valid=True, carrier="Zap"),
    "redact": lambda _: None,
    "senders": _page,
    "sender": lambda said: Sender(
        id=said[0], sender="Acme", kind="name", can_send=False, why="new"
    ),
    "new_sender": lambda said: Sender(id="3", sender=said[0]["sender"], usecase=said[0]["usecase"]),
    "drop_sender": lambda _: None,
    "restrictions": lambda said: Restriction(country=said[0], kind=said[1], registration=True),
    "optouts": lambda said: Listed(
        (RemoteOptOut(number="+13135550123", sender=(said[0] or {}).get("sender_id")),)
    ),
}
for _service, _read in READERS.items():
    setattr(Parrot, f"read_{_service}", _reader(_read))


def repeating(asked: list[tuple[str, Any]], status: int = 200) -> httpx.MockTransport:
    """Return a transport whose server repeats what it is asked, and notes it."""

    def answer(request: httpx.Request) -> httpx.Response:
        said = request.content.decode()
        asked.append((request.url.path[1:], said if not said.startswith("[") else json.loads(said)))
        return httpx.Response(status, content=request.content)

    return httpx.MockTransport(answer)
