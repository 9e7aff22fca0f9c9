"""Whatever happens to the outbox, and in whatever order, it does as its model does.

Workers claim, send, freeze, crash and come back late; providers answer, lose answers and report;
somebody looks messages up, cancels and confirms. After each step the ledger and a model of it
(:mod:`tests.ledger.outbox_model`) agree, and no message has more copies than were asked for.
"""

from __future__ import annotations

import itertools
import os
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, select

from polysms.delivery import Attempt, Delivery, Outcome, Status
from polysms.errors import KeyConflict, LedgerError
from polysms.ledger import After, Claim, End, Ledger, Line
from polysms.ledger.tables import attempts, events, keys, messages
from polysms.values import changed
from tests.ledger import outboxes, scenes
from tests.ledger.outbox_model import ACCEPTED, MAYBE, NOT_SENT, SAID, Said, Try

pytestmark = pytest.mark.unmeasured

WORKERS = ("w1", "w2", "w3")
LONG = bool(os.environ.get("POLYSMS_CAMPAIGNS"))
HOUR = timedelta(hours=1)
_numbers = itertools.count()


@attrs.define(eq=False)
class Task:
    """What a worker does with a message that it has claimed, in its own memory."""

    worker: str
    said: Said
    claim: Claim
    mine: list[Attempt] = attrs.field(factory=list)
    unwritten: list[Attempt] = attrs.field(factory=list)

    @property
    def open(self) -> Attempt | None:
        """The attempt that is under way."""
        last = self.mine[-1] if self.mine else None
        return last if last is not None and last.outcome is None else None

    @property
    def copies(self) -> int:
        """How many attempts a provider has, or may have, as far as this worker knows."""
        known = (*self.claim.delivery.attempts, *self.mine)
        return sum(one.outcome is not NOT_SENT for one in known)

    @property
    def may_begin(self) -> bool:
        """Whether another attempt is in order: none is under way, and no copy is too many."""
        if self.open is not None or any(one.outcome is ACCEPTED for one in self.mine):
            return False
        asked = self.claim.sent or self.said.by_next
        return self.copies < (self.said.copies if asked else 1)


