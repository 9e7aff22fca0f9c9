"""What earlier attempts found is told, whatever comes after them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from polysms.delivery import Delivery, Status
from polysms.errors import MaybeSent, NotSent, RateLimited, Reason, Unreachable
from polysms.message import Message
from polysms.providers.base import Request, Response
from polysms.providers.wavix import Wavix
from polysms.routing.steps import Failure, Stage, World
from tests.routing.test_deliver import OK, TABLES, TO, Clock, Ride, broken, ride, status

BUSY = status(429, retry_after="3")


class Oversleeping(Clock):
    """A clock by which every wait takes twice as long as was asked for."""

    def world(self) -> World:
        """Return a world whose steady clock runs at double speed."""
        return attrs.evolve(super().world(), clock=lambda: 2 * self.seconds)


class Faulty(Wavix):
    """An adapter with a bug: it makes no request."""

    def request(self, message: Message, reference: str) -> Request:
        """Break as no adapter should."""
        raise ZeroDivisionError(message.to, reference)


class Tiring(Wavix):
    """An adapter with a bug that shows from its second request on."""

    fresh = True

    def request(self, message: Message, reference: str) -> Request:
        """Return a request once."""
        if not self.fresh:
            raise ZeroDivisionError
        self.fresh = False
        return super().request(message, reference)


def tables(*accounts: str) -> dict[str, Any]:
    """Return the tables with one route through these accounts, the two with bugs among them."""
    known = dict(TABLES["accounts"])
    for kind in (Faulty, Tiring):
        place = f"{__name__}:{kind.__name__}"
        account = {"provider": place, "api_key": "odd-canary", "sender": "+13137890021"}
        known[kind.__name__.lower()] = account
    return {"accounts": known, "routes": {"main": {"accounts": accounts}}, "default": "main"}


def through(accounts: Sequence[str], answers: Sequence[Response | Failure], **changes: Any) -> Ride:
    """Send a message through these accounts."""
    return ride(Message(TO, "x"), answers, tables=tables(*accounts), **changes)


def so_far(done: Ride) -> Delivery:
    """Return the delivery that a send in vain tells of."""
    assert done.error is not None
    assert done.error.delivery is not None
    return done.error.delivery


def test_limit_outlives_its_wait() -> None:
    """Where the wait used up the time, the account's own "later, please" is what is raised."""
    done = through(["wavix"], [BUSY], clock=Oversleeping(), deadline=5.0)
    assert ([3.0], ["wavix"]) == (done.waits, done.asked)
    assert isinstance(done.error, RateLimited)
    assert (3.0, True, 429) == (
        done.error.retry_after,
        done.error.retry_later,
        done.error.status_code,
    )
    assert Status.NOT_SENT is so_far(done).status


def test_limit_outlives_its_wait_on_a_route() -> None:
    """Of several accounts too, the one that was asked is spoken for by its own answer alone."""
    answers = [BUSY, status(401)]
    done = through(["wavix", "carrierx"], answers, clock=Oversleeping(), deadline=5.0)
    assert isinstance(done.error, NotSent)
    assert "wavix (Wavix) asks to come back later" in str(done.error)
    assert "wavix: no time" not in str(done.error)
    assert 1 == done.asked.count("wavix")


def test_wait_that_leaves_nothing_is_not_waited() -> None:
    """A wait until the very deadline would end in nothing: its reason is told at once instead."""
    done = through(["wavix"], [BUSY], deadline=3.0)
    assert ([], ["wavix"]) == (done.waits, done.asked)
    assert isinstance(done.error, RateLimited)


def test_bug_after_a_maybe_sent() -> None:
    """A bug in a later account's adapter never hides that the message may have been sent."""
    done = through(["wavix", "faulty"], [broken(Stage.WHOLE)], on_maybe_sent="next")
    assert isinstance(done.error, MaybeSent)
    assert "wavix" == done.error.account
    assert (Status.MAYBE_SENT, 1) == (so_far(done).status, len(so_far(done).attempts))


REFUSALS: list[tuple[Response, Reason]] = [
    (status(401), Reason.CREDENTIALS),
    (status(402), Reason.BALANCE),
]


@pytest.mark.parametrize(("answer", "reason"), REFUSALS)
def test_bug_after_a_not_sent(answer: Response, reason: Reason) -> None:
    """A bug after a refusal is surely not sent: the error tells both, and every attempt."""
    done = through(["wavix", "faulty"], [answer])
    assert isinstance(done.error, NotSent)
    assert reason is done.error.reason
    assert "refused" in str(done.error)
    assert "faulty: the request could not be made (ZeroDivisionError)" in str(done.error)
    assert TO not in str(done.error)
    assert (Status.NOT_SENT, 1) == (so_far(done).status, len(so_far(done).attempts))


def test_bug_does_not_end_the_route() -> None:
    """After a bug the next account is asked, and the delivery says who was left out and why."""
    done = through(["wavix", "faulty", "carrierx"], [status(401), OK["carrierx"]])
    assert ["wavix", "carrierx"] == done.asked
    assert done.delivery is not None
    left_out = {one.account: one.why for one in done.delivery.considered if not one.chosen}
    assert {"faulty": "the request could not be made (ZeroDivisionError)"} == left_out


def test_bug_before_the_same_account_is_asked_again() -> None:
    """An account that was asked speaks for itself, though its second request could not be made."""
    done = through(["tiring"], [broken(Stage.PARTIAL)])
    assert Unreachable is type(done.error)
    limited = through(["tiring"], [BUSY])
    assert RateLimited is type(limited.error)
    assert 1 == len(so_far(done).attempts) == len(so_far(limited).attempts)


@pytest.mark.parametrize("accounts", [("faulty",), ("faulty", "wavix")])
def test_bug_with_nothing_before_it(accounts: Sequence[str]) -> None:
    """Before anything was asked a bug is raised as it is: there is nothing it could hide."""
    with pytest.raises(ZeroDivisionError):
        through(accounts, [])


def test_bug_after_one_that_was_left_out() -> None:
    """An account that could not be asked at all is no attempt: the bug is raised."""
    with pytest.raises(ZeroDivisionError):
        ride(Message("988", "x"), [], tables=tables("wavix", "faulty"))
