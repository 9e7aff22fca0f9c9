"""Threads, forks, event loops, cancellation, closing: a client's life."""

from __future__ import annotations

import asyncio
import os
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from polysms import AsyncClient, Client, ConfigError, Message, NotSent, Status
from polysms.errors import MaybeSent
from tests.clients import WAVIX, Both, accepted, answering

Make = Callable[..., Both]
MESSAGE = Message("+13135550123", "x")
ANSWER = accepted().content


class _Wavix(BaseHTTPRequestHandler):
    """Accepts every message, with keep-alive, and counts connections."""

    protocol_version = "HTTP/1.1"
    connections: set[object]
    wait = 0.0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        type(self).connections.add(self.client_address)
        time.sleep(type(self).wait)
        self.send_response(201)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    """Keeps all that come at once waiting, instead of letting some knock again."""

    request_queue_size = 64


@pytest.fixture
def wavix() -> Iterator[tuple[dict[str, Any], type[_Wavix]]]:
    """Return a configuration that reaches a real loopback server, and the server's handler."""
    handler = type("Handler", (_Wavix,), {"connections": set()})
    server = _Server(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    base_url = f"http://127.0.0.1:{server.server_port}"
    yield {"accounts": {"wavix": {**WAVIX, "base_url": base_url}}}, handler
    server.shutdown()
    thread.join()
    server.server_close()


def test_one_client_serves_many_threads(wavix: tuple[dict[str, Any], type[_Wavix]]) -> None:
    """Eight threads share one client: every send has a delivery of its own."""
    with Client(wavix[0]) as client, ThreadPoolExecutor(8) as pool:
        deliveries = list(pool.map(lambda _: client.send(MESSAGE), range(80)))
    assert 80 == len({delivery.id for delivery in deliveries})
    assert {Status.QUEUED} == {delivery.status for delivery in deliveries}
    assert 1 <= len(wavix[1].connections) <= 8


def test_threads_make_one_transport() -> None:
    """Threads that send at once for the first time share the transport that is made."""
    made: list[object] = []

    def make() -> httpx.BaseTransport:
        time.sleep(0.02)
        transport, _ = answering(*[accepted() for _ in range(16)])
        made.append(transport)
        return transport

    config = {"accounts": {"wavix": WAVIX}}
    with Client(config, transport=make) as client, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: client.send(MESSAGE), range(16)))
    assert 1 == len(made)


def _in_child(work: Callable[[], Any]) -> Any:
    """Fork, do the work in the child and return its result; the child touches nothing else."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            result: Any = work()
        except BaseException as error:  # noqa: BLE001 - told to the parent
            result = error
        os.write(write, pickle.dumps(result))
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read, "rb") as pipe:
        return pickle.loads(pipe.read())  # noqa: S301 - our own child wrote it


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_child_opens_connections_of_its_own(wavix: tuple[dict[str, Any], type[_Wavix]]) -> None:
    """After a fork parent and child never share a connection, and both go on sending."""
    with Client(wavix[0]) as client:
        client.send(MESSAGE)
        before = set(wavix[1].connections)
        status = _in_child(lambda: client.send(MESSAGE).status)
        assert Status.QUEUED is status
        assert 1 == len(wavix[1].connections - before)
        client.send(MESSAGE)
        assert 2 == len(wavix[1].connections)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_fork_while_a_thread_sends(wavix: tuple[dict[str, Any], type[_Wavix]]) -> None:
    """A lock that another thread held at the fork does not stop the child."""
    wavix[1].wait = 0.2
    with Client(wavix[0]) as client:
        sending = threading.Thread(target=client.send, args=(MESSAGE,))
        sending.start()
        time.sleep(0.05)
        assert Status.QUEUED is _in_child(lambda: client.send(MESSAGE).status)
        sending.join()


def test_own_transport_does_not_cross_a_fork() -> None:
    """A transport of the caller's own is refused in a child, with the remedy."""
    transport, _ = answering(accepted())
    with Client({"accounts": {"wavix": WAVIX}}, transport=transport) as client:
        error = _in_child(lambda: client.send(MESSAGE))
    assert isinstance(error, ConfigError)
    assert "fork" in str(error)


def test_transport_by_account(make: Make) -> None:
    """A mapping gives some accounts a transport of their own."""
    transport, asked = answering(accepted())
    client = make(transport={"wavix": transport})
    client.send(MESSAGE)
    assert 1 == len(asked)


