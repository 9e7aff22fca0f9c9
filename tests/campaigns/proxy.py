"""A TCP proxy before one provider that breaks a share of the requests in every way a network can.

Which request meets which fault follows from a seed, the provider and the message alone: not from
the order in which requests come, nor from who sends them. So a run can be repeated, and several
libraries meet the same faults.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from random import Random

import attrs

from tests.campaigns.phone import number_in

#: Seconds that a hang lasts at most; clients leave much earlier.
LONGEST_HANG = 5.0
#: Seconds for one exchange with the provider behind, which is on this machine.
LONGEST_ANSWER = 10.0
#: Seconds that a restart keeps the port closed.
CLOSED = 0.03
#: Seconds that a slow provider adds, no more than clients wait.
_SLOW = 0.15
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PAGE = b"<!doctype html><title>Welcome</title><p>Please sign in to this network.</p>"

Step = Callable[["Talk"], Awaitable[None]]


@attrs.frozen(kw_only=True)
class Weather:
    """How bad it is: ``share`` of the sends meets a fault, ``lookups`` says whether GETs do too.

    ``restarts`` is the mean of the seconds after which the port closes for a moment; 0 is never.
    ``always`` names the fault that every request meets; ``kinds`` are those that are drawn from
    (one that is named twice comes twice as often), all of them where none is named. ``latency``
    (seconds) is how long a send takes at most before the provider has it.
    """

    seed: int
    share: float = 0.0
    lookups: bool = False
    restarts: float = 0.0
    always: str | None = None
    kinds: tuple[str, ...] = ()
    latency: float = 0.0


@attrs.define
class Talk:
    """One request and the connection it came on. ``open`` says that another may follow."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    request: bytes
    ask: Callable[[bytes], Awaitable[bytes]]
    answer: bytes = b""
    open: bool = True

    async def forward(self) -> None:
        """Hand the whole request to the provider, and keep what it answers."""
        self.answer = await self.ask(self.request)

    async def send(self, data: bytes) -> None:
        """Send raw bytes to the client."""
        self.writer.write(data)
        await self.writer.drain()

    async def give(self) -> None:
        """Give the client the provider's answer."""
        await self.send(self.answer)

    async def wait(self) -> None:
        """Be slow."""
        await asyncio.sleep(_SLOW)

    async def hang(self) -> None:
        """Say nothing until the client leaves."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.reader.read(1), LONGEST_HANG)
        self.open = False

    async def close(self) -> None:
        """Close the connection."""
        self.open = False

    async def reset(self) -> None:
        """Reset the connection (RST), as a crashed or overloaded host does."""
        linger = struct.pack("ii", 1, 0)
        whole: socket.socket = self.writer.get_extra_info("socket")
        whole.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()
        self.open = False

    async def cut(self, share: Callable[[bytes], int]) -> None:
        """Give so many bytes of the provider's answer and close."""
        await self.send(self.answer[: share(self.answer)])
        self.open = False


@attrs.frozen
class Fault:
    """One way to break. ``taken`` says whether the provider gets the message all the same."""

    taken: bool
    steps: tuple[Step, ...]

    async def play(self, talk: Talk) -> None:
        """Break one request."""
        for step in self.steps:
            await step(talk)


def _untaken(*steps: Step) -> Fault:
    return Fault(taken=False, steps=steps)


def _taken(*steps: Step) -> Fault:
    return Fault(taken=True, steps=(Talk.forward, *steps))


def _said(data: bytes) -> Step:
    return lambda talk: talk.send(data)


def _answered(status: str, extra: str = "", body: bytes = _PAGE) -> Step:
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n"
    return _said(f"{head}{extra}\r\n".encode() + body)


def _cut(share: Callable[[bytes], int]) -> Step:
    return lambda talk: talk.cut(share)


def _head(answer: bytes) -> int:
    return answer.find(b"\r\n\r\n") + 4


_CHUNKED = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"
_STATUSES = {
    "500": _answered("500 Internal Server Error"),
    "502": _answered("502 Bad Gateway"),
    "503": _answered("503 Service Unavailable"),
    "504": _answered("504 Gateway Timeout"),
}

