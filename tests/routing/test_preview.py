"""A preview: what a send would do, in its order, with nothing sent and nothing noted."""

from __future__ import annotations

from typing import Any

import pytest

from polysms.errors import InvalidMessage, NotSent, Reason, Refused, Unsupported
from polysms.message import Message
from polysms.routing.breaker import Entry
from polysms.routing.health import Signal
from polysms.routing.preview import Previewed, preview
from tests.routing.streets import Street
from tests.routing.test_deliver import TABLES, TO

NAMES = ("wavix", "carrierx", "signalwire")


def seen(street: Street, message: Message | None = None, **route: Any) -> tuple[Previewed, ...]:
    """Preview a message on a street."""
    return preview(message or Message(TO, "x"), street.plan(**route), street.world())


def test_order_and_requests() -> None:
    """Every account is shown in its order with the request that a send would make of it."""
    street = Street()
    found = seen(street)
    assert list(NAMES) == [one.account.name for one in found]
    assert list(NAMES) == [one.attempt.account for one in found if one.attempt]
    (call,) = street.send(Message(TO, "x")).calls
    first = found[0].request
    assert first is not None
    assert (call.request.method, call.request.url) == (first.method, first.url)


def test_shows_no_secret() -> None:
    """A preview's own words hold no credential and no number."""
    shown = repr(seen(Street()))
    assert "canary" not in shown
    assert TO not in shown


def test_nothing_is_noted() -> None:
    """A preview is no attempt: it takes no probe, no turn and no repeat."""
    street = Street()
    for _ in range(5):
        street.health.told("wavix", Entry.USUAL, Signal.BAD, street.clock.seconds, 0.0)
    street.clock.seconds += 15.0
    for _ in range(3):
        seen(street, strategy="round_robin")
    assert [0, 0, 0] == [street.health.last_chosen(name) for name in NAMES]
    assert Entry.PROBE == street.health.enter("wavix", street.clock.seconds, 1.0)


def test_those_that_rest_come_last() -> None:
    """An account that should rest is asked after the others, and why it rests is said."""
    street = Street()
    for _ in range(5):
        street.health.told("wavix", Entry.USUAL, Signal.BAD, street.clock.seconds, 1.0)
    *others, last = seen(street)
    assert ["carrierx", "signalwire"] == [one.account.name for one in others]
    expected = "asked last: its breaker is open for another 30 s (5 failures in a row)"
    assert ("wavix", expected) == (last.account.name, last.why)
    assert last.request is not None


def test_strategy_says_why() -> None:
    """The strategy's own word is shown with the order it makes."""
    tables = {**TABLES, "prices": {"wavix": {"+1": 0.02}, "carrierx": {"+1": 0.01}}}
    found = seen(Street(tables), strategy="cheapest")
    expected = [
        ("carrierx", "it costs 0.01"),
        ("wavix", "it costs 0.02"),
        ("signalwire", "no price is listed for it"),
    ]
    assert expected == [(one.account.name, one.why) for one in found]


def test_account_that_cannot_say_it() -> None:
    """An account that a send would pass by has its reason in the place of a request."""
    found = seen(Street(), Message(TO, "x", from_="@alerts"))
    assert [Reason.SENDER, Reason.SENDER, None] == [one.error and one.error.reason for one in found]
    assert [Unsupported, Unsupported] == [type(one.error) for one in found[:2]]
    assert [True, True, False] == [one.request is None for one in found]


def test_rails_are_shown() -> None:
    """What the rails forbid is shown as refused, whoever would be asked."""
    found = seen(Street({**TABLES, "rails": {"countries": ["GB"]}}))
    assert [Refused] * 3 == [type(one.error) for one in found]


def test_redirected() -> None:
    """A redirected message is previewed as it would go."""
    found = seen(Street({**TABLES, "rails": {"redirect_to": "+13135550199"}}))
    assert found[0].request is not None
    assert b"+13135550199" in found[0].request.content


def test_no_time() -> None:
    """A route that leaves no time shows that too."""
    found = seen(Street(), deadline=0.0)
    assert {NotSent} == {type(one.error) for one in found}


def test_unknown_logical_sender() -> None:
    """A logical sender that nobody configured is an error, as for a send."""
    with pytest.raises(InvalidMessage, match="there is no logical sender"):
        seen(Street(), Message(TO, "x", from_="@allerts"))


def test_first_copy() -> None:
    """The short life of a first copy is a part of the request."""
    found = seen(Street(), on_maybe_sent="next")
    assert [120, None, None] == [one.attempt and one.attempt.valid_for for one in found]
