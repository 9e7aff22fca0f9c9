"""Which account is asked next, and when: messages one after the other through one client's health.

The router is stepped by hand on a clock of its own; nothing here touches a network.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Any

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from polysms.errors import (
    AllFailed,
    Fault,
    RateLimited,
    Reason,
    Unreachable,
)
from polysms.message import Message
from polysms.providers.base import Response
from polysms.routing.breaker import Entry
from polysms.routing.deliver import deliver
from polysms.routing.health import Signal
from polysms.routing.run import LONGEST_WAIT
from polysms.routing.steps import Admit, Call, Failure, Stage
from tests.routing.streets import Sent, Steps, Street
from tests.routing.test_deliver import OK, TABLES, broken, status

NAMES = ("wavix", "carrierx", "signalwire")
NOTHING = broken(Stage.NOTHING)
PARTIAL = broken(Stage.PARTIAL)
WHOLE = broken(Stage.WHOLE)
BAD_NUMBER = Response(422, {}, b'{"message":"invalid number"}')
BAD_SENDER = Response(422, {}, b'{"message":"Sender ID not found"}')
RESTS = "its sender was refused of late; it is tried again later"
LAST = "no other is left, though it should rest"


def message(number: int = 0, **fields: Any) -> Message:
    """Return one of many messages."""
    return Message(**{"to": f"+1313555{number:04d}", "text": "x", **fields})


def tables(*accounts: str, limits: dict[str, Any] | None = None, **route: Any) -> dict[str, Any]:
    """Return the tables with one route through these accounts, each of them with these limits."""
    known = {name: {**TABLES["accounts"][name], **(limits or {})} for name in NAMES}
    main = {"accounts": accounts or NAMES, **route}
    return {**TABLES, "accounts": known, "routes": {"main": main}}


def opened(street: Street, *names: str, chance: float = 1.0) -> None:
    """Open the breakers of accounts, for thirty seconds at most."""
    for name in names:
        for _ in range(5):
            street.health.told(name, Entry.USUAL, Signal.BAD, street.clock.seconds, chance)


def marked(street: Street, *names: str) -> None:
    """Let the credentials of accounts be refused."""
    for name in names:
        now = street.clock.seconds
        street.health.refused(name, None, Reason.CREDENTIALS, message(), now)


def upto(steps: Steps, kind: type[Admit | Call]) -> Any:
    """Step a send up to its next step of a kind, which comes next."""
    step = next(steps)
    assert isinstance(step, kind)
    return step


def test_open_account_is_passed_over() -> None:
    """Once its breaker is open an account is not asked, and the delivery tells why."""
    street = Street()
    street.script["wavix"] = NOTHING
    for number in range(5):
        assert ["wavix", "carrierx"] == street.send(message(number)).asked
    sent = street.send(message())
    assert [
        ("wavix", False, "its breaker is open for another 30 s (5 failures in a row)"),
        ("carrierx", True, "first by failover"),
    ] == sent.considered[:2]
    assert ["not asked: carrierx took the message"] == sent.why("signalwire")


def test_healed_account_is_asked_again() -> None:
    """After an opening the first that comes is the probe; after two good ones all is as before."""
    street = Street()
    opened(street, "wavix")
    street.clock.seconds += 29.0
    assert ["carrierx"] == street.send(message()).asked
    street.clock.seconds += 1.0
    for _ in range(2):
        assert ["wavix"] == street.send(message()).asked
    street.script["wavix"] = [NOTHING] * 4
    for _ in range(4):
        assert ["wavix", "carrierx"] == street.send(message()).asked
    assert ["wavix"] == street.send(message()).asked


def test_others_are_not_asked_while_one_probes() -> None:
    """While a probe is under way the other messages go by the next account."""
    street = Street()
    opened(street, "wavix")
    street.clock.seconds += 30.0
    probing = street.begin(message())
    assert "wavix" == upto(probing, Call).account.name
    for _ in range(10):
        other = street.send(message())
        assert ["carrierx"] == other.asked
        assert "a probe is under way" in other.why("wavix")[0]
    assert street.follow(probing, OK["wavix"]).delivery is not None
    assert ["wavix"] == street.send(message()).asked


def test_another_probe_was_quicker() -> None:
    """Who finds the probe taken when its rate allows it at last goes on to the next account."""
    street = Street(tables(limits={"mps": 1}))
    opened(street, "wavix")
    street.clock.seconds += 30.0
    slow = street.begin(message(1))
    assert "wavix" == upto(slow, Admit).account.name
    quick = street.begin(message(2))
    upto(quick, Admit)
    assert isinstance(quick.send(0.0), Call)
    sent = street.follow(slow, 0.0)
    assert ["carrierx"] == sent.asked
    assert "another probe was quicker" == sent.why("wavix")[0]


#: Answers, and whether five of them in a row open the breaker.
OPENING: list[tuple[Response | Failure, bool]] = [
    (NOTHING, True),
    (PARTIAL, True),
    (WHOLE, True),
    (status(500), True),
    (status(502), True),
    (status(503), True),
    (status(503, retry_after="0"), True),
    (Response(201, {}, b"{}"), True),
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
    street.script["wavix"] = [answer] * 5
    for number in range(5):
        assert "wavix" == street.send(message(number), repeats=0).asked[0]
    assert ["carrierx" if opens else "wavix"] == street.send(message()).asked


@pytest.mark.parametrize("answer", [status(400), BAD_NUMBER, status(429), status(409)])
def test_a_hundred_bad_messages(answer: Response) -> None:
    """A hundred messages that are refused, or come too fast, leave the account as well as ever."""
    street = Street()
    street.script["wavix"] = [answer] * 100
    for number in range(100):
        assert "wavix" == street.send(message(number)).asked[0]
    assert ["wavix"] == street.send(message()).asked


@pytest.mark.parametrize(("seconds", "account"), [(2, "wavix"), (3, "carrierx")])
def test_attempt_cut_short_says_nothing(seconds: int, account: str) -> None:
    """An attempt that had less time than a connection may take is no proof against anyone."""
    street = Street()
    street.script["wavix"] = [WHOLE] * 5
    for number in range(5):
        street.send(message(number, valid_for=seconds))
    assert [account] == street.send(message()).asked


def test_short_attempts_by_choice_count() -> None:
    """Where a route gives every attempt but a second, that second is a fair try."""
    street = Street()
    street.script["wavix"] = [WHOLE] * 5
    for number in range(5):
        street.send(message(number), attempt_timeout=1.0)
    assert ["carrierx"] == street.send(message()).asked


def test_credentials_mark_skips_the_account() -> None:
    """Refused credentials keep messages away for five minutes; then one tries, all others wait."""
    street = Street()
    street.script["wavix"] = [status(401), status(401)]
    assert ["wavix", "carrierx"] == street.send(message()).asked
    street.clock.seconds += 1.0
    second = street.send(message())
    assert ["carrierx"] == second.asked
    assert "its credentials were refused; tried again in 299 s" == second.why("wavix")[0]
    street.clock.seconds += 299.0
    trying = street.begin(message())
    assert "wavix" == upto(trying, Call).account.name
    assert ["carrierx"] == street.send(message()).asked
    street.follow(trying, status(401))
    street.clock.seconds += 299.0
    assert ["carrierx"] == street.send(message()).asked
    street.clock.seconds += 1.0
    street.script["wavix"] = OK["wavix"]
    assert [["wavix"]] * 2 == [street.send(message()).asked for _ in range(2)]


def test_permission_of_one_message_marks_nobody() -> None:
    """A message that may not be sent there goes on; the account is left alone after three."""
    street = Street()
    street.script["wavix"] = status(403)
    for number in (1, 1, 1, 2, 3):
        assert ["wavix", "carrierx"] == street.send(message(number)).asked
    assert ["carrierx"] == street.send(message(4)).asked


def test_refused_sender_rests() -> None:
    """An account whose only sender was refused is passed over for the messages from it."""
    street = Street(tables("carrierx", "wavix"))
    refusal = Response(400, {}, b'{"errors":[{"code":1}]}')
    now = street.clock.seconds
    street.health.refused("carrierx", "15162065575", Reason.SENDER, message(), now)
    sent = street.send(message())
    assert (["wavix"], RESTS) == (sent.asked, sent.why("carrierx")[0])
    street.clock.seconds += 300.0
    street.script["carrierx"] = refusal
    assert "carrierx" == street.send(message()).asked[0]


def test_refused_sender_gives_way_to_another() -> None:
    """Where an account has a second sender for the message, that one is taken."""
    street = Street()
    numbers = [Message(f"+4475371518{last}", "x") for last in range(10, 30)]
    named = next(one for one in numbers if _from(street.send(one)) == ["Acme"])
    street.script["wavix"] = [BAD_SENDER]
    assert ["wavix", "carrierx"] == street.send(named).asked
    assert ["+13137890021"] == _from(street.send(named))
    street.clock.seconds += 300.0
    assert ["Acme"] == _from(street.send(named))


def _from(sent: Sent) -> list[str | None]:
    """Return the senders of the attempts, in order."""
    return [one.from_ for one in sent.known.attempts]


def test_refused_sender_is_used_where_no_other_is_left() -> None:
    """Where nobody else could take it, the message is tried from the refused sender after all."""
    street = Street()
    now = street.clock.seconds
    street.health.refused("carrierx", "15162065575", Reason.SENDER, message(), now)
    sent = street.send(message(from_="15162065575"))
    assert (["carrierx"], [RESTS, LAST]) == (sent.asked, sent.why("carrierx"))


def test_mark_of_another_sender() -> None:
    """A sender that the message is not from keeps nobody away."""
    street = Street()
    street.health.refused("wavix", "Acme", Reason.SENDER, message(), street.clock.seconds)
    assert ["wavix"] == street.send(message(from_="+13137890021")).asked
    # And an account that has no sender for it at all says that, marked or not.
    sent = street.send(message(from_="15162065575"))
    assert "does not list this sender" in sent.why("wavix")[0]


def test_last_usable_is_forced() -> None:
    """Where every account should rest, the one that is well soonest is asked all the same."""
    street = Street()
    marked(street, "signalwire")
    opened(street, "wavix")
    opened(street, "carrierx", chance=0.5)
    sent = street.send(message())
    assert (["carrierx"], 1) == (sent.asked, sent.why("carrierx").count(LAST))
    assert sent.delivery is not None


def test_forced_once() -> None:
    """One is forced, and no second where that fails: each would cost the message its timeouts."""
    street = Street()
    opened(street, *NAMES)
    street.script |= dict.fromkeys(NAMES, NOTHING)
    sent = street.send(message())
    assert ["wavix"] == sent.asked
    assert AllFailed is type(sent.error)
    assert sent.error is not None
    assert sent.error.retry_later
    told = str(sent.error)
    assert all(f"{name}: its breaker is open" in told for name in ("carrierx", "signalwire"))


#: What the accounts answer in the histories: no pauses, which an account asked for itself.
ANSWERS: list[Response | Failure] = [
    OK["wavix"],
    OK["carrierx"],
    OK["signalwire"],
    NOTHING,
    PARTIAL,
    WHOLE,
    broken(Stage.NOTHING, ours=True),
    *(status(code) for code in (201, 302, 400, 401, 402, 403, 404, 408, 409, 429, 500, 503)),
]
DOWN = (NOTHING, NOTHING, NOTHING)
HISTORIES = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.0, 1.0, 29.0, 31.0, 301.0]),
        st.one_of(
            st.sampled_from([DOWN, (status(401),) * 3, (OK["wavix"], NOTHING, status(402))]),
            st.tuples(*[st.sampled_from([*ANSWERS, BAD_SENDER])] * 3),
        ),
        st.sampled_from(["failover", "round_robin", "weighted"]),
        st.sampled_from([None, None, "@alerts", "15162065575", "+13137890021"]),
    ),
    max_size=25,
)


@given(history=HISTORIES)
@example(history=[(0.0, DOWN, "failover", None)] * 12)
def test_never_the_last_usable_route(
    history: list[tuple[float, Sequence[Response | Failure], str, str | None]],
) -> None:
    """Whatever happened before: a message is tried, and one account at most is forced."""
    street = Street()
    for number, (pause, answers, strategy, sender) in enumerate(history):
        street.clock.seconds += pause
        street.script = dict(zip(NAMES, answers, strict=True))
        sent = street.send(message(number, from_=sender), strategy=strategy)
        assert sent.asked
        reasons = [why for _, _, why in sent.considered]
        assert reasons.count(LAST) <= 1
        assert max(Counter(sent.asked).values()) <= 2


def test_single_account_is_always_asked() -> None:
    """A route of one account asks it, whatever its health: there is no other."""
    street = Street()
    for answer in (NOTHING, status(401), WHOLE, status(500), BAD_SENDER):
        street.script["carrierx"] = answer
        for number in range(20):
            assert "carrierx" == street.send(message(number), "carrierx", repeats=0).asked[0]


@pytest.mark.parametrize("seconds", [1, 3, 5])
def test_short_pause_is_waited_for(seconds: int) -> None:
    """A pause of up to five seconds is waited for: the account is asked once more, at its end."""
    street = Street()
    street.script["wavix"] = [status(429, retry_after=str(seconds))]
    sent = street.send(message())
    assert (["wavix", "wavix"], [seconds]) == (sent.asked, sent.waits)
    assert ["first by failover", "asked again"] == sent.why("wavix")


def test_pause_of_six_seconds_is_too_long() -> None:
    """One second more than five is not waited for while another account is left."""
    street = Street()
    street.script["wavix"] = [status(429, retry_after="6")]
    sent = street.send(message())
    assert (["wavix", "carrierx"], []) == (sent.asked, sent.waits)


def test_others_wait_for_a_short_pause_too() -> None:
    """A message that comes during a pause waits for what is left of it."""
    street = Street()
    street.health.pause("wavix", street.clock.seconds, 4.0)
    street.clock.seconds += 1.0
    sent = street.send(message())
    assert (["wavix"], [3.0]) == (sent.asked, sent.waits)


def test_long_pause_is_not_waited_for() -> None:
    """A longer pause sends this message, and those that follow, to the next account."""
    street = Street()
    street.script["wavix"] = [status(429, retry_after="60")]
    assert ["wavix", "carrierx"] == street.send(message()).asked
    street.clock.seconds += 30.0
    second = street.send(message())
    assert (["carrierx"], []) == (second.asked, second.waits)
    assert ["wavix is given no more for another 30.0 s: it asked for that"] == second.why("wavix")
    street.clock.seconds += 30.0
    assert ["wavix"] == street.send(message()).asked


def test_pause_longer_than_the_time_left() -> None:
    """A pause that ends after the deadline is not waited for, even where nobody else is left."""
    street = Street()
    street.script["wavix"] = [status(429, retry_after="3")]
    sent = street.send(message(), deadline=3.0)
    assert (["wavix", "carrierx"], []) == (sent.asked, sent.waits)
    street.script["carrierx"] = [status(429, retry_after="3")]
    alone = street.send(message(), "carrierx", deadline=3.0)
    assert (["carrierx"], []) == (alone.asked, alone.waits)
    assert RateLimited is type(alone.error)
    assert isinstance(alone.error, RateLimited)
    assert (3.0, True) == (alone.error.retry_after, alone.error.retry_later)


def test_skip_does_not_wait_for_a_pause() -> None:
    """With "skip" the next account is asked at once, and again the one that asked for patience."""
    street = Street()
    street.script["wavix"] = [status(429, retry_after="3")]
    sent = street.send(message(), when_limited="skip")
    assert (["wavix", "carrierx"], []) == (sent.asked, sent.waits)
    street.clock.seconds += 10.0
    street.script = {name: [status(429, retry_after="3")] for name in NAMES}
    last = street.send(message(), when_limited="skip")
    assert ([*NAMES, "signalwire"], [3.0]) == (last.asked, last.waits)


def test_rate_limit_without_a_time_is_not_knocked_at_again() -> None:
    """A 429 that names no time is not repeated."""
    street = Street()
    street.script["wavix"] = status(429)
    sent = street.send(message(), "wavix", repeats=2)
    assert (["wavix"], RateLimited) == (sent.asked, type(sent.error))


def test_early_408_is_repeated() -> None:
    """A "not whole" that comes at once is surely not sent, and is repeated after the others."""
    street = Street(tables("wavix", "carrierx"))
    street.script |= {"wavix": [status(408)], "carrierx": NOTHING}
    sent = street.send(message())
    assert ["wavix", "carrierx", "wavix"] == sent.asked


@pytest.mark.parametrize("repeats", [0, 1, 2, 5])
def test_repeats(repeats: int) -> None:
    """After all were tried, each that surely has nothing is asked again, as often as allowed."""
    street = Street(tables("wavix", "carrierx"))
    street.script |= dict.fromkeys(NAMES, NOTHING)
    sent = street.send(message(), "wavix", repeats=repeats)
    assert ["wavix"] * (repeats + 1) == sent.asked
    assert Unreachable is type(sent.error)


def test_repeats_come_after_the_others() -> None:
    """Nobody is asked a second time before everybody was asked once."""
    street = Street()
    street.script |= dict.fromkeys(NAMES, NOTHING)
    sent = street.send(message())
    assert [*NAMES, *NAMES] == sent.asked
    assert AllFailed is type(sent.error)


@pytest.mark.parametrize("answer", [status(401), status(403), broken(Stage.NOTHING, ours=True)])
def test_what_is_not_repeated(answer: Response | Failure) -> None:
    """An understood "no", and what is our own doing, are not repeated."""
    street = Street()
    street.script["wavix"] = answer
    assert ["wavix"] == street.send(message(), "wavix", repeats=2).asked


def test_resting_account_is_not_repeated() -> None:
    """An account whose breaker the message's own attempt opened is not asked again."""
    street = Street(tables("wavix", "carrierx"))
    for _ in range(4):
        street.health.told("wavix", Entry.USUAL, Signal.BAD, street.clock.seconds, 1.0)
    street.script |= dict.fromkeys(NAMES, NOTHING)
    assert ["wavix", "carrierx", "carrierx"] == street.send(message()).asked


