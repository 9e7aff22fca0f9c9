"""Status callbacks: who is told what, when; posted to this machine's own addresses only."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import heapq
import ipaddress
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from itertools import count
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import attrs

from polysms.sandbox.disorder import Disorder, Posting
from polysms.sandbox.progress import Step
from polysms.sandbox.store import Entry

#: The oldest records are forgotten beyond this many.
MOST_RECORDS = 10_000
_TICK = 0.01
_PAUSE = 0.1
# SignalWire's webhook-errors page: connect 2 s, read 5 s. The others name none.
_TIMEOUT = 7.0
_DONE = range(200, 300)
_REFUSED = "refused: the sandbox posts to http on loopback addresses only"


@attrs.frozen(kw_only=True)
class Callback:
    """A report to post: the URL as it was given, headers, body, and how often it is tried."""

    url: str
    body: bytes
    headers: Mapping[str, str] = attrs.field(factory=dict)
    tries: int = 1


@attrs.frozen(kw_only=True)
class Record:
    """One try of a callback: the status of its answer, or why there is none."""

    message_id: str
    word: str
    url: str
    number: int
    answer: int | None = None
    error: str | None = None


#: What a provider posts when a message has come to a step, or nothing.
Reporter = Callable[[Entry, Step], Callback | None]


class Callbacks:
    """Posts what is due. ``expect`` is for the server's own thread, ``records`` for any."""

    def __init__(
        self,
        clock: Callable[[], float],
        current: Callable[[Entry], Entry | None],
    ) -> None:
        """Take the clock, and what returns a message as it is now, or none if it is forgotten."""
        self._clock = clock
        self._current = current
        self._due: list[tuple[float, int, Entry, int, Reporter]] = []
        self._order = count()
        self._filled = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._disorder = Disorder()
        self._lock = threading.Lock()
        self._records: deque[Record] = deque(maxlen=MOST_RECORDS)

    def expect(self, entry: Entry, reporter: Reporter, index: int = 1) -> None:
        """Post what the reporter says of a message at each of its steps, one after the other."""
        if index < len(entry.steps):
            due = entry.steps[index].at
            heapq.heappush(self._due, (due, next(self._order), entry, index, reporter))
            self._filled.set()

    def disorder(self, entry: Entry, reporter: Reporter) -> asyncio.Event:
        """Post what there is to report of a message in disorder; return what its answer awaits."""
        postings, begun = self._disorder.of(entry), asyncio.Event()

        async def post() -> None:
            try:
                await self._post_all(entry, reporter, postings.early)
            finally:
                begun.set()
            await self._post_all(entry, reporter, postings.late)

        self._run(post())
        return begun

    @property
    def owes(self) -> bool:
        """Whether there is anything still to be posted; for any thread."""
        return bool(self._due or self._tasks)

    def records(self) -> tuple[Record, ...]:
        """Return what was tried so far, in order."""
        with self._lock:
            return tuple(self._records)

    def clear(self) -> None:
        """Forget what was tried."""
        with self._lock:
            self._records.clear()

    @contextlib.asynccontextmanager
    async def posting(self) -> AsyncIterator[None]:
        """Post what falls due inside the block; what is under way at its end is dropped."""
        pump = asyncio.create_task(self._pump())
        try:
            yield
        finally:
            tasks = [pump, *self._tasks]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pump(self) -> None:
        while True:
            await self._filled.wait()
            while self._due and self._due[0][0] <= self._clock():
                _, _, entry, index, reporter = heapq.heappop(self._due)
                self._start(entry, index, reporter)
            if not self._due:
                self._filled.clear()
            await asyncio.sleep(_TICK)

    def _start(self, entry: Entry, index: int, reporter: Reporter) -> None:
        self._run(self._report(entry, index, reporter))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _report(self, entry: Entry, index: int, reporter: Reporter) -> None:
        if self._current(entry) is not None:
            await self._post(entry, reporter, entry.steps[index])
            self.expect(entry, reporter, index + 1)

    async def _post_all(
        self, entry: Entry, reporter: Reporter, postings: Sequence[Posting]
    ) -> None:
        for posting in postings:
            while self._clock() < posting.step.at:  # noqa: ASYNC110 - a clock may be moved on
                await asyncio.sleep(_TICK)
            if posting.waits:
                await self._post(entry, reporter, posting.step)
            else:
                self._run(self._post(entry, reporter, posting.step))

    async def _post(self, entry: Entry, reporter: Reporter, step: Step) -> None:
        known = self._current(entry)
        callback = None if known is None else reporter(known, step)
        if known is not None and callback is not None:
            await self._try(callback, known, step)

    async def _try(self, callback: Callback, entry: Entry, step: Step) -> None:
        for number in range(1, callback.tries + 1):
            answer, error = await tried(callback)
            self._keep(
                entry,
                Record(
                    message_id=entry.id,
                    word=step.status,
                    url=callback.url,
                    number=number,
                    answer=answer,
                    error=error,
                ),
            )
            if error == _REFUSED or answer in _DONE:
                return
            await asyncio.sleep(_PAUSE)

    def _keep(self, entry: Entry, record: Record) -> None:
        """Note a try, unless its message was forgotten meanwhile."""
        with self._lock:
            if self._current(entry) is not None:
                self._records.append(record)


async def tried(callback: Callback) -> tuple[int | None, str | None]:
    """Return the status of the answer to a callback, or why there is none."""
    parts = urlsplit(callback.url)
    if parts.scheme.lower() != "http" or not is_loopback(parts.hostname or ""):
        return None, _REFUSED
    try:
        async with asyncio.timeout(_TIMEOUT):
            return await _posted(parts, callback), None
    except TimeoutError:
        return None, "no answer in time"
    except (OSError, ValueError, IndexError) as error:
        return None, f"no answer: {type(error).__name__}"


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine's own, without looking its name up."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _posted(parts: SplitResult, callback: Callback) -> int:
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    try:
        writer.write(_head(parts, callback) + callback.body)
        await writer.drain()
        return int((await reader.readline()).split()[1])
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _head(parts: SplitResult, callback: Callback) -> bytes:
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    headers = {
        "Host": parts.netloc.rpartition("@")[2],
        "Content-Type": "application/json",
        "Content-Length": str(len(callback.body)),
        "Connection": "close",
        **_authorization(parts),
        **callback.headers,
    }
    lines = [f"POST {target} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _authorization(parts: SplitResult) -> dict[str, str]:
    if parts.username is None:
        return {}
    user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": f"Basic {base64.b64encode(user.encode()).decode()}"}
