"""The control API: what the phones got, and how the sandbox behaves."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Scope

from polysms.sandbox import Behaviour, create_app
from tests.sandbox.conftest import PROVIDERS, House, wait_for

BEHAVIOUR = {
    "speed": 1.0,
    "wrapped": False,
    "legacy": False,
    "disorder": False,
    "signing_key": "PSKsandbox0000000000",
    "modes": {},
    "losses": {},
    "slowness": {},
    "callback_urls": {},
}


def asked(house: House, path: str) -> Any:
    """Return what the control API says."""
    answer = house.ask("GET", f"/_sandbox/{path}")
    assert 200 == answer.status, answer.body
    return answer.json


def test_health(house: House) -> None:
    """The sandbox says that it is there, and how many messages it holds."""
    house.send("wavix")

    assert {"status": "ok", "messages": 1} == asked(house, "health")


def test_messages(house: House) -> None:
    """What the phones got stands in order, whatever the provider, with the request as it came."""
    sent = [house.send(provider) for provider in PROVIDERS]
    house.settle()
    body = asked(house, "messages")

    assert len(PROVIDERS) == body["total"]
    assert list(PROVIDERS) == [item["provider"] for item in body["items"]]
    assert {
        "provider": "signalwire",
        "id": sent[2]["id"],
        "from": "+15559876543",
        "to": "+13135550101",
        "group": [],
        "kind": "sms",
        "text": "Hello",
        "media": [],
        "segments": 1,
        "status": "delivered",
        "accepted_at": "2026-04-14T12:00:00.250Z",
        "request": {"from": "+15559876543", "to": "+13135550101", "body": "Hello"},
    } == body["items"][2]


@pytest.mark.parametrize(
    ("to", "found"),
    [
        ("13135550101", ["wavix", "signalwire"]),
        ("%2B13135550101", ["wavix", "signalwire"]),
        ("13135550120", ["carrierx"]),
        ("13135550121", ["carrierx"]),
        ("13135550122", []),
    ],
)
def test_messages_to(house: House, to: str, found: list[str]) -> None:
    """One phone's messages: with or without plus, those of a group included."""
    house.send("wavix")
    house.send("carrierx", "13135550120", type="mms", group_recipients=["13135550121"])
    house.send("signalwire")

    items = asked(house, f"messages?to={to}")["items"]
    assert found == [item["provider"] for item in items]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [1, 2, 3, 4]),
        ("offset=1&limit=2", [2, 3]),
        ("offset=4", []),
        ("limit=1000", [1, 2, 3, 4]),
    ],
)
def test_pages(house: House, query: str, found: list[int]) -> None:
    """An answer is bounded: offset and limit lead through the rest."""
    for number in (1, 2, 3, 4):
        house.send("signalwire", body=str(number))
    body = asked(house, f"messages?{query}")

    assert (found, 4) == ([int(item["text"]) for item in body["items"]], body["total"])


@pytest.mark.parametrize("query", ["offset=-1", "limit=0", "limit=1001", "limit=x"])
@pytest.mark.parametrize("path", ["messages", "callbacks"])
def test_bad_pages(house: House, path: str, query: str) -> None:
    """A page that makes no sense is a 400."""
    answer = house.ask("GET", f"/_sandbox/{path}?{query}")

    assert 400 == answer.status
    assert {"error": "offset is from 0 on, limit from 1 to 1000"} == answer.json


def test_callbacks(house: House) -> None:
    """Every callback stands there, the refused ones too."""
    sent = house.send("wavix", "13135550103", callback_url="http://example.com/")
    house.settle()
    wait_for(lambda: asked(house, "callbacks")["total"])

    assert {
        "items": [
            {
                "message_id": sent["message_id"],
                "word": "rejected",
                "url": "http://example.com/",
                "number": 1,
                "answer": None,
                "error": "refused: the sandbox posts to http on loopback addresses only",
            }
        ],
        "total": 1,
    } == asked(house, "callbacks")


