"""Routes that choose, as clients with a ledger use them: what is written, kept and learned."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from polysms import Config, DeliveryReport, LedgerError, Message, NotSent, Status
from polysms.client.keeping import Consult
from polysms.client.learning import Learning
from polysms.ledger import Ledger
from polysms.routing import assigning
from polysms.routing.assigning import Stratum
from polysms.routing.breaker import Entry
from polysms.routing.health import Signal
from polysms.routing.standing import Matured
from tests.client.test_kept import Time, rows
from tests.clients import WAVIX, Both, accepted

pytestmark = pytest.mark.one_python

Make = Callable[..., Both]

TO = "+12125550123"
ACCOUNTS = {"wavix": WAVIX, "carrierx": {"token": "k", "sender": "15162065575"}}
EQUAL = {"wavix": 1.0, "carrierx": 1.0}
#: Seconds after which what should happen behind the sends will not.
PATIENCE = 60.0


class Providers:
    """Both providers, one of which may be out of reach."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.down: set[str] = set()
        self._numbers = iter(range(100_000))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Take a message."""
        name = request.url.host.removeprefix("api.").removesuffix(".com")
        self.asked.append(name)
        if name in self.down:
            raise httpx.ConnectError("nobody there")
        number = next(self._numbers)
        if name == "wavix":
            return accepted(message_id=f"w-{number}")
        return httpx.Response(200, json={"message_sid": f"c-{number}", "status": "queued"})


@pytest.fixture
def providers() -> Providers:
    """Return the providers."""
    return Providers()


@pytest.fixture
def made(make: Make, tmp_path: Path, providers: Providers) -> Callable[..., Both]:
    """Return a function that makes a client of a route that chooses."""

    def maker(strategy: str, time_: Time | None = None, **route: Any) -> Both:
        main = {"accounts": ["wavix", "carrierx"], "strategy": strategy, **route}
        tables = {
            "accounts": ACCOUNTS,
            "routes": {"main": main},
            "default": "main",
            "ledger": f"sqlite:///{tmp_path / 'polysms.db'}",
        }
        settings = {} if time_ is None else {"world": time_.world()}
        return make(tables, transport=httpx.MockTransport(providers), **settings)

    return maker


ASSIGNED = (
    "SELECT message_id, experiment, route, account, probability, unit, randomised, country, kind, "
    "segments, sender_kind FROM polysms_assignments ORDER BY assigned_ms, message_id"
)


def test_assignment_is_written(made: Make, providers: Providers, tmp_path: Path) -> None:
    """What was drawn stands in the ledger, and can be drawn again from what stands there."""
    both = made("experiment", seed="summer")
    sent = [both.send(Message(TO, "hi")) for _ in range(12)]
    experiment = assigning.experiment_of("main", "summer", EQUAL, sticky=False)
    kept = {row[0]: row[1:] for row in rows(tmp_path / "polysms.db", ASSIGNED)}
    assert providers.asked == [one.account for one in sent]
    for one in sent:
        order = assigning.assign(
            EQUAL, experiment=experiment, stratum=Stratum("US", "sms", 1), unit=str(one.id)
        )
        stratum = ("US", "sms", 1, "number")
        expected = (experiment, "main", order[0], 0.5, "message", 1, *stratum)
        assert expected == kept[str(one.id)]
        assert order[0] == one.account


def test_failover_leaves_the_assignment(made: Make, providers: Providers, tmp_path: Path) -> None:
    """The message belongs to the account that had it first, whoever took it in the end."""
    both = made("experiment")
    providers.down = {"carrierx"}
    for _ in range(4):  # fewer than open a breaker
        both.send(Message(TO, "hi"))
    drawn = {row[0]: row[3] for row in rows(tmp_path / "polysms.db", ASSIGNED)}
    for id_, account in drawn.items():
        delivery = both.call("get", id_)
        assert "wavix" == delivery.account
        assert account == delivery.attempts[0].account


def test_account_by_name_is_not_assigned(made: Make, tmp_path: Path) -> None:
    """A manual choice counts in no comparison."""
    made("experiment").send(Message(TO, "hi"), via="carrierx")
    assert [] == rows(tmp_path / "polysms.db", ASSIGNED)


def test_key_keeps_its_account(made: Make, providers: Providers, tmp_path: Path) -> None:
    """A key that is tried again goes to the account that it was given to before."""
    both = made("experiment", failover=False)
    providers.down = {"wavix", "carrierx"}
    for key in ("a", "b"):
        for _ in range(2):
            with pytest.raises(NotSent):
                both.send(Message(TO, "hi", key=key))
    drawn = [row[3] for row in rows(tmp_path / "polysms.db", ASSIGNED)]
    keyed = rows(tmp_path / "polysms.db", "SELECT key, message_id FROM polysms_keys")
    assert 2 == len(keyed)
    assert set(providers.asked) == set(drawn)
    for key in ("a", "b"):
        unit = assigning.unit_of(Message(TO, "hi", key=key), "", sticky=False)
        experiment = assigning.experiment_of("main", "", EQUAL, sticky=False)
        stratum = Stratum("US", "sms", 1)
        order = assigning.assign(EQUAL, experiment=experiment, stratum=stratum, unit=unit)
        assert order[0] in drawn


def test_outbox_keeps_its_account(made: Make, providers: Providers, tmp_path: Path) -> None:
    """A message of the outbox is given to an account as it is first sent, and keeps that one.

    Also where another would be drawn by now, which could not take it then.
    """
    clock = Time()
    both = made("experiment", clock, repeats=0)
    id_ = both.call("enqueue", Message(TO, "hi")).id
    assert [] == rows(tmp_path / "polysms.db", ASSIGNED)
    rested, other = assigning.assign(
        EQUAL,
        experiment=assigning.experiment_of("main", "", EQUAL, sticky=False),
        stratum=Stratum("US", "sms", 1),
        unit=id_,
    )
    for _ in range(5):
        health = both.client._plans.health  # noqa: SLF001 - as if its breaker had opened
        health.told(rested, Entry.USUAL, Signal.BAD, clock.steady, 0.0)
    providers.down = {"wavix", "carrierx"}
    starts = []
    for _ in range(2):
        begun = len(providers.asked)
        _work(both)
        starts.append(providers.asked[begun])
        clock.pass_by(minutes=20)
    assert [other, other] == starts
    (row,) = rows(tmp_path / "polysms.db", ASSIGNED)
    assert (other, 1.0, 0) == (row[3], row[4], row[6])


def _work(both: Both) -> None:
    """Do what a worker does with what waits."""
    duties = both.client.duties
    until = duties.now() + duties.lease
    ledger = Ledger(str(both.client.config.ledger), clock=duties.now)
    with ledger:
        for claim in ledger.outbox.claim("waiting", "w", until=until, limit=10):
            both.call("obey", duties.send(claim, "w"))


# What reports teach.


def taught(both: Both, clock: Time) -> None:
    """Let CarrierX deliver everything and Wavix nothing; then let the reports be old enough."""
    with Ledger(str(both.client.config.ledger), clock=lambda: clock.moment) as ledger:
        for number in range(240):
            delivery = both.send(Message(TO, f"hi {number}"))
            good = delivery.account == "carrierx"
            status = Status.DELIVERED if good else Status.UNDELIVERED
            event = DeliveryReport(
                event_id=f"e-{number}",
                account=str(delivery.account),
                provider=str(delivery.provider),
                provider_id=str(delivery.provider_id),
                status=status,
                received_at=clock.moment,
            )
            ledger.record(event)
    clock.pass_by(hours=2)


def test_best_goes_by_reports(made: Make, providers: Providers) -> None:
    """The first send of a client knows what the ledger knows, and tells it."""
    clock = Time()
    taught(made("best", clock, explore=1.0), clock)
    both = made("best", clock, explore=0.0)
    delivery = both.send(Message(TO, "now"))
    assert "carrierx" == providers.asked[-1]
    assert "first by best: at least 9" in delivery.considered[0].why
    assert "against wavix: at least 0.0% delivered (0 of" in delivery.considered[0].why


def test_preview_knows_it_too(made: Make) -> None:
    """A preview shows the order that a send would have, though nothing has been sent yet."""
    clock = Time()
    taught(made("best", clock, explore=1.0), clock)
    both = made("best", clock, explore=0.0)
    for _ in range(2):
        seen = [one.account.name for one in both.preview(Message(TO, "now"))]
        assert ["carrierx", "wavix"] == seen


def test_best_learns_behind_the_sends(made: Make, providers: Providers) -> None:
    """What comes in later is read at most every few minutes, and no send waits for it."""
    clock = Time()
    both = made("best", clock, explore=0.0)
    both.send(Message(TO, "before"))
    taught(made("best", clock, explore=1.0), clock)
    deadline = time.monotonic() + PATIENCE
    while both.send(Message(TO, "after")).account != "carrierx":
        assert time.monotonic() < deadline, "nothing was learned"
        time.sleep(0.01)
    assert "carrierx" == providers.asked[-1]


def test_best_without_a_reading(
    made: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where reports cannot be read messages are sent all the same, in the route's order."""

    def fails(*_: Any) -> tuple[Matured, ...]:
        raise LedgerError("busy")

    monkeypatch.setattr(Ledger, "matured", fails)
    both = made("best", explore=0.0)
    with caplog.at_level(logging.WARNING):
        assert "wavix" == both.send(Message(TO, "hi")).account
    assert "reports could not be read, so nothing new is learned: busy" in caplog.text


