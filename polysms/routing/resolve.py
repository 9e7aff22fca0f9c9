"""Finding out what became of a message that may have been sent. Nothing here ever sends one.

Proof of acceptance is a record that carries the attempt's reference. Proof of absence takes more,
because lists lag and a request may still be under way: two looks in vain, each so long after the
attempt ended that nothing of it can be under way, and each with a *watermark*: the same list
already shows an attempt of ours that was accepted later. A list that is searched by likeness
proves no absence, nor does one of a provider that had answered with a 2xx.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import datetime, timedelta

import attrs

from polysms.config import Account
from polysms.delivery import Attempt, Delivery, Evidence, Outcome, Status
from polysms.errors import LookupFailed, PolysmsError, Unsupported
from polysms.providers.base import Record
from polysms.routing.finding import Sought, accepted_after_all, found, shown
from polysms.routing.plan import GRACE, Memory
from polysms.routing.results import delivery_of
from polysms.routing.steps import Answer, Step, Wait, World
from polysms.values import changed

#: Seconds after an attempt's end before a look in vain counts, and between two that count: this,
#: or the account's read timeout and a little more.
HORIZON = 30.0
LOOKS = 2
#: Seconds before the second look of one call, twice as many before each further one, at most.
FIRST_WAIT = 1.0
LONGEST_WAIT = 30.0


def resolve(  # noqa: PLR0913 - each by name
    delivery: Delivery,
    accounts: Mapping[str, Account],
    memory: Memory,
    world: World,
    *,
    within: float,
    seconds: float,
    likely: bool = False,
) -> Generator[Step, Answer, Delivery]:
    """Yield the steps that look for a delivery's unclear attempts; return what is known then.

    It goes on looking ``within`` seconds, each look taking ``seconds`` at most; ``likely`` is as
    in :func:`~polysms.routing.finding.found`. The status becomes
    the provider's where it has the message, NOT_SENT where it is proved that nobody does, and else
    stays MAYBE_SENT. Raises :class:`~polysms.errors.LookupFailed` where the last look got no
    answer.
    """
    until, wait = world.clock() + within, FIRST_WAIT
    _learn(delivery, memory)
    while True:
        delivery, failure = yield from _looked(
            delivery, accounts, memory, world, seconds, likely=likely
        )
        if not _open(delivery, world.now()):
            return delivery
        if world.clock() + wait > until:
            break
        yield Wait(wait)
        wait = min(2 * wait, LONGEST_WAIT)
    if failure is not None:
        failure.delivery = delivery
        raise failure
    return delivery


def _learn(delivery: Delivery, memory: Memory) -> None:
    """Remember what was accepted: it is nobody else's, and it shows how far a list has come."""
    for attempt in delivery.attempts:
        if attempt.outcome is Outcome.ACCEPTED and delivery.to is not None:
            memory.ended(attempt, delivery.to)


def _looked(  # noqa: PLR0913 - each by name
    delivery: Delivery,
    accounts: Mapping[str, Account],
    memory: Memory,
    world: World,
    seconds: float,
    *,
    likely: bool,
) -> Generator[Step, Answer, tuple[Delivery, PolysmsError | None]]:
    """Look once for each unclear attempt; return the delivery and what went wrong, if anything."""
    failure: PolysmsError | None = None
    for attempt in _open(delivery, world.now()):
        account = accounts[attempt.account]
        look = _Look(account, attempt, delivery, memory, world, seconds, likely)
        try:
            seen, record = yield from look.steps()
        except LookupFailed as error:
            failure = error
            continue
        except Unsupported as error:
            # Not being able to look says nothing of what was sent.
            failure = LookupFailed(str(error), account=attempt.account, retry_later=False)
            continue
        delivery = _with(delivery, attempt, seen, record)
    return delivery, failure


def _open(delivery: Delivery, now: datetime) -> list[Attempt]:
    """Return the attempts of which nobody knows, those that were never closed among them."""
    return [one for one in delivery.attempts if _is_open(one, now)]


def _is_open(attempt: Attempt, now: datetime) -> bool:
    if attempt.outcome is None:
        return attempt.expires_at is None or attempt.expires_at < now
    return attempt.outcome is Outcome.MAYBE_SENT and attempt.lookup != "none"


@attrs.frozen
class _Look:
    account: Account
    attempt: Attempt
    delivery: Delivery
    memory: Memory
    world: World
    seconds: float
    likely: bool

    def steps(self) -> Generator[Step, Answer, tuple[Attempt, Record | None]]:
        """Look once; return the attempt as it is known then, and its record if there is one."""
        # The watermark first: what the list shows later than it, it would show by now.
        caught_up = yield from self._is_caught_up()
        sought = Sought(to=self.delivery.to, text=self.delivery.text, kind=self.delivery.kind)
        records = yield from found(
            self.account,
            self.attempt,
            sought,
            self.memory,
            self.seconds,
            likely=self.likely,
        )
        if records:
            settled = accepted_after_all(self.attempt, records)
        else:
            settled = self._in_vain(caught_up=caught_up)
        if settled.outcome is not Outcome.MAYBE_SENT and settled.outcome is not None:
            self.memory.ended(settled, self.delivery.to or "")
        return settled, records[0] if records else None

    def _is_caught_up(self) -> Generator[Step, Answer, bool]:
        mark = self.memory.watermark(self.attempt.account, after=self._ended())
        if self.attempt.lookup != "exact" or mark is None:
            return False
        return (yield from shown(self.account, mark.reference, mark.to, mark.at, self.seconds))

    def _in_vain(self, *, caught_up: bool) -> Attempt:
        attempt, now = self.attempt, self.world.now()
        if not caught_up or attempt.evidence is Evidence.ACCEPTED_WITHOUT_ID:
            return attempt
        last = attempt.looks[-1] if attempt.looks else self._ended()
        if now < last + self._horizon():
            return attempt
        looks = (*attempt.looks, now)
        if len(looks) < LOOKS:
            return changed(attempt, looks=looks)
        return changed(attempt, looks=looks, outcome=Outcome.NOT_SENT, evidence=Evidence.ABSENT)

    def _ended(self) -> datetime:
        # After this nothing of the attempt is under way any more.
        return self.attempt.expires_at or self.attempt.started_at + timedelta(seconds=GRACE)

    def _horizon(self) -> timedelta:
        return timedelta(seconds=max(HORIZON, self.account.timeouts.read + 10))


def _with(delivery: Delivery, before: Attempt, after: Attempt, record: Record | None) -> Delivery:
    attempts = tuple(after if one is before else one for one in delivery.attempts)
    delivery = attrs.evolve(delivery, attempts=attempts)
    if record is not None:
        owner = {name: getattr(after, name) for name in _OF_AN_ATTEMPT}
        known = attrs.evolve(delivery, **owner)
        return delivery_of(attrs.evolve(record, reference=None), known)
    outcomes = {one.outcome for one in attempts}
    if outcomes == {Outcome.NOT_SENT} and delivery.status is Status.MAYBE_SENT:
        return attrs.evolve(delivery, status=Status.NOT_SENT, retry_later=True)
    return delivery


_OF_AN_ATTEMPT = ("account", "provider", "provider_id", "reference", "from_")
