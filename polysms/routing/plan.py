"""What one send needs to know, and what all sends of a client share."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import attrs

from polysms.config import Account, Prices, Rails, Route
from polysms.delivery import Attempt, Outcome
from polysms.message import Message
from polysms.routing.health import Health
from polysms.routing.senders import Logical
from polysms.routing.standing import Standing

#: An open attempt is called maybe sent this long (seconds) after its deadline.
GRACE = 30.0
#: Accepted attempts of each account that are remembered, and unclear ones of all.
REMEMBERED = 10_000

Callback = Callable[[Account, str], str | None]


@attrs.frozen(kw_only=True)
class Watermark:
    """An accepted attempt: once a list shows it, the list has caught up to its time."""

    reference: str
    to: str = attrs.field(repr=False)
    at: datetime


class Memory:
    """What a client remembers of its attempts, so that no look-up takes one for another."""

    def __init__(self) -> None:
        self._owned: dict[str, OrderedDict[str, None]] = {}
        self._unclear: OrderedDict[str, tuple[Attempt, str]] = OrderedDict()
        self._latest: dict[str, tuple[datetime, str, str]] = {}

    def ended(self, attempt: Attempt, to: str) -> None:
        """Remember an attempt as it has ended, or as a look-up has settled it."""
        self._unclear.pop(attempt.reference, None)
        if attempt.outcome is Outcome.ACCEPTED:
            self._accepted(attempt, to)
        elif attempt.outcome is Outcome.MAYBE_SENT and attempt.lookup == "heuristic":
            self._unclear[attempt.reference] = (attempt, to)
            if len(self._unclear) > REMEMBERED:
                self._unclear.popitem(last=False)

    def _accepted(self, attempt: Attempt, to: str) -> None:
        if attempt.provider_id is not None:
            owned = self._owned.setdefault(attempt.account, OrderedDict())
            owned[attempt.provider_id] = None
            if len(owned) > REMEMBERED:
                owned.popitem(last=False)
        latest = self._latest.get(attempt.account)
        if attempt.lookup == "exact" and (latest is None or latest[0] < attempt.started_at):
            self._latest[attempt.account] = (attempt.started_at, attempt.reference, to)

    def owns(self, account: str, provider_id: str | None) -> bool:
        """Whether a provider's id belongs to an attempt that is accounted for."""
        return provider_id in self._owned.get(account, ())

    def knows(self, attempt: Attempt) -> bool:
        """Whether an unclear attempt is one of ours, so that it is known what else there was."""
        return attempt.reference in self._unclear

    def has_rival(self, attempt: Attempt, to: str | None, seconds: float) -> bool:
        """Whether another unclear attempt at this account could have left the same record.

        That is one to the same number at nearly the same time, so many seconds apart at most.
        """
        near = timedelta(seconds=seconds)
        return any(
            other.account == attempt.account
            and number == to
            and other.reference != attempt.reference
            and other.started_at <= _last_moment(attempt) + near
            and attempt.started_at <= _last_moment(other) + near
            for other, number in tuple(self._unclear.values())
        )

    def watermark(self, account: str, after: datetime) -> Watermark | None:
        """Return the latest accepted attempt of an account, if it began after a moment."""
        latest = self._latest.get(account)
        if latest is None or latest[0] <= after:
            return None
        at, reference, to = latest
        return Watermark(reference=reference, to=to, at=at)


def _last_moment(attempt: Attempt) -> datetime:
    """Return until when a provider may have taken an attempt: also after nobody listened."""
    moments = (attempt.started_at, attempt.ended_at, attempt.expires_at)
    return max(moment for moment in moments if moment is not None)


@attrs.frozen(kw_only=True)
class Plan:
    """What one send needs to know: the route with its accounts, logical senders and rails.

    ``accounts`` are all that the route may reach. ``health`` and ``memory`` are shared by all
    sends of a client. ``written`` says that every attempt is to be written down, before its first
    byte and after. ``callback`` tells where an account is to report an attempt to, by its
    reference; None where it has no such address. ``name`` is the route's, ``standing`` what is
    known by now of how its accounts deliver.
    """

    route: Route
    accounts: Sequence[Account]
    senders: Logical = attrs.field(factory=dict)
    rails: Rails = Rails()
    prices: Mapping[str, Prices] = attrs.field(factory=dict)
    health: Health = attrs.field(factory=Health, repr=False)
    memory: Memory = attrs.field(factory=Memory, repr=False)
    written: bool = False
    callback: Callback | None = attrs.field(default=None, repr=False)
    name: str = ""
    standing: Callable[[], Standing] = attrs.field(default=Standing, repr=False)
    by_name: Mapping[str, Account] = attrs.field(init=False, repr=False)

    @by_name.default
    def _by_name(self) -> dict[str, Account]:
        return {account.name: account for account in self.accounts}

    def candidates(self, message: Message) -> list[Account]:
        """Return the accounts that the route's rules give a message, in the route's order."""
        if not self.route.rules:
            return list(self.accounts)
        return [self.by_name[name] for name in self.route.accounts_for(message)]
