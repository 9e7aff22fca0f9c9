"""What is written is on the disk before the first byte, and nothing better known is undone."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from polysms.delivery import Delivery, Evidence, Outcome, Status
from polysms.errors import LedgerError
from polysms.ledger import End, Ledger, Line
from polysms.routing.plan import Memory, Watermark
from polysms.values import changed
from tests.ledger import scenes

LATER = scenes.NOW + timedelta(minutes=5)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = scenes.NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return the clock of the ledger that is timed."""
    return Clock()


@pytest.fixture
def timed(url: str, clock: Clock) -> Iterator[Ledger]:
    """Return a ledger with a clock that is set by hand."""
    with Ledger(url, clock=clock) as ledger:
        yield ledger


def got(ledger: Ledger, id_: str = "id") -> Delivery:
    """Return a delivery that is known."""
    delivery = ledger.get(id_)
    assert delivery is not None
    return delivery


def test_attempt_is_committed_when_write_returns(ledger: Ledger, url: str) -> None:
    """Another connection sees an attempt as soon as it is written: before its first byte."""
    attempt = scenes.opened()

    ledger.write("id", scenes.message(), attempt)

    with Ledger(url, clock=scenes.clock) as other:
        assert (attempt,) == got(other).attempts


def test_batch_is_written_whole_or_not_at_all(ledger: Ledger) -> None:
    """Of many lines in one commit none is written where one cannot be."""
    good = Line("good", scenes.message(), scenes.opened())
    bad = Line("bad", scenes.message(), changed(scenes.opened(), status_code=2**80))

    with pytest.raises(LedgerError):
        ledger.write_many([good, bad])

    assert (None, None) == (ledger.get("good"), ledger.get("bad"))
    ledger.write_many([good])
    assert Status.PENDING is got(ledger, "good").status


def test_batch_may_hold_several_lines_of_a_message(ledger: Ledger) -> None:
    """A message may begin, be closed and begin anew elsewhere in one commit."""
    said, first, second = scenes.message(), scenes.opened(), scenes.opened(account="signalwire")
    over = scenes.closed(first, Outcome.NOT_SENT)

    ledger.write_many([Line("id", said, one) for one in (first, over, second)])

    assert (over, second) == got(ledger).attempts
    assert "signalwire" == got(ledger).account


def test_nothing_is_nothing(ledger: Ledger) -> None:
    """Writing no line and no end is allowed."""
    ledger.write_many([])

    assert 0 == ledger.stats().attempts


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (None, Status.PENDING),
        (Outcome.ACCEPTED, Status.QUEUED),
        (Outcome.MAYBE_SENT, Status.MAYBE_SENT),
        # Another account may be asked yet.
        (Outcome.NOT_SENT, Status.PENDING),
    ],
)
def test_message_stands_where_its_attempt_does(
    timed: Ledger, outcome: Outcome | None, expected: Status
) -> None:
    """While a send runs, its message's status follows from its attempts."""
    attempt = scenes.opened()

    timed.write("id", scenes.message(), attempt)
    if outcome is not None:
        timed.write("id", scenes.message(), scenes.closed(attempt, outcome))

    assert expected is got(timed).status
    assert ["id"] == [one.id for one in timed.find(status=expected)]


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (None, Status.MAYBE_SENT),
        (Outcome.ACCEPTED, Status.QUEUED),
        (Outcome.MAYBE_SENT, Status.MAYBE_SENT),
        (Outcome.NOT_SENT, Status.NOT_SENT),
    ],
)
def test_crashed_send_is_known_once_its_attempt_expires(
    timed: Ledger, clock: Clock, outcome: Outcome | None, expected: Status
) -> None:
    """What a process left open may have been sent, once it has expired; looked up and found so."""
    attempt = scenes.opened()
    timed.write("id", scenes.message(), attempt)
    if outcome is not None:
        timed.write("id", scenes.message(), scenes.closed(attempt, outcome))

    clock.now = LATER

    assert expected is got(timed).status
    assert ["id"] == [one.id for one in timed.find(status=expected)]
    assert [] == timed.find(status=Status.PENDING)
    assert expected is got(timed).status


def test_open_attempts_are_found_once_they_expired(ledger: Ledger) -> None:
    """Open attempts past their expiry are listed with their message, and no others."""
    said, late = scenes.message(), scenes.opened()
    ledger.write("late", said, late)
    ledger.write("running", said, scenes.opened(expires_at=LATER))
    ledger.write("over", said, scenes.closed(scenes.opened()))

    found = ledger.open_attempts(LATER)

    assert [("late", late)] == [(one.id, one.attempt) for one in found]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (Outcome.ACCEPTED, Outcome.MAYBE_SENT, Outcome.ACCEPTED),
        (Outcome.ACCEPTED, Outcome.NOT_SENT, Outcome.ACCEPTED),
        (Outcome.ACCEPTED, None, Outcome.ACCEPTED),
        (Outcome.MAYBE_SENT, None, Outcome.MAYBE_SENT),
        (Outcome.MAYBE_SENT, Outcome.ACCEPTED, Outcome.ACCEPTED),
        (Outcome.MAYBE_SENT, Outcome.NOT_SENT, Outcome.NOT_SENT),
        (Outcome.NOT_SENT, Outcome.MAYBE_SENT, Outcome.NOT_SENT),
        (Outcome.NOT_SENT, Outcome.ACCEPTED, Outcome.ACCEPTED),
    ],
)
def test_stale_result_decides_nothing(
    ledger: Ledger, first: Outcome, second: Outcome | None, expected: Outcome
) -> None:
    """Of two ends of one attempt the better known stays, whichever is written last."""
    attempt = scenes.opened()
    ends = [attempt if one is None else scenes.closed(attempt, one) for one in (first, second)]

    for end in ends:
        ledger.write("id", scenes.message(), end)

    assert [expected] == [one.outcome for one in got(ledger).attempts]


