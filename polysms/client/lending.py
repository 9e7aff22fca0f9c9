"""A thread for the ledger, lent to an event loop: many sends share each of its commits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from polysms.client.keeping import Save

if TYPE_CHECKING:
    from polysms.ledger import Job, Ledger

T = TypeVar("T")

#: Threads: one writes, the others read and see to keys.
_THREADS = 4


class Lent:
    """A ledger, for the coroutines of one event loop."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._threads = ThreadPoolExecutor(_THREADS, "polysms-ledger")
        self._waiting: list[tuple[Job, asyncio.Future[None]]] = []
        self._writing: asyncio.Future[None] | None = None

    async def save(self, save: Save) -> None:
        """Write lines and ends, together with what others want written meanwhile.

        Cancelled, it is written all the same.
        """
        from polysms.ledger import Job  # noqa: PLC0415 - an extra

        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((Job(save.lines, save.ends), done))
        if self._writing is None:
            self._write()
        await done

    def _write(self) -> None:
        taken, self._waiting = self._waiting, []
        jobs = [job for job, _ in taken]
        loop = asyncio.get_running_loop()
        self._writing = loop.run_in_executor(self._threads, self.ledger.write_jobs, jobs)
        self._writing.add_done_callback(lambda ended: self._written(taken, ended))

    def _written(
        self, taken: list[tuple[Job, asyncio.Future[None]]], ended: asyncio.Future[None]
    ) -> None:
        broken = ended.exception()
        for job, done in taken:
            error = job.error or broken
            if done.done():
                continue  # cancelled: nobody waits for it
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)
        self._writing = None
        if self._waiting:
            self._write()

    async def run(self, question: Callable[[], T]) -> T:
        """Ask something in a thread. Cancelled, it waits for the answer first."""
        loop = asyncio.get_running_loop()
        asked = loop.run_in_executor(self._threads, question)
        interrupt = None
        while not asked.done():
            try:
                await asyncio.wait([asked])
            except asyncio.CancelledError as error:
                interrupt = error
        if interrupt is not None:
            raise interrupt
        return asked.result()

    async def close(self) -> None:
        """Let what is being written be written, and end the threads."""
        while self._writing is not None:
            await asyncio.wait([self._writing])
        self._threads.shutdown()
        self.ledger.close()
