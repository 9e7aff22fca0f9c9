"""The outbox: one worker at a message, and nothing sent twice that may have been sent once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from polysms.delivery import Outcome, Status
from polysms.errors import KeyConflict, LedgerError
from polysms.ledger import After, End, Ledger, Line
from polysms.ledger.writing import TakenOver
from polysms.values import changed
from tests.ledger import outboxes, scenes
from tests.ledger.outboxes import LEASE, Clock, attempted, begun, claim, closed, end, got, put

NOW = scenes.NOW
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock() -> Clock:
    """Return the clock of the ledger."""
    return Clock()


@pytest.fixture
def timed(url: str, clock: Clock) -> Iterator[Ledger]:
    """Return an empty ledger with a clock that is set by hand."""
    with Ledger(url, clock=clock) as ledger:
        yield ledger


# Enqueueing.


def test_enqueued_message_waits(timed: Ledger) -> None:
    """What is enqueued is there when the call returns, with all that is needed to send it."""
    said = scenes.message(from_="@alerts", tag="tag", valid_for=600, timezone="America/Detroit")

    put(timed, "id", said, via="fast")

    (found,) = claim(timed, "w1", NOW)
    assert (said, "fast", 0, False, False) == (
        found.message,
        found.via,
        found.tries,
        found.sent,
        found.confirmed,
    )
    assert NOW + outboxes.VALID == found.valid_until
    assert (Status.PENDING, ()) == (got(timed).status, got(timed).attempts)


def test_message_waits_until_its_time(timed: Ledger, clock: Clock) -> None:
    """A message for later is not claimed before, and it is told how long that is."""
    put(timed, at=NOW + MINUTE)

    assert ([], None) == (
        claim(timed, "w1", NOW),
        timed.outbox.claim_one("id", "w1", until=NOW + LEASE),
    )
    assert (60.0, 1) == (timed.outbox.until_next(), timed.outbox.waiting())
    clock.pass_by(60)
    assert 0.0 == timed.outbox.until_next()
    assert ["id"] == [one.id for one in claim(timed, "w1", clock.now)]
    assert (None, 1) == (timed.outbox.until_next(), timed.outbox.waiting())


def test_empty_outbox(timed: Ledger) -> None:
    """Where nothing waits there is nothing to claim, to look for or to take back."""
    outbox = timed.outbox

    assert ([], [], 0) == (
        claim(timed, "w1", NOW),
        outbox.looks(until=NOW, limit=10),
        outbox.reclaim(),
    )
    assert (None, 0, None) == (outbox.until_next(), outbox.waiting(), outbox.last_seen())


def test_earliest_is_claimed_first(timed: Ledger) -> None:
    """Those whose time came first are taken first, as many as are asked for."""
    for number, minutes in enumerate([3, 1, 2]):
        put(timed, f"id{number}", at=NOW - minutes * MINUTE)

    first = timed.outbox.claim("waiting", "w1", until=NOW + LEASE, limit=2)
    rest = timed.outbox.claim("waiting", "w2", until=NOW + LEASE, limit=2)

    assert [["id0", "id2"], ["id1"]] == [[one.id for one in got] for got in (first, rest)]


# Keys.


def test_key_is_enqueued_once(timed: Ledger) -> None:
    """The same message under the same key is the message that waits already."""
    said = scenes.message(key="k")

    assert ["id", "id"] == [put(timed, "id", said), put(timed, "other", said)]

    assert None is timed.get("other")
    assert ["id"] == [one.id for one in claim(timed, "w1", NOW)]


def test_key_of_another_message(timed: Ledger) -> None:
    """Another message under the key is refused, and is not there."""
    put(timed, "id", scenes.message(key="k"))

    with pytest.raises(KeyConflict):
        put(timed, "other", scenes.message("Something else", key="k"))

    assert None is timed.get("other")


def test_key_that_runs_elsewhere(timed: Ledger) -> None:
    """A message that another process sends now is not enqueued beside it."""
    said = scenes.message(key="k")
    timed.begin_key("k", None, timed.fingerprint(said), "inline", NOW)

    state = timed.outbox.put(outboxes.order("id", said), timed.fingerprint(said))

    assert ("inline", False) == (state.id, state.new)
    assert state.delivery is not None
    assert Status.PENDING is state.delivery.status
    assert [] == claim(timed, "w1", NOW)


@pytest.mark.parametrize(
    ("outcome", "owner"),
    [
        (Outcome.ACCEPTED, "first"),
        (Outcome.MAYBE_SENT, "first"),
        # Surely not sent: tried anew.
        (Outcome.NOT_SENT, "second"),
    ],
)
def test_key_of_a_message_that_ended(timed: Ledger, outcome: Outcome, owner: str) -> None:
    """A key is free again only if its message surely was not sent."""
    said = scenes.message(key="k")
    put(timed, "first", said)
    attempt = closed(begun(timed, "w1", NOW, "first"), outcome)
    timed.write_many([], end("first", (attempt,), After("w1", "over")))

    assert owner == put(timed, "second", said)
    assert (owner == "second") is bool(claim(timed, "w2", NOW))


def test_cancelled_key_stays_cancelled(timed: Ledger) -> None:
    """Who enqueues a cancelled message again gets it as it is."""
    said = scenes.message(key="k")
    put(timed, "id", said)
    timed.outbox.cancel("k")

    assert "id" == put(timed, "other", said)
    assert [] == claim(timed, "w1", NOW)


def test_one_of_many_enqueues_a_key(timed: Ledger) -> None:
    """Of many that enqueue the same message at once, one does, and all get the same id."""
    said = scenes.message(key="k")
    timed.fingerprint(said)

    with ThreadPoolExecutor(8) as threads:
        ids = set(threads.map(lambda number: put(timed, f"id{number}", said), range(8)))

    assert 1 == len(ids)
    assert ids == {one.id for one in claim(timed, "w1", NOW)}


# Claims.


def test_two_claimers_never_get_the_same(timed: Ledger, url: str) -> None:
    """However many workers claim at once, a message goes to one, and all of them go."""
    for number in range(60):
        put(timed, f"id{number:02}")
    others = [Ledger(url, clock=scenes.clock) for _ in range(4)]
    start = threading.Barrier(len(others))

    def drain(ledger: Ledger) -> list[str]:
        start.wait(30)
        claimed: list[str] = []
        while found := ledger.outbox.claim("waiting", "w", until=NOW + LEASE, limit=3):
            assert len(found) <= 3
            claimed += [one.id for one in found]
        return claimed

    with ThreadPoolExecutor(len(others)) as threads:
        claimed = [id_ for ids in threads.map(drain, others) for id_ in ids]
    for other in others:
        other.close()

    assert [f"id{number:02}" for number in range(60)] == sorted(claimed)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_claimer_does_not_wait_for_another(timed: Ledger) -> None:
    """What another transaction has locked is passed over, not waited for."""
    for id_ in ("first", "second"):
        put(timed, id_)
    held, done = threading.Event(), threading.Event()

    def hold(connection: Any) -> None:
        from polysms.ledger import outbox

        found = outbox.claim(connection, "waiting", "w1", now=NOW, until=NOW + LEASE, limit=1)
        assert 1 == len(found)
        held.set()
        assert done.wait(30)

    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(timed._write, hold)  # noqa: SLF001 - a transaction that lasts
        assert held.wait(30)
        second = claim(timed, "w2", NOW)
        done.set()
        first.result(30)

    assert 1 == len(second)
    assert ["w1", "w2"] == sorted(
        outboxes.row(timed, id_)["claimed_by"] for id_ in ("first", "second")
    )


def test_claim_of_one(timed: Ledger) -> None:
    """One message is claimed by its id, by one worker only."""
    put(timed)

    found = [timed.outbox.claim_one("id", name, until=NOW + LEASE) for name in ("w1", "w2")]

    assert ["id", None] == [one and one.id for one in found]
    assert None is timed.outbox.claim_one("nobody's", "w1", until=NOW + LEASE)


def test_released_message_waits_again(timed: Ledger) -> None:
    """A worker gives back what it has not begun, and nothing that is another's."""
    put(timed)
    claim(timed, "w1", NOW)

    timed.outbox.release(["id"], "w2", "waiting")
    assert [] == claim(timed, "w3", NOW)
    timed.outbox.release(["id"], "w1", "waiting")

    assert ["id"] == [one.id for one in claim(timed, "w3", NOW)]


