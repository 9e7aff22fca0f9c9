"""resolve and preview, both clients: over the sandbox, whose lists lag as in life."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from polysms import ConfigError, LookupFailed, MaybeSent, Message, Outcome, Status
from polysms.sandbox import Behaviour, running
from tests.clients import Both, answering

Make = Callable[..., Both]


@pytest.fixture(scope="module")
def home() -> Iterator[Any]:
    """Return a sandbox whose lists lag by a few hundredths of a second."""
    with running(behaviour=Behaviour(speed=50, seed=7)) as sandbox:
        yield sandbox


def tables(url: str, **route: Any) -> dict[str, Any]:
    """Return three accounts at the sandbox, with little patience, and a route over them."""
    timeouts = {"read": 0.3}
    return {
        "accounts": {
            "wavix": {
                "api_key": "k-wavix",
                "sender": "+13137890021",
                "base_url": url,
                "timeouts": timeouts,
            },
            "carrierx": {
                "token": "k-carrierx",
                "sender": "15162065575",
                "base_url": f"{url}/core/v2",
                "timeouts": timeouts,
            },
            "signalwire": {
                "space": "example",
                "project_id": "p-1",
                "api_token": "k-signalwire",
                "sender": "+15559876543",
                "base_url": url,
                "timeouts": timeouts,
            },
        },
        "routes": {"main": {"accounts": ["wavix", "carrierx", "signalwire"], **route}},
        "default": "main",
    }


def copies(url: str, text: str) -> list[Any]:
    """Return what the sandbox has accepted with a text."""
    kept = httpx.get(f"{url}/_sandbox/messages", params={"limit": "1000"}).json()["items"]
    return [one for one in kept if one["text"] == text]


# SignalWire's logs show no text: a number of its own keeps each message apart.
_AREA = {"sync": "+1313", "async": "+1212"}
#: Recipients whose message the sandbox takes without telling us its id.
TAKEN = ("0109", "0113", "0114", "0115", "0116")


@pytest.mark.parametrize("account", ["wavix", "carrierx", "signalwire"])
@pytest.mark.parametrize("ending", TAKEN)
def test_taken_without_a_word(home: Any, make: Make, account: str, ending: str) -> None:
    """A message that was taken, without our hearing of it, is found, and there is one copy."""
    text = f"{make.kind} {account} {ending}"  # type: ignore[attr-defined]
    client = make(tables(home.url))
    with pytest.raises(MaybeSent) as raised:
        client.send(Message(f"{_AREA[client.kind]}555{ending}", text), via=account)
    unclear = raised.value.delivery
    assert unclear is not None
    found = client.resolve(unclear, within=timedelta(seconds=20))
    (copy,) = copies(home.url, text)
    assert (Outcome.ACCEPTED, copy["id"]) == (found.attempts[0].outcome, found.provider_id)
    assert found.status.rank >= Status.QUEUED.rank


def test_send_looks_for_itself(home: Any, make: Make) -> None:
    """With ``resolve_within`` the send itself finds it: a delivery, and nobody else is asked."""
    text = f"{make.kind} inline"  # type: ignore[attr-defined]
    client = make(tables(home.url, resolve_within="15s"))
    delivery = client.send(Message("+13135550113", text))
    assert ["wavix"] == [one.account for one in delivery.attempts]
    assert 1 == len(copies(home.url, text))


def test_refused_is_not_looked_for(make: Make) -> None:
    """What was not sent needs no look; a delivery without an unclear attempt stays as it is."""
    transport, asked = answering(httpx.Response(400, json={"message": "no"}))
    client = make(transport=transport)
    with pytest.raises(Exception, match="no") as raised:
        client.send(Message("+13135550123", "x"))
    delivery = raised.value.delivery  # type: ignore[attr-defined]
    assert delivery == client.resolve(delivery)
    assert 1 == len(asked)


def test_no_answer(make: Make) -> None:
    """A provider that answers nothing to the look: LookupFailed, never NOT_SENT."""
    transport, _ = answering(httpx.ReadTimeout("late"))
    client = make(transport=transport)
    with pytest.raises(MaybeSent) as raised:
        client.send(Message("+13135550123", "x"))
    assert raised.value.delivery is not None
    with pytest.raises(LookupFailed):
        client.resolve(raised.value.delivery)


@pytest.mark.parametrize("within", [0, -1, True, "8s"])
def test_within_is_seconds(make: Make, within: Any) -> None:
    """The time is in seconds, more than zero, or a timedelta."""
    client = make(transport=answering()[0])
    with pytest.raises(ConfigError, match="within: write seconds"):
        client.resolve(_empty(), within=within)


def _empty() -> Any:
    from polysms import Delivery

    return Delivery(id="d-1", status=Status.MAYBE_SENT)


def test_preview_asks_nobody(make: Make) -> None:
    """A preview is the route in order, each with its request or what speaks against it."""
    transport, asked = answering()
    client = make(tables("http://127.0.0.1:9"), transport=transport)
    seen = client.preview(Message("+447700900123", "x", media=("https://example.com/a.png",)))
    assert ["wavix", "carrierx", "signalwire"] == [one.account.name for one in seen]
    assert [True, True, False] == [one.error is not None for one in seen]
    assert ("POST", "http://127.0.0.1:9/api/messaging/messages") == (
        seen[2].request.method,
        seen[2].request.url,
    )
    assert [] == asked
    assert "k-signalwire" not in repr(seen)


@pytest.mark.parametrize(("what", "words"), [(None, "not None"), (5, "not int"), ({}, "not dict")])
@pytest.mark.parametrize("how", ["resolve", "fetch"])
def test_what_is_no_delivery(home: Any, make: Make, what: Any, words: str, how: str) -> None:
    """What is neither a delivery nor an id is told, and nobody is asked."""
    client = make(tables(home.url))
    with pytest.raises(ConfigError, match="give a delivery") as raised:
        getattr(client, how)(what)

    assert how == "fetch" or words in str(raised.value)
