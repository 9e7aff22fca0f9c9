"""Many messages at once, as tasks of one event loop; :mod:`polysms.client.many` tells the rest.

The iterable, async or not, is read in a task of its own: one that waits for its next message keeps
no result back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from typing import Any

from polysms.client.many import Result, failed, stranger
from polysms.delivery import Delivery
from polysms.message import Message

Send = Callable[[Message], Awaitable[Delivery]]
Messages = Iterable[Message] | AsyncIterable[Message]


async def in_tasks(
    send: Send, messages: Messages, concurrency: int
) -> AsyncGenerator[Result, None]:
    """Send in tasks and yield the results as they come.

    Whatever ends it, the sends that have begun are waited for, and none is cancelled.
    """
    tasks = _Tasks(send, concurrency)
    reader = asyncio.create_task(tasks.read(messages))
    reader.add_done_callback(tasks.ended.put_nowait)
    try:
        while tasks.waiting or not reader.done():
            ended = await tasks.ended.get()
            if ended is not reader:
                yield tasks.result(ended)
    finally:
        tasks.closed = True
        reader.cancel()
        await _finished({reader, *tasks.waiting})
        broken = None if reader.cancelled() else reader.exception()
    if broken is not None:
        raise broken


class _Tasks:
    """The sends whose results have not been handed back yet."""

    def __init__(self, send: Send, most: int) -> None:
        self._send = send
        self._slots = asyncio.Semaphore(most)
        self.waiting: set[asyncio.Task[Any]] = set()
        self.ended: asyncio.Queue[asyncio.Task[Any]] = asyncio.Queue()
        self.closed = False

    async def read(self, messages: Messages) -> None:
        """Begin a send for each message, as slots become free."""
        await self._slots.acquire()
        if isinstance(messages, AsyncIterable):
            async for message in messages:
                await self._begin(message)
        else:
            for message in messages:
                await self._begin(message)

    async def _begin(self, message: Message) -> None:
        if self.closed:  # the iterable took our cancellation for its own, and went on
            raise asyncio.CancelledError
        task = asyncio.create_task(_result(self._send, message))
        self.waiting.add(task)
        task.add_done_callback(self.ended.put_nowait)
        await self._slots.acquire()

    def result(self, ended: asyncio.Task[Any]) -> Result:
        """Return what a task has come to, and let another begin."""
        self.waiting.discard(ended)
        self._slots.release()
        found: Result = ended.result()
        return found


async def _result(send: Send, message: Message) -> Result:
    if (error := stranger(message)) is not None:
        return Result(message, None, error)
    try:
        return Result(message, await send(message), None)
    except Exception as caught:  # noqa: BLE001 - one failure never stops the rest
        return failed(message, caught)


async def _finished(tasks: set[asyncio.Task[Any]]) -> None:
    """Wait until every task has ended, however often we are cancelled ourselves meanwhile."""
    interrupt = None
    while running := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(running)
        except asyncio.CancelledError as error:
            interrupt = error
    if interrupt is not None:
        raise interrupt
