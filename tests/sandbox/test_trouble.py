"""Trouble on demand: by the last digits of the recipient, and by the mode of a provider."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import Any

import pytest

from polysms.sandbox import Behaviour, running
from polysms.sandbox.progress import MAGIC, wish
from tests.sandbox.conftest import (
    PATHS,
    PROVIDERS,
    Answer,
    Clock,
    House,
    encoded,
    headers,
    wait_for,
    wanted,
)

CREATED = {"wavix": 201, "carrierx": 200, "signalwire": 201, "twilio": 201}
LOOK_UP = {
    "wavix": "/v3/messages?type=outbound",
    "carrierx": "/core/v2/sms/messages",
    "signalwire": "/api/messaging/logs",
    "twilio": PATHS["twilio"],
}


def post(house: House, provider: str, last: str = "0101") -> Answer:
    """Return the answer to a send to a number that ends in four digits."""
    return house.post(provider, wanted(provider, f"1313555{last}"))


def accepted(house: House) -> int:
    """Return how many messages the sandbox has accepted."""
    return len(house.sandbox.store.all())


# The words of the documents: Wavix's status list, CarrierX's wrap-up page and (a guess) failed,
# SignalWire's OpenAPI (seed 004), Twilio's OpenAPI.
@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ("0100", ["delivered"] * 4),
        ("0101", ["delivered"] * 4),
        ("0102", ["undelivered"] * 4),
        ("0103", ["rejected", "failed", "failed", "failed"]),
        ("0104", ["expired", "sent", "sent", "sent"]),
    ],
)
def test_endings(house: House, last: str, expected: list[str]) -> None:
    """A recipient may ask for an ending, which is in the provider's word."""
    answers = [post(house, provider, last) for provider in PROVIDERS]
    house.settle()
    now = house.clock.now
    ends = [entry.at(now).status for entry in house.sandbox.store.all()]

    assert list(CREATED.values()) == [answer.status for answer in answers]
    assert expected == ends


def error(code: str, message: str, attribute: str | None, kind: str) -> dict[str, Any]:
    """Return a 422 of SignalWire's shape (seed 004)."""
    url = f"https://developer.signalwire.com/rest/overview/error-codes/#{code}"
    item = {"type": kind, "code": code, "message": message, "attribute": attribute, "url": url}
    return {"errors": [item]}


def errors(title: str, message: str, field: str | None = None) -> dict[str, Any]:
    """Return a refusal of CarrierX's shape (responses page)."""
    item = {"field": field, "message": message, "reference_sid": None}
    return {"message": title, "errors": [item]}


def no(message: str) -> dict[str, Any]:
    """Return a refusal of Wavix's shape (OpenAPI)."""
    return {"success": False, "message": message}


def coded(code: int, status: int, message: str) -> dict[str, Any]:
    """Return a refusal of Twilio's shape (the official package's exceptions)."""
    info = f"https://www.twilio.com/docs/errors/{code}"
    return {"code": code, "message": message, "more_info": info, "status": status}


