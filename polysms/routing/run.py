"""What has happened to one message so far."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from polysms.config import Account
from polysms.delivery import Attempt, Considered, Delivery, Evidence, Outcome, Status
from polysms.errors import Fault, LedgerError, NotSent, PolysmsError, RateLimited, Refused
from polysms.message import Message
from polysms.providers.base import Record
from polysms.routing.assigning import Assignment
from polysms.routing.breaker import Entry
from polysms.routing.drawing import Draw, spoken
from polysms.routing.plan import Plan
from polysms.routing.preparing import Ready, prepared
from polysms.routing.results import delivery_after, error_after, error_of
from polysms.routing.steps import World
from polysms.routing.verdict import Verdict
from polysms.values import changed

#: The longest wait (seconds) for a provider that says "later" before the next one is asked.
LONGEST_WAIT = 5.0
#: Copies that may exist at most where a route says ``on_maybe_sent = "next"``.
MOST_COPIES = 2


class Run:
    """What has happened to one message so far."""

    def __init__(  # noqa: PLR0913 - each by name
        self,
        message: Message,
        plan: Plan,
        world: World,
        id_: str | None = None,
        *,
        passed_over: Collection[str] = (),
        earlier: str | None = None,
    ) -> None:
        self.message = message
        self.plan = plan
        self.world = world
        self.id = id_ or world.new_id()
        self.began = world.clock()
        self.started_at = world.now()
        self.accounts = [one for one in plan.candidates(message) if one.name not in passed_over]
        self.draw = Draw(message, plan, self.id, earlier) if plan.route.is_drawn else None
        #: To which account the message is given first; None until that is known, and where it was
        #: tried before.
        self.assignment: Assignment | None = None
        if earlier is not None and not plan.route.failover:
            self.accounts = [one for one in self.accounts if one.name == earlier]
        self.left = {account.name: account for account in self.accounts}
        self.attempts: list[Attempt] = []
        self.verdicts: list[Verdict] = []
        self.considered: list[Considered] = []
        self.errors: list[PolysmsError] = []
        self.record: Record | None = None
        self.forced = False
        self.offered: set[tuple[str, int]] = set()
        self._passed: dict[str, PolysmsError] = {}

    def seconds_left(self) -> float:
        """Return the seconds until the deadline, or until the message is no longer wanted."""
        bounds: list[float] = [self.plan.route.deadline]
        if self.message.valid_for is not None:
            bounds.append(self.message.valid_for)
        return min(bounds) - (self.world.clock() - self.began)

    def waits_for_provider(self, account: Account, seconds: float) -> bool:
        """Whether an account that asks for so many seconds of patience is waited for."""
        return seconds <= LONGEST_WAIT and self.waits_for_rate(account, seconds)

    def waits_for_rate(self, account: Account, seconds: float) -> bool:
        """Whether an account whose rate is used up is waited for."""
        others = any(name != account.name for name in self.left)
        patient = self.plan.route.when_limited == "wait" or not others
        return patient and seconds < self.seconds_left()

    def patience(self, ready: Ready) -> float:
        """Return the seconds that an attempt may wait for a free slot of its account."""
        if self.plan.route.when_limited == "skip" and self.left:
            return 0.0
        return min(ready.account.timeouts.pool, ready.seconds)

    def was_cut_short(self, ready: Ready) -> bool:
        """Whether an attempt had too little time to say anything of its account."""
        usual = self.plan.route.attempt_timeout or self.plan.route.deadline
        return ready.seconds < min(usual, ready.account.timeouts.connect)

    def prepare(self, account: Account) -> Ready | None:
        """Return the attempt at an account, or None after noting why there is none."""
        left = self.seconds_left()
        valid_for = self.valid_for(account)
        try:
            ready = prepared(
                self.message, account, self.plan, self.world, left=left, valid_for=valid_for
            )
            return self._warned(ready)
        except PolysmsError as error:
            self.skip(account, error)
            if error.reason is not None and error.reason.stops:
                raise self.error() from None
        except Exception as error:
            if not self.attempts:
                raise
            # A bug, and nothing of this attempt was sent; but what was asked before must be told.
            self.skip(account, _bug(error))
        return None

    def _warned(self, ready: Ready) -> Ready:
        unsure = [one.account for one in self.attempts if one.outcome is Outcome.MAYBE_SENT]
        if not unsure:
            return ready
        copy = f"a second copy: {unsure[0]} may have sent the first"
        attempt = changed(ready.attempt, warnings=(*ready.attempt.warnings, copy))
        return changed(ready, attempt=attempt)

    def valid_for(self, account: Account) -> int | None:
        """Return how long the provider may try: what is left of ``valid_for``.

        The first of two possible copies lives shortly, where the provider has a word for it: a
        late one dies before it is the second.
        """
        bounds = []
        if self.message.valid_for is not None:
            bounds.append(self.message.valid_for - (self.world.clock() - self.began))
        copies = self._copies()
        route = self.plan.route
        more = any(name != account.name for name in self.left)
        if route.on_maybe_sent == "next" and copies == 0 and more:
            bounds.append(route.first_copy_valid_for)
        return max(1, int(min(bounds))) if bounds else None

    def enter(self, ready: Ready, why: str, *, forced: bool) -> Entry | None:
        """Return how the account is asked, None where another send was quicker to probe it."""
        name, now = ready.account.name, self.world.clock()
        self.forced = self.forced or forced
        forced = forced or len(self.accounts) == 1
        first = name in self.left
        entry = self.plan.health.enter(name, now, ready.seconds, forced=forced, first=first)
        if entry is None:
            self.pass_over(ready.account, NotSent("another probe was quicker", retry_later=True))
            return None
        self.left.pop(name, None)
        self.considered.append(Considered(account=name, chosen=True, why=why))
        return entry

    def pass_over(self, account: Account, error: PolysmsError) -> None:
        """Note why an account is not asked now; it may be later."""
        if account.name not in self._passed:
            self._note(account, str(error))
        error.account = account.name
        self._passed[account.name] = error

    def skip(self, account: Account, error: PolysmsError) -> None:
        """Note why an account cannot be asked at all."""
        self.left.pop(account.name, None)
        self._note(account, str(error))
        error.account = account.name
        # An account that was asked is spoken for by its own answer.
        if all(attempt.account != account.name for attempt in self.attempts):
            self.errors.append(error)

    def _note(self, account: Account, why: str) -> None:
        given = self.assignment
        if given is not None and given.account == account.name and not self.attempts:
            drawn = spoken(given, self.plan.route.strategy) or "the message was given to it"
            why = f"{why}; {drawn}"
        self.considered.append(Considered(account=account.name, chosen=False, why=why))

    def limited(self, account: Account, wait: float) -> RateLimited:
        """Return the error of an account that takes no more for another so many seconds."""
        paused = self.plan.health.seconds_paused(account.name, self.world.clock())
        whose = "it asked for that" if paused else "its rate is used up"
        sentence = f"{account.name} is given no more for another {wait:.1f} s: {whose}"
        fault = Fault.PROVIDER if paused else Fault.US
        return RateLimited(sentence, retry_after=wait, fault=fault)

    def ended(self, attempt: Attempt, verdict: Verdict, account: Account) -> None:
        """Note an attempt that has ended, and what it says of its account."""
        self.attempts.append(attempt)
        self.verdicts.append(verdict)
        self.plan.memory.ended(attempt, self.message.to)
        if verdict.outcome is Outcome.ACCEPTED:
            self.record = verdict.record
        else:
            self.errors.append(error_of(verdict, attempt, account))

    def found(self, attempt: Attempt, record: Record) -> None:
        """Note that the last attempt was accepted after all: a look-up found it."""
        self.attempts[-1] = attempt
        self.errors.pop()
        self.record = record
        self.plan.memory.ended(attempt, self.message.to)

    def stops_after(self, verdict: Verdict) -> bool:
        """Whether no other account may be asked after this attempt."""
        if verdict.interrupted:
            return True
        if verdict.outcome is Outcome.MAYBE_SENT:
            return not self._may_copy(verdict)
        return verdict.reason is not None and verdict.reason.stops

    def _may_copy(self, verdict: Verdict) -> bool:
        # Once a 2xx was read the message is theirs: it waits for its id, whatever the route says.
        taken = verdict.evidence is Evidence.ACCEPTED_WITHOUT_ID
        wanted = self.plan.route.on_maybe_sent == "next"
        return wanted and not taken and self._copies() < MOST_COPIES

    def _copies(self) -> int:
        return sum(attempt.outcome is Outcome.MAYBE_SENT for attempt in self.attempts)

    def keep_only(self, account: Account) -> None:
        """Ask no other account any more: the route says so."""
        del self.left[account.name]
        self.leave_out("failover = false")
        self.accounts, self.left = [account], {account.name: account}

    def leave_out(self, why: str) -> None:
        """Note why those that are left are not asked."""
        for name in self.left:
            if name not in self._passed:
                why_not = Considered(account=name, chosen=False, why=f"not asked: {why}")
                self.considered.append(why_not)

    def delivery(self) -> Delivery:
        """Return the message's delivery as far as it is known."""
        return delivery_after(
            self.message,
            id_=self.id,
            started_at=self.started_at,
            attempts=tuple(self.attempts),
            considered=tuple(self.considered),
            record=self.record,
        )

    def unwritten(self, ready: Ready, trouble: LedgerError | Refused) -> PolysmsError:
        """Return the error of a send that cannot go on, because an attempt is not to begin."""
        if isinstance(trouble, Refused):
            return self._unwanted(ready, trouble)
        text = "not begun, because it could not be written down"
        facts = {"outcome": Outcome.NOT_SENT, "evidence": Evidence.NOTHING_WRITTEN, "text": text}
        self.attempts.append(changed(ready.attempt, ended_at=self.world.now(), **facts))
        if self._copies():
            return self.error()
        trouble.delivery = changed(self.delivery(), status=Status.NOT_SENT, retry_later=True)
        return trouble

    def _unwanted(self, ready: Ready, refused: Refused) -> PolysmsError:
        # It was chosen, and is not asked after all.
        self.considered[-1] = Considered(account=ready.account.name, chosen=False, why=str(refused))
        self.errors.append(refused)
        self.leave_out(f"no other account would take it either ({refused.reason})")
        return self.error()

    def error(self) -> PolysmsError:
        """Return the error of a send that found no account to take the message."""
        never = [error for name, error in self._passed.items() if name in self.left]
        return error_after([*never, *self.errors], self.delivery(), len(self.accounts))


def _bug(error: Exception) -> PolysmsError:
    failed = NotSent(f"the request could not be made ({type(error).__name__})", fault=Fault.US)
    failed.__cause__ = error
    return failed


def facts_of(verdict: Verdict, account: Account) -> dict[str, Any]:
    """Return what a verdict says, as the fields of an attempt."""
    # Only the provider's own words may hold what must be hidden.
    text = verdict.text if verdict.record else account.hide(verdict.text)
    return {
        "outcome": verdict.outcome,
        "evidence": verdict.evidence,
        "reason": verdict.reason,
        "status_code": verdict.status_code,
        "code": verdict.code,
        "text": text,
        "retry_after": verdict.retry_after,
        "provider_id": verdict.record.provider_id if verdict.record else None,
        "price": verdict.record.price if verdict.record else None,
    }


def closed(ready: Ready, verdict: Verdict, world: World) -> Attempt:
    """Return an attempt's row as it has ended."""
    return changed(ready.attempt, ended_at=world.now(), **facts_of(verdict, ready.account))
