"""A send that is written down: each attempt before its first byte, and how it ended.

What has ended goes down together with what comes next, so that a message costs two commits.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from polysms.client.log import log
from polysms.delivery import Attempt, Delivery, Outcome, Status
from polysms.errors import Fault, LedgerError, LookupFailed, MaybeSent, NotSent, PolysmsError
from polysms.message import Message
from polysms.routing.deliver import deliver
from polysms.routing.hours import opens_at
from polysms.routing.plan import GRACE, Memory, Plan, Watermark
from polysms.routing.steps import Answer, Step, World, Write

if TYPE_CHECKING:
    from polysms.client.learning import Learning
    from polysms.ledger import After, End, KeyState, Ledger, Line

R = TypeVar("R")


@attrs.frozen(slots=False)
class Save:
    """Write these lines and ends into the ledger, in one commit."""

    lines: tuple[Line, ...] = ()
    ends: tuple[End, ...] = ()


@attrs.frozen(slots=False)
class Consult:
    """Ask the ledger something; answered with what ``question`` returns, or its error raised."""

    question: Callable[[Ledger], Any]


#: What a client obeys: the router's steps, and those about the ledger.
Task = Step | Save | Consult
#: How :func:`sending` is answered: as the router, and a Consult with what it returned.
Told = Any


@attrs.frozen(kw_only=True)
class Keeper:
    """How the sends of a plan are written down.

    ``first_look`` (seconds) is when the provider is asked what became of a message, ``optouts``
    what the route says of numbers that have opted out, ``learning`` what its choices go by. A
    worker's ``after`` says what the outbox does once a send has ended.
    """

    via: str | None
    store_text: bool = True
    first_look: float = 120.0
    optouts: str = "all"
    worker: str | None = None
    after: Callable[[Delivery, PolysmsError | None], After | None] | None = None
    learning: Learning | None = attrs.field(default=None, repr=False)

    def line(self, step: Write) -> Line:
        """Return what is written of an attempt."""
        from polysms.ledger import Line  # noqa: PLC0415 - an extra

        facts = (self.store_text, self.via, self.worker, self.optouts, step.assignment)
        return Line(step.id, step.message, step.attempt, *facts)

    def end(
        self, delivery: Delivery, message: Message, error: PolysmsError | None, now: datetime
    ) -> End:
        """Return what is written of a send that has ended."""
        from polysms.ledger import End  # noqa: PLC0415 - an extra

        after = None if self.after is None else self.after(delivery, error)
        look_at = self._look_at(delivery, now)
        facts = (self.store_text, self.via, look_at, after, self.optouts)
        return End(delivery, message, *facts)

    def _look_at(self, delivery: Delivery, now: datetime) -> datetime | None:
        if delivery.status is Status.MAYBE_SENT:
            return now + timedelta(seconds=GRACE)
        taken = any(attempt.outcome is Outcome.ACCEPTED for attempt in delivery.attempts)
        return now + timedelta(seconds=self.first_look) if taken else None


def sending(
    message: Message, plan: Plan, world: World, keeper: Keeper, resolving: Resolving
) -> Generator[Task, Told, Delivery]:
    """Yield the steps of a send that is written down; a key is sent once.

    ``resolving`` gives the steps that look for a delivery that may have been sent.
    """
    _check_hours(message, plan, world)
    if message.key is None:
        return (yield from kept(deliver(message, plan, world), message, keeper, world))
    state = yield from _begun(message, plan, world)
    if state.delivery is not None and state.delivery.status is Status.MAYBE_SENT:
        found = yield from _looked_for(state.delivery, resolving)
        yield Consult(lambda ledger: ledger.ended(found))
        # Proved absent, it is tried anew; else this tells where it stands by now.
        state = yield from _begun(message, plan, world)
    if state.delivery is None:
        steps = deliver(message, plan, world, id_=state.id)
        return (yield from kept(steps, message, keeper, world))
    if state.delivery.status is Status.MAYBE_SENT:
        sentence = "a message with this key may have been sent already; it is not sent again"
        raise MaybeSent(sentence, delivery=state.delivery)
    return state.delivery


def _check_hours(message: Message, plan: Plan, world: World) -> None:
    """Refuse to send now what a route allows at other hours only."""
    if plan.route.hours is None:
        return
    opens = opens_at(message, plan.route.hours, world.now())
    if opens is not None:
        sentence = (
            f"it is not within the route's hours ({plan.route.hours}) where this message goes, "
            f"before {opens:%d %B, %H:%M} UTC; enqueue() it, and it waits until then"
        )
        raise NotSent(sentence, retry_later=True, fault=Fault.US)


Resolving = Callable[[Delivery], Generator[Step, Answer, Delivery]]


def _begun(message: Message, plan: Plan, world: World) -> Generator[Task, Told, KeyState]:
    now, key = world.now(), message.key or ""
    # Who has not begun its first attempt by then is not running any more.
    until = now + timedelta(seconds=plan.route.deadline + GRACE)
    id_ = world.new_id()

    def begin(ledger: Ledger) -> KeyState:
        fingerprint = ledger.fingerprint(message)
        return ledger.begin_key(key, message.tenant, fingerprint, id_, now, until)

    state: KeyState = yield Consult(begin)
    return state


def _looked_for(delivery: Delivery, resolving: Resolving) -> Generator[Task, Told, Delivery]:
    try:
        return (yield from resolving(delivery))
    except LookupFailed:
        return delivery


def kept(
    steps: Generator[Step, Answer, Delivery], message: Message, keeper: Keeper, world: World
) -> Generator[Task, Told, Delivery]:
    """Yield the steps of a send, and write down its attempts and its end."""
    if keeper.learning is not None:
        yield from keeper.learning.refreshed(world)
    held: tuple[Line, ...] = ()
    answer: Answer = None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration as stop:
            ended: Delivery = stop.value
            yield from _saved(Save(ends=(keeper.end(ended, message, None, world.now()),)))
            return ended
        except PolysmsError as error:
            yield from _ended_badly(error, message, keeper, world)
            raise
        if isinstance(step, Write) and step.attempt.outcome is not None:
            held, answer = (*held, keeper.line(step)), None
        elif isinstance(step, Write):
            answer, held = (yield Save((*held, keeper.line(step)))), ()
        else:
            if held:
                yield from _saved(Save(held))
                held = ()
            answer = yield step


def _ended_badly(
    error: PolysmsError, message: Message, keeper: Keeper, world: World
) -> Generator[Task, Told, None]:
    # A ledger that has failed already is not asked again: what is open in it stays maybe sent.
    if error.delivery is not None and not isinstance(error, LedgerError):
        yield from _saved(Save(ends=(keeper.end(error.delivery, message, error, world.now()),)))


def _saved(save: Save) -> Generator[Task, Told, None]:
    """Write down what has happened: that it cannot be written changes nothing about it."""
    trouble = yield save
    if isinstance(trouble, LedgerError):
        ids = [line.id for line in save.lines] + [str(end.delivery.id) for end in save.ends]
        log.error("not written down, so it stays open in the ledger: id=%s: %s", ids, trouble)


class Recollection(Memory):
    """What a client remembers, and what the ledger knows of all clients' attempts."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self._ledger = ledger

    def owns(self, account: str, provider_id: str | None) -> bool:
        """Whether a provider's id belongs to an attempt that is accounted for."""
        return super().owns(account, provider_id) or self._ledger.owns(account, provider_id)

    def knows(self, attempt: Attempt) -> bool:
        """Whether an unclear attempt is one of ours, so that it is known what else there was."""
        return super().knows(attempt) or self._ledger.knows(attempt.reference)

    def has_rival(self, attempt: Attempt, to: str | None, seconds: float) -> bool:
        """Whether another unclear attempt at this account could have left the same record."""
        here = super().has_rival(attempt, to, seconds)
        return here or self._ledger.has_rival(attempt, to, seconds)

    def watermark(self, account: str, after: datetime) -> Watermark | None:
        """Return the latest accepted attempt of an account, if it began after a moment."""
        return super().watermark(account, after) or self._ledger.watermark(account, after)
