"""The breaker of one account, by examples, and against a plain model of its rules."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from polysms.routing.breaker import Breaker, Entry

#: The chance that makes an opening last exactly as long as it is called.
WHOLE = 1.0
#: Seconds that a probe of these tests may take.
PROBE = 10.0


def fail(breaker: Breaker, times: int, now: float = 0.0, chance: float = WHOLE) -> None:
    """Let so many usual attempts fail."""
    for _ in range(times):
        breaker.failed(Entry.USUAL, now, chance)


def opened(now: float = 0.0, chance: float = WHOLE) -> Breaker:
    """Return a breaker that five failures in a row have opened."""
    breaker = Breaker()
    fail(breaker, 5, now, chance)
    return breaker


def probe(breaker: Breaker, now: float, *, good: bool, chance: float = WHOLE) -> None:
    """Let one probe succeed or fail."""
    entry = breaker.enter(now, PROBE)
    assert Entry.PROBE == entry
    if good:
        breaker.succeeded(entry, now)
    else:
        breaker.failed(entry, now, chance)


def reopened(times: int) -> tuple[Breaker, float]:
    """Return a breaker that so many probes in a row have opened again, and the time."""
    breaker, now = opened(), 0.0
    for _ in range(times):
        now += breaker.seconds_closed_for(now)
        probe(breaker, now, good=False)
    return breaker, now


def test_closed_at_first() -> None:
    """An account nobody knows yet is asked, as many times at once as anyone likes."""
    breaker = Breaker()
    assert (True, 0.0) == (breaker.admits(0.0), breaker.seconds_closed_for(0.0))
    assert [Entry.USUAL] * 3 == [breaker.enter(0.0, PROBE) for _ in range(3)]


def test_opens_at_five_in_a_row() -> None:
    """Four failures in a row are borne; the fifth opens it, and it says why."""
    breaker = Breaker()
    fail(breaker, 4)
    assert breaker.admits(0.0)
    fail(breaker, 1)
    assert (False, 30.0) == (breaker.admits(0.0), breaker.seconds_closed_for(0.0))
    assert (None, "5 failures in a row") == (breaker.enter(0.0, PROBE), breaker.opened_for)


def test_row_takes_its_time() -> None:
    """A row has no window: five failures far apart with nothing between them open it too."""
    breaker = Breaker()
    for hour in range(5):
        assert breaker.admits(hour * 3600.0)
        fail(breaker, 1, hour * 3600.0)
    assert not breaker.admits(4 * 3600.0)


def test_one_success_ends_a_row() -> None:
    """Four failures, a success, four failures: no row of five."""
    breaker = Breaker()
    fail(breaker, 4)
    breaker.succeeded(Entry.USUAL, 0.0)
    fail(breaker, 4)
    assert breaker.admits(0.0)
    assert 4 == breaker.failures_in_a_row


def test_answer_without_a_word_on_health_ends_no_row() -> None:
    """A refusal that was understood neither lengthens a row nor ends it."""
    breaker = Breaker()
    fail(breaker, 4)
    breaker.leave(Entry.USUAL)
    assert (True, 4) == (breaker.admits(0.0), breaker.failures_in_a_row)
    fail(breaker, 1)
    assert not breaker.admits(0.0)


def mixed(pattern: str, now: float = 0.0) -> Breaker:
    """Return a breaker after these tries: x for a failure, . for a success."""
    breaker = Breaker()
    for one in pattern:
        assert breaker.admits(now)
        if one == "x":
            breaker.failed(Entry.USUAL, now, WHOLE)
        else:
            breaker.succeeded(Entry.USUAL, now)
    return breaker


SHARES: list[tuple[str, str]] = [
    (".x" * 10, ""),
    (".x" * 50, ""),
    (".x" * 9 + "x", ""),
    (".x" * 9 + "xx", "11 failures of 20 tries in 30 s"),
    (".x" * 10 + "x", "11 failures of 21 tries in 30 s"),
    ("xxx." * 4 + "xxx", ""),
    ("xxx." * 4 + "xxx" + ".", ""),
    ("xxx." * 5 + "x", "16 failures of 21 tries in 30 s"),
]


@pytest.mark.parametrize(("pattern", "why"), SHARES)
def test_opens_at_more_than_half_of_twenty(pattern: str, why: str) -> None:
    """More than half of at least twenty open it; exactly half, or fewer than twenty, do not."""
    breaker = mixed(pattern)
    assert why == breaker.opened_for
    assert bool(why) == (not breaker.admits(0.0))


#: Seconds after nineteen tries with ten failures; whether one more failure opens it then.
LATER = [(0.0, True), (29.0, True), (29.9, True), (30.0, False), (31.0, False), (500.0, False)]


@pytest.mark.parametrize(("later", "opens"), LATER)
def test_window_forgets(later: float, opens: bool) -> None:  # noqa: FBT001 - a table's column
    """What is thirty seconds old no longer counts for the share."""
    breaker = mixed(".x" * 9 + "x")
    breaker.failed(Entry.USUAL, later, WHOLE)
    assert opens == (not breaker.admits(later))


def test_window_is_not_emptied_at_once() -> None:
    """Each second of it is forgotten by itself."""
    breaker = Breaker()
    for second in range(40):
        breaker.succeeded(Entry.USUAL, float(second))
    # Thirty of these successes are left: nine more with forty failures are the lesser half.
    for one in "xxxx." * 10:
        if one == "x":
            fail(breaker, 1, 39.0)
        else:
            breaker.succeeded(Entry.USUAL, 39.0)
    assert "40 failures of 79 tries in 30 s" == breaker.opened_for


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 15.0), (0.5, 22.5), (1.0, 30.0)])
def test_first_opening(chance: float, seconds: float) -> None:
    """It opens for half of thirty seconds to the whole of them, as chance has it."""
    breaker = opened(100.0, chance)
    assert seconds == breaker.seconds_closed_for(100.0)
    assert (False, True) == (
        breaker.admits(100.0 + seconds - 0.001),
        breaker.admits(100.0 + seconds),
    )


@pytest.mark.parametrize("times", range(14))
def test_each_opening_is_longer(times: int) -> None:
    """The n-th opening in a row lasts n times thirty seconds, and no more than three hundred."""
    breaker, now = reopened(times)
    assert min(300.0, 30.0 * (times + 1)) == breaker.seconds_closed_for(now)
    assert ("a probe failed" if times else "5 failures in a row") == breaker.opened_for


@given(times=st.integers(0, 14), chance=st.floats(0, 1))
def test_jitter(times: int, chance: float) -> None:
    """However often it opened, chance halves the time at most, and never lengthens it."""
    breaker, now = reopened(times)
    now += breaker.seconds_closed_for(now)
    probe(breaker, now, good=False, chance=chance)
    whole = min(300.0, 30.0 * (times + 2))
    assert whole / 2 <= breaker.seconds_closed_for(now) + 1e-6
    assert breaker.seconds_closed_for(now) <= whole + 1e-6


def closed_after(times: int) -> tuple[Breaker, float]:
    """Return a breaker that opened so many times in a row and has just closed, and the time."""
    breaker, now = reopened(times - 1)
    now += breaker.seconds_closed_for(now)
    probe(breaker, now, good=True)
    probe(breaker, now, good=True)
    return breaker, now


#: Openings in a row, healthy seconds after them, and how long the next opening lasts.
HEALTHY = [
    (3, 0.0, 120.0),
    (3, 9.9, 120.0),
    (3, 10.0, 90.0),
    (3, 19.9, 90.0),
    (3, 20.0, 60.0),
    (3, 30.0, 30.0),
    (3, 86400.0, 30.0),
    (1, 5.0, 60.0),
    (1, 10.0, 30.0),
]


@pytest.mark.parametrize(("times", "healthy", "seconds"), HEALTHY)
def test_health_is_remembered(times: int, healthy: float, seconds: float) -> None:
    """Ten seconds of health take one opening off the count, down to none."""
    breaker, now = closed_after(times)
    now += healthy
    fail(breaker, 5, now)
    assert seconds == pytest.approx(breaker.seconds_closed_for(now))


def test_one_probe_at_a_time() -> None:
    """Half open, it lets one through; the next one waits for its answer."""
    breaker = opened()
    found = [breaker.enter(30.0, PROBE) for _ in range(100)]
    assert [Entry.PROBE] + [None] * 99 == found
    assert (True, False) == (breaker.is_probing(30.0), breaker.admits(30.0))
    breaker.succeeded(Entry.PROBE, 31.0)
    assert (False, Entry.PROBE) == (breaker.is_probing(31.0), breaker.enter(31.0, PROBE))


def test_lost_probe_is_given_up() -> None:
    """A probe that never comes back is given up at its own time, and another may be made."""
    breaker = opened()
    breaker.enter(30.0, PROBE)
    assert [None, Entry.PROBE] == [breaker.enter(39.9, PROBE), breaker.enter(40.0, PROBE)]


def test_probe_that_failed_is_over() -> None:
    """A probe that fails before its time does not keep the next one waiting for that time."""
    breaker = opened()
    entry = breaker.enter(30.0, 600.0)
    assert entry == Entry.PROBE
    breaker.failed(entry, 31.0, WHOLE)
    assert [None, Entry.PROBE] == [breaker.enter(90.9, 600.0), breaker.enter(91.0, 600.0)]


def test_probe_that_says_nothing() -> None:
    """A probe whose answer tells nothing of the account's health makes room for the next one."""
    breaker = opened()
    breaker.enter(30.0, PROBE)
    breaker.leave(Entry.PROBE)
    assert Entry.PROBE == breaker.enter(30.0, PROBE)