class Outbox(RuleBasedStateMachine):
    """Everything that may happen to an outbox."""

    def __init__(self, ledger: Ledger, clock: outboxes.Clock) -> None:
        super().__init__()
        self.ledger = ledger
        self.clock = clock
        clock.now = scenes.NOW
        self.said: dict[str, Said] = {}
        self.keys: dict[str, str] = {}
        self.tasks: list[Task] = []
        self.seen: list[tuple[Said, Delivery]] = []
        self.parked: list[tuple[Try, Status]] = []
        ledger._write(_empty)  # noqa: SLF001 - as quick as nothing else

    @property
    def now(self) -> datetime:
        """The time."""
        return self.clock.now

    # What is asked for.

    @rule(
        key=st.sampled_from([None, "a", "b"]),
        copies=st.sampled_from([1, 1, 2]),
        by_next=st.booleans(),
        keeps_text=st.booleans(),
        later=st.sampled_from([0, 0, 60]),
    )
    def enqueue(
        self, key: str | None, copies: int, later: int, *, by_next: bool, keeps_text: bool
    ) -> None:
        """Enqueue a message: a new one, or one whose key is known perhaps."""
        id_, at = f"id{next(_numbers)}", self.now + timedelta(seconds=later)
        owner = self.said.get(self.keys.get(key or "", ""))
        taken = owner is not None and owner.stands(self.now) is not Status.NOT_SENT
        expected = owner.id if taken and owner is not None else id_
        text = scenes.message(key=key)
        facts = {"at": at, "valid_until": self.now + HOUR, "store_text": keeps_text}
        assert expected == outboxes.put(self.ledger, id_, text, **facts)
        if taken:
            return
        self.said[id_] = Said(id_, key, copies, by_next, keeps_text, self.now, at)
        if key is not None:
            self.keys[key] = id_

    @rule(key=st.sampled_from(["a", "b"]))
    def enqueue_another(self, key: str) -> None:
        """Enqueue another message under a key that is taken."""
        if key in self.keys:
            with pytest.raises(KeyConflict):
                outboxes.put(self.ledger, "other", scenes.message("Another", key=key))

    @precondition(lambda self: self.said)
    @rule(pick=st.integers(0, 99))
    def cancel(self, pick: int) -> None:
        """Cancel a message."""
        said = _picked(list(self.said.values()), pick)
        if said.state == "waiting":
            said.go("over", None)
            said.cancelled = True
            said.settle(self.now)
        told = self.ledger.outbox.cancel(said.id)
        assert told is not None
        assert said.stands(self.now) is told.status

    @precondition(lambda self: self.said)
    @rule(pick=st.integers(0, 99))
    def confirm(self, pick: int) -> None:
        """Confirm a message."""
        said = _picked(list(self.said.values()), pick)
        if not said.confirmed:
            said.confirmed = True
            if said.state in {"waiting", "sent"}:
                said.go("over", None)
            said.settle(self.now)
        self.ledger.outbox.confirm(said.id)

    # What workers do.

    @rule(worker=st.sampled_from(WORKERS), state=st.sampled_from(["waiting", "waiting", "sent"]))
    def claim(self, worker: str, state: str) -> None:
        """Claim what is due."""
        due = [
            one
            for one in self.said.values()
            if one.state == state and one.next_at is not None and one.next_at <= self.now
        ]
        found = outboxes.claim(self.ledger, worker, self.now, state)
        assert sorted(one.id for one in due) == sorted(one.id for one in found)
        for one in found:
            said = self.said[one.id]
            assert (said.has_text, said.confirmed) == (one.message is not None, one.confirmed)
            said.state, said.worker, said.until = "claimed", worker, self.now + outboxes.LEASE
            self.tasks.append(Task(worker, said, one))

    @precondition(lambda self: self.tasks)
    @rule(pick=st.integers(0, 99))
    def begin(self, pick: int) -> None:
        """Begin an attempt, if the worker thinks that it may, and is let."""
        task = _picked(self.tasks, pick)
        if not task.may_begin:
            return
        said, usual = task.said, {"expires_at": self.now + timedelta(seconds=90)}
        attempt = scenes.opened(f"ref{next(_numbers)}", started_at=self.now, **usual)
        lines = [self._line(task, one) for one in (*task.unwritten, attempt)]
        if not said.may_begin(task.worker, self.now):
            with pytest.raises(LedgerError):
                self.ledger.write_many(lines)
            return
        # The law, as far as it can be seen before anything is sent.
        assert said.under_way(self.now) < said.copies
        self.ledger.write_many(lines)
        self._learn(said, task.unwritten)
        said.tries.append(Try(attempt.reference, self.now + timedelta(seconds=90)))
        task.mine.append(attempt)
        task.unwritten.clear()
        said.settle(self.now, held=True)

    @precondition(lambda self: any(task.open for task in self.tasks))
    @rule(pick=st.integers(0, 99), arrives=st.booleans())
    def send(self, pick: int, *, arrives: bool) -> None:
        """Give an open attempt to its provider, if that is not too late."""
        task = _picked([one for one in self.tasks if one.open], pick)
        try_ = self._try(task)
        if self.now > try_.expires_at:
            self._close(task, NOT_SENT)
        elif not try_.sent:
            try_.sent, try_.reached = True, arrives

    @precondition(lambda self: any(task.open for task in self.tasks))
    @rule(pick=st.integers(0, 99), lost=st.booleans())
    def answer(self, pick: int, *, lost: bool) -> None:
        """Let an open attempt end: accepted, refused or never sent, or with its answer lost."""
        task = _picked([one for one in self.tasks if one.open], pick)
        try_ = self._try(task)
        truth = ACCEPTED if try_.reached else NOT_SENT
        self._close(task, MAYBE if lost and try_.sent else truth)

    @precondition(lambda self: any(not task.open for task in self.tasks))
    @rule(pick=st.integers(0, 99), gives_up=st.booleans())
    def end(self, pick: int, *, gives_up: bool) -> None:
        """Write down how a task ended, and what comes next."""
        task = _picked([one for one in self.tasks if not one.open], pick)
        said, after = task.said, self._after(task, gives_up=gives_up)
        self.tasks.remove(task)
        if task.mine:
            delivery = scenes.ended(said.id, scenes.message(), *task.mine)
        else:
            delivery = task.claim.delivery
            if delivery.status is Status.PENDING and after.state == "over":
                delivery = changed(delivery, status=Status.NOT_SENT)
        look_at = {
            Status.MAYBE_SENT: self.now + timedelta(seconds=30),
            Status.QUEUED: self.now + timedelta(seconds=120),
        }.get(delivery.status if task.mine else Status.PENDING)
        self.ledger.write_many([], [End(delivery, look_at=look_at, after=after)])
        self._learn(said, task.mine)
        said.look_at = look_at or said.look_at
        held = said.worker == task.worker
        said.decide(task.worker, after.state, after.next_at, after.tries or 0)
        said.settle(self.now, held=held)
        self._match()

    def _after(self, task: Task, *, gives_up: bool) -> After:
        later, tries = self.now + timedelta(seconds=30), task.claim.tries + 1
        again = "sent" if task.claim.sent else "waiting"
        if any(one.outcome is ACCEPTED for one in task.mine):
            more = not gives_up and task.copies < task.said.copies and not task.said.by_next
            return After(task.worker, "sent" if more else "over", later if more else None, tries)
        if any(one.outcome is MAYBE for one in task.mine) and not task.claim.sent:
            return After(task.worker, "unclear", None, tries)
        return After(task.worker, "over" if gives_up else again, later, tries)

    @precondition(lambda self: any(not task.mine for task in self.tasks))
    @rule(pick=st.integers(0, 99))
    def release(self, pick: int) -> None:
        """Give a message back with which nothing was begun."""
        task = _picked([one for one in self.tasks if not one.mine], pick)
        state = "sent" if task.claim.sent else "waiting"
        self.tasks.remove(task)
        self.ledger.outbox.release([task.said.id], task.worker, state)
        if task.said.state == "claimed" and task.said.worker == task.worker:
            at = task.said.next_at
            task.said.go(state, at)

    @rule(worker=st.sampled_from(WORKERS))
    def crash(self, worker: str) -> None:
        """Let a worker die, with all that it has in mind."""
        for task in self.tasks:
            if task.worker == worker and task.open:
                self._try(task).closed = True
        self.tasks = [one for one in self.tasks if one.worker != worker]

    # What goes on by itself.

    @rule(seconds=st.sampled_from([1, 30, 95, 125, 1000]))
    def wait(self, seconds: int) -> None:
        """Let time go by: attempts and leases expire, frozen workers know nothing of it."""
        self.clock.pass_by(seconds)

    @rule()
    def sweep(self) -> None:
        """Take back the leases that have expired."""
        lost = [
            one
            for one in self.said.values()
            if one.state == "claimed" and one.until is not None and one.until < self.now
        ]
        assert len(lost) == self.ledger.outbox.reclaim()
        assert 0 == self.ledger.lapse()
        for one in lost:
            one.reclaim(self.now)

    @precondition(lambda self: any(one.reached for one in self._tries()))
    @rule(pick=st.integers(0, 99), status=st.sampled_from(SAID), named=st.booleans())
    def report(self, pick: int, status: Status, *, named: bool) -> None:
        """Let a provider report, early or late, once more or for the first time."""
        try_ = _picked([one for one in self._tries() if one.reached], pick)
        reference = try_.reference if named else None
        attempt = scenes.opened(try_.reference, provider_id=f"their-{try_.reference}")
        event = scenes.report(
            attempt,
            status,
            reference=reference,
            event_id=f"{try_.reference}:{status}:{named}",
            received_at=self.now,
        )
        self.ledger.record(event)
        if named or try_.named:
            try_.hear(status)
            self._of(try_).settle(self.now)
        else:
            self.parked.append((try_, status))

    # What is looked up.

    @precondition(lambda self: self.said)
    @rule(pick=st.integers(0, 99))
    def see(self, pick: int) -> None:
        """Read a delivery, to look it up by and by."""
        said = _picked(list(self.said.values()), pick)
        self.seen.append((said, outboxes.got(self.ledger, said.id)))

    @rule()
    def look(self) -> None:
        """Take what is due to be looked up."""
        due = {
            one.id
            for one in self.said.values()
            if one.look_at is not None and one.look_at <= self.now
        }
        until = self.now + outboxes.LEASE
        found = self.ledger.outbox.looks(until=until, limit=100)
        assert due == {one.id for one in found}
        for one in found:
            self.said[one.id].look_at = until
            self.seen.append((self.said[one.id], one.delivery))

    @precondition(lambda self: self.seen)
    @rule(pick=st.integers(0, 99), by_worker=st.booleans())
    def resolve(self, pick: int, *, by_worker: bool) -> None:
        """Find out the truth of what was unclear when it was seen."""
        said, seen = self.seen.pop(pick % len(self.seen))
        found = [self._found(said, one) for one in seen.attempts]
        if found == list(seen.attempts):
            return
        delivery = scenes.ended(said.id, scenes.message(), *found)
        absent = all(one.outcome is NOT_SENT for one in found)
        state = "over" if said.confirmed else "waiting"
        after = After(None, state, self.now) if absent and by_worker else None
        self.ledger.write_many([], [End(delivery, after=after)])
        self._learn(said, found)
        if after is not None:
            said.decide(None, after.state, after.next_at, said.tried)
        said.settle(self.now)
        self._match()

    def _found(self, said: Said, attempt: Attempt) -> Attempt:
        """Return an attempt as a look finds it; no look tells of one that may be under way."""
        try_ = next(one for one in said.tries if one.reference == attempt.reference)
        if attempt.outcome not in {None, MAYBE} or self.now <= try_.expires_at:
            return attempt
        return _closed(attempt, ACCEPTED if try_.reached else NOT_SENT, self.now)

    @precondition(lambda self: self.seen)
    @rule(pick=st.integers(0, 99))
    def look_in_vain(self, pick: int) -> None:
        """Find nothing out; where a second copy is asked for then, it may be sent."""
        said, seen = self.seen.pop(pick % len(self.seen))
        copies = sum(one.outcome is not NOT_SENT for one in seen.attempts)
        if seen.status is Status.MAYBE_SENT and said.by_next and copies < said.copies:
            after = After(None, "waiting", self.now)
            self.ledger.write_many([], [End(seen, after=after)])
            said.decide(None, "waiting", self.now, said.tried)
            said.settle(self.now)

    @precondition(lambda self: self.seen)
    @rule(pick=st.integers(0, 99), status=st.sampled_from(SAID))
    def poll(self, pick: int, status: Status) -> None:
        """Ask a provider what became of what it has accepted."""
        said, seen = self.seen.pop(pick % len(self.seen))
        taken = [one for one in seen.attempts if one.outcome is ACCEPTED]
        if not taken or seen.status in {*SAID[1:]}:
            return
        facts = {"reference": taken[-1].reference, "status": status}
        self.ledger.ended(changed(seen, **facts))
        try_ = next(one for one in said.tries if one.reference == taken[-1].reference)
        try_.hear(status)
        said.settle(self.now)

    @rule()
    def purge(self) -> None:
        """Forget the texts of what is over."""
        self.ledger.purge(texts_older_than=self.now)
        for one in self.said.values():
            if one.state == "over" and one.created_at < self.now:
                one.has_text = False

    # What is to be true.

    @invariant()
    def agrees(self) -> None:
        """The ledger says of every message what the model says."""
        rows = self.ledger._read(  # noqa: SLF001 - all at once
            lambda one: {row["id"]: row for row in one.execute(select(messages)).mappings()}
        )
        found = {str(one.id): one for one in self.ledger.find(limit=1000)}
        assert set(self.said) == set(rows)
        for id_, said in self.said.items():
            expected = (
                said.state,
                said.worker,
                said.until,
                said.next_at,
                said.look_at,
                said.last,
                said.has_text,
                said.confirmed,
            )
            row = rows[id_]
            assert expected == (
                row["state"],
                row["claimed_by"],
                row["claimed_until"],
                row["next_at"],
                row["look_at"],
                row["status"],
                row["text"] is not None,
                row["confirmed_at"] is not None,
            )
            assert said.stands(self.now) is found[id_].status
            assert [(one.reference, one.known) for one in said.tries] == [
                (one.reference, one.outcome) for one in found[id_].attempts
            ]

    @invariant()
    def no_more_copies_than_were_asked_for(self) -> None:
        """The law, by what has really happened."""
        for said in self.said.values():
            assert sum(one.reached for one in said.tries) <= said.copies

    # Helpers.

    def _tries(self) -> list[Try]:
        return [one for said in self.said.values() for one in said.tries]

    def _of(self, try_: Try) -> Said:
        return next(one for one in self.said.values() if try_ in one.tries)

    def _try(self, task: Task) -> Try:
        reference = task.mine[-1].reference
        return next(one for one in task.said.tries if one.reference == reference)

    def _close(self, task: Task, outcome: Outcome) -> None:
        task.mine[-1] = _closed(task.mine[-1], outcome, self.now)
        task.unwritten.append(task.mine[-1])
        self._try(task).closed = True

    @staticmethod
    def _line(task: Task, attempt: Attempt) -> Line:
        return Line(task.said.id, scenes.message(), attempt, worker=task.worker)

    @staticmethod
    def _learn(said: Said, attempts_: list[Attempt]) -> None:
        for attempt in attempts_:
            for one in said.tries:
                if one.reference == attempt.reference:
                    one.learn(attempt.outcome)

    def _match(self) -> None:
        """Let reports that came before their provider's id find their attempts."""
        for try_, status in [one for one in self.parked if one[0].named]:
            self.parked.remove((try_, status))
            try_.hear(status)
            self._of(try_).settle(self.now)


def _closed(attempt: Attempt, outcome: Outcome, now: datetime) -> Attempt:
    named = {"provider_id": f"their-{attempt.reference}"} if outcome is ACCEPTED else {}
    return scenes.closed(attempt, outcome, ended_at=now, **named)


def _picked(from_: list[Any], pick: int) -> Any:
    return from_[pick % len(from_)]


def _empty(connection: Any) -> None:
    for table in (events, attempts, keys, messages):
        connection.execute(delete(table))


@pytest.mark.timeout(3_600 if LONG else 300)
def test_outbox_does_as_its_model_does(url: str) -> None:
    """No sequence of events makes the ledger differ from its model, or breaks the law."""
    clock = outboxes.Clock()
    with Ledger(url, clock=clock) as ledger:

        class Machine(Outbox):
            def __init__(self) -> None:
                super().__init__(ledger, clock)

        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=5_000 if LONG else 100,
                stateful_step_count=50 if LONG else 20,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
