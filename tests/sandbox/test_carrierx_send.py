"""CarrierX's ``POST /sms/messages``: what is taken, what is refused, and what is answered."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from tests.sandbox.conftest import KEYS, House, wanted

PICTURE = "https://example.com/menu.png"
TENTH = [f"131355501{number:02}" for number in range(20, 28)]


def refusal(house: House, **changes: Any) -> tuple[int, str, str, str]:
    """Return status, title, field and text of a refusal, of the responses page's shape."""
    answer = house.post("carrierx", wanted("carrierx", **changes))
    assert {"message", "errors"} == set(answer.json)
    (error,) = answer.json["errors"]
    assert {"field", "message", "reference_sid"} == set(error)
    assert error["reference_sid"] is None
    assert house.sandbox.store.all() == ()
    return answer.status, answer.json["message"], error["field"], error["message"]


def test_answer(house: House) -> None:
    """A text is answered with the SMS object, all of it, and 200 (seed 003)."""
    answer = house.post("carrierx", wanted("carrierx", user_data="test_message"))
    body = answer.json
    UUID(body.pop("message_sid"))
    UUID(body.pop("partner_sid"))

    assert 200 == answer.status
    assert {
        "date_changed": "2026-04-14T12:00:00.250Z",
        "date_created": "2026-04-14T12:00:00.250Z",
        "date_status_changed": None,
        "direction": "outbound",
        "from": "15162065575",
        "group_recipients": [],
        "mcc": None,
        "media_urls": [],
        "message": "Hello",
        "message_segments": 1,
        "mnc": None,
        "price": None,
        "status": "queued",
        "to": "13135550101",
        "type": "sms",
        "user_data": "test_message",
    } == body


def test_legacy_answer(house: House) -> None:
    """Some legacy users still see from_did and to_did (seed 003)."""
    house.behave(legacy=True)
    body = house.send("carrierx")

    assert ("15162065575", "13135550101") == (body["from_did"], body["to_did"])
    assert not {"from", "to"} & set(body)


def test_legacy_request(house: House) -> None:
    """Old clients send the old names; they are taken."""
    body = {"from_did": "15162065575", "to_did": "13135550101", "message": "Hello"}
    answer = house.post("carrierx", body)

    assert 200 == answer.status
    assert ("15162065575", "13135550101") == (answer.json["from"], answer.json["to"])


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "sms"),
        ({"type": "sms"}, "sms"),
        ({"type": "mms"}, "mms"),
        ({"media_urls": []}, "sms"),
        ({"media_urls": [PICTURE]}, "mms"),
        ({"media_urls": [PICTURE], "type": "mms"}, "mms"),
        ({"group_recipients": ["13135550120"], "type": "mms"}, "mms"),
    ],
)
def test_kind(house: House, changes: dict[str, Any], kind: str) -> None:
    """Media or a group makes it an MMS (object page)."""
    assert kind == house.send("carrierx", **changes)["type"]


@pytest.mark.parametrize(
    ("message", "changes", "segments"),
    [
        ("a" * 160, {}, 1),
        ("a" * 161, {}, 2),
        ("ж" * 71, {}, 2),
        ("a" * 500, {"media_urls": [PICTURE]}, 1),
    ],
)
def test_segments(house: House, message: str, changes: dict[str, Any], segments: int) -> None:
    """A long text is split; an MMS is always one segment (object page)."""
    assert segments == house.send("carrierx", message=message, **changes)["message_segments"]


def test_media_alone(house: House) -> None:
    """Without text, message is null (object page)."""
    body = house.send("carrierx", message=..., media_urls=[PICTURE])

    assert (None, [PICTURE]) == (body["message"], body["media_urls"])


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8"])
def test_content_type(house: House, kind: str) -> None:
    """A JSON content type is needed, with or without parameters."""
    body = json.dumps(wanted("carrierx")).encode()
    headers = {"Authorization": KEYS["carrierx"], "Content-Type": kind}

    assert 200 == house.ask("POST", "/core/v2/sms/messages", body, headers).status


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"}])
def test_no_content_type(house: House, headers: dict[str, str]) -> None:
    """Without a JSON content type it is a 415 (status-code page)."""
    body = json.dumps(wanted("carrierx")).encode()
    headers = {"Authorization": KEYS["carrierx"], **headers}
    answer = house.ask("POST", "/core/v2/sms/messages", body, headers)

    assert (415, "Unsupported media type") == (answer.status, answer.json["message"])


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"to": Infinity}'])
def test_no_json(house: House, body: bytes) -> None:
    """A body that is no JSON is a 400 with the status-code page's text."""
    answer = house.post("carrierx", body)

    assert 400 == answer.status
    assert "No JSON object could be decoded" == answer.json["errors"][0]["message"]


