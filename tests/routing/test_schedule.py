"""When the outbox comes back to a message, and what becomes of it: in tables, at a fixed hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from polysms.config import Config, Route, Sweep
from polysms.config.reading import Seconds
from polysms.delivery import Attempt, Delivery, Outcome, Status
from polysms.errors import NotSent, PolysmsError, RateLimited, Refused
from polysms.routing import schedule
from polysms.routing.schedule import Move, State

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=4)
CONFIG = Config(
    accounts={
        "wavix": {"api_key": "k", "sender": "+13137890021"},
        "carrierx": {"token": "k", "sender": "15162065575"},
        "signalwire": {
            "space": "example",
            "project_id": "p",
            "api_token": "k",
            "sender": "+15559876543",
        },
    },
    default="wavix",
)
PLAIN = Route(accounts=("wavix", "carrierx"))
HEARD = Route(accounts=("wavix", "carrierx"), on_undelivered=("UNDELIVERED",))
AWAITED = Route(accounts=("wavix", "carrierx"), no_report_after=Seconds(60.0))


def copy(account: str = "wavix", outcome: Outcome | None = Outcome.ACCEPTED) -> Attempt:
    """Return an attempt that a provider has, or may have, or has not."""
    return Attempt(
        account=account,
        provider=account,
        reference=f"ref-{account}",
        started_at=NOW - timedelta(seconds=30),
        outcome=outcome,
    )


def again(error: PolysmsError) -> PolysmsError:
    """Return an error that says "later"."""
    error.retry_later = True
    return error


MAYBE = copy(outcome=Outcome.MAYBE_SENT)
ENDS: list[tuple[PolysmsError | None, Route, tuple[Attempt, ...], Move]] = [
    (None, PLAIN, (copy(),), Move(State.OVER)),
    (None, HEARD, (copy(),), Move(State.SENT)),
    (None, AWAITED, (copy(),), Move(State.SENT, NOW + timedelta(seconds=60))),
    (None, AWAITED, (copy(), copy("carrierx")), Move(State.OVER)),
    (NotSent("no"), PLAIN, (MAYBE,), Move(State.UNCLEAR)),
    (again(NotSent("busy")), PLAIN, (), Move(State.WAITING, NOW + timedelta(seconds=5))),
    (Refused("no"), PLAIN, (), Move(State.OVER)),
    (again(NotSent("busy")), HEARD, (copy(),), Move(State.SENT, NOW + timedelta(seconds=5))),
    (Refused("no"), HEARD, (copy(),), Move(State.OVER)),
    (
        RateLimited("later", retry_after=90.0),
        PLAIN,
        (),
        Move(State.WAITING, NOW + timedelta(seconds=90)),
    ),
]


@pytest.mark.parametrize(("error", "route", "copies", "expected"), ENDS)
def test_after_send(
    error: PolysmsError | None, route: Route, copies: tuple[Attempt, ...], expected: Move
) -> None:
    """What a try has come to says what becomes of the message."""
    found = schedule.after_send(
        error, route, tries=0, copies=copies, valid_until=LATER, now=NOW, chance=1.0
    )
    assert expected == found


def test_after_its_validity_nothing_is_tried() -> None:
    """A message that would be tried after its validity is over now."""
    soon = NOW + timedelta(seconds=3)
    busy = again(NotSent("busy"))
    found = schedule.after_send(
        busy, PLAIN, tries=0, copies=(), valid_until=soon, now=NOW, chance=1.0
    )
    assert Move(State.OVER) == found


@pytest.mark.parametrize(
    ("tries", "asked", "chance", "expected"),
    [
        (0, None, 1.0, 5.0),
        (0, None, 0.0, 2.5),
        (1, None, 1.0, 30.0),
        (4, None, 1.0, 1800.0),
        (99, None, 1.0, 1800.0),
        (0, 7.0, 1.0, 7.0),
        (0, 1.0, 1.0, 5.0),
        (0, 1e9, 1.0, 3600.0),
    ],
)
def test_pause(tries: int, asked: float | None, chance: float, expected: float) -> None:
    """Pauses grow, spread by chance, and heed a provider's own wish within reason."""
    assert expected == schedule.pause(tries, RateLimited("later", retry_after=asked), chance)


def delivery(status: Status, *attempts: Attempt, kind: str = "sms") -> Delivery:
    """Return a message that a provider has."""
    return Delivery(id="m-1", status=status, kind=kind, attempts=attempts or (copy(),))


