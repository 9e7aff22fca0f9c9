"""Outcomes by evidence: every way a request can break, read by both clients.

The truth is the server's: whether it had the whole request, and whether it acted upon it. The law:
a message that was processed is never called not sent, whatever exception came of it.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from polysms import (
    MaybeSent,
    Message,
    NotSent,
    PolysmsError,
    RateLimited,
    Refused,
    Unreachable,
    Unreadable,
)
from polysms.delivery import Evidence
from tests.clients import WAVIX, Both
from tests.faults import (
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

Make = Callable[..., Both]
MESSAGE = Message("+13135550123", "Your table is ready")
#: Seconds. Only what a test waits for in vain is short, so that a busy machine changes nothing.
PATIENT = {"connect": 10, "read": 10, "write": 10, "pool": 10}
HASTY = {**PATIENT, "read": 0.4}
UNCONNECTED = {**PATIENT, "connect": 0.4}
DEADLINE = 10.0
SHORT_DEADLINE = 3.0


class Blind(httpx.HTTPTransport):
    """A transport of somebody's own, which hands no trace on."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Carry the request without its trace."""
        request.extensions.pop("trace", None)
        return super().handle_request(request)


class BlindAsync(httpx.AsyncHTTPTransport):
    """As Blind."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry the request without its trace."""
        request.extensions.pop("trace", None)
        return await super().handle_async_request(request)


@pytest.fixture(params=["tracing", pytest.param("blind", marks=pytest.mark.unmeasured)])
def seeing(request: pytest.FixtureRequest) -> str:
    """Return whether the transport traces: the careful reading must hold without it too."""
    kind: str = request.param
    return kind


@pytest.mark.parametrize("limit", ["attempt_timeout", "deadline"])
def test_silence_is_told_in_the_same_words(make: Make, limit: str) -> None:
    """Whichever limit ends the waiting, and in whichever client: no answer came in time."""
    with FaultServer(FAULTS["hang_processed"]) as server:
        account = {**WAVIX, "base_url": server.url, "timeouts": PATIENT}
        with pytest.raises(MaybeSent, match="no answer in time"):
            make({"accounts": {"wavix": account}}).send(MESSAGE, **{limit: SHORT_DEADLINE})


@pytest.fixture
def outcome(make: Make, seeing: str, tmp_path: Path) -> Callable[..., Any]:
    """Return a function that sends to an address and returns the error or the delivery."""

    def send(url: str, *, deadline: float = DEADLINE, **account: Any) -> Any:
        known = {**WAVIX, "base_url": url, "timeouts": PATIENT, "ca": write_authority(tmp_path)}
        # One try: what it says is told, and not what a second one would.
        route = {"accounts": ["wavix"], "repeats": 0}
        config = {
            "accounts": {"wavix": {**known, **account}},
            "routes": {"main": route},
            "default": "main",
        }
        both = make(config, **_transport(seeing, tmp_path, make, account))
        try:
            return both.send(MESSAGE, deadline=deadline)
        except PolysmsError as error:
            return error

    return send


def _transport(seeing: str, folder: Path, make: Make, account: dict[str, Any]) -> dict[str, Any]:
    if seeing == "tracing":
        return {}
    context = ssl.create_default_context(cafile=write_authority(folder))
    kind: type[Any] = BlindAsync if make.kind == "async" else Blind  # type: ignore[attr-defined]
    return {"transport": lambda: kind(verify=context, proxy=account.get("proxy"))}


#: fault: what is found with a trace, and without one.
WIRE: dict[str, tuple[type[Exception], type[Exception]]] = {
    "close_unread": (MaybeSent, MaybeSent),
    "reset_unread": (MaybeSent, MaybeSent),
    "close_processed": (MaybeSent, MaybeSent),
    "reset_processed": (MaybeSent, MaybeSent),
    "hang_unread": (MaybeSent, MaybeSent),
    "hang_processed": (MaybeSent, MaybeSent),
    "garbage": (MaybeSent, MaybeSent),
    "big_head": (MaybeSent, MaybeSent),
    "only_100": (MaybeSent, MaybeSent),
    "only_103": (MaybeSent, MaybeSent),
    "trickle_head": (MaybeSent, MaybeSent),
    "cut_body": (Unreadable, Unreadable),
    "reset_in_body": (Unreadable, Unreadable),
    "hang_in_body": (Unreadable, Unreadable),
    "trickle_body": (Unreadable, Unreadable),
    "bad_chunk": (Unreadable, Unreadable),
    "bad_gzip": (Unreadable, Unreadable),
    "five_megabytes": (Unreadable, Unreadable),
}