# Leases.


def test_attempt_begins_under_a_lease(timed: Ledger) -> None:
    """Who has the lease may begin; the attempt is open then."""
    put(timed)

    attempt = begun(timed, "w1", NOW)

    assert (attempt,) == got(timed).attempts
    assert Status.PENDING is got(timed).status


@pytest.mark.parametrize("worker", ["w2", None])
def test_no_attempt_without_the_lease(timed: Ledger, worker: str | None) -> None:
    """Whoever has no lease begins nothing, be it another worker or a plain send."""
    put(timed)
    claim(timed, "w1", NOW)

    with pytest.raises(TakenOver):
        attempted(timed, worker, NOW)

    assert () == got(timed).attempts


@pytest.mark.parametrize("worker", ["w1", None])
def test_no_attempt_of_what_waits(timed: Ledger, worker: str | None) -> None:
    """What nobody has claimed is sent by nobody."""
    put(timed)

    with pytest.raises(TakenOver):
        attempted(timed, worker, NOW)


def test_no_attempt_under_a_lease_of_what_is_not_in_the_outbox(timed: Ledger) -> None:
    """A worker does not begin what is no message of the outbox."""
    with pytest.raises(TakenOver):
        attempted(timed, "w1", NOW, "unknown")

    assert None is timed.get("unknown")


