"""A process that wakes after its attempt's time was over: not one byte of the message is written.

Whoever finds an attempt expired may look for the message, find nothing and send it anew. What the
server was given is told by the server itself, byte by byte.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import attrs
import httpx
import pytest

from polysms import Message, NotSent
from polysms.client import pooled, pooled_async
from polysms.client.core import REAL_WORLD
from polysms.routing.steps import World
from tests.clients import KINDS, WAVIX, Both
from tests.faults import ACCEPTED, FaultServer, Talk, authority, plain, write_authority

Make = Callable[..., Both]
Pause = Callable[[], None]
MESSAGE = Message("+13135550123", "Your table is ready")
ROOT = Path(__file__).resolve().parents[2]
#: Seconds: an attempt's time where it is to pass, where a process must be caught in it, and where
#: it is not to pass, however busy the machine.
SHORT = 0.3
CAUGHT = 1.5
LONG = 60.0
#: Tries of a fiftieth of a second each.
TRIES = 1_000
UNTOUCHED = ("not_sent", "nothing_written")
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="stops and watches a process")


class Server(FaultServer):
    """Takes every message of every connection, and keeps each byte that it was given."""

    def __init__(self, *, tls: bool = False) -> None:
        self.heard = b""
        super().__init__(plain(self._take), tls=tls)

    def _take(self, talk: Talk) -> None:
        message = b""
        while more := talk.connection.recv(65536):
            self.heard += more
            message += more
            # The end of a body: it is JSON, and no header ends so.
            if message.endswith(b"}"):
                talk.answer("201 Created", ACCEPTED)
                message = b""

    @property
    def messages(self) -> int:
        """Return how many messages were begun."""
        return self.heard.count(b"HTTP/1.1\r\n")


@attrs.define
class Clock:
    """A wall clock that can be put forward, and something that takes a while."""

    ahead: timedelta = timedelta()
    does: str = "nothing"

    def pause(self) -> None:
        """Do what is asked for, between the moment an attempt begins and its first byte."""
        getattr(self, self.does)()

    def nothing(self) -> None:
        """Let no time pass."""

    def world(self) -> World:
        """Return the real world with this clock on its wall."""
        return attrs.evolve(REAL_WORLD, now=lambda: REAL_WORLD.now() + self.ahead)

    def suspend(self) -> None:
        """Let the time pass as on a suspended machine, whose steady clock stands."""
        self.ahead = timedelta(hours=1)

    def freeze(self) -> None:
        """Let the time of a short attempt pass, with nothing of this thread running."""
        time.sleep(2 * SHORT)


def _blind(clock: Clock, kind: str) -> Any:
    """Return a transport that does not trace, and is looked at when time has passed."""

    class Blind(httpx.HTTPTransport):
        def shorter(self) -> None:
            clock.pause()

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            request.extensions.pop("trace", None)
            return super().handle_request(request)

    class BlindAsync(httpx.AsyncHTTPTransport):
        def shorter(self) -> None:
            clock.pause()

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            request.extensions.pop("trace", None)
            return await super().handle_async_request(request)

    return BlindAsync if kind == "async" else Blind


def _seeing(clock: Clock, kind: str, *, known: bool) -> Any:
    """Return a transport that hands the trace on, be that known or not, after a while."""

    class Seeing(httpx.HTTPTransport):
        traces = known

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            clock.pause()
            return super().handle_request(request)

    class SeeingAsync(httpx.AsyncHTTPTransport):
        traces = known

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            clock.pause()
            return await super().handle_async_request(request)

    return SeeingAsync if kind == "async" else Seeing


def _pausing(monkeypatch: pytest.MonkeyPatch, pause: Pause) -> None:
    """Let our own transports pause before they look for a connection."""
    for kind in (pooled.PooledTransport, pooled_async.AsyncPooledTransport):
        monkeypatch.setattr(kind, "shorter", _paused(kind.shorter, pause))


def _paused(shorter: Any, pause: Pause) -> Callable[[Any], Any]:
    def later(transport: Any) -> Any:
        build, carry = shorter(transport)

        def carried(request: Any) -> Any:
            pause()
            return carry(request)

        return build, carried

    return later


WAYS = ("http", "tls", "blind", "httpx")


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """Return a way to a connection: our own, over HTTP and TLS, or a transport of somebody's."""
    name: str = request.param
    return name


@pytest.fixture
def clock() -> Clock:
    """Return a clock that is right."""
    return Clock()


