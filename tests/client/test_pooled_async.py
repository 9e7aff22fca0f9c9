"""The default async transport's own way to its connections, as ``test_pooled.py``; and cancelling.

What an exchange's evidence is worth on it, the fault table tells (``test_evidence.py``).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import attrs
import httpcore
import httpx
import pytest

from polysms import AsyncClient, MaybeSent, Message, NotSent, Unreadable
from polysms.client import pooled_async
from polysms.client.pooled import MOST
from polysms.client.trace import LoopTrace
from polysms.routing.steps import Stage
from tests.clients import WAVIX, accepted
from tests.faults import ACCEPTED, FAULTS, FaultServer, Talk, black_hole, plain, refused_port

MESSAGE = Message("+13135550123", "Your table is ready")
#: Seconds: long enough for a busy machine, and for the far end of a connection to be noticed.
PATIENCE = 15.0
NOTICED = 1.0
#: More steps of the event loop than one send takes.
STEPS = 60


def _serving(talk: Talk) -> None:
    """Take every message of a connection, until the client ends it."""
    while _took(talk):
        talk.answer("201 Created", ACCEPTED)
        talk.again()


def _took(talk: Talk) -> bool:
    talk.process()
    return talk.seen.complete


SERVING = plain(_serving)


def _client(**urls: str) -> AsyncClient:
    """Return a client of an account for each URL; the first is the default."""
    accounts = {name: {**WAVIX, "base_url": url} for name, url in urls.items()}
    return AsyncClient({"accounts": accounts, "default": next(iter(urls))})


def _transport(sms: AsyncClient) -> Any:
    return sms._transports.of(sms.config.account("one"))  # noqa: SLF001


def _kept(sms: AsyncClient) -> list[Any]:
    kept: list[Any] = _transport(sms)._idle._kept  # noqa: SLF001
    return kept


def _free(sms: AsyncClient) -> int:
    free: int = _transport(sms)._slots._value  # noqa: SLF001
    return free


async def _heard(event: threading.Event) -> bool:
    return await asyncio.to_thread(event.wait, PATIENCE)


async def _at_once(sms: AsyncClient, count: int) -> set[str | None]:
    sent = await asyncio.gather(*(sms.send(MESSAGE) for _ in range(count)))
    return {delivery.provider_id for delivery in sent}


def _made(server: FaultServer) -> int:
    """Return how many connections a server has accepted."""
    return len(server._connections)  # noqa: SLF001


def test_connection_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sends and look-ups, one after the other, share one connection, and each gives it back."""
    monkeypatch.setattr(pooled_async, "MOST", 1)

    async def main(url: str) -> None:
        async with _client(one=url) as sms:
            delivery = await sms.send(MESSAGE)
            await sms.fetch(delivery)
            await sms.send(MESSAGE)

    with FaultServer(SERVING) as server:
        asyncio.run(main(server.url))
        assert 1 == _made(server)


def test_each_host_has_its_own() -> None:
    """A connection to one host is never used for another, and is kept while another is asked."""

    async def main(one: str, other: str) -> None:
        async with _client(one=one, other=other) as sms:
            for name in ("one", "other", "one", "other"):
                await sms.send(MESSAGE, via=name)

    with FaultServer(SERVING) as one, FaultServer(SERVING) as other:
        asyncio.run(main(one.url, other.url))
        assert [1, 1] == [_made(server) for server in (one, other)]


def test_answer_that_is_not_read_to_its_end() -> None:
    """What is left of one answer is never taken for the next one: the connection is closed."""

    async def main(url: str) -> None:
        async with _client(one=url) as sms:
            for _ in range(2):
                with pytest.raises(MaybeSent, match="too long"):
                    await sms.send(MESSAGE)
            assert ([], MOST) == (_kept(sms), _free(sms))

    with FaultServer(FAULTS["five_megabytes"]) as server:
        asyncio.run(main(server.url))
        assert 2 == _made(server)


