"""The router, stepped by hand: no HTTP, no clock but the test's own, no database."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.config import Config
from polysms.config.choosing import DRAWING
from polysms.config.reading import Seconds
from polysms.config.routes import STRATEGIES as NAMES
from polysms.delivery import Delivery, Evidence, Outcome, Status
from polysms.errors import (
    AllFailed,
    Fault,
    InvalidMessage,
    LedgerError,
    MaybeSent,
    NotSent,
    PolysmsError,
    RateLimited,
    Reason,
    Refused,
    Unreachable,
    Unreadable,
    Unsupported,
)
from polysms.message import Message
from polysms.providers.base import Request, Response
from polysms.routing.deliver import deliver
from polysms.routing.plan import Plan
from polysms.routing.steps import Admit, Answer, Call, Failure, Stage, Step, Wait, World, Write
from polysms.routing.strategies import STRATEGIES

TABLES: dict[str, Any] = {
    "accounts": {
        "wavix": {"api_key": "wavix-canary", "sender": ["+13137890021", "Acme"]},
        "carrierx": {"token": "carrierx-canary", "sender": "15162065575"},
        "signalwire": {
            "space": "example",
            "project_id": "p-1",
            "api_token": "signalwire-canary",
            "sender": "+15559876543",
        },
    },
    "routes": {
        "main": {"accounts": ["wavix", "carrierx", "signalwire"]},
        "strict": {"accounts": ["carrierx", "wavix"], "strict": True},
    },
    "senders": {"alerts": {"wavix": "Alerts", "signalwire": "+15559876543"}, "nobody": {}},
    "default": "main",
}
TO = "+13135550123"
OK = {
    "wavix": Response(201, {}, b'{"message_id":"w-1","status":"accepted"}'),
    "carrierx": Response(200, {}, b'{"message_sid":"c-1","status":"queued"}'),
    "signalwire": Response(201, {}, b'{"id":"s-1","status":"queued"}'),
}


def status(code: int, **headers: str) -> Response:
    """Return an answer with nothing but a status."""
    return Response(code, {name.replace("_", "-"): value for name, value in headers.items()}, b"")


def broken(stage: Stage, **facts: Any) -> Failure:
    """Return a request that failed at a stage."""
    return Failure(stage=stage, text="it broke", **facts)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def world(self) -> World:
        """Return a world on this clock, whose ids count."""
        count = itertools.count(1)
        return World(
            now=lambda: datetime(2026, 4, 14, tzinfo=UTC) + timedelta(seconds=self.seconds),
            clock=lambda: self.seconds,
            new_id=lambda: f"id-{next(count)}",
        )


@attrs.define
class Ride:
    """What stepping a send to its end brought."""

    delivery: Delivery | None = None
    error: PolysmsError | None = None
    calls: list[Call] = attrs.field(factory=list)
    waits: list[float] = attrs.field(factory=list)
    writes: list[Write] = attrs.field(factory=list)

    @property
    def asked(self) -> list[str]:
        """The accounts that were asked, in order."""
        return [call.account.name for call in self.calls]


def ride(  # noqa: PLR0913 - what a test may want to say, each by name
    message: Message,
    answers: Sequence[Response | Failure],
    *,
    via: str | None = None,
    clock: Clock | None = None,
    takes: float = 0.0,
    tables: dict[str, Any] | None = None,
    written: Sequence[LedgerError | None] = (),
    **changes: Any,
) -> Ride:
    """Step a send, giving it these answers in turn, each of which takes some seconds.

    ``written`` is what the ledger says to each line.
    """
    config = Config.from_mapping(tables or TABLES)
    route = attrs.evolve(config.route(via), **changes)
    accounts = tuple(config.account(name) for name in route.accounts)
    plan = Plan(
        route=route, accounts=accounts, senders=config.senders, rails=config.rails, written=True
    )
    clock = clock or Clock()
    done, given, troubles = Ride(), iter(answers), iter(written)
    steps: Generator[Step, Answer, Delivery] = deliver(message, plan, clock.world())
    answer: Answer = None
    try:
        while True:
            step = steps.send(answer)
            answer = None
            if isinstance(step, Call):
                done.calls.append(step)
                answer = next(given, None)
                assert answer is not None, "more was asked than the test answers"
                clock.seconds += takes
            elif isinstance(step, Wait):
                done.waits.append(step.seconds)
                clock.seconds += step.seconds
            elif isinstance(step, Admit):
                answer = 0.0
            else:
                done.writes.append(step)
                answer = next(troubles, None)
    except StopIteration as stop:
        done.delivery = stop.value
    except PolysmsError as error:
        done.error = error
    return done


def test_every_strategy_has_its_name() -> None:
    """The names a configuration may use are the strategies there are."""
    assert set(NAMES) == {*STRATEGIES, *DRAWING}


def test_accepted() -> None:
    """The first account takes it: one call, a delivery with ids that were handed in."""
    done = ride(Message(TO, "x", tag="t"), [OK["wavix"]])
    assert done.delivery is not None
    assert ("id-1", "id-2", "w-1") == (
        done.delivery.id,
        done.delivery.reference,
        done.delivery.provider_id,
    )
    assert (Status.QUEUED, 1) == (done.delivery.status, done.delivery.segments)
    chosen = [(one.account, one.chosen) for one in done.delivery.considered]
    assert [("wavix", True), ("carrierx", False), ("signalwire", False)] == chosen


def test_every_attempt_is_written_before_and_after() -> None:
    """An attempt is written down open, before its call, and closed with its outcome after."""
    done = ride(Message(TO, "x"), [status(401), OK["carrierx"]])
    outcomes = [(write.attempt.account, write.attempt.outcome) for write in done.writes]
    assert [
        ("wavix", None),
        ("wavix", Outcome.NOT_SENT),
        ("carrierx", None),
        ("carrierx", Outcome.ACCEPTED),
    ] == outcomes
    assert {"id-1"} == {write.id for write in done.writes}


UNWRITTEN = LedgerError("the ledger's disk is full")


def test_an_attempt_that_is_not_written_is_not_begun() -> None:
    """Without its line in the ledger no request is made: surely not sent, and nobody else asked."""
    done = ride(Message(TO, "x"), [], written=[UNWRITTEN])
    assert done.error is UNWRITTEN
    assert [] == done.calls
    assert done.error.delivery is not None
    assert Status.NOT_SENT is done.error.delivery.status
    assert [Outcome.NOT_SENT] == [one.outcome for one in done.error.delivery.attempts]


def test_what_may_be_sent_stays_so_without_the_ledger() -> None:
    """A ledger that fails at the second account does not make the first one's try a failure."""
    answers = [broken(Stage.WHOLE)]
    done = ride(Message(TO, "x"), answers, written=[None, None, UNWRITTEN], on_maybe_sent="next")
    assert MaybeSent is type(done.error)
    assert 1 == len(done.calls)