def test_every_fault_has_a_row() -> None:
    """A fault that is added to the server is added to the table."""
    assert set(FAULTS) == {*WIRE, "none"}


@pytest.mark.parametrize("tls", [False, True], ids=["http", "tls"])
@pytest.mark.parametrize("fault", WIRE)
def test_broken_exchange(
    outcome: Callable[..., Any],
    seeing: str,
    fault: str,
    tls: bool,  # noqa: FBT001
) -> None:
    """Once the request is handed over, only the provider's own "no" makes it not sent."""
    deadline = SHORT_DEADLINE if "trickle" in fault else DEADLINE
    with FaultServer(FAULTS[fault], tls=tls) as server:
        found: Any = outcome(server.url, timeouts=HASTY, deadline=deadline)
    expected = WIRE[fault][seeing == "blind"]
    if any(seen.processed for seen in server.seen):
        assert not isinstance(found, NotSent)
    # A reset can reach us before the request is written: then a trace proves that it was not.
    if fault in {"reset_unread", "close_unread"} and isinstance(found, Unreachable):
        assert not any(seen.complete for seen in server.seen)
        return
    evidence = found.delivery.attempts[-1].evidence
    assert evidence in {Evidence.NO_ANSWER, Evidence.ACCEPTED_WITHOUT_ID}
    assert expected is type(found)


@pytest.mark.parametrize("tls", [False, True], ids=["http", "tls"])
@pytest.mark.parametrize("fault", UNTAKEN)
def test_read_and_not_taken(outcome: Callable[..., Any], fault: str, tls: bool) -> None:  # noqa: FBT001
    """Nothing tells a server that has read and dropped the message from one that has taken it."""
    with FaultServer(UNTAKEN[fault], tls=tls) as server:
        found: Any = outcome(server.url, timeouts=HASTY)
    assert [False] == [seen.processed for seen in server.seen]
    evidence = found.delivery.attempts[-1].evidence
    # A reset after the head can come before the body is written: that much a trace proves.
    if fault.endswith("_head") and evidence is Evidence.NOT_COMPLETE:
        assert (Unreachable, [False]) == (type(found), [seen.complete for seen in server.seen])
        return
    assert (MaybeSent, Evidence.NO_ANSWER) == (type(found), evidence)


@pytest.mark.parametrize("tls", [False, True], ids=["http", "tls"])
@pytest.mark.parametrize("fault", SECOND)
def test_second_message_of_a_connection(make: Make, tmp_path: Path, fault: str, tls: bool) -> None:  # noqa: FBT001
    """A connection that breaks under its second message: never called unsent if it was taken."""
    known = {**WAVIX, "timeouts": HASTY, "ca": write_authority(tmp_path)}
    with FaultServer(SECOND[fault], tls=tls) as server:
        both = make({"accounts": {"wavix": {**known, "base_url": server.url}}})
        assert "m-1" == both.send(MESSAGE).provider_id
        try:
            found: Any = both.send(MESSAGE)
        except PolysmsError as error:
            found = error
    taken = sum(seen.processed for seen in server.seen)
    assert isinstance(found, MaybeSent) or (not isinstance(found, NotSent) and taken == 2)


@pytest.mark.parametrize("tls", [False, True], ids=["http", "tls"])
def test_whole_exchange(outcome: Callable[..., Any], tls: bool) -> None:  # noqa: FBT001
    """With nothing broken the message is accepted, over HTTP and TLS."""
    with FaultServer(FAULTS["none"], tls=tls) as server:
        found = outcome(server.url)
    assert "m-1" == found.provider_id
    assert [True] == [seen.processed for seen in server.seen]


