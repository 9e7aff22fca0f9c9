"""One row of examples per provider: adding a provider is adding a row."""

from __future__ import annotations

from polysms.delivery import Status
from polysms.errors import Reason
from polysms.providers.hearing import FORM
from polysms.testing.contract import PICTURE, Example
from polysms.testing.contract.bodies import HEADERS, answer, said
from tests import published

__all__ = ["EXAMPLES", "JSON", "PICTURE", "Example", "answer", "said"]

JSON = HEADERS


def _wavix(text: str) -> object:
    return {"success": False, "message": text}


def _carrierx(field: str | None, text: str) -> object:
    error = {"field": field, "message": text, "reference_sid": None}
    return {"message": "Object validation error", "errors": [error]}


def _signalwire(code: str) -> object:
    error = {"type": "validation_error", "code": code, "message": "no", "attribute": None}
    return {"errors": [{**error, "url": "https://signalwire.com/docs/apis/error-codes"}]}


def _compat(code: str) -> object:
    return {"code": code, "message": "no", "more_info": "https://example.com", "status": 400}


WAVIX_TEXTS = {
    55: ("Idempotency violation", Reason.DUPLICATE),
    9: ("Recipient has unsubscribed", Reason.OPTED_OUT),
    31: ("Number inactive", Reason.INVALID_NUMBER),
    0: ("Insufficient balance", Reason.BALANCE),
    5: ("Sender ID is not provisioned for the country", Reason.SENDER),
    22: ("Sender ID not found", Reason.SENDER),
    7: ("Potential SMS flooding attack", Reason.QUOTA),
    47: ("Messaging to destination blocked for 60 minutes", Reason.QUOTA),
    26: ("Only 5 SMS per second allowed", Reason.QUOTA),
    36: ("T-Mobile daily quota exceeded", Reason.QUOTA),
    38: ("AT&T per-minute limit exceeded", Reason.QUOTA),
    34: ("10DLC campaign limit exceeded", Reason.QUOTA),
    33: ("Message is considered spam", Reason.CONTENT),
    12: ("MMS can be sent to the US and Canada only", Reason.CAPABILITY),
    13: ("Media size exceeds 1 MB", Reason.MEDIA),
    14: ("Unsupported media format", Reason.MEDIA),
    15: ("Media is not publicly accessible", Reason.MEDIA),
    21: ("More than 5 attachments", Reason.MEDIA),
    41: ("Message is too long", Reason.TOO_LONG),
    43: ("Verizon content filter", Reason.CONTENT),
    46: ("Non-compliant content", Reason.CONTENT),
    45: ("Unsupported carrier", Reason.CAPABILITY),
    29: ("Messaging not supported by carrier", Reason.CAPABILITY),
    17: ("Destination is forbidden", Reason.BLOCKED),
    19: ("Destination is blocked", Reason.BLOCKED),
    44: ("Number is no longer active", Reason.INVALID_NUMBER),
    18: ("Destination is invalid", Reason.INVALID_NUMBER),
    23: ("Rejected by far-end carrier", Reason.OTHER),
    24: ("Rejected by gateway", Reason.OTHER),
    25: ("Callback URL is invalid", Reason.OTHER),
}
#: Of the error dictionary (2026): what Twilio says of a send, by code, and what that is for us.
TWILIO_CODES = {
    20003: Reason.CREDENTIALS,
    20404: Reason.PERMISSION,
    21211: Reason.INVALID_NUMBER,
    21212: Reason.SENDER,
    21265: Reason.CAPABILITY,
    21408: Reason.CAPABILITY,
    21602: Reason.CONTENT,
    21603: Reason.SENDER,
    21606: Reason.SENDER,
    21608: Reason.CAPABILITY,
    21609: Reason.OTHER,
    21610: Reason.OPTED_OUT,
    21612: Reason.CAPABILITY,
    21614: Reason.INVALID_NUMBER,
    21617: Reason.TOO_LONG,
    21620: Reason.MEDIA,
    21623: Reason.MEDIA,
    21635: Reason.INVALID_NUMBER,
    21659: Reason.SENDER,
    21703: Reason.SENDER,
    21999: Reason.OTHER,
    30001: Reason.QUOTA,
    30002: Reason.PERMISSION,
    30003: Reason.OTHER,
    30004: Reason.BLOCKED,
    30005: Reason.INVALID_NUMBER,
    30006: Reason.CAPABILITY,
    30007: Reason.CONTENT,
    30008: Reason.OTHER,
    30034: Reason.SENDER,
    30410: Reason.OTHER,
    30450: Reason.BLOCKED,
}

