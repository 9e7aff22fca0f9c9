"""A receiver as an ASGI app: mounted anywhere, bounded, and telling after the answer."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import attrs
import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from polysms import DeliveryReport, InboundMessage
from polysms.server import asgi, receiver
from tests.server.conftest import House, Made
from tests.server.test_receiver import inbound, later, report
from tests.webhooks.forms import FORMS, PUBLIC


@pytest.mark.parametrize("name", sorted(FORMS))
def test_every_form(made: Made, name: str) -> None:
    """Every documented form is answered as its provider expects, with either client."""
    form = FORMS[name]
    account = {"wavix": "trusted"}.get(form.provider, form.provider)
    for kind in ("sync", "async"):
        house = made(kind)
        heard = house.listen()
        answer = house.post(form.request(house.config.account(account)))

        assert form.answer == (
            answer.status_code,
            answer.headers.get("content-type"),
            answer.content,
        )
        assert heard


@pytest.mark.parametrize("prefix", ["", "/hooks", "/somewhere/else"])
def test_mounted_anywhere(bare: House, prefix: str) -> None:
    """Where the app is mounted does not matter, nor whether a proxy keeps its path."""
    heard = bare.listen()
    app = Starlette(routes=[Mount(prefix or "/", bare.receiver)])
    request = inbound(bare)
    path = request.url.removeprefix(PUBLIC)

    async def post() -> int:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://here"
        ) as http:
            answer = await http.post(
                prefix + path, headers=dict(request.headers), content=request.body
            )
            return answer.status_code

    assert (200, 1) == (bare.run(post()), len(heard))


def scope(house: House, **changes: Any) -> dict[str, Any]:
    """Return the scope of a request that has begun."""
    path = report(house, account="trusted").target[0]
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1),
        **changes,
    }


def asked(house: House, *messages: dict[str, Any], **changes: Any) -> list[dict[str, Any]]:
    """Return what the app sends to a request that comes in these messages, and then no more."""
    coming, sent = list(messages), []

    async def receive() -> dict[str, Any]:
        if not coming:
            await asyncio.Event().wait()
        return coming.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    house.run(house.receiver(scope(house, **changes), receive, send))
    return sent


def chunk(body: bytes, *, more: bool) -> dict[str, Any]:
    """Return a part of a body."""
    return {"type": "http.request", "body": body, "more_body": more}


def test_body_in_parts(bare: House) -> None:
    """A body that comes in parts is one."""
    heard = bare.listen()
    body = report(bare, account="trusted").body
    sent = asked(bare, chunk(body[:7], more=True), chunk(body[7:], more=False))

    assert (200, 1) == (sent[0]["status"], len(heard))


def test_body_that_is_too_slow(bare: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that does not end is not waited for, and its connection is given up."""
    monkeypatch.setattr(asgi, "BODY_SECONDS", 0.05)
    sent = asked(bare, chunk(b"{", more=True))

    assert 408 == sent[0]["status"]
    assert (b"connection", b"close") in sent[0]["headers"]


def test_body_that_is_too_large(bare: House) -> None:
    """A body that is too large is not read to its end."""
    sent = asked(bare, chunk(b"x" * 40_000, more=True), chunk(b"x" * 40_000, more=True))

    assert 413 == sent[0]["status"]


def test_sender_that_goes_away(bare: House) -> None:
    """Who goes away in the middle is answered nothing, and nobody hears of it."""
    heard = bare.listen()

    assert [] == asked(bare, chunk(b"{", more=True), {"type": "http.disconnect"})
    assert [] == heard


def test_head_is_answered_without_a_body(bare: House) -> None:
    """A probe by HEAD gets no body."""
    sent = asked(bare, chunk(b"", more=False), method="HEAD", path="/", raw_path=None)

    assert (200, b"") == (sent[0]["status"], sent[1]["body"])


def test_told_after_the_answer(house: House) -> None:
    """With a ledger the answer comes before anybody is told, and what they raise is no matter."""
    order: list[str] = []

    @house.receiver.on_report
    def broken(_: DeliveryReport) -> None:
        order.append("told")
        raise RuntimeError("never")

    body = chunk(report(house, account="trusted").body, more=False)

    async def main() -> None:
        async def receive() -> dict[str, Any]:
            return body

        async def send(message: dict[str, Any]) -> None:
            order.append(message["type"])

        await house.receiver(scope(house), receive, send)

    house.run(main())
    assert ["http.response.start", "http.response.body", "told"] == order


def test_sync_listener_does_not_hold_the_loop(house: House) -> None:
    """A function that is sync runs in a thread of its own."""
    threads: list[int] = []
    house.receiver.on_inbound(lambda _: threads.append(threading.get_ident()))
    house.post(inbound(house))

    assert threads
    assert threading.get_ident() not in threads


def test_many_at_once(house: House) -> None:
    """Webhooks that come at the same time are each answered and each told, once."""
    heard = house.listen()
    requests = [inbound(house, id_=f"in-{number % 40}") for number in range(80)]

    async def all_of_them() -> list[int]:
        answers = await asyncio.gather(*map(house.receiver.ahandle, requests))
        return [answer.status for answer in answers]

    assert [200] * 80 == house.run(all_of_them())
    assert [f"in-{number}" for number in sorted(range(40), key=str)] == sorted(
        one.provider_id for one in heard
    )


def test_life_of_a_server(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a server lives, what was not taken is told again."""
    monkeypatch.setattr(receiver, "PAUSE", 0.01)
    told: list[InboundMessage] = []
    again = asyncio.Event()

    @house.receiver.on_inbound
    async def fragile(message: InboundMessage) -> None:
        told.append(message)
        if len(told) == 1:
            raise RuntimeError("not now")
        again.set()

    house.post(inbound(house))
    later(house, seconds=6)

    async def live() -> list[str]:
        coming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        sent: list[str] = []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message["type"])

        await coming.put({"type": "lifespan.startup"})
        living = asyncio.create_task(house.receiver({"type": "lifespan"}, coming.get, send))
        async with asyncio.timeout(10):
            await again.wait()
        await coming.put({"type": "lifespan.shutdown"})
        await living
        return sent

    assert ["lifespan.startup.complete", "lifespan.shutdown.complete"] == house.run(live())


def test_websockets_are_not_spoken(bare: House) -> None:
    """What is no HTTP is an error of whoever mounted it so."""
    with pytest.raises(ValueError, match="websocket"):
        asked(bare, type="websocket")


def test_forged_requests_from_elsewhere(made: Made) -> None:
    """The address that a request came from counts where an account names its sources."""
    house = made("async")
    account = house.config.account("trusted")
    limited = attrs.evolve(account, sources=("62.212.73.112",))
    house.config.accounts["trusted"] = limited  # type: ignore[index]
    heard = house.listen()
    strange = house.post(report(house, account="trusted"), client=("192.0.2.1", 1))
    known = house.post(report(house, account="trusted"), client=("62.212.73.112", 1))

    assert (403, 200, 1) == (strange.status_code, known.status_code, len(heard))