#: status line: what an answer without a body means. outcomes by HTTP status, RFC 9110.
STATUSES: list[tuple[str, str, type[Exception]]] = [
    ("200 OK", "", Unreadable),
    ("202 Accepted", "", Unreadable),
    ("204 No Content", "", Unreadable),
    ("206 Partial Content", "", Unreadable),
    ("203 Not Ours", "", Unreadable),
    ("205 Reset", "", Unreadable),
    ("207 Several", "", Unreadable),
    ("300 Choices", "", Unreadable),
    ("304 Not Modified", "", Unreadable),
    ("305 Use Proxy", "", Refused),
    ("301 Moved", "Location: http://127.0.0.1:9/\r\n", Refused),
    ("302 Found", "Location: http://127.0.0.1:9/\r\n", Refused),
    ("303 See Other", "Location: http://127.0.0.1:9/\r\n", Refused),
    ("307 Temporary", "Location: http://127.0.0.1:9/\r\n", Refused),
    ("308 Permanent", "Location: http://127.0.0.1:9/\r\n", Refused),
    ("400 Bad Request", "", Refused),
    ("401 Unauthorized", "", Refused),
    ("402 Payment Required", "", Refused),
    ("403 Forbidden", "", Refused),
    ("404 Not Found", "", Refused),
    ("405 Method", "", Refused),
    ("406 Not Acceptable", "", Refused),
    ("408 Timeout", "", RateLimited),
    ("409 Conflict", "", Unreadable),
    ("410 Gone", "", Refused),
    ("411 Length", "", Refused),
    ("413 Too Large", "", Refused),
    ("415 Media Type", "", Refused),
    ("421 Misdirected", "", Refused),
    ("422 Unprocessable", "", Refused),
    ("423 Locked", "", Refused),
    ("424 Dependency", "", Refused),
    ("425 Too Early", "", RateLimited),
    ("426 Upgrade", "", Refused),
    ("428 Precondition", "", Refused),
    ("431 Head Too Large", "", Refused),
    ("429 Too Many", "", RateLimited),
    ("429 Too Many", "Retry-After: 60\r\n", RateLimited),
    ("451 Legal", "", Refused),
    ("499 Odd", "", Refused),
    ("500 Error", "", Unreadable),
    ("501 Not Implemented", "", Refused),
    ("502 Bad Gateway", "", Unreadable),
    ("503 Unavailable", "", Unreadable),
    ("503 Unavailable", "Retry-After: 60\r\n", RateLimited),
    ("504 Timeout", "", Unreadable),
    ("505 Version", "", Refused),
    ("507 Storage", "", Unreadable),
    ("508 Loop", "", Unreadable),
    ("509 Bandwidth", "", Unreadable),
    ("520 Odd", "", Unreadable),
    ("521 Origin Refused", "", Unreadable),
    ("523 Origin Unreachable", "", Unreadable),
    ("599 Odd", "", Unreadable),
]


@pytest.mark.parametrize(("status", "extra", "expected"), STATUSES)
def test_status(
    outcome: Callable[..., Any], status: str, extra: str, expected: type[Exception]
) -> None:
    """A status means the same on every transport; a redirect is never followed."""
    with FaultServer(answering(status, extra=extra)) as server:
        found: Any = outcome(server.url)
    assert int(status[:3]) == found.status_code
    assert expected is type(found)
    assert 1 == len(server.seen)


def test_nobody_listens(outcome: Callable[..., Any]) -> None:
    """A refused connection is surely not sent."""
    found: Any = outcome(f"http://127.0.0.1:{refused_port()}")
    assert Evidence.NOTHING_WRITTEN is found.delivery.attempts[0].evidence
    assert Unreachable is type(found)


def test_black_hole(outcome: Callable[..., Any]) -> None:
    """A connection that never comes about is surely not sent."""
    with black_hole() as port:
        found = outcome(f"http://127.0.0.1:{port}", timeouts=UNCONNECTED)
    assert Unreachable is type(found)


HANDSHAKES: dict[str, Fault] = {
    "reset": plain(Talk.reset),
    "close": plain(lambda talk: talk.connection.close()),
    "hang": plain(Talk.hang),
    "garbage": plain(lambda talk: talk.send(b"what?\r\n\r\n")),
}


@pytest.mark.parametrize("fault", HANDSHAKES)
def test_broken_handshake(outcome: Callable[..., Any], fault: str) -> None:
    """Nothing of a message is written before TLS stands: surely not sent."""
    with FaultServer(HANDSHAKES[fault]) as server:
        address = server.url.replace("http:", "https:")
        found = outcome(address, timeouts=UNCONNECTED if fault == "hang" else PATIENT)
    assert Unreachable is type(found)


def test_certificate_of_another(outcome: Callable[..., Any]) -> None:
    """A certificate for another host is refused before anything is written, and told."""
    with FaultServer(FAULTS["none"], tls=True, certificate_for="other.example") as server:
        found = outcome(server.url)
    assert Unreachable is type(found)
    assert "certificate" in str(found)
    assert not any(seen.processed for seen in server.seen)


#: deed of the proxy: what is found with a trace, and without one.
PROXIES: dict[str, tuple[type[Exception], type[Exception]]] = {
    "refuse": (Unreachable, MaybeSent),
    "hang": (Unreachable, MaybeSent),
    "reset": (Unreachable, MaybeSent),
}


