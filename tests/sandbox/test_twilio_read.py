"""Twilio's look-ups, as its documents say them: messages, pages, redaction, account, numbers."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.sandbox.conftest import ACCOUNT, PATHS, Answer, House, basic, headers

HOME = f"/2010-04-01/Accounts/{ACCOUNT}"
DAY = 86_400


def listed(house: House, **query: Any) -> Any:
    """Return a page of messages; a name that ends in _ is given its sign."""
    signs = {"DateSentBefore": "DateSent<", "DateSentAfter": "DateSent>"}
    named = {signs.get(name, name): value for name, value in query.items()}
    answer = house.get("twilio", f"{PATHS['twilio']}?{urlencode(named)}")
    assert 200 == answer.status, answer.body
    return answer.json


def sids(page: Any) -> list[str]:
    """Return the ids of a page."""
    return [item["sid"] for item in page["messages"]]


def changed(house: House, uri: str, form: bytes) -> Answer:
    """Return the answer to a change of a message."""
    return house.ask("POST", uri, form, headers("twilio"))


@pytest.mark.parametrize(
    ("to", "status", "code", "text"),
    [
        ("13135550101", "delivered", None, None),
        ("13135550102", "undelivered", 30003, "Unreachable destination handset"),
        ("13135550103", "failed", 30007, "Message filtered"),
    ],
)
def test_fetch(house: House, to: str, status: str, code: int | None, text: str | None) -> None:
    """A message is read back, with what it cost once it was sent and what went wrong."""
    sent = house.send("twilio", to)
    house.settle()
    found = house.get("twilio", sent["uri"]).json
    was_sent = status != "failed"

    assert (status, code, text) == (found["status"], found["error_code"], found["error_message"])
    assert ("-0.00790" if was_sent else None) == found["price"]
    assert was_sent is (found["date_sent"] is not None)
    assert set(sent) == set(found)


@pytest.mark.parametrize("key", [None, basic("AC" + "1" * 32, "token")])
def test_not_found(house: House, key: str | None) -> None:
    """What is unknown, or another account's, is a 404."""
    uri = house.send("twilio")["uri"] if key else f"{HOME}/Messages/SM1.json"
    other = uri.replace(ACCOUNT, "AC" + "1" * 32) if key else uri
    answer = house.get("twilio", other, key)

    assert (404, 20404, 404) == (answer.status, answer.json["code"], answer.json["status"])


@pytest.fixture
def three(house: House) -> list[str]:
    """Send three messages, a day apart; return their ids, newest first."""
    sent = []
    for to in ("13135550120", "13135550121", "13135550121"):
        sent.append(house.send("twilio", to)["sid"])
        house.clock.forward(DAY)
    return sent[::-1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [0, 1, 2]),
        ({"To": "+13135550121"}, [0, 1]),
        ({"From": "+15559876543"}, [0, 1, 2]),
        ({"From": "12345"}, []),
        ({"DateSent": "2026-04-15"}, [1]),
        ({"DateSent": "2026-04-15T00:00:00Z"}, [1]),
        ({"DateSent": "9999-12-31"}, []),
        # On and before, on and after (OpenAPI).
        ({"DateSentBefore": "2026-04-15"}, [1, 2]),
        ({"DateSentBefore": "2026-04-15T11:00:00Z"}, [2]),
        ({"DateSentBefore": "9999-12-31"}, [0, 1, 2]),
        ({"DateSentAfter": "2026-04-15"}, [0, 1]),
        ({"DateSentAfter": "2026-04-15T13:00:00Z"}, [0]),
        ({"DateSentAfter": "2026-04-15", "DateSentBefore": "2026-04-15"}, [1]),
        ({"PageSize": "2"}, [0, 1]),
    ],
)
def test_filters(house: House, three: list[str], query: dict[str, str], found: list[int]) -> None:
    """Every filter of the OpenAPI document is played."""
    assert found == [three.index(sid) for sid in sids(listed(house, **query))]


def test_waiting_has_no_day(house: House) -> None:
    """What was not sent yet is on no day."""
    sid = house.send("twilio")["sid"]
    house.clock.forward(0.5)
    waiting = listed(house, DateSentAfter="2026-04-01")
    house.settle()

    assert [] == sids(waiting)
    assert [sid] == sids(listed(house, DateSentAfter="2026-04-01"))


def test_pages(house: House) -> None:
    """``next_page_uri`` leads through all pages and back, whatever is sent meanwhile."""
    sent = [house.send("twilio")["sid"] for _ in range(5)][::-1]
    house.settle()
    pages = [listed(house, PageSize=2, To="+13135550101")]
    house.send("twilio")
    house.settle()
    for way in ("next_page_uri", "next_page_uri", "previous_page_uri"):
        pages.append(house.get("twilio", pages[-1][way]).json)

    assert [sent[:2], sent[2:4], sent[4:], sent[2:4]] == [sids(page) for page in pages]
    assert [None, None] == [pages[0]["previous_page_uri"], pages[2]["next_page_uri"]]
    assert (1, 2, 2, 3) == tuple(pages[1][name] for name in ("page", "page_size", "start", "end"))
    assert all(page["first_page_uri"].startswith(PATHS["twilio"]) for page in pages)


