"""Wavix's look-ups: one message, the list, the profile."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.sandbox.conftest import START, House

PICTURE = "https://example.com/menu.png"


def listed(house: House, **query: Any) -> Any:
    """Return a list of what was sent, with more of a query."""
    query = {name.rstrip("_"): value for name, value in query.items()}
    answer = house.get("wavix", f"/v3/messages?{urlencode({'type': 'outbound', **query})}")
    assert 200 == answer.status, answer.body
    return answer.json


def test_get(house: House) -> None:
    """A message that is asked for is flat, without plus, with zone and milliseconds (OpenAPI)."""
    sent = house.send("wavix", tag="1234")
    house.settle()
    body = house.get("wavix", f"/v3/messages/{sent['message_id']}").json
    times = (body.pop("sent_at"), body.pop("delivered_at"))

    assert {
        "message_id": sent["message_id"],
        "message_type": "sms",
        "direction": "outbound",
        "from": "13137890021",
        "to": "13135550101",
        "mcc": "310",
        "mnc": "260",
        "message_body": {"text": "Hello", "media": None},
        "tag": "1234",
        "status": "delivered",
        "segments": 1,
        "charge": "0.01",
        "carrier_fees": "0.003",
        "submitted_at": "2026-04-14T12:00:00.250Z",
        "error_message": None,
    } == body
    assert times == tuple(sorted(times))
    assert all(time.startswith("2026-04-14T12:00:0") for time in times)
    assert all(
        time.endswith("Z") and len(time) == len("2026-04-14T12:00:00.250Z") for time in times
    )


def test_get_mms(house: House) -> None:
    """The media of an MMS comes back as it was given (seed 000)."""
    sent = house.send("wavix", message_body={"text": "Hello", "media": [PICTURE]})

    body = house.get("wavix", f"/v3/messages/{sent['message_id']}").json
    assert {"text": "Hello", "media": [PICTURE]} == body["message_body"]


def test_name_with_a_plus(house: House) -> None:
    """A name may begin with a plus (seed 000), which is not a number's and stays."""
    sent = house.send("wavix", "447700900101", from_="+Plus")

    assert "+Plus" == house.get("wavix", f"/v3/messages/{sent['message_id']}").json["from"]


def test_get_wrapped(house: House) -> None:
    """The guide (seed 000) shows the message in an object of its own."""
    sent = house.send("wavix")
    house.behave(wrapped=True)

    body = house.get("wavix", f"/v3/messages/{sent['message_id']}").json
    assert ["message"] == list(body)
    assert sent["message_id"] == body["message"]["message_id"]


@pytest.mark.parametrize("provider", ["carrierx", "signalwire"])
def test_not_found(house: House, provider: str) -> None:
    """An unknown id is a 404 (OpenAPI); so is that of another provider's message."""
    sent = house.send(provider)
    strange = sent.get("id") or sent["message_sid"]
    answers = [house.get("wavix", f"/v3/messages/{each}") for each in ("nothing", strange)]

    assert [404, 404] == [answer.status for answer in answers]
    assert {"success": False, "message": "Record not found"} == answers[0].json


def test_list(house: House) -> None:
    """A list holds messages as a get shows them, newest first, and says how many there are."""
    ids = [house.send("wavix")["message_id"] for _ in range(3)]
    house.settle()
    body = listed(house)

    assert {"current_page": 1, "per_page": 25, "total": 3, "total_pages": 1} == body["pagination"]
    assert ids[::-1] == [item["message_id"] for item in body["items"]]
    assert house.get("wavix", f"/v3/messages/{ids[2]}").json == body["items"][0]


