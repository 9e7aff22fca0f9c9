"""The way of one message through a route, as a generator of steps."""

from __future__ import annotations

from collections.abc import Collection, Generator

from polysms.config import Account
from polysms.delivery import Delivery, Evidence, Outcome
from polysms.errors import LedgerError, LookupFailed, Refused, Unsupported
from polysms.message import Message
from polysms.providers.base import Response
from polysms.routing import rails as guard
from polysms.routing.breaker import Entry
from polysms.routing.finding import Sought, accepted_after_all, found
from polysms.routing.health import Signal
from polysms.routing.plan import Plan
from polysms.routing.preparing import Ready
from polysms.routing.run import Run, closed
from polysms.routing.senders import check_named
from polysms.routing.steps import Admit, Answer, Call, Failure, Step, Wait, World, Write
from polysms.routing.turns import Turn, give, next_turn, why
from polysms.routing.verdict import Verdict, judge
from polysms.segments import segments
from polysms.values import changed

#: Seconds before the first look for an unclear attempt; twice as many before each further one.
FIRST_LOOK = 0.5
#: Waits for a rate before an account is given up: a clock that stands must not hold us for ever.
MOST_WAITS = 1_000


def deliver(  # noqa: PLR0913 - each by name
    message: Message,
    plan: Plan,
    world: World,
    *,
    id_: str | None = None,
    passed_over: Collection[str] = (),
    earlier: str | None = None,
) -> Generator[Step, Answer, Delivery]:
    """Yield the steps that send a message; return its Delivery or raise the error of the send.

    ``id_`` is the id of a message that has one already. Accounts that are ``passed_over`` are not
    asked: a copy of the message is theirs. ``earlier`` is the account that had the message first
    when it was tried before.
    """
    check_named(message, plan.senders)
    run = Run(
        guard.redirected(message, plan.rails),
        plan,
        world,
        id_,
        passed_over=passed_over,
        earlier=earlier,
    )
    while (turn := next_turn(run)) is not None:
        verdict = yield from _asked(run, turn)
        if verdict is None:
            continue
        if verdict.outcome is Outcome.ACCEPTED:
            if run.left:
                run.leave_out(f"{run.attempts[-1].account} took the message")
            return run.delivery()
        if run.stops_after(verdict):
            run.leave_out(_why_stopped(run, verdict))
            break
    raise run.error()


def _why_stopped(run: Run, verdict: Verdict) -> str:
    if verdict.interrupted:
        return "somebody stopped us"
    if verdict.outcome is not Outcome.MAYBE_SENT:
        return f"no other account would take it either ({verdict.reason})"
    if verdict.evidence is Evidence.ACCEPTED_WITHOUT_ID:
        return f"{run.attempts[-1].account} has said yes, if not to what"
    if run.plan.route.on_maybe_sent == "next":
        return "two copies may have been sent already"
    return f'{run.attempts[-1].account} may have sent it, and on_maybe_sent is "stop"'


def _asked(run: Run, turn: Turn) -> Generator[Step, Answer, Verdict | None]:
    """Yield the steps of one turn; return what came of it, None where nobody was asked."""
    if turn.again:
        yield Wait(turn.wait)
    ready = yield from _admitted(run, turn)
    entry = None if ready is None else run.enter(ready, why(run, turn), forced=turn.forced)
    if ready is None or entry is None:
        return None
    verdict = yield from _attempted(run, ready, entry)
    if verdict.outcome is Outcome.MAYBE_SENT and not verdict.interrupted:
        verdict = yield from _looked_for(run, ready, verdict)
    return verdict


def _admitted(run: Run, turn: Turn) -> Generator[Step, Answer, Ready | None]:
    """Return the attempt, prepared, once the account's rates allow it; None for not at all."""
    ready, waited, wait = run.prepare(turn.account), False, 0.0
    if ready is None:
        return None
    give(run, turn, ready)
    for _ in range(MOST_WAITS):
        wait = yield from _wait_for(run, ready)
        if not wait:
            # What was prepared before a wait knows too much time.
            return run.prepare(turn.account) if waited else ready
        if not _waits(run, turn.account, wait):
            break
        yield Wait(wait)
        waited = True
    run.skip(turn.account, run.limited(turn.account, wait))
    return None