INVALID = "The 'To' number is not a valid phone number."
UNPROCESSABLE = "Object validation error"
REFUSALS: list[tuple[str, str, int, Any, str | None]] = [
    ("0105", "wavix", 422, no("Destination number is invalid or is not a mobile number"), None),
    ("0105", "carrierx", 422, errors(UNPROCESSABLE, "invalid phone number", "to"), None),
    (
        "0105",
        "signalwire",
        422,
        error("invalid_to_number", "Invalid to number.", "to", "validation_error"),
        None,
    ),
    ("0106", "wavix", 422, no("The recipient has unsubscribed"), None),
    ("0106", "carrierx", 422, errors(UNPROCESSABLE, "the recipient has opted out", "to"), None),
    (
        "0106",
        "signalwire",
        422,
        error("number_blacklisted", "Number blacklisted.", "to", "validation_error"),
        None,
    ),
    ("0107", "wavix", 422, no("Insufficient balance"), None),
    ("0107", "carrierx", 422, errors(UNPROCESSABLE, "insufficient balance"), None),
    (
        "0107",
        "signalwire",
        422,
        error(
            "insufficient_balance_to_send_message",
            "Insufficient balance to send message.",
            None,
            "account_error",
        ),
        None,
    ),
    ("0108", "wavix", 429, no("Only 10 SMS per second allowed"), "1"),
    ("0108", "carrierx", 429, errors("Too Many Requests", "too many requests"), "1"),
    (
        "0108",
        "signalwire",
        429,
        error("rate_limit_exceeded", "Rate limit exceeded.", None, "account_error"),
        "1",
    ),
    ("0111", "wavix", 503, no("Service temporarily unavailable"), "1"),
    ("0111", "carrierx", 503, errors("Service Unavailable", "service unavailable"), "1"),
    ("0111", "signalwire", 503, {"error": "Service Unavailable"}, "1"),
    ("0112", "wavix", 503, no("Service temporarily unavailable"), None),
    ("0112", "carrierx", 503, errors("Service Unavailable", "service unavailable"), None),
    ("0112", "signalwire", 503, {"error": "Service Unavailable"}, None),
    ("0105", "twilio", 400, coded(21211, 400, INVALID), None),
    ("0106", "twilio", 400, coded(21610, 400, "Attempt to send to unsubscribed recipient"), None),
    ("0107", "twilio", 400, coded(30002, 400, "Account suspended"), None),
    ("0108", "twilio", 429, coded(20429, 429, "Too Many Requests"), "1"),
    ("0111", "twilio", 503, coded(20503, 503, "Service unavailable"), "1"),
    ("0112", "twilio", 503, coded(20503, 503, "Service unavailable"), None),
]


@pytest.mark.parametrize("row", REFUSALS, ids=[f"{row[0]}-{row[1]}" for row in REFUSALS])
def test_refusals(house: House, row: tuple[str, str, int, Any, str | None]) -> None:
    """A recipient may ask to be refused, in the provider's own shape; nothing is accepted."""
    last, provider, status, body, retry_after = row
    answer = post(house, provider, last)

    assert (status, body) == (answer.status, answer.json)
    assert retry_after == answer.headers.get("retry-after")
    assert 0 == accepted(house)


@pytest.mark.parametrize(
    ("provider", "body"),
    [
        ("wavix", no("Internal server error")),
        ("carrierx", errors("Internal Server Error", "internal server error")),
        ("signalwire", {"error": "Internal Server Error"}),
        ("twilio", coded(20500, 500, "Internal Server Error")),
    ],
)
def test_broken_after_accepting(house: House, provider: str, body: Any) -> None:
    """0109: the message is accepted, and the answer is a 500."""
    answer = post(house, provider, "0109")

    assert (500, body, 1) == (answer.status, answer.json, accepted(house))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_html(house: House, provider: str) -> None:
    """0114: the message is accepted, and the answer is a page."""
    answer = post(house, provider, "0114")

    assert (CREATED[provider], 1) == (answer.status, accepted(house))
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.body.startswith(b"<!doctype html>")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_empty(house: House, provider: str) -> None:
    """0115: the message is accepted, and the answer says nothing."""
    answer = post(house, provider, "0115")

    assert (CREATED[provider], {}, 1) == (answer.status, answer.json, accepted(house))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_cut(house: House, provider: str) -> None:
    """0116: the message is accepted, and the connection ends in the middle of the JSON."""
    with pytest.raises(http.client.IncompleteRead) as caught:
        post(house, provider, "0116")

    assert caught.value.partial.startswith(b'{"')
    assert caught.value.expected == pytest.approx(len(caught.value.partial), abs=1)
    assert 1 == accepted(house)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_dropped(house: House, provider: str) -> None:
    """0113: the message is accepted, and the connection is closed without a word."""
    with pytest.raises(http.client.RemoteDisconnected):
        post(house, provider, "0113")

    assert 1 == accepted(house)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_hanging(house: House, provider: str) -> None:
    """0110: the message is accepted, and the answer never comes; the client may leave."""
    connection = http.client.HTTPConnection(*house.address, timeout=0.3)
    body = encoded(provider, wanted(provider, "13135550110"))
    connection.request("POST", PATHS[provider], body, headers(provider))
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()

    assert 1 == accepted(house)
    assert 200 == house.ask("GET", "/_sandbox/health").status


