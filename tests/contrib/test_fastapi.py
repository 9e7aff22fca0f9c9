"""What is particular to a mounted app: nobody tells it that the server lives."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from fastapi import FastAPI

from polysms.server import receiver
from tests.contrib.conftest import PREFIX, by_asgi
from tests.server.conftest import Made, made
from tests.server.test_receiver import inbound, later

pytestmark = pytest.mark.one_python

__all__ = ["made"]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_running_tells_again(
    made: Made,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    """With ``running()`` as its life, an app tells again what a function did not take."""
    monkeypatch.setattr(receiver, "PAUSE", 0.01)
    house = made(kind, f"sqlite:///{tmp_path}/ledger.db")
    again = asyncio.Event()
    told: list[object] = []

    @house.receiver.on_inbound
    async def fragile(message: object) -> None:
        told.append(message)
        if len(told) == 1:
            raise RuntimeError("not now")
        again.set()

    app = FastAPI(lifespan=lambda _: house.receiver.running())
    app.mount(PREFIX, house.receiver)

    async def live() -> None:
        async with app.router.lifespan_context(app), asyncio.timeout(60):
            await again.wait()

    assert 200 == by_asgi(house, app, inbound(house)).status
    later(house, seconds=6)
    house.run(live())
    assert 2 == len(told)


def test_pages_beside_it(made: Made) -> None:
    """The app's own pages stay its own."""
    house = made("async")
    app = FastAPI()
    app.mount(PREFIX, house.receiver)

    @app.post("/orders")
    def order() -> str:
        return "ordered"

    request = inbound(house)
    moved = type(request)("POST", "/orders", request.headers, request.body)
    assert b'"ordered"' == by_asgi(house, app, moved).body
