"""Rates and slots: how fast, and how many at once, an account is asked."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms import ConfigError
from polysms.client.limits import EASY_WAIT, Limits
from polysms.config import Account

ONE, OTHER = "+13135550100", "+13135550101"
KINDS = ("sync", "async")
#: Seconds a test waits for what must come at once.
LONG = 30.0
#: A number of floats must be this near.
NEAR = 1e-6


class Clock:
    """A clock that a test sets. Reading it may give other threads their turn."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.is_slow = False

    def __call__(self) -> float:
        if self.is_slow:
            time.sleep(0)
        return self.now


def account(name: str = "wavix", **limits: Any) -> Account:
    """Return an account with these limits."""
    return Account(name=name, provider=None, provider_name="wavix", **limits)


@contextmanager
def _limits() -> Iterator[tuple[Limits, Clock]]:
    # throttled-py takes no clock; this is the function through which it reads its own.
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("throttled.utils.now_mono_f", clock)
        yield Limits(), clock


@pytest.fixture
def limits() -> Iterator[tuple[Limits, Clock]]:
    """Return limits whose time stands still until the test moves it."""
    with _limits() as made:
        yield made


ADMITTED = [
    # A second's worth at once, and from then on one by one.
    (2, [(0, 1, 0), (0, 1, 0), (0, 1, 0.5), (0.5, 1, 0), (0, 1, 0.5)]),
    # Half a segment per second is one in two.
    (0.5, [(0, 1, 0), (0, 1, 2), (1, 1, 1), (1, 1, 0)]),
    (1.5, [(0, 1, 0), (0, 1, 2 / 3)]),
    # Slower than anybody sends, and still a rate.
    (1e-9, [(0, 1, 0), (0, 1, 1e6)]),
    # Cost counts, and asking takes nothing.
    (10, [(0, 4, 0), (0, 6, 0), (0, 6, 0.6), (0, 6, 0.6), (0.6, 6, 0)]),
    # What costs more than a second's worth waits its turn, and those after it wait for it.
    (1, [(0, 1, 0), (0, 6, 1), (1, 6, 0), (0, 1, 6), (6, 1, 0)]),
    (1, [(0, 6, 0), (5.5, 1, 0.5), (0.5, 1, 0)]),
    # Nothing is nothing less than one.
    (1, [(0, 0, 0), (0, 0, 1)]),
    # A fast rate is not asked for every single segment.
    (1000, [*[(0, 10, 0)] * 100, (0, 1, 0.1), (0.1, 100, 0)]),
    # Time that was not used is worth a second, and no more.
    (2, [(3600, 2, 0), (0, 1, 1)]),
]


@pytest.mark.parametrize("key", ["mps", "sender_mps"])
@pytest.mark.parametrize(("mps", "asked"), ADMITTED)
def test_admit(
    limits: tuple[Limits, Clock], key: str, mps: float, asked: list[tuple[float, int, float]]
) -> None:
    """Segments are taken as the rate allows; who comes too early is told how long to wait."""
    limit, clock = limits
    rate: dict[str, Any] = {key: mps}
    place = account(**rate)
    told = []
    for seconds, cost, _ in asked:
        clock.now += seconds
        told.append(limit.admit(place, ONE, cost))
    assert [expected for *_, expected in asked] == pytest.approx(told, abs=NEAR)


def test_account_without_rates(limits: tuple[Limits, Clock]) -> None:
    """Without a rate everything is admitted."""
    assert [0.0] * 9 == [limits[0].admit(account(), ONE, 100) for _ in range(9)]


def test_message_without_a_sender(limits: tuple[Limits, Clock]) -> None:
    """Where the provider chooses the sender, only the account's rate counts."""
    limit, _ = limits
    place = account(mps=2, sender_mps=1)
    assert [0.0, 0.0, 0.5] == pytest.approx([limit.admit(place, None, 1) for _ in range(3)])