#: the first answer, and whether the next account is asked, and the error if it is the only one.
FIRST: list[tuple[Response | Failure, bool, type[PolysmsError]]] = [
    (broken(Stage.NOTHING), True, Unreachable),
    (broken(Stage.WHOLE), False, MaybeSent),
    (broken(Stage.NOTHING, ours=True), True, NotSent),
    (broken(Stage.NOTHING, ours=True, interrupted=True), False, NotSent),
    (broken(Stage.WHOLE, interrupted=True), False, MaybeSent),
    (status(400), False, Refused),
    (status(401), True, Refused),
    (status(402), True, Refused),
    (status(403), True, Refused),
    (status(404), True, Refused),
    (status(413), True, Refused),
    (status(451), False, Refused),
    (status(429), True, RateLimited),
    (status(429, retry_after="60"), True, RateLimited),
    (status(503, retry_after="60"), True, RateLimited),
    (status(503), False, Unreadable),
    (status(500), False, Unreadable),
    (status(409), False, Unreadable),
    (status(302), True, Refused),
    (Response(201, {}, b"{}"), False, Unreadable),
    (Response(422, {}, b'{"message":"unsubscribed"}'), False, Refused),
    (Response(422, {}, b'{"message":"Insufficient balance"}'), True, Refused),
    (Response(422, {}, b'{"message":"duplicate"}'), False, Unreadable),
]


@pytest.mark.parametrize(("answer", "goes_on", "error"), FIRST)
def test_goes_on_stops_or_holds(
    answer: Response | Failure,
    goes_on: bool,  # noqa: FBT001
    error: type[PolysmsError],
) -> None:
    """Not sent goes on, a message-side no stops, maybe sent stops: each with its own error."""
    done = ride(Message(TO, "x"), [answer, OK["carrierx"]])
    assert goes_on == (done.delivery is not None)
    alone = ride(Message(TO, "x"), [answer], via="wavix", repeats=0)
    assert error is type(alone.error)
    assert alone.error is not None
    assert alone.error.delivery is not None
    unsure = isinstance(alone.error, MaybeSent)
    expected = Status.MAYBE_SENT if unsure else Status.NOT_SENT
    assert expected is alone.error.delivery.status


