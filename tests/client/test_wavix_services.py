"""What Wavix offers beside sending, over both clients: against the sandbox, and against trouble."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from polysms import (
    AsyncClient,
    ConfigError,
    Delivery,
    LookupFailed,
    Message,
    Reason,
    Status,
    Unsupported,
)
from polysms.client.streaming import LONGEST_LINE, MOST_BROKEN, Lines
from polysms.sandbox import Behaviour, running
from tests.clients import WAVIX, Both, answering
from tests.faults import Fault, FaultServer, Talk, plain
from tests.faults import answering as fault_answering

Make = Callable[..., Both]
SENDER = WAVIX["sender"]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    """Run one sandbox for the tests of this module; return its address."""
    with running(behaviour=Behaviour(speed=5_000, seed=7)) as house:
        yield house.url


def tables(url: str, **facts: Any) -> dict[str, Any]:
    """Return the configuration of one Wavix account at an address."""
    return {"accounts": {"wavix": {**WAVIX, "base_url": url, **facts}}}


@pytest.mark.parametrize("paths", ["hyphens", "underscores"])
def test_life_of_a_sender(make: Make, sandbox: str, paths: str) -> None:
    """It is registered, shown, listed and dropped, in either spelling of the addresses."""
    client = make(tables(sandbox, paths=paths))
    senders = Senders(client)
    made = senders.register("Acme", countries=["GB", "IN"], usecase="promo")
    assert ("Acme", "name", ("GB",), True) == (
        made.sender,
        made.kind,
        made.countries,
        made.can_send,
    )
    assert made == senders.get(made.id)
    assert [made] == [one for one in senders.list() if one.id == made.id]
    senders.drop(made.id)
    assert made.id not in {one.id for one in senders.list()}
    with pytest.raises(LookupFailed, match="Record not found"):
        senders.get(made.id)


class Senders:
    """The senders of either client, called in the same way."""

    def __init__(self, both: Both) -> None:
        self._both = both

    def _get(self, result: Any) -> Any:
        return self._both._get(result)  # noqa: SLF001 - as its own methods do

    def register(self, *args: Any, **facts: Any) -> Any:
        """Register one."""
        return self._get(self._both.client.senders.register(*args, **facts))

    def get(self, identity: str) -> Any:
        """Show one."""
        return self._get(self._both.client.senders.get(identity))

    def drop(self, identity: str) -> None:
        """Drop one."""
        self._get(self._both.client.senders.drop(identity))

    def restrictions(self, *wanted: str) -> Any:
        """Tell what a country asks."""
        return self._get(self._both.client.senders.restrictions(*wanted))

    def list(self) -> list[Any]:
        """List them all."""
        return collected(self._both, self._both.client.senders.list())


def collected(both: Both, items: Any) -> list[Any]:
    """Return all that a generator of either client yields."""
    if both.runner is None:
        return list(items)

    async def gathered() -> list[Any]:
        return [one async for one in items]

    return both.runner.run(gathered())


@pytest.mark.parametrize(
    ("country", "kind", "needed"), [("GB", "name", False), ("US", "name", True)]
)
def test_restrictions(make: Make, sandbox: str, country: str, kind: str, needed: bool) -> None:  # noqa: FBT001 - a row
    """Whether a review is needed is told."""
    found = Senders(make(tables(sandbox))).restrictions(country, kind)
    assert needed == found.registration


def test_balance(make: Make, sandbox: str) -> None:
    """The balance is an amount and its currency."""
    found = make(tables(sandbox)).call("balance")
    assert (Decimal("309.06"), "USD") == (found.amount, found.currency)


@pytest.mark.parametrize("body", ["wrapped", "flat"])
def test_optouts(make: Make, sandbox: str, body: str) -> None:
    """What we tell in either form, Wavix lists; its filters are passed on."""
    client = make(tables(sandbox, optout_body=body))
    number = "+13135550141" if body == "flat" else "+13135550142"
    adapter = client.client.config.account("wavix").adapter
    told = adapter.optout_request(number)
    with httpx.Client(trust_env=False) as http:
        answer = http.post(told.url, content=told.content, headers=dict(told.headers))
    assert (204 if body == "flat" else 201) == answer.status_code
    listed = collected(client, client.client.remote_optouts("wavix"))
    assert number in {one.number for one in listed}
    assert [] == collected(client, client.client.remote_optouts("wavix", sender_id="Nobody"))
    with pytest.raises(ConfigError, match="known are sender_id"):
        collected(client, client.client.remote_optouts("wavix", sender="x"))


def test_list_with_filters(make: Make, sandbox: str) -> None:
    """list_remote takes Wavix's own filters, and says which there are."""
    client = make(tables(sandbox))
    sent = client.send(Message("+13135550151", "x"))
    wanted = {"to": "+13135550151", "message_type": "sms", "status": "delivered"}
    assert eventually(lambda: {sent.provider_id} & ids(client.list_remote("wavix", filters=wanted)))
    assert [] == client.list_remote("wavix", filters={**wanted, "status": "expired"})
    with pytest.raises(ConfigError, match="there is no 'stauts'; known are type, from, to, status"):
        client.list_remote("wavix", filters={"stauts": "delivered"})