def test_dying_connection_is_replaced_at_once() -> None:
    """A request that was cut short is made again without a wait, before anybody else is asked."""
    street = Street()
    street.script["wavix"] = [PARTIAL]
    sent = street.send(message())
    assert (["wavix", "wavix"], [0.0]) == (sent.asked, sent.waits)


def test_resting_account_is_not_repeated_at_once() -> None:
    """Nor is one that the dying connection itself has opened: the next account is asked."""
    street = Street()
    for _ in range(4):
        street.health.told("wavix", Entry.USUAL, Signal.BAD, street.clock.seconds, 1.0)
    street.script["wavix"] = PARTIAL
    assert ["wavix", "carrierx"] == street.send(message()).asked


def test_own_trouble_is_not_repeated_at_once() -> None:
    """A request that we ourselves cut short is not made again at once."""
    street = Street()
    street.script["wavix"] = [broken(Stage.PARTIAL, ours=True)]
    assert ["wavix", "carrierx"] == street.send(message()).asked


@given(draws=st.lists(st.floats(0, 1), min_size=12, max_size=12))
@example(draws=[1.0] * 12)
@example(draws=[0.0] * 12)
def test_full_jitter(draws: list[float]) -> None:
    """The n-th wait is a chance of half a second, twice as long each time, five at most."""
    street, most = Street(), [0.5, 1.0, 2.0, 4.0, 5.0]
    chance = iter(draws)
    street.draw = lambda: next(chance)
    street.script["wavix"] = NOTHING
    sent = street.send(message(), "wavix", repeats=5, deadline=3600.0)
    assert len(most) == len(sent.waits)
    # Each answer draws once for the breaker, each wait once for itself.
    assert [draw * one for draw, one in zip(draws[1::2], most, strict=False)] == sent.waits
    assert all(0 <= wait <= LONGEST_WAIT for wait in sent.waits)


