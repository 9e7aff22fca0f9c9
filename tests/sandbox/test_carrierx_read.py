"""CarrierX's look-ups: one message, the list with its filter language, and who am I."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from tests.sandbox.conftest import START, House

PATH = "/core/v2/sms/messages"
PICTURE = "https://example.com/menu.png"


def listed(house: House, **query: Any) -> Any:
    """Return a list with a query."""
    answer = house.get("carrierx", f"{PATH}?{urlencode(query)}")
    assert 200 == answer.status, answer.body
    return answer.json


def sids(body: Any) -> list[str]:
    """Return the ids of a list."""
    return [item["message_sid"] for item in body["items"]]


def test_get(house: House) -> None:
    """A message that is asked for is the SMS object, now with network, price and time."""
    sent = house.send("carrierx")
    house.settle()
    body = house.get("carrierx", f"{PATH}/{sent['message_sid']}").json

    assert list(sent) == list(body)
    assert ("delivered", 310, 410, "0.004") == (
        body["status"],
        body["mcc"],
        body["mnc"],
        body["price"],
    )
    assert body["date_created"] < body["date_status_changed"] == body["date_changed"]


@pytest.mark.parametrize(
    ("message", "changes", "price"),
    [("a" * 161, {}, "0.008"), ("a" * 161, {"media_urls": [PICTURE]}, "0.015")],
)
def test_price(house: House, message: str, changes: dict[str, Any], price: str) -> None:
    """The price is a text in USD, for all segments (object page)."""
    sent = house.send("carrierx", message=message, **changes)
    house.settle()

    assert price == house.get("carrierx", f"{PATH}/{sent['message_sid']}").json["price"]


def test_not_found(house: House) -> None:
    """An unknown id is the 404 that two pages show word for word."""
    answer = house.get("carrierx", f"{PATH}/nothing")

    assert 404 == answer.status
    assert {
        "message": "no item error",
        "errors": [{"field": None, "message": "cannot find item by sid", "reference_sid": None}],
    } == answer.json


def test_list(house: House) -> None:
    """The envelope is that of the pagination page; total is null."""
    ids = [house.send("carrierx")["message_sid"] for _ in range(3)]
    house.settle()
    body = listed(house)

    assert ids[::-1] == sids(body)
    assert house.get("carrierx", f"{PATH}/{ids[2]}").json == body.pop("items")[0]
    assert {
        "count": 3,
        "has_more": False,
        "limit": 10,
        "offset": 0,
        "pagination": {},
        "total": None,
    } == body


def test_list_pages(house: House) -> None:
    """The next page is an absolute URL that keeps the query; the previous one too."""
    ids = [house.send("carrierx")["message_sid"] for _ in range(5)]
    house.settle()
    found, url, pages = [], f"{PATH}?limit=2&filter=status+eq+delivered", []
    while url:
        body = house.get("carrierx", url).json
        pages.append(body)
        found += sids(body)
        link = body["pagination"].get("next", "")
        assert link.startswith(house.sandbox.url if link else "")
        url = urlsplit(link)._replace(scheme="", netloc="").geturl()

    assert ids[::-1] == found
    assert [True, True, False] == [page["has_more"] for page in pages]
    previous = urlsplit(pages[2]["pagination"]["previous"])
    again = house.get("carrierx", f"{previous.path}?{previous.query}").json
    assert sids(pages[1]) == sids(again)


@pytest.fixture
def four(house: House) -> dict[str, str]:
    """Send four messages of different kinds; return their names by id, in the order sent."""
    plan: list[tuple[str, dict[str, Any], int]] = [
        ("13135550101", {"user_data": "my own tag", "message": "a" * 161}, 1),
        ("13135550102", {"message": "it's lost"}, 1),
        ("13135550101", {"media_urls": [PICTURE], "message": ...}, 86_400),
        ("13135550101", {"message": "a" * 1700}, 10),
    ]
    sent = []
    for to, changes, seconds in plan:
        sent.append(house.send("carrierx", to, **changes))
        house.clock.forward(seconds)
    return {body["message_sid"]: name for body, name in zip(sent, "abcd", strict=True)}


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("", "abcd"),
        ("status eq delivered", "acd"),
        ("status ne delivered", "b"),
        ("user_data eq 'my own tag'", "a"),
        ('user_data eq "my own tag"', "a"),
        ('message eq "it\'s lost"', "b"),
        ("user_data ne other", "abcd"),
        ("user_data like 'my%'", "a"),
        ("user_data like 'own'", ""),
        ("user_data like '%own%'", "a"),
        ("to eq 13135550102", "b"),
        ("to_did eq 13135550102", "b"),
        ("from like 1516%", "abcd"),
        ("date_created ge 2026-04-15", "d"),
        ("date_created lt 2026-04-15", "abc"),
        ("date_created gt 2026-04-14T12:00:01.250Z", "cd"),
        ("date_created le 2026-04-14T12:00:01.250Z", "ab"),
        ("message_segments gt 9", "d"),
        ("message_segments eq 1", "bc"),
        ("message_segments lt 12", "abc"),
        ("message_segments eq one", ""),
        ("message_segments eq \u00b2", ""),
        ("mcc like 3%", "abcd"),
        ("type eq mms", "c"),
        ("type eq sms and status eq delivered", "ad"),
        ("type eq sms  and  status eq delivered and user_data like %tag%", "a"),
        ("message eq nothing", ""),
    ],
)
def test_filter(
    house: House, four: dict[str, str], condition: str, found: str, *, legacy: bool
) -> None:
    """Conditions are `field op value`, joined by and (filtering page); either name is known."""
    house.behave(legacy=legacy)

    assert sorted(found) == sorted(four[sid] for sid in sids(listed(house, filter=condition)))


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    ("order", "found"),
    [
        ("", "dcba"),
        ("date_created asc", "abcd"),
        ("to desc", "b"),
        ("to_did desc", "b"),
        ("message_segments desc", "da"),
        ("user_data desc", "a"),
        ("user_data asc", "dcb"),
        ("type", "c"),
    ],
)
def test_order(house: House, four: dict[str, str], order: str, found: str, *, legacy: bool) -> None:
    """An order is a field and a direction (pagination page); numbers are ordered as numbers."""
    house.behave(legacy=legacy)
    names = "".join(four[sid] for sid in sids(listed(house, order=order)))

    assert found == names[: len(found)]


@pytest.mark.usefixtures("four")
def test_shuffle(house: House) -> None:
    """The order may be left to chance: the same messages come."""
    assert sorted(sids(listed(house))) == sorted(sids(listed(house, order="shuffle")))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"offset": -1}, "offset"),
        ({"filter": "status"}, "filter"),
        ({"filter": "status is delivered"}, "filter"),
        ({"filter": "nothing eq delivered"}, "filter"),
        ({"filter": "status eq a or status eq b"}, "filter"),
        ({"filter": "status eq 'a"}, "filter"),
        ({"order": "status upwards"}, "order"),
        ({"order": "nothing asc"}, "order"),
    ],
)
@pytest.mark.usefixtures("four")
def test_list_malformed(house: House, query: dict[str, Any], field: str) -> None:
    """What cannot be understood is a 400 that names the parameter."""
    answer = house.get("carrierx", f"{PATH}?{urlencode(query)}")

    assert (400, field) == (answer.status, answer.json["errors"][0]["field"])


def test_list_lags(house: House) -> None:
    """A list knows a message half to one and a half seconds later, a get at once."""
    sent = house.send("carrierx")

    assert 200 == house.get("carrierx", f"{PATH}/{sent['message_sid']}").status
    house.clock.now = START + 0.49
    assert [] == sids(listed(house))
    house.clock.now = START + 1.51
    assert [sent["message_sid"]] == sids(listed(house))


def test_whoami(house: House) -> None:
    """A credential can be checked; the partner is the one of every message."""
    body = house.get("carrierx", "/core/v2/oauth/whoami").json

    assert house.send("carrierx")["partner_sid"] == body["partner_sid"]
