"""Serving the sandbox: for ever, or beside a test in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from polysms.sandbox.app import create_app
from polysms.sandbox.behaviour import Behaviour
from polysms.sandbox.faults import CLOSE
from polysms.sandbox.state import Sandbox

# Seconds.
_START = 20.0
_STOP = 20.0
_GRACE = 3
_KEEP_ALIVE = 60


def serve(host: str = "127.0.0.1", port: int = 8026, behaviour: Behaviour | None = None) -> None:
    """Serve until Ctrl-C. Raises OSError if the port is taken."""
    sandbox = Sandbox(behaviour or Behaviour())
    with socket.create_server((host, port), family=_family(host)) as listening:
        _Server(sandbox).run([listening])


@contextlib.contextmanager
def running(
    host: str = "127.0.0.1", port: int = 0, behaviour: Behaviour | None = None
) -> Iterator[Sandbox]:
    """Serve inside the block, in a thread; port 0 takes a free one.

    Yields the :class:`~polysms.sandbox.state.Sandbox`, with its ``url`` and its ``store``. Raises
    OSError if the port is taken, RuntimeError if the server does not start.
    """
    sandbox = Sandbox(behaviour or Behaviour())
    with socket.create_server((host, port), family=_family(host)) as listening:
        sandbox.url = _url(host, listening.getsockname()[1])
        server = _Server(sandbox)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        try:
            if not server.ready.wait(_START):
                raise RuntimeError(f"the sandbox did not start in {_START:g} s")
            yield sandbox
        finally:
            server.should_exit = True
            thread.join(_STOP)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """uvicorn, which says when it is ready and lets go of hanging requests when it stops."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(
            uvicorn.Config(
                create_app(sandbox),
                http=_Protocol,
                loop="asyncio",
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE,
                timeout_graceful_shutdown=_GRACE,
            )
        )
        self.ready = threading.Event()
        self._sandbox = sandbox

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._sandbox.stopping.set()
        await super().shutdown(sockets)


class _Protocol(H11Protocol):
    """HTTP/1.1 whose application can close the connection of a request without an answer."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.app = _closable(self.app, transport)


def _closable(app: Any, transport: asyncio.Transport) -> ASGIApp:
    async def closable(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, CLOSE: transport.close}, receive, send)

    return closable