def test_others_make_no_room_for_a_probe() -> None:
    """Only the probe's own end makes room for another one."""
    breaker = opened()
    breaker.enter(30.0, PROBE)
    for entry in (Entry.USUAL, Entry.FORCED):
        breaker.leave(entry)
        breaker.failed(entry, 30.0, WHOLE)
        breaker.succeeded(entry, 30.0)
    assert breaker.enter(30.0, PROBE) is None


def test_two_successes_close_it() -> None:
    """One good probe is not enough; after two it is closed, and begins to count anew."""
    breaker = opened()
    probe(breaker, 30.0, good=True)
    assert Entry.PROBE == breaker.enter(30.0, PROBE)
    breaker.succeeded(Entry.PROBE, 31.0)
    assert [Entry.USUAL] * 2 == [breaker.enter(31.0, PROBE) for _ in range(2)]
    fail(breaker, 4, 31.0)
    assert breaker.admits(31.0)


def test_closed_it_begins_with_an_empty_window() -> None:
    """What was counted before the opening does not open it again."""
    breaker = mixed("xxx." * 4 + "..")
    fail(breaker, 5, chance=0.0)
    # It was open for fifteen seconds, which the window would still remember.
    probe(breaker, 15.0, good=True)
    probe(breaker, 15.0, good=True)
    fail(breaker, 4, 15.0)
    assert breaker.admits(15.0)