def test_senders_and_accounts_are_counted_apart(limits: tuple[Limits, Clock]) -> None:
    """Each sender of each account has a rate of its own."""
    limit, _ = limits
    places = (account("one", sender_mps=1), account("other", sender_mps=1))
    asked = [(place, sender) for place in places for sender in (ONE, OTHER)]
    assert [0.0] * 4 == [limit.admit(place, sender, 1) for place, sender in asked]
    assert [1.0] * 4 == [limit.admit(place, sender, 1) for place, sender in asked]


def test_refused_by_the_account_takes_nothing_from_the_sender(
    limits: tuple[Limits, Clock],
) -> None:
    """Both rates or neither: the sender's whole second is there when the account has room."""
    limit, clock = limits
    place = account(mps=1, sender_mps=0.1)
    assert (0.0, 1.0) == (limit.admit(place, ONE, 1), limit.admit(place, OTHER, 1))
    clock.now += 1
    assert 0.0 == limit.admit(place, OTHER, 1)


def test_refused_by_the_sender_takes_nothing_from_the_account(
    limits: tuple[Limits, Clock],
) -> None:
    """Both rates or neither: another sender still finds the account's second whole."""
    limit, _ = limits
    place = account(mps=2, sender_mps=1)
    told = [limit.admit(place, sender, 1) for sender in (ONE, ONE, ONE, OTHER)]
    assert [0.0, 1.0, 1.0, 0.0] == told


def test_longer_wait_of_both_is_told(limits: tuple[Limits, Clock]) -> None:
    """Who waits as told finds both rates ready."""
    limit, clock = limits
    place = account(mps=1, sender_mps=0.25)
    assert [0.0, 4.0] == [limit.admit(place, ONE, 1) for _ in range(2)]
    clock.now += 4
    assert 0.0 == limit.admit(place, ONE, 1)


def test_more_senders_than_the_library_remembers_by_itself(limits: tuple[Limits, Clock]) -> None:
    """A sender's rate is not forgotten because many others have sent since."""
    limit, _ = limits
    place = account(sender_mps=1)
    senders = [f"+1313555{number:04}" for number in range(2000)]
    assert 0.0 == sum(limit.admit(place, sender, 1) for sender in senders)
    assert 1.0 == limit.admit(place, senders[0], 1)


def test_long_text_is_not_overtaken_for_ever(limits: tuple[Limits, Clock]) -> None:
    """Single segments that take all there is, as soon as it is there, do not starve a long text."""
    limit, clock = limits
    place = account(mps=10)
    while limit.admit(place, None, 1) == 0:
        pass
    for _ in range(100):
        clock.now += 0.05
        if limit.admit(place, None, 6) == 0:
            return
        limit.admit(place, None, 1)
    pytest.fail("a text of six segments never had its turn")


Arrivals = list[tuple[float, str | None, int]]
ARRIVALS = st.lists(
    st.tuples(st.floats(0, 3), st.sampled_from((ONE, OTHER, None)), st.integers(1, 12)),
    min_size=1,
    max_size=30,
)
RATES = st.floats(0.05, 50)


def _simulated(limit: Limits, clock: Clock, place: Account, arrivals: Arrivals) -> Arrivals:
    """Return who was admitted when, if each asks, waits as it is told, and asks again."""
    waiting, moment = [], clock.now
    for number, (gap, sender, cost) in enumerate(arrivals):
        moment += gap
        waiting.append((moment, number, sender, cost))
    admitted: Arrivals = []
    for _ in range(10_000):
        if not waiting:
            return admitted
        clock.now, number, sender, cost = waiting.pop(waiting.index(min(waiting)))
        told = limit.admit(place, sender, cost)
        if told == 0:
            admitted.append((clock.now, sender, cost))
        else:
            waiting.append((clock.now + told, number, sender, cost))
    raise AssertionError("somebody waits for ever")


