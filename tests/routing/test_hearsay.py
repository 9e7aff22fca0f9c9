"""What a process believes of what others found out of an account."""

from __future__ import annotations

import pytest

from polysms.errors import Reason
from polysms.message import Message
from polysms.routing.breaker import Entry
from polysms.routing.health import Health, Rest, Signal

NAME = "wavix"
SENDER = "+13135550101"
MESSAGE = Message("+13135550123", "x")
#: When these tests begin, and the seconds that an attempt of theirs may take.
START = 5000.0
TAKES = 20.0
OPEN = Rest(account=NAME, seconds=40.0, why="5 failures in a row")
CLOSED = Rest(account=NAME, seconds=0.0)
MARK = Rest(account=NAME, seconds=60.0, reason=Reason.BALANCE)
MENDED = Rest(account=NAME, seconds=0.0, reason=Reason.BALANCE)


def telling() -> tuple[Health, list[Rest]]:
    """Return a health and all that it tells others."""
    health, told = Health(), list[Rest]()
    health.tell = told.append
    return health, told


def fail(health: Health, times: int, now: float = START) -> None:
    """Fail so often; the jitter leaves openings whole."""
    for _ in range(times):
        health.told(NAME, Entry.USUAL, Signal.BAD, now, 1.0)


def probed(health: Health, now: float, *, well: bool) -> Entry | None:
    """Ask an account, and let it end so; return how it was asked."""
    entry = health.enter(NAME, now, TAKES)
    if entry is not None and well:
        health.accepted(NAME, entry, SENDER, now)
    elif entry is not None:
        health.told(NAME, entry, Signal.BAD, now, 1.0)
    return entry


def test_opening_is_learned() -> None:
    """An account that another found down rests as long here, without one failure of ours."""
    health = Health()
    assert health.learn(OPEN, START)
    expected = "its breaker is open for another 30 s (5 failures in a row)"
    assert expected == health.why_not(NAME, START + 10)
    assert health.enter(NAME, START + 39, TAKES) is None
    assert health.openings(NAME) == 0
    assert Entry.PROBE == health.enter(NAME, START + 40, TAKES)
    assert health.enter(NAME, START + 40, TAKES) is None


@pytest.mark.parametrize("rest", [OPEN, MARK])
def test_last_account_is_asked_all_the_same(rest: Rest) -> None:
    """What others found keeps no message from the last account that can take it."""
    health = Health()
    health.learn(rest, START)
    assert health.enter(NAME, START, TAKES) is None
    assert health.enter(NAME, START, TAKES, forced=True) is not None


@pytest.mark.parametrize("rest", [OPEN, MARK])
@pytest.mark.parametrize(
    ("failures", "seconds", "believed"),
    [
        # A machine that has just been served knows better than one whose own network may be down.
        (0, 0.0, False),
        (0, 9.9, False),
        # Not for long, and not when it fails here too.
        (0, 10.0, True),
        (1, 0.0, True),
    ],
)
def test_own_success_is_believed_first(
    rest: Rest, failures: int, seconds: float, *, believed: bool
) -> None:
    """Who was served a moment ago does not believe that the account is down."""
    health = Health()
    health.accepted(NAME, Entry.USUAL, SENDER, START)
    fail(health, failures)
    now = START + seconds
    assert believed == health.learn(rest, now)
    assert believed == (health.why_not(NAME, now) is not None)


def test_hearsay_lengthens_and_never_shortens() -> None:
    """Of two times the later one holds."""
    health = Health()
    for seconds in (40.0, 60.0, 20.0):
        health.learn(Rest(account=NAME, seconds=seconds, why="x"), START)
    assert (False, 60.0) == health.how_bad(NAME, START)


@pytest.mark.parametrize(
    ("rest", "most"),
    [
        (Rest(account=NAME, seconds=1e9, why="x"), 300),
        (Rest(account=NAME, seconds=1e9, reason=Reason.CREDENTIALS), 300),
    ],
)
def test_nobody_is_believed_for_ever(rest: Rest, most: float) -> None:
    """However long another says, it is no longer than we should say ourselves."""
    health = Health()
    health.learn(rest, START)
    assert health.why_not(NAME, START + most - 1) is not None
    assert health.why_not(NAME, START + most) is None


