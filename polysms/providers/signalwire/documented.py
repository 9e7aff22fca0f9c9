"""The answers to a good send, field by field, of both of SignalWire's APIs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: ``Message.Message`` of the OpenAPI document (seed 004): every field is required.
ANSWER: Final[Mapping[str, str]] = {
    "id": "text",
    "from": "text",
    "to": "text",
    "body": "text",
    "status": "text",
    "direction": "text",
    "kind": "text",
    "media": "list",
    "number_of_segments": "whole",
    "error_code": "text or null",
    "error_message": "text or null",
    "created_at": "text",
    "project_id": "text",
    "status_callback_url": "text or null",
    "message_uri": "text",
}
#: ``Message`` of the compatibility API (TypeSpec of 2026-08-21).
COMPAT_ANSWER: Final[Mapping[str, str]] = {
    "account_sid": "text",
    "api_version": "text",
    "body": "text",
    "num_segments": "whole",
    "num_media": "whole or text",  # a text in its example
    "date_created": "text",
    "date_sent": "text or null",
    "date_updated": "text",
    "direction": "text",
    "error_code": "text or null",
    "error_message": "text or null",
    "from": "text",
    "price": "number or null",
    "price_unit": "text",
    "sid": "text",
    "status": "text",
    "to": "text",
    "messaging_service_sid": "text or null",
    "uri": "text",
    "subresource_uris": "object or null",
}