def test_wait_that_does_not_fit_is_not_begun() -> None:
    """A repeat whose wait ends after the deadline is none."""
    street = Street()
    street.script["wavix"] = NOTHING
    sent = street.send(message(), "wavix", repeats=5, deadline=1.5)
    assert (["wavix", "wavix"], [0.5]) == (sent.asked, sent.waits)


def test_empty_budget() -> None:
    """With no repeats left each message has its first try, and five of those earn a repeat."""
    street = Street()
    street.draw = lambda: 0.0
    while street.health.spend("wavix", street.clock.seconds):
        pass
    street.script["wavix"] = NOTHING
    tries = [len(street.send(message(number), "wavix").asked) for number in range(10)]
    assert [1, 1, 1, 1, 2, 1, 1, 1, 1, 2] == tries


def test_error_of_an_empty_budget() -> None:
    """Who is not repeated for want of repeats is told to come back later."""
    street = Street()
    while street.health.spend("wavix", street.clock.seconds):
        pass
    street.script["wavix"] = NOTHING
    sent = street.send(message(), "wavix")
    assert Unreachable is type(sent.error)
    assert sent.error is not None
    assert (["wavix"], True) == (sent.asked, sent.error.retry_later)


def test_budget_never_limits_the_next_account() -> None:
    """Repeats at one account are limited, the first try at another never is."""
    street = Street()
    while street.health.spend("wavix", street.clock.seconds):
        pass
    street.script["wavix"] = [PARTIAL]
    assert ["wavix", "carrierx"] == street.send(message()).asked


