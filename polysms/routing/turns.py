"""Which account is asked next: considered anew before every attempt."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import attrs

from polysms.config import Account
from polysms.delivery import Attempt, Evidence, Outcome
from polysms.errors import NotSent, Unsupported
from polysms.routing.drawing import spoken
from polysms.routing.preparing import Ready, prepared, rested
from polysms.routing.run import LONGEST_WAIT, Run
from polysms.routing.senders import senders_for
from polysms.routing.strategies import STRATEGIES, Candidate, recipients_chance
from polysms.routing.verdict import Verdict
from polysms.segments import segments

#: Before an account that could not be reached is asked again: a chance of this many seconds,
#: twice as many each time (full jitter).
FIRST_WAIT = 0.5


@attrs.frozen(slots=False)
class Turn:
    """The account to ask next: ``again`` after so many seconds, ``forced`` against its health."""

    account: Account
    why: str
    again: bool = False
    wait: float = 0.0
    forced: bool = False


def next_turn(run: Run) -> Turn | None:
    """Return the account to ask next, None where there is no more."""
    return _at_once(run) or _fresh(run) or _last_resort(run) or _repeat(run)


def _at_once(run: Run) -> Turn | None:
    """The account just asked: its connection had died, or it asks for a moment's patience."""
    if not run.verdicts:
        return None
    name = run.attempts[-1].account
    account = run.plan.by_name[name]
    wait = _wait_at_once(run, account, run.verdicts[-1])
    if wait is None or why_not(run, account) is not None or not _may_repeat(run, name):
        return None
    return Turn(account, "asked again", again=True, wait=wait)


def _wait_at_once(run: Run, account: Account, verdict: Verdict) -> float | None:
    if verdict.ours:
        return None
    if verdict.evidence is Evidence.NOT_COMPLETE:
        return 0.0
    wait = verdict.retry_after
    if not verdict.busy or wait is None:
        return None
    return wait if run.waits_for_provider(account, wait) else None


def _may_repeat(run: Run, name: str) -> bool:
    """Whether an account may be asked again; one offer is made after each attempt."""
    offer = (name, len(run.attempts))
    tries = sum(attempt.account == name for attempt in run.attempts)
    if offer in run.offered or tries > run.plan.route.repeats:
        return False
    run.offered.add(offer)
    return run.plan.health.spend(name, run.world.clock())


def _fresh(run: Run) -> Turn | None:
    """The first of the strategy's order whose health allows it."""
    if len(run.accounts) == 1:
        # Whose health says what it will: there is nobody else.
        return Turn(run.accounts[0], _ONLY) if run.left else None
    for candidate in ordered(run):
        account = run.left[candidate.name]
        rests = why_not(run, account)
        if rests is None:
            return Turn(account, _why(run, candidate))
        run.pass_over(account, NotSent(rests, retry_later=True))
    return None


_ONLY = "the only account"


def _why(run: Run, candidate: Candidate) -> str:
    place = "next" if run.attempts else "first"
    why = f"{place} by {run.plan.route.strategy}"
    return f"{why}: {candidate.why}" if candidate.why else why


def give(run: Run, turn: Turn, ready: Ready) -> None:
    """Note that an account is the first that a message is given to, where that is drawn."""
    draw = run.draw
    if draw is None or draw.earlier is not None or run.assignment is not None:
        return
    others = [one for one in run.left.values() if one is not turn.account]
    able = [turn.account.name, *(one.name for one in others if _is_able(run, one))]
    run.assignment = draw.given(turn.account.name, ready.attempt.from_, able)
    if not run.plan.route.failover:
        run.keep_only(turn.account)


def _is_able(run: Run, account: Account) -> bool:
    """Whether an account could be given the message now."""
    return why_not(run, account) is None and _speaker(run, account.name) is not None


