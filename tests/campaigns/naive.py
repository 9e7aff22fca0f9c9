"""A failover of thirty lines, as it is often written: catch everything, try the next provider.

Symfony Notifier's failover decides so, and so do most others. It reads the id out of the answer, as
Symfony's bridges do, and never follows a redirect; it lacks only Symfony's habit of leaving a
provider alone for a minute after any error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx

SENDER = "+13135550100"


def _wavix(base: str, to: str, text: str) -> tuple[str, dict[str, Any], str]:
    body = {"from": SENDER, "to": to, "message_body": {"text": text}}
    return f"{base}/v3/messages", body, "message_id"


def _carrierx(base: str, to: str, text: str) -> tuple[str, dict[str, Any], str]:
    body = {"from": SENDER[1:], "to": to[1:], "message": text}
    return f"{base}/sms/messages", body, "message_sid"


def _signalwire(base: str, to: str, text: str) -> tuple[str, dict[str, Any], str]:
    return f"{base}/api/messaging/messages", {"from": SENDER, "to": to, "body": text}, "id"


#: How each provider is told: the address, the body, and where the id stands in its answer.
WORDS: Mapping[str, Callable[[str, str, str], tuple[str, dict[str, Any], str]]] = {
    "wavix": _wavix,
    "carrierx": _carrierx,
    "signalwire": _signalwire,
}
AUTHORIZATION = {
    "wavix": "Bearer any",
    "carrierx": "Bearer any",
    "signalwire": "Basic YW55OmFueQ==",
}


def send(http: httpx.Client, urls: Mapping[str, str], to: str, text: str) -> str | None:
    """Send by the first provider that says yes; return its id, or None if none did."""
    for provider, base in urls.items():
        url, body, field = WORDS[provider](base, to, text)
        try:
            answer = http.post(
                url, json=body, headers={"Authorization": AUTHORIZATION[provider]}
            ).raise_for_status()
            return str(answer.json()[field])
        except Exception:  # noqa: BLE001, S112 - this is the habit that is measured
            continue
    return None
