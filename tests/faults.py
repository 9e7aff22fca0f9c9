"""A server on raw sockets that breaks in every way a provider's can, and knows what it was given.

``FaultServer`` plays one fault at a time, over HTTP or TLS, and notes of each request whether it
came whole and whether it was processed: the truth that a client's reading is held against.
``Proxy`` is the smallest proxy that can CONNECT, refuse, hang and reset.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import attrs
import trustme

#: Seconds a hanging server hangs at most; it stops when the test ends.
LONGEST_HANG = 20.0
ACCEPTED = json.dumps({"message_id": "m-1", "status": "accepted"}).encode()


@attrs.define
class Seen:
    """One request as the server saw it: whether all of it came, and whether it was acted upon."""

    complete: bool = False
    processed: bool = False


class Talk:
    """One connection, from the server's side."""

    def __init__(self, connection: socket.socket, server: FaultServer) -> None:
        self.connection = connection
        self.server = server
        self.seen = Seen()
        server.seen.append(self.seen)

    def read_head(self) -> bytes:
        """Read the request's head, and no further than the socket gives with it."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.connection.recv(65536)
            if not more:
                return data
            data += more
        return data

    def read(self) -> None:
        """Read the whole request."""
        head, _, body = self.read_head().partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next((int(x.split(b":")[1]) for x in lines if x.startswith(b"content-length")), 0)
        while len(body) < length:
            more = self.connection.recv(65536)
            if not more:
                return
            body += more
        self.seen.complete = bool(head)

    def process(self) -> None:
        """Read the whole request and act upon it, as a provider that takes the message."""
        self.read()
        self.seen.processed = self.seen.complete

    def send(self, data: bytes) -> None:
        """Send raw bytes."""
        self.connection.sendall(data)

    def answer(
        self, status: str, body: bytes = b"", extra: str = "", length: int | None = None
    ) -> None:
        """Send an answer, whose Content-Length may lie."""
        size = len(body) if length is None else length
        head = f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{extra}\r\n"
        self.send(head.encode() + body)

    def trickle(self, data: bytes, pause: float) -> None:
        """Send one byte at a time until the client has gone."""
        for byte in data:
            self.send(bytes([byte]))
            if self.server.stopping.wait(pause):
                return

    def hang(self) -> None:
        """Say nothing more until the test ends."""
        self.server.stopping.wait(LONGEST_HANG)

    def pause(self) -> None:
        """Let what was sent arrive: a reset throws away what the client has not read yet."""
        self.server.stopping.wait(0.1)

    def reset(self) -> None:
        """Close with a reset (RST), as a crashed or overloaded host does."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()


@attrs.frozen
class Fault:
    """One way to break, and what it is about."""

    about: str
    act: Callable[[Talk], None]


def _after(*steps: Callable[[Talk], object]) -> Callable[[Talk], None]:
    def act(talk: Talk) -> None:
        for step in steps:
            step(talk)

    return act


_BIG = b"HTTP/1.1 201 Created\r\nX-Big: " + b"a" * 300_000 + b"\r\n\r\n"
_CHUNKED = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"

FAULTS: dict[str, Fault] = {
    "none": Fault(
        "takes the message", _after(Talk.process, lambda t: t.answer("201 Created", ACCEPTED))
    ),
    "close_unread": Fault("closes before it reads", lambda t: t.connection.close()),
    "reset_unread": Fault("resets before it reads", Talk.reset),
    "close_processed": Fault("takes the message and closes", Talk.process),
    "reset_processed": Fault("takes the message and resets", _after(Talk.process, Talk.reset)),
    "hang_unread": Fault("never reads", Talk.hang),
    "hang_processed": Fault("takes the message and says nothing", _after(Talk.process, Talk.hang)),
    "garbage": Fault("answers no HTTP", _after(Talk.process, lambda t: t.send(b"what?\r\n\r\n"))),
    "big_head": Fault("answers with a head too big", _after(Talk.process, lambda t: t.send(_BIG))),
    "only_100": Fault(
        "says 100 Continue and closes",
        _after(Talk.process, lambda t: t.send(b"HTTP/1.1 100 Continue\r\n\r\n")),
    ),
    "only_103": Fault(
        "says 103 Early Hints and hangs",
        _after(Talk.process, lambda t: t.send(b"HTTP/1.1 103 Early Hints\r\n\r\n"), Talk.hang),
    ),
    "trickle_head": Fault(
        "one byte of the head at a time",
        _after(Talk.process, lambda t: t.trickle(b"HTTP/1.1 201 Created\r\n\r\n" * 9, 0.1)),
    ),
    "cut_body": Fault(
        "201, and half of the body",
        _after(Talk.process, lambda t: t.answer("201 Created", ACCEPTED, length=999)),
    ),
    "reset_in_body": Fault(
        "201, half of the body, a reset",
        _after(
            Talk.process,
            lambda t: t.answer("201 Created", ACCEPTED, length=999),
            Talk.pause,
            Talk.reset,
        ),
    ),
    "hang_in_body": Fault(
        "201, half of the body, silence",
        _after(Talk.process, lambda t: t.answer("201 Created", ACCEPTED, length=999), Talk.hang),
    ),
    "trickle_body": Fault(
        "201, one byte of the body at a time",
        _after(
            Talk.process,
            lambda t: t.send(b"HTTP/1.1 201 Created\r\nContent-Length: 999\r\n\r\n"),
            lambda t: t.trickle(b" " * 999, 0.1),
        ),
    ),
    "bad_chunk": Fault(
        "201, badly chunked", _after(Talk.process, lambda t: t.send(_CHUNKED + b"ZZ\r\n"))
    ),
    "bad_gzip": Fault(
        "201, badly packed",
        _after(
            Talk.process,
            lambda t: t.answer("201 Created", ACCEPTED, "Content-Encoding: gzip\r\n"),
        ),
    ),
    "five_megabytes": Fault(
        "201, five megabytes of JSON",
        _after(
            Talk.process, lambda t: t.answer("201 Created", b'{"a":"' + b"x" * 5_000_000 + b'"}')
        ),
    ),
}