@pytest.fixture
def client(
    make: Make, way: str, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Both]:
    """Return a function that makes a client of one account, with one connection of its own."""
    for module in (pooled, pooled_async):
        monkeypatch.setattr(module, "MOST", 1)
    _pausing(monkeypatch, clock.pause)
    kind: str = make.kind  # type: ignore[attr-defined]
    others = {
        "blind": _blind(clock, kind),
        "httpx": _seeing(clock, kind, known=True),
        "unknown": _seeing(clock, kind, known=False),
    }

    def made(url: str) -> Both:
        config = _config(url, write_authority(tmp_path))
        return make(config, world=clock.world(), transport=others.get(way))

    return made


def _config(url: str, ca: str) -> dict[str, Any]:
    return {
        "accounts": {"wavix": {**WAVIX, "base_url": url, "ca": ca}},
        # One try: what it says is told, and not what a second one would.
        "routes": {"main": {"accounts": ["wavix"], "repeats": 0}},
        "default": "main",
    }


def _tried(both: Both, deadline: float) -> list[tuple[str, str]]:
    """Send a message in vain; return the outcome and the evidence of each attempt."""
    with pytest.raises(NotSent) as raised:
        both.send(MESSAGE, deadline=deadline)
    assert raised.value.delivery is not None
    return [(str(one.outcome), str(one.evidence)) for one in raised.value.delivery.attempts]


@pytest.mark.parametrize("before", [0, 1], ids=["new", "kept"])
@pytest.mark.parametrize(("how", "deadline"), [("suspend", LONG), ("freeze", SHORT)])
def test_time_passes_before_the_first_byte(  # noqa: PLR0913, PLR0917 - each a fixture or a case
    client: Callable[[str], Both],
    clock: Clock,
    way: str,
    how: str,
    deadline: float,
    before: int,
) -> None:
    """Past its time by either clock nothing is written, and the next message finds a connection."""
    with Server(tls=way == "tls") as server:
        both = client(server.url)
        for _ in range(before):
            both.send(MESSAGE)
        clock.does = how
        assert [UNTOUCHED] == _tried(both, deadline)
        assert before == server.messages
        clock.does = "nothing"
        assert "m-1" == both.send(MESSAGE).provider_id
        both.close()
    assert before + 1 == server.messages


@pytest.mark.parametrize("way", ["unknown"])
def test_transport_of_which_nothing_is_known(client: Callable[[str], Both], clock: Clock) -> None:
    """A transport may hand its trace on unasked: that we ourselves ended the request is proof."""
    with Server() as server:
        both = client(server.url)
        clock.does = "suspend"
        assert [UNTOUCHED] == _tried(both, LONG)
        both.close()
    assert 0 == server.messages