def test_no_attempt_after_the_lease(timed: Ledger, clock: Clock) -> None:
    """A worker that was stopped for longer than its lease begins nothing, reclaimed or not."""
    put(timed)
    claim(timed, "w1", NOW)
    clock.pass_by(121)

    with pytest.raises(TakenOver):
        attempted(timed, "w1", clock.now)

    assert 1 == timed.outbox.reclaim()
    with pytest.raises(TakenOver):
        attempted(timed, "w1", clock.now)
    assert ["id"] == [one.id for one in claim(timed, "w2", clock.now)]
    with pytest.raises(TakenOver):
        attempted(timed, "w1", clock.now)
    assert () == got(timed).attempts


def test_refused_line_spoils_no_other(timed: Ledger) -> None:
    """Of two attempts that begin in one commit, the one without a lease is refused alone."""
    from polysms.ledger import Job

    put(timed, "mine")
    put(timed, "theirs")
    claimed = timed.outbox.claim_one("mine", "w1", until=NOW + LEASE)
    assert claimed is not None
    jobs = [Job([outboxes.line(id_, scenes.opened(), "w1")], ()) for id_ in ("mine", "theirs")]

    timed.write_jobs(jobs)

    assert [type(None), TakenOver] == [type(job.error) for job in jobs]
    assert (1, 0) == (len(got(timed, "mine").attempts), len(got(timed, "theirs").attempts))


def test_lease_that_expired_unused(timed: Ledger, clock: Clock) -> None:
    """A worker that died before it began anything sent nothing: the message waits again."""
    put(timed)
    claim(timed, "w1", NOW)

    assert 0 == timed.outbox.reclaim()
    clock.pass_by(121)

    assert (1, 0) == (timed.outbox.reclaim(), timed.outbox.reclaim())
    assert Status.PENDING is got(timed).status
    assert ["id"] == [one.id for one in claim(timed, "w2", clock.now)]


def test_lease_that_expired_after_what_was_not_sent(timed: Ledger, clock: Clock) -> None:
    """Attempts that surely were not sent are no reason to be careful."""
    put(timed)
    attempt = begun(timed, "w1", NOW)
    timed.write_many([outboxes.line("id", closed(attempt, Outcome.NOT_SENT), "w1")])
    clock.pass_by(121)

    timed.outbox.reclaim()

    assert ["id"] == [one.id for one in claim(timed, "w2", clock.now)]


def test_lease_that_expired_with_an_open_attempt(timed: Ledger, clock: Clock) -> None:
    """What may have been sent is unclear, looked for, and never waits by itself."""
    put(timed)
    begun(timed, "w1", NOW)
    clock.pass_by(121)

    assert 1 == timed.outbox.reclaim()

    assert Status.MAYBE_SENT is got(timed).status
    assert ["id"] == [one.id for one in timed.find(status=Status.MAYBE_SENT)]
    assert ([], []) == (claim(timed, "w2", clock.now), claim(timed, "w2", clock.now, "sent"))
    assert ["id"] == [one.id for one in timed.outbox.looks(until=clock.now + LEASE, limit=9)]