@pytest.mark.parametrize(
    "query",
    [
        {"PageSize": "0"},
        {"PageSize": "1001"},
        {"Page": "-1"},
        {"PageToken": "x"},
        {"DateSent": "soon"},
    ],
)
def test_malformed(house: House, query: dict[str, str]) -> None:
    """A page or a day that makes no sense is a 400."""
    house.send("twilio")
    house.settle()
    answer = house.get("twilio", f"{PATHS['twilio']}?{urlencode(query)}")

    assert (400, 20001) == (answer.status, answer.json["code"])


def test_redaction(house: House) -> None:
    """An empty text takes the text away (OpenAPI)."""
    sent = house.send("twilio")
    house.settle()

    assert (200, "") == (
        (answer := changed(house, sent["uri"], b"Body=")).status,
        answer.json["body"],
    )
    assert "" == house.get("twilio", sent["uri"]).json["body"]


def test_redaction_needs_an_empty_text(house: House) -> None:
    """Another text is refused, and the message keeps its own."""
    sent = house.send("twilio")
    house.settle()

    assert [400, 400] == [changed(house, sent["uri"], form).status for form in (b"Body=x", b"")]
    assert "Hello" == house.get("twilio", sent["uri"]).json["body"]


def test_under_way(house: House) -> None:
    """What is on its way cannot be redacted or deleted (a guess: 409)."""
    uri = house.send("twilio")["uri"]
    answers = [
        changed(house, uri, b"Body="),
        house.ask("DELETE", uri, headers=headers("twilio")),
    ]

    assert [(409, 20009)] * 2 == [(one.status, one.json["code"]) for one in answers]


def test_deletion(house: House) -> None:
    """A message at its end can be deleted."""
    uri = house.send("twilio")["uri"]
    house.settle()
    answer = house.ask("DELETE", uri, headers=headers("twilio"))

    assert (204, b"") == (answer.status, answer.body)
    assert 404 == house.get("twilio", uri).status


def test_account(house: House) -> None:
    """The account says of itself what it is; its token is not shown."""
    answer = house.get("twilio", f"{HOME}.json").json

    assert (ACCOUNT, "active", "Full") == (answer["sid"], answer["status"], answer["type"])
    assert answer["auth_token"] is None
    assert f"{HOME}/Balance.json" == answer["subresource_uris"]["balance"]


def test_balance(house: House) -> None:
    """The balance is a text, beside its currency (the package's example)."""
    assert {
        "account_sid": ACCOUNT,
        "balance": "25.00",
        "currency": "USD",
    } == house.get("twilio", f"{HOME}/Balance.json").json


def test_numbers(house: House) -> None:
    """The numbers of an account are listed in pages, and each is shown alone."""
    first = house.get("twilio", f"{HOME}/IncomingPhoneNumbers.json?PageSize=2").json
    last = house.get("twilio", first["next_page_uri"]).json
    found = [*first["incoming_phone_numbers"], *last["incoming_phone_numbers"]]
    only = house.get("twilio", f"{HOME}/IncomingPhoneNumbers.json?PhoneNumber=%2B13135550190").json[
        "incoming_phone_numbers"
    ]

    assert ["+13135550100", "+13135550190", "+18005550100"] == [n["phone_number"] for n in found]
    assert [found[1]] == only
    assert {"voice": True, "sms": False, "mms": False, "fax": False} == only[0]["capabilities"]
    assert found[0] == house.get("twilio", found[0]["uri"]).json
    assert 404 == house.get("twilio", f"{HOME}/IncomingPhoneNumbers/PN1.json").status


def test_short_codes(house: House) -> None:
    """Short codes are a list of their own (OpenAPI)."""
    (code,) = house.get("twilio", f"{HOME}/SMS/ShortCodes.json").json["short_codes"]

    assert ("12345", "SC") == (code["short_code"], code["sid"][:2])
    assert code == house.get("twilio", code["uri"]).json
    empty = house.get("twilio", f"{HOME}/SMS/ShortCodes.json?ShortCode=54321").json
    assert [] == empty["short_codes"]


@pytest.mark.parametrize(
    ("number", "fields", "valid", "line"),
    [
        ("+13135550123", "", True, None),
        ("+13135550123", "line_type_intelligence", True, "mobile"),
        ("+13135550105", "line_type_intelligence", False, None),
        ("nonsense", "", False, None),
    ],
)
def test_lookup(house: House, number: str, fields: str, valid: bool, line: str | None) -> None:  # noqa: FBT001
    """What is no number is answered too, and called invalid (the package's examples)."""
    answer = house.get("twilio", f"/v2/PhoneNumbers/{number}?Fields={fields}")
    found = answer.json

    assert (200, valid, number) == (answer.status, found["valid"], found["phone_number"])
    assert line == (found["line_type_intelligence"] or {}).get("type")
    assert (None if valid else ["INVALID_BUT_POSSIBLE"]) == found["validation_errors"]
    assert 401 == house.get("twilio", f"/v2/PhoneNumbers/{number}", basic("", "")).status