def test_it_is_told_as_ours(make: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """That we slept says nothing of the provider, and the error says what happened."""
    _pausing(monkeypatch, clock.suspend)
    with Server() as server:
        both = make({"accounts": {"wavix": {**WAVIX, "base_url": server.url}}}, world=clock.world())
        with pytest.raises(NotSent, match="its time was over before the first byte") as raised:
            both.send(MESSAGE)
    assert "us" == raised.value.fault


def test_look_up_never_expires(make: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking what became of a message can send nothing twice: it is asked however late."""
    with Server() as server:
        both = make({"accounts": {"wavix": {**WAVIX, "base_url": server.url}}}, world=clock.world())
        delivery = both.send(MESSAGE)
    _pausing(monkeypatch, clock.suspend)
    with FaultServer(plain(_found)) as other:
        both = make({"accounts": {"wavix": {**WAVIX, "base_url": other.url}}}, world=clock.world())
        assert "m-1" == both.fetch(delivery).provider_id


def _found(talk: Talk) -> None:
    talk.process()
    talk.answer("200 OK", ACCEPTED)


def child(kind: str, url: str, ca: str, clock: str, kept: str) -> None:
    """Send a message, and tell its attempts; in a process of its own, which will be stopped."""
    both, within = Both(kind, _config(url, ca)), SHORT if kept == "kept" else CAUGHT
    deadline = within
    with pytest.MonkeyPatch.context() as patch:
        if kept == "kept":
            both.send(MESSAGE, deadline=LONG)
            _pausing(patch, lambda: signal.raise_signal(signal.SIGSTOP))
        if clock == "wall":
            # It expires as soon, and the steady clock allows it for long yet.
            deadline = LONG
            patch.setattr("polysms.routing.preparing.GRACE", within - LONG)
        tried = _tried(both, deadline)
    both.close()
    print(json.dumps(tried), flush=True)  # noqa: T201 - heard by the test


@contextlib.contextmanager
def _child(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    # The folder of the tests by name: PYTHONSAFEPATH keeps the current one off the path.
    line = "import sys; sys.path.append(sys.argv[1])"
    line += "; from tests.client.test_late_start import child; child(*sys.argv[2:])"
    command = [sys.executable, "-c", line, str(ROOT), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: S603 - ours
        try:
            yield process
        finally:
            process.kill()


def _sleep_over(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Keep a process stopped until its attempt's time is over, and wake it."""
    process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    process.send_signal(signal.SIGCONT)


def _told(process: subprocess.Popen[bytes]) -> list[tuple[str, str]]:
    output, _ = process.communicate(timeout=LONG)
    return [(outcome, evidence) for outcome, evidence in json.loads(output)]


def _awaited(true: Callable[[], bool]) -> None:
    for _ in range(TRIES):
        if true():
            return
        time.sleep(0.02)
    raise TimeoutError("it never came about")


CLOCKS = ("steady", "wall")


@needs_linux
@pytest.mark.unmeasured
@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("kind", KINDS)
def test_stopped_while_connecting(kind: str, clock: str, tmp_path: Path) -> None:
    """A process that is stopped while it connects, and woken late, writes nothing."""
    with contextlib.ExitStack() as stack:
        busy = stack.enter_context(_Busy())
        url = f"http://127.0.0.1:{busy.port}"
        process = stack.enter_context(_child(kind, url, write_authority(tmp_path), clock, "new"))
        _awaited(busy.is_wanted)
        process.send_signal(signal.SIGSTOP)
        with busy.accepted() as connection:
            _sleep_over(process, CAUGHT)
            assert [UNTOUCHED] == _told(process)
            assert b"" == connection.recv(65536)


class _Busy:
    """A server whose queue is full: whoever connects must wait until it accepts."""

    def __enter__(self) -> Self:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=0)
        self._listening.settimeout(LONG)
        self.port: int = self._listening.getsockname()[1]
        self._waiting = [socket.socket() for _ in range(4)]
        for one in self._waiting:
            one.settimeout(0)
            one.connect_ex(("127.0.0.1", self.port))
        self._ports = {one.getsockname()[1] for one in self._waiting}
        return self

    def __exit__(self, *_: object) -> None:
        for one in (*self._waiting, self._listening):
            one.close()

    def is_wanted(self) -> bool:
        """Whether somebody else is connecting."""
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        syn_sent, there = "02", f":{self.port:04X}"
        wanting = {row[1] for row in rows if row[2].endswith(there) and row[3] == syn_sent}
        return any(int(one.partition(":")[2], 16) not in self._ports for one in wanting)

    def accepted(self) -> socket.socket:
        """Return the connection of who was kept waiting."""
        for one in self._waiting:
            one.close()
        while True:
            connection, address = self._listening.accept()
            if address[1] not in self._ports:
                connection.settimeout(LONG)
                return connection
            connection.close()


@needs_linux
@pytest.mark.unmeasured
@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("kind", KINDS)
def test_stopped_in_the_handshake(kind: str, clock: str, tmp_path: Path) -> None:
    """A process that is stopped before TLS stands, and woken late, writes nothing."""
    accepted, go, heard = threading.Event(), threading.Event(), []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert("127.0.0.1").configure_cert(context)

    def hold(talk: Talk) -> None:
        accepted.set()
        assert go.wait(LONG)
        with context.wrap_socket(talk.connection, server_side=True) as secure:
            heard.append(secure.recv(65536))

    with FaultServer(plain(hold)) as server:
        url = server.url.replace("http:", "https:")
        with _child(kind, url, write_authority(tmp_path), clock, "new") as process:
            assert accepted.wait(LONG)
            process.send_signal(signal.SIGSTOP)
            go.set()
            _sleep_over(process, CAUGHT)
            assert [UNTOUCHED] == _told(process)
    assert b"" == b"".join(heard)


@needs_linux
@pytest.mark.unmeasured
@pytest.mark.parametrize("tls", [False, True], ids=["http", "tls"])
@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("kind", KINDS)
def test_stopped_before_a_kept_connection(
    kind: str,
    clock: str,
    tls: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    """A process that is stopped before its second message, and woken late, wrote only one."""
    with (
        Server(tls=tls) as server,
        _child(kind, server.url, write_authority(tmp_path), clock, "kept") as process,
    ):
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        _sleep_over(process, 2 * SHORT)
        assert [UNTOUCHED] == _told(process)
    assert 1 == server.messages
