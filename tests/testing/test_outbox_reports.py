"""What providers report and people write: posted to the program's own receiver, as it would be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from polysms import (
    AsyncClient,
    Client,
    Delivery,
    DeliveryReport,
    InboundMessage,
    MaybeSent,
    Reason,
    Status,
)
from polysms.providers import REGISTRY
from polysms.server import OptOut, Receiver
from polysms.testing import NoAnswer, Outbox
from tests.clients import KINDS, Both
from tests.testing.houses import ACCOUNTS, NUMBER, PUBLIC, READY, tables


class Program:
    """A program that sends, and hears what becomes of it."""

    def __init__(self, kind: str, ledger: str | None, *names: str, **more: Any) -> None:
        keys = {"public_url": PUBLIC, **more} | ({"ledger": ledger} if ledger else {})
        self.both = Both(kind, tables(*(names or REGISTRY), **keys))
        self.reports: list[DeliveryReport] = []
        self.inbound: list[InboundMessage] = []
        self.opt_outs: list[OptOut] = []
        self.receiver = Receiver(self.both.client)
        self.receiver.on_report(self.reports.append)
        self.receiver.on_inbound(self.inbound.append)
        self.receiver.on_opt_out(self.opt_outs.append)

    def send(self, via: str | None = None) -> Delivery:
        return self.both.send(READY, via=via)

    def report(self, outbox: Outbox, *what: Any, **more: Any) -> Delivery:
        if self.both.runner is None:
            return outbox.report(*what, **more)
        found: Delivery = self.both.runner.run(outbox.areport(*what, **more))
        return found

    def write(self, outbox: Outbox, *what: Any, **more: Any) -> None:
        if self.both.runner is None:
            outbox.inbound(*what, **more)
        else:
            self.both.runner.run(outbox.ainbound(*what, **more))


Make = Callable[..., Program]


@pytest.fixture(params=KINDS)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Return what makes a program, with a ledger or without."""
    made: list[Program] = []

    def program(*names: str, ledger: bool = False, **more: Any) -> Program:
        place = f"sqlite:///{tmp_path}/{len(made)}.db" if ledger else None
        made.append(Program(request.param, place, *names, **more))
        return made[-1]

    yield program
    for one in made:
        one.both.close()


CODES = {
    "wavix": ("Message rejected by the far-end carrier", None, Reason.OTHER),
    "carrierx": (None, None, None),
    "signalwire": ("number_blacklisted", "number_blacklisted", Reason.OPTED_OUT),
    "signalwire-compat": ("30006", "30006", Reason.CAPABILITY),
    "twilio": ("30005", "30005", Reason.INVALID_NUMBER),
}


@pytest.mark.parametrize("ledger", [False, True], ids=["alone", "ledger"])
@pytest.mark.parametrize("provider", REGISTRY)
def test_reports(provider: str, *, ledger: bool, make: Make, polysms_outbox: Outbox) -> None:
    """A report is posted, believed, confirmed where it must be, and told, with its code."""
    program = make(provider, ledger=ledger)
    delivery = program.send()
    code, told, reason = CODES[provider]
    first = program.report(polysms_outbox, delivery, "SENT")
    last = program.report(polysms_outbox, delivery, Status.UNDELIVERED, code=code)

    statuses = [report.status for report in program.reports]
    assert [Status.SENT, Status.UNDELIVERED] == statuses
    assert (told, reason) == (program.reports[-1].code, program.reports[-1].reason)
    assert [Status.SENT, Status.UNDELIVERED] == [first.status, last.status]
    assert Status.UNDELIVERED is program.both.fetch(delivery).status
    assert Status.UNDELIVERED is polysms_outbox[0].delivery.status


@pytest.mark.parametrize("provider", REGISTRY)
def test_inbound(provider: str, make: Make, polysms_outbox: Outbox) -> None:
    """What a person writes comes from their number to the one that wrote to them."""
    program = make(provider)
    delivery = program.send()
    picture = "https://example.com/menu.png"
    program.write(polysms_outbox, NUMBER, "Thank you", media=(picture,))

    (told,) = program.inbound
    assert (NUMBER, delivery.from_, "Thank you", (picture,)) == (
        told.from_,
        told.to,
        told.text,
        told.media,
    )
    assert not program.opt_outs


@pytest.mark.parametrize("provider", REGISTRY)
def test_stop(provider: str, make: Make, polysms_outbox: Outbox) -> None:
    """Who writes STOP is opted out, in the ledger too."""
    program = make(provider, ledger=True)
    program.write(polysms_outbox, NUMBER, "STOP", account=provider)

    assert [(NUMBER, "stop")] == [(one.number, one.kind) for one in program.opt_outs]
    with pytest.raises(Exception, match="opted out"):
        program.send()
    polysms_outbox.assert_nothing_sent()


def test_whose_number_it_is(make: Make, polysms_outbox: Outbox) -> None:
    """The number that is written to tells the account; without one it is who wrote last."""
    program = make("wavix", "carrierx")
    program.write(polysms_outbox, NUMBER, "Hi", to=ACCOUNTS["carrierx"]["sender"])
    with pytest.raises(NoAnswer, match="say account=: which of wavix, carrierx"):
        program.write(polysms_outbox, NUMBER, "Hi")
    with pytest.raises(NoAnswer, match="'signalwire' hears nothing"):
        program.write(polysms_outbox, NUMBER, "Hi", account="signalwire")
    program.send("wavix")
    program.write(polysms_outbox, NUMBER, "Hi")

    assert ["carrierx", "wavix"] == [one.account for one in program.inbound]