def ids(deliveries: list[Delivery]) -> set[str | None]:
    """Return the provider's ids of deliveries."""
    return {one.provider_id for one in deliveries}


def eventually(found: Callable[[], Any]) -> bool:
    """Whether a function returns something within some thousand tries: lists lag behind."""
    return any(found() for _ in range(2_000))


def exported(
    both: Both, account: str = "wavix", **wanted: Any
) -> tuple[list[Delivery], Exception | None]:
    """Return what an export yields, and what it raises at its end."""
    found: list[Delivery] = []
    items = both.client.export_remote(account, **wanted)

    async def gather() -> None:
        async with aclosing(items):
            async for one in items:
                found.append(one)  # noqa: PERF401 - what came before an error counts

    try:
        if both.runner is None:
            for one in items:
                found.append(one)  # noqa: PERF402 - as above
        else:
            both.runner.run(gather())
    except Exception as error:  # noqa: BLE001 - returned
        return found, error
    return found, None


def test_export(make: Make, sandbox: str) -> None:
    """Every message of the list comes, as the list has it; filters hold."""
    client = make(tables(sandbox))
    sent = {client.send(Message("+13135550161", f"{n}")).provider_id for n in range(3)}
    wanted = {"to": "+13135550161"}
    assert eventually(lambda: sent <= ids(exported(client, **wanted)[0]))
    found, error = exported(client, since=datetime.now(UTC) - timedelta(hours=1), **wanted)
    assert (None, True) == (error, sent <= ids(found))
    assert {Status.DELIVERED} == {one.status for one in found}
    assert {"+13135550161"} == {one.to for one in found}
    assert ([], None) == exported(client, since=datetime.now(UTC) + timedelta(hours=1), **wanted)


def line(number: int, **changes: Any) -> bytes:
    """Return a line of an export."""
    item = {"message_id": f"m-{number}", "direction": "outbound", "status": "sent", **changes}
    return json.dumps(item).encode() + b"\n"