def test_closed_client_says_so(make: Make) -> None:
    """Closing twice is harmless; sending afterwards is a clear error, and nothing is sent."""
    transport, asked = answering(accepted())
    client = make(transport=transport)
    client.close()
    if client.kind == "sync":
        client.close()
        with pytest.raises(ConfigError, match="closed"):
            client.send(MESSAGE)
    assert [] == asked


def test_context_managers_close() -> None:
    """Both clients close at the end of a with block."""
    with Client({"accounts": {"wavix": WAVIX}}) as client:
        pass
    with pytest.raises(ConfigError, match="closed"):
        client.send(MESSAGE)

    async def use() -> AsyncClient:
        async with AsyncClient({"accounts": {"wavix": WAVIX}}) as client:
            pass
        with pytest.raises(ConfigError, match="closed"):
            await client.send(MESSAGE)
        return client

    asyncio.run(use())


def test_async_client_lives_in_one_loop() -> None:
    """Use from another event loop is a clear error."""
    transport, _ = answering(accepted())
    client = AsyncClient({"accounts": {"wavix": WAVIX}}, transport=transport)
    asyncio.run(client.send(MESSAGE))
    with pytest.raises(ConfigError, match="event loop"):
        asyncio.run(client.send(MESSAGE))


def test_cancelled_send_tells_what_is_known(wavix: tuple[dict[str, Any], type[_Wavix]]) -> None:
    """A cancellation while the provider has the message is CancelledError because of MaybeSent."""
    wavix[1].wait = 1.0
    heard: list[Any] = []

    async def cancel() -> BaseException:
        client = AsyncClient(wavix[0], after_send=lambda _, error: heard.append(error))
        async with client:
            task = asyncio.create_task(client.send(MESSAGE))
            await asyncio.sleep(0.3)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as raised:
                await task
            return raised.value

    error = asyncio.run(cancel())
    assert isinstance(error.__cause__, MaybeSent)
    assert error.__cause__.delivery is not None
    assert Status.MAYBE_SENT is error.__cause__.delivery.status
    assert [error.__cause__] == heard


def _run(client: Client | AsyncClient) -> None:
    result: Any = client.send(MESSAGE)
    asyncio.run(result)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_interrupt_is_raised_and_stops_the_route(kind: str) -> None:
    """Ctrl-C during an attempt is raised as it is; no other account is asked afterwards."""
    transport, asked = answering(KeyboardInterrupt())  # type: ignore[arg-type]
    config = {
        "accounts": {"wavix": WAVIX, "carrierx": {"token": "t-canary", "sender": "15162065575"}},
        "routes": {"main": {"accounts": ["wavix", "carrierx"]}},
        "default": "main",
    }
    client = (
        Client(config, transport=transport)
        if kind == "sync"
        else AsyncClient(config, transport=transport)
    )
    with pytest.raises(KeyboardInterrupt) as raised:
        _run(client)
    assert 1 == len(asked)
    # This transport is not known to trace, so nobody can tell: maybe sent.
    assert isinstance(raised.value.__cause__, MaybeSent)


def test_interrupt_in_a_wait_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while waiting for a busy provider leaves the message surely not sent."""

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    transport, asked = answering(httpx.Response(429, headers={"retry-after": "1"}), accepted())
    monkeypatch.setattr("polysms.client.obeying.time.sleep", interrupt)
    with (
        Client({"accounts": {"wavix": WAVIX}}, transport=transport) as client,
        pytest.raises(KeyboardInterrupt) as raised,
    ):
        client.send(MESSAGE)
    assert isinstance(raised.value.__cause__, NotSent)
    assert 1 == len(asked)


class _SlowToClose(httpx.AsyncBaseTransport):
    """Answers at once and takes its time to close the answer."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        return httpx.Response(201, stream=_SlowStream())


class _SlowStream(httpx.AsyncByteStream):
    async def __aiter__(self) -> Any:
        yield ANSWER

    async def aclose(self) -> None:
        await asyncio.sleep(5)


def test_cancellation_after_the_answer_loses_nothing() -> None:
    """An answer read before the cancellation still reaches after_send as a delivery."""
    heard: list[Any] = []

    async def cancel() -> None:
        config = {"accounts": {"wavix": WAVIX}}
        client = AsyncClient(
            config,
            transport=_SlowToClose(),
            after_send=lambda delivery, error: heard.append((delivery, error)),
        )
        task = asyncio.create_task(client.send(MESSAGE))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    [(delivery, error)] = heard
    assert (Status.QUEUED, None) == (delivery.status, error)
