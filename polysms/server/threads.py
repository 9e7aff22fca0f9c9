"""Threads for functions of others: few, and not waited for when the process ends.

The event loop's own are no place for them: it looks up names in those, and joins them at its end.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

R = TypeVar("R")

#: Threads at most that others stand in for, because what they do is no longer waited for.
STUCK = 56


class Threads:
    """Runs functions, ``most`` at a time; a thread lives as long as there is something to do."""

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._lock = threading.Lock()
        self._running = 0
        self._waiting: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._stuck: set[Future[Any]] = set()

    async def run(self, call: Callable[..., R], *args: Any, **facts: Any) -> R:
        """Return what a function returns; one that nobody waits for any more may go on alone."""
        future: Future[R] = Future()
        work = future, partial(copy_context().run, call, *args, **facts)
        with self._lock:
            self._waiting.append(work)
            self._grow()
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            self._leave(work)
            raise

    def _grow(self) -> None:
        if self._waiting and self._running < self._allowed:
            self._running += 1
            threading.Thread(target=self._work, name=self._name, daemon=True).start()

    @property
    def _allowed(self) -> int:
        return self._most + min(len(self._stuck), STUCK)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting or self._running > self._allowed:
                    self._running -= 1
                    return
                future, call = self._waiting.popleft()
            if future.set_running_or_notify_cancel():
                _finish(future, call)
            with self._lock:
                self._stuck.discard(future)

    def _leave(self, work: tuple[Future[Any], Callable[[], Any]]) -> None:
        with self._lock:
            if work in self._waiting:
                self._waiting.remove(work)
            elif work[0].running():
                self._stuck.add(work[0])
                self._grow()


def _finish(future: Future[Any], call: Callable[[], Any]) -> None:
    try:
        answer = call()
    except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
        future.set_exception(error)
    else:
        future.set_result(answer)
