"""What clients ask providers for beside messages, and whom they ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from polysms import (
    ConfigError,
    Delivery,
    InvalidMessage,
    LookupFailed,
    Message,
    Status,
    Unsupported,
)
from polysms.services import Listed, NewSender
from tests.client import offering
from tests.clients import KINDS, Both

PARROT = {"provider": "tests.client.offering:Parrot", "sender": "Acme"}
MUTE = {"provider": "tests.client.offering:Mute", "sender": "Acme"}
ONE = {"accounts": {"mute": MUTE, "polly": PARROT}}
TWO = {"accounts": {"mute": MUTE, "polly": PARROT, "jack": PARROT}}

Made = Callable[..., Both]


@pytest.fixture
def asked() -> list[tuple[str, Any]]:
    """Return what providers are asked."""
    return []


@pytest.fixture(params=KINDS)
def made(request: pytest.FixtureRequest, asked: list[tuple[str, Any]]) -> Iterator[Made]:
    """Return what makes a client of either kind."""
    clients: list[Both] = []

    def make(tables: Any = ONE, status: int = 200) -> Both:
        transport = offering.repeating(asked, status)
        clients.append(Both(request.param, tables, transport=transport))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def every(client: Both, found: Any) -> list[Any]:
    """Return all that an iterator of either kind yields."""
    if client.runner is None:
        return list(found)

    async def gathered() -> list[Any]:
        return [one async for one in found]

    return client.runner.run(gathered())


def done(client: Both, value: Any) -> Any:
    """Return what a method of either kind returns."""
    return client.runner.run(_waited(value)) if client.runner else value


async def _waited(value: Any) -> Any:
    return await value if asyncio.iscoroutine(value) else value


def test_who_can_is_asked(made: Made, asked: list[tuple[str, Any]]) -> None:
    """Where one account can answer, nobody needs to name it."""
    client = made()

    assert (Decimal("12.50"), "USD") == (client.call("balance").amount, "USD")
    assert "Acme Inc" == client.call("identity").name
    facts = client.call("lookup", "+1 313 555 0123")
    assert ("+13135550123", "mobile", "Zap") == (facts.number, facts.kind, facts.carrier)
    assert [("balance", []), ("identity", []), ("number", ["+13135550123"])] == asked


def test_which_is_asked_must_be_clear(made: Made, asked: list[tuple[str, Any]]) -> None:
    """Whose balance is meant nobody guesses; a number is the same for all of them."""
    client = made(TWO)

    with pytest.raises(ConfigError, match="name one of polly, jack"):
        client.call("balance")
    assert "mobile" == client.call("lookup", "+13135550123").kind
    assert "USD" == client.call("balance", "jack").currency
    assert ["number", "balance"] == [service for service, _ in asked]


@pytest.mark.parametrize("account", [None, "mute"])
def test_nobody_can(made: Made, asked: list[tuple[str, Any]], account: str | None) -> None:
    """What a provider does not offer is Unsupported, and nobody is asked."""
    client = made({"accounts": {"mute": MUTE}})

    with pytest.raises(Unsupported, match=r"cannot tell a balance|no account can tell a balance"):
        client.call("balance", account)
    assert [] == asked


def test_unknown_account(made: Made) -> None:
    """A name that is no account's is an error that tells those there are."""
    with pytest.raises(ConfigError, match="there is no account 'poly'; known are mute, polly"):
        made().call("balance", "poly")


def test_refusal(made: Made) -> None:
    """An answer that is none is LookupFailed, in the provider's words."""
    with pytest.raises(LookupFailed, match="polly says no") as raised:
        made(status=403).call("balance")
    assert ("polly", 403) == (raised.value.account, raised.value.status_code)


def test_no_number(made: Made, asked: list[tuple[str, Any]]) -> None:
    """What is no number is not asked for."""
    with pytest.raises(InvalidMessage, match="number"):
        made().call("lookup", "hello")
    assert [] == asked