def chunk(data: bytes) -> bytes:
    """Return a piece of a chunked body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
TWO = line(1) + line(2)


def said(*pieces: bytes, then: Callable[[Talk], object] | None = None) -> Fault:
    """Return a host that reads the request, says this, and then does something."""

    def act(talk: Talk) -> None:
        talk.read()
        for piece in pieces:
            talk.send(piece)
        if then is not None:
            then(talk)

    return plain(act)


def whole(body: bytes) -> Fault:
    """Return a host whose answer is this body."""
    return fault_answering("200 OK", body)


BODIES = [
    (b"", [], None),
    (b"\n\n \r\n", [], None),
    (TWO, [1, 2], None),
    (TWO.removesuffix(b"\n"), [1, 2], None),
    (TWO.replace(b"\n", b"\r\n"), [1, 2], None),
    (b"\n" + line(1) + b"\n" + line(2), [1, 2], None),
    (line(1) + b"{broken\n" + line(2), [1, 2], "cannot be read: 2;"),
    (b"<html>\n\n" + TWO + b"[1]", [1, 2], "cannot be read: 1, 5;"),
    (line(1) + b"null\n" * 7 + line(2), [1, 2], "cannot be read: 2, 3, 4, 5, 6 and 2 more;"),
    (line(1) + b"x" * (LONGEST_LINE + 1) + b"\n" + line(2), [1, 2], "cannot be read: 2;"),
    (line(1) + b"x" * LONGEST_LINE * 3, [1], "cannot be read: 2;"),
    (line(1, text="é\\ud800") + line(2), [1, 2], None),
    (line(1, direction="inbound") + line(2), [2], None),
]


@pytest.mark.parametrize(("body", "expected", "trouble"), BODIES)
def test_bodies(make: Make, body: bytes, expected: list[int], trouble: str | None) -> None:
    """A line that cannot be read loses itself alone, and the end tells its number."""
    with FaultServer(whole(body)) as host:
        found, error = exported(make(tables(host.url)))
    assert [f"m-{number}" for number in expected] == [one.provider_id for one in found]
    if trouble is None:
        assert error is None
    else:
        assert isinstance(error, LookupFailed)
        assert trouble in str(error)
        assert f"read before: {len(expected)}" in str(error)
        assert ("wavix", 200) == (error.account, error.status_code)


def test_no_messages_at_all(make: Make) -> None:
    """After a thousand lines that cannot be read no more are looked at; what came is kept."""
    body = line(1) + b"x\n" * (MOST_BROKEN + 1) + line(2)
    with FaultServer(whole(body)) as host:
        found, error = exported(make(tables(host.url)))
    assert ["m-1"] == [one.provider_id for one in found]
    assert f"and {MOST_BROKEN - 4} more" in str(error)


def reset_late(talk: Talk) -> None:
    """Reset when what was said has been read."""
    talk.pause()
    talk.reset()


CUTS = {
    "closed": said(HEAD + b"Content-Length: 9999\r\n\r\n" + TWO + b'{"mess'),
    "chunk cut": said(CHUNKED + chunk(TWO) + b"ff\r\n{"),
    "no last chunk": said(CHUNKED + chunk(TWO)),
    "bad chunk": said(CHUNKED + chunk(TWO) + b"ZZ\r\n"),
    "reset": said(CHUNKED + chunk(TWO), then=reset_late),
}


@pytest.mark.parametrize("cut", CUTS)
def test_cut_off(make: Make, cut: str) -> None:
    """What was read has been given; then it is told that the rest is missing."""
    with FaultServer(CUTS[cut]) as host:
        found, error = exported(make(tables(host.url)))
    assert ["m-1", "m-2"] == [one.provider_id for one in found]
    assert isinstance(error, LookupFailed)
    assert "its export was cut off" in str(error)
    assert "read before: 2" in str(error)
    assert (True, "wavix", 200) == (error.retry_later, error.account, error.status_code)


STILL = {
    "silence": said(CHUNKED + chunk(TWO), then=Talk.hang),
    "half a line": said(CHUNKED + chunk(TWO + b'{"a'), then=Talk.hang),
    "empty lines": said(
        CHUNKED + chunk(TWO), then=lambda talk: talk.trickle(chunk(b"\n") * 9_999, 0.001)
    ),
    "one byte at a time": said(
        HEAD + b"\r\n" + TWO, then=lambda talk: talk.trickle(b"x" * 99_999, 0.01)
    ),
    "one byte of a chunk's head at a time": said(
        CHUNKED + chunk(TWO) + b"5;", then=lambda talk: talk.trickle(b"x" * 9_999, 0.01)
    ),
    "broken lines": said(
        CHUNKED + chunk(TWO), then=lambda talk: talk.trickle(chunk(b"x\n") * 99, 0.02)
    ),
}


@pytest.mark.parametrize("still", STILL)
def test_standstill(make: Make, still: str) -> None:
    """Only a message is a sign of life: a host cannot hold us with less."""
    with FaultServer(STILL[still]) as host:
        found, error = exported(make(tables(host.url)), idle=0.8)
    assert ["m-1", "m-2"] == [one.provider_id for one in found]
    assert isinstance(error, LookupFailed)
    assert "its export did not go on" in str(error)


def unwanted(talk: Talk) -> None:
    """Send messages that nobody asked for, for longer than a host may be silent, and end."""
    for number in range(30):
        talk.send(chunk(line(number, direction="inbound")))
        talk.server.stopping.wait(0.05)
    talk.send(chunk(line(99)) + b"0\r\n\r\n")


def test_unwanted_messages_are_signs_of_life(make: Make) -> None:
    """What we leave out ourselves has come all the same."""
    with FaultServer(said(CHUNKED, then=unwanted)) as host:
        found, error = exported(make(tables(host.url)), idle=1)
    assert (["m-99"], None) == ([one.provider_id for one in found], error)


class Endless(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body of empty lines that never waits and never ends."""

    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield b"\n"

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b"\n"