LEFT_OUT = [
    (broken(Stage.WHOLE), 'wavix may have sent it, and on_maybe_sent is "stop"'),
    (status(400), "no other account would take it either (other)"),
    (broken(Stage.NOTHING, ours=True, interrupted=True), "somebody stopped us"),
    (Response(201, {}, b"{}"), "wavix has said yes, if not to what"),
    (OK["wavix"], "wavix took the message"),
]


@pytest.mark.parametrize(("answer", "why"), LEFT_OUT)
def test_why_the_others_are_not_asked(answer: Response | Failure, why: str) -> None:
    """Each account that is not asked is told, with what would have had to be otherwise."""
    done = ride(Message(TO, "x"), [answer])
    delivery = done.delivery or (done.error and done.error.delivery)
    assert delivery
    left_out = [(one.account, one.why) for one in delivery.considered[1:]]
    assert [("carrierx", f"not asked: {why}"), ("signalwire", f"not asked: {why}")] == left_out


def test_two_copies_are_enough() -> None:
    """Under "next" the third account is not asked after two that may have sent it."""
    done = ride(Message(TO, "x"), [broken(Stage.WHOLE)] * 2, on_maybe_sent="next")
    assert done.error is not None
    assert done.error.delivery is not None
    last = done.error.delivery.considered[-1]
    assert ("signalwire", "not asked: two copies may have been sent already") == (
        last.account,
        last.why,
    )


RETRIES = [(status(429), True), (status(400), False), (broken(Stage.NOTHING), True)]


@pytest.mark.parametrize(("answer", "later"), RETRIES)
def test_delivery_says_whether_to_try_later(answer: Response | Failure, later: bool) -> None:  # noqa: FBT001
    """The delivery of an error knows as well as the error whether it may succeed later."""
    done = ride(Message(TO, "x"), [answer], via="wavix", repeats=0)
    assert done.error is not None
    assert done.error.delivery is not None
    assert [later, later] == [done.error.retry_later, done.error.delivery.retry_later]


def test_dying_connection_is_replaced_once() -> None:
    """A request cut short surely was not sent: the same account is asked once more, at once."""
    done = ride(Message(TO, "x"), [broken(Stage.PARTIAL), OK["wavix"]])
    assert (["wavix", "wavix"], [0.0]) == (done.asked, done.waits)
    twice: list[Response | Failure] = [
        broken(Stage.PARTIAL),
        broken(Stage.PARTIAL),
        OK["carrierx"],
    ]
    again = ride(Message(TO, "x"), twice)
    assert ["wavix", "wavix", "carrierx"] == again.asked
    assert again.delivery is not None
    assert Evidence.NOT_COMPLETE is again.delivery.attempts[0].evidence


def test_short_wait_is_waited_once() -> None:
    """A busy provider that names a short wait is asked once more, then the next one is."""
    busy = status(429, retry_after="3")
    done = ride(Message(TO, "x"), [busy, busy, OK["carrierx"]])
    assert (["wavix", "wavix", "carrierx"], [3.0]) == (done.asked, done.waits)


def test_wait_that_does_not_fit_is_not_waited() -> None:
    """A wait longer than what is left before the deadline is none."""
    done = ride(Message(TO, "x"), [status(429, retry_after="3"), OK["carrierx"]], deadline=2.0)
    assert (["wavix", "carrierx"], []) == (done.asked, done.waits)


def test_wait_after_which_nothing_fits() -> None:
    """Where the wait used up what was left, nothing more is asked, and the first answer counts."""
    clock = Clock()
    busy = status(429, retry_after="3")
    done = ride(Message(TO, "x"), [busy], deadline=3.0, clock=clock, via="wavix")
    assert RateLimited is type(done.error) or NotSent is type(done.error)
    assert 1 == len(done.calls)