def _most_above(admitted: Arrivals, mps: float) -> float:
    """Return by how much the fullest of all windows goes beyond what the rate alone allows."""
    return max(
        sum(cost for _, _, cost in admitted[first : last + 1])
        - mps * (admitted[last][0] - admitted[first][0])
        for first in range(len(admitted))
        for last in range(first, len(admitted))
    )


@given(mps=RATES, sender_mps=RATES, arrivals=ARRIVALS)
def test_no_window_holds_too_much(mps: float, sender_mps: float, arrivals: Arrivals) -> None:
    """In W seconds at most rate x W segments and one burst are admitted, and everyone in the end.

    The burst is a second's worth, or the largest cost where that is more.
    """
    with _limits() as (limit, clock):
        place = account(mps=mps, sender_mps=sender_mps)
        admitted = _simulated(limit, clock, place, arrivals)
    assert len(arrivals) == len(admitted)
    largest = max(cost for _, _, cost in arrivals)
    assert _most_above(admitted, mps) <= max(mps, largest) + NEAR
    for sender in {sender for _, sender, _ in arrivals} - {None}:
        own = [one for one in admitted if one[1] == sender]
        assert _most_above(own, sender_mps) <= max(sender_mps, largest) + NEAR


@given(mps=RATES, costs=st.lists(st.integers(1, 12), min_size=1, max_size=20))
def test_who_waits_as_told_is_admitted(mps: float, costs: list[int]) -> None:
    """Alone, one wait is enough, or two where the clock is rounded."""
    with _limits() as (limit, clock):
        for cost in costs:
            told = [1.0]
            while told[-1] > 0:
                told.append(limit.admit(account(mps=mps), None, cost))
                clock.now += told[-1]
                assert len(told) <= 4


FULL = [
    (0.5, [1] * 100, 198),
    (1, [1] * 100, 99),
    (10, [1] * 100, 9),
    (40, [1] * 100, 1.5),
    (100, [1] * 100, 0),
    (1, [6] * 20, 114),
    # A long text leaves no room to run ahead.
    (40, [40, *[1] * 60], 2.475),
]


@pytest.mark.parametrize(("mps", "costs", "seconds"), FULL)
def test_waiting_loses_nothing(
    limits: tuple[Limits, Clock], mps: float, costs: list[int], seconds: float
) -> None:
    """However many wait, the last is admitted when the rate alone would have admitted it."""
    limit, clock = limits
    begun = clock.now
    admitted = _simulated(limit, clock, account(mps=mps), [(0, None, cost) for cost in costs])
    assert begun + seconds == pytest.approx(admitted[-1][0], abs=EASY_WAIT + 0.01)


def test_threads_share_one_rate(limits: tuple[Limits, Clock]) -> None:
    """However many threads ask at once, each rate gives exactly what it has."""
    limit, clock = limits
    clock.is_slow = True
    place = account(mps=25, sender_mps=10)
    senders = [f"+1313555010{number % 4}" for number in range(400)]
    with ThreadPoolExecutor(16) as pool:
        told = list(pool.map(lambda sender: limit.admit(place, sender, 1), senders))
    assert 25 == told.count(0.0)
    clock.now += 1
    # What the account refused was not taken from the senders: they are whole again.
    assert [0.0, 0.0, 0.0] == [limit.admit(place, sender, 8) for sender in senders[:3]]


def test_real_clock() -> None:
    """With the clocks of life, waiting as told is enough."""
    limit = Limits()
    place = account(mps=50, sender_mps=25)
    asked = 0
    for _ in range(40):
        while (told := limit.admit(place, ONE, 1)) > 0:
            assert told <= 1
            threading.Event().wait(told)
            asked += 1
            assert asked < 400
    assert asked > 0


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Limits:
    """Return limits on a machine without throttled-py."""
    for name in ("throttled", "throttled.store", "throttled.rate_limiter"):
        monkeypatch.setitem(sys.modules, name, None)
    return Limits()


