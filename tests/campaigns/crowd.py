"""Many callers of one client, of either kind, in a world whose time can be moved on."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Protocol, TypeAlias, TypeVar

from polysms import AsyncClient, Client
from polysms.client.core import uuid7
from polysms.routing.steps import World

Item = TypeVar("Item")
#: A call of a client with an item.
Call: TypeAlias = Callable[[Any, Item], Any]


class Time:
    """The time of a client's world: real, and moved on by as much as is wished."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> datetime:
        """Return the time of day."""
        return datetime.now(UTC) + timedelta(seconds=self.ahead)

    def clock(self) -> float:
        """Return the seconds of a steady clock."""
        return time.monotonic() + self.ahead

    def world(self, seed: int) -> World:
        """Return the world in which this is the time."""
        random = Random(seed).random  # noqa: S311 - guards nothing
        return World(now=self.now, clock=self.clock, new_id=uuid7, random=random)


class Crowd(Protocol):
    """Callers of one client."""

    def each(
        self, call: Callable[[Any, Item], Any], items: Iterable[Item], width: int
    ) -> list[Any]:
        """Return what a call of the client came to for each item, errors too, in their order.

        ``width`` calls are under way at the same time.
        """


class _Threads:
    def __init__(self, client: Client) -> None:
        self._client = client

    def each(
        self, call: Callable[[Any, Item], Any], items: Iterable[Item], width: int
    ) -> list[Any]:
        return in_threads(items, lambda item: call(self._client, item), width)


class _Tasks:
    def __init__(self, client: AsyncClient, runner: asyncio.Runner) -> None:
        self._client = client
        self._runner = runner

    def each(
        self, call: Callable[[Any, Item], Any], items: Iterable[Item], width: int
    ) -> list[Any]:
        return self._runner.run(self._all(call, list(items), width))

    async def _all(self, call: Call[Item], items: Sequence[Item], width: int) -> list[Any]:
        results: list[Any] = [None] * len(items)
        waiting = iter(enumerate(items))

        async def work() -> None:
            for place, item in waiting:
                try:
                    results[place] = await call(self._client, item)
                except Exception as error:  # noqa: BLE001 - what it tells is what is examined
                    results[place] = error

        async with asyncio.TaskGroup() as group:
            for _ in range(width):
                group.create_task(work())
        return results


def in_threads(items: Iterable[Item], call: Callable[[Item], Any], width: int) -> list[Any]:
    """Return what a call came to for each item, errors too, made by so many threads."""

    def one(item: Item) -> Any:
        try:
            return call(item)
        except Exception as error:  # noqa: BLE001 - what it tells is what is examined
            return error

    with ThreadPoolExecutor(width) as pool:
        return list(pool.map(one, items))


@contextlib.contextmanager
def _sync(config: Mapping[str, Any], world: World) -> Iterator[Crowd]:
    with Client(config, world=world) as client:
        yield _Threads(client)


@contextlib.contextmanager
def _async(config: Mapping[str, Any], world: World) -> Iterator[Crowd]:
    with asyncio.Runner() as runner:
        client = AsyncClient(config, world=world)
        try:
            yield _Tasks(client, runner)
        finally:
            runner.run(client.aclose())


CROWDS = {"sync": _sync, "async": _async}