def test_second_copy_only_by_name() -> None:
    """With "next" one more account is asked after a maybe sent, and no third."""
    unsure = broken(Stage.WHOLE)
    done = ride(Message(TO, "x"), [unsure, unsure, OK["signalwire"]], on_maybe_sent="next")
    assert ["wavix", "carrierx"] == done.asked
    assert MaybeSent is type(done.error)
    taken = ride(Message(TO, "x"), [unsure, OK["carrierx"]], on_maybe_sent="next")
    assert taken.delivery is not None
    assert Status.QUEUED is taken.delivery.status


def test_no_copy_after_a_2xx() -> None:
    """Once a 2xx was read the message is theirs, whatever the route says."""
    done = ride(Message(TO, "x"), [Response(201, {}, b"{}")], on_maybe_sent="next")
    assert (["wavix"], Unreadable) == (done.asked, type(done.error))


def test_maybe_sent_outweighs_what_follows() -> None:
    """A refusal by the second account does not make the first one's maybe a no."""
    answers: list[Response | Failure] = [broken(Stage.WHOLE), status(401), status(401)]
    done = ride(Message(TO, "x"), answers, on_maybe_sent="next")
    assert MaybeSent is type(done.error)
    assert done.error is not None
    assert done.error.delivery is not None
    assert Status.MAYBE_SENT is done.error.delivery.status


def test_all_failed() -> None:
    """Two or more accounts in vain: AllFailed, with the last understood reason."""
    done = ride(Message(TO, "x"), [status(401), status(402), broken(Stage.NOTHING)], repeats=0)
    assert AllFailed is type(done.error)
    assert done.error is not None
    assert (Reason.BALANCE, True) == (done.error.reason, done.error.retry_later)
    assert done.error.delivery is not None
    assert 3 == len(done.error.delivery.attempts)


def test_deadline_bounds_every_call() -> None:
    """Each call gets what is left of the deadline; when nothing is left nothing is asked."""
    answers = [broken(Stage.NOTHING), broken(Stage.NOTHING)]
    done = ride(Message(TO, "x"), answers, deadline=10.0, takes=6.0)
    assert [10.0, 4.0] == [call.seconds for call in done.calls]
    assert AllFailed is type(done.error)
    short = ride(Message(TO, "x"), [OK["wavix"]], attempt_timeout=2.0)
    assert [2.0] == [call.seconds for call in short.calls]


def test_no_attempt_after_expiry() -> None:
    """valid_for ends a send as a deadline does, and a later attempt asks for what is left of it."""
    import json

    message = Message(TO, "x", valid_for=10)
    answers = [broken(Stage.NOTHING)] * 3
    done = ride(message, answers, takes=6.0)
    assert ["wavix", "carrierx"] == done.asked
    tables = {**TABLES, "routes": {"main": {"accounts": ["carrierx", "wavix"]}}}
    later = ride(message, [broken(Stage.NOTHING), OK["wavix"]], takes=6.0, tables=tables)
    assert 4 == json.loads(later.calls[1].request.content)["validity"]


def test_expired_before_it_began() -> None:
    """A deadline that has passed lets nothing be asked."""
    clock = Clock()
    config = Config.from_mapping(TABLES)
    plan = Plan(
        route=attrs.evolve(config.route("wavix"), deadline=Seconds(0.0)),
        accounts=(config.account("wavix"),),
    )
    with pytest.raises(NotSent, match="no time"):
        next(deliver(Message(TO, "x"), plan, clock.world()))


def test_expiry_of_an_attempt() -> None:
    """An open attempt is called maybe sent thirty seconds after its deadline."""
    attempt = ride(Message(TO, "x"), [OK["wavix"]], deadline=10.0).writes[0].attempt
    assert attempt.expires_at is not None
    assert timedelta(seconds=40) == attempt.expires_at - attempt.started_at


SENDERS = [
    (None, ["wavix", "carrierx", "signalwire"]),
    ("+1 313 789 0021", ["wavix"]),
    ("15162065575", ["carrierx"]),
    ("@alerts", ["wavix", "signalwire"]),
    ("Nobody", []),
]


@pytest.mark.parametrize(("sender", "asked"), SENDERS)
def test_only_accounts_with_the_sender(sender: str | None, asked: list[str]) -> None:
    """A sender that an account does not list leaves that account out, with the reason."""
    answers = [broken(Stage.NOTHING)] * 3
    done = ride(Message("+447537151866", "x", from_=sender), answers, repeats=0)
    assert asked == done.asked
    assert done.error is not None
    assert done.error.delivery is not None
    skipped = [one.account for one in done.error.delivery.considered if not one.chosen]
    assert sorted(set(TABLES["accounts"]) - set(asked)) == sorted(skipped)