def test_attempt_that_began_late_in_its_lease(timed: Ledger, clock: Clock) -> None:
    """An attempt that outlasts its lease is looked for once it has expired, and not before."""
    put(timed)
    claim(timed, "w1", NOW)
    clock.pass_by(119)
    attempted(timed, "w1", clock.now)
    clock.pass_by(10)

    timed.outbox.reclaim()

    assert Status.PENDING is got(timed).status
    assert [] == timed.outbox.looks(until=clock.now + LEASE, limit=9)
    clock.pass_by(90)
    assert Status.MAYBE_SENT is got(timed).status
    assert ["id"] == [one.id for one in timed.outbox.looks(until=clock.now + LEASE, limit=9)]


# A worker that comes back.


@pytest.mark.parametrize(
    ("outcome", "status", "state"),
    [
        (Outcome.ACCEPTED, Status.QUEUED, "sent"),
        (Outcome.MAYBE_SENT, Status.MAYBE_SENT, "unclear"),
        # By its own word nothing was sent: somebody else may.
        (Outcome.NOT_SENT, Status.PENDING, "waiting"),
    ],
)
def test_stale_worker_is_heard_but_does_not_decide(
    timed: Ledger, clock: Clock, outcome: Outcome, status: Status, state: str
) -> None:
    """What a worker knows counts, however late; what comes next it does not say any more."""
    put(timed)
    attempt = begun(timed, "w1", NOW)
    clock.pass_by(121)
    timed.outbox.reclaim()

    over = After("w1", "over", tries=7)
    timed.write_many([], end("id", (closed(attempt, outcome),), over))

    assert status is got(timed).status
    assert (state, 0) == (outboxes.row(timed)["state"], outboxes.row(timed)["tries"])


@pytest.mark.parametrize("state", ["waiting", "claimed"])
def test_late_acceptance_stops_what_is_to_be_sent_again(
    timed: Ledger, clock: Clock, state: str
) -> None:
    """An attempt that was proved absent and was accepted all the same is not followed by another.

    Whether the message waits by then or another worker has it: nothing more is begun.
    """
    put(timed)
    attempt = begun(timed, "w1", NOW)
    clock.pass_by(121)
    timed.outbox.reclaim()
    absent = closed(attempt, Outcome.NOT_SENT)
    timed.write_many([], end("id", (absent,), After(None, "waiting", clock.now)))
    if state == "claimed":
        assert ["id"] == [one.id for one in claim(timed, "w2", clock.now)]

    timed.write_many([], end("id", (closed(attempt),), After("w1", "over")))

    assert Status.QUEUED is got(timed).status
    assert "sent" == outboxes.row(timed)["state"]
    assert [] == claim(timed, "w3", clock.now)
    with pytest.raises(TakenOver):
        attempted(timed, "w2", clock.now)


def test_late_report_stops_what_is_to_be_sent_again(timed: Ledger, clock: Clock) -> None:
    """A report of an attempt that was proved absent stops the worker that has the message now."""
    put(timed)
    attempt = begun(timed, "w1", NOW)
    clock.pass_by(121)
    timed.outbox.reclaim()
    absent = closed(attempt, Outcome.NOT_SENT)
    timed.write_many([], end("id", (absent,), After(None, "waiting", clock.now)))
    claim(timed, "w2", clock.now)

    timed.record(scenes.report(attempt, provider_id="theirs", reference=attempt.reference))

    assert Status.DELIVERED is got(timed).status
    assert "over" == outboxes.row(timed)["state"]
    with pytest.raises(TakenOver):
        attempted(timed, "w2", clock.now)


def test_delivery_stops_a_second_copy(timed: Ledger, clock: Clock) -> None:
    """A report that the message has arrived stops the worker that was to try another account."""
    put(timed)
    attempt = closed(begun(timed, "w1", NOW))
    timed.write_many([], end("id", (attempt,), After("w1", "sent", NOW)))
    (found,) = claim(timed, "w2", NOW, "sent")

    assert found.sent
    timed.record(scenes.report(attempt))

    with pytest.raises(TakenOver):
        attempted(timed, "w2", NOW)
    assert ("over", Status.DELIVERED) == (outboxes.row(timed)["state"], got(timed).status)


