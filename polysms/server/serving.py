"""A receiver on a port of its own: uvicorn, patient with nobody for too long."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from polysms.server.receiver import Receiver

#: Seconds in which the head of a request must be there; its body has as long again.
HEAD_SECONDS = 10.0
#: Seconds that a connection is kept on which nothing is asked.
_KEEP_ALIVE = 30
#: Seconds that what is under way is given once the server is told to stop.
_GRACE = 7
#: Seconds after which what your functions are told is left to a later look.
_TELLING = 5
#: Connections and answers under way at once; more are told to come back (503).
_MOST = 1000
_BACKLOG = 2048
#: Seconds that a server beside a program may take to start.
_START = 20.0


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raises OSError where the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


async def serve(
    receiver: Receiver,
    sockets: list[socket.socket],
    *,
    forwarded_allow_ips: str | None = None,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGTERM or Ctrl-C, and end what is under way.

    ``forwarded_allow_ips`` are the proxies whose word is taken for where a request came from.
    """
    await _Server(configured(receiver, forwarded_allow_ips), ready, receiver.leave).serve(sockets)


@contextlib.contextmanager
def beside(receiver: Receiver, sockets: list[socket.socket]) -> Iterator[None]:
    """Serve inside the block, in a thread of its own; signals are left to whoever hears them."""
    ready = threading.Event()
    server = _Beside(configured(receiver, None), ready.set, receiver.leave)
    thread = threading.Thread(target=server.run, args=(sockets,), daemon=True)
    thread.start()
    try:
        if not ready.wait(_START):
            raise RuntimeError(f"the receiver did not start in {_START:g} s")
        yield
    finally:
        server.should_exit = True
        thread.join(_GRACE + _START)


def configured(receiver: Receiver, forwarded_allow_ips: str | None) -> uvicorn.Config:
    """Return how uvicorn serves a receiver."""
    return uvicorn.Config(
        receiver,
        http=_Impatient,
        ws="none",
        lifespan="on",
        log_config=None,
        # An address holds its account's token.
        access_log=False,
        server_header=False,
        limit_concurrency=_MOST,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_GRACE,
        proxy_headers=forwarded_allow_ips is not None,
        forwarded_allow_ips=forwarded_allow_ips,
    )


class _Server(uvicorn.Server):
    """uvicorn, which says when it is ready, and ends as a program that was told to."""

    def __init__(
        self,
        config: uvicorn.Config,
        ready: Callable[[], None],
        leave: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(config)
        self._say_ready = ready
        self._leave = leave

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._say_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End; before answers are given up, your functions are."""
        asyncio.get_running_loop().call_later(_TELLING, self._leave)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at the first signal; at a second one, at once."""
        numbers = (signal.SIGTERM, signal.SIGINT)
        before = {one: signal.signal(one, self.handle_exit) for one in numbers}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)


class _Beside(_Server):
    """The same in a thread, to which no signal comes."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


class _Impatient(AutoHTTPProtocol):  # type: ignore[misc,valid-type]
    """HTTP whose connections are closed where the head of a request does not come in time."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._forget()
        elif self._timer is None:
            self._timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