def test_unknown_logical_sender() -> None:
    """A logical sender that nobody configured is an error before anything is asked."""
    done = ride(Message(TO, "x", from_="@allerts"), [])
    assert InvalidMessage is type(done.error)
    assert "@alerts" in str(done.error)


def test_logical_sender_without_numbers() -> None:
    """A logical sender that no account has is refused by every account."""
    done = ride(Message(TO, "x", from_="@nobody"), [])
    assert AllFailed is type(done.error)


def test_sender_list_is_sticky_and_falls_back() -> None:
    """One recipient always hears from the same sender; one that cannot be used gives way."""
    first = {ride(Message(TO, "x"), [OK["wavix"]]).writes[0].attempt.from_ for _ in range(3)}
    assert 1 == len(first)
    numbers = [f"+1313555{last:04d}" for last in range(100, 120)]
    american = {ride(Message(n, "x"), [OK["wavix"]]).writes[0].attempt.from_ for n in numbers}
    assert {"+13137890021"} == american
    british = [f"+4475371518{last}" for last in range(10, 30)]
    used = {ride(Message(n, "x"), [OK["wavix"]]).writes[0].attempt.from_ for n in british}
    assert {"+13137890021", "Acme"} == used


def test_other_trouble_than_the_sender_is_told_at_once() -> None:
    """Another sender does not help against too many media."""
    media = [f"https://example.com/{one}.png" for one in range(6)]
    done = ride(Message(TO, "x", media=media), [], via="wavix")
    assert Unsupported is type(done.error)
    assert done.error is not None
    assert Reason.MEDIA is done.error.reason


def test_account_without_a_sender() -> None:
    """An account with no sender cannot send, and says how to mend it."""
    tables = {"accounts": {"wavix": {"api_key": "k-canary"}}}
    done = ride(Message(TO, "x"), [], tables=tables)
    assert "add it to its sender" in str(done.error)


def test_unsupported_is_skipped() -> None:
    """An account that cannot say the message is left out; the next one is asked."""
    done = ride(Message("988", "x"), [OK["signalwire"]])
    assert ["signalwire"] == done.asked
    assert done.delivery is not None
    assert [False, False, True] == [one.chosen for one in done.delivery.considered]


def test_advisory_wishes_are_told_or_strict() -> None:
    """A wish without a word is named in the attempt; a strict route leaves the account out."""
    done = ride(Message(TO, "x", valid_for=60), [OK["carrierx"]], via="carrierx")
    assert ("valid_for",) == done.writes[0].attempt.unsupported
    strict = ride(Message(TO, "x", valid_for=60), [OK["wavix"]], via="strict")
    assert ["wavix"] == strict.asked


def rails(**rails: Any) -> dict[str, Any]:
    """Return the tables with rails."""
    return {**TABLES, "rails": rails}


RAILS: list[tuple[dict[str, Any], dict[str, Any], str | None]] = [
    ({"only_to": [TO]}, {}, None),
    ({"only_to": ["+13135550199"]}, {}, "only_to"),
    ({"countries": ["US"]}, {}, None),
    ({"countries": ["gb"]}, {}, "countries"),
    ({"countries": ["US"]}, {"to": "+15559876543"}, "countries"),
    ({"max_segments": 1}, {}, None),
    ({"max_segments": 1}, {"text": "a" * 161}, "max_segments"),
    ({"redirect_to": "+13135550199"}, {}, None),
    ({"redirect_to": "+13135550199", "only_to": ["+13135550199"]}, {}, None),
    (
        {"only_to": [TO]},
        {"options": {"carrierx": {"group_recipients": ["+13135550124"]}}},
        "only_to",
    ),
    (
        {"redirect_to": TO},
        {"options": {"carrierx": {"group_recipients": ["+13135550124"]}}},
        "redirect_to",
    ),
]


@pytest.mark.parametrize(("rule", "fields", "refused"), RAILS)
def test_rails(rule: dict[str, Any], fields: dict[str, Any], refused: str | None) -> None:
    """Rails hold for every number a request would reach, and refuse before anything is asked."""
    message = Message(**{"to": TO, "text": "x", **fields})
    done = ride(message, [OK["carrierx"]], via="carrierx", tables=rails(**rule))
    if refused is None:
        assert done.delivery is not None
        return
    assert [] == done.calls
    assert isinstance(done.error, Refused)
    assert ("polysms", Reason.BLOCKED) == (done.error.by, done.error.reason)
    assert refused in str(done.error)
    assert "3135550123" not in str(done.error)


