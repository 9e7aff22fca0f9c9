"""Wavix's sender IDs, filtered opt-outs and export, as its documents have them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sandbox.conftest import Answer, House, headers

HYPHENS = "/v3/messages/sender-ids"
UNDERSCORES = "/v3/messages/sender_ids"
OPTOUTS = "/v3/messages/opt-outs"
OLD_OPTOUTS = "/v3/messages/opt_outs"
GOOD = {
    "sender_id": "Acme",
    "type": "alphanumeric",
    "countries": ["GB", "FR"],
    "usecase": "promo",
    "monthly_volume": "1-1000",
    "samples": ["Hello"],
}


def told(house: House, path: str, body: Any) -> Answer:
    """Return the answer to a POST; bytes are sent as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return house.ask("POST", path, raw, headers("wavix"))


def senders(house: House) -> Any:
    """Return the senders that are listed."""
    return house.get("wavix", HYPHENS).json["items"]


@pytest.mark.parametrize(
    ("path", "created", "dropped"), [(HYPHENS, 201, 200), (UNDERSCORES, 200, 204)]
)
def test_life_of_a_sender(house: House, path: str, created: int, dropped: int) -> None:
    """Each spelling of the path has the statuses of the documents that spell it so."""
    made = told(house, path, GOOD)
    assert created == made.status
    identity = made.json["id"]
    expected = {
        "id": identity,
        "sender_id": "Acme",
        "type": "alphanumeric",
        "allowlisted_in": ["GB", "FR"],
        "usecase": "promo",
        "samples": ["Hello"],
    }
    assert expected == made.json
    assert expected == house.get("wavix", f"{path}/{identity}").json
    assert [expected] == house.get("wavix", path).json["items"]

    gone = house.ask("DELETE", f"{path}/{identity}", headers=headers("wavix"))
    assert (dropped, dropped == 204) == (gone.status, gone.body == b"")
    assert [] == senders(house)
    assert 404 == house.get("wavix", f"{path}/{identity}").status
    assert 404 == house.ask("DELETE", f"{path}/{identity}", headers=headers("wavix")).status


def test_sample_of_the_guide(house: House) -> None:
    """Seed 000 sends no use case, and gets the number back as it was."""
    made = told(
        house, UNDERSCORES, {"sender_id": "13135550188", "countries": ["US"], "type": "numeric"}
    )
    assert ("13135550188", ["US"]) == (made.json["sender_id"], made.json["allowlisted_in"])


def test_country_with_a_review(house: House) -> None:
    """It is not in the list at once; reset forgets the sender."""
    made = told(house, HYPHENS, {**GOOD, "countries": ["GB", "IN"]})
    assert ["GB"] == made.json["allowlisted_in"]
    house.sandbox.reset()
    assert [] == senders(house)


@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ({"sender_id": "Ab"}, 400, "sender_id"),
        ({"sender_id": "TwelveLetter"}, 400, "sender_id"),
        ({"sender_id": "12345"}, 400, "sender_id"),
        ({"sender_id": "Ac.me"}, 400, "sender_id"),
        ({"sender_id": None}, 400, "sender_id"),
        ({"sender_id": "Acme", "type": "numeric"}, 400, "sender_id"),
        ({"sender_id": "13135550198", "type": "numeric"}, 422, "your account"),
        ({"type": "shortcode"}, 400, "type"),
        ({"type": []}, 400, "type"),
        ({"countries": []}, 400, "countries"),
        ({"countries": "GB"}, 400, "countries"),
        ({"countries": ["gb"]}, 400, "countries"),
        ({"countries": [5]}, 400, "countries"),
        ({"countries": ["GB", "US"]}, 400, "cannot be allow listed in US"),
        ({"usecase": "fun"}, 400, "usecase"),
        ({"monthly_volume": 5}, 400, "monthly_volume"),
        ({"samples": "Hello"}, 400, "samples"),
        ({"samples": [""]}, 400, "samples"),
        ({"more": 1}, 400, "sender_id"),
    ],
)
def test_what_is_no_sender(house: House, changes: dict[str, Any], status: int, word: str) -> None:
    """The rules of seeds 000 and 002 and of the schema; nothing is registered."""
    refused = told(house, HYPHENS, {**GOOD, **changes})
    assert (status, False) == (refused.status, refused.json["success"])
    assert word in refused.json["message"]
    assert [] == senders(house)


@pytest.mark.parametrize("body", [b"", b"{", [], 5, None])
def test_what_is_no_object(house: House, body: Any) -> None:
    """A body that is no object is a 400."""
    assert 400 == told(house, HYPHENS, body).status


@pytest.mark.parametrize("path", [HYPHENS, UNDERSCORES])
@pytest.mark.parametrize(
    ("country", "kind", "free"),
    [
        ("GB", "alphanumeric", True),
        ("US", "alphanumeric", False),
        ("CA", "alphanumeric", False),
        ("IN", "alphanumeric", False),
        ("US", "numeric", True),
    ],
)
def test_restrictions(house: House, path: str, country: str, kind: str, free: bool) -> None:  # noqa: FBT001 - a row
    """Whether a sender can be registered without a review."""
    answer = house.get("wavix", f"{path}/restrictions?country={country}&type={kind}")
    assert (200, {"self_service": free}) == (answer.status, answer.json)


