"""What the tests add to the fault server of the adapters' contract: TLS, a proxy, a black hole.

``Proxy`` is the smallest proxy that can CONNECT, refuse, hang and reset.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import trustme

from polysms.testing.contract import faults
from polysms.testing.contract.faults import (
    ACCEPTED,
    FAULTS,
    LONGEST_HANG,
    UNTAKEN,
    Fault,
    Talk,
    after,
    answering,
    end,
    plain,
    refused_port,
    taking,
    whole,
)

__all__ = [
    "ACCEPTED",
    "FAULTS",
    "SECOND",
    "UNTAKEN",
    "Fault",
    "FaultServer",
    "Proxy",
    "Talk",
    "answering",
    "authority",
    "black_hole",
    "plain",
    "refused_port",
    "write_authority",
]


#: Take the first request of a connection, keep it open, and break at the second.
SECOND: dict[str, Fault] = {
    "second_close": taking("closes at the next head", whole, Talk.again, Talk.read_head),
    "second_reset": taking(
        "resets at the next head", whole, Talk.again, Talk.read_head, Talk.reset
    ),
    "second_reset_processed": taking(
        "takes the next message too, and resets", whole, Talk.again, Talk.process, Talk.reset
    ),
}


@cache
def authority() -> trustme.CA:
    """Return a certificate authority of our own."""
    return trustme.CA()


class FaultServer(faults.FaultServer):
    """Plays a fault on each connection; ``certificate_for`` is the host its certificate names."""

    def __init__(
        self, fault: Fault, *, tls: bool = False, certificate_for: str = "127.0.0.1"
    ) -> None:
        super().__init__(fault, _context(certificate_for) if tls else None)


def _context(host: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert(host).configure_cert(context)
    return context


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
            "refuse": after(Talk.read_head, lambda talk: talk.answer("407 Proxy Authentication")),
            "hang": after(Talk.read_head, Talk.hang),
            "reset": after(Talk.read_head, Talk.reset),
        }
        super().__init__(Fault(deed, deeds[deed]))

    def _tunnel(self, talk: Talk) -> None:
        port = int(talk.read_head().split()[1].rpartition(b":")[2])
        with socket.create_connection(("127.0.0.1", port), 5) as inner:
            talk.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            inner.settimeout(LONGEST_HANG)
            self.start(lambda: _pump(talk.connection, inner))
            _pump(inner, talk.connection)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    end(source)
    end(target)


def write_authority(folder: Path) -> str:
    """Write the authority's certificate to a file that an account's ``ca`` can name."""
    file = folder / "ca.pem"
    authority().cert_pem.write_to_path(str(file))
    return str(file)