def test_list_pages(house: House) -> None:
    """Pages follow one another; behind the last there is nothing."""
    ids = [house.send("wavix")["message_id"] for _ in range(5)]
    house.settle()
    pages = [listed(house, per_page=2, page=number) for number in (1, 2, 3, 4)]

    assert ids[::-1] == [item["message_id"] for page in pages for item in page["items"]]
    assert [2, 2, 1, 0] == [len(page["items"]) for page in pages]
    assert {"current_page": 4, "per_page": 2, "total": 5, "total_pages": 3} == pages[3][
        "pagination"
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, "abcd"),
        ({"type": "inbound"}, ""),
        ({"to": "13135550101"}, "acd"),
        ({"to": "+13135550101"}, "acd"),
        ({"to": "13135550199"}, ""),
        ({"from_": "13137890021"}, "abc"),
        ({"from_": "Wavix"}, ""),
        ({"from_": "13137890022"}, "d"),
        ({"status": "delivered"}, "acd"),
        ({"status": "undelivered"}, "b"),
        ({"status": "dlr_expired"}, ""),
        ({"tag": "one"}, "a"),
        ({"message_type": "mms"}, "c"),
        ({"message_type": "sms", "tag": "one", "status": "delivered"}, "a"),
        # Both days are included.
        ({"sent_after": "2026-04-14"}, "abcd"),
        ({"sent_after": "2026-04-15"}, "d"),
        ({"sent_before": "2026-04-14"}, "abc"),
        ({"sent_before": "2026-04-13"}, ""),
        ({"sent_after": "2026-04-14", "sent_before": "2026-04-15"}, "abcd"),
    ],
)
def test_list_filters(house: House, query: dict[str, str], found: str) -> None:
    """Every filter of the OpenAPI is played; numbers are compared without plus."""
    ids = [
        house.send("wavix", tag="one")["message_id"],
        house.send("wavix", "13135550102")["message_id"],
        house.send("wavix", message_body={"text": "Hello", "media": [PICTURE]})["message_id"],
    ]
    house.clock.forward(86_400)
    ids.append(house.send("wavix", from_="+13137890022")["message_id"])
    house.settle()
    names = dict(zip(ids, "abcd", strict=True))

    items = listed(house, **query)["items"]
    assert sorted(found) == sorted(names[item["message_id"]] for item in items)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("", "type"),
        ("type=sms", "type"),
        ("type=outbound&page=0", "page"),
        ("type=outbound&page=x", "page"),
        ("type=outbound&per_page=0", "per_page"),
        ("type=outbound&per_page=101", "per_page"),
        ("type=outbound&per_page=-1", "per_page"),
        ("type=outbound&per_page=%C2%B2", "per_page"),
        ("type=outbound&message_type=fax", "message_type"),
        ("type=outbound&status=lost", "status"),
        ("type=outbound&sent_after=yesterday", "sent_after"),
        ("type=outbound&sent_after=20260414", "sent_after"),
        ("type=outbound&sent_before=2026-04-31", "sent_before"),
    ],
)
def test_list_malformed(house: House, query: str, name: str) -> None:
    """A query the OpenAPI does not allow is a 400; `type` may not be left out."""
    answer = house.get("wavix", f"/v3/messages?{query}")

    assert 400 == answer.status
    message = f"Missing or invalid parameter {name}"
    assert {"success": False, "message": message} == answer.json


def test_list_lags(house: House) -> None:
    """A list knows a message half to one and a half seconds later, a get at once."""
    sent = house.send("wavix")

    assert 200 == house.get("wavix", f"/v3/messages/{sent['message_id']}").status
    house.clock.now = START + 0.49
    assert [] == listed(house)["items"]
    house.clock.now = START + 1.51
    assert [sent["message_id"]] == [item["message_id"] for item in listed(house)["items"]]


def test_list_shows_the_past(house: House) -> None:
    """A list shows a message as it was when the list last looked."""
    sent = house.send("wavix")
    house.clock.now = START + 2.25
    item = listed(house)["items"][0]

    assert "delivered" == house.get("wavix", f"/v3/messages/{sent['message_id']}").json["status"]
    assert "delivered" != item["status"]


def test_profile(house: House) -> None:
    """The profile names where reports go."""
    house.behave(provider="wavix", callback_url="http://127.0.0.1:9/reports")

    body = house.get("wavix", "/v1/profile").json
    assert [{"transport": "dlr", "value": "http://127.0.0.1:9/reports"}] == body[
        "default_destinations"
    ]


def test_balance(house: House) -> None:
    """The balance is a decimal text in USD (OpenAPI)."""
    body = house.get("wavix", "/v1/profile/config").json

    assert {"balance", "global_limits"} == set(body)
    assert "309.06" == body["balance"]
