"""A group on its way through a route: it reaches all of its members at once, or nobody."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from polysms.delivery import Outcome
from polysms.errors import MaybeSent, NotSent, PolysmsError, Unsupported
from polysms.message import Message
from polysms.providers.base import Response
from polysms.routing.steps import Call, Failure, Stage
from tests.routing.test_deliver import OK, TABLES, TO, Ride, broken, ride, status

MEMBERS = ("+13135550124", "+13135550125")
#: Enough of the same answer for every time that an account may be asked again.
OFTEN = 12


def group(**fields: Any) -> Message:
    """Return a message that CarrierX would bring to a group."""
    options = {"carrierx": {"group_recipients": list(MEMBERS)}}
    return Message(**{"to": TO, "text": "x", "options": options, **fields})


def tables(*accounts: str) -> dict[str, Any]:
    """Return the tables with one route through these accounts, among them a second CarrierX."""
    spare = {"provider": "carrierx", "token": "spare-canary", "sender": "15162065576"}
    known = {**TABLES["accounts"], "spare": spare}
    return {"accounts": known, "routes": {"main": {"accounts": accounts}}, "default": "main"}


def reached(call: Call) -> set[str]:
    """Return the numbers that a request would reach."""
    said: Mapping[str, Any] = json.loads(call.request.content)
    return {said["to"], *said.get("group_recipients", ())}


def never_split(done: Ride) -> None:
    """Every request that was made is one for the whole group."""
    whole = {number.removeprefix("+") for number in (TO, *MEMBERS)}
    assert all(whole == reached(call) for call in done.calls)


ORDERS = [
    ("wavix", "carrierx"),
    ("carrierx", "wavix"),
    ("signalwire", "carrierx", "wavix"),
    ("wavix", "signalwire", "carrierx"),
]


@pytest.mark.parametrize("accounts", ORDERS)
def test_taken_whole(accounts: Sequence[str]) -> None:
    """Wherever it stands on the route, the account that can reach the whole group is asked."""
    done = ride(group(), [OK["carrierx"]], tables=tables(*accounts))
    assert done.delivery is not None
    assert ["carrierx"] == done.asked
    never_split(done)


IN_VAIN: list[tuple[Response | Failure, type[PolysmsError]]] = [
    (status(401), NotSent),
    (status(404), NotSent),
    (status(429, retry_after="60"), NotSent),
    (status(429, retry_after="1"), NotSent),
    (broken(Stage.NOTHING), NotSent),
    (broken(Stage.PARTIAL), NotSent),
    (broken(Stage.WHOLE), MaybeSent),
    (status(500), MaybeSent),
]


@pytest.mark.parametrize("rule", ["stop", "next"])
@pytest.mark.parametrize("accounts", ORDERS)
@pytest.mark.parametrize(("answer", "error"), IN_VAIN)
def test_never_becomes_single_messages(
    answer: Response | Failure, error: type[PolysmsError], accounts: Sequence[str], rule: str
) -> None:
    """Where the group cannot be taken whole, no account brings it to its first member alone."""
    done = ride(group(), [answer] * OFTEN, tables=tables(*accounts), on_maybe_sent=rule)
    assert isinstance(done.error, error)
    assert {"carrierx"} == set(done.asked)
    never_split(done)


@pytest.mark.parametrize("accounts", ORDERS)
def test_says_who_would_split_it(accounts: Sequence[str]) -> None:
    """The accounts that were left out are told, with the reason."""
    done = ride(group(), [status(401)] * OFTEN, tables=tables(*accounts))
    assert done.error is not None
    assert done.error.delivery is not None
    left_out = {one.account for one in done.error.delivery.considered if "whole group" in one.why}
    assert set(accounts) - {"carrierx"} == left_out


def test_fails_over_to_its_like() -> None:
    """Another account that reaches the whole group may take it; the one between them may not."""
    answers = [status(401), OK["carrierx"]]
    done = ride(group(), answers, tables=tables("carrierx", "wavix", "spare"))
    assert ["carrierx", "spare"] == done.asked
    never_split(done)
    assert done.delivery is not None
    outcomes = [attempt.outcome for attempt in done.delivery.attempts]
    assert [Outcome.NOT_SENT, Outcome.ACCEPTED] == outcomes


def test_nobody_left_who_could() -> None:
    """If what else it holds keeps the group from CarrierX, nobody is asked."""
    callback = "https://example.com/status"
    done = ride(group(status_callback=callback), [], tables=tables("carrierx", "wavix"))
    assert [] == done.calls
    assert isinstance(done.error, NotSent)


def test_alone_says_what_is_wrong() -> None:
    """A group too large for CarrierX is refused there, and not cut up elsewhere."""
    many = [f"+1313555{number:04}" for number in range(130, 140)]
    message = group(options={"carrierx": {"group_recipients": many}})
    alone = ride(message, [], tables=tables("carrierx"))
    assert Unsupported is type(alone.error)
    assert [] == ride(message, [], tables=tables("wavix", "carrierx")).calls


NO_GROUPS: list[Mapping[str, Any]] = [
    {},
    {"carrierx": {"user_data": "u-1"}},
    {"carrierx": {"type": "mms"}, "wavix": {"tag": "t-1"}},
    {"carrierx": {"group_recipients": []}},
    {"carrierx": {"group_recipients": [TO]}},
    {"wavix": {"smart_encoding": True}, "signalwire": {"send_as_mms": True}},
]


@pytest.mark.parametrize("options", NO_GROUPS)
@pytest.mark.parametrize(
    "accounts", [("wavix", "carrierx", "signalwire"), ("carrierx", "signalwire", "wavix")]
)
def test_options_without_a_group(accounts: Sequence[str], options: Mapping[str, Any]) -> None:
    """What only one provider has does not keep a message for one number from the others."""
    answers = [status(401), status(401), OK[accounts[-1]]]
    done = ride(Message(TO, "x", options=options), answers, tables=tables(*accounts))
    assert list(accounts) == done.asked
    assert done.delivery is not None