def test_end_of_hearsay() -> None:
    """What we only heard of is over when we hear so."""
    health = Health()
    health.learn(OPEN, START)
    assert health.learn(CLOSED, START + 1)
    assert Entry.USUAL == health.enter(NAME, START + 1, TAKES)


def test_end_of_an_own_opening_is_tried() -> None:
    """What we found out ourselves is tried when we hear that it is over: one probe, at once."""
    health = Health()
    fail(health, 5)
    health.learn(CLOSED, START + 1)
    assert Entry.PROBE == probed(health, START + 1, well=False)
    assert health.why_not(NAME, START + 2) is not None


def test_end_of_nothing() -> None:
    """To hear that an account is well changes nothing where it is."""
    health = Health()
    fail(health, 4)
    health.learn(CLOSED, START)
    fail(health, 1)
    assert health.why_not(NAME, START) is not None


def test_failed_probe_of_hearsay_is_our_own_opening() -> None:
    """What was heard and is then found out is our own: its end is tried, not believed."""
    health = Health()
    health.learn(OPEN, START)
    assert Entry.PROBE == probed(health, START + 40, well=False)
    health.learn(CLOSED, START + 41)
    assert Entry.PROBE == health.enter(NAME, START + 41, TAKES)


def test_two_probes_close_hearsay() -> None:
    """What was heard ends by two successes, and then a single failure opens nothing."""
    health, told = telling()
    health.learn(OPEN, START)
    for second in (40, 41):
        assert Entry.PROBE == probed(health, START + second, well=True)
    assert CLOSED == told[-1]
    fail(health, 1, START + 42)
    assert health.why_not(NAME, START + 42) is None


def test_mark_is_learned_and_mended() -> None:
    """What an operator must mend is known, for as long as was said, until it is mended."""
    health = Health()
    health.learn(MARK, START)
    assert "its balance is used up; tried again in 50 s" == health.why_not(NAME, START + 10)
    health.learn(MENDED, START + 10)
    assert health.why_not(NAME, START + 10) is None


def test_opening_is_told() -> None:
    """Others are told of an opening, of each probe and of the end, and of nothing else."""
    health, told = telling()
    fail(health, 5)
    fail(health, 3)
    for second in (30, 31):
        probed(health, START + second, well=True)
    probed(health, START + 32, well=True)
    why = "5 failures in a row"
    probe = Rest(account=NAME, seconds=TAKES, why=why)
    assert [Rest(account=NAME, seconds=30.0, why=why), probe, probe, CLOSED] == told


def test_failed_probe_is_told() -> None:
    """Others are told how long it rests now."""
    health, told = telling()
    fail(health, 5)
    probed(health, START + 30, well=False)
    assert Rest(account=NAME, seconds=60.0, why="a probe failed") == told[-1]


@pytest.mark.parametrize("mended", ["accepted", "another refusal"])
def test_mark_is_told(mended: str) -> None:
    """Others are told of a mark, once for many refusals, of each try, and of its end."""
    health, told = telling()
    for second in range(3):
        health.refused(NAME, SENDER, Reason.BALANCE, MESSAGE, START + second)
    assert [Rest(account=NAME, seconds=300.0, reason=Reason.BALANCE)] == told
    later = START + 400
    assert health.enter(NAME, later, TAKES) is not None
    assert Rest(account=NAME, seconds=TAKES, reason=Reason.BALANCE) == told[-1]
    if mended == "accepted":
        health.accepted(NAME, Entry.USUAL, SENDER, later)
    else:
        health.refused(NAME, SENDER, Reason.CONTENT, MESSAGE, later)
    assert MENDED == told[-1]


def test_mark_that_is_found_again_is_told() -> None:
    """A try that finds it unmended tells the others to rest on."""
    health, told = telling()
    health.refused(NAME, SENDER, Reason.BALANCE, MESSAGE, START)
    health.enter(NAME, START + 400, TAKES)
    health.refused(NAME, SENDER, Reason.BALANCE, MESSAGE, START + 401)
    assert [300.0, TAKES, 300.0] == [rest.seconds for rest in told]


def test_marked_sender_is_not_told() -> None:
    """Which senders an account refuses stays here: it is a phone number."""
    health, told = telling()
    health.refused(NAME, SENDER, Reason.SENDER, MESSAGE, START)
    assert [] == told
