"""Accounts of every provider, for the tests of the outbox; all of it is invented."""

from __future__ import annotations

from typing import Any

from polysms import Message

NUMBER = "+13135550123"
PUBLIC = "https://sms.example.com/hooks"
TOKEN = "canary-0123456789abcdef"
KEY = "PSK-canary-0123456789"
SPACE = {"space": "example", "project_id": "project-1", "api_token": "signalwire-key"}
#: One account of each provider of the registry, by its name; CarrierX' asks for tokens.
ACCOUNTS: dict[str, dict[str, Any]] = {
    # In the sandbox itself such a sender is none of the account's.
    "wavix": {"api_key": "wavix-key", "sender": "+13135550198", "webhook_token": TOKEN},
    "carrierx": {
        "username": "carrierx-user",
        "password": "carrierx-password",
        "client_id": "carrierx-client",
        "client_secret": "carrierx-secret",
        "sender": "+13135550100",
        "webhook_token": TOKEN,
    },
    "signalwire": {**SPACE, "sender": "+13135550199", "signing_key": KEY},
    "signalwire-compat": {**SPACE, "sender": "+13135550199", "signing_key": KEY},
    "twilio": {
        "account_sid": f"AC{'0' * 32}",
        "auth_token": "twilio-token",
        "sender": "+13135550199",
    },
}
LOCAL = {name: {"sender": "Acme"} for name in ("console", "memory", "null")}
READY = Message(NUMBER, "Your table is ready")


def tables(*names: str, **more: Any) -> dict[str, Any]:
    """Return a configuration of some accounts, or of all, in that order of a route ``main``."""
    every = {**ACCOUNTS, **LOCAL}
    accounts = {name: every[name] for name in names or every}
    routes = {"main": {"accounts": list(accounts)}}
    return {"accounts": accounts, "routes": routes, "default": "main", **more}
