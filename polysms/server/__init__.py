"""The doors for what providers post: reports, inbound messages, opt-outs."""

from __future__ import annotations

from polysms.server.listeners import OptOut
from polysms.server.receiver import Receiver
from polysms.webhooks import Keywords, WebhookRequest, WebhookResponse

__all__ = ["Keywords", "OptOut", "Receiver", "WebhookRequest", "WebhookResponse"]
