"""Messages that chance gave to an account, what became of them, and what they count as."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs

from polysms.delivery import Attempt, Delivery, Outcome, Price, Status
from polysms.ledger import Ledger
from polysms.ledger.writing import End, Line
from polysms.message import Message
from polysms.report import Cell, Counts
from polysms.report.counts import total
from polysms.routing.assigning import Assignment, Stratum
from polysms.values import changed
from tests.ledger import scenes

ROUTE = "main"
#: A number that is in the US for all who know numbers.
NUMBER = "+12125550123"


@attrs.define
class Clock:
    """A clock that is set by hand."""

    now: datetime = scenes.NOW

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now

    def pass_by(self, seconds: float) -> datetime:
        """Let so many seconds pass."""
        self.now += timedelta(seconds=seconds)
        return self.now


def assignment(account: str = "wavix", **facts: Any) -> Assignment:
    """Return how a message was given to an account."""
    usual: dict[str, Any] = {
        "experiment": "e1",
        "route": ROUTE,
        "probability": 0.5,
        "stratum": Stratum("US", "sms", 1),
        "sender_kind": "number",
    }
    return Assignment(account=account, **{**usual, **facts})


@attrs.define
class History:
    """One message, and what happens to it, at an account and perhaps at others after it."""

    ledger: Ledger
    clock: Clock
    message: Message = attrs.field(factory=lambda: scenes.message(to=NUMBER))
    id: str = attrs.field(factory=scenes.fresh)
    attempts: list[Attempt] = attrs.field(factory=list)

    def begin(self, account: str = "wavix", given: Assignment | None = None) -> Attempt:
        """Write down that an attempt begins now."""
        attempt = scenes.opened(
            account=account,
            provider=account,
            started_at=self.clock.now,
            expires_at=self.clock.now + timedelta(seconds=90),
        )
        self.attempts.append(attempt)
        line = Line(self.id, self.message, attempt, via=ROUTE, assignment=given)
        self.ledger.write_many([line])
        return attempt

    def end(self, outcome: Outcome = Outcome.ACCEPTED, **facts: Any) -> Attempt:
        """Write down how the attempt under way ended, and that the send is over."""
        attempt = scenes.closed(self.attempts.pop(), outcome, **facts)
        self.attempts.append(attempt)
        said = scenes.ended(self.id, self.message, *self.attempts)
        self.ledger.write_many([], [End(said, self.message)])
        return attempt

    def send(self, account: str = "wavix", **given: Any) -> Attempt:
        """Write down a send that the account took at once."""
        self.begin(account, assignment(account, **given))
        return self.end()

    def report(self, status: Status, after: float, **facts: Any) -> None:
        """Record what a provider says of the last attempt, so many seconds after the first."""
        heard = self.attempts[0].started_at + timedelta(seconds=after)
        self.ledger.record(
            scenes.report(self.attempts[-1], status, **{"received_at": heard, **facts})
        )

    def look(self, status: Status, after: float, **facts: Any) -> Delivery:
        """Ask the provider of the last attempt, so many seconds after the first."""
        self.clock.now = self.attempts[0].started_at + timedelta(seconds=after)
        price = facts.pop("price", None)
        if price is not None:
            priced = changed(self.attempts[-1], price=Price(price, "USD"))
            self.attempts[-1] = priced
        found = scenes.ended(self.id, self.message, *self.attempts, status=status, **facts)
        self.ledger.write_many([], [End(found)])
        return found


def only(cells: tuple[Cell, ...], account: str = "wavix") -> Counts:
    """Return all counts of one account."""
    return total(cell.counts for cell in cells if cell.account == account)
