"""What a message came to is asked once it has ended, where its price is to be compared."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from polysms import Client, Status
from polysms.delivery import Price
from polysms.ledger import Claim, End, Ledger
from polysms.values import changed
from tests.ledger import histories, scenes
from tests.ledger.histories import History

SETTLED: dict[str, Any] = {"message_id": "p-1", "status": "delivered", "charge": "0.0075"}
LEASE = timedelta(seconds=60)


@pytest.fixture
def clock() -> histories.Clock:
    """Return a clock that is set by hand."""
    return histories.Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: histories.Clock) -> Any:
    """Return a ledger."""
    with Ledger(f"sqlite:///{tmp_path}/ledger.db", clock=clock) as kept:
        yield kept


def due(ledger: Ledger, clock: histories.Clock, after: float) -> list[Claim]:
    """Return of which messages a provider is to be asked, so many seconds from now."""
    clock.pass_by(after)
    return ledger.outbox.looks(until=clock.now + LEASE, limit=10)


def ended(ledger: Ledger, clock: histories.Clock, status: Status = Status.DELIVERED) -> History:
    """Write down a message of an experiment that has ended, without a price."""
    one = History(ledger, clock, scenes.message(to=histories.NUMBER))
    one.begin("wavix", histories.assignment("wavix"))
    one.end(price=None, provider_id="p-1")
    one.report(status, 3)
    return one


def client(place: Path, answer: httpx.Response) -> Client:
    """Return a client whose provider answers so."""
    config = {
        "ledger": f"sqlite:///{place}/ledger.db",
        "accounts": {"wavix": {"api_key": "k", "sender": "+13135550100"}},
    }
    return Client(config, transport=httpx.MockTransport(lambda _: answer))


def test_price_is_asked_once(ledger: Ledger, clock: histories.Clock, tmp_path: Path) -> None:
    """A minute after the end it is asked for, it counts, and nobody asks again."""
    one = ended(ledger, clock)
    assert [] == due(ledger, clock, 50)
    (claim,) = due(ledger, clock, 15)

    with client(tmp_path, httpx.Response(200, json=SETTLED)) as sms:
        sms.obey(sms.duties.look(claim))

    found = ledger.get(one.id)
    assert found is not None
    assert found.price is not None
    assert (Status.DELIVERED, Decimal("0.0075")) == (found.status, found.price.amount)
    counts = histories.only(ledger.cells(histories.ROUTE))
    assert Decimal("0.0075") == counts.costs["USD"].total
    assert [] == due(ledger, clock, 86_400)


def test_no_answer_is_no_reason_to_ask_again(
    ledger: Ledger, clock: histories.Clock, tmp_path: Path
) -> None:
    """Where the provider does not say it, it stays unknown, and the message as it is."""
    one = ended(ledger, clock)
    (claim,) = due(ledger, clock, 65)

    with client(tmp_path, httpx.Response(404, json={})) as sms:
        sms.obey(sms.duties.look(claim))

    found = ledger.get(one.id)
    assert found is not None
    assert (Status.DELIVERED, None) == (found.status, found.price)
    assert [] == due(ledger, clock, 86_400)


def test_report_that_comes_again_asks_no_sooner_twice(
    ledger: Ledger, clock: histories.Clock
) -> None:
    """However often its end is told, its price is asked for once."""
    one = ended(ledger, clock)
    one.report(Status.DELIVERED, 3)

    assert 1 == len(due(ledger, clock, 65))


def test_who_says_nothing_has_no_price(ledger: Ledger, clock: histories.Clock) -> None:
    """Of what was never reported no price is asked for."""
    ended(ledger, clock, Status.UNREPORTED)

    assert [] == due(ledger, clock, 86_400)


def test_price_that_is_known_is_not_asked_for(ledger: Ledger, clock: histories.Clock) -> None:
    """Who tells the price before the end is not asked again."""
    one = History(ledger, clock, scenes.message(to=histories.NUMBER))
    one.begin("wavix", histories.assignment("wavix"))
    one.end(provider_id="p-1")
    found = changed(one.look(Status.SENT, 1), price=Price(Decimal("0.01"), "USD"))
    ledger.write_many([], [End(found)])
    one.report(Status.DELIVERED, 3)

    assert [] == due(ledger, clock, 86_400)


def test_nobody_compares_it(ledger: Ledger, clock: histories.Clock) -> None:
    """Without an experiment nobody is asked."""
    one = History(ledger, clock, scenes.message(to=histories.NUMBER))
    one.begin("wavix")
    one.end(price=None, provider_id="p-1")
    one.report(Status.DELIVERED, 3)

    assert [] == due(ledger, clock, 86_400)
