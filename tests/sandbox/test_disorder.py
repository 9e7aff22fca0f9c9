"""Reports in disorder: each status, one to five times, in every order, and sometimes none."""

from __future__ import annotations

import itertools

import pytest

from polysms.sandbox import Behaviour, running
from polysms.sandbox.disorder import MOST_TIMES, SILENT, STRANGE, Disorder, Postings
from polysms.sandbox.progress import Wish
from polysms.sandbox.store import Draft, Entry, Store
from tests.sandbox.conftest import START, Clock, House, wait_for
from tests.sandbox.test_callbacks import Receiver, receiver

__all__ = ["receiver"]
ORDERS = 120
SENDS = 8


def entries(count: int) -> list[Entry]:
    """Return messages of SignalWire, which have four statuses each."""
    store, behaviour = Store(seed=1), Behaviour(seed=1, clock=lambda: START)
    draft = Draft(
        provider="signalwire",
        account="p",
        sender="+15559876543",
        to="+13135550101",
        text="Hello",
        kind="sms",
        request={},
    )
    return [store.accept(draft, Wish.DELIVERED, behaviour) for _ in range(count)]


def words(postings: Postings) -> list[str]:
    """Return the statuses that are posted, in order."""
    return [posting.step.status for posting in (*postings.early, *postings.late)]


def test_every_order() -> None:
    """The orders in which the states come first take turns, so that each of them comes."""
    disorder = Disorder()
    plans = [disorder.of(entry) for entry in entries(ORDERS + 2)]
    firsts = {tuple(dict.fromkeys(words(plan))) for plan in plans} - {()}

    states = ("queued", "initiated", "sent", "delivered", STRANGE)
    assert set(itertools.permutations(states)) == firsts


def test_repeated() -> None:
    """Each report is posted one to five times; some before the answer, some without waiting."""
    disorder = Disorder()
    plans = [disorder.of(entry) for entry in entries(SILENT - 1)]
    times = {words(plan).count(word) for plan in plans for word in words(plan)}

    assert set(range(1, MOST_TIMES + 1)) == times
    assert {True, False} == {bool(plan.early) for plan in plans}
    assert {True, False} == {posting.waits for plan in plans for posting in plan.late}


def test_one_in_a_hundred_is_never_reported() -> None:
    """Of the hundredth message, and the two-hundredth, nothing is posted."""
    disorder = Disorder()
    plans = [disorder.of(entry) for entry in entries(2 * SILENT)]

    silent = [number for number, plan in enumerate(plans, 1) if not words(plan)]
    assert [SILENT, 2 * SILENT] == silent


def test_it_follows_from_the_seed() -> None:
    """The same messages are reported in the same disorder."""
    one, other = Disorder(), Disorder()

    assert [one.of(entry) for entry in entries(20)] == [other.of(entry) for entry in entries(20)]


@pytest.mark.parametrize("provider", ["wavix", "signalwire", "carrierx"])
def test_it_is_posted(receiver: Receiver, provider: str) -> None:
    """Every status is posted, and the strange word; of some messages before their answer."""
    url = f"{receiver.url}/dlr"
    given = {"wavix": "callback_url", "signalwire": "status_callback"}
    behaviour = Behaviour(speed=200, seed=1, disorder=True, callback_urls={"carrierx": url})
    early = 0
    with running(behaviour=behaviour) as sandbox:
        house = House(sandbox, Clock())
        for _ in range(SENDS):
            house.send(provider, **({given[provider]: url} if provider in given else {}))
            early += bool(receiver.posted)
            wait_for(lambda: not sandbox.callbacks.owes)
            states = {step.status for step in sandbox.store.all()[-1].steps}

            assert {STRANGE, *states} == {posted.json["status"] for posted in receiver.posted}
            receiver.posted.clear()
    assert early


def test_it_is_asked_for(house: House) -> None:
    """The control API begins and ends it."""
    assert house.behave(disorder=True).json["disorder"]
    assert not house.behave(disorder=False).json["disorder"]
    assert 400 == house.behave(disorder="yes").status