RULES: list[dict[str, Any]] = [
    {"countries": ["GB"], "accounts": ["signalwire", "wavix"]},
    {"prefixes": ["+1416", "+1647"], "accounts": "carrierx"},
    {"kinds": "mms", "countries": "US", "accounts": ["signalwire"]},
    {"senders": ["+1 516 206 5575", "@alerts"], "accounts": ["carrierx", "signalwire"]},
]
#: Messages, and the accounts that their rule gives them.
RULED: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["wavix"]),
    ({"to": "+442079460123"}, ["signalwire", "wavix"]),
    ({"to": "+14165550123"}, ["carrierx"]),
    ({"to": "+14185550123"}, ["wavix"]),
    ({"media": ["https://example.com/a.png"]}, ["signalwire"]),
    ({"from_": "15162065575"}, ["carrierx", "signalwire"]),
    ({"from_": "@alerts"}, ["carrierx", "signalwire"]),
    ({"from_": "+13137890021"}, ["wavix"]),
    ({"to": "+442079460123", "from_": "15162065575"}, ["signalwire", "wavix"]),
]


@pytest.mark.parametrize(("fields", "accounts"), RULED)
def test_rules(fields: dict[str, Any], accounts: list[str]) -> None:
    """The first rule that fits a message by country, prefix, kind and sender names its accounts."""
    street = Street(tables("wavix", rules=RULES))
    street.script |= dict.fromkeys(NAMES, status(401))
    sent = street.send(message(**fields))
    assert accounts == list(dict.fromkeys(name for name, _, _ in sent.considered))


