"""Answers that the providers publish as examples, word for word, by provider and scene.

Each has its source beside it. Where a provider publishes a schema and no example, the answer is
the smallest one that its schema allows, and the comment says so.
"""

from __future__ import annotations

WAVIX_SENT_MMS = """{
  "message_id": "871b4eeb-f798-4105-be23-32df9e991456",
  "message_type": "mms",
  "from": "13137890021",
  "to": "13137890021",
  "mcc": "301",
  "mnc": "204",
  "message_body": {
    "text": "This is an MT message",
    "media": ["https://publicly-available-resource.com"]
  },
  "tag": null,
  "status": "accepted",
  "segments": 1,
  "charge": "0.02",
  "submitted_at": "2022-04-14T13:51:16.096Z",
  "sent_at": null,
  "delivered_at": null,
  "error_message": null
}"""

WAVIX_SENT = """{
  "carrier_fees": "0.0",
  "charge": "0.0",
  "delivered_at": "2024-05-28T12:34:56Z",
  "error_message": null,
  "from": "Sender",
  "mcc": "310",
  "mnc": "260",
  "message_body": {
    "text": "This is a test MMS message with multiple media attachments.",
    "media": [
      "https://api.examples.com/v3/messages/attachments/abc123/file1.mp3",
      "https://api.examples.com/v3/messages/attachments/abc123/file2.mp3",
      "https://api.examples.com/v3/messages/attachments/abc123/file3.mp3"
    ]
  },
  "message_id": "abc123de-4567-890f-gh12-ijklmnop3456",
  "message_type": "mms",
  "segments": 1,
  "sent_at": "2024-05-28T12:34:54Z",
  "status": "accepted",
  "submitted_at": "2025-09-22T09:07:53",
  "tag": "campaign_test",
  "to": "+15551234567"
}"""

WAVIX_FETCHED = """{
  "message": {
    "direction": "outbound",
    "message_id": "871b4eeb-f798-4105-be23-32df9e991456",
    "message_type": "mms",
    "from": "13137890021",
    "to": "13137890021",
    "mcc": "301",
    "mnc": "204",
    "message_body": {
      "text": "This is an MT message",
      "media": ["https://publicly-available-resource.com"]
    },
    "tag": "1234",
    "status": "delivered",
    "segments": 1,
    "charge": "0.02",
    "submitted_at": "2022-04-14T13:51:16.096Z",
    "sent_at": "2022-04-14T13:51:16.096Z",
    "delivered_at": "2022-04-14T13:51:16.096Z",
    "error_message": null
  }
}"""

# The OpenAPI document's list of one message (2026-06-30), and its answer for a missing parameter.
WAVIX_LISTED = """{"items":[{
"message_id":"871b4eeb-f798-4105-be23-32df9e991456","message_type":"sms",
"direction":"outbound","from":"Wavix","to":"447537151866","mcc":"234","mnc":"024",
"message_body":{"text":"..","media":null},"segments":1,"status":"delivered","charge":"0.0475",
"carrier_fees":"0.0","tag":null,"submitted_at":"2023-08-29T12:32:44.000Z",
"sent_at":"2023-08-29T12:32:45.000Z","delivered_at":"2023-08-29T12:32:46.000Z",
"error_message":null}],
"pagination":{"current_page":1,"per_page":25,"total":1,"total_pages":1}}"""

CARRIERX_SMS = """{
"date_changed": "2023-12-06T15:18:30.084Z",
"date_created": "2023-12-06T15:18:29.189Z",
"date_status_changed": null,
"direction": "outbound",
"from": "15162065575",
"group_recipients": [],
"mcc": null,
"media_urls": [],
"message": "This is a test message",
"message_segments": 1,
"message_sid": "097b49df-c54e-4eaf-97d0-89cf7d5a655b",
"mnc": null,
"partner_sid": "e00430c3-a7d0-4666-ab5c-f7202448382f",
"price": null,
"status": "queued",
"to": "15162065574",
"type": "sms",
"user_data": "test_message"
}"""

# The list envelope of the paging page, around the published SMS object.
CARRIERX_LISTED = (
    '{"count":1,"has_more":false,"items":[' + CARRIERX_SMS + '],"limit":1,"offset":0,'
    '"pagination":{},"total":null}'
)
# Seen word for word on two of CarrierX's pages.
CARRIERX_NOT_FOUND = (
    '{"message":"no item error","errors":[{"field":null,"message":"cannot find item by sid",'
    '"reference_sid":null}]}'
)