def test_failure_lets_a_second_copy_go_on(timed: Ledger) -> None:
    """A report that says no more than was known takes no lease away."""
    put(timed)
    attempt = closed(begun(timed, "w1", NOW))
    timed.write_many([], end("id", (attempt,), After("w1", "sent", NOW)))
    claim(timed, "w2", NOW, "sent")

    timed.record(scenes.report(attempt, Status.FAILED))

    second = attempted(timed, "w2", NOW)
    assert (attempt.reference, second.reference) == tuple(
        one.reference for one in got(timed).attempts
    )


def test_worker_that_holds_its_lease_decides(timed: Ledger) -> None:
    """Accepted in the middle of a send, the message stays its worker's until that has ended."""
    put(timed)
    attempt = closed(begun(timed, "w1", NOW))

    timed.write_many([outboxes.line("id", attempt, "w1")])
    assert "claimed" == outboxes.row(timed)["state"]
    timed.write_many([], end("id", (attempt,), After("w1", "over", tries=1)))

    assert ("over", 1) == (outboxes.row(timed)["state"], outboxes.row(timed)["tries"])
    assert None is outboxes.row(timed)["claimed_until"]


def test_evidence_of_a_stale_worker_is_kept(timed: Ledger, clock: Clock) -> None:
    """What is known better stays, and what came too late is kept beside it."""
    put(timed)
    attempt = begun(timed, "w1", NOW)
    clock.pass_by(121)
    timed.outbox.reclaim()
    absent = closed(attempt, Outcome.NOT_SENT)
    timed.write_many([], end("id", (absent,), After(None, "over")))
    before = timed.stats().events

    timed.write_many([], end("id", (closed(attempt, Outcome.MAYBE_SENT),), After("w1", "unclear")))

    assert (Status.NOT_SENT, (absent,)) == (got(timed).status, got(timed).attempts)
    assert before + 1 == timed.stats().events


# What comes next.


@pytest.mark.parametrize("state", ["waiting", "sent"])
def test_message_goes_on_as_its_worker_says(timed: Ledger, clock: Clock, state: str) -> None:
    """A worker says when the outbox comes back to a message, and how often it has been tried."""
    put(timed)
    outcome = Outcome.NOT_SENT if state == "waiting" else Outcome.ACCEPTED
    attempt = closed(begun(timed, "w1", NOW), outcome)

    timed.write_many([], end("id", (attempt,), After("w1", state, NOW + MINUTE, tries=1)))

    assert [] == claim(timed, "w1", NOW, state)
    clock.pass_by(60)
    (found,) = claim(timed, "w2", clock.now, state)
    assert (1, state == "sent", (attempt,)) == (found.tries, found.sent, found.delivery.attempts)


def test_report_wakes_what_is_sent(timed: Ledger) -> None:
    """A message that waits for its report is looked at as soon as it has failed."""
    put(timed)
    attempt = closed(begun(timed, "w1", NOW))
    timed.write_many([], end("id", (attempt,), After("w1", "sent")))
    assert [] == claim(timed, "w1", NOW, "sent")

    timed.record(scenes.report(attempt, Status.SENT))
    assert [] == claim(timed, "w1", NOW, "sent")
    timed.record(scenes.report(attempt, Status.UNDELIVERED))

    assert ["id"] == [one.id for one in claim(timed, "w1", NOW, "sent")]


def test_failure_wakes_once(timed: Ledger) -> None:
    """A second copy that failed for now is tried again when its worker says, not at once."""
    put(timed)
    attempt = closed(begun(timed, "w1", NOW))
    timed.write_many([], end("id", (attempt,), After("w1", "sent")))
    timed.record(scenes.report(attempt, Status.FAILED))
    claim(timed, "w2", NOW, "sent")
    second = closed(attempted(timed, "w2", NOW), Outcome.NOT_SENT)

    timed.write_many([], end("id", (second,), After("w2", "sent", NOW + MINUTE, tries=2)))
    timed.record(scenes.report(attempt, Status.FAILED))

    assert [] == claim(timed, "w3", NOW, "sent")
    assert NOW + MINUTE == outboxes.row(timed)["next_at"]