def test_account_alone_by_rule_is_always_asked() -> None:
    """Where a rule leaves one account, that one is the last usable: it is asked, well or not."""
    street = Street(tables("wavix", rules=RULES))
    opened(street, "carrierx")
    marked(street, "carrierx")
    assert ["carrierx"] == street.send(message(to="+14165550123")).asked


def test_round_robin() -> None:
    """Messages take turns; one that is open loses its turn to the others, fairly."""
    street = Street(tables(strategy="round_robin"))
    assert [*NAMES, *NAMES] == [street.send(message()).asked[0] for _ in range(6)]
    opened(street, "carrierx")
    asked = Counter(street.send(message()).asked[0] for _ in range(10))
    assert {"wavix": 5, "signalwire": 5} == asked


def test_weighted() -> None:
    """Shares are those of the weights; an account without one is asked last."""
    street = Street(tables(strategy="weighted", weights={"wavix": 1, "signalwire": 1}))
    street.script |= dict.fromkeys(NAMES, status(401))
    draws = iter([0.1, 0.2, 0.9])
    street.draw = lambda: next(draws, 0.5)
    sent = street.send(message())
    assert ["signalwire", "wavix", "carrierx"] == sent.asked
    assert "first by weighted" == sent.why("signalwire")[0]


def test_weighted_without_weights() -> None:
    """Without weights all have the same share."""
    street = Street(tables(strategy="weighted"))
    draws = iter([0.1, 0.2, 0.9])
    street.draw = lambda: next(draws, 0.5)
    assert ["signalwire"] == street.send(message()).asked


