"""Functions that hang or dawdle keep neither the others nor the process from going on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import attrs
import pytest

from polysms import InboundMessage
from polysms.server import listeners, receiver
from polysms.server.threads import STUCK, Threads
from tests.server.conftest import House, Made
from tests.server.test_receiver import inbound, later

#: Seconds after which a test gives up.
PATIENCE = 30.0


@attrs.define
class Gate:
    """Something that functions wait at, and whether they have come there."""

    reached: threading.Semaphore = attrs.field(factory=lambda: threading.Semaphore(0))
    opened: threading.Event = attrs.field(factory=threading.Event)

    def wait(self, *_: object) -> str:
        """Wait until the gate is opened."""
        self.reached.release()
        assert self.opened.wait(PATIENCE)
        return "through"

    async def is_reached(self, times: int = 1) -> None:
        """Return once so many have come; the loop's own threads are not asked for that."""
        for _ in range(times):
            while not self.reached.acquire(blocking=False):  # noqa: ASYNC110 - a thread's
                await asyncio.sleep(0.001)


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Return a gate, which is open at the end."""
    made = Gate()
    yield made
    made.opened.set()


def test_waiting_functions_leave_the_threads_of_the_loop(house: House, gate: Gate) -> None:
    """However many functions wait, the event loop's own threads (names, files) are free."""
    house.receiver.on_inbound(gate.wait)

    async def main() -> str:
        async with asyncio.timeout(PATIENCE):
            asked = [inbound(house, id_=f"in-{number}") for number in range(40)]
            work = asyncio.gather(*map(house.receiver.ahandle, asked))
            await gate.is_reached(8)
            free = await asyncio.to_thread(lambda: "free")
            gate.opened.set()
            await work
            return free

    assert "free" == house.run(main())


