"""What SignalWire offers beside sending, over both clients and both of its APIs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from polysms import (
    ConfigError,
    Delivery,
    DeliveryReport,
    LookupFailed,
    MaybeSent,
    Message,
    Outcome,
    Status,
    Unsupported,
)
from polysms.sandbox import Behaviour, running
from polysms.sandbox.callbacks import Callback
from polysms.sandbox.signalwire_laml import report
from polysms.webhooks import Belief, WebhookRequest, parse, verify
from tests.clients import Both, answering

Make = Callable[..., Both]
APIS = ("signalwire", "signalwire-compat")
SENDER = "+15559876543"


@pytest.fixture(scope="module")
def home() -> Iterator[Any]:
    """Run one sandbox for the tests of this module."""
    with running(behaviour=Behaviour(speed=200, seed=7)) as sandbox:
        yield sandbox


def tables(api: str, url: str, **facts: Any) -> dict[str, Any]:
    """Return the configuration of one project, at an address."""
    account = {"space": "example", "project_id": "p-1", "api_token": "k"}
    account |= {"base_url": url}
    return {"accounts": {api: {**account, "sender": [SENDER, "12345"], **facts}}}


def settled(client: Both, delivery: Delivery) -> Delivery:
    """Return a delivery as it is at its end."""
    for _ in range(400):
        delivery = client.fetch(delivery)
        if delivery.status in {Status.DELIVERED, Status.FAILED}:
            return delivery
    pytest.fail("it did not settle")


def every(client: Both, found: Any) -> list[Any]:
    """Return all that an iterator of either kind yields."""
    if client.runner is None:
        return list(found)

    async def gathered() -> list[Any]:
        return [one async for one in found]

    return client.runner.run(gathered())


def done(client: Both, value: Any) -> Any:
    """Return what a method of either kind returns."""

    async def waited() -> Any:
        return await value

    return client.runner.run(waited()) if asyncio.iscoroutine(value) and client.runner else value


@pytest.mark.parametrize("api", APIS)
def test_redact(home: Any, make: Make, api: str) -> None:
    """A text is forgotten once its message is at its end, and not before."""
    client = make(tables(api, home.url))
    sent = client.send(Message("+13135550101", f"secret of {api} {make.kind}"))  # type: ignore[attr-defined]
    settled(client, sent)

    client.call("redact", sent)

    assert "" == home.store.get("signalwire", sent.provider_id).draft.text


@pytest.mark.parametrize("api", APIS)
def test_redact_what_nobody_knows(home: Any, make: Make, api: str) -> None:
    """An id that is nobody's is told so."""
    with pytest.raises(LookupFailed) as raised:
        make(tables(api, home.url)).call("redact", account=api, provider_id="nobody")
    assert (404, False) == (raised.value.status_code, raised.value.retry_later)


def test_redact_too_early(make: Make) -> None:
    """What is still on its way is refused, and may be tried again."""
    error = {"code": "cannot_redact_in_progress_message", "message": "in progress"}
    transport, _ = answering(httpx.Response(422, json={"errors": [error]}))
    client = make(tables("signalwire", "https://example.com"), transport=transport)

    with pytest.raises(LookupFailed, match="in progress") as raised:
        client.call("redact", account="signalwire", provider_id="m-1")
    assert raised.value.retry_later


@pytest.mark.parametrize("api", APIS)
def test_lookup(home: Any, make: Make, api: str) -> None:
    """A number is looked up with its carrier; one that is none is told so."""
    client = make(tables(api, home.url))
    good, bad = (client.call("lookup", f"+131355501{end}") for end in ("01", "05"))

    assert (True, "US", "mobile", "Sandbox Wireless") == (
        *(good.valid, good.country),
        *(good.kind, good.carrier),
    )
    assert (False, "+13135550105") == (bad.valid, bad.number)


@pytest.mark.parametrize("api", APIS)
def test_senders(home: Any, make: Make, api: str) -> None:
    """Numbers come first, then short codes; each can be shown by its id."""
    client = make(tables(api, home.url))
    senders = every(client, client.client.senders.list())

    assert [
        ("+13135550100", "number", None),
        ("+13135550190", "number", False),
        ("+18005550100", "number", None),
        ("12345", "short_code", None),
    ] == [(one.sender, one.kind, one.can_send) for one in senders]
    assert "it has no messaging capability" == senders[1].why
    assert senders == [done(client, client.client.senders.get(one.id)) for one in senders]