@pytest.mark.parametrize("query", ["", "country=GB", "type=numeric", "country=gb&type=numeric"])
def test_restrictions_need_both(house: House, query: str) -> None:
    """All parameters are required (seed 000)."""
    assert 400 == house.get("wavix", f"{UNDERSCORES}/restrictions?{query}").status


@pytest.mark.parametrize("path", [HYPHENS, UNDERSCORES, OPTOUTS, OLD_OPTOUTS])
def test_key_is_wanted(house: House, path: str) -> None:
    """Without a key nobody is heard; an account that may not write is refused."""
    for method in ("GET", "POST"):
        assert 401 == house.ask(method, path, b"{}").status
    assert 401 == house.ask("GET", f"{HYPHENS}/restrictions").status
    assert 401 == house.ask("GET", "/v3/messages/all?type=outbound").status
    house.behave(provider="wavix", mode="refuse")
    assert 403 == told(house, path, GOOD).status


@pytest.mark.parametrize("path", [OPTOUTS, OLD_OPTOUTS])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"opt_out": {"number": "13135550101", "sender_id": "Acme"}}, 201),
        ({"phone_number": "+13135550101", "sender_id": "Acme"}, 204),
    ],
)
def test_both_forms_of_an_optout(house: House, path: str, body: Any, status: int) -> None:
    """Wrapped (OpenAPI) and flat (seed 000) are the same opt-out, in either spelling."""
    answer = told(house, path, body)
    assert (status, status == 204) == (answer.status, answer.body == b"")
    (item,) = house.get("wavix", path).json["items"]
    assert ("13135550101", "Acme") == (item["phone_number"], item["sender_id"])


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 3),
        ("sender_id=Acme", 1),
        ("sender_id=%2B13137890021", 1),
        ("sender_id=Other", 0),
        ("campaign_id=C1", 0),
        ("created_after=2026-04-14", 3),
        ("created_after=2026-04-15", 1),
        ("created_before=2026-04-14", 2),
        ("created_before=2026-04-13", 0),
    ],
)
def test_filters_of_optouts(house: House, query: str, count: int) -> None:
    """By sender and by day, both days included."""
    for sender in ("Acme", None):
        told(house, OPTOUTS, {"opt_out": {"number": "13135550101", "sender_id": sender}})
    house.clock.forward(86_400)
    told(house, OPTOUTS, {"opt_out": {"number": "13135550102", "sender_id": "13137890021"}})
    assert count == len(house.get("wavix", f"{OPTOUTS}?{query}").json["items"])


@pytest.mark.parametrize("query", ["created_after=x", "created_before=2026-02-30", "page=0"])
def test_wrong_filters_of_optouts(house: House, query: str) -> None:
    """What is no day is a 400."""
    told(house, OPTOUTS, {"opt_out": {"number": "13135550101"}})
    assert 400 == house.get("wavix", f"{OPTOUTS}?{query}").status


def exported(house: House, query: str) -> Any:
    """Return the messages of an export."""
    answer = house.get("wavix", f"/v3/messages/all?type=outbound&{query}")
    assert 200 == answer.status, answer.body
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert answer.body.endswith(b"\n") or not answer.body
    return [json.loads(line) for line in answer.body.splitlines()]


def test_export(house: House) -> None:
    """Every message on a line of its own, as it stands in the list."""
    for last in range(3):
        house.send("wavix", f"1313555012{last}", message_body={"text": "two\nlines"})
    house.settle()
    listed = house.get("wavix", "/v3/messages?type=outbound").json["items"]
    assert 3 == len(listed)
    assert listed == exported(house, "")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("sent_after=2026-04-14T12:00:00", 1),
        ("sent_after=2026-04-14T12:00:01", 0),
        ("sent_before=2026-04-14T12:00:00", 1),
        ("sent_before=2026-04-14T11:59:59", 0),
        ("tag=t", 1),
        ("tag=other", 0),
        ("status=delivered", 1),
        ("message_type=mms", 0),
    ],
)
def test_filters_of_the_export(house: House, query: str, count: int) -> None:
    """Those of the list, its times to the second."""
    house.send("wavix", tag="t")
    house.settle()
    assert count == len(exported(house, query))


@pytest.mark.parametrize(
    "query",
    [
        "",
        "type=sms",
        "type=outbound&sent_after=2026-04-14",
        "type=outbound&sent_after=2026-04-14T12:00:00Z",
        "type=outbound&sent_after=2026-04-14T12:00:00%2B00:00",
        "type=outbound&sent_after=2026-04-14%2012:00:00",
        "type=outbound&status=fine",
    ],
)
def test_wrong_filters_of_the_export(house: House, query: str) -> None:
    """The direction is required, and a time has no zone (OpenAPI)."""
    assert 400 == house.get("wavix", f"/v3/messages/all?{query}").status
