"""The way of one message through a route, as a generator of steps."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from datetime import timedelta
from typing import Any

import attrs

from polysms.config import Account, Rails, Route
from polysms.delivery import Attempt, Considered, Delivery, Evidence, Outcome
from polysms.errors import Fault, NotSent, PolysmsError, Reason, Unsupported
from polysms.message import Message
from polysms.providers.base import Provider, Request, Response
from polysms.providers.limits import advisory
from polysms.routing import rails as guard
from polysms.routing.results import delivery_after, error_after, error_of
from polysms.routing.senders import Logical, check_named, senders_for
from polysms.routing.steps import Answer, Call, Failure, Step, Wait, World, Write
from polysms.routing.strategies import STRATEGIES
from polysms.routing.verdict import Verdict, judge
from polysms.values import changed

#: The longest wait (seconds) for a provider that says "later" before the next one is asked.
LONGEST_WAIT = 5.0
#: Copies that may exist at most where a route says ``on_maybe_sent = "next"``.
MOST_COPIES = 2
#: An open attempt is called maybe sent this long (seconds) after its deadline.
GRACE = 30.0


@attrs.frozen(kw_only=True)
class Plan:
    """What one send needs to know: the route with its accounts, logical senders and rails.

    ``written`` says that every attempt is to be written down, before its first byte and after.
    """

    route: Route
    accounts: Sequence[Account]
    senders: Logical = attrs.field(factory=dict)
    rails: Rails = Rails()
    written: bool = False


@attrs.frozen(slots=False)
class _Ready:
    """One account's attempt, prepared: everything that can be wrong beforehand is right."""

    account: Account
    request: Request
    attempt: Attempt
    seconds: float


def deliver(message: Message, plan: Plan, world: World) -> Generator[Step, Answer, Delivery]:
    """Yield the steps that send a message; return its Delivery or raise the error of the send."""
    check_named(message, plan.senders)
    run = _Run(guard.redirected(message, plan.rails), plan, world)
    for account in run.remaining():
        ready = run.prepare(account)
        if ready is None:
            continue
        verdict = yield from run.attempt(ready)
        wait = run.wait_before_again(verdict)
        if wait is not None:
            yield Wait(wait)
            again = run.prepare(account)
            verdict = verdict if again is None else (yield from run.attempt(again))
        if verdict.outcome is Outcome.ACCEPTED:
            return run.delivery()
        if run.stops_after(verdict):
            break
    raise run.error()