def test_endless_answer_of_an_own_transport(make: Make) -> None:
    """A transport that knows nothing of our deadline cannot hold us either."""
    transport, _ = answering(httpx.Response(200, stream=Endless()))
    found, error = exported(make(transport=transport), idle=0.2)
    assert [] == found
    assert "its export did not go on" in str(error)


def test_head_that_trickles(make: Make) -> None:
    """A host that sends its head byte by byte gives no answer in time."""
    slow = said(then=lambda talk: talk.trickle(HEAD * 99, 0.02))
    with FaultServer(slow) as host:
        found, error = exported(make(tables(host.url)), idle=0.4)
    assert [] == found
    assert "gave no answer" in str(error)


def test_no_answer(make: Make) -> None:
    """Before the status line it is a look-up without an answer."""
    with FaultServer(plain(Talk.hang)) as host:
        found, error = exported(make(tables(host.url)), idle=0.3)
    assert [] == found
    assert isinstance(error, LookupFailed)
    assert "gave no answer" in str(error)


def test_slow_reader(make: Make) -> None:
    """The time that we take for a message is not the provider's."""
    transport, _ = answering(httpx.Response(200, content=line(1) + line(2)))
    client = make(transport=transport)
    if client.runner is None:
        for _ in client.client.export_remote("wavix", idle=0.5):
            time.sleep(0.6)
    else:
        client.runner.run(read_slowly(client.client))


async def read_slowly(client: AsyncClient) -> None:
    """Read an export with pauses longer than the provider's patience."""
    async for _ in client.export_remote("wavix", idle=0.5):
        await asyncio.sleep(0.6)


REFUSALS = [
    ("401 Unauthorized", b'{"success":false,"message":"Unauthorized"}', Reason.CREDENTIALS),
    ("403 Forbidden", b'{"success":false,"message":"not provisioned"}', Reason.PERMISSION),
    ("400 Bad Request", b'{"success":false,"message":"parameter type"}', Reason.OTHER),
    ("429 Too Many", b"{}", None),
    ("500 Oops", b"<html>", None),
    ("201 Created", TWO, None),
    ("204 No Content", b"", None),
]


@pytest.mark.parametrize(("status", "body", "reason"), REFUSALS)
def test_refusals(make: Make, status: str, body: bytes, reason: Reason | None) -> None:
    """Only a 200 is an export; whatever else comes is told as of any look-up."""
    with FaultServer(fault_answering(status, body)) as host:
        found, error = exported(make(tables(host.url)))
    assert [] == found
    assert isinstance(error, LookupFailed)
    assert (int(status[:3]), reason) == (error.status_code, error.reason)


def test_endless_refusal(make: Make) -> None:
    """A refusal is read no further than any answer."""
    with FaultServer(fault_answering("400 Bad Request", b"x" * 3_000_000)) as host:
        found, error = exported(make(tables(host.url)))
    assert ([], 400) == (found, getattr(error, "status_code", None))


