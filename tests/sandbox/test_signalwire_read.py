"""SignalWire's logs and the redaction of a message."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.sandbox.conftest import START, Answer, House, basic, headers

PATH = "/api/messaging/messages"
LOGS = "/api/messaging/logs"
DAY = 86_400


def logs(house: House, **query: Any) -> Any:
    """Return a page of logs."""
    answer = house.get("signalwire", f"{LOGS}?{urlencode(query)}")
    assert 200 == answer.status, answer.body
    return answer.json


def ids(page: Any) -> list[str]:
    """Return the ids of a page."""
    return [item["id"] for item in page["data"]]


def redact(house: House, identity: str, body: Any, key: str | None = None) -> Answer:
    """Return the answer to a redaction."""
    raw = json.dumps(body).encode()
    return house.ask("PATCH", f"{PATH}/{identity}", raw, headers("signalwire", key))


def test_log(house: House) -> None:
    """A log has neither body nor media (TypeSpec); all its other keys are there."""
    sent = house.send("signalwire", body="a" * 161)
    house.settle()

    assert {
        "id": sent["id"],
        "from": "+15559876543",
        "to": "+13135550101",
        "status": "delivered",
        "direction": "outbound",
        "kind": "sms",
        "source": "realtime_api",
        "type": "relay_message",
        "url": None,
        "number_of_segments": 2,
        "charge": 0.0083,
        "charge_details": [{"description": "Outbound SMS", "charge": 0.0083}],
        "created_at": "2026-04-14T12:00:00Z",
        "error_message": None,
        "error_code": None,
    } == house.get("signalwire", sent["message_uri"]).json


def test_early_log(house: House) -> None:
    """A message costs nothing before it was sent."""
    sent = house.send("signalwire")
    body = house.get("signalwire", sent["message_uri"]).json

    assert ("queued", 0.0, []) == (body["status"], body["charge"], body["charge_details"])


@pytest.mark.parametrize(
    ("to", "status", "code", "text"),
    [
        (
            "13135550102",
            "undelivered",
            "unreachable_destination_handset",
            "The handset is unreachable.",
        ),
        (
            "13135550103",
            "failed",
            "unable_to_deliver_to_carrier",
            "Unable to deliver to the carrier.",
        ),
    ],
)
def test_log_of_a_failure(house: House, to: str, status: str, code: str, text: str) -> None:
    """A failure has a code of the error-codes page and a text."""
    sent = house.send("signalwire", to)
    house.settle()
    body = house.get("signalwire", sent["message_uri"]).json

    assert (status, code, text) == (body["status"], body["error_code"], body["error_message"])


@pytest.mark.parametrize("key", [None, basic("another", "token")])
def test_not_found(house: House, key: str | None) -> None:
    """What is unknown, or another project's, is a 404 (TypeSpec)."""
    identity = house.send("signalwire")["id"] if key else "nothing"
    answers = [
        house.get("signalwire", f"{LOGS}/{identity}", key),
        redact(house, identity, {"body": ""}, key),
    ]

    assert [(404, {"error": "Not Found"})] * 2 == [(each.status, each.json) for each in answers]


def test_logs_of_one_project(house: House) -> None:
    """A list shows only what the project itself has sent."""
    house.send("signalwire")
    house.settle()

    assert [] == house.get("signalwire", LOGS, basic("another", "token")).json["data"]


@pytest.fixture
def three(house: House) -> list[str]:
    """Send three messages, a day apart; return their ids, newest first."""
    sent = []
    for _ in range(3):
        sent.append(house.send("signalwire")["id"])
        house.clock.forward(DAY)
    return sent[::-1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [0, 1, 2]),
        ({"include_deleted": "true"}, [0, 1, 2]),
        ({"created_after": "2026-04-15"}, [0, 1]),
        ({"created_after": "2026-04-15T12:00:01Z"}, [0]),
        ({"created_after": "2026-04-15T14:00:01+02:00"}, [0]),
        ({"created_before": "2026-04-15"}, [2]),
        ({"created_before": "2026-04-15T12:00:01"}, [1, 2]),
        ({"created_on": "2026-04-15"}, [1]),
        ({"created_on": "2026-04-15T10:00:00Z"}, [1]),
        ({"created_on": "2026-04-15", "created_after": "2026-04-16"}, []),
        ({"created_on": "9999-12-31"}, []),
        ({"page_size": "2"}, [0, 1]),
        ({"page_size": "1000", "page_number": "0"}, [0, 1, 2]),
    ],
)
def test_logs(house: House, three: list[str], query: dict[str, str], found: list[int]) -> None:
    """Every filter of the TypeSpec is played, by time only; newest first."""
    assert found == [three.index(identity) for identity in ids(logs(house, **query))]


