"""Which account is asked next, and when: messages one after the other through one client's health.

The router is stepped by hand on a clock of its own; nothing here touches a network.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.config import Prices
from polysms.config.reading import Seconds
from polysms.delivery import Evidence, Outcome
from polysms.errors import (
    AllFailed,
    Fault,
    MaybeSent,
    NotSent,
    RateLimited,
    Reason,
    Refused,
    Unreachable,
)
from polysms.message import Message
from polysms.providers.base import Response
from polysms.providers.wavix import Wavix
from polysms.routing.breaker import Entry
from polysms.routing.steps import Admit, Call, Failure, Stage, Wait
from tests.routing.streets import Sent, Steps, Street
from tests.routing.test_deliver import OK, TABLES, TO, broken, status

NOTHING = broken(Stage.NOTHING)
PARTIAL = broken(Stage.PARTIAL)
WHOLE = broken(Stage.WHOLE)
BAD_NUMBER = Response(422, {}, b'{"message":"invalid number"}')
BAD_SENDER = Response(422, {}, b'{"message":"Sender ID not found"}')
NAMES = ("wavix", "carrierx", "signalwire")
NAME_TO = "+442079460123"


def message(number: int = 0, **fields: Any) -> Message:
    """Return one of many messages."""
    return Message(**{"to": f"+1313555{number:04d}", "text": "x", **fields})


def tables(*accounts: str, **limits: Any) -> dict[str, Any]:
    """Return the tables with one route through these accounts, each with these keys."""
    known = {name: {**TABLES["accounts"][name], **limits} for name in NAMES}
    return {**TABLES, "accounts": known, "routes": {"main": {"accounts": accounts or NAMES}}}


def opened(street: Street, *names: str) -> None:
    """Open the breakers of accounts, for thirty seconds."""
    for name in names:
        for _ in range(5):
            street.health.told(name, Entry.USUAL, _BAD, street.clock.seconds, 1.0)


def marked(street: Street, *names: str) -> None:
    """Let the credentials of accounts be refused."""
    for name in names:
        street.health.refused(
            name, None, Reason.CREDENTIALS, message(), street.clock.seconds
        )


# --- health ---------------------------------------------------------------------------------


def test_open_account_is_passed_over() -> None:
    """Once its breaker is open an account is not asked, and the delivery tells why."""
    street = Street()
    street.script["wavix"] = NOTHING
    for number in range(5):
        assert ["wavix", "carrierx"] == street.send(message(number)).asked
    sent = street.send(message())
    assert ["carrierx"] == sent.asked
    assert [
        ("wavix", False, "its breaker is open for another 30 s (5 failures in a row)"),
        ("carrierx", True, "first by failover"),
        ("signalwire", False, "not asked: carrierx took the message"),
    ] == sent.considered


def test_healed_account_is_asked_again() -> None:
    """When the opening is over the first that comes is the probe; after two it is as before."""
    street = Street()
    opened(street, "wavix")
    street.clock.seconds += 29.0
    assert ["carrierx"] == street.send(message()).asked
    street.clock.seconds += 1.0
    for _ in range(3):
        assert ["wavix"] == street.send(message()).asked
    street.script["wavix"] = [NOTHING] * 4
    for _ in range(4):
        assert ["wavix", "carrierx"] == street.send(message()).asked
    assert ["wavix"] == street.send(message()).asked


def answered(code: int, body: str = "") -> Response:
    """Return an answer with a status and a body."""
    return Response(code, {}, body.encode())


#: Answers, and whether five of them in a row open the breaker.
OPENING: list[tuple[Response | Failure, bool]] = [
    (NOTHING, True),
    (WHOLE, True),
    (status(500), True),
    (status(502), True),
    (status(503), True),
    (status(503, retry_after="0"), True),
    (answered(201, "{}"), True),
    (status(400), False),
    (BAD_NUMBER, False),
    (status(409), False),
    (status(429), False),
    (status(429, retry_after="0"), False),
    (broken(Stage.NOTHING, ours=True), False),
    (broken(Stage.NOTHING, interrupted=True), False),
    (broken(Stage.WHOLE, interrupted=True), False),
]


@pytest.mark.parametrize(("answer", "opens"), OPENING)
def test_what_opens_a_breaker(
    answer: Response | Failure,
    opens: bool,  # noqa: FBT001 - a table's column
) -> None:
    """Only what says that the provider is ill opens it: no "no", no rate limit, nothing of ours."""
    street = Street()
    street.script["wavix"] = answer
    for number in range(5):
        assert "wavix" == street.send(message(number), repeats=0).asked[0]
    assert opens == (street.send(message(), repeats=0).asked != ["wavix", "carrierx"][:1]
                     and "wavix" not in street.send(message(), repeats=0).asked)