class _Run:
    """What has happened to one message so far."""

    def __init__(self, message: Message, plan: Plan, world: World) -> None:
        self.message = message
        self.plan = plan
        self.world = world
        self.id = world.new_id()
        self.began = world.clock()
        self.started_at = world.now()
        self.attempts: list[Attempt] = []
        self.considered: list[Considered] = []
        self.errors: list[PolysmsError] = []
        self.verdict: Verdict | None = None

    def remaining(self) -> Iterator[Account]:
        """Yield the accounts still to be asked, ordered anew before each one."""
        left = {account.name: account for account in self.plan.accounts}
        strategy = STRATEGIES[self.plan.route.strategy]
        while left:
            yield left.pop(strategy(self.message, list(left))[0])

    def seconds_left(self) -> float:
        """Return the seconds until the deadline, or until the message is no longer wanted."""
        bounds: list[float] = [self.plan.route.deadline]
        if self.message.valid_for is not None:
            bounds.append(self.message.valid_for)
        return min(bounds) - (self.world.clock() - self.began)

    def prepare(self, account: Account) -> _Ready | None:
        """Return the attempt at an account, or None after noting why there is none."""
        try:
            ready = self._ready(account)
        except PolysmsError as error:
            self._skip(account, error)
            if error.reason is not None and error.reason.stops:
                raise self.error() from None
            return None
        except Exception as error:
            if not self.attempts:
                raise
            # A bug, and nothing of this attempt was sent; but what was asked before must be told.
            self._skip(account, _bug(error))
            return None
        self.considered.append(Considered(account=account.name, chosen=True, why=self._why()))
        return ready

    def _why(self) -> str:
        return "asked again" if self.attempts else f"first by {self.plan.route.strategy}"

    def _ready(self, account: Account) -> _Ready:
        left = self.seconds_left()
        if left <= 0:
            raise NotSent("no time was left", retry_later=True)
        adapter = account.adapter
        guard.check(self.message, account, self.plan.rails)
        guard.check_group(self.message, account, self.plan.accounts)
        senders = senders_for(self.message, account, self.plan.senders)
        unsupported = advisory(self.message, adapter.capabilities)
        if unsupported and self.plan.route.strict:
            names = " and ".join(unsupported)
            raise Unsupported(f"{adapter.capabilities.title} has no word for {names}")
        reference = self.world.new_id()
        message, request = self._said(adapter, senders, reference)
        seconds = min(left, self.plan.route.attempt_timeout or left)
        warnings = getattr(adapter, "warnings", None)
        now = self.world.now()
        expires_at = now + timedelta(seconds=seconds + GRACE)
        attempt = Attempt(
            account=account.name,
            provider=account.provider_name,
            reference=reference,
            started_at=now,
            expires_at=expires_at,
            from_=message.from_,
            unsupported=unsupported,
            warnings=warnings(message) if warnings else (),
        )
        return _Ready(account, request, attempt, seconds)

    def _said(
        self, adapter: Provider, senders: Sequence[str], reference: str
    ) -> tuple[Message, Request]:
        """Return the message and its request with the first sender that can say it."""
        *others, last = senders
        for sender in others:
            message = changed(self.message, from_=sender, valid_for=self._validity())
            try:
                return message, adapter.request(message, reference)
            except Unsupported as error:
                if error.reason is not Reason.SENDER:
                    raise
        message = changed(self.message, from_=last, valid_for=self._validity())
        return message, adapter.request(message, reference)

    def _validity(self) -> int | None:
        """Return what is left of ``valid_for``: a later attempt must not outlive the first."""
        if self.message.valid_for is None:
            return None
        return max(1, int(self.message.valid_for - (self.world.clock() - self.began)))

    def _skip(self, account: Account, error: PolysmsError) -> None:
        self.considered.append(Considered(account=account.name, chosen=False, why=str(error)))
        error.account = account.name
        # An account that was asked is spoken for by its own answer.
        if all(attempt.account != account.name for attempt in self.attempts):
            self.errors.append(error)

    def attempt(self, ready: _Ready) -> Generator[Step, Answer, Verdict]:
        """Yield the steps of one attempt and return what came of it."""
        if self.plan.written:
            yield Write(self.id, self.message, ready.attempt)
        answer = yield Call(ready.account, ready.request, ready.seconds)
        if not isinstance(answer, (Response, Failure)):
            raise TypeError(f"a Call is answered by a Response or a Failure, not {answer!r}")
        verdict = judge(ready.account.adapter, answer)
        ended = changed(ready.attempt, ended_at=self.world.now(), **_facts(verdict, ready))
        self.attempts.append(ended)
        self.verdict = verdict
        if verdict.outcome is not Outcome.ACCEPTED:
            self.errors.append(error_of(verdict, ended, ready.account))
        if self.plan.written:
            yield Write(self.id, self.message, ended)
        return verdict

    def wait_before_again(self, verdict: Verdict) -> float | None:
        """Return the seconds after which the same account is asked once more, None for never.

        A busy provider names them; a connection that broke under the request (kept alive too
        long, most often) is replaced at once. Both are surely not sent.
        """
        if verdict.interrupted or verdict.ours:
            return None
        if verdict.evidence is Evidence.NOT_COMPLETE:
            return 0.0
        wait = verdict.retry_after
        if not verdict.busy or wait is None or wait > LONGEST_WAIT:
            return None
        return wait if wait < self.seconds_left() else None

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
        copies = sum(attempt.outcome is Outcome.MAYBE_SENT for attempt in self.attempts)
        wanted = self.plan.route.on_maybe_sent == "next"
        return wanted and not taken and copies < MOST_COPIES

    def delivery(self) -> Delivery:
        """Return the message's delivery as far as it is known."""
        record = self.verdict.record if self.verdict else None
        return delivery_after(
            self.message,
            id_=self.id,
            started_at=self.started_at,
            attempts=tuple(self.attempts),
            considered=tuple(self.considered),
            record=record,
        )

    def error(self) -> PolysmsError:
        """Return the error of a send that found no account to take the message."""
        return error_after(self.errors, self.delivery(), len(self.plan.accounts))


def _bug(error: Exception) -> PolysmsError:
    failed = NotSent(f"the request could not be made ({type(error).__name__})", fault=Fault.US)
    failed.__cause__ = error
    return failed


def _told(verdict: Verdict, ready: _Ready) -> str:
    # Only the provider's own words may hold what must be hidden.
    return verdict.text if verdict.record else ready.account.hide(verdict.text)


def _facts(verdict: Verdict, ready: _Ready) -> dict[str, Any]:
    return {
        "outcome": verdict.outcome,
        "evidence": verdict.evidence,
        "reason": verdict.reason,
        "status_code": verdict.status_code,
        "code": verdict.code,
        "text": _told(verdict, ready),
        "retry_after": verdict.retry_after,
        "provider_id": verdict.record.provider_id if verdict.record else None,
    }
