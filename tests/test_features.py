"""Each cell of the table of services is true: what is offered works, what is not is Unsupported."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest

from polysms import Client, Config, LookupFailed, Message, Unsupported
from polysms.cli import features
from polysms.providers import REGISTRY, load
from polysms.routing.services import SERVICES, offered
from polysms.sandbox import Behaviour, running
from polysms.services import (
    Balance,
    Identity,
    NumberFacts,
    RemoteOptOut,
    Restriction,
    Sender,
)
from tests.cli.conftest import Command, command
from tests.testing.zoo import Lark

__all__ = ["command"]

PROJECT = "11111111-1111-4111-8111-111111111111"
SIGNALWIRE = {"space": "example", "project_id": PROJECT, "api_token": "any"}
TABLES: dict[str, dict[str, str]] = {
    "wavix": {"api_key": "any", "sender": "+13135550100"},
    "carrierx": {"token": "any", "sender": "+13135550101"},
    "signalwire": {**SIGNALWIRE, "sender": "+13135550102"},
    "signalwire-compat": {**SIGNALWIRE, "sender": "+13135550102"},
    "twilio": {"account_sid": f"AC{'1' * 32}", "auth_token": "any", "sender": "+13135550103"},
}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Return a client of every provider, at a sandbox."""
    with running(behaviour=Behaviour(speed=1000, seed=7)) as sandbox:
        config = Config.from_mapping({"accounts": TABLES}, sandbox=sandbox.url)
        with Client(config) as sms:
            yield sms


def registered(sms: Client, account: str) -> Sender:
    """Register a name."""
    return sms.senders.register("Acme", account, countries=["GB"], usecase="promo")


def redacted(sms: Client, account: str) -> None:
    """Let a provider forget the text of a message that has ended."""
    delivery = sms.send(Message("+13135550123", "Your code is 123456"), via=account)
    for _ in range(1000):
        delivery = sms.fetch(delivery)
        if delivery.final:
            break
    sms.redact(delivery)


ASKED: dict[str, tuple[Callable[[Client, str], Any], Any]] = {
    "balance": (lambda sms, account: sms.balance(account), Balance),
    "identity": (lambda sms, account: sms.identity(account), Identity),
    "number": (lambda sms, account: sms.lookup("+13135550123", account), NumberFacts),
    "redact": (redacted, type(None)),
    "senders": (lambda sms, account: _first(sms.senders.list(account)), (Sender, type(None))),
    "sender": (
        lambda sms, account: sms.senders.get(_some(sms, account), account),
        Sender,
    ),
    "new_sender": (registered, Sender),
    "drop_sender": (
        lambda sms, account: sms.senders.drop(str(registered(sms, account).id), account),
        type(None),
    ),
    "restrictions": (
        lambda sms, account: sms.senders.restrictions("GB", "name", account),
        Restriction,
    ),
    "optouts": (
        lambda sms, account: _first(sms.remote_optouts(account)),
        (RemoteOptOut, type(None)),
    ),
    "details": (
        lambda sms, account: _first(sms.list_remote(account, of="details")),
        object,
    ),
}


def _first(found: Iterator[Any]) -> Any:
    return next(islice(found, 1), None)


def _some(sms: Client, account: str) -> str:
    if account == "wavix":
        return str(registered(sms, account).id)
    listed = _first(sms.senders.list(account))
    return str(listed.id) if listed else "none"


def test_every_service_is_tried() -> None:
    """A service that joins has a row here, and a provider that joins an account."""
    assert set(SERVICES) == set(ASKED)
    assert set(REGISTRY) == set(TABLES)


@pytest.mark.parametrize("service", sorted(ASKED))
@pytest.mark.parametrize("account", sorted(TABLES))
def test_cell(client: Client, account: str, service: str) -> None:
    """What a provider offers it answers, and what it does not is Unsupported."""
    ask, kind = ASKED[service]
    if offered(load(account), service):
        assert isinstance(ask(client, account), kind)
        return
    with pytest.raises(Unsupported):
        ask(client, account)


def test_table_says_so(command: Command) -> None:
    """What the command shows is what the adapters offer."""
    said = json.loads(command("providers", "--json").out)

    assert {
        name: [service for service in SERVICES if offered(load(name), service)] for name in REGISTRY
    } == {name: one["services"] for name, one in said.items()}
    assert {"signed", "not signed"} == {one["webhooks"] for one in said.values()}


def test_provider_without_mms(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a provider of texts alone the table says that it has no MMS."""
    monkeypatch.setattr(features, "_known", lambda: {"parrot": Lark})
    said = command("providers").out

    row = next(line for line in said.splitlines() if line.startswith("Parrot"))
    assert ["Parrot", "not", "stated", "no", "0", "no", "no"] == row.split()


def test_refusal_is_told(client: Client) -> None:
    """What is offered may still be refused: a message that nobody knows cannot be forgotten."""
    with pytest.raises(LookupFailed):
        client.redact(account="signalwire", provider_id="no-such-message")
