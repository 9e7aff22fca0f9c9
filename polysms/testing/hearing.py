"""The program's own receiver: which it is, and what it does with what is posted."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from polysms import AsyncClient
from polysms.client import standin
from polysms.client.log import log
from polysms.config import Account
from polysms.providers.base import JSON
from polysms.providers.hearing import WebhookRequest, WebhookResponse
from polysms.testing.problems import NoAnswer
from polysms.webhooks import address

if TYPE_CHECKING:
    from polysms.sandbox.callbacks import Callback
    from polysms.server import Receiver

_NOBODY = (
    "nobody hears {}: no polysms.server.Receiver of this process has an account {} of this name. "
    "Make the program's receiver first (import its module), or say receiver=. Where the program "
    "only asks its provider (fetch, a worker), use outbox.settle(delivery, status)"
)


def receiver_of(name: str, client: Any, given: Receiver | None) -> Receiver:
    """Return who hears an account: the one that is given, that of the client, the newest.

    Where another process hears for the client's ledger (``polysms serve``), that is played here.
    """
    if given is not None:
        return given
    known = [one for one in _receivers() if name in one.client.config.accounts]
    own = [one for one in known if client is not None and _is_of(one, client)]
    heard = client is not None and client.config.ledger and client.config.public_url
    if own or (known and not heard):
        return [*own, *known][0]
    if not heard:
        raise NoAnswer(_NOBODY.format("the report", repr(name)))
    from polysms.server import Receiver  # noqa: PLC0415 - an extra

    return Receiver(client)


def _is_of(receiver: Receiver, client: Any) -> bool:
    """Whether a receiver hears for a client, or for another that shares its ledger."""
    one, other = receiver.client.config, client.config
    return one is other or (one.ledger is not None and one.ledger == other.ledger)


def any_receiver(given: Receiver | None) -> Receiver:
    """Return the program's receiver: the one that is given, else the newest."""
    if given is not None:
        return given
    if not (known := _receivers()):
        raise NoAnswer(_NOBODY.format("an inbound message", "at all, or one"))
    return known[0]


def _receivers() -> list[Receiver]:
    # Django's own is made when it is first needed, and nobody has needed it yet.
    if django := sys.modules.get("polysms.contrib.django.shared"):
        try:
            _ = django.receiver.client
        except Exception as error:  # noqa: BLE001 - or Django has no settings here
            log.debug("there is no receiver of settings.POLYSMS: %s", error)
    return standin.receivers()


def address_of(receiver: Receiver, account: Account) -> str:
    """Return the address of an account's webhooks."""
    return address(account, receiver.client.config.public_url or "")


def as_posted(callback: Callback) -> WebhookRequest:
    """Return the request in which the sandbox posts something."""
    said = {name.lower(): value for name, value in callback.headers.items()}
    headers = {"content-type": JSON, **said}
    return WebhookRequest("POST", callback.url, headers, callback.body)


def post(receiver: Receiver, account: Account, request: WebhookRequest) -> None:
    """Post a request to a receiver; raise what a function of the program raises."""
    if isinstance(receiver.client, AsyncClient):
        _require_no_loop()
        asyncio.run(apost(receiver, account, request, alone=True))
        return
    with _listening() as errors:
        answer = receiver.handle(request, _source(account))
        if receiver.client.config.ledger is not None:
            receiver.catch_up()
    _judge(answer, errors)


async def apost(
    receiver: Receiver, account: Account, request: WebhookRequest, *, alone: bool = False
) -> None:
    """As :func:`post`, in an event loop; ``alone`` says that it is there for this only."""
    if alone:
        receiver.client._loop = None  # type: ignore[union-attr]  # noqa: SLF001 - nothing is open
    with _listening() as errors:
        answer = await receiver.ahandle(request, _source(account))
        if receiver.client.config.ledger is not None:
            await receiver.acatch_up()
    if alone:
        receiver.client._loop = None  # type: ignore[union-attr]  # noqa: SLF001 - as above
    _judge(answer, errors)


def _require_no_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise NoAnswer("in an event loop write `await outbox.areport(...)` or `await ...ainbound(...)`")


def _source(account: Account) -> str:
    return str(account.sources[0].network_address) if account.sources else "127.0.0.1"


def _judge(answer: WebhookResponse, said: list[logging.LogRecord]) -> None:
    raised = [record.exc_info[1] for record in said if record.exc_info and record.exc_info[1]]
    if raised:
        raise raised[0]
    if not 200 <= answer.status < 300:
        words = "; ".join(record.getMessage() for record in said) or "no word of why"
        raise NoAnswer(f"the program's receiver answered {answer.status}: {words}")


class _Ear(logging.Handler):
    """Keeps what is said in the log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record)


@contextmanager
def _listening() -> Iterator[list[logging.LogRecord]]:
    """Yield what the receiver says meanwhile: a function's exception is only ever said there."""
    ear = _Ear()
    log.addHandler(ear)
    try:
        yield ear.said
    finally:
        log.removeHandler(ear)