def test_logs_show_what_log_shows(house: House) -> None:
    """A log in a list is the log that is asked for."""
    sent = house.send("signalwire")
    house.settle()

    assert [house.get("signalwire", sent["message_uri"]).json] == logs(house)["data"]


def test_pages(house: House) -> None:
    """``next`` leads through all pages and ``prev`` back, whatever is sent meanwhile."""
    sent = [house.send("signalwire")["id"] for _ in range(5)][::-1]
    house.settle()
    pages = [logs(house, page_size=2, created_after="2026-04-01")]
    house.send("signalwire")
    house.settle()
    for way in ("next", "next", "prev"):
        pages.append(house.get("signalwire", pages[-1]["links"][way]).json)

    assert [sent[:2], sent[2:4], sent[4:], sent[2:4]] == [ids(page) for page in pages]
    assert [
        {"self", "first", "next"},
        {"self", "first", "next", "prev"},
        {"self", "first", "prev"},
    ] == [set(page["links"]) for page in pages[:3]]
    assert pages[1] == house.get("signalwire", pages[1]["links"]["self"]).json


@pytest.mark.parametrize(
    ("query", "code", "attribute"),
    [
        ({"page_size": "0"}, "invalid_parameter", "page_size"),
        ({"page_size": "1001"}, "invalid_parameter", "page_size"),
        ({"page_number": "-1"}, "invalid_parameter", "page_number"),
        ({"page_number": "1"}, "page_token_required", "page_token"),
        ({"page_token": "PAx"}, "page_token_is_invalid", "page_token"),
        ({"include_deleted": "maybe"}, "not_a_boolean", "include_deleted"),
        ({"created_after": "soon"}, "not_a_datetime", "created_after"),
        ({"created_before": "0001-01-01T00:00:00+14:00"}, "not_a_datetime", "created_before"),
        ({"created_on": ""}, "not_a_datetime", "created_on"),
    ],
)
def test_logs_malformed(house: House, query: dict[str, str], code: str, attribute: str) -> None:
    """A page or a time that makes no sense is a 422."""
    answer = house.get("signalwire", f"{LOGS}?{urlencode(query)}")
    (error,) = answer.json["errors"]

    assert (422, code, attribute) == (answer.status, error["code"], error["attribute"])


def test_logs_lag(house: House) -> None:
    """The list knows a message half to one and a half seconds later, its log is there at once."""
    sent = house.send("signalwire")

    assert 200 == house.get("signalwire", sent["message_uri"]).status
    house.clock.now = START + 0.49
    assert [] == ids(logs(house))
    house.clock.now = START + 1.51
    assert [sent["id"]] == ids(logs(house))


@pytest.mark.parametrize(
    ("to", "body", "expected"),
    [
        ("13135550101", {"body": ""}, None),
        ("13135550102", {"body": ""}, None),
        ("13135550103", {"body": ""}, None),
        ("13135550104", {"body": ""}, ("cannot_redact_in_progress_message", "base")),
        ("13135550101", {"body": "x"}, ("body_must_be_empty", "body")),
        ("13135550101", {"body": None}, ("body_must_be_empty", "body")),
        ("13135550101", {}, ("body_must_be_empty", "body")),
        ("13135550101", {"body": "", "to": "+13135550120"}, ("body_must_be_empty", "body")),
    ],
)
def test_redaction(house: House, to: str, body: Any, expected: tuple[str, str] | None) -> None:
    """A redaction is exactly an empty body, of a message that is at its end (TypeSpec)."""
    sent = house.send("signalwire", to)
    house.settle()
    answer = redact(house, sent["id"], body)
    errors = [(each["code"], each["attribute"]) for each in answer.json.get("errors", [])]

    assert ((200, []) if expected is None else (422, [expected])) == (answer.status, errors)


def test_redaction_too_early(house: House) -> None:
    """What is queued cannot be redacted (TypeSpec)."""
    sent = house.send("signalwire")

    assert 422 == redact(house, sent["id"], {"body": ""}).status


def test_redacted(house: House) -> None:
    """The body is an empty text from then on (seed 004)."""
    sent = house.send("signalwire")
    house.settle()
    answers = [redact(house, sent["id"], {"body": ""}).json for _ in range(2)]

    assert [{**sent, "body": "", "status": "delivered"}] * 2 == answers
    (kept,) = house.sandbox.store.all()
    assert "" == kept.draft.text


def test_redaction_needs_json(house: House) -> None:
    """A redaction that is no JSON object is a 400."""
    sent = house.send("signalwire")

    assert 400 == redact(house, sent["id"], []).status