def _together(count: int) -> Callable[[Talk], None]:
    """Answer no message of a round before all of it have come: none shares a connection."""
    barrier = threading.Barrier(count)

    def act(talk: Talk) -> None:
        while _took(talk):
            barrier.wait(PATIENCE)
            talk.answer("201 Created", ACCEPTED)
            talk.again()

    return act


def test_rush_keeps_its_connections() -> None:
    """Fifty sends at once have fifty connections, and so have the next fifty: the same ones."""

    async def main(url: str) -> None:
        async with _client(one=url) as sms:
            for _ in range(2):
                assert {"m-1"} == await _at_once(sms, 50)

    with FaultServer(plain(_together(50))) as server:
        asyncio.run(main(server.url))
        assert 50 == _made(server)


def test_no_more_are_kept_than_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections beyond the most that are kept are closed."""
    monkeypatch.setattr(pooled_async, "MOST_IDLE", 2)

    async def main(url: str) -> None:
        async with _client(one=url) as sms:
            await _at_once(sms, 5)
            assert 2 == len(_kept(sms))

    with FaultServer(plain(_together(5))) as server:
        asyncio.run(main(server.url))


def test_no_more_than_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all connections are in use, one more waits in vain: our saturation, surely not sent."""
    monkeypatch.setattr(pooled_async, "MOST", 1)
    taken = threading.Event()

    def hang(talk: Talk) -> None:
        talk.process()
        taken.set()
        talk.hang()

    async def main(url: str) -> None:
        account = {**WAVIX, "base_url": url, "timeouts": {"pool": 0.05, "read": 0.5}}
        async with AsyncClient({"accounts": {"one": account}}) as sms:
            first = asyncio.create_task(sms.send(MESSAGE))
            assert await _heard(taken)
            with pytest.raises(NotSent) as raised:
                await sms.send(MESSAGE)
            assert "us" == raised.value.fault
            with pytest.raises(MaybeSent):
                await first
            # Its place is free again.
            with pytest.raises(MaybeSent):
                await sms.send(MESSAGE)

    with FaultServer(plain(hang)) as server:
        asyncio.run(main(server.url))


def test_waiting_for_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """More sends at once than connections wait for one another, and all are sent."""
    monkeypatch.setattr(pooled_async, "MOST", 2)

    async def main(url: str) -> None:
        async with _client(one=url) as sms:
            assert {"m-1"} == await _at_once(sms, 7)
            assert 2 == _free(sms)

    with FaultServer(SERVING) as server:
        asyncio.run(main(server.url))
        assert 2 == _made(server)


def test_what_has_rested_is_closed() -> None:
    """A connection that its server has ended is closed when another one is given back."""

    async def main(ended: str, good: str) -> None:
        async with _client(one=good, ended=ended) as sms:
            await sms.send(MESSAGE, via="ended")
            assert 1 == len(_kept(sms))
            await asyncio.sleep(NOTICED)
            await sms.send(MESSAGE, via="one")
            [(_, connection)] = _kept(sms)
            assert not connection.has_expired()

    with FaultServer(FAULTS["none"]) as ended, FaultServer(SERVING) as server:
        asyncio.run(main(ended.url, server.url))


def test_connection_that_has_ended_is_not_used() -> None:
    """A connection that its server has ended is passed by: the next send has a new one."""

    async def main(url: str) -> None:
        async with _client(one=url) as sms:
            await sms.send(MESSAGE)
            await asyncio.sleep(NOTICED)
            assert 1 == len((await sms.send(MESSAGE)).attempts)

    with FaultServer(FAULTS["none"]) as server:
        asyncio.run(main(server.url))
        assert 2 == _made(server)


def test_closing_while_a_message_is_sent() -> None:
    """A send that has begun ends as if nobody had closed; then its connection is closed too."""
    taken, closed, ended = threading.Event(), threading.Event(), threading.Event()

    def slow(talk: Talk) -> None:
        talk.process()
        taken.set()
        closed.wait(PATIENCE)
        talk.answer("201 Created", ACCEPTED)
        talk.read_head()
        ended.set()

    async def main(url: str) -> None:
        sms = _client(one=url)
        sending = asyncio.create_task(sms.send(MESSAGE))
        assert await _heard(taken)
        await sms.aclose()
        closed.set()
        assert "m-1" == (await sending).provider_id
        assert await _heard(ended)

    with FaultServer(plain(slow)) as server:
        asyncio.run(main(server.url))