def test_expired_lease_of_what_is_sent(timed: Ledger, clock: Clock) -> None:
    """Where a worker died before it tried another account, the question comes up again."""
    put(timed)
    attempt = closed(begun(timed, "w1", NOW))
    timed.write_many([], end("id", (attempt,), After("w1", "sent", NOW)))
    claim(timed, "w2", NOW, "sent")
    clock.pass_by(121)

    timed.outbox.reclaim()

    assert Status.QUEUED is got(timed).status
    assert [] == claim(timed, "w3", clock.now)
    assert [(attempt,)] == [one.delivery.attempts for one in claim(timed, "w3", clock.now, "sent")]


def test_found_message_is_sent(timed: Ledger, clock: Clock) -> None:
    """What is found at a provider is not to be sent any more; what is not found waits again."""
    for id_ in ("found", "absent"):
        put(timed, id_)
        attempt = begun(timed, "w1", NOW, id_)
        outboxes.end(id_, (attempt,))
    clock.pass_by(121)
    assert 2 == timed.outbox.reclaim()
    for id_, outcome, after in (
        ("found", Outcome.ACCEPTED, None),
        ("absent", Outcome.NOT_SENT, After(None, "waiting", clock.now)),
    ):
        attempts = tuple(closed(one, outcome) for one in got(timed, id_).attempts)
        timed.write_many([], end(id_, attempts, after))

    assert ["absent"] == [one.id for one in claim(timed, "w2", clock.now)]
    assert ["found"] == [one.id for one in claim(timed, "w2", clock.now, "sent")]


def test_absent_message_waits_whoever_found_that_out(timed: Ledger, clock: Clock) -> None:
    """Absence that is proved outside of a worker lets the message go on too; confirmed, it ends."""
    for id_ in ("id", "confirmed"):
        put(timed, id_)
        begun(timed, "w1", NOW, id_)
    clock.pass_by(121)
    timed.outbox.reclaim()
    timed.outbox.confirm("confirmed")

    for id_ in ("id", "confirmed"):
        absent = tuple(closed(one, Outcome.NOT_SENT) for one in got(timed, id_).attempts)
        timed.write_many([], end(id_, absent))

    assert (Status.PENDING, Status.NOT_SENT) == (
        got(timed).status,
        got(timed, "confirmed").status,
    )
    assert ["id"] == [one.id for one in timed.find(status=Status.PENDING)]
    assert ["id"] == [one.id for one in claim(timed, "w2", clock.now)]


def test_stale_worker_does_not_undo_a_cancellation(timed: Ledger, clock: Clock) -> None:
    """What was cancelled after a lease had expired stays so, whatever its worker makes of it."""
    put(timed)
    (found,) = claim(timed, "w1", NOW)
    clock.pass_by(121)
    timed.outbox.reclaim()
    timed.outbox.cancel("id")

    stale = changed(found.delivery, status=Status.NOT_SENT)
    timed.write_many([], [End(stale, after=After("w1", "over"))])

    assert Status.CANCELLED is got(timed).status


def test_nobody_else_decides(timed: Ledger) -> None:
    """Who holds no lease moves nothing: another worker, or who looked for it."""
    put(timed)
    attempt = closed(begun(timed, "w1", NOW), Outcome.NOT_SENT)

    for worker in ("w2", None):
        timed.write_many([], end("id", (attempt,), After(worker, "over")))

    assert "claimed" == outboxes.row(timed)["state"]


# Looks.


def test_looks_come_when_they_are_due(timed: Ledger, clock: Clock) -> None:
    """A provider is asked at the time that was set, by one worker at a time."""
    put(timed)
    attempt = closed(begun(timed, "w1", NOW))
    after = After("w1", "over")
    timed.write_many([], end("id", (attempt,), after, look_at=NOW + 2 * MINUTE))

    assert [] == timed.outbox.looks(until=NOW + LEASE, limit=9)
    clock.pass_by(120)
    (found,) = timed.outbox.looks(until=clock.now + LEASE, limit=9)
    assert ((attempt,), scenes.message()) == (found.delivery.attempts, found.message)
    assert [] == timed.outbox.looks(until=clock.now + LEASE, limit=9)

    timed.outbox.look_later("id", clock.now)
    assert ["id"] == [one.id for one in timed.outbox.looks(until=clock.now, limit=9)]
    timed.outbox.look_later("id", None)
    timed.outbox.look_later("id", clock.now)
    assert [] == timed.outbox.looks(until=clock.now + LEASE, limit=9)