@pytest.mark.parametrize("api", APIS)
def test_what_it_does_not_offer(home: Any, make: Make, api: str) -> None:
    """There is no endpoint for a balance in its documents."""
    with pytest.raises(Unsupported, match="balance"):
        make(tables(api, home.url)).call("balance", api)


@pytest.mark.parametrize(
    ("api", "filters"),
    [("signalwire", {"created_after": "{today}"}), ("signalwire-compat", {"From": "12345"})],
)
def test_list_with_filters(home: Any, make: Make, api: str, filters: dict[str, str]) -> None:
    """Its own filters narrow a list, page by page; what it does not know is told."""
    client = make(tables(api, home.url))
    to = {"sync": "+12125550121", "async": "+12125550122"}[make.kind]  # type: ignore[attr-defined]
    texts = [f"{api} {number}" for number in range(3)]
    ids = {client.send(Message(to, text, from_="12345")).provider_id for text in texts}
    for one in ids:
        settled(client, client.fetch(account=api, provider_id=one))
    today = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    said = {name: value.format(today=today) for name, value in filters.items()}
    found = client.list_remote(api, to=to, filters=said, page_size=1)

    assert ids == {one.provider_id for one in found}
    with pytest.raises(ConfigError, match="there is no 'colour'; known are"):
        client.list_remote(api, filters={"colour": "red"})


@pytest.mark.parametrize("ending", ["0109", "0113", "0114", "0115", "0116"])
def test_unclear_send_is_found(home: Any, make: Make, ending: str) -> None:
    """The compatibility API finds a lost message by its number, sender, text and time."""
    client = make(tables("signalwire-compat", home.url, timeouts={"read": 0.5}))
    to = {"sync": "+1313555", "async": "+1212555"}[make.kind] + ending  # type: ignore[attr-defined]
    with pytest.raises(MaybeSent) as raised:
        client.send(Message(to, f"lost {ending}"))
    assert raised.value.delivery is not None
    found = client.resolve(raised.value.delivery, within=timedelta(seconds=20))
    (copy,) = home.store.received(to)

    assert (Outcome.ACCEPTED, copy.id) == (found.attempts[0].outcome, found.provider_id)


def test_text_tells_two_apart(home: Any, make: Make) -> None:
    """What somebody else sent to that number just then says something else: logs would not tell."""
    said = tables("signalwire-compat", home.url, timeouts={"read": 0.5})
    to = {"sync": "+14155550109", "async": "+16465550109"}[make.kind]  # type: ignore[attr-defined]
    with pytest.raises(MaybeSent):
        make(said).send(Message(to, "theirs"))
    client = make(said)
    with pytest.raises(MaybeSent) as raised:
        client.send(Message(to, "ours"))
    assert raised.value.delivery is not None
    found = client.resolve(raised.value.delivery, within=timedelta(seconds=20))

    assert "ours" == home.store.get("signalwire", found.provider_id).draft.text


def test_status_callback_is_believed(home: Any, make: Make) -> None:
    """What the sandbox signs in the older way is genuine, and is the message's own report."""
    public, key = "https://sms.example.com/hooks", home.behaviour.signing_key
    said = tables("signalwire-compat", home.url, signing_key=key)
    client = make({**said, "public_url": public})
    sent = client.send(Message("+13135550102", "called back"))
    entry = home.store.get("signalwire", sent.provider_id)
    callback = report(entry, entry.steps[-1], home.behaviour)
    assert isinstance(callback, Callback)
    account = client.client.config.account("signalwire-compat")
    heard = WebhookRequest("POST", callback.url, callback.headers, callback.body)
    forged = WebhookRequest("POST", callback.url, callback.headers, callback.body + b"&x=1")

    assert Belief.GENUINE is verify(account, heard, public).belief
    assert Belief.REFUSED is verify(account, forged, public).belief
    (event,) = parse(account, heard)
    assert isinstance(event, DeliveryReport)
    assert (sent.provider_id, Status.UNDELIVERED) == (event.provider_id, event.status)