def test_closing_ends_what_rests() -> None:
    """Connections that are kept are closed with the client."""
    ended = threading.Event()

    def serve(talk: Talk) -> None:
        _serving(talk)
        ended.set()

    async def main(url: str) -> None:
        sms = _client(one=url)
        await sms.send(MESSAGE)
        assert not ended.is_set()
        await sms.aclose()
        assert await _heard(ended)

    with FaultServer(plain(serve)) as server:
        asyncio.run(main(server.url))


def test_whoever_looks_on_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recorder, tracer or mock in httpx's transport sees every request, as one of httpx's own."""
    asked: list[httpx.Request] = []

    async def mocked(_: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return accepted()

    async def main() -> None:
        async with _client(one="http://127.0.0.1:9") as sms:
            monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", mocked)
            await sms.send(MESSAGE)

    asyncio.run(main())
    assert ["/v3/messages"] == [request.url.path for request in asked]


def test_error_is_told_as_httpx_tells_it() -> None:
    """What went wrong is told in the same words as over httpx's own way."""
    port = refused_port()

    async def main() -> None:
        async with _client(one=f"http://127.0.0.1:{port}") as sms:
            with pytest.raises(NotSent, match=f"no connection to 127.0.0.1:{port}"):
                await sms.send(MESSAGE)

    asyncio.run(main())


@attrs.frozen(kw_only=True)
class Stuck:
    """A place where an exchange hangs, and what is known when it is cancelled there."""

    reads: Callable[[Talk], object] = Talk.read
    says: bytes = b""
    scheme: str = "http"
    proxy: bool = False
    cause: type[Exception]