def test_senders(made: Made, asked: list[tuple[str, Any]]) -> None:
    """Senders are listed page by page, shown, registered, given back."""
    client = made()
    senders = client.client.senders

    assert ["Acme", "+13135550100"] == [one.sender for one in every(client, senders.list())]
    assert "new" == done(client, senders.get("7")).why
    made_by_name = done(client, senders.register("Acme", countries=["GB"], usecase="promo"))
    whole = NewSender(sender="Acme", countries=("GB",), usecase="promo")
    assert made_by_name == done(client, senders.register(whole, "polly"))
    assert ("3", "promo") == (made_by_name.id, made_by_name.usecase)
    done(client, senders.drop("3"))
    assert done(client, senders.restrictions("GB", "name")).registration
    assert [
        *(("senders", [None]), ("senders", ["next"]), ("sender", ["7"])),
        *(asked[3], asked[3]),
        *(("drop_sender", ["3"]), ("restrictions", ["GB", "name"])),
    ] == asked


def test_unknown_fact_of_a_sender(made: Made) -> None:
    """A fact that no sender has is an error, and nothing is registered."""
    client = made()
    with pytest.raises(ConfigError, match="colour"):
        done(client, client.client.senders.register("Acme", countries=["GB"], colour="red"))


def test_remote_optouts(made: Made) -> None:
    """The provider's own list of opt-outs is read with its own filters."""
    client = made()
    (plain,) = every(client, client.client.remote_optouts())
    (filtered,) = every(client, client.client.remote_optouts("polly", sender_id="Acme"))
    assert (None, "Acme", "+13135550123") == (plain.sender, filtered.sender, filtered.number)


def test_redact(made: Made, asked: list[tuple[str, Any]], tmp_path: Path) -> None:
    """The provider forgets a text, and then our ledger does."""
    tables = {**ONE, "ledger": f"sqlite:///{tmp_path / 'polysms.db'}", "default": "polly"}
    client = made(tables)
    sent = client.send(Message("+13135550123", "Your code is 123456"))

    client.call("redact", sent.id)

    assert ("redact", ["p-1"]) == asked[-1]
    assert client.call("get", str(sent.id)).text is None
    client.call("redact", account="polly", provider_id="p-9")
    assert ("redact", ["p-9"]) == asked[-1]


def test_what_is_refused_is_not_forgotten(made: Made, tmp_path: Path) -> None:
    """Where the provider keeps a text, our ledger keeps it too."""
    ledger = f"sqlite:///{tmp_path / 'polysms.db'}"
    sent = made({**ONE, "ledger": ledger, "default": "polly"}).send(
        Message("+13135550123", "Your code is 123456")
    )
    refusing = made({**ONE, "ledger": ledger, "default": "polly"}, status=409)

    with pytest.raises(LookupFailed):
        refusing.call("redact", sent.id)

    assert "Your code is 123456" == refusing.call("get", str(sent.id)).text


def test_redact_without_an_id(made: Made) -> None:
    """A message that no provider has cannot be redacted."""
    with pytest.raises(LookupFailed):
        made().call("redact", Delivery(id="m-1", status=Status.NOT_SENT))


def test_details_are_a_list_of_their_own(made: Made) -> None:
    """What a provider has billed is read where it has such a list, and nothing else is one."""
    client = made()
    with pytest.raises(Unsupported, match="cannot list its messages"):
        every(client, client.client.list_remote("polly", of="details"))
    with pytest.raises(ConfigError, match='write "list" or "details"'):
        every(client, client.client.list_remote("polly", of="bills"))


def test_circle_of_pages_ends(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list whose pages lead round in a circle is an error, and not read for ever."""
    pages = {None: "a", "a": "b", "b": "a"}
    reading = offering._reader(lambda said: Listed((said[0],), pages[said[0]]))  # noqa: SLF001
    monkeypatch.setattr(offering.Parrot, "read_senders", reading)
    client = made()

    with pytest.raises(LookupFailed, match="round in a circle"):
        every(client, client.client.senders.list())