def test_hanging_is_bounded() -> None:
    """What hangs is closed after a while."""
    clock = Clock()
    with running(behaviour=Behaviour(clock=clock, hang_seconds=0.05)) as sandbox:
        house = House(sandbox, clock)
        with pytest.raises(http.client.RemoteDisconnected):
            post(house, "wavix", "0110")


def test_hanging_ends_with_the_sandbox() -> None:
    """What hangs is closed when the sandbox stops."""
    clock = Clock()
    with running(behaviour=Behaviour(clock=clock)) as sandbox:
        house = House(sandbox, clock)
        connection = http.client.HTTPConnection(*house.address, timeout=20)
        body = json.dumps(wanted("wavix", "13135550110"))
        connection.request("POST", PATHS["wavix"], body, headers("wavix"))
        wait_for(lambda: accepted(house))

    with pytest.raises((ConnectionError, http.client.HTTPException)):
        connection.getresponse()
    connection.close()


@pytest.mark.parametrize(
    ("mode", "statuses", "taken"),
    [
        ("ok", (201, 200, 201, 201), 1),
        ("refuse", (403, 403, 422, 400), 0),
        ("limited", (429, 429, 429, 429), 0),
        ("error", (500, 500, 500, 500), 1),
    ],
)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_modes(
    house: House, provider: str, mode: str, statuses: tuple[int, ...], taken: int
) -> None:
    """A whole provider may be told to do something, whoever the recipient is."""
    house.behave(provider=provider, mode=mode)
    others = [name for name in PROVIDERS if name != provider]

    assert statuses[PROVIDERS.index(provider)] == post(house, provider).status
    assert taken == accepted(house)
    assert [CREATED[name] for name in others] == [post(house, name).status for name in others]


def test_mode_hang(house: House) -> None:
    """A provider may be told to hang: look-ups go on, so that the message can be found."""
    house.behave(provider="wavix", mode="hang")
    connection = http.client.HTTPConnection(*house.address, timeout=0.3)
    connection.request("POST", PATHS["wavix"], json.dumps(wanted("wavix")), headers("wavix"))
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
    house.settle()

    assert 1 == len(house.get("wavix", LOOK_UP["wavix"]).json["items"])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_mode_down(house: House, provider: str) -> None:
    """A provider may be down, for every request: the connection is closed, nothing accepted."""
    house.behave(provider=provider, mode="down")
    tries: list[Callable[[], Answer]] = [
        lambda: post(house, provider),
        lambda: house.get(provider, LOOK_UP[provider]),
    ]
    for one in tries:
        with pytest.raises(http.client.RemoteDisconnected):
            one()

    assert 0 == accepted(house)
    assert 200 == house.ask("GET", "/_sandbox/health").status


def test_the_mode_wins() -> None:
    """What a provider is told to do comes before what the recipient asks for."""
    assert ["limited", "invalid_number", "delivered"] == [
        wish("+13135550105", "limited"),
        wish("+13135550105", "ok"),
        wish("+13135550101", "ok"),
    ]


def test_every_number_is_tried() -> None:
    """Every number that asks for trouble stands in a test of this module."""
    tried = {"0102", "0103", "0104", "0109", "0110", "0113", "0114", "0115", "0116"}

    assert set(MAGIC) == tried | {row[0] for row in REFUSALS}