EXAMPLES: dict[str, Example] = {
    "wavix": Example(
        settings={"api_key": "wavix-canary"},
        secret="wavix-canary",
        sender="+13137890021",
        path="https://api.wavix.com/v3/messages",
        spelled={
            "from": "+13137890021",
            "to": "+13135550123",
            "message_body": {"text": "hi ☺", "media": [PICTURE]},
            "tag": "reference-1",
        },
        text_at=("message_body", "text"),
        sent=published.WAVIX_SENT_MMS,
        sent_status=201,
        where={
            "id": "message_id",
            "status": "status",
            "from": "from",
            "to": "to",
            "direction": "direction",
        },
        statuses={
            "accepted": Status.QUEUED,
            "pending": Status.QUEUED,
            "sent": Status.SENT,
            "delivered": Status.DELIVERED,
            "undelivered": Status.UNDELIVERED,
            "rejected": Status.REJECTED,
            "expired": Status.EXPIRED,
            "dlr_expired": Status.UNREPORTED,
        },
        codes=tuple((422, _wavix(text), reason) for text, reason in WAVIX_TEXTS.values()),
        listed=published.WAVIX_LISTED,
        items="items",
        heard={"message_id": "w-1", "from": "Acme", "to": "+13135550123", "status": "sent"},
        fetched="https://api.wavix.com/v3/messages/a%2Fb",
    ),
    "carrierx": Example(
        settings={"token": "carrierx-canary"},
        secret="carrierx-canary",
        sender="15162065575",
        path="https://api.carrierx.com/core/v2/sms/messages",
        spelled={
            "from": "15162065575",
            "to": "13135550123",
            "message": "hi ☺",
            "media_urls": [PICTURE],
            "type": "mms",
            "user_data": "reference-1",
        },
        text_at=("message",),
        sent=published.CARRIERX_SMS,
        sent_status=200,
        where={
            "id": "message_sid",
            "status": "status",
            "from": "from",
            "to": "to",
            "direction": "direction",
        },
        statuses={
            "queued": Status.QUEUED,
            "sent": Status.SENT,
            "delivered": Status.DELIVERED,
            "received": Status.RECEIVED,
            "undelivered": Status.UNDELIVERED,
            "rejected": Status.REJECTED,
            "expired": Status.EXPIRED,
            "failed": Status.FAILED,
            "internal_error": Status.FAILED,
        },
        codes=(
            (422, _carrierx("to", "no such number"), Reason.INVALID_NUMBER),
            (422, _carrierx("to_did", "no such number"), Reason.INVALID_NUMBER),
            (422, _carrierx("group_recipients", "too many"), Reason.INVALID_NUMBER),
            (422, _carrierx("from", "not yours"), Reason.SENDER),
            (422, _carrierx("from_did", "not yours"), Reason.SENDER),
            (422, _carrierx("media_urls", "too large"), Reason.MEDIA),
            (422, _carrierx("message", "empty"), Reason.CONTENT),
            (400, _carrierx("to", "the recipient has opted out"), Reason.OPTED_OUT),
            (400, _carrierx(None, "insufficient balance"), Reason.BALANCE),
            (403, _carrierx(None, "messaging is not enabled on this DID"), Reason.SENDER),
            (400, _carrierx(None, "bad"), Reason.OTHER),
        ),
        listed=published.CARRIERX_LISTED,
        items="items",
        heard={"message_sid": "c-1", "direction": "outbound", "status": "sent"},
        fetched="https://api.carrierx.com/core/v2/sms/messages/a%2Fb",
    ),
    "signalwire": Example(
        settings={"space": "example", "project_id": "p-1", "api_token": "signalwire-canary"},
        secret="signalwire-canary",
        sender="+15559876543",
        path="https://example.signalwire.com/api/messaging/messages",
        spelled={
            "from": "+15559876543",
            "to": "+13135550123",
            "body": "hi ☺",
            "media": [PICTURE],
        },
        text_at=("body",),
        sent=published.SIGNALWIRE_MESSAGE,
        sent_status=201,
        where={
            "id": "id",
            "status": "status",
            "from": "from",
            "to": "to",
            "direction": "direction",
        },
        statuses={
            "queued": Status.QUEUED,
            "initiated": Status.QUEUED,
            "sent": Status.SENT,
            "delivered": Status.DELIVERED,
            "undelivered": Status.UNDELIVERED,
            "failed": Status.FAILED,
            "read": Status.READ,
            "received": Status.RECEIVED,
        },
        codes=(),
        listed='{"links":{},"data":[' + published.SIGNALWIRE_LOG + "]}",
        items="data",
        heard={"id": "s-1", "status": "sent", "to": "+13135550123", "from": "+13135550199"},
        fetched="https://example.signalwire.com/api/messaging/logs/a%2Fb",
    ),
    "signalwire-compat": Example(
        settings={"space": "example", "project_id": "p-1", "api_token": "compat-canary"},
        secret="compat-canary",
        sender="+15559876543",
        path="https://example.signalwire.com/api/laml/2010-04-01/Accounts/p-1/Messages",
        spelled={
            "From": "+15559876543",
            "To": "+13135550123",
            "Body": "hi ☺",
            "MediaUrl": PICTURE,
        },
        text_at=("Body",),
        sent=published.COMPAT_MESSAGE,
        sent_status=201,
        where={
            "id": "sid",
            "status": "status",
            "from": "from",
            "to": "to",
            "direction": "direction",
        },
        statuses={
            "accepted": Status.QUEUED,
            "queued": Status.QUEUED,
            "initiated": Status.QUEUED,
            "sending": Status.QUEUED,
            "sent": Status.SENT,
            "delivered": Status.DELIVERED,
            "undelivered": Status.UNDELIVERED,
            "failed": Status.FAILED,
            "receiving": Status.RECEIVED,
            "received": Status.RECEIVED,
        },
        codes=(
            (400, {"errors": [{"code": "21610", "message": "stop"}]}, Reason.OPTED_OUT),
            (422, {"errors": ["To is no number"]}, Reason.OTHER),
        ),
        listed=published.COMPAT_LISTED,
        items="messages",
        heard={"MessageSid": "s-4", "MessageStatus": "sent", "To": "+13135550123"},
        heard_type=FORM,
        heard_at=("MessageStatus",),
        fetched="https://example.signalwire.com/api/laml/2010-04-01/Accounts/p-1/Messages/a%2Fb",
        content_type=FORM,
    ),
    "twilio": Example(
        settings={"account_sid": "ACexample", "auth_token": "twilio-canary"},
        secret="twilio-canary",
        sender="+15557122661",
        path="https://api.twilio.com/2010-04-01/Accounts/ACexample/Messages.json",
        spelled={
            "From": "+15557122661",
            "To": "+13135550123",
            "Body": "hi ☺",
            "MediaUrl": PICTURE,
        },
        text_at=("Body",),
        sent=published.TWILIO_MESSAGE,
        sent_status=201,
        where={
            "id": "sid",
            "status": "status",
            "from": "from",
            "to": "to",
            "direction": "direction",
        },
        statuses={
            "accepted": Status.QUEUED,
            "scheduled": Status.QUEUED,
            "queued": Status.QUEUED,
            "sending": Status.QUEUED,
            "sent": Status.SENT,
            "delivered": Status.DELIVERED,
            "undelivered": Status.UNDELIVERED,
            "failed": Status.FAILED,
            "canceled": Status.FAILED,
            "read": Status.READ,
            "receiving": Status.RECEIVED,
            "received": Status.RECEIVED,
        },
        codes=tuple((400, _compat(str(code)), reason) for code, reason in TWILIO_CODES.items()),
        listed=published.TWILIO_LISTED,
        items="messages",
        heard={"MessageSid": "SM1", "MessageStatus": "sent", "To": "+13135550123"},
        heard_type=FORM,
        heard_at=("MessageStatus",),
        fetched="https://api.twilio.com/2010-04-01/Accounts/ACexample/Messages/a%2Fb.json",
        content_type=FORM,
    ),
}
