"""When the outbox comes back to a message, and when its provider is asked what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import attrs

from polysms.config import Account, Route, Sweep
from polysms.delivery import Attempt, Delivery, Outcome, Status
from polysms.errors import PolysmsError

#: Seconds before a message that surely was not sent is tried again; the last one from then on.
PAUSES = (5.0, 30.0, 120.0, 600.0, 1800.0)
#: A provider that asks for more patience than this (seconds) is asked sooner all the same.
LONGEST_PAUSE = 3600.0
#: Seconds before the first look for a message that may have been sent.
FIRST_LOOK = 30.0
#: Copies that may exist at most where a route says ``on_maybe_sent = "next"``.
MOST_UNCLEAR = 2
_ARRIVED = frozenset({Status.DELIVERED, Status.READ, Status.RECEIVED})


class State(StrEnum):
    """What the outbox is to do with a message."""

    WAITING = "waiting"
    UNCLEAR = "unclear"
    SENT = "sent"
    OVER = "over"


@attrs.frozen
class Move:
    """The state that a message goes to, and when the outbox comes back to it."""

    state: State
    at: datetime | None = None


def after_send(  # noqa: PLR0913 - each fact that counts
    error: PolysmsError | None,
    route: Route,
    *,
    tries: int,
    copies: Sequence[Attempt],
    valid_until: datetime,
    now: datetime,
    chance: float,
) -> Move:
    """Return what becomes of a message after a try: accepted where there is no error.

    ``tries`` counts those before, ``copies`` are the attempts that a provider has, or may have, by
    now; ``chance`` (0 to 1) spreads those that failed together.
    """
    if error is None:
        return _taken(route, len(copies), now)
    accepted = any(copy.outcome is Outcome.ACCEPTED for copy in copies)
    if copies and not accepted:
        return Move(State.UNCLEAR)
    later = now + timedelta(seconds=pause(tries, error, chance))
    lost = not error.retry_later or later >= valid_until
    if copies:
        # It was to be a second copy: the first is still out there, and may yet be reported.
        return Move(State.OVER) if lost else Move(State.SENT, later)
    return Move(State.OVER) if lost else Move(State.WAITING, later)


def _taken(route: Route, copies: int, now: datetime) -> Move:
    if copies >= route.max_copies or not (route.on_undelivered or route.no_report_after):
        return Move(State.OVER)
    if route.no_report_after is None:
        return Move(State.SENT)  # until a report comes
    return Move(State.SENT, now + timedelta(seconds=route.no_report_after))


def pause(tries: int, error: PolysmsError, chance: float) -> float:
    """Return the seconds before a message is tried again: half of it fixed, half by chance."""
    usual = PAUSES[min(tries, len(PAUSES) - 1)]
    asked = getattr(error, "retry_after", None) or 0.0
    return max(usual * (0.5 + chance / 2), min(asked, LONGEST_PAUSE))


def copies_of(attempts: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """Return the attempts that a provider has, or may have."""
    return tuple(one for one in attempts if one.outcome is not Outcome.NOT_SENT)


def wants_another(  # noqa: PLR0913 - each fact that counts
    delivery: Delivery,
    route: Route,
    accounts: Sequence[Account],
    *,
    confirmed: bool,
    valid_until: datetime,
    now: datetime,
) -> Move | None:
    """Return what becomes of a message that a provider has; None where another is to try now.

    ``accounts`` are those of its route. Off by default: a route asks for it, by
    ``on_undelivered`` and ``no_report_after``.
    """
    copies = copies_of(delivery.attempts)
    asked = {copy.account for copy in copies}
    left = any(account.name not in asked for account in accounts)
    exhausted = len(copies) >= route.max_copies or not left or now >= valid_until
    if confirmed or exhausted or delivery.status in _ARRIVED:
        return Move(State.OVER)
    if delivery.status.final:
        asked_for = delivery.status.value in route.on_undelivered
        return None if asked_for and not _is_guess(delivery, accounts) else Move(State.OVER)
    due = _silent_until(delivery, route, accounts)
    if due is None:
        return Move(State.SENT)
    return Move(State.SENT, due) if due > now else None


def _is_guess(delivery: Delivery, accounts: Sequence[Account]) -> bool:
    """Whether the provider's word is one whose meaning is guessed: no other account tries then."""
    by_name = {account.name: account for account in accounts}
    account = by_name.get(delivery.account or "")
    is_guess = None if account is None else getattr(account.adapter, "is_guess", None)
    return is_guess is not None and bool(is_guess(delivery.raw_status))


def _silent_until(delivery: Delivery, route: Route, accounts: Sequence[Account]) -> datetime | None:
    """Return until when a missing report is no news, None where no report is to be missed."""
    last = copies_of(delivery.attempts)[-1:]
    if route.no_report_after is None or not last:
        return None
    by_name = {account.name: account for account in accounts}
    if not reports(by_name.get(last[0].account), delivery.kind):
        return None
    return last[0].started_at + timedelta(seconds=route.no_report_after)


def reports(account: Account | None, kind: str) -> bool:
    """Whether an account's provider ever reports the delivery of a kind of message."""
    return account is not None and kind in account.adapter.capabilities.reports


def next_look(since: datetime, now: datetime, sweep: Sweep, *, unclear: bool) -> datetime:
    """Return when to look next for what became of a message: in steps that grow with its age."""
    first = FIRST_LOOK if unclear else sweep.first
    age = (now - since).total_seconds()
    return now + timedelta(seconds=min(max(age, first), max(sweep.most, first)))


def may_copy(attempts: Sequence[Attempt], route: Route) -> bool:
    """Whether a second copy is wanted of a message that no look could tell of."""
    return route.on_maybe_sent == "next" and len(copies_of(attempts)) < MOST_UNCLEAR