def test_stale_result_is_kept_as_evidence(ledger: Ledger) -> None:
    """What came too late to decide is kept as an event, once."""
    attempt = scenes.opened()
    late = scenes.closed(attempt, Outcome.MAYBE_SENT)
    ledger.write("id", scenes.message(), scenes.closed(attempt))

    ledger.write("id", scenes.message(), late)
    ledger.write("id", scenes.message(), late)

    assert (1, 0) == (ledger.stats().events, ledger.stats().parked)


def test_stale_end_does_not_take_an_acceptance_back(ledger: Ledger) -> None:
    """A worker that was frozen ends its send after a look has found it: the look stays."""
    attempt, said = scenes.opened(), scenes.message()
    unclear = scenes.closed(attempt, Outcome.MAYBE_SENT)
    found = scenes.closed(attempt, evidence=Evidence.FOUND)
    known = scenes.ended("id", said, found, status=Status.DELIVERED, raw_status="delivered")
    ledger.write("id", said, attempt)

    ledger.ended(known)
    ledger.ended(scenes.ended("id", said, unclear))

    assert known == got(ledger)


def test_older_end_does_not_take_a_newer_back(ledger: Ledger) -> None:
    """A slow send's QUEUED does not replace what a fetch has told since."""
    attempt, said = scenes.closed(scenes.opened()), scenes.message()
    known = scenes.ended("id", said, attempt, status=Status.DELIVERED, raw_status="delivered")

    ledger.write("id", said, attempt)
    ledger.ended(known)
    ledger.ended(scenes.ended("id", said, attempt, raw_status="queued"))

    assert known == got(ledger)


def test_proof_of_absence_ends_a_message(ledger: Ledger) -> None:
    """A message whose unclear attempts all proved absent was not sent."""
    attempt, said = scenes.opened(), scenes.message()
    unclear = scenes.closed(attempt, Outcome.MAYBE_SENT)
    absent = changed(unclear, outcome=Outcome.NOT_SENT, looks=(LATER, LATER))
    ledger.ended(scenes.ended("id", said, unclear), said)

    ledger.ended(scenes.ended("id", said, absent, retry_later=True))

    assert (Status.NOT_SENT, True) == (got(ledger).status, got(ledger).retry_later)


def test_message_of_which_nobody_was_asked_is_kept(ledger: Ledger) -> None:
    """A send that found no account leaves a message without attempts."""
    said = scenes.message(tag="lunch", tenant="a")

    ledger.ended(Delivery(id="id", status=Status.NOT_SENT, tag="lunch", to=said.to), said)

    (found,) = ledger.find(tag="lunch", tenant="a")
    assert (Status.NOT_SENT, ()) == (found.status, found.attempts)


def test_many_threads_write(ledger: Ledger) -> None:
    """Eight threads write at once, each attempt before and after, and all of it is there."""
    ids = [f"id-{number}" for number in range(80)]

    def sent(id_: str) -> None:
        attempt = scenes.opened(f"ref-{id_}")
        ledger.write(id_, scenes.message(), attempt)
        ledger.write(id_, scenes.message(), scenes.closed(attempt))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(sent, ids))

    assert {Status.QUEUED: 80} == ledger.stats().statuses
    assert set(ids) == {one.id for one in ledger.find(limit=1000)}


def test_threads_may_write_the_same_messages(ledger: Ledger) -> None:
    """Batches that hold the same messages in other orders do not block each other."""
    said = scenes.message()
    lines = [Line(f"id-{n}", said, scenes.opened(f"ref-{n}")) for n in range(20)]
    ledger.write_many(lines)
    over = [Line(one.id, said, scenes.closed(one.attempt)) for one in lines]

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(ledger.write_many, [over, over[::-1]] * 10))

    assert {Status.QUEUED: 20} == ledger.stats().statuses