def test_cut_refusal(make: Make) -> None:
    """A refusal that is cut off is the refusal."""
    head = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 99\r\n\r\n{"
    with FaultServer(said(head)) as host:
        _, error = exported(make(tables(host.url)))
    assert isinstance(error, LookupFailed)
    assert (403, Reason.PERMISSION) == (error.status_code, error.reason)


def test_redirects_are_not_followed(make: Make) -> None:
    """The key goes to the account's own address alone."""
    with FaultServer(whole(TWO)) as elsewhere:
        away = fault_answering("302 Found", b"", f"Location: {elsewhere.url}/\r\n")
        with FaultServer(away) as host:
            found, error = exported(make(tables(host.url)))
        assert [] == elsewhere.seen
    assert [] == found
    assert isinstance(error, LookupFailed)
    assert "never followed" in str(error)


def test_packed_export(make: Make) -> None:
    """Nobody asked for packing; what is packed is not taken for lines."""
    with FaultServer(fault_answering("200 OK", TWO, "Content-Encoding: gzip\r\n")) as host:
        found, error = exported(make(tables(host.url)))
    assert [] == found
    assert "packed" in str(error)


def test_nobody_listens(make: Make) -> None:
    """No connection is no answer; the key is in no error."""
    with FaultServer(whole(b"")) as host:
        url = host.url
    _, error = exported(make(tables(url)))
    assert isinstance(error, LookupFailed)
    assert "no connection" in str(error)
    assert WAVIX["api_key"] not in repr(error)


def test_own_transport(make: Make) -> None:
    """An export goes through the transport the client was given, as any request."""
    transport, asked = answering(httpx.Response(200, content=TWO))
    found, error = exported(make(transport=transport), filters={"status": "sent"})
    assert (2, None) == (len(found), error)
    (request,) = asked
    assert ("/v3/messages/all", "sent") == (request.url.path, request.url.params["status"])
    assert f"Bearer {WAVIX['api_key']}" == request.headers["Authorization"]
    assert "identity" == request.headers["Accept-Encoding"]


def test_left_early(make: Make) -> None:
    """Who has seen enough closes the generator, and the client goes on."""
    body = b"".join(line(number) for number in range(20_000))
    with FaultServer(whole(body)) as host:
        client = make(tables(host.url))
        if client.runner is None:
            with closing(client.client.export_remote("wavix")) as items:
                first = next(items)
        else:
            first = client.runner.run(first_of(client.client))
        assert "m-0" == first.provider_id
        assert 20_000 == len(exported(client)[0])


async def first_of(client: AsyncClient) -> Delivery:
    """Return the first message of an export."""
    async with aclosing(client.export_remote("wavix")) as items:
        return await anext(items)


@pytest.mark.parametrize(
    ("wanted", "key"),
    [
        ({"filters": {"page": "1"}}, "filters"),
        ({"direction": "sideways"}, "direction"),
        ({"idle": "soon"}, "idle"),
        ({"idle": 0}, "idle"),
    ],
)
def test_wrong_wishes(make: Make, wanted: dict[str, Any], key: str) -> None:
    """They are told before anything is asked."""
    transport, asked = answering(httpx.Response(200, content=TWO))
    _, error = exported(make(transport=transport), **wanted)
    assert isinstance(error, ConfigError)
    assert (key, []) == (error.key, asked)


def test_who_has_no_export(make: Make) -> None:
    """A provider without such a list says so."""
    client = make({"accounts": {"null": {"provider": "null"}}})
    _, error = exported(client, account="null")
    assert isinstance(error, Unsupported)
    assert "cannot export its messages" in str(error)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_lines_in_any_pieces(size: int) -> None:
    """However a body is cut into pieces, its lines are the same."""
    body = b"one\n\nthree is long\nfour\r\nfive"
    lines = Lines(longest=6)
    found: list[bytes | None] = []
    for begin in range(0, len(body), size):
        found.extend(lines.of(body[begin : begin + size]))
    assert [b"one", b"", None, b"four\r"] == found
    assert b"five" == lines.rest()
    assert b"" == lines.rest()