def test_rails_stop_the_route() -> None:
    """What polysms itself refuses is not tried elsewhere."""
    done = ride(Message(TO, "x"), [], tables=rails(only_to=["+13135550199"]))
    assert Refused is type(done.error)


def test_redirected_message_goes_to_the_redirect() -> None:
    """With redirect_to every message has that one recipient."""
    done = ride(Message(TO, "x"), [OK["wavix"]], tables=rails(redirect_to="+13135550199"))
    assert done.delivery is not None
    assert "+13135550199" == done.delivery.to
    assert b"+13135550199" in done.calls[0].request.content


class _Odd:
    """An adapter with bugs of its own."""

    def __init__(self, real: Any, reading: object) -> None:
        self.capabilities = real.capabilities
        self.request = real.request
        self._reading = reading

    def read(self, _: Response) -> Any:
        """Answer with nonsense, or break."""
        if isinstance(self._reading, Exception):
            raise self._reading
        return self._reading


@pytest.mark.parametrize("reading", [ValueError("bug"), "nonsense", None])
def test_bug_in_an_adapter_is_maybe_sent(reading: object) -> None:
    """An adapter that breaks on an answer, or answers with nonsense, leaves the message unclear."""
    config = Config.from_mapping(TABLES)
    account = config.account("wavix")
    odd: Any = _Odd(account.adapter, reading)
    plan = Plan(route=config.route("wavix"), accounts=(attrs.evolve(account, provider=odd),))
    steps = deliver(Message(TO, "x"), plan, Clock().world())
    assert isinstance(next(steps), Call)
    with pytest.raises(MaybeSent):
        steps.send(OK["wavix"])


def test_call_needs_an_answer() -> None:
    """A driver that answers a call with nothing is told so."""
    config = Config.from_mapping(TABLES)
    plan = Plan(route=config.route("wavix"), accounts=(config.account("wavix"),))
    steps = deliver(Message(TO, "x"), plan, Clock().world())
    assert isinstance(next(steps).request, Request)  # type: ignore[union-attr]
    with pytest.raises(TypeError, match="answered"):
        steps.send(None)


def test_faults() -> None:
    """Whose doing it was is told: ours, the account's, the recipient's, the provider's."""
    found = [
        ride(Message(TO, "x"), [answer], via="wavix", repeats=0).error
        for answer in (
            broken(Stage.NOTHING, ours=True),
            status(401),
            Response(422, {}, b'{"message":"invalid number"}'),
            broken(Stage.NOTHING),
        )
    ]
    expected = [Fault.US, Fault.ACCOUNT, Fault.RECIPIENT, Fault.PROVIDER]
    assert expected == [error.fault for error in found if error is not None]


ANSWERS = st.sampled_from(
    [
        broken(Stage.NOTHING),
        broken(Stage.PARTIAL),
        broken(Stage.WHOLE),
        broken(Stage.NOTHING, ours=True),
        *(status(code) for code in (200, 201, 204, 302, 400, 401, 404, 409, 429, 500, 503)),
        status(429, retry_after="1"),
        Response(201, {}, b'{"message_id":"m","message_sid":"m","id":"m"}'),
    ]
)


@given(answers=st.lists(ANSWERS, min_size=8, max_size=8), rule=st.sampled_from(["stop", "next"]))
def test_the_law(answers: list[Response | Failure], rule: str) -> None:
    """Whatever is answered: a maybe sent is never called not sent, and never followed unasked."""
    done = ride(Message(TO, "x"), answers, on_maybe_sent=rule)
    outcomes = [write.attempt.outcome for write in done.writes if write.attempt.outcome is not None]
    unsure = [number for number, one in enumerate(outcomes) if one is Outcome.MAYBE_SENT]
    if done.error is not None:
        assert bool(unsure) == isinstance(done.error, MaybeSent)
    if rule == "stop" and unsure:
        assert unsure == [len(outcomes) - 1]
    assert len(unsure) + outcomes.count(Outcome.ACCEPTED) <= 2
    assert max(done.asked.count(name) for name in TABLES["accounts"]) <= 2
