"""The answer to a good send, field by field: ``api.v2010.account.message`` (OpenAPI).

``subresource_uris`` has more entries than are documented; ``feedback`` stands in one example.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ANSWER: Final[Mapping[str, str]] = {
    "sid": "text",
    "account_sid": "text",
    "messaging_service_sid": "text or null",
    "api_version": "text",
    "from": "text or null",
    "to": "text",
    "body": "text or null",
    "status": "text",
    "direction": "text",
    "num_segments": "text",
    "num_media": "text",
    "price": "text or null",
    "price_unit": "text or null",
    "error_code": "whole or null",
    "error_message": "text or null",
    "date_created": "text",
    "date_sent": "text or null",
    "date_updated": "text",
    "subresource_uris": "object",
    "uri": "text",
}
