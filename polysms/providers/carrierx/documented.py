"""The answer to a good send, field by field: the SMS object (seed 003)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ANSWER: Final[Mapping[str, str]] = {
    "message_sid": "text",
    "partner_sid": "text",
    "status": "text",
    "direction": "text",
    "type": "text",
    "from": "text",
    "to": "text",
    "group_recipients": "list",
    "message": "text or null",
    "message_segments": "whole",
    "media_urls": "list",
    "mcc": "whole or null",
    "mnc": "whole or null",
    "price": "text or null",
    "user_data": "text or null",
    "date_created": "text",
    "date_changed": "text",
    "date_status_changed": "text or null",
}
