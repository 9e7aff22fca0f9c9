"""The fault server itself: each fault does what it says, and knows what it was given.

Clients here are plain sockets and ``http.client``, so that nothing of the library is needed to
trust the server that the library is held against.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import (
    ACCEPTED,
    FAULTS,
    SECOND,
    UNTAKEN,
    Fault,
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
#: Seconds that an answer may take before it counts as missing, on a busy machine too.
PATIENCE = 20.0
#: Seconds without a byte that count as silence; a server that hangs, hangs a hundred times that.
SILENCE = 0.2

#: How a connection ended. A close becomes a reset where the server left bytes unread.
ENDED, RESET, OPEN = "ended", "reset", "open"
CLOSED = {ENDED, RESET}


@pytest.fixture(params=[False, True], ids=["http", "tls"])
def tls(request: pytest.FixtureRequest) -> bool:
    """Return whether the server speaks TLS: a fault must be the same under it."""
    wanted: bool = request.param
    return wanted


@pytest.fixture
def trust(tmp_path: Path) -> ssl.SSLContext:
    """Return a client's TLS settings, which trust the tests' own authority."""
    return ssl.create_default_context(cafile=write_authority(tmp_path))


@contextlib.contextmanager
def connected(port: int, trust: ssl.SSLContext | None = None) -> Iterator[socket.socket]:
    """Yield a connection to a port of this machine, with TLS where it is trusted."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as bare:
        if trust is None:
            yield bare
            return
        with trust.wrap_socket(bare, server_hostname="127.0.0.1") as wrapped:
            yield wrapped


def received(connection: socket.socket, least: int) -> tuple[bytes, str]:
    """Return what a connection brings, and how it ends: after ``least`` bytes silence is enough."""
    data = b""
    try:
        while len(data) < 10_000_000:
            connection.settimeout(PATIENCE if len(data) < least else SILENCE)
            more = connection.recv(65536)
            if not more:
                return data, ENDED
            data += more
            if least and len(data) >= least and not data.startswith(CREATED):
                least = len(data)
    except TimeoutError:
        return data, OPEN
    except ConnectionResetError:
        return data, RESET
    return data, "endless"