# SignalWire publishes a schema and no example: all fifteen required fields (seed 004).
SIGNALWIRE_MESSAGE = """{"id":"0f4e9e3e-5b3a-4b6e-9d7d-2f1d2c3b4a59","from":"+15559876543",
"to":"+15551234567","body":"Your table is ready","status":"queued","direction":"outbound",
"kind":"sms","media":[],"number_of_segments":1,"error_code":null,"error_message":null,
"created_at":"2026-04-01T12:00:00Z","project_id":"3a9f2b1c-0000-4000-8000-000000000000",
"status_callback_url":null,
"message_uri":"/api/messaging/logs/0f4e9e3e-5b3a-4b6e-9d7d-2f1d2c3b4a59"}"""

# The message log of the TypeSpec of 2026-08-21.
SIGNALWIRE_LOG = """{"id":"0f4e9e3e-5b3a-4b6e-9d7d-2f1d2c3b4a59","from":"+15559876543",
"to":"+15551234567","status":"failed","direction":"outbound","kind":"sms","source":"realtime_api",
"type":"relay_message","url":null,"number_of_segments":1,"charge":0.0,
"charge_details":[{"description":"Outbound SMS","charge":0.00415}],
"created_at":"2024-05-06T12:20:00Z","error_message":null,"error_code":null}"""

# The compatibility API's message of the TypeSpec of 2026-08-21, with the values of its examples.
COMPAT_MESSAGE = """{"account_sid":"ea108133-d6b3-407c-9536-9fad8a929a6a",
"api_version":"2010-04-01","body":"Hello World!","num_segments":1,"num_media":"1",
"date_created":"Mon, 13 Aug 2018 21:38:46 +0000","date_sent":"Mon, 13 Aug 2018 21:38:46 +0000",
"date_updated":"Mon, 13 Aug 2018 21:38:46 +0000","direction":"outbound-api","error_code":null,
"error_message":null,"from":"+15551234567","price":0.005,"price_unit":"USD",
"sid":"0a059168-ead0-41af-9d1f-343dae832527","status":"sent","to":"+15557654321",
"messaging_service_sid":null,
"uri":"/api/laml/2010-04-01/Accounts/ea108133-d6b3-407c-9536-9fad8a929a6a/Messages/x.json",
"subresource_uris":{}}"""
COMPAT_LISTED = (
    '{"uri":"/api/laml/2010-04-01/Accounts/x/Messages?Page=0&PageSize=50",'
    '"first_page_uri":"/api/laml/2010-04-01/Accounts/x/Messages?Page=0&PageSize=50",'
    '"next_page_uri":null,"previous_page_uri":null,"page":0,"page_size":50,"messages":['
    + COMPAT_MESSAGE
    + "]}"
)
# The example of its flat error.
COMPAT_UNAUTHORIZED = """{"code":20003,"message":"Authentication failed",
"more_info":"https://developer.signalwire.com/compatibility-api/reference/errors","status":401}"""

SIGNALWIRE_REFUSED = """{"errors":[{"type":"validation_error","code":"invalid_to_number",
"message":"The To number is not valid.","attribute":"to",
"url":"https://signalwire.com/docs/apis/error-codes"}]}"""

# twilio.com/docs/messaging/api/message-resource (2026), "Send an SMS message".
TWILIO_MESSAGE = """{
  "account_sid": "ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
  "api_version": "2010-04-01",
  "body": "Hi there",
  "date_created": "Thu, 24 Aug 2023 05:01:45 +0000",
  "date_sent": "Thu, 24 Aug 2023 05:01:45 +0000",
  "date_updated": "Thu, 24 Aug 2023 05:01:45 +0000",
  "direction": "outbound-api",
  "error_code": null,
  "error_message": null,
  "from": "+15557122661",
  "num_media": "0",
  "num_segments": "1",
  "price": null,
  "price_unit": null,
  "messaging_service_sid": "MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
  "sid": "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
  "status": "queued",
  "subresource_uris": {
    "media": "/2010-04-01/Accounts/ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Messages/SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Media.json"
  },
  "to": "+15558675310",
  "uri": "/2010-04-01/Accounts/ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Messages/SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.json"
}"""  # noqa: E501 - word for word

