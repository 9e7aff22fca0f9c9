"""The answer to a good send, field by field: ``POST /v3/messages`` (seeds 000 and 001, OpenAPI).

``carrier_fees`` is missing on older APIs; ``direction`` is in the schema and in no example.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ANSWER: Final[Mapping[str, str]] = {
    "message_id": "text",
    "message_type": "text",
    "from": "text",
    "to": "text",
    "mcc": "text or null",
    "mnc": "text or null",
    "message_body": "object",
    "message_body.text": "text",
    "message_body.media": "list or null",
    "tag": "text or null",
    "status": "text",
    "segments": "whole",
    "charge": "text",
    "carrier_fees": "text or null or absent",
    "submitted_at": "text",
    "sent_at": "text or null",
    "delivered_at": "text or null",
    "error_message": "text or null",
    "direction": "text or absent",
}
