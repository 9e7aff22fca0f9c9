"""Every form of webhook that the providers document: what is posted, and what it must become.

Bodies are the documents' own shapes with invented values; where a document shows no example, the
smallest body that its schema allows, and ``source`` says so.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import attrs

from polysms import Config, Reason, Status
from polysms.config import Account
from polysms.webhooks import WebhookRequest, address

PUBLIC = "https://sms.example.com/hooks"
TOKEN = "canary-0123456789abcdef"
KEY = "PSK-canary-0123456789"
OLD_KEY = "PSK-older-9876543210"
REFERENCE = "0192f1a0-0000-7000-8000-000000000001"
JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}

TABLES: dict[str, dict[str, Any]] = {
    "wavix": {"api_key": "wavix-key", "webhook_token": TOKEN},
    "carrierx": {"token": "carrierx-key", "webhook_token": TOKEN},
    "signalwire": {
        "space": "example",
        "project_id": "p-1",
        "api_token": "signalwire-key",
        "signing_key": KEY,
    },
}


def account(provider: str, name: str | None = None, **table: Any) -> Account:
    """Return an account of a provider that can hear, with some keys changed (None: left out)."""
    said = {**TABLES[provider], "provider": provider, **table}
    given = {key: value for key, value in said.items() if value is not None}
    return Config.from_mapping({"accounts": {name or provider: given}}).account(name or provider)


def at(*moment: int) -> datetime:
    """Return a moment in UTC."""
    year, month, day, hour, minute, second = moment
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


@attrs.frozen(kw_only=True)
class Form:
    """One documented form: ``body`` as JSON or form fields, ``told`` the facts of its one event.

    ``answer`` is status, content type and body.
    """

    provider: str
    source: str
    body: Mapping[str, Any]
    told: Mapping[str, Any]
    answer: tuple[int, str | None, bytes] = (200, None, b"")
    is_form: bool = False
    method: str = "POST"

    @property
    def inbound(self) -> bool:
        """Whether it is a message to us."""
        return "status" not in self.told

    def encoded(self, body: Mapping[str, Any] | None = None) -> bytes:
        """Return a body as it is posted."""
        said = self.body if body is None else body
        return urlencode(said).encode() if self.is_form else json.dumps(said).encode()

    def request(
        self, of: Account, reference: str | None = None, body: bytes | None = None, **more: Any
    ) -> WebhookRequest:
        """Return the request that posts it to an account's address, signed where it signs."""
        url = address(of, PUBLIC, reference)
        content = self.encoded() if body is None else body
        if self.method == "GET":
            url, content = f"{url}?{content.decode()}", b""
        headers = dict(FORM if self.is_form and self.method == "POST" else JSON)
        if self.provider == "signalwire":
            headers["X-SignalWire-Signature"] = self.signature(url, content)
        return WebhookRequest(self.method, url, headers, content, **more)

    def signature(self, url: str, body: bytes, key: str = KEY) -> str:
        """Return SignalWire's signature, written from its guide and not from our code."""
        if not self.is_form:
            return hmac.new(key.encode(), url.encode() + body, hashlib.sha1).hexdigest()
        pairs = sorted(self.body.items()) if self.method == "POST" else ()
        text = url + "".join(name + value for name, value in pairs)
        return base64.b64encode(
            hmac.new(key.encode(), text.encode(), hashlib.sha1).digest()
        ).decode()


SWML = (
    200,
    "application/json",
    b'{"version":"1.0.0","sections":{"main":[{"receive":{}}]}}',
)
CXML = (200, "text/xml", b'<?xml version="1.0" encoding="UTF-8"?><Response/>')
PICTURE = "https://example.com/menu.png"