def test_plain_send_is_looked_for_too(timed: Ledger) -> None:
    """A message that was never in the outbox is asked about too."""
    said = scenes.message(valid_for=600)
    attempt = closed(attempted(timed, None, NOW))
    timed.ended(scenes.ended("id", said, attempt))
    timed.write_many([], end("id", (attempt,), look_at=NOW))

    (found,) = timed.outbox.looks(until=NOW + LEASE, limit=9)

    assert ("id", False, (attempt,)) == (found.id, found.sent, found.delivery.attempts)


@pytest.mark.parametrize("status", [Status.DELIVERED, Status.FAILED, Status.UNREPORTED])
def test_final_report_ends_the_looks(timed: Ledger, status: Status) -> None:
    """A message of which everything is known is not asked about any more."""
    put(timed)
    attempt = closed(begun(timed, "w1", NOW))
    timed.write_many([], end("id", (attempt,), After("w1", "over"), look_at=NOW))

    timed.record(scenes.report(attempt, status))

    assert [] == timed.outbox.looks(until=NOW + LEASE, limit=9)


# Cancelling and confirming.


@pytest.mark.parametrize("name", ["id", "k"])
def test_cancelled_message_is_never_sent(timed: Ledger, name: str) -> None:
    """What still waits is cancelled, by its id or its key; once more changes nothing."""
    put(timed, "id", scenes.message(key="k"))

    for _ in range(2):
        told = timed.outbox.cancel(name)
        assert told is not None
        assert Status.CANCELLED is told.status

    assert ([], 0) == (claim(timed, "w1", NOW), timed.outbox.waiting())
    assert ["id"] == [one.id for one in timed.find(status=Status.CANCELLED)]


def test_cancel_comes_too_late(timed: Ledger) -> None:
    """What a worker has is not cancelled, and neither is what is sent."""
    put(timed)
    attempt = begun(timed, "w1", NOW)
    first = timed.outbox.cancel("id")
    timed.write_many([], end("id", (closed(attempt),), After("w1", "over")))
    second = timed.outbox.cancel("id")

    assert [Status.PENDING, Status.QUEUED] == [one and one.status for one in (first, second)]


def test_cancelled_between_two_tries(timed: Ledger) -> None:
    """A message that was not sent and waits for its next try can be cancelled too."""
    put(timed)
    attempt = closed(begun(timed, "w1", NOW), Outcome.NOT_SENT)
    timed.write_many([], end("id", (attempt,), After("w1", "waiting", NOW, tries=1)))

    told = timed.outbox.cancel("id")

    assert told is not None
    assert (Status.CANCELLED, (attempt,)) == (told.status, told.attempts)


def test_nobody_knows_it(timed: Ledger) -> None:
    """What is not there is neither cancelled nor confirmed, and tenants do not see each other's."""
    put(timed, "id", scenes.message(key="k", tenant="a"))

    for name, tenant in (("unknown", None), ("k", None), ("k", "b"), ("id", "b")):
        assert (None, None) == (
            timed.outbox.cancel(name, tenant),
            timed.outbox.confirm(name, tenant),
        )
    told = timed.outbox.cancel("k", "a")
    assert told is not None
    assert Status.CANCELLED is told.status


def test_confirmed_message_is_not_tried_elsewhere(timed: Ledger) -> None:
    """Once it is confirmed no other account tries, whatever is reported."""
    put(timed)
    attempt = closed(begun(timed, "w1", NOW))
    timed.write_many([], end("id", (attempt,), After("w1", "sent", NOW)))

    timed.outbox.confirm("id")
    timed.record(scenes.report(attempt, Status.UNDELIVERED))

    assert [] == claim(timed, "w2", NOW, "sent")