def answering(status: str, body: bytes = b"", extra: str = "") -> Fault:
    """Return the fault that reads the request and answers with a status."""
    return Fault(status, _after(Talk.process, lambda talk: talk.answer(status, body, extra)))


@cache
def authority() -> trustme.CA:
    """Return a certificate authority of our own."""
    return trustme.CA()


class FaultServer:
    """Plays a fault on each connection; ``certificate_for`` is the host its certificate names."""

    def __init__(
        self, fault: Fault, *, tls: bool = False, certificate_for: str = "127.0.0.1"
    ) -> None:
        self.fault = fault
        self.seen: list[Seen] = []
        self.stopping = threading.Event()
        self._context: ssl.SSLContext | None = None
        if tls:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority().issue_cert(certificate_for).configure_cert(self._context)
        self._threads: list[threading.Thread] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stopping.set()
        # A blocked accept() wakes by a connection, not by close().
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            pass
        for thread in self._threads:
            thread.join(LONGEST_HANG)
        self._listening.close()

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            connection, _ = self._listening.accept()
            if self.stopping.is_set():
                connection.close()
                return
            self._start(lambda connection=connection: self._serve(connection))  # type: ignore[misc]

    def _serve(self, connection: socket.socket) -> None:
        # A client that leaves in the middle of a fault is no trouble of the server's.
        with connection, contextlib.suppress(OSError):
            connection.settimeout(LONGEST_HANG)
            if self._context is None:
                self.fault.act(Talk(connection, self))
                return
            # A client that has left already: wrapping its socket would leak it.
            connection.getpeername()
            with self._context.wrap_socket(connection, server_side=True) as wrapped:
                self.fault.act(Talk(wrapped, self))


def plain(act: Callable[[Talk], None]) -> Fault:
    """Return a fault for before the TLS handshake: played on a server without TLS."""
    return Fault("before TLS", act)


def refused_port() -> int:
    """Return a port of this machine where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@contextlib.contextmanager
def black_hole() -> Iterator[int]:
    """Yield a port that answers no connection: its queue is full and stays so."""
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port: int = full.getsockname()[1]
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003 - socket's own signature
            waiting.connect_ex(("127.0.0.1", port))
        yield port


class Proxy(FaultServer):
    """A proxy that does ``deed`` with each CONNECT: "tunnel", "refuse", "hang" or "reset"."""

    def __init__(self, deed: str) -> None:
        deeds: dict[str, Callable[[Talk], None]] = {
            "tunnel": self._tunnel,
            "refuse": _after(Talk.read_head, lambda talk: talk.answer("407 Proxy Authentication")),
            "hang": _after(Talk.read_head, Talk.hang),
            "reset": _after(Talk.read_head, Talk.reset),
        }
        super().__init__(Fault(deed, deeds[deed]))

    def _tunnel(self, talk: Talk) -> None:
        port = int(talk.read_head().split()[1].rpartition(b":")[2])
        with socket.create_connection(("127.0.0.1", port), 5) as inner:
            talk.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            inner.settimeout(LONGEST_HANG)
            self._start(lambda: _pump(talk.connection, inner))
            _pump(inner, talk.connection)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)


def write_authority(folder: Path) -> str:
    """Write the authority's certificate to a file that an account's ``ca`` can name."""
    file = folder / "ca.pem"
    authority().cert_pem.write_to_path(str(file))
    return str(file)