_WAVIX_REPORT = {
    "message_id": "6284a2b0-0000-4000-8000-000000000001",
    "message_type": "sms",
    "from": "SenderID",
    "to": "+13135550123",
    "status": "delivered",
    "segments_count": 1,
    "sent": "2024-05-28T12:34:54Z",
    "delivered": "2024-05-28T12:34:56Z",
    "charge": "0.01",
    "carrier_fees": "0.0",
    "tag": REFERENCE,
    "error": None,
}
_CARRIERX = {
    "date_changed": "2024-01-18T21:01:14Z",
    "date_created": "2024-01-18T21:01:13Z",
    "date_status_changed": "2024-01-18T21:01:14Z",
    "direction": "outbound",
    "from": "13135550199",
    "group_recipients": [],
    "mcc": 310,
    "media_urls": [],
    "message": "Your table is ready",
    "message_segments": 1,
    "message_sid": "097b49df-c54e-4eaf-97d0-89cf7d5a655b",
    "mnc": 410,
    "partner_sid": "e00430c3-a7d0-4666-ab5c-f7202448382f",
    "price": None,
    "status": "delivered",
    "to": "13135550123",
    "type": "sms",
    "user_data": REFERENCE,
}
_SIGNALWIRE_REPORT = {
    "id": "s-1",
    "project_id": "p-1",
    "status": "delivered",
    "to": "+13135550123",
    "from": "+13135550199",
    "body": "Your table is ready",
    "number_of_segments": 1,
    "timestamp": "2026-03-17T22:26:57Z",
    "error_code": None,
    "error_message": None,
}
_SWML = {
    "message_id": "s-2",
    "project_id": "p-1",
    "space_id": "x-1",
    "direction": "inbound",
    "type": "sms",
    "from": "+13135550123",
    "to": "+13135550199",
    "body": "STOP",
    "media": [],
    "segments": 1,
    "timestamp": "2024-01-15T10:30:00Z",
}
_CXML = {
    "MessageSid": "s-3",
    "AccountSid": "p-1",
    "From": "+13135550123",
    "To": "+13135550199",
    "Body": "see you at 8, thank you & bye",
    "NumMedia": "0",
}
_LAML = {
    "MessageSid": "s-4",
    "AccountSid": "p-1",
    "MessageStatus": "sent",
    "From": "+13135550199",
    "To": "+13135550123",
    "Body": "Your table is ready",
    "NumMedia": "0",
    "NumSegments": "1",
}

