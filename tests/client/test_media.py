"""Fetching what came with a message, from addresses that someone else chose."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpcore
import pytest
import trustme

from polysms import ConfigError, InboundMessage, LookupFailed, NotFound, Reason
from polysms.client.public import (
    AsyncPublicBackend,
    NotPublicError,
    PublicBackend,
    is_public,
    is_public_or_loopback,
)
from tests.clients import Both

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(1000)
PNG = {"Content-Type": "image/png"}
SECRET = "canary-key"

Make = Callable[..., Both]
Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers as its server's table says, and notes what it was asked."""

    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        with contextlib.suppress(OSError):
            self.server.table.get(self.path, giving(404))(self)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """A host of media on this machine."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.table: dict[str, Answer] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.stopping = threading.Event()
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that went away."""

    def url(self, path: str, host: str = "127.0.0.1", scheme: str = "http") -> str:
        """Return the address of a path."""
        return f"{scheme}://{host}:{self.server_address[1]}{path}"


@contextlib.contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Serve until the end of the block."""
    server = Server(context)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def home() -> Iterator[Server]:
    """Play the provider's own host."""
    with serving() as server:
        yield server


@pytest.fixture
def elsewhere() -> Iterator[Server]:
    """Play another host."""
    with serving() as server:
        yield server


def giving(status: int = 200, body: bytes = PICTURE, **headers: str) -> Answer:
    """Return an answer of the table."""

    def answer(handler: Handler) -> None:
        handler.send_response(status)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in ({"Content-Type": "image/png"} | named).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def passing_on(url: str, status: int = 302) -> Answer:
    """Return an answer that leads elsewhere."""
    return giving(status, b"", Location=url)


def of(url: str, account: str = "wavix") -> InboundMessage:
    """Return a message that came with this."""
    return InboundMessage(
        event_id="e-1",
        account=account,
        provider="wavix",
        provider_id="m-1",
        from_="+13135550123",
        to="+13137890021",
        received_at=datetime(2026, 4, 14, tzinfo=UTC),
        media=(url,),
    )


def tables(**facts: Any) -> dict[str, Any]:
    """Return the configuration of one Wavix account."""
    return {"accounts": {"wavix": {"api_key": SECRET, "sender": "+13137890021", **facts}}}


@pytest.fixture
def local(make: Make, home: Server) -> Both:
    """Return a client whose provider is on this machine, as with the sandbox."""
    return make(tables(base_url=home.url("")))


def test_media_is_fetched(local: Both, home: Server) -> None:
    """The bytes come with their type; neither they nor their address are shown."""
    home.table["/a.png?x=%20y"] = giving(Content_Type="Image/PNG; name=a.png")
    found = local.call("media", of(home.url("/a.png?x=%20y#part")))

    assert (PICTURE, "image/png") == (found.content, found.content_type)
    assert home.url("/a.png?x=%20y") == found.url
    assert "Media(content=<1008 bytes>, content_type='image/png')" == repr(found)


def test_credentials_stay_at_home(local: Both, home: Server, elsewhere: Server) -> None:
    """The provider's own host is shown our key, no other is, and none after another was asked."""
    home.table |= {"/a": giving(), "/away": passing_on(elsewhere.url("/a"))}
    elsewhere.table |= {"/a": giving(), "/back": passing_on(home.url("/a"))}
    for url in (home.url("/a"), home.url("/away"), elsewhere.url("/back")):
        local.call("media", of(url))

    ours = f"Bearer {SECRET}"
    assert [("/a", ours), ("/away", ours), ("/a", None)] == home.asked
    assert [("/a", None), ("/back", None)] == elsewhere.asked


def test_same_host_by_another_name_is_another(local: Both, home: Server) -> None:
    """Scheme, host and port make an origin: another name of the host gets no credentials."""
    home.table["/a"] = giving()
    local.call("media", of(home.url("/a", host="localhost")))

    assert [("/a", None)] == home.asked


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_three_redirects_are_followed(local: Both, home: Server, status: int) -> None:
    """Three are, of any kind, also relative ones; a fourth is not."""
    hops = {f"/{n}": passing_on(f"{n + 1}", status) for n in range(4)}
    home.table |= {**hops, "/4": giving()}

    assert PICTURE == local.call("media", of(home.url("/1"))).content
    with pytest.raises(LookupFailed, match="more than 3 times"):
        local.call("media", of(home.url("/0")))
    assert ["/1", "/2", "/3", "/4", "/0", "/1", "/2", "/3"] == [path for path, _ in home.asked]