def test_failed_probe_opens_it_longer() -> None:
    """A probe that fails opens it again at once, and what succeeded before it no longer counts."""
    breaker = opened()
    probe(breaker, 30.0, good=True)
    probe(breaker, 30.0, good=False)
    assert (60.0, "a probe failed") == (breaker.seconds_closed_for(30.0), breaker.opened_for)
    probe(breaker, 90.0, good=True)
    assert Entry.PROBE == breaker.enter(90.0, PROBE)


@pytest.mark.parametrize("now", [5.0, 30.0, 31.0])
def test_answers_to_what_was_asked_before(now: float) -> None:
    """Attempts begun before the opening change nothing when they end after it, well or badly."""
    breaker = opened()
    for _ in range(20):
        breaker.failed(Entry.USUAL, now, WHOLE)
        breaker.succeeded(Entry.USUAL, now)
    assert (30.0, 1) == (breaker.open_until, breaker.openings)
    assert "5 failures in a row" == breaker.opened_for
    probe(breaker, 31.0, good=True)
    assert Entry.PROBE == breaker.enter(31.0, PROBE)


def test_forced_failures_open_nothing_further() -> None:
    """Whoever is asked against its breaker and fails has told nothing new."""
    breaker = opened()
    for _ in range(20):
        breaker.failed(Entry.FORCED, 5.0, WHOLE)
    assert (30.0, 1) == (breaker.open_until, breaker.openings)


def test_forced_successes_close_it() -> None:
    """Two forced attempts that succeed are as good as two probes, and need no opening's end."""
    breaker = opened()
    breaker.succeeded(Entry.FORCED, 1.0)
    assert not breaker.admits(1.0)
    breaker.succeeded(Entry.FORCED, 2.0)
    assert Entry.USUAL == breaker.enter(2.0, PROBE)


def test_a_probe_given_up_makes_room_for_no_third() -> None:
    """When it answers after all, the second one is still in flight."""
    breaker = Breaker()
    for _ in range(5):
        breaker.failed(Entry.USUAL, 0.0, 1.0)
    first = breaker.enter(30.0, 10.0)
    assert first is not None
    assert Entry.PROBE == breaker.enter(40.0, 10.0)
    breaker.succeeded(first, 40.1)
    assert breaker.enter(40.2, 10.0) is None


@pytest.mark.parametrize("good", [True, False])
def test_what_began_before_an_opening_says_nothing_after_it(good: bool) -> None:  # noqa: FBT001
    """Answers of another era neither open it again nor end a row of failures."""
    breaker = Breaker()
    stale = [breaker.enter(0.0, 30.0) for _ in range(10)]
    for entry in stale[:5]:
        assert entry is not None
        breaker.failed(entry, 1.0, 0.0)
    for _ in range(2):
        probe = breaker.enter(16.0, 10.0)
        assert probe is not None
        breaker.succeeded(probe, 16.0)
    for _ in range(4):
        breaker.failed(Entry.USUAL, 17.0, 0.0)
    for entry in stale[5:]:
        assert entry is not None
        if good:
            breaker.succeeded(entry, 18.0)
        else:
            breaker.failed(entry, 18.0, 0.0)
    assert breaker.admits(18.0)
    breaker.failed(Entry.USUAL, 19.0, 0.0)
    assert not breaker.admits(19.0)


