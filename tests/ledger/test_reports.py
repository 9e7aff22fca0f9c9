"""Reports may come early, late, twice and in any order: none is lost, none counts twice."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from polysms.delivery import Delivery, Outcome, Status
from polysms.ledger import Ledger, Recorded, reading
from polysms.routing.fold import fold, reported
from tests.ledger import scenes

steady = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
S = Status


def got(ledger: Ledger, id_: str) -> Delivery:
    """Return a delivery that is known."""
    delivery = ledger.get(id_)
    assert delivery is not None
    return delivery


@steady
@given(st.lists(st.sampled_from(scenes.SAID), max_size=5), st.data())
def test_any_order_makes_the_same_delivery(
    ledger: Ledger, statuses: list[Status], data: st.DataObject
) -> None:
    """Reports in any order, repeated, before or after the send's end, make the same delivery."""
    attempt = scenes.closed(scenes.opened())
    events = [
        scenes.report(attempt, status, at=scenes.NOW + timedelta(seconds=number))
        for number, status in enumerate(statuses)
    ]
    told = data.draw(st.permutations(events + events[:2]))
    id_, early = scenes.fresh(), data.draw(st.integers(0, len(told)))

    for event in told[:early]:
        ledger.record(event)
    said = scenes.message()
    sent = scenes.ended(id_, said, attempt)
    ledger.ended(sent, said)
    for event in told[early:]:
        ledger.record(event)

    assert reported(sent, fold(events, S.QUEUED), events) == got(ledger, id_)
    assert len(events) == len(ledger.events(id_))


def test_report_counts_once(ledger: Ledger) -> None:
    """A report that comes again changes nothing, and says so."""
    attempt = scenes.closed(scenes.opened())
    ledger.write("id", scenes.message(), attempt)
    event = scenes.report(attempt)

    first, second = ledger.record(event), ledger.record(event)

    assert Recorded(new=True, id="id", status=S.DELIVERED) == first
    assert Recorded(new=False, id="id", status=S.DELIVERED) == second
    assert [event] == ledger.events("id")


def test_early_report_is_parked_and_matched(ledger: Ledger) -> None:
    """A report before the answer waits, and is matched when the attempt gets its id."""
    attempt = scenes.opened()
    done = scenes.closed(attempt)
    ledger.write("id", scenes.message(), attempt)

    assert Recorded(new=True) == ledger.record(scenes.report(done))
    assert 1 == ledger.stats().parked
    ledger.write("id", scenes.message(), done)

    assert (S.DELIVERED, 0) == (got(ledger, "id").status, ledger.stats().parked)


def test_report_is_known_by_our_reference(ledger: Ledger) -> None:
    """A report that carries our reference is matched before any id is known; it proves receipt."""
    attempt = scenes.opened()
    ledger.write("id", scenes.message(), attempt)
    event = scenes.report(attempt, S.SENT, provider_id="theirs", reference=attempt.reference)

    recorded = ledger.record(event)
    ledger.write("id", scenes.message(), scenes.closed(attempt, Outcome.MAYBE_SENT))

    assert Recorded(new=True, id="id", status=S.SENT) == recorded
    assert S.SENT is got(ledger, "id").status


def test_report_for_the_reference_of_another_account_is_parked(ledger: Ledger) -> None:
    """One account cannot report on a message of another."""
    attempt = scenes.opened()
    ledger.write("id", scenes.message(), attempt)

    recorded = ledger.record(
        scenes.report(attempt, account="other", provider_id="x", reference=attempt.reference)
    )

    assert recorded.id is None
    assert S.PENDING is got(ledger, "id").status


def test_what_is_parked_can_be_matched_later(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reports that were parked by a process that died before it matched them are matched later."""
    attempt = scenes.closed(scenes.opened())
    stray = scenes.report(scenes.closed(scenes.opened()))
    event = scenes.report(attempt)
    ledger.record(stray)
    ledger.record(event)
    # As if it died after its commit.
    monkeypatch.setattr(reading, "parked", lambda *_, **__: False)
    ledger.write("id", scenes.message(), attempt)
    assert 2 == ledger.stats().parked

    assert (1, 0) == (ledger.match_parked(), ledger.match_parked())

    assert S.DELIVERED is got(ledger, "id").status
    assert 1 == ledger.stats().parked


def test_copies_are_counted(ledger: Ledger) -> None:
    """A late report for a superseded attempt is kept, and the second copy is counted."""
    said = scenes.message()
    first, second = scenes.closed(scenes.opened()), scenes.closed(scenes.opened(account="other"))
    for attempt in (first, second):
        ledger.write("id", said, attempt)

    for attempt in (second, first):
        ledger.record(scenes.report(attempt))

    assert (1, 2) == (ledger.stats().copies, len(ledger.events("id")))


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        ([(0, S.UNDELIVERED)], S.QUEUED),
        ([(0, S.UNDELIVERED), (1, S.SENT)], S.SENT),
        ([(0, S.UNDELIVERED), (1, S.FAILED)], S.UNDELIVERED),
        ([(0, S.DELIVERED), (1, S.FAILED)], S.DELIVERED),
        ([(0, S.UNDELIVERED), (1, S.DELIVERED)], S.DELIVERED),
    ],
)
def test_copies_do_not_speak_for_each_other(
    ledger: Ledger, reports: list[tuple[int, Status]], expected: Status
) -> None:
    """Where a second account was tried, the failure of the first is not the message's."""
    said = scenes.message()
    for order in itertools.permutations(reports):
        id_ = scenes.fresh()
        copies = [scenes.closed(scenes.opened()), scenes.closed(scenes.opened(account="other"))]
        for attempt in copies:
            ledger.write(id_, said, attempt)
        for number, status in order:
            ledger.record(scenes.report(copies[number], status))

        assert expected is got(ledger, id_).status


def test_many_threads_report(ledger: Ledger) -> None:
    """Reports and answers that cross each other all find their message."""
    attempts = [scenes.closed(scenes.opened()) for _ in range(40)]

    def answered(number: int) -> None:
        ledger.write(f"id-{number}", scenes.message(), attempts[number])

    def reported(number: int) -> None:
        ledger.record(scenes.report(attempts[number]))

    with ThreadPoolExecutor(8) as threads:
        done = [threads.submit(job, n) for n in range(40) for job in (answered, reported)]
    assert [] == [one.exception() for one in done if one.exception() is not None]

    assert {S.DELIVERED: 40} == ledger.stats().statuses
    assert 0 == ledger.stats().parked


def test_report_and_answer_that_cross_find_each_other(
    ledger: Ledger, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attempt that is committed while its report is being parked is found all the same."""
    attempt = scenes.closed(scenes.opened())
    write = ledger._store.write  # noqa: SLF001 - to come in between
    other = Ledger(url, clock=scenes.clock)
    others = [lambda: other.write("id", scenes.message(), attempt)]

    def crossed(action: Callable[[Connection], Any]) -> Any:
        done = write(action)
        if others:
            others.pop()()
        return done

    with other:
        ledger.stats()
        other.stats()
        # The other looked for parked reports before ours was committed.
        monkeypatch.setattr(reading, "parked", lambda *_, **__: False)
        monkeypatch.setattr(ledger._store, "write", crossed)  # noqa: SLF001

        recorded = ledger.record(scenes.report(attempt))

    assert Recorded(new=True, id="id", status=S.DELIVERED) == recorded
    assert S.DELIVERED is got(ledger, "id").status