@pytest.mark.parametrize("rates", [{"mps": 1}, {"sender_mps": 1}])
@pytest.mark.parametrize("ask", ["prepare", "admit"])
def test_rate_without_the_library(bare: Limits, rates: dict[str, Any], ask: str) -> None:
    """Who sets a rate and has not installed what keeps it is told how, every time."""
    arguments = {"prepare": (), "admit": (ONE, 1)}[ask]
    for _ in range(2):
        with pytest.raises(ConfigError, match=r'pip install "polysms\[limits\]"') as caught:
            getattr(bare, ask)(account("mine", **rates), *arguments)
        assert "accounts.mine" in str(caught.value)


def test_no_rate_without_the_library(bare: Limits) -> None:
    """Slots and accounts without a rate need nothing installed."""
    place = account(concurrency=1)
    bare.prepare(place)
    with bare.slot(place, 0) as free:
        assert (True, 0.0) == (free, bare.admit(place, ONE, 1))


def test_library_is_not_imported_for_nothing() -> None:
    """A program without a rate does not pay for the import."""
    program = "import sys, polysms.client.limits; print('throttled' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)  # noqa: S603 - our own program
    assert b"False" == done.stdout.strip()


def _in_child(work: Callable[[], bool]) -> None:
    """End this process: well if the work is well done, and surely if it hangs."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(int(LONG))
    status = 1
    try:
        status = 0 if work() else 1
    finally:
        os._exit(status)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_fork(limits: tuple[Limits, Clock]) -> None:
    """A child has rates and slots of its own, whoever held the lock."""
    limit, _ = limits
    place = account(mps=1, concurrency=1)
    limit.admit(place, ONE, 1)

    def begin() -> bool:
        with limit.slot(place, 0) as free:
            return free and limit.admit(place, ONE, 1) == 0.0

    with limit.slot(place, 0), limit._lock:  # noqa: SLF001 - as a thread of the parent may
        child = os.fork()
        if child == 0:
            _in_child(begin)
    _, status = os.waitpid(child, 0)
    assert 0 == os.waitstatus_to_exitcode(status)
    assert 1.0 == limit.admit(place, ONE, 1)


def test_slots_of_threads() -> None:
    """Of 102 threads three are inside together, and never a fourth."""
    limit, place = Limits(), account(concurrency=3)
    inside, most, lock = 0, 0, threading.Lock()
    three = threading.Barrier(3, timeout=LONG)

    def visit(_: int) -> bool:
        nonlocal inside, most
        with limit.slot(place, LONG) as free:
            with lock:
                inside += 1
                most = max(most, inside)
            three.wait()
            with lock:
                inside -= 1
        return free

    with ThreadPoolExecutor(102) as pool:
        assert [True] * 102 == list(pool.map(visit, range(102)))
    assert 3 == most


def test_slots_of_tasks() -> None:
    """Of 100 tasks three are inside together, and never a fourth."""
    limit, place = Limits(), account(concurrency=3)
    inside: list[int] = []

    async def visit() -> bool:
        async with limit.slot_async(place, LONG) as free:
            inside.append(inside.pop() + 1 if inside else 1)
            counts.append(inside[0])
            await asyncio.sleep(0)
            inside[0] -= 1
        return free

    async def visit_all() -> list[bool]:
        return await asyncio.gather(*(visit() for _ in range(100)))

    counts: list[int] = []
    assert [True] * 100 == asyncio.run(visit_all())
    assert 3 == max(counts)


class Slots:
    """The slots of either kind, held in the same way."""

    def __init__(self, kind: str) -> None:
        self._limits = Limits()
        self._runner = asyncio.Runner() if kind == "async" else None

    @contextmanager
    def hold(self, place: Account, seconds: float = 0.0) -> Iterator[bool]:
        if self._runner is None:
            with self._limits.slot(place, seconds) as free:
                yield free
            return
        slot = self._runner.run(self._slot(place, seconds))
        free = self._runner.run(_entered(slot))
        try:
            yield free
        finally:
            self._runner.run(_left(slot))

    async def _slot(self, place: Account, seconds: float) -> Any:
        return self._limits.slot_async(place, seconds)

    def close(self) -> None:
        if self._runner is not None:
            self._runner.close()


async def _entered(slot: Any) -> bool:
    return bool(await slot.__aenter__())


async def _left(slot: Any) -> None:
    await slot.__aexit__(None, None, None)


@pytest.fixture(params=KINDS)
def slots(request: pytest.FixtureRequest) -> Iterator[Slots]:
    """Return slots for threads and for tasks in turn."""
    made = Slots(request.param)
    yield made
    made.close()


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 0.01])
def test_no_slot_is_free(slots: Slots, seconds: float) -> None:
    """Who finds no slot in time is told so, and frees none by leaving."""
    place = account(concurrency=1)
    with slots.hold(place):
        for _ in range(3):
            with slots.hold(place, seconds) as free:
                assert not free
    with slots.hold(place, seconds) as free:
        assert free


def test_slots_are_of_one_account(slots: Slots) -> None:
    """A busy account keeps no other waiting."""
    with slots.hold(account("busy", concurrency=1)), slots.hold(account(concurrency=1)) as free:
        assert free


def test_slot_is_free_again_after_an_error(slots: Slots) -> None:
    """Whatever ends a request, its slot is given back."""
    place = account(concurrency=1)
    with pytest.raises(ZeroDivisionError), slots.hold(place):
        _ = 1 / 0
    with slots.hold(place) as free:
        assert free


def test_account_without_concurrency(slots: Slots) -> None:
    """Without a bound any number is free."""
    place = account()
    with slots.hold(place) as one, slots.hold(place) as two:
        assert (True, True) == (one, two)


def test_thread_without_a_deadline() -> None:
    """A thread may wait for a slot without end."""
    limit, place = Limits(), account(concurrency=1)
    held = threading.Event()

    def hold() -> None:
        with limit.slot(place, 0):
            held.set()
            time.sleep(0.02)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(hold)
        assert held.wait(LONG)
        with limit.slot(place, float("inf")) as free:
            assert free


def test_task_without_a_deadline() -> None:
    """A task may wait for a slot without end."""
    limit, place = Limits(), account(concurrency=1)

    async def visit() -> bool:
        async with limit.slot_async(place, float("inf")) as free:
            await asyncio.sleep(0.01)
        return free

    async def visit_twice() -> list[bool]:
        return list(await asyncio.gather(visit(), visit()))

    assert [True, True] == asyncio.run(visit_twice())


@pytest.mark.parametrize("who", ["holder", "waiter"])
def test_cancelled_task_leaves_its_slot(who: str) -> None:
    """A cancelled task, inside or still waiting, keeps no slot."""
    limit, place = Limits(), account(concurrency=1)

    async def hold() -> None:
        async with limit.slot_async(place, LONG):
            await asyncio.Event().wait()

    async def cancel() -> bool:
        tasks = {"holder": asyncio.create_task(hold())}
        await asyncio.sleep(0)
        tasks["waiter"] = asyncio.create_task(hold())
        await asyncio.sleep(0)
        for name in (who, *tasks):
            tasks[name].cancel()
            await asyncio.wait([tasks[name]])
        async with limit.slot_async(place, 0) as free:
            return free

    assert asyncio.run(cancel())


def test_slots_of_each_event_loop() -> None:
    """One client in several loops, one after another: a closed one leaves nothing behind."""
    limit, place = Limits(), account(concurrency=1)
    loops: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()

    async def crowd() -> bool:
        loops.add(asyncio.get_running_loop())
        slot = limit.slot_async(place, 0)
        assert await slot.__aenter__()
        async with limit.slot_async(place, 0.001) as free:
            return free

    # The slot that each loop leaves held is of no meaning to the next.
    assert [False] * 3 == [asyncio.run(crowd()) for _ in range(3)]
    gc.collect()
    assert len(loops) <= 1
