"""The fault server itself: each fault does what it says, and knows what it was given.

The clients here are plain sockets and ``http.client``: what the library is held against is trusted
without the library.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults import (
    ACCEPTED,
    FAULTS,
    SECOND,
    UNTAKEN,
    FaultServer,
    Proxy,
    Talk,
    answering,
    black_hole,
    plain,
    refused_port,
    write_authority,
)

BODY = b'{"text":"Your table is ready"}'
REQUEST = b"POST /v3/messages HTTP/1.1\r\nHost: here\r\nContent-Length: 30\r\n\r\n" + BODY
CREATED = b"HTTP/1.1 201 Created\r\n"
LENGTH = f"Content-Length: {len(ACCEPTED)}\r\n".encode()
WHOLE = CREATED + LENGTH + b"\r\n" + ACCEPTED
HALF = CREATED + b"Content-Length: 999\r\n\r\n" + ACCEPTED
#: Seconds to wait for what must come, on a busy machine too.
PATIENCE = 15.0
#: Seconds without a byte that count as silence; what hangs is silent a hundred times as long.
SILENCE = 0.2
#: How a connection ended. A close turns into a reset where bytes were left unread.
ENDED, RESET, OPEN = "ended", "reset", "open"
CLOSED = {ENDED, RESET}
GONE = (ConnectionError, ssl.SSLEOFError)


@pytest.fixture
def trust(tmp_path: Path) -> ssl.SSLContext:
    """Return a client's TLS settings, which trust the authority of the tests."""
    return ssl.create_default_context(cafile=write_authority(tmp_path))


@pytest.fixture(params=["http", "tls"])
def security(request: pytest.FixtureRequest, trust: ssl.SSLContext) -> ssl.SSLContext | None:
    """Return TLS settings or none: a fault is the same with TLS and without."""
    return trust if request.param == "tls" else None


@contextlib.contextmanager
def connected(
    port: int, security: ssl.SSLContext | None = None, patience: float = PATIENCE
) -> Iterator[socket.socket]:
    """Yield a connection to a port of this machine."""
    with socket.create_connection(("127.0.0.1", port), patience) as bare:
        if security is None:
            yield bare
            return
        with security.wrap_socket(bare, server_hostname="127.0.0.1") as wrapped:
            yield wrapped


def ending(ends: set[str], security: ssl.SSLContext | None) -> set[str]:
    """Return the ends a client may see: Python's TLS tells most resets as an end of file."""
    return CLOSED if security and RESET in ends else ends


def answered(connection: socket.socket, request: bytes, enough: int) -> tuple[bytes, str]:
    """Send a request; return what comes, and how it ends: open if silent after enough bytes."""
    data = b""
    try:
        connection.sendall(request)
        while len(data) < 10_000_000:
            connection.settimeout(PATIENCE if len(data) < enough else SILENCE)
            more = connection.recv(65536)
            if not more:
                return data, ENDED
            data += more
    except TimeoutError:
        return data, OPEN
    except OSError:
        return data, RESET
    return data, "endless"


def exchanged(port: int, security: ssl.SSLContext | None, enough: int) -> tuple[bytes, str]:
    """Send a request on a new connection; a reset may come while it still connects."""
    try:
        with connected(port, security) as connection:
            return answered(connection, REQUEST, enough)
    except ConnectionResetError:
        return b"", RESET


#: fault: was the request complete, was it processed, how the answer begins, how it ends.
EXCHANGES: dict[str, tuple[bool, bool, bytes, set[str]]] = {
    "none": (True, True, WHOLE, {ENDED}),
    "close_unread": (False, False, b"", CLOSED),
    "reset_unread": (False, False, b"", {RESET}),
    "hang_unread": (False, False, b"", {OPEN}),
    "close_head": (False, False, b"", CLOSED),
    "reset_head": (False, False, b"", {RESET}),
    "hang_head": (False, False, b"", {OPEN}),
    "close_read": (True, False, b"", {ENDED}),
    "reset_read": (True, False, b"", {RESET}),
    "hang_read": (True, False, b"", {OPEN}),
    "close_processed": (True, True, b"", {ENDED}),
    "reset_processed": (True, True, b"", {RESET}),
    "hang_processed": (True, True, b"", {OPEN}),
    "garbage": (True, True, b"what?\r\n\r\n", {ENDED}),
    "big_head": (True, True, CREATED + b"X-Big: " + b"a" * 100_000, {ENDED}),
    "only_100": (True, True, b"HTTP/1.1 100 Continue\r\n\r\n", {ENDED}),
    "only_103": (True, True, b"HTTP/1.1 103 Early Hints\r\n\r\n", {OPEN}),
    "cut_body": (True, True, HALF, {ENDED}),
    "reset_in_body": (True, True, HALF, {RESET}),
    "hang_in_body": (True, True, HALF, {OPEN}),
    "bad_chunk": (True, True, CREATED + b"Transfer-Encoding: chunked\r\n\r\nZZ", {ENDED}),
    "bad_gzip": (True, True, CREATED + LENGTH + b"Content-Encoding: gzip\r\n", {ENDED}),
    "five_megabytes": (True, True, CREATED + b"Content-Length: 5000008\r\n\r\n{", {ENDED}),
}
TRICKLES = {"trickle_head": b"", "trickle_body": CREATED + b"Content-Length: 999\r\n\r\n"}


