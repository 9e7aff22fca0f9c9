"""polysms: one Message and one send() over many SMS and MMS providers.

The public names are loaded when they are first used, so that ``import polysms`` costs little.

PYTEST_DONT_REWRITE: else pytest, whose plugin is in here, warns of whoever imports us before it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from polysms.client import AsyncClient, Client
    from polysms.client.front import send
    from polysms.client.many import Result
    from polysms.config import Config
    from polysms.delivery import (
        Attempt,
        Delivery,
        DeliveryReport,
        Event,
        InboundMessage,
        Outcome,
        Price,
        Status,
    )
    from polysms.errors import (
        AllFailed,
        BadPayload,
        BadSignature,
        ConfigError,
        Fault,
        InvalidMessage,
        KeyConflict,
        LedgerError,
        LookupFailed,
        MaybeSent,
        NotFound,
        NotSent,
        PolysmsError,
        RateLimited,
        Reason,
        Refused,
        Unreachable,
        Unreadable,
        Unsupported,
        WebhookError,
    )
    from polysms.message import Message
    from polysms.numbers import e164

_HOMES = {
    "polysms.client": ("AsyncClient", "Client"),
    "polysms.client.front": ("send",),
    "polysms.client.many": ("Result",),
    "polysms.config": ("Config",),
    "polysms.delivery": (
        "Attempt",
        "Delivery",
        "DeliveryReport",
        "Event",
        "InboundMessage",
        "Outcome",
        "Price",
        "Status",
    ),
    "polysms.errors": (
        "AllFailed",
        "BadPayload",
        "BadSignature",
        "ConfigError",
        "Fault",
        "InvalidMessage",
        "KeyConflict",
        "LedgerError",
        "LookupFailed",
        "MaybeSent",
        "NotFound",
        "NotSent",
        "PolysmsError",
        "RateLimited",
        "Reason",
        "Refused",
        "Unreachable",
        "Unreadable",
        "Unsupported",
        "WebhookError",
    ),
    "polysms.message": ("Message",),
    "polysms.numbers": ("e164",),
}
_WHERE = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AllFailed",
    "AsyncClient",
    "Attempt",
    "BadPayload",
    "BadSignature",
    "Client",
    "Config",
    "ConfigError",
    "Delivery",
    "DeliveryReport",
    "Event",
    "Fault",
    "InboundMessage",
    "InvalidMessage",
    "KeyConflict",
    "LedgerError",
    "LookupFailed",
    "MaybeSent",
    "Message",
    "NotFound",
    "NotSent",
    "Outcome",
    "PolysmsError",
    "Price",
    "RateLimited",
    "Reason",
    "Refused",
    "Result",
    "Status",
    "Unreachable",
    "Unreadable",
    "Unsupported",
    "WebhookError",
    "e164",
    "send",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - wanted rarely

        return version("polysms")
    if name not in _WHERE:
        raise AttributeError(f"module 'polysms' has no attribute {name!r}")
    found = getattr(import_module(_WHERE[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