def endless(handler: Handler) -> None:
    """Give bytes without an end, and without saying how many."""
    handler.send_response(200)
    handler.send_header("Content-Type", "image/png")
    handler.end_headers()
    while not handler.server.stopping.is_set():
        handler.wfile.write(bytes(65536))


@pytest.mark.parametrize("answer", [giving(body=bytes(1001)), endless])
def test_size_is_bounded(local: Both, home: Server, answer: Answer) -> None:
    """What is too large is not taken, whether its host says so or not."""
    home.table["/a"] = answer
    with pytest.raises(LookupFailed, match="more than 1000 bytes") as caught:
        local.call("media", of(home.url("/a")), most=1000)

    assert (Reason.MEDIA, False, "wavix") == (
        caught.value.reason,
        caught.value.retry_later,
        caught.value.account,
    )


def test_largest_is_taken(local: Both, home: Server) -> None:
    """What is just not too large is taken."""
    home.table["/a"] = giving(body=bytes(1000))

    assert bytes(1000) == local.call("media", of(home.url("/a")), most=1000).content


@pytest.mark.parametrize(
    ("content_type", "types", "is_taken"),
    [
        ("image/jpeg", None, True),
        ("video/3gpp", None, True),
        ("text/x-vcard; charset=utf-8", None, True),
        ("text/html", None, False),
        ("application/octet-stream", None, False),
        ("", None, False),
        # A program that runs where it is shown.
        ("image/svg+xml", None, False),
        ("image/svg+xml", ["image/svg+xml"], True),
        ("IMAGE/PNG", ["Image/*"], True),
        ("imagery/png", ["image/*"], False),
        ("application/pdf", ["application/pdf"], True),
        ("image/png", ["application/pdf"], False),
        ("application/octet-stream", ["*/*"], True),
    ],
)
def test_types(
    local: Both, home: Server, content_type: str, types: list[str] | None, *, is_taken: bool
) -> None:
    """Only the types that are asked for are taken."""
    home.table["/a"] = giving(Content_Type=content_type)
    if is_taken:
        assert PICTURE == local.call("media", of(home.url("/a")), types=types).content
        return
    with pytest.raises(LookupFailed, match=r"only .* is taken"):
        local.call("media", of(home.url("/a")), types=types)


def test_packed_media_is_not_taken(local: Both, home: Server) -> None:
    """A body that grows when it is unpacked is no way around the bound."""
    home.table["/a"] = giving(Content_Encoding="gzip")
    with pytest.raises(LookupFailed, match="packed"):
        local.call("media", of(home.url("/a")))


def trickling(handler: Handler) -> None:
    """Give a byte now and then, for some seconds."""
    handler.send_response(200)
    handler.send_header("Content-Type", "image/png")
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b"x")
        if handler.server.stopping.wait(0.03):
            return


def test_time_is_bounded(local: Both, home: Server) -> None:
    """A host that has not ended in time is not waited for, though each of its bytes was quick."""
    home.table["/a"] = trickling
    with pytest.raises(LookupFailed, match="did not come in time") as caught:
        local.call("media", of(home.url("/a")), within=0.3)

    assert caught.value.retry_later


@pytest.mark.parametrize(
    ("status", "error", "reason", "retry_later"),
    [
        (401, LookupFailed, Reason.CREDENTIALS, False),
        (403, LookupFailed, Reason.CREDENTIALS, False),
        (404, NotFound, None, False),
        (410, NotFound, None, False),
        (429, LookupFailed, None, True),
        (400, LookupFailed, None, False),
        (204, LookupFailed, None, False),
        (302, LookupFailed, None, False),
        (503, LookupFailed, None, True),
    ],
)
def test_other_answers(  # noqa: PLR0913 - one argument for each column
    local: Both,
    home: Server,
    status: int,
    error: type[LookupFailed],
    reason: Reason | None,
    *,
    retry_later: bool,
) -> None:
    """The error tells whether it may come yet, and never the address."""
    home.table["/secret-path"] = giving(status, b"")
    with pytest.raises(LookupFailed) as caught:
        local.call("media", of(home.url("/secret-path")))

    found = caught.value
    assert (error, reason, retry_later) == (type(found), found.reason, found.retry_later)
    assert "secret-path" not in str(found)


