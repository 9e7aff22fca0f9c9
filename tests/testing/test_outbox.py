"""The outbox: whatever a process sends with polysms goes there, through all but the network."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from polysms import (
    AsyncClient,
    Client,
    ConfigError,
    Delivery,
    InvalidMessage,
    Message,
    NotSent,
    Status,
    Unsupported,
)
from polysms.delivery import Outcome
from polysms.providers import LOCAL, REGISTRY
from polysms.providers.carrierx import CarrierXOptions
from polysms.testing import Blocked, Outbox, capture
from polysms.worker import Worker
from tests.clients import KINDS, Both
from tests.testing.houses import ACCOUNTS, NUMBER, READY, tables

PROVIDERS = (*REGISTRY, *LOCAL)
#: Where each provider has the recipient, the text and the sender in its own request.
BODIES: dict[str, tuple[str, str, str]] = {
    "wavix": ("to", "message_body.text", "from"),
    "carrierx": ("to", "message", "from"),
    "signalwire": ("to", "body", "from"),
    "signalwire-compat": ("To", "Body", "From"),
    "twilio": ("To", "Body", "From"),
    "console": ("to", "text", "from"),
    "memory": ("to", "text", "from"),
    "null": ("to", "text", "from"),
}


def at(body: Any, path: str) -> Any:
    """Return what stands at a path in a body."""
    for name in path.split("."):
        body = body[name]
    return body


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider(provider: str, kind: str) -> None:
    """A send is accepted, by any provider, and its real request and answer are in the outbox."""
    both = Both(kind, tables(provider))
    with capture() as outbox:
        delivery = both.send(Message(NUMBER, "Ready", tag="tables"))
        both.close()

    (sent,) = outbox
    to, text, sender = BODIES[provider]
    assert (NUMBER, "Ready", "tables", provider) == (sent.to, sent.text, sent.tag, sent.account)
    assert NUMBER.lstrip("+") == at(sent.body, to).lstrip("+")
    assert ("Ready", sent.from_) == (at(sent.body, text), _plus(at(sent.body, sender)))
    assert delivery == sent.delivery
    assert Outcome.ACCEPTED is delivery.attempts[0].outcome
    assert delivery.provider_id
    assert delivery.status in {Status.QUEUED, Status.SENT}


def _plus(sender: str) -> str:
    return f"+{sender}" if sender.isdigit() else sender


def test_every_provider_is_tried() -> None:
    """A provider that joins the registry joins these tests."""
    assert set(REGISTRY) == set(ACCOUNTS)
    assert {*REGISTRY, *LOCAL} == set(BODIES)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("provider", REGISTRY)
def test_providers_are_asked_too(provider: str, kind: str) -> None:
    """Look-ups are answered: a message is found by its id and in the list, as it was taken."""
    both = Both(kind, tables(provider))
    with capture():
        delivery = both.send(READY)
        fetched = both.fetch(delivery)
        listed = both.list_remote(provider, to=NUMBER, since=delivery.created_at)
        both.check(provider)
        both.close()

    assert (delivery.provider_id, Status.QUEUED) == (fetched.provider_id, fetched.status)
    assert [delivery.provider_id] == [one.provider_id for one in listed]


@pytest.mark.parametrize("number", ["+13135550105", "+13135550106", "+13135550113"])
def test_numbers_mean_nothing(number: str) -> None:
    """No number is refused for its digits: only what a test asks for goes wrong."""
    with capture() as outbox, Client(tables("wavix")) as sms:
        assert Status.QUEUED is sms.send(Message(number, "Ready")).status
    assert 1 == len(outbox)


def test_made_before_and_after(polysms_outbox: Outbox) -> None:
    """It does not matter when a client was made, nor that it sends in a thread."""
    with capture():
        before = Client(tables("wavix"))
    after = Client(tables("signalwire"))
    thread = threading.Thread(target=before.send, args=(READY,))
    thread.start()
    thread.join(60)
    after.send(READY)
    results = list(after.send_many([READY] * 5, concurrency=3))

    assert ["wavix", *["signalwire"] * 6] == [sent.account for sent in polysms_outbox]
    assert [None] * 5 == [result.error for result in results]
    before.close()
    after.close()


def test_many_threads(polysms_outbox: Outbox) -> None:
    """Threads that send at once lose nothing."""
    with Client(tables("wavix")) as sms:
        work = [
            threading.Thread(target=lambda: [sms.send(READY) for _ in range(10)]) for _ in range(8)
        ]
        for thread in work:
            thread.start()
        for thread in work:
            thread.join(60)

    assert 80 == len({sent.delivery.provider_id for sent in polysms_outbox})


def test_async_client_of_a_module(polysms_outbox: Outbox) -> None:
    """A test has its own event loop: the client of a module joins it, test after test."""
    sms = AsyncClient(tables("wavix"))
    asyncio.run(sms.send(READY))
    with capture() as second:
        asyncio.run(sms.send(READY))

    assert (1, 1) == (len(polysms_outbox), len(second))


@pytest.mark.parametrize("kind", KINDS)
def test_payload_is_checked(kind: str, polysms_outbox: Outbox) -> None:
    """What production would not send is not sent here either."""
    both = Both(kind, tables("signalwire"))
    with pytest.raises(Unsupported):
        both.send(Message(NUMBER, "x" * 1601))
    with pytest.raises(InvalidMessage):
        both.send(Message("12", "Ready"))
    both.close()

    polysms_outbox.assert_nothing_sent()


def test_closed_client(polysms_outbox: Outbox) -> None:
    """A client that was closed sends nothing, here as in production."""
    sms = Client(tables("wavix"))
    sms.close()
    with pytest.raises(ConfigError, match="this client is closed"):
        sms.send(READY)

    async def send() -> None:
        client = AsyncClient(tables("wavix"))
        await client.close()
        await client.send(READY)

    with pytest.raises(ConfigError, match="this client is closed"):
        asyncio.run(send())

    polysms_outbox.assert_nothing_sent()


def test_rails(polysms_outbox: Outbox) -> None:
    """What is in the outbox is what went out: rails have had their say."""
    with Client(tables("wavix", rails={"redirect_to": "+13135550177"})) as sms:
        sms.send(READY)

    assert ["+13135550177"] == [sent.to for sent in polysms_outbox]


def test_group(polysms_outbox: Outbox) -> None:
    """All whom a message would reach are its recipients."""
    others = ("+13135550124", "+13135550125")
    options = CarrierXOptions(group_recipients=others)
    message = Message(NUMBER, "Hello", options={"carrierx": options})
    with Client(tables("carrierx")) as sms:
        sms.send(message)

    assert (NUMBER, *others) == polysms_outbox.assert_sent(to="+13135550125").recipients


def test_request_hides_all(polysms_outbox: Outbox) -> None:
    """What a test prints shows no credential, and of a number the last digits alone."""
    with Client(tables("wavix")) as sms:
        sms.send(READY)
    (sent,) = polysms_outbox

    assert "wavix-key" in sent.request.headers["Authorization"]
    shown = f"{sent!r} {polysms_outbox!r} {sent.request!r}"
    assert "wavix-key" not in shown
    assert NUMBER not in shown
    assert "…0123: 'Your table is ready', by wavix" in shown


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_learned_for_the_next_test(kind: str) -> None:
    """Breakers, marks, pauses and tokens end with their test."""
    both = Both(kind, tables("carrierx", "wavix"))
    for _ in range(3):
        with capture() as outbox:
            outbox.on(via="carrierx").refuse("credentials").times(1)
            assert "wavix" == both.send(READY).account
            # Its account needs mending, so it is not asked.
            assert 1 == len(both.send(READY).attempts)
        with capture():
            assert "carrierx" == both.send(READY).account
    both.close()


def test_worker(tmp_path: Path, polysms_outbox: Outbox) -> None:
    """What a worker drains from a ledger is sent into the outbox, and its delivery is known."""
    config = tables("wavix", ledger=f"sqlite:///{tmp_path}/a.db")

    async def drain() -> None:
        async with AsyncClient(config) as worker:
            await Worker(worker).run(drain=True)

    with Client(config) as sms:
        waiting = sms.enqueue(Message(NUMBER, "Ready", key="table:1"))
        polysms_outbox.assert_nothing_sent()
        asyncio.run(drain())
        sent = polysms_outbox.assert_sent(key="table:1")

        assert (waiting.id, Status.QUEUED) == (sent.delivery.id, sent.delivery.status)
        assert sms.get("table:1") is not None


def test_local_account(polysms_outbox: Outbox) -> None:
    """An account without a network does what it always does, and is in the outbox too."""
    with Client(tables("memory")) as sms:
        sms.send(READY)
        assert 1 == len(sms.memory)
        polysms_outbox.on().unreachable()
        with pytest.raises(NotSent):
            sms.send(READY)

    assert ["memory"] == [sent.account for sent in polysms_outbox]


def test_clear(polysms_outbox: Outbox) -> None:
    """After clear() nothing was sent, nothing is asked for, and what was sent can be looked up."""
    with Client(tables("wavix")) as sms:
        polysms_outbox.on(contains="never").refuse("content")
        delivery = sms.send(READY)
        polysms_outbox.clear()
        polysms_outbox.assert_nothing_sent()

        assert Status.QUEUED is sms.fetch(delivery).status
        sms.send(Message(NUMBER, "never"))
    assert (1, "never") == (len(polysms_outbox), polysms_outbox[0].text)


def test_inside_another() -> None:
    """The inner outbox takes what is sent inside it, and the outer one the rest."""
    with capture() as outer, Client(tables("wavix")) as sms:
        sms.send(READY)
        with capture() as inner:
            sms.send(READY)
        sms.send(READY)

    assert (2, 1) == (len(outer), len(inner))


def test_own_address() -> None:
    """An account that reaches its provider by an address of its own is played all the same."""
    config = tables("wavix")
    config["accounts"]["wavix"] = {**ACCOUNTS["wavix"], "base_url": "https://proxy.example.com/w"}
    with capture() as outbox, Client(config) as sms:
        sms.send(READY)

    assert "https://proxy.example.com/w/v3/messages" == outbox[0].request.url


def test_what_is_not_played(polysms_outbox: Outbox) -> None:
    """What the outbox does not play reaches nobody either."""
    with Client(tables("wavix")) as sms, pytest.raises(Blocked, match=r"api\.wavix\.com"):
        list(sms.export_remote("wavix"))


def test_delivery_of_a_failover(polysms_outbox: Outbox) -> None:
    """The delivery of a message is the whole of it: every attempt, in order."""
    polysms_outbox.on(via="wavix").unreachable()
    with Client(tables("wavix", "signalwire")) as sms:
        delivery: Delivery = sms.send(READY)

    assert ["wavix", "signalwire"] == [one.account for one in polysms_outbox.tries]
    assert [delivery, delivery] == [one.delivery for one in polysms_outbox.tries]
