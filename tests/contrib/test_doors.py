"""What is posted comes through each door as it came, and its answer goes back as it is."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import attrs
import httpx
import pytest

from polysms import Message, Status
from polysms.providers.hearing import LARGEST
from polysms.server import Receiver
from polysms.webhooks import WebhookRequest, address
from tests.contrib.conftest import PREFIX, Answer, Behind, wsgi_django, wsgi_flask
from tests.server.conftest import NUMBER, TABLES, Made, facts
from tests.server.test_receiver import inbound, later, report
from tests.webhooks.forms import FORMS, JSON, PUBLIC, TOKEN

pytestmark = pytest.mark.one_python

SEND = Message(NUMBER, "Your table is ready", key="order-7", tag="orders")


@pytest.mark.parametrize("name", sorted(FORMS))
def test_every_form(bare: Behind, name: str) -> None:
    """Every form, signed over the public address, is heard and answered as its provider expects."""
    form = FORMS[name]
    account = {"wavix": "trusted"}.get(form.provider, form.provider)
    heard = bare.house.listen()

    answer = bare.ask(form.request(bare.house.config.account(account)))

    assert form.answer == (answer.status, answer.content_type, answer.body)
    assert heard


@pytest.mark.parametrize("prefix", ["", "/sms", "/some/where"])
def test_mounted_anywhere(bare: Behind, prefix: str) -> None:
    """Where the door is does not matter: the public address is what was signed."""
    heard = bare.house.listen()
    request = inbound(bare.house)
    moved = attrs.evolve(request, url=prefix + request.url.removeprefix(PUBLIC))

    assert (200, 1) == (bare.ask(moved, prefix).status, len(heard))


def test_address_with_signs(bare: Behind) -> None:
    """An address that was made for one message comes through, whatever signs it has."""
    heard = bare.house.listen()
    account = bare.house.config.account("signalwire")
    request = FORMS["signalwire report"].request(account, reference="~a.b+ä %2F?&=")

    assert (200, 1) == (bare.ask(request).status, len(heard))


def test_hint(kept: Behind) -> None:
    """What is not proved is told as its provider confirms it."""
    heard = kept.house.listen()
    sent = kept.house.send(SEND)
    kept.house.provider.status = "undelivered"

    assert 200 == kept.ask(report(kept.house, "delivered")).status
    kept.house.catch_up()
    assert [(sent.id, "order-7", "orders", "UNDELIVERED")] == [facts(one) for one in heard]
    found = kept.house.ledger.get(str(sent.id))
    assert found is not None
    assert Status.UNDELIVERED is found.status


def changed(request: WebhookRequest, **changes: Any) -> WebhookRequest:
    """Return a request that was changed on its way."""
    return attrs.evolve(request, **changes)


FORGED: dict[str, Callable[[WebhookRequest], WebhookRequest]] = {
    "body": lambda one: changed(one, body=one.body.replace(b"hello", b"jello")),
    "query": lambda one: changed(one, url=f"{one.url}?a=1"),
    "token": lambda one: changed(one, url=one.url[:-1]),
    "account": lambda one: changed(one, url=one.url.replace("signalwire", "nobody")),
    "signature": lambda one: changed(
        one, headers={**one.headers, "x-signalwire-signature": "0" * 40}
    ),
}


@pytest.mark.parametrize("part", FORGED)
def test_forged(bare: Behind, part: str) -> None:
    """What nobody has signed as it is is refused, and nobody is told."""
    heard = bare.house.listen()
    answer = bare.ask(FORGED[part](inbound(bare.house)))

    assert Answer(403, "text/plain; charset=utf-8", b"refused") == answer
    assert [] == heard


@pytest.mark.parametrize("body", [b"", b"{", b'{"status": "sent"}', b"\xff"])
def test_unreadable(bare: Behind, body: bytes) -> None:
    """What cannot be read is refused."""
    url = address(bare.house.config.account("trusted"), PUBLIC)

    assert 400 == bare.ask(WebhookRequest("POST", url, JSON, body)).status


@pytest.mark.parametrize("size", [LARGEST + 1, 4 * LARGEST])
def test_too_large(bare: Behind, size: int) -> None:
    """What is larger than any provider's webhook is refused."""
    url = address(bare.house.config.account("trusted"), PUBLIC)

    assert 413 == bare.ask(WebhookRequest("POST", url, JSON, b" " * size)).status


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("below", ["/", "/wavix", f"/wavix/{TOKEN}", "/nobody/nothing/"])
def test_probe(bare: Behind, method: str, below: str) -> None:
    """A probe of any address is answered, and told nothing."""
    answer = bare.ask(WebhookRequest(method, PREFIX + below, {}))

    assert (200, b"") == (answer.status, answer.body)