def test_hanging_function_does_not_hold_up_other_events(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is due is told while a function hangs that was told of something else."""
    monkeypatch.setattr(receiver, "PAUSE", 0.01)
    monkeypatch.setattr(receiver, "_GRACE", 0.0)
    hanging, other, told = asyncio.Event(), asyncio.Event(), list[str]()

    @house.receiver.on_inbound
    async def listen(message: InboundMessage) -> None:
        told.append(message.text)
        if told.count(message.text) == 1:
            raise RuntimeError("not now")
        if message.text == "hang":
            hanging.set()
            await asyncio.Event().wait()
        other.set()

    async def live() -> None:
        async with asyncio.timeout(PATIENCE), house.receiver.running():
            await house.receiver.ahandle(inbound(house, "hang"))
            later(house, seconds=6)
            await hanging.wait()
            await house.receiver.ahandle(inbound(house, "other", "in-2"))
            later(house, seconds=12)
            await other.wait()

    house.run(live())
    assert ["hang", "hang", "other", "other"] == told


def test_hanging_function_does_not_keep_the_others_from_hearing(house: House) -> None:
    """The functions of one event are told at the same time, and it is told once all took it."""
    heard, go_on, told = asyncio.Event(), asyncio.Event(), []

    @house.receiver.on_inbound
    async def hanging(_: InboundMessage) -> None:
        await go_on.wait()
        told.append("hanging")

    @house.receiver.on_inbound
    async def quick(_: InboundMessage) -> None:
        heard.set()

    async def main() -> list[list[str]]:
        async with asyncio.timeout(PATIENCE):
            work = asyncio.create_task(house.receiver.ahandle(inbound(house)))
            await heard.wait()
            before = list(told)
            go_on.set()
            await work
            return [before, list(told)]

    assert [[], ["hanging"]] == house.run(main())
    later(house, seconds=61)
    assert 0 == house.run(house.receiver.acatch_up())


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_function_that_takes_too_long_is_told_again(
    house: House,
    gate: Gate,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    kind: str,
) -> None:
    """A function is not waited for beyond its time: it has failed, and is told later."""
    monkeypatch.setattr(listeners, "LIMIT", 0.05)
    told: list[str] = []

    def dawdle(message: InboundMessage) -> None:
        told.append(message.event_id)
        if len(told) == 1:
            gate.wait()

    async def adawdle(message: InboundMessage) -> None:
        told.append(message.event_id)
        if len(told) == 1:
            await asyncio.Event().wait()

    house.receiver.on_inbound(dawdle if kind == "sync" else adawdle)

    async def main() -> list[int]:
        async with asyncio.timeout(PATIENCE):
            await house.receiver.ahandle(inbound(house))
            counts = [await house.receiver.acatch_up()]
            later(house, seconds=6)
            return [*counts, await house.receiver.acatch_up()]

    assert [0, 1] == house.run(main())
    assert (2, 1) == (len(told), len(set(told)))
    assert "took too long" in caplog.text


def test_function_that_is_cancelled_has_failed(house: House) -> None:
    """What a function lets cancel itself is not taken, and nothing else ends by it."""
    told: list[str] = []

    @house.receiver.on_inbound
    async def cancelled(message: InboundMessage) -> None:
        told.append(message.event_id)
        if len(told) == 1:
            raise asyncio.CancelledError

    house.run(house.receiver.ahandle(inbound(house)))
    later(house, seconds=6)

    assert (1, 2) == (house.run(house.receiver.acatch_up()), len(told))


def test_stuck_threads_are_made_up_for(gate: Gate) -> None:
    """Threads that nobody waits for any more do not count, but for a bound."""
    threads = Threads(2, "two")

    async def main() -> str:
        async with asyncio.timeout(PATIENCE):
            stuck = [asyncio.create_task(threads.run(gate.wait)) for _ in range(2)]
            await gate.is_reached(2)
            waiting = asyncio.create_task(threads.run(lambda: "done"))
            for one in stuck:
                one.cancel()
            return await waiting

    assert "done" == asyncio.run(main())


def named(name: str) -> list[threading.Thread]:
    """Return the threads of this name."""
    return [thread for thread in threading.enumerate() if thread.name == name]


def test_stuck_threads_are_bounded(gate: Gate) -> None:
    """However much hangs, threads are only so many; what never began does not begin later."""
    threads, most = Threads(2, "bounded"), 2 + STUCK

    async def main() -> None:
        async with asyncio.timeout(PATIENCE):
            for _ in range(most // 2):
                pair = [asyncio.create_task(threads.run(gate.wait)) for _ in range(2)]
                await gate.is_reached(2)
                for task in pair:
                    task.cancel()
                await asyncio.wait(pair)
            late = asyncio.create_task(threads.run(gate.wait))
            await asyncio.sleep(0)
            assert most == len(named("bounded"))
            late.cancel()
            await asyncio.wait([late])

    asyncio.run(main())
    gate.opened.set()
    for thread in named("bounded"):
        thread.join(PATIENCE)
    assert not gate.reached.acquire(blocking=False)


def test_what_is_raised_in_a_thread_is_raised_here() -> None:
    """A function's answer and its error are those of who waits."""
    threads = Threads(1, "one")

    async def main() -> int:
        with pytest.raises(KeyError, match="x"):
            await threads.run({}.__getitem__, "x")
        return await threads.run(int, "a", base=16)

    assert 10 == asyncio.run(main())


def test_what_is_under_way_at_the_end(
    made: Made, ledger_url: str, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A receiver that ends leaves what hangs to the next one, and leaves nothing running."""
    monkeypatch.setattr(receiver, "_GRACE", 0.0)
    house = made("async", ledger_url)
    ended: list[str] = []

    @house.receiver.on_inbound
    async def hanging(_: InboundMessage) -> None:
        gate.reached.release()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async def live() -> int:
        async with asyncio.timeout(PATIENCE):
            async with house.receiver.running():
                asked = asyncio.create_task(house.receiver.ahandle(inbound(house)))
                await gate.is_reached()
            return (await asked).status

    assert (200, ["cancelled"]) == (house.run(live()), ended)
