"""Sending through the real clients, to a server that may break, as a rule does it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from polysms import AsyncClient, Client
from polysms.config import Config
from polysms.delivery import Delivery
from polysms.message import Message

CLIENTS = ("Client", "AsyncClient")
#: One send: what is done before it, and by which route it goes.
Step = tuple[Callable[[], object], str]


def sends(
    kind: str, config: Config, message: Message, steps: Iterable[Step]
) -> list[Delivery | Exception]:
    """Send a message once for each step, through one client; return what came of each."""
    if kind == "Client":
        return _sends(config, message, steps)
    return asyncio.run(_sends_async(config, message, steps))


def _sends(config: Config, message: Message, steps: Iterable[Step]) -> list[Delivery | Exception]:
    found: list[Delivery | Exception] = []
    with Client(config) as client:
        for prepare, route in steps:
            prepare()
            try:
                found.append(client.send(message, via=route))
            except Exception as error:  # noqa: BLE001 - what came of it is what is wanted
                found.append(error)
    return found


async def _sends_async(
    config: Config, message: Message, steps: Iterable[Step]
) -> list[Delivery | Exception]:
    found: list[Delivery | Exception] = []
    async with AsyncClient(config) as client:
        for prepare, route in steps:
            prepare()
            try:
                found.append(await client.send(message, via=route))
            except Exception as error:  # noqa: BLE001 - as above
                found.append(error)
    return found


def once(kind: str, config: Config, message: Message) -> Any:
    """Send a message once, by the configuration's own route; return what came of it."""
    (found,) = sends(kind, config, message, [(lambda: None, "all")])
    return found