class Slow:
    """A ledger whose readings take as long as they are held."""

    def __init__(self) -> None:
        self.readings: list[Any] = []
        self.held = threading.Event()

    def matured(self, accounts: Any, since: Any) -> tuple[Matured, ...]:
        """Note a reading, and wait."""
        self.readings.append((tuple(accounts), since))
        assert self.held.wait(PATIENCE)
        return ()


def learning(ledger: Any) -> Learning:
    """Return what a route learns that reads every five minutes."""
    main = {"accounts": ["wavix", "carrierx"], "strategy": "best"}
    tables = {"accounts": ACCOUNTS, "routes": {"main": main}, "ledger": "sqlite:///unused.db"}
    return Learning(Config.from_mapping(tables).route("main"), ledger)


def test_one_reading_at_a_time() -> None:
    """The first is a task, each later one a thread; none before it is due; a close waits."""
    clock, ledger = Time(), Slow()
    one = learning(ledger)
    (task,) = list(one.refreshed(clock.world()))
    assert [] == list(one.refreshed(clock.world()))
    ledger.held.set()
    assert isinstance(task, Consult)
    task.question(ledger)  # type: ignore[arg-type]
    assert [("wavix", "carrierx")] * 2 == [accounts for accounts, _ in ledger.readings]
    days = [(clock.moment - since).total_seconds() / 86400 for _, since in ledger.readings]
    assert [14.0, 1.0] == days

    clock.pass_by(minutes=4)
    assert [] == list(one.refreshed(clock.world()))
    assert 2 == len(ledger.readings)
    clock.pass_by(minutes=2)
    assert [] == list(one.refreshed(clock.world()))
    one.close()
    assert 4 == len(ledger.readings)


def test_after_a_fork() -> None:
    """A child neither waits for a thread of its parent nor holds a lock of its."""
    clock, ledger = Time(), Slow()
    one = learning(ledger)
    one._lock.acquire()  # noqa: SLF001 - as a thread of the parent might at that moment
    one.begin_again()
    assert 1 == len(list(one.refreshed(clock.world())))
    one.close()