# The same page, "List all Message resources", its first message.
TWILIO_LISTED_MESSAGE = """{
  "account_sid": "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
  "api_version": "2010-04-01",
  "body": "testing",
  "date_created": "Fri, 24 May 2019 17:44:46 +0000",
  "date_sent": "Fri, 24 May 2019 17:44:50 +0000",
  "date_updated": "Fri, 24 May 2019 17:44:50 +0000",
  "direction": "outbound-api",
  "error_code": null,
  "error_message": null,
  "from": "+12019235161",
  "messaging_service_sid": "MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
  "num_media": "0",
  "num_segments": "1",
  "price": "-0.00750",
  "price_unit": "USD",
  "sid": "SMded05904ccb347238880ca9264e8fe1c",
  "status": "sent",
  "subresource_uris": {
    "media": "/2010-04-01/Accounts/ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Messages/SMded05904ccb347238880ca9264e8fe1c/Media.json",
    "feedback": "/2010-04-01/Accounts/ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Messages/SMded05904ccb347238880ca9264e8fe1c/Feedback.json"
  },
  "to": "+18182008801",
  "uri": "/2010-04-01/Accounts/ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Messages/SMded05904ccb347238880ca9264e8fe1c.json"
}"""  # noqa: E501 - word for word

# Around it, as the last page is (``next_page_uri`` is nullable: twilio_api_v2010.json).
TWILIO_LISTED = (
    '{"end":0,"start":0,"page":0,"page_size":50,"next_page_uri":null,"previous_page_uri":null,'
    '"messages":[' + TWILIO_LISTED_MESSAGE + "]}"
)
# "Debugging your Twilio application" (2026): the example of an error, and its form with 20003.
TWILIO_REFUSED = """{"code": 21211,
"message": "The 'To' number 5551234567 is not a valid phone number.",
"more_info": "https://www.twilio.com/docs/errors/21211", "status": 400}"""
TWILIO_UNAUTHORIZED = """{"code": 20003, "message": "Authenticate",
"more_info": "https://www.twilio.com/docs/errors/20003", "status": 401}"""

EXAMPLES: dict[str, dict[str, list[tuple[int, str]]]] = {
    "wavix": {
        "send_mms": [(201, WAVIX_SENT_MMS)],
        "send_sms": [(201, WAVIX_SENT)],
        "fetch": [(200, WAVIX_FETCHED)],
        "list": [(200, WAVIX_LISTED)],
        "unauthorized": [(401, '{"success":false,"error":true,"message":"Unauthorized"}')],
        "refused": [(400, '{"success":false,"message":"Missing or invalid parameter to"}')],
    },
    "carrierx": {
        "send_sms": [(200, CARRIERX_SMS)],
        "fetch": [(200, CARRIERX_SMS)],
        "list": [(200, CARRIERX_LISTED)],
        "fetch_unauthorized-not_found": [(404, CARRIERX_NOT_FOUND)],
    },
    "signalwire": {
        "send_sms": [(201, SIGNALWIRE_MESSAGE)],
        "fetch": [(200, SIGNALWIRE_LOG)],
        "list": [(200, '{"links":{"self":"/api/messaging/logs"},"data":[' + SIGNALWIRE_LOG + "]}")],
        "refused": [(422, SIGNALWIRE_REFUSED)],
        "unauthorized": [(401, '{"error":"Unauthorized"}')],
        "server_error": [(500, '{"error":"Internal Server Error"}')],
    },
    "signalwire-compat": {
        "send_sms": [(201, COMPAT_MESSAGE)],
        "fetch": [(200, COMPAT_MESSAGE)],
        "list": [(200, COMPAT_LISTED)],
        "unauthorized": [(401, COMPAT_UNAUTHORIZED)],
    },
    "twilio": {
        "send_sms": [(201, TWILIO_MESSAGE)],
        "fetch": [(200, TWILIO_LISTED_MESSAGE)],
        "list": [(200, TWILIO_LISTED)],
        "refused": [(400, TWILIO_REFUSED)],
        "unauthorized": [(401, TWILIO_UNAUTHORIZED)],
    },
}
