"""What recent sends say of the accounts: breakers, marks, pauses, repeats, turns."""

from __future__ import annotations

import math
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.errors import Reason
from polysms.message import Message
from polysms.routing.breaker import Entry
from polysms.routing.health import Health, Signal

NAME = "wavix"
SENDER = "+13135550101"
#: When these tests begin: no clock of a machine begins at nought.
START = 5000.0
#: Seconds that an attempt of these tests may take.
TAKES = 20.0
WHOLE = 1.0


def message(number: int = 0) -> Message:
    """Return one of many messages."""
    return Message(f"+1313555{number:04d}", "x")


def told(health: Health, signal: Signal, times: int = 1, now: float = START) -> None:
    """Tell a health so many times of a usual attempt."""
    for _ in range(times):
        health.told(NAME, Entry.USUAL, signal, now, WHOLE)


def refused(
    health: Health, reason: Reason | None, number: int = 0, sender: str = SENDER, now: float = START
) -> None:
    """Tell a health of a refusal, or (without a reason) of an acceptance."""
    if reason is None:
        health.accepted(NAME, Entry.USUAL, sender, now)
    else:
        health.refused(NAME, sender, reason, message(number), now)


def earn(health: Health) -> None:
    """Make a message's first try."""
    health.enter(NAME, START, TAKES)


def test_well_at_first() -> None:
    """An account nobody has asked yet is well: no mark, no pause, no breaker open."""
    health = Health()
    assert health.why_not(NAME, START) is None
    assert (False, 0.0, 0) == (
        health.has_marks(NAME),
        health.seconds_paused(NAME, START),
        health.last_chosen(NAME),
    )
    assert Entry.USUAL == health.enter(NAME, START, TAKES)


def test_open_breaker_says_why() -> None:
    """An account whose breaker is open is not asked, and the reason says for how long."""
    health = Health()
    told(health, Signal.BAD, 5)
    expected = "its breaker is open for another 20 s (5 failures in a row)"
    assert expected == health.why_not(NAME, START + 10)
    assert health.enter(NAME, START + 10, TAKES) is None
    assert health.why_not("carrierx", START) is None


def test_half_open_breaker_says_why() -> None:
    """While a probe is under way the others are told so."""
    health = Health()
    told(health, Signal.BAD, 5)
    assert health.why_not(NAME, START + 30) is None
    assert Entry.PROBE == health.enter(NAME, START + 30, TAKES)
    expected = "its breaker is half open and a probe is under way (5 failures in a row)"
    assert expected == health.why_not(NAME, START + 30)
    health.told(NAME, Entry.PROBE, Signal.NOTHING, START + 31, WHOLE)
    assert health.why_not(NAME, START + 31) is None


def test_success_ends_a_row() -> None:
    """A good answer between the bad ones is heard."""
    health = Health()
    told(health, Signal.BAD, 4)
    health.accepted(NAME, Entry.USUAL, SENDER, START)
    told(health, Signal.BAD, 4)
    told(health, Signal.NOTHING, 100)
    assert health.why_not(NAME, START) is None
    told(health, Signal.BAD)
    assert health.why_not(NAME, START) is not None


def test_probes_close_it() -> None:
    """Two probes that succeed let everybody in again."""
    health = Health()
    told(health, Signal.BAD, 5)
    for _ in range(2):
        entry = health.enter(NAME, START + 30, TAKES)
        assert entry == Entry.PROBE
        health.accepted(NAME, entry, SENDER, START + 30)
    assert Entry.USUAL == health.enter(NAME, START + 30, TAKES)


def test_openings() -> None:
    """How often its breaker opened is known of each account, and is redeemed by health."""
    health = Health()
    told(health, Signal.BAD, 5)
    assert (1, 0) == (health.openings(NAME), health.openings("carrierx"))
    for _ in range(2):
        health.accepted(NAME, Entry.FORCED, SENDER, START)
    told(health, Signal.BAD, 5, START + 10)
    assert 1 == health.openings(NAME)


def test_forced() -> None:
    """The last that can take a message is asked against its breaker, and its turn is noted."""
    health = Health()
    told(health, Signal.BAD, 5)
    assert (Entry.FORCED, 1) == (
        health.enter(NAME, START, TAKES, forced=True),
        health.last_chosen(NAME),
    )


def test_forced_probe_is_a_probe() -> None:
    """Where a probe may be made anyway, being forced changes nothing: it is the one probe."""
    health = Health()
    told(health, Signal.BAD, 5)
    assert Entry.PROBE == health.enter(NAME, START + 30, TAKES, forced=True)
    assert Entry.FORCED == health.enter(NAME, START + 30, TAKES, forced=True)


