"""What a worker does with a message of the outbox, as tasks for a client to obey.

Never raises what concerns one message alone: that is written down with the message.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import attrs

from polysms.client import asking
from polysms.client.keeping import Consult, Save, Task, Told, kept
from polysms.client.log import log
from polysms.client.plans import Plans
from polysms.config import Account, Config, Route
from polysms.delivery import Delivery, DeliveryReport, Status
from polysms.errors import ConfigError, LedgerError, LookupFailed, PolysmsError, Unsupported
from polysms.message import Message
from polysms.routing import lookup, schedule
from polysms.routing.deliver import deliver
from polysms.routing.hours import opens_at
from polysms.routing.plan import GRACE, Plan
from polysms.routing.schedule import Move, State
from polysms.routing.steps import World

if TYPE_CHECKING:
    from polysms.ledger import After, Claim

#: Seconds that a lease outlasts the longest send: nothing of it can be under way by then.
SPARE = GRACE + 30.0
#: Seconds before a message is tried again whose route or account is not in the configuration.
ASTRAY = 60.0
_UNREPORTED = "nothing was reported until its validity and a day were over"


class Duties:
    """What a worker does: it sends, and looks for what became of what was sent."""

    def __init__(self, config: Config, plans: Plans, world: World) -> None:
        self._config = config
        self._plans = plans
        self._world = world

    def now(self) -> datetime:
        """Return the time, by the clock that the ledger goes by too."""
        return self._world.now()

    @property
    def lease(self) -> timedelta:
        """How long a message belongs to the worker that has claimed it."""
        routes = self._config.routes.values()
        longest = max((route.deadline for route in routes), default=60.0)
        return timedelta(seconds=max(60.0, longest) + SPARE)

    # Sending.

    def send(self, claim: Claim, worker: str) -> Generator[Task, Told, None]:
        """Send a claimed message, if it is to be; let the outbox know what comes next."""
        try:
            plan = self._plan(claim)
            move = self._instead(claim, plan)
            if move is not None or plan is None or claim.message is None:
                yield from self._moved(claim, worker, move or Move(State.OVER))
            else:
                yield from self._sent(claim, claim.message, plan, worker)
        except ConfigError as error:
            log.error("message id=%s cannot be sent as it is: %s", claim.id, error)
            later = self._world.now() + timedelta(seconds=ASTRAY)
            yield from self._moved(claim, worker, Move(_state_of(claim), later), claim.tries + 1)
        except PolysmsError as error:
            # What it came to stands in the ledger; with a ledger that fails, the lease expires.
            if isinstance(error, LedgerError):
                log.warning("message id=%s: %s", claim.id, error)

    def _plan(self, claim: Claim) -> Plan | None:
        return None if claim.message is None else self._plans.of(claim.message, via=claim.via)

    def _instead(self, claim: Claim, plan: Plan | None) -> Move | None:
        """Return what becomes of a message that is not to be sent now."""
        message, now = claim.message, self._world.now()
        if message is None or plan is None:
            return Move(State.OVER)
        accounts = plan.candidates(message)
        move = self._unwanted(claim, plan.route, accounts)
        if move is not None or plan.route.hours is None:
            return move
        opens = opens_at(message, plan.route.hours, now)
        return None if opens is None else Move(_state_of(claim), opens)

    def _unwanted(self, claim: Claim, route: Route, accounts: Sequence[Account]) -> Move | None:
        """Return what becomes of a message that nobody is to send (any more, or yet)."""
        now = self._world.now()
        if claim.sent:
            return schedule.wants_another(
                claim.delivery,
                route,
                accounts,
                confirmed=claim.confirmed,
                valid_until=claim.valid_until,
                now=now,
            )
        copies = {copy.account for copy in schedule.copies_of(claim.delivery.attempts)}
        left = any(account.name not in copies for account in accounts)
        over = claim.confirmed or now >= claim.valid_until or not left
        return Move(State.OVER) if over else None

    def _sent(
        self, claim: Claim, message: Message, plan: Plan, worker: str
    ) -> Generator[Task, Told, None]:
        message = self._as_of_now(message, claim.valid_until)
        after = partial(self._after, claim, plan, worker)
        keeper = attrs.evolve(self._plans.keeper(plan, claim.via), worker=worker, after=after)
        passed_over = {copy.account for copy in schedule.copies_of(claim.delivery.attempts)}
        first = next((one.account for one in claim.delivery.attempts), None)
        steps = deliver(
            message, plan, self._world, id_=claim.id, passed_over=passed_over, earlier=first
        )
        yield from kept(steps, message, keeper, self._world)

    def _as_of_now(self, message: Message, valid_until: datetime) -> Message:
        """Return a message that is valid for what is left of its time."""
        if message.valid_for is None:
            return message
        left = (valid_until - self._world.now()).total_seconds()
        return attrs.evolve(message, valid_for=max(1, int(left)))

    def _after(
        self,
        claim: Claim,
        plan: Plan,
        worker: str,
        delivery: Delivery,
        error: PolysmsError | None,
    ) -> After:
        before = schedule.copies_of(claim.delivery.attempts)
        move = schedule.after_send(
            error,
            plan.route,
            tries=claim.tries,
            copies=(*before, *schedule.copies_of(delivery.attempts)),
            valid_until=claim.valid_until,
            now=self._world.now(),
            chance=self._world.random(),
        )
        return _after(worker, move, claim.tries + 1)

    def _moved(
        self, claim: Claim, worker: str, move: Move, tries: int | None = None
    ) -> Generator[Task, Told, None]:
        """Let a message go on that nothing was sent of now."""
        from polysms.ledger import End  # noqa: PLC0415 - an extra

        delivery = claim.delivery
        if move.state is State.OVER and delivery.status is Status.PENDING:
            why = _why_over(claim)
            delivery = attrs.evolve(delivery, status=Status.NOT_SENT, error_text=why)
        yield Save(ends=(End(delivery, after=_after(worker, move, tries)),))

    # Looking for what became of it.

    def look(self, claim: Claim) -> Generator[Task, Told, None]:
        """Ask a provider what became of a message, and note when to ask again."""
        try:
            if claim.delivery.status is Status.MAYBE_SENT:
                yield from self._resolved(claim)
            elif claim.delivery.status.final:
                # It has ended: what it came to is asked for, once.
                yield from self._noted((yield from self._fetched(claim.delivery)), None, None)
            else:
                yield from self._polled(claim)
        except (ConfigError, LookupFailed, Unsupported) as error:
            log.info("message id=%s could not be looked up: %s", claim.id, error)
            yield from self._later(claim)

    def _resolved(self, claim: Claim) -> Generator[Task, Told, None]:
        plans, world = self._plans, self._world
        steps = asking.resolving(claim.delivery, self._config, plans, world, None, likely=False)
        found = yield from steps
        if found.status is Status.MAYBE_SENT:
            yield from self._still_unclear(claim, found)
        elif found.status is Status.NOT_SENT:
            move = self._anew(claim)
            yield from self._noted(found, None, move)
        else:
            yield from self._noted(found, self._next_look(claim), None)

    def _anew(self, claim: Claim) -> Move:
        """What becomes of a message of which it is proved that nobody has it."""
        now = self._world.now()
        wanted = now < claim.valid_until and not claim.confirmed and claim.message is not None
        return Move(State.WAITING, now) if wanted else Move(State.OVER)

    def _still_unclear(self, claim: Claim, found: Delivery) -> Generator[Task, Told, None]:
        now, until = self._world.now(), self._gives_up(claim)
        resolve_for = timedelta(seconds=self._config.sweep.resolve_for)
        if now > until:
            yield from self._noted(found, None, Move(State.OVER))
            yield Consult(lambda ledger: ledger.outbox.look_later(claim.id, None))
        elif now - _since(claim) > resolve_for and self._may_copy(claim):
            yield from self._noted(found, self._next_look(claim), self._anew(claim))
        else:
            yield from self._noted(found, self._next_look(claim), None)

    def _may_copy(self, claim: Claim) -> bool:
        plan = self._plan(claim)
        return plan is not None and schedule.may_copy(claim.delivery.attempts, plan.route)

    def _polled(self, claim: Claim) -> Generator[Task, Told, None]:
        delivery, now = claim.delivery, self._world.now()
        account = self._config.account(delivery.account or "")
        if account.local or self._is_settled(delivery):
            yield Consult(lambda ledger: ledger.outbox.look_later(claim.id, None))
        elif now > self._gives_up(claim):
            yield Consult(lambda ledger: ledger.record(_unreported(delivery, now)))
        else:
            yield from self._noted(
                (yield from self._fetched(delivery)), self._next_look(claim), None
            )

    def _fetched(self, delivery: Delivery) -> Generator[Task, Told, Delivery]:
        target, identity, known = asking.target_of(self._config, delivery, None, None)
        return (yield from lookup.fetch(target, identity, known, asking.LOOKUP_SECONDS))

    def _is_settled(self, delivery: Delivery) -> bool:
        """Whether nothing better than SENT is ever reported of a message."""
        account = self._config.accounts.get(delivery.account or "")
        return delivery.status is Status.SENT and not schedule.reports(account, delivery.kind)

    def _gives_up(self, claim: Claim) -> datetime:
        return claim.valid_until + timedelta(seconds=self._config.sweep.past_validity)

    def _next_look(self, claim: Claim) -> datetime:
        unclear = claim.delivery.status is Status.MAYBE_SENT
        now = self._world.now()
        return schedule.next_look(_since(claim), now, self._config.sweep, unclear=unclear)

    def _later(self, claim: Claim) -> Generator[Task, Told, None]:
        at = self._next_look(claim)
        if claim.delivery.status.final:
            yield Consult(lambda ledger: ledger.outbox.look_later(claim.id, None))
        elif self._world.now() <= self._gives_up(claim):
            yield Consult(lambda ledger: ledger.outbox.look_later(claim.id, at))
        elif claim.delivery.status is Status.MAYBE_SENT:
            yield from self._noted(claim.delivery, None, Move(State.OVER))
            yield Consult(lambda ledger: ledger.outbox.look_later(claim.id, None))
        else:
            event = _unreported(claim.delivery, self._world.now())
            yield Consult(lambda ledger: ledger.record(event))

    @staticmethod
    def _noted(
        found: Delivery, look_at: datetime | None, move: Move | None
    ) -> Generator[Task, Told, None]:
        from polysms.ledger import End  # noqa: PLC0415 - an extra

        after = None if move is None else _after(None, move, None)
        yield Save(ends=(End(found, look_at=look_at, after=after),))


def _after(worker: str | None, move: Move, tries: int | None) -> After:
    from polysms.ledger import After  # noqa: PLC0415 - an extra

    return After(worker, move.state.value, move.at, tries)


def _state_of(claim: Claim) -> State:
    return State.SENT if claim.sent else State.WAITING


def _why_over(claim: Claim) -> str:
    if claim.message is None:
        return "its text was not kept until it could be sent"
    return "its validity ended before a provider could take it"


def _since(claim: Claim) -> datetime:
    """Return when the last of a message's attempts began."""
    begun = [attempt.started_at for attempt in claim.delivery.attempts]
    return max(begun, default=claim.valid_until)


def _unreported(delivery: Delivery, now: datetime) -> DeliveryReport:
    return DeliveryReport(
        event_id=f"unreported:{delivery.reference}",
        account=delivery.account or "",
        provider=delivery.provider or "",
        received_at=now,
        provider_id=delivery.provider_id or "",
        reference=delivery.reference,
        status=Status.UNREPORTED,
        raw_status=_UNREPORTED,
        at=now,
        raw={},
    )