def test_every_fault_is_tried() -> None:
    """A fault that is added has a row here."""
    assert {*FAULTS, *UNTAKEN} == {*EXCHANGES, *TRICKLES}


@pytest.mark.parametrize("name", EXCHANGES)
def test_exchange(name: str, security: ssl.SSLContext | None) -> None:
    """The client sees what the fault is about, and the server tells what it was given."""
    complete, processed, begins, ends = EXCHANGES[name]
    enough = len(begins) if OPEN in ends else 10_000_000
    with FaultServer({**FAULTS, **UNTAKEN}[name], tls=security is not None) as server:
        data, ended = exchanged(server.port, security, enough)
    assert begins == data[: len(begins)]
    assert begins or not data
    assert ended in ending(ends, security)
    assert [(complete, processed)] == [(one.complete, one.processed) for one in server.seen]


@pytest.mark.parametrize("name", TRICKLES)
def test_trickle(name: str, security: ssl.SSLContext | None) -> None:
    """A trickling answer comes by the byte, and is not over after some."""
    server = FaultServer(FAULTS[name], tls=security is not None)
    with server, connected(server.port, security) as connection:
        connection.sendall(REQUEST)
        data = b""
        while len(data) < len(TRICKLES[name]) + 3:
            # An early end would make this loop endless.
            data += connection.recv(65536) or pytest.fail("the answer was over")
    assert TRICKLES[name] == data[: len(TRICKLES[name])]
    assert len(data) < len(TRICKLES[name]) + 100
    assert [True] == [one.processed for one in server.seen]


#: fault: what an ordinary client makes of it.
STUMBLES: dict[str, type[Exception]] = {
    "garbage": http.client.BadStatusLine,
    "big_head": http.client.LineTooLong,
    "only_100": http.client.RemoteDisconnected,
    "cut_body": http.client.IncompleteRead,
    "bad_chunk": http.client.IncompleteRead,
    "bad_gzip": gzip.BadGzipFile,
    "reset_in_body": ConnectionResetError,
}


def posted(port: int) -> tuple[http.client.HTTPResponse, bytes]:
    """Post a message as an ordinary client does; return the answer and its body."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, PATIENCE)) as client:
        client.request("POST", "/v3/messages", BODY)
        answer = client.getresponse()
        body = answer.read()
    packed = answer.headers["Content-Encoding"] == "gzip"
    return answer, gzip.decompress(body) if packed else body


@pytest.mark.parametrize("name", STUMBLES)
def test_ordinary_client_stumbles(name: str) -> None:
    """A broken answer is broken in the way that its name says."""
    with FaultServer(FAULTS[name]) as server, pytest.raises(STUMBLES[name]):
        posted(server.port)


@pytest.mark.parametrize(
    ("status", "body", "extra"),
    [
        ("200 OK", b"<html>", "Content-Type: text/html\r\n"),
        ("204 No Content", b"", ""),
        ("302 Found", b"", "Location: http://127.0.0.1:9/\r\n"),
        ("429 Too Many Requests", b"{}", "Retry-After: 7\r\n"),
        ("503 Unavailable", b"later", ""),
    ],
)
def test_any_answer(status: str, body: bytes, extra: str) -> None:
    """Any status goes with any body and any header."""
    with FaultServer(answering(status, body, extra)) as server:
        answer, found = posted(server.port)
    assert (status, body) == (f"{answer.status} {answer.reason}", found)
    assert extra in "".join(f"{name}: {value}\r\n" for name, value in answer.getheaders())
    assert [True] == [one.processed for one in server.seen]


@pytest.mark.parametrize("name", ["hang_unread", "hang_head"])
def test_slow_reader(name: str) -> None:
    """A server that leaves the body unread lets the client's write wait."""
    head = REQUEST.replace(b"30", b"16000000").removesuffix(BODY)
    server = FaultServer({**FAULTS, **UNTAKEN}[name])
    with server, connected(server.port) as connection:
        connection.settimeout(SILENCE)
        with pytest.raises(TimeoutError):
            connection.sendall(head + b" " * 16_000_000)
    assert [False] == [one.complete for one in server.seen]


#: fault: what the server had of the second request, and how the connection ends.
SECONDS: dict[str, tuple[bool, bool, set[str]]] = {
    "second_close": (False, False, CLOSED),
    "second_reset": (False, False, {RESET}),
    "second_reset_processed": (True, True, {RESET}),
}