MARKS = [
    (Reason.CREDENTIALS, "its credentials were refused; tried again in 290 s"),
    (Reason.BALANCE, "its balance is used up; tried again in 290 s"),
]


@pytest.mark.parametrize(("reason", "why"), MARKS)
def test_mark(reason: Reason, why: str) -> None:
    """One refusal that an operator must mend keeps everybody away for five minutes."""
    health = Health()
    refused(health, reason)
    assert (why, True) == (health.why_not(NAME, START + 10), health.has_marks(NAME))
    assert health.enter(NAME, START + 10, TAKES) is None
    assert health.why_not(NAME, START + 299.9) is not None
    assert health.why_not(NAME, START + 300) is None
    assert health.why_not("carrierx", START) is None


def test_one_tries_whether_it_was_mended() -> None:
    """After the five minutes one is let in; the others wait for its answer, and not for ever."""
    health = Health()
    refused(health, Reason.CREDENTIALS)
    found = [health.enter(NAME, START + 300, TAKES) for _ in range(100)]
    assert [Entry.USUAL] + [None] * 99 == found
    assert health.why_not(NAME, START + 300 + TAKES - 1) is not None
    assert health.why_not(NAME, START + 300 + TAKES) is None


def test_mark_is_renewed() -> None:
    """Refused once more, it is left alone for another five minutes."""
    health = Health()
    refused(health, Reason.CREDENTIALS)
    health.enter(NAME, START + 300, TAKES)
    refused(health, Reason.CREDENTIALS, now=START + 301)
    assert health.why_not(NAME, START + 600) is not None
    assert health.why_not(NAME, START + 601) is None


def test_forced_against_a_mark() -> None:
    """The last that can take a message is asked against its mark too."""
    health = Health()
    refused(health, Reason.CREDENTIALS)
    assert Entry.USUAL == health.enter(NAME, START, TAKES, forced=True)
    assert health.why_not(NAME, START + 299) is not None


#: Answers that show that the account is known and in funds.
CLEARING = [None, *(reason for reason in Reason if reason.stops), Reason.QUOTA, Reason.MEDIA]


@pytest.mark.parametrize("reason", CLEARING)
@pytest.mark.parametrize("marking", [Reason.CREDENTIALS, Reason.BALANCE])
def test_mark_is_cleared(marking: Reason, reason: Reason | None) -> None:
    """An acceptance clears it at once, and so does a "no" that is about the message alone."""
    health = Health()
    refused(health, marking)
    refused(health, reason, now=START + 1)
    assert (None, False) == (health.why_not(NAME, START + 1), health.has_marks(NAME))


@pytest.mark.parametrize("reason", [Reason.SENDER, Reason.PERMISSION])
def test_mark_is_not_cleared_by_another_trouble(reason: Reason) -> None:
    """Another "no" about the account leaves it as it is."""
    health = Health()
    refused(health, Reason.CREDENTIALS)
    refused(health, reason, now=START + 1)
    expected = "its credentials were refused; tried again in 299 s"
    assert expected == health.why_not(NAME, START + 1)


def test_permission_takes_three_messages() -> None:
    """What one message may not do is not what the account may not do: three must be refused."""
    health = Health()
    for number in (1, 2, 2, 1, 2):
        refused(health, Reason.PERMISSION, number)
    assert health.why_not(NAME, START) is None
    refused(health, Reason.PERMISSION, 3)
    expected = "it may not do this (three messages were refused); tried again in 300 s"
    assert expected == health.why_not(NAME, START)


def test_permission_is_forgotten_after_an_acceptance() -> None:
    """A message that is taken between them begins the count anew."""
    health = Health()
    for number in (1, 2):
        refused(health, Reason.PERMISSION, number)
    refused(health, None)
    for number in (3, 4):
        refused(health, Reason.PERMISSION, number)
        assert health.why_not(NAME, START) is None
    refused(health, Reason.PERMISSION, 5)
    assert health.why_not(NAME, START) is not None


def test_permission_is_not_forgotten_after_another_refusal() -> None:
    """A message that is refused for its own sake proves nothing of what the account may do."""
    health = Health()
    for number in (1, 2):
        refused(health, Reason.PERMISSION, number)
    refused(health, Reason.INVALID_NUMBER)
    refused(health, Reason.PERMISSION, 3)
    assert health.why_not(NAME, START) is not None


