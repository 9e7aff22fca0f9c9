"""SignalWire's own Python package against the sandbox, unmodified: it speaks TLS and nothing else.

So a relay stands before the sandbox, with a certificate of an authority that was made for it.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

import pytest
import trustme

from tests.sandbox.conftest import PROJECT, House

official: Any = pytest.importorskip(
    "signalwire.rest",
    reason="SignalWire's own package is not installed: tox -e signatures has it",
)

SENDER, NUMBER = "+15559876543", "+13135550101"
_SECONDS = 10.0
_CHUNK = 65_536


class _Relay(ThreadingTCPServer):
    """Takes TLS, and hands the bytes on to the sandbox."""

    daemon_threads = True
    address: tuple[str, int]
    context: ssl.SSLContext


class _Handler(BaseRequestHandler):
    server: _Relay

    def handle(self) -> None:
        """Hand on what comes from either side until one of them has ended."""
        with (
            suppress(OSError),
            self.server.context.wrap_socket(self.request, server_side=True) as near,
            closing(socket.create_connection(self.server.address, _SECONDS)) as far,
        ):
            near.settimeout(_SECONDS)
            back = threading.Thread(target=_hand_on, args=(far, near), daemon=True)
            back.start()
            _hand_on(near, far)
            back.join(_SECONDS)


def _hand_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_CHUNK):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def client(house: House, tmp_path: Path) -> Iterator[Any]:
    """Return the package's client, made as its guide says; its transport believes the relay."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    with _Relay(("127.0.0.1", 0), _Handler) as relay:
        relay.address = house.address
        relay.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(relay.context)
        threading.Thread(target=relay.serve_forever, args=(0.05,), daemon=True).start()
        space = f"127.0.0.1:{relay.server_address[1]}"
        made = official.Client(PROJECT, "PTtoken", signalwire_space_url=space)
        made.http_client.session.verify = str(tmp_path / "authority.pem")
        yield made
        made.http_client.session.close()
        relay.shutdown()


def sent(client: Any, to: str = NUMBER, **more: Any) -> Any:
    """Send a message and return what the package made of the answer."""
    return client.messages.create(to=to, from_=SENDER, body="Hello", **more)


def test_send(client: Any) -> None:
    """The answer to a send is read into the package's own object."""
    found = sent(client, media_url=["https://example.com/a.png"], validity_period=60)

    assert ("queued", NUMBER, SENDER, "Hello") == (found.status, found.to, found.from_, found.body)
    assert (PROJECT, 2026, None) == (found.account_sid, found.date_created.year, found.price)


def test_fetch(client: Any, house: House) -> None:
    """A message is read back, delivered, by its id."""
    identity = sent(client).sid
    house.settle()
    found = client.messages(identity).fetch()

    assert (identity, "delivered", None) == (found.sid, found.status, found.error_code)


def test_failure(client: Any, house: House) -> None:
    """The number of an error is read as a number."""
    identity = sent(client, "+13135550103").sid
    house.settle()
    found = client.messages(identity).fetch()

    assert ("failed", 63011) == (found.status, found.error_code)


def test_list(client: Any, house: House) -> None:
    """The list is read page by page, with its filters."""
    identities = [sent(client).sid for _ in range(3)][::-1]
    sent(client, "+13135550120")
    house.settle()
    today = client.messages.list(date_sent_after=sent(client).date_created.date(), page_size=2)

    assert identities == [one.sid for one in client.messages.list(to=NUMBER, page_size=2)]
    assert 4 == len(today)
    assert [] == client.messages.list(from_="12345")


def test_redact_and_delete(client: Any, house: House) -> None:
    """A text is taken away, and then the message."""
    message = client.messages(sent(client).sid)
    house.settle()

    assert "" == message.update(body="").body
    assert message.delete()
    assert [] == client.messages.list()


def test_refusal(client: Any) -> None:
    """A refusal is the package's own error, with the number of it."""
    with pytest.raises(Exception, match="no valid number") as raised:
        sent(client, "+13135550105")
    assert (400, 21211) == (raised.value.status, raised.value.code)  # type: ignore[attr-defined]