def test_nobody_is_there(local: Both) -> None:
    """A host that takes no connection may take one later."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a"
    with pytest.raises(LookupFailed, match="could not be fetched") as caught:
        local.call("media", of(url))

    assert caught.value.retry_later


ADDRESSES = [
    "http://example.com/a.png",
    "https://example.com:8443/a.png",
    "https://user:password@example.com/a.png",
    "ftp://example.com/a.png",
    "file:///etc/passwd",
    "https://exa mple.com/a.png",
    "https://",
    "//example.com/a.png",
    "http://api.wavix.com/a.png",
    "",
]


@pytest.mark.parametrize("url", ADDRESSES)
def test_addresses_that_are_not_asked(
    make: Make, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only https at its own port is asked; the name of anything else is not even looked up."""
    both = make(tables())
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("was looked up"))
    with pytest.raises(LookupFailed, match="address") as caught:
        both.call("media", of(url))

    assert (Reason.MEDIA, False) == (caught.value.reason, caught.value.retry_later)


INTERNAL = [
    *("https://127.0.0.1/a", "https://localhost/a", "https://[::1]/a", "https://0.0.0.0/a"),
    *("https://2130706433/a", "https://0x7f.1/a", "https://127.1/a", "https://10.0.0.1/a"),
    *("https://169.254.169.254/a", "https://[::ffff:127.0.0.1]/a", "https://[64:ff9b::a00:1]/a"),
    *("https://[fe80::1]/a", "https://[fd00:ec2::254]/a", "https://[2002:7f00:1::]/a"),
]


@pytest.mark.parametrize("url", INTERNAL)
def test_own_network_is_not_asked(make: Make, url: str) -> None:
    """However an address of our own network is written, it is refused before the connection."""
    with pytest.raises(LookupFailed, match="public internet") as caught:
        make(tables()).call("media", of(url))

    assert (Reason.MEDIA, False) == (caught.value.reason, caught.value.retry_later)