def test_permission_refused_again() -> None:
    """After the five minutes one refusal is enough to leave it alone for as long again."""
    health = Health()
    for number in (1, 2, 3):
        refused(health, Reason.PERMISSION, number)
    assert Entry.USUAL == health.enter(NAME, START + 300, TAKES)
    refused(health, Reason.PERMISSION, 4, now=START + 301)
    assert health.why_not(NAME, START + 600) is not None


def test_sender_mark() -> None:
    """A refused sender rests for five minutes at this account; the account does not."""
    health = Health()
    refused(health, Reason.SENDER)
    assert (None, True) == (health.why_not(NAME, START), health.has_marks(NAME))
    assert [True, False, False] == [
        health.sender_is_marked(NAME, SENDER, START + 299),
        health.sender_is_marked(NAME, SENDER, START + 300),
        health.sender_is_marked(NAME, "Acme", START),
    ]
    assert not health.sender_is_marked("carrierx", SENDER, START)
    assert Entry.USUAL == health.enter(NAME, START, TAKES)


def test_sender_mark_is_cleared_by_its_own_acceptance() -> None:
    """A message that is taken from another sender, or refused from this one, clears no sender."""
    health = Health()
    refused(health, Reason.SENDER)
    refused(health, None, sender="Acme")
    refused(health, Reason.INVALID_NUMBER)
    assert health.sender_is_marked(NAME, SENDER, START)
    refused(health, None)
    assert (False, False) == (
        health.sender_is_marked(NAME, SENDER, START),
        health.has_marks(NAME),
    )


#: Seconds that an account asks for, and those it gets.
PAUSES = [(0.0, 0.0), (0.5, 0.5), (60.0, 60.0), (3600.0, 3600.0), (1e9, 3600.0), (-5.0, 0.0)]
PAUSES += [(math.inf, 3600.0), (-math.inf, 0.0), (math.nan, 0.0)]


@pytest.mark.parametrize(("seconds", "expected"), PAUSES)
def test_pause(seconds: float, expected: float) -> None:
    """An account is left alone for as long as it asks, an hour at most, and then no longer."""
    health = Health()
    health.pause(NAME, START, seconds)
    assert expected == health.seconds_paused(NAME, START)
    assert 0.0 == health.seconds_paused(NAME, START + expected)
    assert 0.0 == health.seconds_paused("carrierx", START)


def test_pause_is_never_shortened() -> None:
    """A shorter pause does not end a longer one."""
    health = Health()
    health.pause(NAME, START, 60.0)
    health.pause(NAME, START + 10, 5.0)
    assert 50.0 == health.seconds_paused(NAME, START + 10)


def test_how_bad() -> None:
    """Of accounts that should rest, the unmarked and the soonest well comes first."""
    health = Health()
    for _ in range(5):
        health.told("open", Entry.USUAL, Signal.BAD, START, WHOLE)
        health.told("half", Entry.USUAL, Signal.BAD, START, 0.0)
        health.told("both", Entry.USUAL, Signal.BAD, START, WHOLE)
    for name in ("marked", "both"):
        health.refused(name, None, Reason.BALANCE, message(), START)
    names = ["both", "marked", "open", "half", "well"]
    found = sorted(names, key=lambda name: health.how_bad(name, START))
    assert ["well", "half", "open", "marked", "both"] == found


def test_turns() -> None:
    """The turn of whoever was asked last is the highest; nobody else's changes."""
    health = Health()
    for name in ("a", "b", "a", "c"):
        health.enter(name, START, TAKES)
    assert [3, 2, 4, 0] == [health.last_chosen(name) for name in "abcd"]


def test_turn_of_one_that_was_not_asked() -> None:
    """An account that was not let in has not had its turn."""
    health = Health()
    told(health, Signal.BAD, 5)
    health.enter(NAME, START, TAKES)
    assert 0 == health.last_chosen(NAME)


def spent(health: Health, now: float) -> int:
    """Spend all repeats there are; return how many."""
    for number in range(200):
        if not health.spend(NAME, now):
            return number
    return 200


def test_repeats_at_first() -> None:
    """Ten repeats are there at first; each account has its own."""
    health = Health()
    assert [10, 0] == [spent(health, START), spent(health, START)]
    assert health.spend("carrierx", START)


#: One more than 10 and 50: ten fifths are a little less than two in floating point.
EARNED = [(0, 0), (4, 0), (5, 1), (9, 1), (11, 2), (51, 10)]


@pytest.mark.parametrize(("tries", "repeats"), EARNED)
def test_first_tries_earn_repeats(tries: int, repeats: int) -> None:
    """Five first tries earn one repeat."""
    health = Health()
    spent(health, START)
    for _ in range(tries):
        earn(health)
    assert repeats == spent(health, START)


