"""Reports of a message's progress, posted to this machine: their shapes, their order, their tries.

The signature is computed here from its description, not with the sandbox's own code.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs
import pytest

from polysms.sandbox.callbacks import Record, is_loopback
from tests.sandbox.conftest import PROJECT, House, basic, wait_for

PICTURE = "https://example.com/menu.png"
REFUSED = "refused: the sandbox posts to http on loopback addresses only"


@attrs.frozen
class Posted:
    """One callback that came."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


@attrs.frozen
class Receiver:
    """A server that notes what is posted to it, and answers what it is told, else 200."""

    url: str
    posted: list[Posted] = attrs.field(factory=list)
    answers: list[bytes] = attrs.field(factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Run a server for callbacks."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            head = found.answers.pop(0) if found.answers else b"HTTP/1.1 200 OK"
            found.posted.append(Posted(self.path, dict(self.headers), body))
            self.wfile.write(head + b"\r\nContent-Length: 0\r\n\r\n" if head else b"")

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Receiver(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def records(house: House, count: int) -> tuple[Record, ...]:
    """Return what the sandbox noted of its callbacks, as soon as there are so many."""
    wait_for(lambda: len(house.sandbox.callbacks.records()) >= count)
    return house.sandbox.callbacks.records()


def words(house: House, count: int) -> list[str]:
    """Return the statuses of the callbacks tried."""
    return [record.word for record in records(house, count)]


def test_wavix(house: House, receiver: Receiver) -> None:
    """Two delivery reports, when sent and at the end, in the OpenAPI's words."""
    sent = house.send("wavix", callback_url=f"{receiver.url}/dlr?a=b", tag="Fall sale")
    house.settle()

    assert ["sent", "delivered"] == words(house, 2)
    first, last = (each.json for each in receiver.posted)
    assert "/dlr?a=b" == receiver.posted[0].path
    assert "application/json" == receiver.posted[0].headers["Content-Type"]
    assert (None, True) == (first.pop("delivered"), first["sent"] < last.pop("delivered"))
    moment = first.pop("sent")
    assert moment == last.pop("sent")
    assert len("2026-04-14T12:00:00Z") == len(moment)
    assert {
        "message_id": sent["message_id"],
        "message_type": "sms",
        "from": "+13137890021",
        "to": "+13135550101",
        "status": "sent",
        "segments_count": 1,
        "charge": "0.01",
        "carrier_fees": "0.003",
        "tag": "Fall sale",
        "error": None,
    } == first
    assert {**first, "status": "delivered"} == last


@pytest.mark.parametrize(
    ("to", "expected", "error"),
    [
        ("13135550102", ["sent", "undelivered"], "Message rejected by the far-end carrier"),
        ("13135550103", ["rejected"], "Gateway rejected the message"),
        ("13135550104", ["expired"], "Message validity period expired"),
    ],
)
def test_wavix_failures(
    house: House, receiver: Receiver, to: str, expected: list[str], error: str
) -> None:
    """A failure is reported with its text; what was never sent is reported once."""
    house.send("wavix", to, callback_url=receiver.url)
    house.settle()

    assert expected == words(house, len(expected))
    assert error == receiver.posted[-1].json["error"]


def test_wavix_account(house: House, receiver: Receiver) -> None:
    """The account's address holds for what names none of its own (delivery-reports page)."""
    house.behave(provider="wavix", callback_url=f"{receiver.url}/account")
    house.send("wavix", "13135550103")
    house.send("wavix", "13135550103", callback_url=f"{receiver.url}/own")
    house.settle()
    records(house, 2)

    assert {"/account", "/own"} == {each.path for each in receiver.posted}


def test_carrierx(house: House, receiver: Receiver) -> None:
    """The whole object is posted, on sent and again on delivered (wrap-up page)."""
    house.behave(provider="carrierx", callback_url=receiver.url)
    sent = house.send("carrierx", user_data="my own")
    house.settle()

    assert ["sent", "delivered"] == words(house, 2)
    assert ["sent", "delivered"] == [each.json["status"] for each in receiver.posted]
    later = house.get("carrierx", f"/core/v2/sms/messages/{sent['message_sid']}").json
    assert later == receiver.posted[-1].json


def test_carrierx_legacy(house: House, receiver: Receiver) -> None:
    """Legacy accounts see the old names in callbacks too."""
    house.behave(provider="carrierx", callback_url=receiver.url, legacy=True)
    house.send("carrierx")
    house.settle()
    records(house, 2)

    assert "13135550101" == receiver.posted[0].json["to_did"]


def test_carrierx_without_address(house: House, receiver: Receiver) -> None:
    """Without an address of the account nothing is posted, and no field names one."""
    house.send("carrierx", callback_url=receiver.url)
    house.send("wavix", "13135550103", callback_url=receiver.url)
    house.settle()

    assert ["rejected"] == words(house, 1)


def test_signalwire(house: House, receiver: Receiver) -> None:
    """Each change of state is posted with the ten keys of the TypeSpec, and the variables."""
    sent = house.send(
        "signalwire", status_callback=f"{receiver.url}/status", custom_variables={"id": "12345"}
    )
    house.settle()

    assert ["initiated", "sent", "delivered"] == words(house, 3)
    last = receiver.posted[-1].json
    assert last.pop("timestamp").startswith("2026-04-14T12:00:0")
    assert {
        "id": sent["id"],
        "project_id": PROJECT,
        "status": "delivered",
        "to": "+13135550101",
        "from": "+15559876543",
        "body": "Hello",
        "number_of_segments": 1,
        "error_code": None,
        "error_message": None,
        "custom_variables": {"id": "12345"},
    } == last


def test_signalwire_without_variables(house: House, receiver: Receiver) -> None:
    """Variables are there only if some were sent; a failure has its code."""
    house.send("signalwire", "13135550103", status_callback=receiver.url)
    house.settle()
    records(house, 2)
    last = receiver.posted[-1].json

    assert ("failed", "unable_to_deliver_to_carrier") == (last["status"], last["error_code"])
    assert "custom_variables" not in last


def test_signalwire_mms(house: House, receiver: Receiver) -> None:
    """An MMS ends at sent (webhooks page)."""
    house.send("signalwire", media=[PICTURE], status_callback=receiver.url)
    house.send("signalwire", status_callback=receiver.url)
    house.settle()

    assert ["delivered", "initiated", "initiated", "sent", "sent"] == sorted(words(house, 5))


@pytest.mark.parametrize("path", ["/status", "/status?a=b", "", "//x"])
def test_signature(house: House, receiver: Receiver, path: str) -> None:
    """Scheme A: the hex HMAC-SHA1 of the URL as it was given and the raw body."""
    house.behave(signing_key="PSKtest1234567890abcdef")
    url = receiver.url + path
    house.send("signalwire", "13135550103", status_callback=url)
    house.settle()
    records(house, 2)
    posted = receiver.posted[0]
    signed = hmac.new(b"PSKtest1234567890abcdef", url.encode() + posted.body, hashlib.sha1)

    assert signed.hexdigest() == posted.headers["X-SignalWire-Signature"]


def test_user_and_password(house: House, receiver: Receiver) -> None:
    """User and password of a URL are sent as a header; the URL is signed with them."""
    url = receiver.url.replace("http://", "http://me%40x:se%3Acret@")
    house.send("signalwire", "13135550103", status_callback=url)
    house.settle()
    records(house, 2)
    posted = receiver.posted[0]
    key = house.sandbox.behaviour.signing_key.encode()

    assert basic("me@x", "se:cret") == posted.headers["Authorization"]
    assert receiver.url.removeprefix("http://") == posted.headers["Host"]
    assert hmac.compare_digest(
        hmac.new(key, url.encode() + posted.body, hashlib.sha1).hexdigest(),
        posted.headers["X-SignalWire-Signature"],
    )


@pytest.mark.parametrize(
    ("provider", "field", "tries"),
    [("wavix", "callback_url", 1), ("signalwire", "status_callback", 3)],
)
def test_tries(house: House, receiver: Receiver, provider: str, field: str, tries: int) -> None:
    """SignalWire tries three times (webhook-errors page), Wavix once; then it is lost."""
    receiver.answers.extend([b"HTTP/1.1 500 Oops"] * tries)
    house.send(provider, **{field: receiver.url})
    house.settle()
    found = records(house, tries + 1)[: tries + 1]

    assert [*range(1, tries + 1), 1] == [record.number for record in found]
    assert [500] * tries + [200] == [record.answer for record in found]


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1", b"nonsense"])
def test_no_answer(house: House, receiver: Receiver, answer: bytes) -> None:
    """An answer that is none is noted, and does not stop the next report."""
    receiver.answers.append(answer)
    house.send("wavix", callback_url=receiver.url)
    house.settle()
    first, second = records(house, 2)

    assert (None, True) == (first.answer, (first.error or "").startswith("no answer: "))
    assert ("delivered", 200, None) == (second.word, second.answer, second.error)


def test_slow_answer(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that does not come in time is noted, and not awaited for ever."""
    monkeypatch.setattr("polysms.sandbox.callbacks._TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        house.send("wavix", "13135550103", callback_url=url)
        house.settle()
        (record,) = records(house, 1)

    assert (None, "no answer in time") == (record.answer, record.error)


def test_nobody_there(house: House) -> None:
    """An address where nothing listens is noted."""
    house.send("wavix", "13135550103", callback_url="http://127.0.0.1:9/")
    house.settle()
    (record,) = records(house, 1)

    assert (None, "no answer: ConnectionRefusedError") == (record.answer, record.error)


@pytest.mark.parametrize("url", ["http://example.com/", "http://192.0.2.1/", "https://127.0.0.1/"])
def test_loopback_only(house: House, url: str) -> None:
    """No callback leaves this machine: the refusal is noted, once, and nothing is looked up."""
    sent = house.send("signalwire", "13135550103", status_callback=url)
    house.settle()
    found = records(house, 2)

    assert [
        Record(message_id=sent["id"], word=word, url=url, number=1, answer=None, error=REFUSED)
        for word in ("initiated", "failed")
    ] == list(found)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("localhost.example.com", False),
        ("", False),
    ],
)
def test_what_loopback_is(host: str, expected: bool) -> None:  # noqa: FBT001 - a table
    """Loopback is an address of this machine, or the one name that stands for it."""
    assert expected is is_loopback(host)


def test_forgotten_in_between(house: House, receiver: Receiver) -> None:
    """What is under way at a reset is not noted after it."""
    receiver.answers.extend([b"HTTP/1.1 500 Oops"] * 3)
    house.send("signalwire", status_callback=receiver.url)
    house.clock.forward(0.5)
    records(house, 1)
    house.ask("POST", "/_sandbox/reset")
    house.send("wavix", "13135550103", callback_url=receiver.url)
    house.settle()
    wait_for(lambda: len(receiver.posted) >= 4)

    assert ["rejected"] == words(house, 1)


def test_forgotten(house: House, receiver: Receiver) -> None:
    """After a reset nothing is reported of what was sent before."""
    house.send("wavix", callback_url=f"{receiver.url}/old")
    house.ask("POST", "/_sandbox/reset")
    house.settle()
    house.send("wavix", "13135550103", callback_url=f"{receiver.url}/new")
    house.settle()
    records(house, 1)

    assert ["/new"] == [each.path for each in receiver.posted]
