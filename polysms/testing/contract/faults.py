"""A server on raw sockets that breaks in every way a provider's can, and knows what it was given.

``FaultServer`` plays one fault at a time, over HTTP or TLS, and notes of each request whether it
came whole and whether it was processed: the truth that a client's reading is held against.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import attrs

#: Seconds a hanging server hangs at most; it stops when the test ends.
LONGEST_HANG = 20.0
LARGEST_HEAD = 1_000_000
ACCEPTED = json.dumps({"message_id": "m-1", "status": "accepted"}).encode()


@attrs.define
class Seen:
    """One request as the server saw it: whether it read all of it, and whether it acted upon it.

    A connection on which no request came has one too, with both false.
    """

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
        while b"\r\n\r\n" not in data and len(data) < LARGEST_HEAD:
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

    def again(self) -> None:
        """Await another request on the same connection."""
        self.seen = Seen()
        self.server.seen.append(self.seen)

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


def after(*steps: Callable[[Talk], object]) -> Callable[[Talk], None]:
    """Return what does one step after the other."""

    def act(talk: Talk) -> None:
        for step in steps:
            step(talk)

    return act


def taking(about: str, *steps: Callable[[Talk], object]) -> Fault:
    """Return the fault that takes the message, and then does these steps."""
    return Fault(about, after(Talk.process, *steps))


def _sent(data: bytes) -> Callable[[Talk], None]:
    return lambda talk: talk.send(data)


def _cut(talk: Talk) -> None:
    talk.answer("201 Created", ACCEPTED, length=999)


def whole(talk: Talk) -> None:
    """Answer as a provider that has taken the message."""
    talk.answer("201 Created", ACCEPTED)


def _packed(talk: Talk) -> None:
    talk.answer("201 Created", ACCEPTED, "Content-Encoding: gzip\r\n")


def _huge(talk: Talk) -> None:
    talk.answer("201 Created", b'{"a":"' + b"x" * 5_000_000 + b'"}')


_CREATED = b"HTTP/1.1 201 Created\r\n"
_BIG = _CREATED + b"X-Big: " + b"a" * 300_000 + b"\r\n\r\n"
_CHUNKED = _CREATED + b"Transfer-Encoding: chunked\r\n\r\n"

FAULTS: dict[str, Fault] = {
    "none": taking("takes the message", whole),
    "close_unread": Fault("closes before it reads", lambda talk: talk.connection.close()),
    "reset_unread": Fault("resets before it reads", Talk.reset),
    "hang_unread": Fault("never reads", Talk.hang),
    "close_processed": taking("takes the message and closes"),
    "reset_processed": taking("takes the message and resets", Talk.reset),
    "hang_processed": taking("takes the message and says nothing", Talk.hang),
    "garbage": taking("answers no HTTP", _sent(b"what?\r\n\r\n")),
    "big_head": taking("answers with a head too big", _sent(_BIG)),
    "only_100": taking("100 Continue, and closes", _sent(b"HTTP/1.1 100 Continue\r\n\r\n")),
    "only_103": taking(
        "103 Early Hints, and hangs", _sent(b"HTTP/1.1 103 Early Hints\r\n\r\n"), Talk.hang
    ),
    "trickle_head": taking(
        "one byte of the head at a time", lambda talk: talk.trickle(_CREATED * 9, 0.1)
    ),
    "cut_body": taking("201, and half of the body", _cut),
    "reset_in_body": taking("201, half of the body, a reset", _cut, Talk.pause, Talk.reset),
    "hang_in_body": taking("201, half of the body, silence", _cut, Talk.hang),
    "trickle_body": taking(
        "201, one byte of the body at a time",
        _sent(_CREATED + b"Content-Length: 999\r\n\r\n"),
        lambda talk: talk.trickle(b" " * 999, 0.1),
    ),
    "bad_chunk": taking("201, badly chunked", _sent(_CHUNKED + b"ZZ\r\n")),
    "bad_gzip": taking("201, badly packed", _packed),
    "five_megabytes": taking("201, five megabytes of JSON", _huge),
}

#: Break when the head is read, and not the body; or when all is read, and nothing done with it.
UNTAKEN: dict[str, Fault] = {
    "close_head": Fault("reads the head and closes", after(Talk.read_head)),
    "reset_head": Fault("reads the head and resets", after(Talk.read_head, Talk.reset)),
    "hang_head": Fault("reads the head and hangs", after(Talk.read_head, Talk.hang)),
    "close_read": Fault("reads all and closes", after(Talk.read)),
    "reset_read": Fault("reads all and resets", after(Talk.read, Talk.reset)),
    "hang_read": Fault("reads all and hangs", after(Talk.read, Talk.hang)),
}


def answering(status: str, body: bytes = b"", extra: str = "") -> Fault:
    """Return the fault that reads the request and answers with a status."""
    return taking(status, lambda talk: talk.answer(status, body, extra))


class FaultServer:
    """Plays a fault on each connection, under TLS where it has a ``context`` for it.

    ``fault`` may be another for the next connection; ``seen`` tells what was got, in order.
    """

    def __init__(self, fault: Fault, context: ssl.SSLContext | None = None) -> None:
        self.fault = fault
        self.seen: list[Seen] = []
        self.stopping = threading.Event()
        self._context = context
        self._threads: list[threading.Thread] = []
        self._connections: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start(self._accept)
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
        # Nor does a blocked recv(): the connection must end.
        for connection in self._connections:
            end(connection)
        for thread in self._threads:
            thread.join(LONGEST_HANG)
        self._listening.close()

    def start(self, work: Callable[[], None]) -> None:
        """Do some work beside, that ends with the server."""
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            connection, _ = self._listening.accept()
            if self.stopping.is_set():
                connection.close()
                return
            self.start(lambda connection=connection: self._serve(connection))  # type: ignore[misc]

    def _serve(self, connection: socket.socket) -> None:
        # A client that leaves in the middle of a fault is no trouble of the server's.
        with connection, contextlib.suppress(OSError):
            connection.settimeout(LONGEST_HANG)
            if self._context is None:
                self._play(connection)
                return
            # A client that has left already: wrapping its socket would leak it.
            connection.getpeername()
            with self._context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            ) as wrapped:
                self._play(wrapped)

    def _play(self, connection: socket.socket) -> None:
        self._connections.append(connection)
        # Whoever came while the server was stopping was not ended by it.
        if self.stopping.is_set():
            end(connection)
        if isinstance(connection, ssl.SSLSocket):
            connection.do_handshake()
        self.fault.act(Talk(connection, self))


def end(connection: socket.socket) -> None:
    """End a connection that another thread may be reading from, which then wakes."""
    with contextlib.suppress(OSError):
        # Not SSLSocket.shutdown, which would take the TLS state from under the other thread.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def plain(act: Callable[[Talk], None]) -> Fault:
    """Return a fault for before the TLS handshake: played on a server without TLS."""
    return Fault("before TLS", act)


def refused_port() -> int:
    """Return a port of this machine where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port