def test_find_by_what_deliveries_have_in_common(ledger: Ledger) -> None:
    """Deliveries are found by each of their marks and by all together, the newest first."""
    for number, account in enumerate(("wavix", "wavix", "signalwire")):
        moment = scenes.NOW + timedelta(minutes=number)
        said = scenes.message(
            to=f"+1313555012{number}", tag="lunch", key=f"k{number}", tenant=f"t{number}"
        )
        attempt = scenes.closed(scenes.opened(account=account, started_at=moment))
        ledger.ended(scenes.ended(f"id-{number}", said, attempt), said)

    def found(**wanted: object) -> list[str | None]:
        return [one.id for one in ledger.find(**wanted)]  # type: ignore[arg-type]

    assert ["id-2", "id-1", "id-0"] == found()
    assert ["id-2", "id-1"] == found(limit=2)
    assert ["id-1"] == found(to="+13135550121")
    assert ["id-2", "id-1", "id-0"] == found(tag="lunch", status="QUEUED")
    assert ["id-1", "id-0"] == found(account="wavix")
    assert ["id-2"] == found(account="signalwire", tag="lunch", tenant="t2", key="k2")
    assert ["id-2"] == found(since=scenes.NOW + timedelta(minutes=2))
    assert [] == found(tag="lunch", to="988")
    assert [] == found(status=Status.MAYBE_SENT)


def test_tenants_do_not_see_each_other(ledger: Ledger) -> None:
    """A message is got under its own tenant, and a key belongs to a tenant."""
    for tenant in (None, "a", "b"):
        said = scenes.message(key="k", tenant=tenant)
        ledger.write(f"id-{tenant}", said, scenes.opened())

    assert ["id-None", "id-a", "id-b"] == [
        delivery.id
        for delivery in (ledger.get("k"), ledger.get("k", "a"), ledger.get("k", "b"))
        if delivery
    ]
    assert ledger.get("id-a", "b") is None
    assert "id-a" == got(ledger, "id-a").id


def test_ledger_remembers_as_a_client_does(ledger: Ledger) -> None:
    """What an account took and what it may have taken is told as a client's memory tells it."""
    memory = Memory()
    cases = [
        ("a", scenes.closed(scenes.opened(started_at=scenes.NOW))),
        ("b", scenes.closed(scenes.opened(started_at=scenes.NOW + timedelta(seconds=9)))),
        ("c", scenes.closed(scenes.opened(started_at=LATER, lookup="heuristic"))),
        ("d", scenes.closed(scenes.opened(started_at=LATER, account="other"))),
        ("e", scenes.closed(scenes.opened(started_at=LATER), Outcome.NOT_SENT)),
        ("f", scenes.closed(scenes.opened(lookup="heuristic"), Outcome.MAYBE_SENT)),
        ("g", scenes.closed(scenes.opened(lookup="exact"), Outcome.MAYBE_SENT, provider_id="g")),
    ]
    for id_, attempt in cases:
        ledger.write(id_, scenes.message(), attempt)
        memory.ended(attempt, scenes.NUMBER)

    for after in (scenes.NOW - timedelta(days=1), scenes.NOW, LATER):
        assert memory.watermark("wavix", after) == ledger.watermark("wavix", after)
    assert isinstance(ledger.watermark("wavix", scenes.NOW), Watermark)
    for _, attempt in cases:
        theirs = attempt.provider_id
        assert memory.owns(attempt.account, theirs) == ledger.owns(attempt.account, theirs)
    assert ledger.owns("wavix", cases[0][1].provider_id)
    for seconds, to in ((60, scenes.NUMBER), (1, scenes.NUMBER), (60, "988")):
        for _, attempt in cases:
            expected = memory.has_rival(attempt, to, seconds)
            assert expected == ledger.has_rival(attempt, to, seconds)
    assert ledger.has_rival(cases[0][1], scenes.NUMBER, 60)


def test_open_attempt_is_a_rival_until_it_expires(ledger: Ledger) -> None:
    """An attempt that nobody closed may have left the record that is found; long ago it did not."""
    mine = scenes.closed(scenes.opened(lookup="heuristic"), Outcome.MAYBE_SENT)
    ledger.write("mine", scenes.message(), mine)
    early = scenes.NOW - timedelta(minutes=10)
    expired = scenes.opened(
        lookup="heuristic", started_at=early, expires_at=early + timedelta(seconds=90)
    )
    ledger.write("long ago", scenes.message(), expired)
    assert not ledger.has_rival(mine, scenes.NUMBER, 60)

    ledger.write("other", scenes.message(), scenes.opened(lookup="heuristic"))

    assert ledger.has_rival(mine, scenes.NUMBER, 60)
    assert not ledger.has_rival(mine, "+13135550199", 60)


def test_nothing_private_in_a_repr(ledger: Ledger) -> None:
    """No number and no text stands in the repr of what the ledger takes and gives."""
    said = scenes.message("Code 4711")
    line = Line("id", said, scenes.opened(from_=scenes.NUMBER))
    ledger.write_many([line])

    shown = repr([line, End(got(ledger), said), ledger.open_attempts(LATER), ledger])

    assert scenes.NUMBER not in shown
    assert "4711" not in shown


def test_password_is_not_in_the_repr() -> None:
    """A ledger's address is shown without its password."""
    ledger = Ledger("postgresql+psycopg://me:canary@127.0.0.1:1/sms")

    assert "canary" not in repr(ledger)