def test_sticky() -> None:
    """One recipient always goes by the same account, and by the same one where that is down."""
    street = Street(tables(strategy="weighted", sticky=True))
    street.draw = itertools.cycle([0.1, 0.5, 0.8, 0.9]).__next__
    first = {number: street.send(message(number)).asked[0] for number in range(30)}
    assert set(NAMES) == set(first.values())
    assert first == {number: street.send(message(number)).asked[0] for number in range(30)}


def test_cheapest() -> None:
    """The price list decides: by the beginning of the number, by segments, by kind."""
    prices = {
        "wavix": {"+1": 0.02, "+44": 0.03, "mms": {"+1": 0.01}},
        "carrierx": {"+1": 0.01},
    }
    street = Street({**tables(strategy="cheapest"), "prices": prices})
    plain = street.send(message(text="a" * 161))
    assert ["first by cheapest: it costs 0.02"] == plain.why("carrierx")
    media = street.send(message(media=["https://example.com/a.png"]))
    assert ["first by cheapest: it costs 0.01"] == media.why("wavix")
    street.script["wavix"] = status(403)
    abroad = street.send(message(to="+442079460123"))
    assert ["wavix", "carrierx"] == abroad.asked
    assert ["next by cheapest: no price is listed for it"] == abroad.why("carrierx")


