"""The default transport's own way to its connections: what is reused, what is closed, who looks on.

What an exchange's evidence is worth on it, the fault table tells (``test_evidence.py``).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from polysms import Client, MaybeSent, Message, NotSent, RateLimited
from polysms.client import pooled
from tests.clients import WAVIX, accepted
from tests.faults import ACCEPTED, FAULTS, FaultServer, Talk, answering, plain

MESSAGE = Message("+13135550123", "Your table is ready")
#: Seconds: long enough for a busy machine, and for the far end of a connection to be noticed.
PATIENCE = 15.0
NOTICED = 1.0


def _serving(talk: Talk) -> None:
    """Take every message of a connection."""
    for _ in range(10):
        talk.process()
        talk.answer("201 Created", ACCEPTED)
        talk.again()


def _slowly(talk: Talk) -> None:
    talk.process()
    talk.server.stopping.wait(0.3)
    talk.answer("201 Created", ACCEPTED)


SERVING = plain(_serving)


@pytest.fixture
def client() -> Iterator[Callable[..., Client]]:
    """Return a function that makes a client of one Wavix account; all are closed at the end."""
    made: list[Client] = []

    def make(url: str, **account: Any) -> Client:
        made.append(Client({"accounts": {"wavix": {**WAVIX, "base_url": url, **account}}}))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_connection_is_used_again(
    client: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sends and look-ups, one after the other, share one connection, and each gives it back."""
    monkeypatch.setattr(pooled, "MOST", 1)
    with FaultServer(SERVING) as server:
        sms = client(server.url)
        delivery = sms.send(MESSAGE)
        sms.fetch(delivery)
        sms.send(MESSAGE)
        assert 1 == len(server._connections)  # noqa: SLF001 - what it has accepted


def test_each_host_has_its_own() -> None:
    """A connection to one host is never used for another, and is kept while another is asked."""
    with FaultServer(SERVING) as one, FaultServer(SERVING) as other:
        accounts = {
            name: {**WAVIX, "base_url": server.url}
            for name, server in {"one": one, "other": other}.items()
        }
        with Client({"accounts": accounts}) as sms:
            for name in ("one", "other", "one", "other"):
                sms.send(MESSAGE, via=name)
            assert [1, 1] == [len(server._connections) for server in (one, other)]  # noqa: SLF001


def test_answer_that_is_not_read_to_its_end(client: Callable[..., Client]) -> None:
    """What is left of one answer is never taken for the next one: the connection is closed."""
    with FaultServer(FAULTS["five_megabytes"]) as server:
        sms = client(server.url)
        for _ in range(2):
            with pytest.raises(MaybeSent, match="too long") as raised:
                sms.send(MESSAGE)
            assert raised.value.delivery is not None
            assert 1 == len(raised.value.delivery.attempts)
        assert 2 == len(server._connections)  # noqa: SLF001


def test_at_once(client: Callable[..., Client]) -> None:
    """Sends in several threads never share a connection at one time."""
    with FaultServer(plain(_slowly)) as server, ThreadPoolExecutor(5) as pool:
        sms = client(server.url)
        sent = list(pool.map(lambda _: sms.send(MESSAGE), range(5)))
        assert 5 == len(server._connections)  # noqa: SLF001
    assert ["m-1"] * 5 == [delivery.provider_id for delivery in sent]


def test_no_more_than_so_many(
    client: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where all connections are in use, one more waits in vain: our saturation, surely not sent."""
    monkeypatch.setattr(pooled, "MOST", 1)
    taken = threading.Event()

    def hang(talk: Talk) -> None:
        talk.process()
        taken.set()
        talk.hang()

    with FaultServer(plain(hang)) as server, ThreadPoolExecutor(1) as pool:
        sms = client(server.url, timeouts={"pool": 0.05, "read": 1.0})
        first = pool.submit(sms.send, MESSAGE)
        assert taken.wait(PATIENCE)
        with pytest.raises(NotSent) as raised:
            sms.send(MESSAGE)
        assert "us" == raised.value.fault
        with pytest.raises(MaybeSent):
            first.result(PATIENCE)
        # Its place is free again.
        with pytest.raises(MaybeSent):
            sms.send(MESSAGE)


def test_what_has_rested_is_closed(client: Callable[..., Client]) -> None:
    """A connection that its server has ended is closed when another one is given back."""
    with FaultServer(FAULTS["none"]) as ended, FaultServer(SERVING) as server:
        transport = pooled.PooledTransport()
        accounts = {
            name: {**WAVIX, "base_url": one.url}
            for name, one in {"ended": ended, "good": server}.items()
        }
        with Client({"accounts": accounts}, transport=transport) as sms:
            sms.send(MESSAGE, via="ended")
            time.sleep(NOTICED)
            sms.send(MESSAGE, via="good")
            assert 1 == len(transport._idle._kept)  # noqa: SLF001


def test_no_more_are_kept_than_so_many(
    client: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a rush only a few connections stay open."""
    monkeypatch.setattr(pooled, "MOST_IDLE", 2)
    barrier = threading.Barrier(5)

    def together(talk: Talk) -> None:
        talk.process()
        barrier.wait(PATIENCE)
        talk.answer("201 Created", ACCEPTED)
        talk.again()
        talk.process()

    with FaultServer(plain(together)) as server, ThreadPoolExecutor(5) as pool:
        sms = client(server.url)
        list(pool.map(lambda _: sms.send(MESSAGE), range(5)))
        transport: Any = sms._transports.of(sms.config.account("wavix"))  # noqa: SLF001
        assert 2 == len(transport._idle._kept)  # noqa: SLF001


def test_closing_while_a_message_is_sent(client: Callable[..., Client]) -> None:
    """A send that has begun ends as if nobody had closed; then its connection is closed too."""
    taken = threading.Event()

    def slow(talk: Talk) -> None:
        talk.process()
        taken.set()
        talk.server.stopping.wait(0.3)
        talk.answer("201 Created", ACCEPTED)

    with FaultServer(plain(slow)) as server, ThreadPoolExecutor(1) as pool:
        sms = client(server.url)
        transport: Any = sms._transports.of(sms.config.account("wavix"))  # noqa: SLF001
        sending = pool.submit(sms.send, MESSAGE)
        assert taken.wait(PATIENCE)
        sms.close()
        assert "m-1" == sending.result(PATIENCE).provider_id
        assert [] == transport._idle._kept  # noqa: SLF001


def test_whoever_looks_on_is_asked(
    client: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recorder, tracer or mock in httpx's transport sees every request, as one of httpx's own."""
    asked: list[httpx.Request] = []

    def mocked(_: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return accepted()

    sms = client("http://127.0.0.1:9")
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", mocked)
    sms.send(MESSAGE)
    assert ["/v3/messages"] == [request.url.path for request in asked]


def test_headers_said_twice(client: Callable[..., Client]) -> None:
    """A header that comes twice is read as one, as HTTP wants it; its name in any case."""
    twice = answering("429 Too Many", extra="Retry-After: 1\r\nRETRY-AFTER: 2\r\n")
    with FaultServer(twice) as server, pytest.raises(RateLimited) as raised:
        client(server.url).send(MESSAGE)
    assert raised.value.retry_after is None