OLD = Attempt(
    account="wavix",
    provider="wavix",
    reference="old",
    started_at=NOW - timedelta(seconds=61),
    outcome=Outcome.ACCEPTED,
)
#: the message, its route, and what becomes of it: None for "another account tries now".
WANTED: list[tuple[Delivery, Route, Move | None]] = [
    (delivery(Status.DELIVERED), HEARD, Move(State.OVER)),
    (delivery(Status.UNDELIVERED), HEARD, None),
    (delivery(Status.FAILED), HEARD, Move(State.OVER)),
    (delivery(Status.UNDELIVERED), AWAITED, Move(State.OVER)),
    (delivery(Status.SENT), HEARD, Move(State.SENT)),
    (delivery(Status.SENT), AWAITED, Move(State.SENT, NOW + timedelta(seconds=30))),
    (delivery(Status.SENT, OLD), AWAITED, None),
    (delivery(Status.UNDELIVERED, copy(), copy("carrierx")), HEARD, Move(State.OVER)),
    (delivery(Status.PENDING, copy(outcome=Outcome.NOT_SENT)), AWAITED, Move(State.SENT)),
]


@pytest.mark.parametrize(("known", "route", "expected"), WANTED)
def test_wants_another(known: Delivery, route: Route, expected: Move | None) -> None:
    """Another account tries after the reports a route names, or a silence, and not else."""
    accounts = [CONFIG.account(name) for name in route.accounts]
    found = schedule.wants_another(
        known, route, accounts, confirmed=False, valid_until=LATER, now=NOW
    )
    assert expected == found


@pytest.mark.parametrize(
    "facts", [{"confirmed": True}, {"valid_until": NOW}, {"accounts": ("wavix",)}]
)
def test_wants_no_other(facts: dict[str, Any]) -> None:
    """Confirmed, no more valid, or with nobody left to ask, a message is over."""
    accounts = [CONFIG.account(name) for name in facts.pop("accounts", HEARD.accounts)]
    usual: dict[str, Any] = {"confirmed": False, "valid_until": LATER}
    found = schedule.wants_another(
        delivery(Status.UNDELIVERED), HEARD, accounts, now=NOW, **{**usual, **facts}
    )
    assert Move(State.OVER) == found


@pytest.mark.parametrize(
    ("word", "expected"), [("undeliverable_x", Move(State.OVER)), ("sent", None)]
)
def test_guess_sends_nothing_again(word: str, expected: Move | None) -> None:
    """A status that is guessed from the sound of CarrierX's word lets no other account try."""
    accounts = [CONFIG.account(name) for name in HEARD.accounts]
    known = attrs.evolve(
        delivery(Status.UNDELIVERED, copy("carrierx")), account="carrierx", raw_status=word
    )
    found = schedule.wants_another(
        known, HEARD, accounts, confirmed=False, valid_until=LATER, now=NOW
    )
    assert expected == found


def test_silence_says_nothing_where_nothing_is_reported() -> None:
    """SignalWire never reports an MMS: that no report comes is no reason to send another."""
    route = Route(accounts=("signalwire", "wavix"), no_report_after=Seconds(1.0))
    accounts = [CONFIG.account(name) for name in route.accounts]
    for kind, expected in (("mms", Move(State.SENT)), ("sms", None)):
        known = delivery(Status.SENT, copy("signalwire"), kind=kind)
        found = schedule.wants_another(
            known, route, accounts, confirmed=False, valid_until=LATER, now=NOW
        )
        assert expected == found


@pytest.mark.parametrize(
    ("age", "unclear", "expected"),
    [(0, False, 120), (500, False, 500), (1e6, False, 3600), (0, True, 30), (45, True, 45)],
)
def test_next_look(age: float, unclear: bool, expected: float) -> None:  # noqa: FBT001
    """Looks come in steps that grow with a message's age, up to a bound."""
    since = NOW - timedelta(seconds=age)
    found = schedule.next_look(since, NOW, Sweep(), unclear=unclear)
    assert NOW + timedelta(seconds=expected) == found


def test_may_copy() -> None:
    """A second copy is made where a route asks for it by name, and never a third."""
    asking = Route(accounts=("wavix", "carrierx"), on_maybe_sent="next")
    assert schedule.may_copy([MAYBE], asking)
    assert not schedule.may_copy([MAYBE], PLAIN)
    assert not schedule.may_copy([MAYBE, MAYBE], asking)


def test_open_attempts_are_copies() -> None:
    """What nobody closed may have been sent; what was not sent was not."""
    tries = (copy(), copy("carrierx", None), copy("signalwire", Outcome.NOT_SENT), MAYBE)
    assert ["wavix", "carrierx", "wavix"] == [one.account for one in schedule.copies_of(tries)]
