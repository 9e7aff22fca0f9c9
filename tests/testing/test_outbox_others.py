"""Providers that polysms does not know: played by their example, or by what most adapters read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from polysms import Client, DeliveryReport, MaybeSent, RateLimited, Reason, Refused, Status
from polysms.server import Receiver
from polysms.testing import NoAnswer, Outbox, capture
from tests.testing.houses import NUMBER, READY
from tests.testing.others import CONFIG, EXAMPLES


@pytest.fixture
def outbox() -> Iterator[Outbox]:
    """Return an outbox that has the example of one of them."""
    with capture(EXAMPLES) as outbox:
        yield outbox


@pytest.fixture
def sms() -> Iterator[Client]:
    """Return a client of both."""
    with Client(CONFIG) as sms:
        yield sms


@pytest.mark.parametrize("account", ["pigeon", "plain"])
def test_taken(account: str, sms: Client, outbox: Outbox) -> None:
    """A send is taken, whatever the adapter calls an id."""
    one, other = sms.send(READY, via=account), sms.send(READY, via=account)

    assert Status.QUEUED is one.status
    assert one.provider_id != other.provider_id
    outbox.assert_sent(to=NUMBER, via=account, count=2)


@pytest.mark.parametrize("account", ["pigeon", "plain"])
def test_everything_else(account: str, sms: Client, outbox: Outbox) -> None:
    """Rules work as for providers that are known."""
    outbox.on().refuse("invalid_number").times(1)
    outbox.on().refuse("balance").times(1)
    outbox.on().refuse("quota").times(1)
    for reason in ("invalid_number", "balance", "quota"):
        with capture(EXAMPLES) as inner:
            inner.on().refuse(reason)
            with pytest.raises(Refused) as raised:
                sms.send(READY, via=account)
        assert reason == raised.value.reason
    with capture(EXAMPLES) as inner:
        inner.on().busy(90)
        with pytest.raises(RateLimited):
            sms.send(READY, via=account)
    with capture(EXAMPLES) as inner:
        inner.on().maybe_sent()
        with pytest.raises(MaybeSent):
            sms.send(READY, via=account)


def test_codes_of_the_example(sms: Client, outbox: Outbox) -> None:
    """A refusal is the one that the provider has published."""
    outbox.on().refuse("invalid_number")
    with pytest.raises(Refused) as raised:
        sms.send(READY)

    assert ("no such roof", 422) == (raised.value.code, raised.value.status_code)
    assert Reason.INVALID_NUMBER is raised.value.reason


def test_statuses_of_the_example(sms: Client, outbox: Outbox) -> None:
    """Statuses are in the provider's words; it is asked for them, too, and reports them."""
    heard: list[DeliveryReport] = []
    receiver = Receiver(sms)
    receiver.on_report(heard.append)
    outbox.on().accept("SENT")
    delivery = sms.send(READY)
    assert (Status.SENT, "gone") == (delivery.status, delivery.raw_status)
    outbox.settle(delivery, "DELIVERED")
    assert "arrived" == sms.fetch(delivery).raw_status

    assert Status.DELIVERED is outbox.report(delivery, "arrived").status
    assert [Status.DELIVERED] == [one.status for one in heard]
    with pytest.raises(NoAnswer, match="has no word for READ"):
        outbox.report(delivery, Status.READ)


def test_what_nobody_knows(sms: Client, outbox: Outbox) -> None:
    """What cannot be known is said, with what to give."""
    delivery = sms.send(READY, via="plain")
    said = "nobody knows how Pigeon answers .*: give the Example of its adapter"
    with pytest.raises(NoAnswer, match=said):
        sms.fetch(delivery)
    with pytest.raises(NoAnswer, match=said):
        outbox.report(delivery, "DELIVERED")
    outbox.on().accept("SENT")
    with pytest.raises(NoAnswer, match=said):
        sms.send(READY, via="plain")
    with pytest.raises(NoAnswer, match="how Pigeon posts an inbound message"):
        outbox.inbound(NUMBER, "Hi", account="pigeon", receiver=Receiver(sms))


def test_unknown_answers() -> None:
    """An adapter that reads none of the usual names needs its example."""
    with (
        Client(CONFIG) as sms,
        capture(),
        pytest.raises(NoAnswer, match=r"Pigeon answers a send that is taken"),
    ):
        sms.send(READY)