def test_name_of_own_network_is_not_asked(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads into our own network is refused, though the name looks harmless."""
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 443))]
    both = make(tables())
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)
    with pytest.raises(LookupFailed, match="public internet"):
        both.call("media", of("https://photos.example.com/a"))


@pytest.mark.parametrize("url", ["https://10.0.0.1/a", "https://[fd00::1]/a", "http://10.0.0.1/a"])
def test_redirect_into_own_network(local: Both, home: Server, url: str) -> None:
    """A redirect is looked at as the first address was; this machine alone is open to tests."""
    home.table["/a"] = passing_on(url)
    with pytest.raises(LookupFailed) as caught:
        local.call("media", of(home.url("/a")))

    assert Reason.MEDIA is caught.value.reason


class Network(httpcore.NetworkBackend):
    """Notes which addresses are connected to; the first ones may be out of reach."""

    def __init__(self, unreachable: int) -> None:
        self.connected: list[str] = []
        self._unreachable = unreachable

    def connect_tcp(self, host: str, *_: Any, **__: Any) -> httpcore.NetworkStream:
        self.connected.append(host)
        if len(self.connected) <= self._unreachable:
            raise httpcore.ConnectError
        return httpcore.MockStream([])


class AsyncNetwork(httpcore.AsyncNetworkBackend):
    """The same, for asyncio."""

    def __init__(self, inner: Network) -> None:
        self._inner = inner

    async def connect_tcp(self, host: str, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        self._inner.connect_tcp(host)
        return httpcore.AsyncMockStream([])


Connect = Callable[..., list[str]]


@pytest.fixture(params=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Connect:
    """Return what connects to a name that is answered so, time after time."""

    def in_turn(
        answers: list[list[str]], times: int = 1, unreachable: int = 0, allowed: Any = is_public
    ) -> list[str]:
        given = iter(answers)
        network = Network(unreachable)
        if request.param == "sync":
            backend = PublicBackend(network, allowed, lambda *_: next(given))
            for _ in range(times):
                backend.connect_tcp("rebind.example", 443)
            return network.connected

        async def resolve(*_: object) -> list[str]:
            return next(given)

        async def run() -> None:
            backend = AsyncPublicBackend(AsyncNetwork(network), allowed, resolve)
            for _ in range(times):
                await backend.connect_tcp("rebind.example", 443)

        asyncio.run(run())
        return network.connected

    return in_turn


PUBLIC, OTHER = "8.8.8.8", "2606:4700::1111"


def test_what_was_checked_is_connected_to(connect: Connect) -> None:
    """A name is asked for once: what it would answer the next time leads nowhere."""
    assert [PUBLIC] == connect([[PUBLIC], ["127.0.0.1"]])


@pytest.mark.parametrize(
    "answers",
    [[[PUBLIC], ["127.0.0.1"]], [[PUBLIC], [PUBLIC, "10.0.0.1"]], [[OTHER], ["::ffff:10.0.0.1"]]],
)
def test_name_that_changes_its_mind(connect: Connect, answers: list[list[str]]) -> None:
    """Each connection asks anew and is checked anew; one wrong address is enough."""
    with pytest.raises(NotPublicError):
        connect(answers, times=2)


def test_all_addresses_of_a_host_are_tried(connect: Connect) -> None:
    """A host with several addresses is reached by any; not by too many."""
    many = [f"8.8.8.{number}" for number in range(9)]

    assert [PUBLIC, OTHER] == connect([[PUBLIC, PUBLIC, OTHER]], unreachable=1)
    with pytest.raises(httpcore.ConnectError):
        connect([many], unreachable=4)
    with pytest.raises(httpcore.ConnectError):
        connect([[]])


def test_own_machine_only_where_the_account_is(connect: Connect) -> None:
    """This machine is allowed for an account that is on it, and the rest of our network never."""
    assert ["127.0.0.1"] == connect([["127.0.0.1"]], allowed=is_public_or_loopback)
    with pytest.raises(NotPublicError):
        connect([["127.0.0.1"]])
    with pytest.raises(NotPublicError):
        connect([["10.0.0.1"]], allowed=is_public_or_loopback)


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.1", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.31.255.255"),
        *("192.0.0.8", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1"),
        *("198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1"),
        *("255.255.255.255", "168.63.129.16", "::", "::1", "::7f00:1", "::ffff:127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::808:808", "100::1", "2001::1"),
        *("2001:10::1", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::", "3fff::1", "5f00::1"),
        *("fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1"),
    ],
)
def test_not_public(address: str) -> None:
    """What is private, special, or stands for such an address is not public."""
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("1.1.1.1", "8.8.8.8", "100.128.0.1", "172.32.0.1", "192.0.1.1", "198.20.0.1"),
        *("223.255.255.255", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8"),
        *("64:ff9b::808:808", "2002:808:808::"),
    ],
)
def test_public(address: str) -> None:
    """What anybody can reach is public, also where an IPv6 address stands for it."""
    assert is_public(ip_address(address))


@pytest.mark.parametrize(("name", "is_known"), [("localhost", True), ("example.com", False)])
def test_certificate_is_of_the_name(
    make: Make, tmp_path: Path, name: str, *, is_known: bool
) -> None:
    """An address is connected to, but its certificate must be the name's."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with serving(context) as server:
        server.table["/a"] = giving()
        base_url = server.url("", host="localhost", scheme="https")
        both = make(tables(base_url=base_url, ca=str(tmp_path / "ca.pem")))
        if is_known:
            assert PICTURE == both.call("media", of(f"{base_url}/a")).content
            return
        with pytest.raises(LookupFailed, match="could not be fetched"):
            both.call("media", of(f"{base_url}/a"))


def test_no_proxy_is_asked(make: Make) -> None:
    """A proxy would look up the name by itself, where nobody checks it: that is said."""
    both = make(tables(proxy="http://proxy.example.com:3128"))
    with pytest.raises(ConfigError, match=r"accounts\.wavix\.proxy"):
        both.call("media", of("https://example.com/a"))


def test_account_without_a_network(make: Make) -> None:
    """A local account has no host of its own, so none of its media are near."""
    both = make({"accounts": {"memory": {"sender": "Acme"}}})
    with pytest.raises(LookupFailed, match="public internet"):
        both.call("media", of("https://127.0.0.1/a", account="memory"))


@pytest.mark.parametrize("index", [1, -1])
def test_no_such_media(local: Both, home: Server, index: int) -> None:
    """An index beyond what came is said so."""
    with pytest.raises(NotFound, match="it came with 1"):
        local.call("media", of(home.url("/a")), index)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("most", 0),
        ("most", 1.5),
        ("most", True),
        ("types", "image/*"),
        ("types", ["png"]),
        ("types", [None]),
        ("within", 0),
    ],
)
def test_bounds_that_are_none(local: Both, home: Server, name: str, value: object) -> None:
    """A bound that bounds nothing is a mistake, and named."""
    with pytest.raises(ConfigError, match=name):
        local.call("media", of(home.url("/a")), **{name: value})

    assert [] == home.asked