def test_not_posted(bare: Behind) -> None:
    """Nothing but posting and probing is allowed."""
    url = address(bare.house.config.account("trusted"), PUBLIC)

    assert 405 == bare.ask(WebhookRequest("PUT", url, JSON, b"{}")).status


def fail(_: object) -> None:
    """Be a function that does not take what it is told."""
    raise RuntimeError("not now")


def test_failing_function_without_a_ledger(bare: Behind) -> None:
    """Without a ledger the provider is to post again what a function did not take."""
    bare.house.receiver.on_inbound(fail)

    assert 500 == bare.ask(inbound(bare.house)).status


def test_failing_function_with_a_ledger(kept: Behind) -> None:
    """With a ledger the answer is the same, and the function is told again."""
    told: list[object] = []

    @kept.house.receiver.on_inbound
    def fragile(message: object) -> None:
        told.append(message)
        if len(told) == 1:
            fail(message)

    assert 200 == kept.ask(inbound(kept.house)).status
    later(kept.house, seconds=6)

    assert (1, 2) == (kept.house.catch_up(), len(told))


def test_ledger_that_fails(kept: Behind, tmp_path: Path) -> None:
    """What could not be kept is not acknowledged."""
    kept.ask(inbound(kept.house))
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        connection.execute("DROP TABLE polysms_events")

    assert 503 == kept.ask(inbound(kept.house)).status


@pytest.mark.parametrize(("source", "status"), [("127.0.0.1", 200), ("192.0.2.1", 403)])
def test_source(
    bare: Behind, made: Made, monkeypatch: pytest.MonkeyPatch, source: str, status: int
) -> None:
    """The door says where a request came from."""
    monkeypatch.setitem(TABLES, "trusted", {**TABLES["trusted"], "sources": [source]})
    house = made(bare.house.kind)

    assert status == Behind(house, bare.door).ask(report(house, account="trusted")).status


def test_nothing_is_logged_that_is_ours(bare: Behind, caplog: pytest.LogCaptureFixture) -> None:
    """No log holds the token of an address, a number or a text."""
    caplog.set_level("DEBUG")
    bare.house.receiver.on_inbound(fail)
    url = address(bare.house.config.account("trusted"), PUBLIC)
    body = {
        "message_id": "m-1",
        "direction": "inbound",
        "from": NUMBER,
        "to": "x",
        "text": "secret",
    }
    for content in (b"{", json.dumps(body).encode()):
        bare.ask(WebhookRequest("POST", url, JSON, content))

    # httpx, in place of the provider, says what it asks.
    said = [one.getMessage() for one in caplog.records if not one.name.startswith("httpx")]
    assert said
    assert not [one for one in said if TOKEN in one or NUMBER in one or "secret" in one]


class Quiet(WSGIRequestHandler):
    """A server that says nothing."""

    def log_message(self, *_: object) -> None: ...


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serve a WSGI app by Python's own server; yield its address."""
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(60)


@pytest.mark.parametrize("app", [wsgi_django, wsgi_flask])
def test_real_server(made: Made, app: Callable[[Receiver], Any]) -> None:
    """Through a real server, which lets no answer speak of its connection, it is the same."""
    house = made("sync")
    heard, genuine = house.listen(), inbound(house)
    forged = FORGED["body"](genuine)
    large = changed(genuine, body=b" " * (LARGEST + 1))
    with serving(app(house.receiver)) as url, httpx.Client(base_url=url, timeout=60) as http:

        def ask(request: WebhookRequest) -> tuple[int, str | None]:
            target, headers = request.target[0], dict(request.headers)
            found = http.request(request.method, target, headers=headers, content=request.body)
            return found.status_code, found.headers.get("content-type")

        plain = "text/plain; charset=utf-8"
        assert [(200, "application/json"), (403, plain), (413, plain)] == [
            ask(one) for one in (genuine, forged, large)
        ]
        assert (200, plain) == ask(changed(genuine, method="HEAD", body=b""))
    assert 1 == len(heard)