STUCK = {
    "head": Stuck(says=b"HTTP/1.1 201 Created\r\n", cause=MaybeSent),
    "body": Stuck(says=b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n{", cause=Unreadable),
    "handshake": Stuck(reads=lambda talk: talk.connection.recv(1), scheme="https", cause=NotSent),
    "proxy": Stuck(reads=Talk.read_head, scheme="https", proxy=True, cause=NotSent),
    "tunnel": Stuck(
        reads=Talk.read_head,
        says=b"HTTP/1.1 200 OK\r\n\r\n",
        scheme="https",
        proxy=True,
        cause=NotSent,
    ),
}


@pytest.mark.parametrize("place", STUCK)
def test_cancelled_exchange(place: str) -> None:
    """Cancelled wherever it hangs, an exchange ends its connection and gives its place back."""
    stuck = STUCK[place]
    begun, ended = threading.Event(), threading.Event()

    def hang(talk: Talk) -> None:
        stuck.reads(talk)
        talk.send(stuck.says)
        begun.set()
        while talk.connection.recv(65536):
            pass
        ended.set()

    async def main(url: str) -> None:
        account = {**WAVIX, "base_url": url.replace("http", stuck.scheme, 1)}
        if stuck.proxy:
            account |= {"base_url": f"https://127.0.0.1:{refused_port()}", "proxy": url}
        async with AsyncClient({"accounts": {"one": account}}) as sms:
            sending = asyncio.create_task(sms.send(MESSAGE))
            assert await _heard(begun)
            await asyncio.sleep(0.1)  # what was said is read
            await _cancelled(sending, stuck.cause)
            assert ([], MOST) == (_kept(sms), _free(sms))
            assert await _heard(ended)

    with FaultServer(plain(hang)) as server:
        asyncio.run(main(server.url))


async def _cancelled(sending: asyncio.Task[Any], cause: type[Exception]) -> None:
    sending.cancel()
    with pytest.raises(asyncio.CancelledError) as raised:
        await sending
    assert isinstance(raised.value.__cause__, cause)


def test_cancelled_while_it_connects() -> None:
    """Cancelled before there is a connection, a message is not sent, and the place is free."""

    async def main(port: int) -> None:
        async with _client(one=f"http://127.0.0.1:{port}") as sms:
            sending = asyncio.create_task(sms.send(MESSAGE))
            await asyncio.sleep(0.1)
            await _cancelled(sending, NotSent)
            assert ([], MOST) == (_kept(sms), _free(sms))

    with black_hole() as port:
        asyncio.run(main(port))


def test_cancelled_while_it_waits_for_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is cancelled in the queue is not sent, and leaves the place to the next one."""
    monkeypatch.setattr(pooled_async, "MOST", 1)
    taken, go_on = threading.Event(), threading.Event()

    def slow(talk: Talk) -> None:
        while _took(talk):
            taken.set()
            go_on.wait(PATIENCE)
            talk.answer("201 Created", ACCEPTED)
            talk.again()

    async def main(url: str) -> None:
        async with _client(one=url) as sms:
            first = asyncio.create_task(sms.send(MESSAGE))
            assert await _heard(taken)
            second, third = (asyncio.create_task(sms.send(MESSAGE)) for _ in range(2))
            await asyncio.sleep(0)
            await _cancelled(second, NotSent)
            go_on.set()
            assert ["m-1", "m-1"] == [(await one).provider_id for one in (first, third)]
            assert 1 == _free(sms)

    with FaultServer(plain(slow)) as server:
        asyncio.run(main(server.url))


@pytest.mark.parametrize("times", [1, 2, 5])
def test_cancelled_at_any_step(times: int) -> None:
    """At whatever step it is cancelled, and however often: nothing leaks, and the next is sent."""
    open_now: set[Talk] = set()

    def serve(talk: Talk) -> None:
        open_now.add(talk)
        try:
            _serving(talk)
        finally:
            open_now.discard(talk)

    async def main(url: str) -> int:
        unsent = 0
        async with _client(one=url) as sms:
            for step in range(STEPS):
                unsent += await _unsent_at(sms, step, times)
                assert MOST == _free(sms)
                assert "m-1" == (await sms.send(MESSAGE)).provider_id
            await _until(lambda: len(_kept(sms)) == len(open_now))
        return unsent

    with FaultServer(plain(serve)) as server:
        unsent = asyncio.run(main(server.url))
    assert 0 < unsent < STEPS
    assert STEPS * 2 - unsent >= sum(seen.processed for seen in server.seen)


async def _unsent_at(sms: AsyncClient, step: int, times: int) -> bool:
    """Return whether a send that is cancelled at a step is surely not sent, by its own account."""
    sending = asyncio.create_task(sms.send(MESSAGE))
    for _ in range(step):
        await asyncio.sleep(0)
    for _ in range(times):
        sending.cancel()
        await asyncio.sleep(0)
    try:
        await sending
    except asyncio.CancelledError as error:
        return step == 0 or isinstance(error.__cause__, NotSent)
    return False


async def _until(done: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if done():
            return
        await asyncio.sleep(PATIENCE / 1_000)
    pytest.fail("it did not come to pass")


BROKEN_OFF: list[tuple[str, BaseException, Stage]] = [
    ("headers", asyncio.CancelledError(), Stage.PARTIAL),
    ("headers", httpcore.WriteTimeout(), Stage.PARTIAL),
    ("body", httpcore.WriteError(), Stage.PARTIAL),
    ("body", asyncio.CancelledError(), Stage.WHOLE),
    ("body", httpcore.WriteTimeout(), Stage.WHOLE),
]


@pytest.mark.parametrize(("part", "error", "stage"), BROKEN_OFF)
def test_write_that_is_broken_off(part: str, error: BaseException, stage: Stage) -> None:
    """Whoever stops waiting for a body to be written does not know that it was not written."""
    trace = LoopTrace()
    for one in ("headers", "body")[: 1 + (part == "body")]:
        trace.note(f"http11.send_request_{one}.started", {"request": httpcore.Request("POST", "")})
    trace.note(f"http11.send_request_{part}.failed", {"exception": error})
    assert stage is trace.stage(error, tracing=True)