def test_a_second_try_earns_nothing() -> None:
    """Only a message's first try at an account saves up for repeats."""
    health = Health()
    spent(health, START)
    for _ in range(50):
        health.enter(NAME, START, TAKES, first=False)
    assert 0 == spent(health, START)


def test_parts_of_a_repeat_are_kept() -> None:
    """What is saved up beside a whole repeat is not lost when that is spent."""
    health = Health()
    spent(health, START)
    for _ in range(9):
        earn(health)
    assert 1 == spent(health, START)
    for _ in range(2):
        earn(health)
    assert 1 == spent(health, START)


def test_repeats_are_saved_up_to_fifty() -> None:
    """However many went well, fifty repeats are the most that are saved up."""
    health = Health()
    for _ in range(10_000):
        earn(health)
    assert 50 == spent(health, START)


@pytest.mark.parametrize(("later", "repeats"), [(0.5, 0), (0.99, 0), (1.0, 1), (3600.0, 1)])
def test_a_second_earns_one_too(later: float, repeats: int) -> None:
    """With nothing saved up one repeat a second is there, and these are not saved up."""
    health = Health()
    spent(health, START)
    assert repeats == spent(health, START + later)


def test_seconds_are_counted_once() -> None:
    """Whoever asks in vain every tenth of a second still gets one repeat a second."""
    health = Health()
    spent(health, START)
    tenths = range(1, 101)
    assert 10 == sum(health.spend(NAME, START + 0.1005 * tenth) for tenth in tenths)


STEPS = st.one_of(
    st.just("first"), st.just("again"), st.floats(0, 5, allow_subnormal=False), st.just("burst")
)


@given(steps=st.lists(STEPS, max_size=120), origin=st.floats(0, 1e6))
def test_repeats_are_bounded(steps: list[str | float], origin: float) -> None:
    """Over any history: ten, a fifth of the first tries, and one a second are the most."""
    health, now = Health(), origin
    firsts = repeats = 0
    for step in steps:
        if isinstance(step, float):
            now += step
        elif step == "first":
            firsts += 1
            earn(health)
        else:
            for _ in range(15 if step == "burst" else 1):
                repeats += health.spend(NAME, now)
    # One more for the time before the first of them.
    assert repeats <= 10 + 0.2 * firsts + (now - origin) + 1 + 1e-6


CROWD = 100


class Slow(float):
    """A time that lets every other thread run while something is added to it."""

    __slots__ = ()

    def __add__(self, other: float) -> float:
        """Add, at leisure: between finding the place free and taking it."""
        time.sleep(0.001)
        return super().__add__(other)


def crowd(health: Health, now: float) -> list[Entry | None]:
    """Let a hundred threads ask for one account at once; return how each may."""
    found: list[Entry | None] = []
    start = threading.Barrier(CROWD)

    def enter() -> None:
        start.wait(60)
        found.append(health.enter(NAME, Slow(now), TAKES))

    threads = [threading.Thread(target=enter) for _ in range(CROWD)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


def test_one_probe_of_many_threads() -> None:
    """A hundred threads at a half open account: exactly one is its probe, time after time."""
    health = Health(threading.Lock())
    told(health, Signal.BAD, 5)
    now = START
    for _ in range(5):
        now += 300.0
        found = crowd(health, now)
        assert CROWD == len(found)
        assert [Entry.PROBE] == [one for one in found if one is not None]
        health.told(NAME, Entry.PROBE, Signal.BAD, now, WHOLE)


def test_one_of_many_threads_tries_a_marked_account() -> None:
    """A hundred threads at an account to be tried again: exactly one tries it."""
    health = Health(threading.Lock())
    refused(health, Reason.BALANCE)
    found = crowd(health, START + 300)
    assert [Entry.USUAL] == [one for one in found if one is not None]
    assert CROWD == len(found)


class Counting:
    """A lock that counts how often it was taken, and must not be taken twice at once."""

    def __init__(self) -> None:
        self.taken = 0
        self.held = False

    def __enter__(self) -> None:
        assert not self.held
        self.held = True
        self.taken += 1

    def __exit__(self, *_: object) -> None:
        self.held = False


def test_every_change_takes_the_lock_once() -> None:
    """Whatever is noted is noted under the lock, which is free again afterwards."""
    lock = Counting()
    health = Health(lock)
    health.enter(NAME, START, TAKES)
    health.spend(NAME, START)
    health.pause(NAME, START, 1.0)
    health.accepted(NAME, Entry.USUAL, SENDER, START)
    told(health, Signal.BAD)
    refused(health, Reason.BALANCE)
    assert (6, False) == (lock.taken, lock.held)