def _speaker(run: Run, name: str) -> str | None:
    """Return the sender with which an account would say the message, None where it cannot."""
    account = run.left[name]
    left, valid_for = run.seconds_left(), run.valid_for(account)
    try:
        ready = prepared(run.message, account, run.plan, run.world, left=left, valid_for=valid_for)
    except Exception:  # noqa: BLE001 - whatever it is will be told where this account is asked
        return None
    return ready.attempt.from_


def why(run: Run, turn: Turn) -> str:
    """Return why an account is asked, once it is known what was drawn."""
    given = run.assignment
    if given is None or run.attempts or given.account != turn.account.name:
        return turn.why
    strategy = run.plan.route.strategy
    drawn = spoken(given, strategy)
    return turn.why if drawn is None else f"first by {strategy}: {drawn}"


def why_not(run: Run, account: Account) -> str | None:
    """Return why an account should rest now, None where it may be asked."""
    health = run.plan.health
    if len(run.accounts) == 1:
        return None  # as above
    if (rests := health.why_not(account.name, run.world.clock())) is not None:
        return rests
    if not health.has_marks(account.name):
        return None
    try:
        senders = senders_for(run.message, account, run.plan.senders)
    except Unsupported:
        return None
    usable = rested(senders, account, run.plan, run.world)
    return None if usable else "its sender was refused of late; it is tried again later"


def _last_resort(run: Run) -> Turn | None:
    """Of those whose health says no, the one that may be well soonest: once per message."""
    if not run.left or run.forced:
        return None
    now, health = run.world.clock(), run.plan.health
    name = min(run.left, key=lambda one: health.how_bad(one, now))
    return Turn(run.left[name], "no other is left, though it should rest", forced=True)


def _repeat(run: Run) -> Turn | None:
    """An account that surely has nothing yet, once more, after a chance of seconds."""
    for attempt, verdict in _last_tries(run):
        name = attempt.account
        account = run.plan.by_name[name]
        if not _is_safe_to_repeat(verdict) or why_not(run, account) is not None:
            continue
        wait = _jitter(run, name) if verdict.retry_after is None else verdict.retry_after
        if run.waits_for_provider(account, wait) and _may_repeat(run, name):
            return Turn(account, "asked again", again=True, wait=wait)
    return None


def _last_tries(run: Run) -> Sequence[tuple[Attempt, Verdict]]:
    tries = zip(run.attempts, run.verdicts, strict=True)
    return list({attempt.account: (attempt, verdict) for attempt, verdict in tries}.values())


def _jitter(run: Run, name: str) -> float:
    tries = sum(attempt.account == name for attempt in run.attempts)
    return run.world.random() * min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (tries - 1))


def _is_safe_to_repeat(verdict: Verdict) -> bool:
    if verdict.ours or verdict.outcome is not Outcome.NOT_SENT:
        return False
    if verdict.busy:
        # A rate that is used up, nobody says for how long, is not to be knocked at again.
        return verdict.retry_after is not None or not verdict.limited
    return verdict.evidence in {Evidence.NOTHING_WRITTEN, Evidence.NOT_COMPLETE}


def ordered(run: Run) -> Sequence[Candidate]:
    """Return the accounts still to be asked, in the order of the route's strategy."""
    if len(run.left) < 2:
        return [Candidate(name=name) for name in run.left]
    route, world = run.plan.route, run.world
    if run.draw is not None:
        speaker = partial(_speaker, run)
        return run.draw.ordered([Candidate(name=name) for name in run.left], speaker)
    candidates = [_candidate(run, name) for name in run.left]
    chance = recipients_chance(run.message.to) if route.sticky else lambda _: world.random()
    strategy = STRATEGIES[route.strategy]
    return strategy(run.message, candidates, run.plan.health, world.clock(), chance)


def _candidate(run: Run, name: str) -> Candidate:
    weights, prices = run.plan.route.weights, run.plan.prices
    price = None
    if name in prices:
        count = 1 if run.message.media else segments(run.message.text).count
        price = prices[name].of(run.message, count)
    return Candidate(name=name, weight=weights.get(name, 0.0) if weights else 1.0, price=price)
