"""Wavix's opt-outs: told, listed, and kept to (OpenAPI)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sandbox.conftest import KEYS, Answer, House, headers, wanted

PATH = "/v3/messages/opt-outs"
NUMBER = "13135550101"


def told(house: House, body: Any) -> Answer:
    """Return the answer to an opt-out; bytes are sent as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return house.ask("POST", PATH, raw, headers("wavix"))


def items(house: House, query: str = "") -> Any:
    """Return the opt-outs that are listed."""
    answer = house.get("wavix", PATH + query)
    assert 200 == answer.status, answer.body
    return answer.json["items"]


@pytest.mark.parametrize("number", [NUMBER, f"+{NUMBER}"])
def test_opt_out_of_every_sender(house: House, number: str) -> None:
    """Without a sender it is of all of them: nothing more is sent to the number."""
    answer = told(house, {"opt_out": {"number": number}})

    assert (201, {"success": True}) == (answer.status, answer.json)
    refused = house.post("wavix", wanted("wavix", NUMBER))
    assert (422, "The recipient has unsubscribed") == (refused.status, refused.json["message"])
    assert house.send("wavix", "13135550122")
    (item,) = items(house)
    assert (NUMBER, None, None) == (item["phone_number"], item["sender_id"], item["campaign_id"])


def test_opt_out_of_one_sender(house: House) -> None:
    """With a sender it is of that one."""
    told(house, {"opt_out": {"number": NUMBER, "sender_id": "13137890021"}})

    assert 422 == house.post("wavix", wanted("wavix", NUMBER)).status
    assert house.send("wavix", NUMBER, from_="+13137890022")


def test_told_twice(house: House) -> None:
    """An opt-out that is known is taken, and listed once; reset forgets it."""
    for _ in range(2):
        assert 201 == told(house, {"opt_out": {"number": NUMBER}}).status
    assert 1 == len(items(house))

    house.sandbox.reset()
    assert [] == items(house)


def test_pages(house: House) -> None:
    """The list is paged as the others are."""
    for last in range(5):
        told(house, {"opt_out": {"number": f"1313555012{last}"}})

    assert 2 == len(items(house, "?per_page=2&page=2"))
    assert 1 == len(items(house, "?per_page=2&page=3"))
    assert 400 == house.get("wavix", f"{PATH}?per_page=0").status


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        [],
        {},
        {"number": NUMBER},
        {"opt_out": NUMBER},
        {"opt_out": {}},
        {"opt_out": {"number": "abc"}},
        {"opt_out": {"number": NUMBER, "sender": "x"}},
        {"opt_out": {"number": NUMBER, "sender_id": 5}},
    ],
)
def test_what_is_no_opt_out(house: House, body: Any) -> None:
    """What the schema forbids is a 400 in Wavix's shape, and nothing is noted."""
    answer = told(house, body)

    assert (400, False) == (answer.status, answer.json["success"])
    assert [] == items(house)


def test_key_is_wanted(house: House) -> None:
    """Without a key nobody is heard, and with one whose account may not, nothing is noted."""
    body = json.dumps({"opt_out": {"number": NUMBER}}).encode()
    assert 401 == house.ask("POST", PATH, body).status
    assert 401 == house.ask("GET", PATH).status
    house.behave(provider="wavix", mode="refuse")
    assert 403 == house.ask("POST", PATH, body, {"Authorization": KEYS["wavix"]}).status
    assert [] == items(house)