def limited(*accounts: str, **route: Any) -> Street:
    """Return a street whose accounts have rates of their own."""
    return Street(tables(*accounts, limits={"mps": 1}, **route))


def test_rate_is_asked_before_every_attempt() -> None:
    """Each attempt takes its segments from the rates of the account and of its sender."""
    street = limited()
    street.script |= {"wavix": [PARTIAL, NOTHING], "carrierx": status(401)}
    sent = street.send(message(text="a" * 161))
    expected = [("wavix", "+13137890021"), ("wavix", "+13137890021"), ("carrierx", "15162065575")]
    assert expected == [(one.account.name, one.sender) for one in sent.admits][:3]
    assert [*["wavix"] * 2, "carrierx", "signalwire"] == sent.asked
    assert {2} == {one.segments for one in sent.admits}
    media = limited().send(message(text="a" * 161, media=["https://example.com/a.png"]))
    assert [1] == [one.segments for one in media.admits]


def test_account_without_a_rate_asks_nobody() -> None:
    """Where no rate is set none is asked."""
    assert [] == Street().send(message()).admits


def test_rate_is_waited_for() -> None:
    """A rate that is used up is waited for, longer than a provider would be, and asked again."""
    street = limited()
    street.rates.extend([20.0, 0.5, 0.0])
    sent = street.send(message())
    assert ([20.0, 0.5], 3, ["wavix"]) == (sent.waits, len(sent.admits), sent.asked)
    assert [60.0 - 20.5] == [call.seconds for call in sent.calls]


def test_skip_does_not_wait_for_a_rate() -> None:
    """With "skip" the next account is asked at once; the last one is waited for."""
    street = limited("wavix", "carrierx", when_limited="skip")
    street.rates.extend([0.2, 0.3])
    sent = street.send(message())
    assert (["carrierx"], [0.3]) == (sent.asked, sent.waits)
    assert ["wavix is given no more for another 0.2 s: its rate is used up"] == sent.why("wavix")


def test_rate_that_is_given_up() -> None:
    """A rate that is free only after the deadline is not waited for: later, please, by us."""
    street = limited("wavix")
    street.rates.append(60.0)
    sent = street.send(message())
    assert ([], []) == (sent.asked, sent.waits)
    assert isinstance(sent.error, RateLimited)
    assert (60.0, True, Fault.US) == (
        sent.error.retry_after,
        sent.error.retry_later,
        sent.error.fault,
    )


def test_rate_of_an_account_that_was_asked() -> None:
    """Where the rate stops only the repeats, the account's own answer stays the error."""
    street = limited("wavix")
    street.script["wavix"] = [PARTIAL]
    street.rates.extend([0.0, *[90.0] * 500])
    sent = street.send(message())
    assert (["wavix"], Unreachable) == (sent.asked, type(sent.error))


