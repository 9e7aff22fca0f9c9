"""What the outbox is to do, said once more and otherwise: with no database, and no code of ours.

A message here knows what really happened too: which attempts have reached a provider.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs

from polysms.delivery import Outcome, Status

ACCEPTED, NOT_SENT, MAYBE = Outcome.ACCEPTED, Outcome.NOT_SENT, Outcome.MAYBE_SENT
#: What a report may say, the better known last; the first of these is no end.
SAID = (Status.SENT, Status.FAILED, Status.UNDELIVERED, Status.DELIVERED, Status.READ)
ARRIVED = (Status.READ, Status.DELIVERED)
FAILED = (Status.UNDELIVERED, Status.FAILED)
#: Said while nobody is known to have it.
NOWHERE = (Status.PENDING, Status.CANCELLED, Status.NOT_SENT, Status.MAYBE_SENT)
_WORTH = {None: 0, MAYBE: 1, NOT_SENT: 2, ACCEPTED: 3}
_TICK = timedelta(microseconds=1)


@attrs.define(eq=False)
class Try:
    """One attempt: what the ledger was told of it, and what is true of it."""

    reference: str
    expires_at: datetime
    known: Outcome | None = None
    said: Status | None = None
    #: Whether its provider's id stands in the ledger.
    named: bool = False
    #: What is true: given to the provider, there, and never to be given any more.
    sent: bool = False
    reached: bool = False
    closed: bool = False

    def learn(self, outcome: Outcome | None) -> None:
        """Hear how it ended; what is known better stays."""
        if _WORTH[outcome] >= _WORTH[self.known]:
            self.known = outcome
            self.named = outcome is ACCEPTED

    def hear(self, status: Status) -> None:
        """Hear a report, in whatever order they come."""
        if self.said is None or SAID.index(status) > SAID.index(self.said):
            self.said = status

    def stands(self, now: datetime) -> Status:
        """Return the status of this copy."""
        if self.said is not None:
            return self.said
        if self.known is ACCEPTED:
            return Status.QUEUED
        if self.known is NOT_SENT:
            return Status.NOT_SENT
        lost = self.known is MAYBE or self.expires_at < now
        return Status.MAYBE_SENT if lost else Status.PENDING

    def may_arrive(self, now: datetime) -> bool:
        """Whether it is at a provider, or may still be given to one."""
        return self.reached or not (self.sent or self.closed or now > self.expires_at)


@attrs.define(eq=False)
class Said:
    """A message of the outbox."""

    id: str
    key: str | None
    #: Copies that are asked for at most, and whether by "next" (else by a report).
    copies: int
    by_next: bool
    keeps_text: bool
    created_at: datetime
    next_at: datetime | None
    state: str = "waiting"
    worker: str | None = None
    until: datetime | None = None
    look_at: datetime | None = None
    confirmed: bool = False
    cancelled: bool = False
    has_text: bool = True
    tried: int = 0
    tries: list[Try] = attrs.field(factory=list)
    #: Its status when it was last written of.
    last: Status = Status.PENDING

    def stands(self, now: datetime) -> Status:
        """Return its status: the best news first, then what may still come, then what failed."""
        said = {one.stands(now) for one in self.tries}
        hopes = (Status.SENT, Status.QUEUED, Status.MAYBE_SENT, Status.PENDING)
        for status in (*ARRIVED, *hopes, *FAILED):
            if status in said:
                return status
        if self.cancelled:
            return Status.CANCELLED
        return Status.PENDING if self.state in {"waiting", "claimed"} else Status.NOT_SENT

    def may_begin(self, worker: str, now: datetime) -> bool:
        """Whether this worker may begin an attempt."""
        leased = self.state == "claimed" and self.worker == worker
        return leased and self.until is not None and self.until >= now and not self.confirmed

    def go(self, state: str, at: datetime | None) -> None:
        """Go to a state, held by nobody."""
        self.state, self.next_at, self.worker, self.until = state, at, None, None
        if state == "over" and not self.keeps_text:
            self.has_text = False

    def settle(self, now: datetime, *, held: bool = False) -> None:
        """Let what has just been learnt have its way; ``held``: by the worker that has it."""
        status, others = self.stands(now), not held
        somewhere = status not in NOWHERE
        if self.state in {"waiting", "unclear"} and somewhere:
            self.go("sent", now)
        if self.state == "claimed" and others and somewhere and self.last in NOWHERE:
            self.go("sent", now)
        if self.state in {"sent", "claimed"} and status in ARRIVED:
            if self.state == "sent" or others:
                self.go("over", None)
        elif self.state == "sent" and status in FAILED:
            if self.next_at is None or (status is not self.last and others):
                self.next_at = now if self.next_at is None else min(now, self.next_at)
        elif self.state == "unclear" and status is Status.NOT_SENT:
            self.go("over" if self.confirmed else "waiting", None if self.confirmed else now)
        self.last = self.stands(now)
        ended = self.last in {*ARRIVED, *FAILED}
        surely = self.last in NOWHERE and self.last is not Status.MAYBE_SENT
        if ended or (surely and self.state != "unclear"):
            self.look_at = None

    def reclaim(self, now: datetime) -> None:
        """Take its lease back."""
        if all(one.known is NOT_SENT for one in self.tries):
            self.go("waiting", now)
        else:
            still = [one.expires_at + _TICK for one in self.tries if one.known is None]
            self.go("unclear", now)
            self.look_at = max([now, *still])
        self.settle(now)

    def decide(self, worker: str | None, state: str, at: datetime | None, tried: int) -> None:
        """Let who holds it say what comes next, or, of what is unclear, who looked for it."""
        held = self.state == "claimed" and self.worker == worker
        if held or (self.state == "unclear" and worker is None):
            self.go(state, at)
            self.tried = tried

    def under_way(self, now: datetime) -> int:
        """Return how many copies there are, or may come to be."""
        return sum(one.may_arrive(now) for one in self.tries)