@pytest.mark.parametrize(
    ("wishes", "changed"),
    [
        ([], {}),
        ([{"speed": 20}], {"speed": 20}),
        ([{"wrapped": True, "legacy": True}], {"wrapped": True, "legacy": True}),
        ([{"signing_key": "PSKnew"}], {"signing_key": "PSKnew"}),
        ([{"provider": "wavix", "mode": "hang"}], {"modes": {"wavix": "hang"}}),
        (
            [{"provider": "wavix", "loses": 0.3}, {"slower": 2}],
            {"losses": {"wavix": 0.3}, "slowness": dict.fromkeys(PROVIDERS, 2)},
        ),
        ([{"provider": "wavix", "loses": 0.3}, {"provider": "wavix", "loses": None}], {}),
        ([{"mode": "down"}], {"modes": dict.fromkeys(PROVIDERS, "down")}),
        (
            [{"mode": "down"}, {"provider": "carrierx", "mode": "ok"}],
            {"modes": {**dict.fromkeys(PROVIDERS, "down"), "carrierx": "ok"}},
        ),
        (
            [{"provider": "wavix", "callback_url": "http://127.0.0.1:9/a"}],
            {"callback_urls": {"wavix": "http://127.0.0.1:9/a"}},
        ),
        (
            [
                {"provider": "wavix", "callback_url": "http://127.0.0.1:9/a"},
                {"provider": "wavix", "callback_url": None},
            ],
            {},
        ),
    ],
)
def test_behaviour(house: House, wishes: list[dict[str, Any]], changed: dict[str, Any]) -> None:
    """What is named is changed, all else stays; a reset takes it all back."""
    answers = [house.behave(**wish) for wish in wishes]

    assert all(answer.status == 200 for answer in answers)
    assert {**BEHAVIOUR, **changed} == asked(house, "behaviour")
    assert BEHAVIOUR == house.ask("POST", "/_sandbox/reset").json
    assert BEHAVIOUR == asked(house, "behaviour")


@pytest.mark.parametrize(
    ("wishes", "word"),
    [
        (b"", ""),
        (b"[]", "write a JSON object"),
        (b'{"colour": "red"}', "unknown: colour"),
        (b'{"clock": 1}', "unknown: clock"),
        (b'{"speed": 0}', "speed"),
        (b'{"speed": "fast"}', "speed"),
        (b'{"speed": NaN}', "NaN"),
        (b'{"speed": 1e400}', "speed"),
        (b'{"mode": "asleep"}', "modes"),
        (b'{"provider": "acme", "mode": "down"}', "acme"),
        (b'{"provider": "wavix", "loses": 2}', "losses"),
        (b'{"provider": "wavix", "slower": -1}', "slowness"),
        (b'{"provider": ["wavix"], "mode": "down"}', ""),
        (b'{"provider": "signalwire", "callback_url": "http://127.0.0.1/"}', "callback_urls"),
        (b'{"provider": "wavix", "callback_url": "file:///etc"}', "callback_urls"),
        (b'{"provider": "wavix", "callback_url": 7}', "callback_urls"),
        (b'{"wrapped": "yes"}', "wrapped"),
        (b'{"signing_key": ""}', "signing_key"),
    ],
)
def test_bad_behaviour(house: House, wishes: bytes, word: str) -> None:
    """What makes no sense is a 400 that says what, and changes nothing."""
    answer = house.ask("POST", "/_sandbox/behaviour", wishes)

    assert 400 == answer.status
    assert word in answer.json["error"]
    assert BEHAVIOUR == asked(house, "behaviour")


def test_reset(house: House) -> None:
    """After a reset nothing is left, and no id comes twice."""
    first = house.send("wavix")["message_id"]
    house.ask("POST", "/_sandbox/reset")

    assert {"items": [], "total": 0} == asked(house, "messages")
    assert {"items": [], "total": 0} == asked(house, "callbacks")
    assert 404 == house.get("wavix", f"/v3/messages/{first}").status
    assert first != house.send("wavix")["message_id"]


def test_long_body(house: House) -> None:
    """More than 64 KiB is a 413."""
    assert 413 == house.ask("POST", "/_sandbox/behaviour", b" " * (64 * 1024 + 1)).status


@pytest.mark.parametrize("client", [None, ("192.0.2.7", 4711), ("::ffff:192.0.2.7", 4711)])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/_sandbox/health"),
        ("GET", "/_sandbox/messages"),
        ("GET", "/_sandbox/callbacks"),
        ("GET", "/_sandbox/behaviour"),
        ("POST", "/_sandbox/behaviour"),
        ("POST", "/_sandbox/reset"),
    ],
)
def test_loopback_only(method: str, path: str, client: tuple[str, int] | None) -> None:
    """Only this machine may look in and give orders."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [],
        "client": client,
    }

    async def ask() -> None:
        await create_app(Behaviour())(scope, receive, send)

    asyncio.run(ask())

    assert 403 == sent[0]["status"]
