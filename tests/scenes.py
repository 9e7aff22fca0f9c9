"""The scenes of the cassettes: what is asked of each provider, and what must come of it.

A scene is played by both clients against its cassette, and recorded by ``tests/record.py``. Ids
and times come from :func:`world`, so that a request is the same, byte for byte, each time.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import vcr

from polysms import LookupFailed, Message, RateLimited, Refused, Unreadable
from polysms.routing.steps import World

CASSETTES = Path(__file__).resolve().parents[1] / "cassettes"
PICTURE = "https://example.com/menu.png"
#: Numbers that reach nobody; the sandbox reads the last four digits.
TO = {
    "ok": "+13135550101",
    "refused": "+13135550105",
    "limited": "+13135550108",
    "error": "+13135550109",
}

ACCOUNTS: dict[str, dict[str, str]] = {
    "wavix": {"api_key": "wavix-key", "sender": "+13137890021"},
    "carrierx": {"token": "carrierx-token", "sender": "15162065575"},
    "signalwire": {
        "space": "example",
        "project_id": "3a9f2b1c-0000-4000-8000-000000000000",
        "api_token": "signalwire-token",
        "sender": "+15559876543",
    },
    "signalwire-compat": {
        "space": "example",
        "project_id": "3a9f2b1c-0000-4000-8000-000000000000",
        "api_token": "signalwire-token",
        "sender": "+15559876543",
    },
    "twilio": {
        "account_sid": "AC00000000000000000000000000000001",
        "auth_token": "twilio-token",
        "sender": "+13135550106",
    },
}
#: The same with a credential that the sandbox refuses.
STRANGERS: dict[str, dict[str, str]] = {
    "wavix": {"api_key": "invalid-key"},
    "carrierx": {"token": "invalid-token"},
    "signalwire": {"api_token": "invalid-token"},
    "signalwire-compat": {"api_token": "invalid-token"},
    "twilio": {"auth_token": "invalid-token"},
}


@attrs.frozen
class Scene:
    """One request or a few: ``operation`` is send, fetch or list; ``error`` what it must raise."""

    name: str
    operation: str
    recipient: str = "ok"
    mms: bool = False
    stranger: bool = False
    error: type[Exception] | None = None

    def message(self) -> Message:
        """Return what is sent."""
        media = [PICTURE] if self.mms else []
        return Message(TO[self.recipient], "Your table is ready", media=media)


SCENES = (
    Scene("send_sms", "send"),
    Scene("send_mms", "send", mms=True),
    Scene("fetch", "fetch"),
    Scene("list", "list"),
    Scene("refused", "send", recipient="refused", error=Refused),
    Scene("unauthorized", "send", stranger=True, error=Refused),
    Scene("rate_limited", "send", recipient="limited", error=RateLimited),
    Scene("server_error", "send", recipient="error", error=Unreadable),
    Scene("fetch_unauthorized", "fetch", stranger=True, error=LookupFailed),
)


def tables(provider: str, scene: Scene, base_url: str | None = None) -> dict[str, Any]:
    """Return the configuration of a scene."""
    account: dict[str, Any] = dict(ACCOUNTS[provider])
    if scene.stranger:
        account |= STRANGERS[provider]
    if base_url is not None:
        account["base_url"] = base_url
    return {"accounts": {provider: account}}


def world() -> World:
    """Return a world whose ids count and whose clocks stand still."""
    count = itertools.count(1)
    return World(
        now=lambda: datetime(2026, 4, 14, 12, tzinfo=UTC),
        clock=lambda: 0.0,
        new_id=lambda: f"01980000-0000-7000-8000-{next(count):012d}",
    )


def tape(before: Callable[[Any], Any] | None = None) -> vcr.VCR:
    """Return the recorder: matched on method, URL and body, without credentials or dates."""
    return vcr.VCR(
        match_on=["method", "uri", "body"],
        before_record_request=before or _stripped,
        before_record_response=_quiet,
        decode_compressed_response=True,
    )


def _stripped(request: Any) -> Any:
    kept = ("content-type", "accept")
    request.headers = {n: v for n, v in request.headers.items() if n.lower() in kept}
    return request


def _quiet(response: Any) -> Any:
    dropped = ("date", "server", "set-cookie")
    headers = response["headers"]
    response["headers"] = {n: v for n, v in headers.items() if n.lower() not in dropped}
    return response


stripped = _stripped