def _waits(run: Run, account: Account, wait: float) -> bool:
    if run.plan.health.seconds_paused(account.name, run.world.clock()):
        return run.waits_for_provider(account, wait)
    return run.waits_for_rate(account, wait)


def _wait_for(run: Run, ready: Ready) -> Generator[Step, Answer, float]:
    account = ready.account
    if pause := run.plan.health.seconds_paused(account.name, run.world.clock()):
        return pause
    if not account.limited:
        return 0.0
    message = ready.message
    count = 1 if message.media else segments(message.text).count
    wait = yield Admit(account, message.from_, count)
    if not isinstance(wait, float):
        raise TypeError(f"an Admit is answered by seconds, not {wait!r}")
    return wait


def _attempted(run: Run, ready: Ready, entry: Entry) -> Generator[Step, Answer, Verdict]:
    """Yield the steps of one attempt and return what came of it."""
    plan, account = run.plan, ready.account
    begins = Write(run.id, run.message, ready.attempt, None if run.attempts else run.assignment)
    if plan.written:
        trouble = yield begins
        if isinstance(trouble, (LedgerError, Refused)):
            plan.health.told(account.name, entry, Signal.NOTHING, run.world.clock(), 0.0)
            raise run.unwritten(ready, trouble)
    facts = (run.patience(ready), ready.attempt.expires_at, begins)
    answer = yield Call(account, ready.request, ready.seconds, *facts)
    if not isinstance(answer, (Response, Failure)):
        raise TypeError(f"a Call is answered by a Response or a Failure, not {answer!r}")
    verdict = judge(account.adapter, answer)
    attempt = closed(ready, verdict, run.world)
    _tell(run, ready, verdict, entry)
    run.ended(attempt, verdict, account)
    if plan.written:
        yield Write(run.id, run.message, attempt)
    return verdict


def _tell(run: Run, ready: Ready, verdict: Verdict, entry: Entry) -> None:
    """Tell the account's health what an attempt says of it."""
    health, name, now = run.plan.health, ready.account.name, run.world.clock()
    if verdict.outcome is Outcome.ACCEPTED:
        health.accepted(name, entry, ready.attempt.from_, now)
        return
    health.told(name, entry, _signal(run, ready, verdict), now, run.world.random())
    if verdict.limited and verdict.retry_after:
        health.pause(name, now, verdict.retry_after)
    if verdict.reason is not None:
        health.refused(name, ready.attempt.from_, verdict.reason, run.message, now)


def _signal(run: Run, ready: Ready, verdict: Verdict) -> Signal:
    # A rate limit, an understood "no" and our own trouble say nothing of the provider's health.
    if verdict.limited or verdict.reason or verdict.ours or verdict.interrupted:
        return Signal.NOTHING
    understood = verdict.status_code is not None and verdict.status_code < 500
    if understood and verdict.evidence is Evidence.UNCLEAR_ANSWER:
        return Signal.NOTHING
    return Signal.NOTHING if run.was_cut_short(ready) else Signal.BAD


def _looked_for(run: Run, ready: Ready, verdict: Verdict) -> Generator[Step, Answer, Verdict]:
    """Look for proof that an unclear attempt was accepted, as long as the route allows.

    Only acceptance is proved so early: that a list does not show it yet proves nothing.
    """
    within = run.plan.route.resolve_within
    if within is None or ready.attempt.lookup == "none":
        return verdict
    until = run.world.clock() + min(within, run.seconds_left())
    wait = FIRST_LOOK
    while (left := until - run.world.clock()) > wait:
        yield Wait(wait)
        if (yield from _look(run, ready, left - wait)):
            return changed(verdict, outcome=Outcome.ACCEPTED, evidence=Evidence.FOUND)
        wait *= 2
    return verdict


def _look(run: Run, ready: Ready, seconds: float) -> Generator[Step, Answer, bool]:
    message = run.message
    sought = Sought(to=message.to, text=message.text, kind=message.kind)
    attempt = run.attempts[-1]
    try:
        records = yield from found(ready.account, attempt, sought, run.plan.memory, seconds)
    except (LookupFailed, Unsupported):
        return False
    if not records:
        return False
    closing = accepted_after_all(attempt, records)
    run.found(closing, records[0])
    if run.plan.written:
        yield Write(run.id, run.message, closing)
    return True