def test_confirmed_message_is_not_begun(timed: Ledger) -> None:
    """A worker that has it already begins nothing more."""
    put(timed)
    (found,) = claim(timed, "w1", NOW)
    assert not found.confirmed

    timed.outbox.confirm("id")
    with pytest.raises(TakenOver):
        attempted(timed, "w1", NOW)

    timed.outbox.release(["id"], "w1", "waiting")
    assert [True] == [one.confirmed for one in claim(timed, "w1", NOW)]


# Texts.


@pytest.mark.parametrize("ending", ["sent", "cancelled", "confirmed"])
def test_text_that_is_not_kept(timed: Ledger, ending: str) -> None:
    """A text that is not to be kept is there until the message is over, and gone then."""
    said = scenes.message("Code 4711", media=("https://example.com/a.png",))
    put(timed, "id", said, store_text=False)
    assert "Code 4711" == outboxes.row(timed)["text"]

    if ending == "sent":
        attempt = closed(begun(timed, "w1", NOW))
        assert "Code 4711" == outboxes.row(timed)["text"]
        timed.write_many([], end("id", (attempt,), After("w1", "over")))
    else:
        getattr(timed.outbox, ending.removesuffix("led").removesuffix("ed"))("id")

    after = outboxes.row(timed)
    assert ("over", None, None, None) == (
        after["state"],
        after["text"],
        after["media"],
        after["raw"],
    )
    assert None is timed.message("id")


def test_text_that_is_not_kept_is_there_for_the_next_try(timed: Ledger) -> None:
    """While it may be sent again, a text that is not to be kept is still there."""
    said = scenes.message("Code 4711")
    put(timed, "id", said, store_text=False)
    attempt = closed(begun(timed, "w1", NOW), Outcome.NOT_SENT)
    timed.write_many([], end("id", (attempt,), After("w1", "waiting", NOW)))

    assert [said] == [one.message for one in claim(timed, "w2", NOW)]


@pytest.mark.parametrize("state", ["waiting", "claimed", "unclear", "sent"])
def test_purge_leaves_what_is_in_the_outbox(timed: Ledger, clock: Clock, state: str) -> None:
    """Neither text nor line of what is still to be sent is forgotten, however old."""
    put(timed)
    if state != "waiting":
        attempt = begun(timed, "w1", NOW)
    if state == "unclear":
        clock.pass_by(121)
        timed.outbox.reclaim()
    if state == "sent":
        timed.write_many([], end("id", (closed(attempt),), After("w1", "sent", NOW)))
    assert state == outboxes.row(timed)["state"]

    later = clock.now + timedelta(days=400)
    timed.purge(texts_older_than=later)

    assert scenes.message() == timed.message("id")
    timed.purge(rows_older_than=later)
    assert None is not timed.get("id")


def test_purge_forgets_what_is_over(timed: Ledger) -> None:
    """What is over is forgotten as any other message."""
    put(timed)
    timed.outbox.cancel("id")

    timed.purge(texts_older_than=NOW + MINUTE)
    assert None is timed.message("id")
    timed.purge(rows_older_than=NOW + MINUTE)

    assert None is timed.get("id")


# Workers.


def test_workers_are_seen(timed: Ledger, clock: Clock) -> None:
    """It is told when a worker was last at it; one that has stopped counts no more."""
    timed.outbox.seen("w1")
    clock.pass_by(5)
    for _ in range(2):
        timed.outbox.seen("w2")

    assert NOW + timedelta(seconds=5) == timed.outbox.last_seen()
    timed.outbox.gone("w2")
    assert NOW == timed.outbox.last_seen()
    timed.outbox.gone("w1")
    assert None is timed.outbox.last_seen()


def test_enqueue_is_all_or_nothing(timed: Ledger) -> None:
    """A message that cannot be written leaves no key behind."""
    said = scenes.message(key="k")
    broken = outboxes.order("id", said, via=object())

    with pytest.raises((LedgerError, AttributeError)):
        timed.outbox.put(broken, timed.fingerprint(said))

    assert "other" == put(timed, "other", said)


def test_line_of_a_plain_send_needs_no_lease(timed: Ledger) -> None:
    """A message that is not in the outbox is its sender's."""
    timed.write_many([Line("id", scenes.message(), scenes.opened())])

    assert Status.PENDING is got(timed).status