FAULTS: dict[str, Fault] = {
    "reset, untaken": _untaken(Talk.reset),
    "close, untaken": _untaken(Talk.close),
    "hang, untaken": _untaken(Talk.hang),
    **{f"{status}, untaken": _untaken(answer) for status, answer in _STATUSES.items()},
    "429": _untaken(_answered("429 Too Many Requests", "Retry-After: 1\r\n")),
    "302": _untaken(_answered("302 Found", "Location: /elsewhere\r\n")),
    "a page, untaken": _untaken(_answered("200 OK")),
    "reset, taken": _taken(Talk.reset),
    "close, taken": _taken(Talk.close),
    "hang, taken": _taken(Talk.hang),
    "late": Fault(taken=True, steps=(Talk.hang, Talk.forward)),
    **{f"{status}, taken": _taken(answer) for status, answer in _STATUSES.items()},
    "cut in the status line": _taken(_cut(lambda _: 11)),
    "cut in the headers": _taken(_cut(lambda answer: _head(answer) // 2 + 10)),
    "cut in the body": _taken(_cut(lambda answer: (_head(answer) + len(answer)) // 2)),
    "bad chunk": _taken(_said(_CHUNKED), Talk.close),
    "garbage": _taken(_said(b"\x16\x03what?\r\n\r\n"), Talk.close),
    "100 only": _taken(_said(b"HTTP/1.1 100 Continue\r\n\r\n"), Talk.close),
    "slow": _taken(Talk.wait, Talk.give),
}
NONE = _taken(Talk.give)


@attrs.frozen(kw_only=True)
class Arrival:
    """A send as it came to a provider's door: when (steady clock), and what it met there."""

    provider: str
    number: int
    at: float
    fault: str | None


class Proxy:
    """One provider's door. ``port`` is where it listens; ``target`` is the provider's port."""

    def __init__(self, provider: str, target: int, weather: Weather) -> None:
        self.provider = provider
        self.target = target
        self.weather = weather
        self.arrivals: list[Arrival] = []
        self.restarts = 0
        #: How many requests were at most under way at once.
        self.crowded = 0
        #: Set while no request is under way.
        self.quiet = asyncio.Event()
        self.quiet.set()
        self._busy = 0
        self._slowness = Random(f"{weather.seed}/{provider}")  # noqa: S311 - guards nothing
        self._asked: Counter[str] = Counter()
        self._idle: set[asyncio.StreamWriter] = set()
        # Bound for good, so that nobody else gets the port while it is closed.
        self._holder = _bound(0)
        self.port: int = self._holder.getsockname()[1]
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Begin to listen."""
        listening = _bound(self.port)
        listening.listen(512)
        self._server = await asyncio.start_server(self._connected, sock=listening)

    def shut(self) -> None:
        """Close the port and every idle connection."""
        if self._server is not None:
            self._server.close()
        for writer in self._idle:
            writer.close()

    async def restart(self) -> None:
        """Close the port and every idle connection for a moment, as a provider's gateway does."""
        self.shut()
        self.restarts += 1
        await asyncio.sleep(CLOSED)
        await self.open()

    async def live(self) -> None:
        """Restart now and then, as the weather wants, until cancelled."""
        random = Random(f"{self.weather.seed}/{self.provider}")  # noqa: S311 - guards nothing
        while True:
            mean = self.weather.restarts
            await asyncio.sleep(random.uniform(0.5, 1.5) * mean if mean else 0.05)
            if mean and self.weather.restarts:
                await self.restart()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A client that leaves in the middle is no trouble of the proxy's.
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await self._serve(reader, writer)
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind = _Behind(self.target)
        try:
            while True:
                self._idle.add(writer)
                try:
                    head = await reader.readuntil(b"\r\n\r\n")
                finally:
                    self._idle.discard(writer)
                request = head + await reader.readexactly(_length(head))
                talk = Talk(reader, writer, request, behind.ask)
                await self._answer(talk)
                if not talk.open:
                    return
        finally:
            behind.close()

    async def _answer(self, talk: Talk) -> None:
        self._busy += 1
        self.crowded = max(self.crowded, self._busy)
        self.quiet.clear()
        try:
            name = self._pick(talk.request)
            if talk.request.startswith(b"POST"):
                await asyncio.sleep(self._slowness.uniform(0.5, 1) * self.weather.latency)
            await (NONE if name is None else FAULTS[name]).play(talk)
        finally:
            self._busy -= 1
            if not self._busy:
                self.quiet.set()

    def _pick(self, request: bytes) -> str | None:
        """Return the fault that this request meets, None for none; note it if it is a send."""
        method, path, _ = request.split(b"\r\n", 1)[0].split(b" ")
        if path == b"/elsewhere":
            return "a page, untaken"
        sends = method == b"POST"
        number = number_in(request) if sends else None
        what = path.decode() if number is None else str(number)
        self._asked[what] += 1
        name = None
        if self.weather.always is not None:
            name = self.weather.always
        elif sends or self.weather.lookups:
            turn = f"{what}/{self._asked[what]}"
            weather = self.weather
            name = drawn(weather.seed, self.provider, turn, weather.share, weather.kinds)
        if number is not None:
            found = Arrival(provider=self.provider, number=number, at=time.monotonic(), fault=name)
            self.arrivals.append(found)
        return name

    def forget(self) -> None:
        """Forget what came so far: the same message meets the same faults again."""
        self.arrivals.clear()
        self._asked.clear()
        self.restarts = 0
        self.crowded = 0


def drawn(
    seed: int, provider: str, what: str, share: float, kinds: Sequence[str] = ()
) -> str | None:
    """Return the fault that a request meets, None for none: the same each time."""
    random = Random(f"{seed}/{provider}/{what}")  # noqa: S311 - guards nothing
    return random.choice(kinds or list(FAULTS)) if random.random() < share else None


class _Behind:
    """The connection to the provider that belongs to one connection of a client."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> bytes:
        """Hand on a request and return the whole answer."""
        async with asyncio.timeout(LONGEST_ANSWER):
            if self._streams is None:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            reader, writer = self._streams
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            return head + await reader.readexactly(_length(head))

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._streams is not None:
            self._streams[1].close()


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound


def _length(head: bytes) -> int:
    found = _LENGTH.search(head)
    return int(found[1]) if found else 0