FORMS: dict[str, Form] = {
    "wavix report": Form(
        provider="wavix",
        source="OpenAPI 2026-06-30, smsDlr",
        body=_WAVIX_REPORT,
        told={
            "provider_id": "6284a2b0-0000-4000-8000-000000000001",
            "status": Status.DELIVERED,
            "raw_status": "delivered",
            "reference": REFERENCE,
            "reason": None,
            "at": at(2024, 5, 28, 12, 34, 56),
        },
    ),
    "wavix first report, of the guide": Form(
        provider="wavix",
        source="webhooks guide 2025-12: no charge, no zone; segments before 2026-02",
        body={
            "message_id": "w-2",
            "message_type": "sms",
            "from": "SenderID",
            "to": "+13135550123",
            "status": "sent",
            "segments": 1,
            "sent": "2025-03-21T08:09:02",
        },
        told={
            "provider_id": "w-2",
            "status": Status.SENT,
            "raw_status": "sent",
            "reference": None,
            "at": at(2025, 3, 21, 8, 9, 2),
        },
    ),
    "wavix refusal": Form(
        provider="wavix",
        source="OpenAPI 2026-06-30, smsDlr with an error (its text as in the error pages)",
        body={
            **_WAVIX_REPORT,
            "status": "undelivered",
            "delivered": None,
            "error": "Recipient has unsubscribed",
        },
        told={
            "status": Status.UNDELIVERED,
            "reason": Reason.OPTED_OUT,
            "at": at(2024, 5, 28, 12, 34, 54),
        },
    ),
    "wavix inbound": Form(
        provider="wavix",
        source="OpenAPI 2026-06-30, smsInbound: no type, no plus",
        body={
            "message_id": "w-3",
            "from": "13135550123",
            "to": "13135550199",
            "message_body": {"text": "Unsubscribe!", "media": None},
            "received_at": "2022-04-14T13:51:16.096Z",
        },
        told={
            "provider_id": "w-3",
            "from_": "+13135550123",
            "to": "+13135550199",
            "text": "Unsubscribe!",
            "media": (),
            "keyword": "stop",
            "at": datetime(2022, 4, 14, 13, 51, 16, 96000, tzinfo=UTC),
        },
    ),
    "wavix inbound mms, of older pages": Form(
        provider="wavix",
        source="older reference pages: with message_type",
        body={
            "message_id": "w-4",
            "message_type": "mms",
            "from": "13135550123",
            "to": "13135550199",
            "message_body": {"text": None, "media": [PICTURE]},
            "received_at": "2022-04-14T13:51:16.096Z",
        },
        told={"text": "", "media": (PICTURE,), "keyword": None},
    ),
    "carrierx report": Form(
        provider="carrierx",
        source="wrap-up page: the SMS object on sent and on delivered",
        body=_CARRIERX,
        told={
            "provider_id": "097b49df-c54e-4eaf-97d0-89cf7d5a655b",
            "status": Status.DELIVERED,
            "raw_status": "delivered",
            "reference": REFERENCE,
            "at": at(2024, 1, 18, 21, 1, 14),
        },
    ),
    "carrierx report of 2021": Form(
        provider="carrierx",
        source="receive page, 2021: from_did and to_did, fewer keys",
        body={
            "date_created": "2021-02-03T04:05:06.789Z",
            "date_status_changed": "2021-02-03T04:05:08.123Z",
            "direction": "outbound",
            "from_did": "13135550199",
            "mcc": 310,
            "message": "Your table is ready",
            "message_segments": 1,
            "message_sid": "c-2",
            "mnc": 410,
            "partner_sid": "p-1",
            "price": None,
            "status": "sent",
            "to_did": "13135550123",
        },
        told={
            "provider_id": "c-2",
            "status": Status.SENT,
            "at": datetime(2021, 2, 3, 4, 5, 8, 123000, tzinfo=UTC),
        },
    ),
    "carrierx inbound": Form(
        provider="carrierx",
        source="receive page: the SMS object with direction inbound",
        body={
            **_CARRIERX,
            "direction": "inbound",
            "status": "received",
            "message": "HELP",
            "user_data": None,
        },
        told={
            "provider_id": "097b49df-c54e-4eaf-97d0-89cf7d5a655b",
            "from_": "+13135550199",
            "to": "+13135550123",
            "text": "HELP",
            "keyword": "help",
            "at": at(2024, 1, 18, 21, 1, 13),
        },
    ),
    "carrierx inbound of 2021": Form(
        provider="carrierx",
        source="receive page, 2021: from_did and to_did",
        body={
            "direction": "inbound",
            "from_did": "13135550123",
            "message": "start",
            "message_sid": "c-4",
            "status": "received",
            "to_did": "13135550199",
        },
        told={"from_": "+13135550123", "to": "+13135550199", "keyword": "start", "at": None},
    ),
    "carrierx inbound mms": Form(
        provider="carrierx",
        source="receive page: an inbound group MMS",
        body={
            **_CARRIERX,
            "direction": "inbound",
            "message": None,
            "type": "mms",
            "media_urls": [PICTURE],
            "group_recipients": ["13135550123", "13135550124"],
        },
        told={"text": "", "media": (PICTURE,), "keyword": None},
    ),
    "signalwire report": Form(
        provider="signalwire",
        source="TypeSpec 2026-08-21, messaging status callback",
        body={
            **_SIGNALWIRE_REPORT,
            "custom_variables": {"id": "12345", "polysms_reference": REFERENCE},
        },
        told={
            "provider_id": "s-1",
            "status": Status.DELIVERED,
            "raw_status": "delivered",
            "reference": REFERENCE,
            "reason": None,
            "code": None,
            "at": at(2026, 3, 17, 22, 26, 57),
        },
    ),
    "signalwire failure": Form(
        provider="signalwire",
        source="TypeSpec 2026-08-21, with an error of the error-code page",
        body={
            **_SIGNALWIRE_REPORT,
            "status": "undelivered",
            "error_code": "message_blocked_by_number",
            "error_message": "opted out",
        },
        told={
            "status": Status.UNDELIVERED,
            "reason": Reason.OPTED_OUT,
            "code": "message_blocked_by_number",
        },
    ),
    "signalwire swml": Form(
        provider="signalwire",
        source="TypeSpec 2026-08-21, SWML webhook of a message",
        body={"message": _SWML, "params": {}},
        told={
            "provider_id": "s-2",
            "from_": "+13135550123",
            "to": "+13135550199",
            "text": "STOP",
            "media": (),
            "keyword": "stop",
            "at": at(2024, 1, 15, 10, 30, 0),
        },
        answer=SWML,
    ),
    "signalwire swml mms": Form(
        provider="signalwire",
        source="TypeSpec 2026-08-21, SWML webhook of an MMS without a text",
        body={
            "message": {
                **_SWML,
                "type": "mms",
                "body": None,
                "media": [{"url": PICTURE, "content_type": "image/png", "size": 48213}],
            },
            "vars": {},
            "params": {},
        },
        told={"text": "", "media": (PICTURE,), "keyword": None},
        answer=SWML,
    ),
    "signalwire cxml": Form(
        provider="signalwire",
        source="cXML page of inbound messages",
        body=_CXML,
        told={
            "provider_id": "s-3",
            "from_": "+13135550123",
            "to": "+13135550199",
            "text": "see you at 8, thank you & bye",
            "media": (),
            "keyword": None,
            "at": None,
        },
        answer=CXML,
        is_form=True,
    ),
    "signalwire cxml by GET": Form(
        provider="signalwire",
        source="cXML page of inbound messages: POST or GET",
        body={**_CXML, "Body": "Info"},
        told={"provider_id": "s-3", "text": "Info", "keyword": "help"},
        answer=CXML,
        is_form=True,
        method="GET",
    ),
    "signalwire cxml mms": Form(
        provider="signalwire",
        source="cXML page of inbound messages, with media; SmsStatus as older pages have it",
        body={
            **_CXML,
            "SmsStatus": "received",
            "NumMedia": "2",
            "MediaUrl0": PICTURE,
            "MediaContentType0": "image/png",
            "MediaUrl1": "https://example.com/b.png",
            "MediaContentType1": "image/png",
        },
        told={"media": (PICTURE, "https://example.com/b.png")},
        answer=CXML,
        is_form=True,
    ),
    "signalwire compatibility report": Form(
        provider="signalwire",
        source="compatibility API, message status callback",
        body=_LAML,
        told={
            "provider_id": "s-4",
            "status": Status.SENT,
            "raw_status": "sent",
            "reason": None,
            "code": None,
            "at": None,
        },
        answer=(204, None, b""),
        is_form=True,
    ),
    "signalwire compatibility failure": Form(
        provider="signalwire",
        source="compatibility API, message status callback with ErrorCode",
        body={**_LAML, "MessageStatus": "undelivered", "ErrorCode": "21610"},
        told={"status": Status.UNDELIVERED, "reason": Reason.OPTED_OUT, "code": "21610"},
        answer=(204, None, b""),
        is_form=True,
    ),
    "signalwire compatibility sending": Form(
        provider="signalwire",
        source="compatibility API: a word of its own, and SmsSid of older pages",
        body={"SmsSid": "s-5", "SmsStatus": "sending"},
        told={"provider_id": "s-5", "status": Status.QUEUED, "raw_status": "sending"},
        answer=(204, None, b""),
        is_form=True,
    ),
}