@pytest.mark.parametrize("deed", PROXIES)
def test_broken_proxy(outcome: Callable[..., Any], seeing: str, deed: str) -> None:
    """What breaks while the proxy connects is not sent, though its exceptions look the same.

    Without a trace nobody can tell that, so it is maybe sent.
    """
    with FaultServer(FAULTS["none"], tls=True) as server, Proxy(deed) as proxy:
        found = outcome(server.url, proxy=proxy.url, timeouts=HASTY)
    assert PROXIES[deed][seeing == "blind"] is type(found)
    assert not any(seen.processed for seen in server.seen)


@pytest.mark.parametrize("fault", sorted(set(WIRE) - {"close_unread", "reset_unread"}))
def test_fault_behind_a_proxy(outcome: Callable[..., Any], seeing: str, fault: str) -> None:
    """Through a proxy's tunnel the outcome is the same as without it."""
    deadline = SHORT_DEADLINE if "trickle" in fault else DEADLINE
    with FaultServer(FAULTS[fault], tls=True) as server, Proxy("tunnel") as proxy:
        found = outcome(server.url, proxy=proxy.url, timeouts=HASTY, deadline=deadline)
    assert WIRE[fault][seeing == "blind"] is type(found)


def test_message_through_a_proxy(outcome: Callable[..., Any]) -> None:
    """A whole exchange through a proxy is accepted."""
    with FaultServer(FAULTS["none"], tls=True) as server, Proxy("tunnel") as proxy:
        assert "m-1" == outcome(server.url, proxy=proxy.url).provider_id


def test_stale_connection(make: Make) -> None:
    """A connection that the server closed meanwhile is replaced, and the message sent once."""
    with FaultServer(FAULTS["none"]) as server:
        both = make({"accounts": {"wavix": {**WAVIX, "base_url": server.url}}})
        first = both.send(MESSAGE)
        # Long enough for the server's end of the connection to be noticed, however busy we are.
        time.sleep(1.0)
        assert ["m-1", "m-1"] == [first.provider_id, both.send(MESSAGE).provider_id]
    assert [True, True] == [seen.processed for seen in server.seen]


def test_request_that_cannot_be_built(make: Make) -> None:
    """A key that no header can hold is our trouble, told before anything is written."""
    both = make({"accounts": {"wavix": {**WAVIX, "api_key": "Schlüssel"}}})
    with pytest.raises(NotSent, match="could not be built"):
        both.send(MESSAGE)


def test_no_free_connection(make: Make) -> None:
    """Waiting in vain for a connection of our own is our saturation, not the provider's fault."""

    class Full(httpx.BaseTransport, httpx.AsyncBaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            raise httpx.PoolTimeout("full", request=request)

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise httpx.PoolTimeout("full", request=request)

    both = make({"accounts": {"wavix": WAVIX}}, transport=Full())
    with pytest.raises(NotSent) as raised:
        both.send(MESSAGE)
    assert "us" == raised.value.fault


def test_half_written_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request whose body could not be written whole is surely not sent: no server can use it."""
    real = socket.socket.send

    def stingy(self: socket.socket, data: Any, *flags: int) -> int:
        if b"message_body" in bytes(data):
            raise BrokenPipeError
        return real(self, data, *flags)

    monkeypatch.setattr(socket.socket, "send", stingy)
    with FaultServer(FAULTS["hang_unread"]) as server:
        account = {**WAVIX, "base_url": server.url, "timeouts": HASTY}
        both = Both("sync", {"accounts": {"wavix": account}})
        with pytest.raises(Unreachable) as raised:
            both.send(MESSAGE, deadline=DEADLINE)
        both.close()
    assert raised.value.delivery is not None
    tried = raised.value.delivery.attempts
    assert [Evidence.NOT_COMPLETE] * 2 == [attempt.evidence for attempt in tried]


def test_interrupt_when_all_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C between the last byte and the next line of ours: the provider may have it."""
    real = socket.socket.send

    def interrupted(self: socket.socket, data: Any, *flags: int) -> int:
        sent = real(self, data, *flags)
        if b"message_body" in bytes(data):
            raise KeyboardInterrupt
        return sent

    monkeypatch.setattr(socket.socket, "send", interrupted)
    with FaultServer(FAULTS["none"]) as server:
        both = Both("sync", {"accounts": {"wavix": {**WAVIX, "base_url": server.url}}})
        with pytest.raises(KeyboardInterrupt) as raised:
            both.send(MESSAGE)
        both.close()
        until = time.monotonic() + 30
        while not server.seen and time.monotonic() < until:
            time.sleep(0.01)  # what was written is on its way to the server's thread
    assert [True] == [seen.processed for seen in server.seen]
    assert MaybeSent is type(raised.value.__cause__)