def test_rate_uses_up_no_repeats() -> None:
    """A repeat for which the rate has no room is offered once, and not until none are left."""
    street = limited("wavix")
    street.script["wavix"] = [PARTIAL]
    street.rates.extend([0.0, *[90.0] * 500])
    assert 2 == len(street.send(message()).admits)
    assert street.health.spend("wavix", street.clock.seconds)


def test_rate_that_is_never_free() -> None:
    """A rate that always wants another moment is given up in the end, though the clock stands."""
    street = limited("wavix")
    street.rates.extend([0.0625] * 10_000)
    world = attrs.evolve(street.world(), clock=lambda: 1000.0)
    sent = street.follow(deliver(message(), street.plan(), world))
    assert (1_000, RateLimited) == (len(sent.waits), type(sent.error))


@pytest.mark.parametrize("answer", [None, OK["wavix"], 1])
def test_admit_needs_seconds(answer: Any) -> None:
    """A driver that answers an Admit with anything but seconds is told so."""
    steps = limited().begin(message())
    upto(steps, Admit)
    with pytest.raises(TypeError, match="an Admit is answered by seconds"):
        steps.send(answer)


def test_patience() -> None:
    """A slot is waited for as the account says; with "skip" not at all but at the last account."""
    street = Street()
    street.script |= dict.fromkeys(NAMES, status(403))
    assert [2.0, 2.0, 2.0] == [call.patience for call in street.send(message()).calls]
    sent = street.send(message(), when_limited="skip", attempt_timeout=1.5)
    assert [0.0, 0.0, 1.5] == [call.patience for call in sent.calls]


def test_deadline_and_attempt_timeout() -> None:
    """Each attempt may take its own time or what is left of the deadline, whichever is less."""
    street = Street(takes=4.0)
    street.script |= dict.fromkeys(NAMES, NOTHING)
    sent = street.send(message(), deadline=10.0, attempt_timeout=5.0)
    assert [5.0, 5.0, 2.0] == [call.seconds for call in sent.calls]
    assert AllFailed is type(sent.error)


def test_deadline_is_over_before_the_last() -> None:
    """An account whose turn comes after the deadline is not asked, and says so."""
    street = Street(takes=6.0)
    street.script |= dict.fromkeys(NAMES, NOTHING)
    sent = street.send(message(), deadline=12.0)
    assert ["wavix", "carrierx"] == sent.asked
    assert ["no time was left"] == sent.why("signalwire")


#: First answers, and what is said of the two accounts behind.
LEFT: list[tuple[Response | Failure, list[str]]] = [
    (OK["wavix"], ["not asked: wavix took the message"] * 2),
    (status(401), ["next by failover", "not asked: carrierx took the message"]),
]


@pytest.mark.parametrize(("answer", "reasons"), LEFT)
def test_those_left_are_told(answer: Response | Failure, reasons: list[str]) -> None:
    """Whoever was not needed is named, with who took the message."""
    street = Street()
    street.script["wavix"] = answer
    sent = street.send(message())
    assert [[why] for why in reasons] == [sent.why("carrierx"), sent.why("signalwire")]


def test_forced_account_must_be_able() -> None:
    """The one forced attempt is not used up by an account that cannot say the message."""
    street = Street()
    opened(street, *NAMES)
    assert ["carrierx"] == street.send(message(from_="15162065575")).asked


def test_forced_account_must_not_be_paused() -> None:
    """Nor by one that asked to be left alone for longer than anybody waits."""
    street = Street()
    opened(street, "carrierx", "signalwire")
    opened(street, "wavix", chance=0.0)
    street.health.pause("wavix", street.clock.seconds, 60.0)
    assert ["carrierx"] == street.send(message()).asked


def test_refused_sender_of_a_single_account() -> None:
    """A sender that rests is still used where no other can say the message."""
    street = Street()
    street.script["wavix"] = [BAD_SENDER]
    street.send(message(), "wavix")
    assert ["wavix"] == street.send(message(), "wavix").asked


def test_skip_waits_for_the_last() -> None:
    """With "skip" the last account's short pause is waited for: there is nobody else."""
    street = Street()
    street.health.pause("wavix", street.clock.seconds, 2.0)
    sent = street.send(message(), "wavix", when_limited="skip")
    assert (["wavix"], [2.0]) == (sent.asked, sent.waits)
