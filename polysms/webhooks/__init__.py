"""Webhooks: what providers post to us, believed or not, becomes events.

Pure: no socket and no clock. A door hands in a :class:`WebhookRequest`; :func:`read` says whether
it can be believed, what it tells, and what to answer. :func:`verify` and :func:`parse` are its two
halves.
"""

from __future__ import annotations

from polysms.providers.hearing import WebhookRequest, WebhookResponse
from polysms.webhooks.events import Hearing, hear, parse, read
from polysms.webhooks.explaining import explain
from polysms.webhooks.keywords import USUAL, Keywords
from polysms.webhooks.paths import address, message_token
from polysms.webhooks.verifying import Belief, Verdict, verify

__all__ = [
    "USUAL",
    "Belief",
    "Hearing",
    "Keywords",
    "Verdict",
    "WebhookRequest",
    "WebhookResponse",
    "address",
    "explain",
    "hear",
    "message_token",
    "parse",
    "read",
    "verify",
]