@attrs.define
class Model:
    """The rules as they are told, with a list where the breaker has sums."""

    now: float = 0.0
    open: bool = False
    until: float = 0.0
    openings: int = 0
    successes: int = 0
    row: int = 0
    closed_at: float = 0.0
    era: int = 0
    tries: list[tuple[float, bool]] = attrs.field(factory=list)

    def end(self, entry: Entry, era: int, *, good: bool, chance: float) -> None:
        """Note the end of an attempt that was begun in an era."""
        if entry == Entry.USUAL and era != self.era:
            return
        if not self.open:
            self.count(good=good, chance=chance)
        elif good and entry != Entry.USUAL:
            self.successes += 1
            if self.successes == 2:
                self.open, self.row, self.closed_at, self.tries = False, 0, self.now, []
                self.era += 1
        elif not good and entry == Entry.PROBE:
            self.trip(chance)

    def count(self, *, good: bool, chance: float) -> None:
        """Note the end of an attempt while all is well."""
        self.row = 0 if good else self.row + 1
        self.tries.append((self.now, good))
        if good:
            return
        late = [ok for at, ok in self.tries if int(at) > self.now - 30]
        if self.row == 5 or (len(late) >= 20 and late.count(False) * 2 > len(late)):
            self.openings = max(0, self.openings - int((self.now - self.closed_at) / 10))
            self.trip(chance)

    def trip(self, chance: float) -> None:
        """Open."""
        self.open, self.successes, self.era = True, 0, self.era + 1
        self.openings += 1
        self.until = self.now + min(300, 30 * self.openings) * (1 + chance) / 2


class Beside(RuleBasedStateMachine):
    """A breaker and the model, asked and told the same; answers come in any order, or never."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker()
        self.model = Model()
        # What is under way: how it entered, when it is given up, and in which era it began.
        self.under_way: list[tuple[Entry, float, int]] = []

    @property
    def now(self) -> float:
        """The time of both."""
        return self.model.now

    def probes(self) -> int:
        """Return how many probes are under way."""
        return sum(one == Entry.PROBE and self.now < until for one, until, _ in self.under_way)

    @rule(quarters=st.one_of(st.integers(1, 8), st.integers(1, 400)))
    def wait(self, quarters: int) -> None:
        """Time goes by; what is given up may end all the same."""
        self.model.now += quarters / 4

    @rule(seconds=st.integers(1, 60))
    def enter(self, seconds: int) -> None:
        """One more wants to ask."""
        expected = None
        if not self.model.open:
            expected = Entry.USUAL
        elif self.now >= self.model.until and not self.probes():
            expected = Entry.PROBE
        found = self.breaker.enter(self.now, seconds)
        assert expected == found
        if found is not None:
            self.under_way.append((found, self.now + seconds, self.model.era))

    @rule(seconds=st.integers(1, 60))
    def force(self, seconds: int) -> None:
        """One asks all the same."""
        self.under_way.append((Entry.FORCED, self.now + seconds, self.model.era))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), good=st.sampled_from([True, False, None]), chance=st.floats(0, 1))
    def end(self, data: st.DataObject, good: bool | None, chance: float) -> None:  # noqa: FBT001
        """One of those under way ends."""
        entry, _, era = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        self._tell(entry, era, good=good, chance=chance)

    @rule(pattern=st.lists(st.booleans(), min_size=1, max_size=30), chance=st.floats(0, 1))
    def many(self, pattern: list[bool], chance: float) -> None:
        """Many ask and are answered at once, as long as it is closed."""
        for good in pattern:
            if self.breaker.open_until is None:
                self._tell(Entry.USUAL, self.model.era, good=good, chance=chance)

    def _tell(self, entry: Entry, era: int, *, good: bool | None, chance: float) -> None:
        if good is None:
            self.breaker.leave(entry)
            return
        if good:
            self.breaker.succeeded(entry, self.now)
        else:
            self.breaker.failed(entry, self.now, chance)
        self.model.end(entry, era, good=good, chance=chance)

    @invariant()
    def same(self) -> None:
        """Both say the same of the account."""
        assert self.model.open == (self.breaker.open_until is not None)
        assert self.model.openings == self.breaker.openings
        closed_for = max(0.0, self.model.until - self.now) if self.model.open else 0.0
        assert closed_for == pytest.approx(self.breaker.seconds_closed_for(self.now))

    @invariant()
    def one_probe(self) -> None:
        """Never more than one probe is under way."""
        assert self.probes() <= 1


TestBeside = Beside.TestCase
