"""What a provider offers beside messages, as generators of steps. Nothing here sends a message.

An adapter offers a service by two methods: ``number_request(number)`` makes the request, and
``read_number(response, number)`` reads its answer: a value, or what it means that there is none.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from polysms.config import Account
from polysms.providers.base import Busy, Refused, Unclear
from polysms.routing.lookup import able, answered, failed
from polysms.routing.steps import Answer, Call, Step

#: What each service is called in an error: "Wavix cannot ...".
SERVICES = {
    "balance": "tell a balance",
    "identity": "say who the credentials are",
    "number": "look a number up",
    "redact": "forget the text of a message",
    "senders": "list its senders",
    "sender": "show a sender",
    "new_sender": "register a sender",
    "drop_sender": "drop a sender",
    "restrictions": "tell what countries ask of senders",
    "optouts": "list its opt-outs",
    "details": "list its detail records",
}


def offered(adapter: object, service: str) -> bool:
    """Whether an adapter, or its class, can be asked for a service."""
    return hasattr(adapter, f"{service}_request")


def ask(
    account: Account, service: str, *wanted: Any, seconds: float
) -> Generator[Step, Answer, Any]:
    """Yield the step that asks for a service; return what the adapter reads of the answer.

    Raises :class:`~polysms.errors.Unsupported` where the provider does not offer it, and
    :class:`~polysms.errors.LookupFailed` for an answer that is none.
    """
    build = able(account, f"{service}_request", SERVICES[service])
    answer = yield Call(account, build(*wanted), seconds)
    response = answered(account, answer)
    found = getattr(account.adapter, f"read_{service}")(response, *wanted)
    if isinstance(found, (Refused, Busy, Unclear)):
        raise failed(account, response, found)
    return found
