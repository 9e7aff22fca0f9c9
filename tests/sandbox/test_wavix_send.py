"""Wavix's ``POST /v3/messages``: what is taken, what is refused, and what is answered."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.sandbox.conftest import House, wanted

PICTURE = "https://example.com/menu.png"


def text(value: Any, **more: Any) -> dict[str, Any]:
    """Return a change of ``message_body``."""
    return {"message_body": {"text": value, **more}}


def refusal(house: House, **changes: Any) -> tuple[int, str]:
    """Return status and text of a refusal, which has the two keys of the documents."""
    answer = house.post("wavix", wanted("wavix", **changes))
    assert {"success", "message"} == set(answer.json)
    assert answer.json["success"] is False
    assert house.sandbox.store.all() == ()
    return answer.status, answer.json["message"]


def test_answer(house: House) -> None:
    """A text is answered as in the reference (seed 001) and in a captured answer."""
    answer = house.post("wavix", wanted("wavix", "13135550101", tag="Fall sale"))
    body = answer.json
    UUID(body.pop("message_id"))

    assert 201 == answer.status
    assert {
        "message_type": "sms",
        "from": "+13137890021",
        "to": "+13135550101",
        "mcc": "310",
        "mnc": "260",
        "message_body": {"text": "Hello", "media": []},
        "tag": "Fall sale",
        "status": "accepted",
        "segments": 1,
        "charge": "0.01",
        "carrier_fees": "0.003",
        "submitted_at": "2026-04-14T12:00:00",
        "sent_at": None,
        "delivered_at": None,
        "error_message": None,
    } == body


def test_answer_mms(house: House) -> None:
    """An MMS is one segment however long its text is, and dearer (seed 001)."""
    body = house.send("wavix", **text("a" * 500, media=[PICTURE]))

    assert ("mms", 1, "0.02") == (body["message_type"], body["segments"], body["charge"])
    assert [PICTURE] == body["message_body"]["media"]


@pytest.mark.parametrize(
    ("to", "network"),
    [
        ("13135550101", ("310", "260")),
        ("447700900101", ("234", "024")),  # OpenAPI: a leading zero is kept
        ("33639980101", (None, None)),
    ],
)
def test_network(house: House, to: str, network: tuple[str | None, str | None]) -> None:
    """mcc and mnc are texts or null (OpenAPI)."""
    body = house.send("wavix", to)

    assert network == (body["mcc"], body["mnc"])


@pytest.mark.parametrize(
    ("to", "length", "charge", "fees"),
    [
        ("13135550101", 161, "0.02", "0.006"),
        ("447700900101", 161, "0.02", "0.0"),
    ],
)
def test_price(house: House, to: str, length: int, charge: str, fees: str) -> None:
    """charge and carrier_fees are decimal texts in USD, for all segments (seed 001)."""
    body = house.send("wavix", to, **text("a" * length))

    assert (charge, fees) == (body["charge"], body["carrier_fees"])


def test_appid(house: House) -> None:
    """The guide (seed 000) still gives the key in the query."""
    answer = house.ask("GET", "/v3/messages?type=outbound&appid=wavix-key")

    assert 200 == answer.status


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        # Seed 000: all parameters are required.
        ({"from_": ...}, "from"),
        ({"from_": ""}, "from"),
        ({"from_": 13137890021}, "from"),
        ({"to": ...}, "to"),
        ({"to": None}, "to"),
        ({"to": "+1313"}, "to"),
        ({"to": "313-555-0101"}, "to"),
        ({"to": "+1234567890123456"}, "to"),
        ({"to": ["+13135550101"]}, "to"),
        ({"message_body": ...}, "message_body"),
        ({"message_body": "Hello"}, "message_body"),
        ({"message_body": {"text": "Hello", "subject": "x"}}, "message_body"),
        ({"message_body": {"media": None}}, "message_body.text"),
        (text(""), "message_body.text"),
        (text(None), "message_body.text"),
        (text(7), "message_body.text"),
        (text("Hello", media=PICTURE), "message_body.media"),
        (text("Hello", media=["javascript:alert(1)"]), "message_body.media"),
        (text("Hello", media=["ftp://example.com/menu.png"]), "message_body.media"),
        (text("Hello", media=[7]), "message_body.media"),
        # Reference (seed 001): validity is an int32, in seconds.
        ({"validity": 0}, "validity"),
        ({"validity": -1}, "validity"),
        ({"validity": 2**31}, "validity"),
        ({"validity": "3600"}, "validity"),
        ({"validity": True}, "validity"),
        ({"validity": 1.5}, "validity"),
        ({"tag": 7}, "tag"),
        ({"smart_encoding": "yes"}, "smart_encoding"),
        # OpenAPI: additionalProperties is false.
        ({"schedule_at": "2026-05-01"}, "schedule_at"),
        # Seed 000: alphanumeric 3 to 11 characters, ASCII, not only digits.
        ({"from_": "Ab", "to": "+447700900101"}, "from"),
        ({"from_": "Abcdefghijkl", "to": "+447700900101"}, "from"),
        ({"from_": "Café", "to": "+447700900101"}, "from"),
        ({"from_": "A.B", "to": "+447700900101"}, "from"),
        ({"from_": "1234", "to": "+447700900101"}, "from"),
        ({"from_": "0123456", "to": "+447700900101"}, "from"),
        ({"from_": "1234567890123456", "to": "+447700900101"}, "from"),
    ],
)
def test_malformed(house: House, changes: dict[str, Any], name: str) -> None:
    """What the schema forbids is a 400 that names the parameter (OpenAPI)."""
    assert (400, f"Missing or invalid parameter {name}") == refusal(house, **changes)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"text"', b"null", b"\xff", b'{"to": NaN}', b"[" * 20_000]
)
def test_no_object(house: House, body: bytes) -> None:
    """A body that is no JSON object is a 400."""
    answer = house.post("wavix", body)

    assert (400, False) == (answer.status, answer.json["success"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        # Error 5 and seed 002: no alphanumeric sender to the US or Canada.
        ({"from_": "Wavix"}, "Sender ID is not provisioned for the destination country"),
        (
            {"from_": "Wavix", "to": "+14165550101"},
            "Sender ID is not provisioned for the destination country",
        ),
        # Error 22 and seed 000: a number that is not on the account.
        ({"from_": "+13135550198"}, "Sender ID not found"),
        # Error 12: MMS to the US and Canada only; Jamaica is +1 too.
        (
            {"to": "+447700900101", **text("Hello", media=[PICTURE])},
            "MMS can be sent only to US and Canadian numbers",
        ),
        (
            {"to": "+18765550101", **text("a", media=[])},
            "MMS can be sent only to US and Canadian numbers",
        ),
        # Error 21.
        (text("Hello", media=[PICTURE] * 6), "The number of attachments exceeds 5"),
        # Error 25.
        ({"callback_url": "ftp://example.com"}, "Callback URL is invalid"),
        ({"callback_url": "example.com"}, "Callback URL is invalid"),
        ({"callback_url": "http://"}, "Callback URL is invalid"),
        ({"callback_url": "http://example.com/\r\nb"}, "Callback URL is invalid"),
        ({"callback_url": 7}, "Callback URL is invalid"),
        # Error 41.
        (text("a" * 1631), "Message is too long"),
        (text("€" * 816), "Message is too long"),
        (text("ж" * 671), "Message is too long"),
        (text("😀" * 336), "Message is too long"),
    ],
)
def test_against_the_rules(house: House, changes: dict[str, Any], message: str) -> None:
    """What a rule of business forbids is a 422 whose text is the reason."""
    assert (422, message) == refusal(house, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        text("a" * 1630),
        text("ж" * 670),
        text("", media=[PICTURE]),
        text("Hello", media=[PICTURE] * 5),
        text("Hello", media=None),
        {"to": "+14165550101", **text("Hello", media=[PICTURE])},
        {"validity": 1},
        {"validity": 2**31 - 1},
        {"validity": None, "tag": None, "callback_url": None},
        {"callback_url": "http://example.com:8080/reports?a=b"},
        {"smart_encoding": True},
        {"from_": "43720"},
        # Seed 000: hyphen, plus, underscore, ampersand and space too.
        {"from_": "A-b+c_d & e", "to": "+447700900101"},
        {"from_": "12a", "to": "+447700900101"},
        # Seed 002 names the US and Canada only.
        {"from_": "Acme", "to": "+18765550101"},
    ],
)
def test_taken(house: House, changes: dict[str, Any]) -> None:
    """What stands at the edge of a rule is taken."""
    assert "accepted" == house.send("wavix", **changes)["status"]


@pytest.mark.parametrize(
    ("media", "kind"),
    [(None, "sms"), ([], "mms"), ([PICTURE], "mms")],
)
def test_kind(house: House, media: list[str] | None, kind: str) -> None:
    """Media of any value but null makes it an MMS (seed 000)."""
    assert kind == house.send("wavix", **text("Hello", media=media))["message_type"]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("13137890021", "+13137890021"),
        ("+13137890021", "+13137890021"),
        ("Wavix", "Wavix"),
        ("43720", "43720"),
    ],
)
def test_sender_shown(house: House, given: str, shown: str) -> None:
    """Numbers come back with a plus (captured answer); names and short codes as they were."""
    assert shown == house.send("wavix", "447700900101", from_=given)["from"]


def test_digits_only(house: House) -> None:
    """A recipient without plus is taken and comes back with one (captured answer)."""
    assert "+13135550101" == house.send("wavix", to="13135550101")["to"]