@pytest.mark.parametrize("body", [b"[]", b"7", b"null"])
def test_no_object(house: House, body: bytes) -> None:
    """JSON that is no object is a 400."""
    answer = house.post("carrierx", body)

    assert (400, "Bad Request") == (answer.status, answer.json["message"])


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        # Seed 003: the required fields.
        ({"from_": ...}, "from", "is required"),
        ({"from_": None}, "from", "is required"),
        ({"to": ...}, "to", "is required"),
        ({"message": ...}, "message", "is required if media_urls is empty"),
        ({"message": ""}, "message", "is required if media_urls is empty"),
        ({"message": "", "media_urls": []}, "message", "is required if media_urls is empty"),
        ({"message": 7}, "message", "must be a string"),
        ({"user_data": {"a": "b"}}, "user_data", "must be a string"),
        # Every example: digits with the country code, no plus.
        ({"to": "+13135550101"}, "to", "must be a phone number: digits with the country code"),
        ({"to": "5550"}, "to", "must be a phone number: digits with the country code"),
        ({"to": 13135550101}, "to", "must be a phone number: digits with the country code"),
        ({"from_": "Acme"}, "from", "must be a phone number: digits with the country code"),
        ({"from_": 15162065575}, "from", "must be a phone number: digits with the country code"),
        # Seed 003: sending SMS from short code is disabled.
        ({"from_": "43720"}, "from", "sending SMS from short code is disabled"),
        # Seed 003: enable messaging on that DID first.
        ({"from_": "15162060198"}, "from", "messaging is not enabled on this number"),
        ({"media_urls": PICTURE}, "media_urls", "must be a list of URLs"),
        ({"media_urls": ["javascript:alert(1)"]}, "media_urls", "must be a list of URLs"),
        ({"type": "fax"}, "type", "must be sms or mms"),
        # Seed 003: a group must be an mms.
        (
            {"group_recipients": ["13135550120"]},
            "type",
            "must be mms if group_recipients is set",
        ),
        (
            {"group_recipients": ["13135550120"], "type": "sms"},
            "type",
            "must be mms if group_recipients is set",
        ),
        (
            {"group_recipients": "13135550120", "type": "mms"},
            "group_recipients",
            "must be a list of phone numbers",
        ),
        (
            {"group_recipients": ["+13135550120"], "type": "mms"},
            "group_recipients",
            "must be a list of phone numbers",
        ),
        # Quick start: ten numbers, the sender included.
        (
            {"group_recipients": [*TENTH, "13135550190"], "type": "mms"},
            "group_recipients",
            "at most 10 numbers, the sender included",
        ),
        # Seed 003: MMS to phone numbers outside the US is disabled.
        (
            {"to": "447700900101", "media_urls": [PICTURE]},
            "to",
            "sending MMS to phone numbers outside the US is disabled",
        ),
        (
            {"to": "14165550101", "media_urls": [PICTURE]},
            "to",
            "sending MMS to phone numbers outside the US is disabled",
        ),
        (
            {"group_recipients": ["447700900101"], "type": "mms"},
            "to",
            "sending MMS to phone numbers outside the US is disabled",
        ),
    ],
)
def test_against_the_rules(house: House, changes: dict[str, Any], field: str, message: str) -> None:
    """What the documents forbid is a 422 that names the field (status-code page)."""
    assert (422, "Object validation error", field, message) == refusal(house, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"group_recipients": TENTH, "type": "mms"},
        # The sender and the first recipient are not counted twice.
        {"group_recipients": [*TENTH, "15162065575", "13135550101"], "type": "mms"},
        {"message": ..., "media_urls": [PICTURE]},
        {"message": "a" * 20_000},
        {"to": "447700900101"},
        # Not of the send page: not looked at.
        {"callback_url": "http://example.com"},
        {"media_urls": None, "group_recipients": None, "user_data": None, "type": None},
    ],
)
def test_taken(house: House, changes: dict[str, Any]) -> None:
    """What stands at the edge of a rule is taken."""
    assert "queued" == house.send("carrierx", **changes)["status"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"message": "a" * 1600}, "delivered"),
        ({"message": "a" * 1601}, "failed"),
        ({"media_urls": [PICTURE] * 10}, "delivered"),
        ({"media_urls": [PICTURE] * 11}, "failed"),
    ],
)
def test_over_the_limit(house: House, changes: dict[str, Any], status: str) -> None:
    """Beyond 1600 characters or 10 media an MMS is taken, fails and is not sent out (seed 003)."""
    body = house.send("carrierx", **{"media_urls": [PICTURE], **changes})
    house.settle()
    later = house.get("carrierx", f"/core/v2/sms/messages/{body['message_sid']}").json

    assert ("queued", status) == (body["status"], later["status"])