def test_report_of_what_may_have_been_sent(make: Make, polysms_outbox: Outbox) -> None:
    """A message that may have been sent is reported too: so it is found out that it was."""
    program = make("signalwire", ledger=True)
    polysms_outbox.on().maybe_sent()
    with pytest.raises(MaybeSent) as raised:
        program.send()

    assert (
        Status.DELIVERED
        is program.report(polysms_outbox, raised.value.delivery, "DELIVERED").status
    )


@pytest.mark.parametrize("ledger", [False, True], ids=["alone", "ledger"])
def test_exception_of_the_program(*, ledger: bool, make: Make, polysms_outbox: Outbox) -> None:
    """What the program's function raises is raised in the test, and not only logged."""
    program = make("wavix", ledger=ledger)

    @program.receiver.on_report
    def fail(report: DeliveryReport) -> None:
        raise KeyError(report.account)

    with pytest.raises(KeyError, match="wavix"):
        program.report(polysms_outbox, program.send(), "SENT")


def test_settle(make: Make, polysms_outbox: Outbox) -> None:
    """A program that asks its provider is answered with what was settled; nobody is told."""
    program = make("wavix")
    delivery = program.send()
    polysms_outbox.settle(delivery, "DELIVERED")

    assert Status.DELIVERED is program.both.fetch(delivery).status
    assert not program.reports


def test_sent_for_a_delivery(make: Make, polysms_outbox: Outbox) -> None:
    """What the outbox holds can be reported as it is."""
    program = make("wavix")
    program.send()
    program.report(polysms_outbox, polysms_outbox[0], "DELIVERED")

    assert [Status.DELIVERED] == [one.status for one in program.reports]


def test_ledger_without_a_receiver(tmp_path: Path, polysms_outbox: Outbox) -> None:
    """Where another process hears (``polysms serve``), the ledger knows what it would have kept."""
    place = f"sqlite:///{tmp_path}/a.db"
    with Client(tables("wavix", ledger=place, public_url=PUBLIC)) as sms:
        delivery = sms.send(READY)
        assert Status.DELIVERED is polysms_outbox.report(delivery, "DELIVERED").status
        known = sms.get(str(delivery.id))
        assert known is not None
        assert Status.DELIVERED is known.status


def test_nobody_hears(polysms_outbox: Outbox) -> None:
    """Without a receiver it is said what to do."""
    with Client(tables("console")) as sms:
        delivery = sms.send(READY)
    with pytest.raises(NoAnswer, match="no provider has got this message"):
        polysms_outbox.report(delivery, "DELIVERED")
    with Client({"accounts": {"lonely": {**ACCOUNTS["wavix"], "provider": "wavix"}}}) as sms:
        delivery = sms.send(READY)
        with pytest.raises(
            NoAnswer, match=r"nobody hears the report: no polysms\.server\.Receiver"
        ):
            polysms_outbox.report(delivery, "DELIVERED")
        polysms_outbox.settle(delivery, "DELIVERED")
        assert Status.DELIVERED is sms.fetch(delivery).status


def test_reports_that_go_elsewhere(make: Make, polysms_outbox: Outbox) -> None:
    """A message with a status_callback of its own is not reported to our receiver."""
    from attrs import evolve

    program = make("signalwire")
    message = evolve(READY, status_callback="https://shop.example.com/done")
    delivery = program.both.send(message)
    with pytest.raises(NoAnswer, match="has its reports sent elsewhere"):
        program.report(polysms_outbox, delivery, "DELIVERED")


def test_receiver_of_another_account(polysms_outbox: Outbox) -> None:
    """A receiver can be named; one that refuses what is posted says why."""
    keys = {**ACCOUNTS["wavix"], "provider": "wavix"}
    config = {"accounts": {"quiet": keys}, "public_url": PUBLIC}
    with Client(config) as sms, Client(config) as other:
        receiver, newer = Receiver(sms), Receiver(other)
        told: list[str] = []
        receiver.on_inbound(lambda _: told.append("older"))
        newer.on_inbound(lambda _: told.append("newer"))
        polysms_outbox.inbound(NUMBER, "Hi")
        polysms_outbox.inbound(NUMBER, "Hi", receiver=receiver)
        sms.send(READY)

    assert ["newer", "older"] == told


def test_signature_that_is_missing(polysms_outbox: Outbox) -> None:
    """A receiver that cannot believe what is posted refuses it, as in production."""
    table = {**ACCOUNTS["signalwire"], "signing_key": None, "webhook_token": "x" * 24}
    given = {key: value for key, value in table.items() if value is not None}
    with Client({"accounts": {"signalwire": given}, "public_url": PUBLIC}) as sms:
        receiver = Receiver(sms)
        heard: list[InboundMessage] = []
        receiver.on_inbound(heard.append)
        polysms_outbox.inbound(NUMBER, "Hi", receiver=receiver)

    # Without a key, the token in the address is its proof.
    assert 1 == len(heard)


def test_async_client_outside_a_loop(polysms_outbox: Outbox) -> None:
    """A receiver of an AsyncClient is asked in a loop of its own where none is running."""
    sms = AsyncClient(tables("wavix", public_url=PUBLIC))
    receiver = Receiver(sms)
    heard: list[InboundMessage] = []
    receiver.on_inbound(heard.append)
    polysms_outbox.inbound(NUMBER, "Hi", receiver=receiver)

    async def inside() -> None:
        await polysms_outbox.ainbound(NUMBER, "Hi", receiver=receiver)
        with pytest.raises(NoAnswer, match=r"await \.\.\.ainbound"):
            polysms_outbox.inbound(NUMBER, "Hi", receiver=receiver)

    asyncio.run(inside())

    assert 2 == len(heard)