@pytest.mark.parametrize("name", SECOND)
def test_second_request(name: str, security: ssl.SSLContext | None) -> None:
    """The first request of a kept connection is answered, the second meets the fault."""
    complete, processed, ends = SECONDS[name]
    server = FaultServer(SECOND[name], tls=security is not None)
    with server, connected(server.port, security) as connection:
        assert (WHOLE, OPEN) == answered(connection, REQUEST, len(WHOLE))
        data, ended = answered(connection, REQUEST, 10_000_000)
    assert b"" == data
    assert ended in ending(ends, security)
    found = [(one.complete, one.processed) for one in server.seen]
    assert [(True, True), (complete, processed)] == found


def test_stale_connection() -> None:
    """A server that takes a message closes after its answer, without having said so."""
    with FaultServer(FAULTS["none"]) as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port, PATIENCE)
        with contextlib.closing(client):
            client.request("POST", "/v3/messages", BODY)
            answer = client.getresponse()
            assert ACCEPTED == answer.read()
            assert not answer.will_close
            assert client.sock is not None
            assert b"" == client.sock.recv(1)


def test_nobody_listens() -> None:
    """A refused port refuses."""
    with pytest.raises(ConnectionRefusedError), connected(refused_port()):
        pass


def test_black_hole() -> None:
    """A black hole never completes a connection."""
    with black_hole() as port, pytest.raises(TimeoutError):
        socket.create_connection(("127.0.0.1", port), SILENCE)


def _close(talk: Talk) -> None:
    talk.connection.close()


def _garbage(talk: Talk) -> None:
    talk.send(b"what?\r\n\r\n")


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (Talk.reset, GONE),
        (_close, GONE),
        (Talk.hang, TimeoutError),
        (_garbage, ssl.SSLError),
    ],
)
def test_broken_handshake(
    act: Callable[[Talk], None],
    expected: type[Exception] | tuple[type[Exception], ...],
    trust: ssl.SSLContext,
) -> None:
    """What breaks before TLS stands breaks the client's handshake, with no request read."""
    patience = SILENCE if expected is TimeoutError else PATIENCE
    server = FaultServer(plain(act))
    with server, pytest.raises(expected), connected(server.port, trust, patience):
        pass
    assert [False] == [one.complete for one in server.seen]


def test_certificate_of_another(trust: ssl.SSLContext) -> None:
    """A certificate for another host does not match, and no request is read."""
    server = FaultServer(FAULTS["none"], tls=True, certificate_for="other.example")
    refused = pytest.raises(ssl.SSLCertVerificationError, match="not valid for")
    with server, refused, connected(server.port, trust):
        pass
    assert not any(one.complete for one in server.seen)


@pytest.mark.parametrize(
    ("deed", "begins", "ended"),
    [
        ("refuse", b"HTTP/1.1 407 Proxy Authentication\r\n", ENDED),
        ("hang", b"", OPEN),
        ("reset", b"", RESET),
    ],
)
def test_broken_proxy(deed: str, begins: bytes, ended: str) -> None:
    """A proxy breaks at CONNECT in the way it is told to, and lets nothing through."""
    asked = b"CONNECT 127.0.0.1:9 HTTP/1.1\r\nHost: 127.0.0.1:9\r\n\r\n"
    enough = 0 if ended == OPEN else 10_000_000
    with Proxy(deed) as proxy, connected(proxy.port) as connection:
        data, found = answered(connection, asked, enough)
    assert begins == data[: len(begins)]
    assert ended == found


def test_tunnel(trust: ssl.SSLContext) -> None:
    """A proxy that connects carries TLS to the server, and the answer back."""
    with FaultServer(FAULTS["none"], tls=True) as server, Proxy("tunnel") as proxy:
        client = http.client.HTTPSConnection(
            "127.0.0.1", proxy.port, timeout=PATIENCE, context=trust
        )
        client.set_tunnel("127.0.0.1", server.port)
        with contextlib.closing(client):
            client.request("POST", "/v3/messages", BODY)
            assert ACCEPTED == client.getresponse().read()
    assert [True] == [one.processed for one in server.seen]


# Were a silent client waited for, this would take LONGEST_HANG.
@pytest.mark.timeout(15)
@pytest.mark.parametrize(
    ("tls", "sent"),
    [(False, b""), (False, REQUEST[:20]), (False, REQUEST[:-1]), (True, b"")],
    ids=["nothing sent", "half a head", "half a body", "no handshake"],
)
def test_nothing_stays(sent: bytes, tls: bool) -> None:  # noqa: FBT001
    """A server that stops leaves no thread and no port, though a client has more to say."""
    before = set(threading.enumerate())
    with contextlib.ExitStack() as stack:
        with FaultServer(FAULTS["none"], tls=tls) as server:
            connection = stack.enter_context(connected(server.port))
            connection.sendall(sent)
            _wait_for_threads(len(before) + 2)
        assert before == set(threading.enumerate())
        with pytest.raises(ConnectionRefusedError), connected(server.port):
            pass


def _wait_for_threads(number: int) -> None:
    """Wait until the server accepts, and serves whoever came."""
    for _ in range(1000):
        if threading.active_count() >= number:
            return
        time.sleep(0.01)
    pytest.fail("nobody is served")
