"""Rates and health of many processes, in a real Valkey that is killed, frozen and started again."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from polysms import ConfigError
from polysms.client import valkey
from polysms.client.limits import EASY_WAIT, Limits
from polysms.client.shared import SharedHealth
from polysms.config import Account
from polysms.errors import Reason
from polysms.message import Message
from polysms.routing.breaker import Entry
from polysms.routing.health import Health, Signal
from tests.valkey import PASSWORD, Server, running

pytestmark = pytest.mark.one_python

ONE, OTHER = "+13135550100", "+13135550101"
NAME = "wavix"
#: Seconds a test waits for what must come at once; a rate of one segment in hours is not moved.
LONG = 30.0
SLOW = 0.001
PROCESSES = 8


def account(name: str = NAME, **limits: Any) -> Account:
    """Return an account with these limits."""
    return Account(name=name, provider=None, provider_name="wavix", **limits)


@pytest.fixture(scope="module")
def one_server() -> Iterator[Server]:
    """Return a server for all tests of this file."""
    with running() as server:
        yield server


@pytest.fixture
def server(one_server: Server) -> Iterator[Server]:
    """Return the server, empty, and bring it back afterwards."""
    with one_server.client() as client:
        client.flushall()
    yield one_server
    one_server.kill()
    one_server.start()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let who lost the server ask for it often."""
    monkeypatch.setattr(valkey, "AGAIN", 0.05)
    monkeypatch.setattr(valkey, "SETTLES", 0.5)


class Sharing:
    """The limits of several processes, as objects of one: asked as a thread or as a task."""

    def __init__(self, kind: str, stack: ExitStack) -> None:
        self._stack = stack
        self._runner = stack.enter_context(asyncio.Runner()) if kind == "async" else None

    def limits(self, url: str) -> Limits:
        made = Limits(shared=url, processes=PROCESSES)
        self._stack.callback(made.close)
        return made

    def ask(self, limits: Limits, place: Account, sender: str | None, cost: int = 1) -> float:
        if self._runner is None:
            return limits.admit(place, sender, cost)
        return self._runner.run(limits.admit_async(place, sender, cost))


@pytest.fixture(params=["sync", "async"])
def sharing(request: pytest.FixtureRequest) -> Iterator[Sharing]:
    """Return what asks, for threads and for tasks in turn."""
    with ExitStack() as stack:
        yield Sharing(request.param, stack)


def until(done: Callable[[], object]) -> None:
    """Wait until something is so."""
    late = time.monotonic() + LONG
    while not done():
        assert time.monotonic() < late, "it never came"
        time.sleep(0.01)


def test_two_processes_share_a_rate(server: Server, sharing: Sharing) -> None:
    """What one has taken, the other does not find; a message costs its segments."""
    one, other = sharing.limits(server.url), sharing.limits(server.url)
    place = account(mps=SLOW)
    assert 0.0 == sharing.ask(one, place, ONE, 6)
    assert 6000 == pytest.approx(sharing.ask(other, place, OTHER), abs=LONG)
    # It is remembered that asking is in vain.
    assert 6000 == pytest.approx(sharing.ask(other, place, OTHER), abs=LONG)


@pytest.mark.parametrize(
    ("limits", "senders"),
    [
        ({"mps": SLOW, "sender_mps": SLOW / 10}, (ONE, OTHER)),
        ({"mps": 10 * SLOW, "sender_mps": SLOW}, (ONE, ONE)),
    ],
)
def test_both_rates_or_neither(
    server: Server, sharing: Sharing, limits: dict[str, Any], senders: tuple[str, str]
) -> None:
    """Whichever of account and sender has no room, the other loses nothing."""
    place = account(**limits)
    assert 0.0 == sharing.ask(sharing.limits(server.url), place, senders[0])
    taken = {key: kept["tat"] for key, kept in server.everything().items() if "rate" in key}
    assert 1000 == pytest.approx(
        sharing.ask(sharing.limits(server.url), place, senders[1]), abs=LONG
    )
    after = {key: kept["tat"] for key, kept in server.everything().items() if "rate" in key}
    assert taken == {key: after[key] for key in taken}


def test_accounts_and_senders_are_counted_apart(server: Server, sharing: Sharing) -> None:
    """Each sender of each account has a rate of its own; without a sender there is none."""
    limits = sharing.limits(server.url)
    places = [account(name, sender_mps=SLOW) for name in ("one", "other")]
    assert [0.0] * 4 == [sharing.ask(limits, it, who) for it in places for who in (ONE, OTHER)]
    assert [0.0] * 3 == [sharing.ask(limits, places[0], None) for _ in range(3)]


def taken(sharing: Sharing, limits: Limits, place: Account, times: int) -> int:
    """Return how many of so many asks are admitted."""
    return sum(sharing.ask(limits, place, ONE) == 0 for _ in range(times))


def test_nothing_is_saved_up_at_first(server: Server, sharing: Sharing) -> None:
    """A server that forgot everything gives no burst away: one at once, and then by the rate."""
    limits, begun = sharing.limits(server.url), time.monotonic()
    count = taken(sharing, limits, account(mps=400), 300)
    assert 0 < count <= 1 + 400 * (time.monotonic() - begun)


def test_many_at_once(server: Server) -> None:
    """A crowd stands in our own line; that is not taken for a server out of reach."""
    limits, place = Limits(shared=server.url), account(mps=1_000_000)

    async def crowd() -> list[float]:
        return await asyncio.gather(*(limits.admit_async(place, ONE, 1) for _ in range(2000)))

    # On a slow machine the last of them are told to ask again.
    assert 0.0 in asyncio.run(crowd())
    limits.close()
    assert limits.valkey is not None
    assert 0 == limits.valkey.losses


def _gone(server: Server, how: str) -> None:
    if how == "killed":
        server.kill()
    else:
        server.freeze()


@pytest.mark.parametrize("how", ["killed", "frozen"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_without_the_server_a_share(
    server: Server, sharing: Sharing, caplog: pytest.LogCaptureFixture, how: str, when: str
) -> None:
    """Out of reach, a process keeps to its share, with nothing saved up; it says so once."""
    limits, place = sharing.limits(server.url), account(mps=SLOW)
    if when == "after":
        assert 0.0 == sharing.ask(limits, place, ONE)
        place = account("other", mps=SLOW)
    _gone(server, how)
    until(lambda: sharing.ask(limits, place, ONE) > EASY_WAIT)
    told = [sharing.ask(limits, place, ONE) for _ in range(5)]
    assert [PROCESSES / SLOW] * 5 == pytest.approx(told, abs=LONG)
    assert 1 == len([line for line in caplog.records if line.name == "polysms"])
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize("crowd", [1, 20])
def test_name_server_that_does_not_answer(
    sharing: Sharing, monkeypatch: pytest.MonkeyPatch, crowd: int
) -> None:
    """Nobody waits for a name: those who ask are told to ask again, and then of the share."""
    silence = threading.Event()

    def silent(*_: object, **__: object) -> list[Any]:
        silence.wait(LONG)
        return []

    monkeypatch.setattr("socket.getaddrinfo", silent)
    limits, place = sharing.limits("redis://localhost:1"), account(mps=SLOW)
    with ThreadPoolExecutor(crowd) as pool:
        told = {0.0}
        while max(told) <= EASY_WAIT:
            asked = [pool.submit(limits.admit, place, ONE, 1) for _ in range(crowd - 1)]
            told = {sharing.ask(limits, place, ONE), *(one.result(LONG) for one in asked)}
    silence.set()
    assert 0.0 not in told
    assert PROCESSES / SLOW == pytest.approx(max(told), abs=LONG)


def test_share_is_of_those_last_seen(server: Server) -> None:
    """More processes than the configuration says were seen: the share is theirs."""
    crowd = [Limits(shared=server.url, processes=2) for _ in range(5)]
    place = account(sender_mps=SLOW)
    assert [0.0] * 5 == [
        one.admit(place, f"+1313555010{number}", 1) for number, one in enumerate(crowd)
    ]
    server.kill()
    assert 5 / SLOW == pytest.approx(crowd[-1].admit(place, "+13135550109", 1), abs=LONG)
    for one in crowd:
        one.close()


def test_share_is_earned(server: Server, sharing: Sharing) -> None:
    """A share lets through what it has earned since the server was lost, and no more."""
    limits, place = sharing.limits(server.url), account(mps=400)
    server.kill()
    begun = time.monotonic()
    count = taken(sharing, limits, place, 5000)
    assert count <= 400 / PROCESSES * (time.monotonic() - begun)
    until(lambda: sharing.ask(limits, place, ONE) == 0)


def test_server_is_found_again(
    server: Server, sharing: Sharing, quick: None, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that is back is used again, and that is said once."""
    caplog.set_level(logging.INFO, "polysms")
    limits, place = sharing.limits(server.url), account(mps=1000)
    server.kill()
    sharing.ask(limits, place, ONE)
    server.start()
    until(lambda: sharing.ask(limits, place, ONE) == 0 and server.keys())
    assert ["out of reach", "in reach"] == [
        next(words for words in ("out of reach", "in reach") if words in line.getMessage())
        for line in caplog.records
        if line.name == "polysms"
    ]


def test_share_is_kept_until_all_are_back(
    server: Server, sharing: Sharing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who finds it again keeps to its share too, as long as others may not have found it."""
    monkeypatch.setattr(valkey, "AGAIN", 0.05)
    monkeypatch.setattr(valkey, "SETTLES", LONG)
    limits, place, slow = sharing.limits(server.url), account(mps=400), account("slow", mps=SLOW)
    server.kill()
    begun = time.monotonic()
    sharing.ask(limits, place, ONE)
    server.start()
    until(lambda: sharing.ask(limits, place, ONE) == 0 and server.keys())
    assert LONG == pytest.approx(sharing.ask(limits, slow, ONE), abs=LONG / 2)
    count = taken(sharing, limits, place, 500)
    assert count <= 400 / PROCESSES * (time.monotonic() - begun)
    monkeypatch.setattr(valkey, "SETTLES", 0.0)
    assert 0.0 == sharing.ask(limits, slow, ONE)


def test_nothing_is_saved_up_meanwhile(server: Server, sharing: Sharing, quick: None) -> None:
    """What the shares used while the server was silent is not given once more when it is back."""
    limits, place = sharing.limits(server.url), account(mps=400)
    sharing.ask(limits, place, ONE)
    # A bucket as it is after a long calm.
    with server.client() as client:
        client.hset("polysms:{wavix}:rate", "tat", 1)
    server.freeze()
    lost = time.monotonic()
    count = taken(sharing, limits, place, 1)
    server.thaw()
    shared = limits.valkey
    assert shared is not None
    while shared.back_at < lost or shared.settles_for:
        assert time.monotonic() < lost + LONG
        count += taken(sharing, limits, place, 1)
        time.sleep(0.01)
    count += taken(sharing, limits, place, 1000)
    assert count <= 1 + 400 * (time.monotonic() - lost)


def test_loop_goes_on(server: Server) -> None:
    """While a task waits for a server that does not answer, other tasks run."""
    limits, ticks = Limits(shared=server.url), 0
    server.freeze()

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.001)

    async def ask() -> float:
        ticking = asyncio.create_task(tick())
        wait = await limits.admit_async(account(mps=SLOW), ONE, 1)
        ticking.cancel()
        return wait

    assert 0 < asyncio.run(ask())
    limits.close()
    assert ticks > 3


def test_cancelled_task(server: Server) -> None:
    """A task that is cancelled while it asks leaves the others their server."""
    limits = Limits(shared=server.url)
    place = account(mps=1_000_000)

    async def cancel() -> float:
        asked = [asyncio.create_task(limits.admit_async(place, ONE, 1)) for _ in range(50)]
        await asyncio.sleep(0)
        for one in asked[::2]:
            one.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        return await limits.admit_async(place, ONE, 1)

    assert 0.0 == asyncio.run(cancel())
    limits.close()
    assert limits.valkey is not None
    assert 0 == limits.valkey.losses


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_fork(server: Server) -> None:
    """A child shares by connections and threads of its own."""
    limits, place = Limits(shared=server.url), account(mps=SLOW)
    assert 0.0 == limits.admit(place, ONE, 1)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            fresh = limits.admit(account("other", mps=SLOW), ONE, 1)
            status = int((fresh, limits.admit(place, ONE, 1) > 1) != (0.0, True))
        finally:
            os._exit(status)
    until(lambda: _ended(child))
    assert 1 < limits.admit(place, ONE, 1)
    limits.close()


def _ended(child: int) -> bool:
    ended, status = os.waitpid(child, os.WNOHANG)
    if ended:
        assert 0 == os.waitstatus_to_exitcode(status)
    return bool(ended)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:{PASSWORD}@localhost/0",
        f"redis://me:{PASSWORD}@localhost:port/0",
        PASSWORD,
    ],
)
def test_wrong_address(url: str) -> None:
    """An address that is none is told at once, and not repeated."""
    with pytest.raises(ConfigError, match="shared: write an address") as caught:
        Limits(shared=url)
    assert PASSWORD not in str(caught.value)
    assert caught.value.__cause__ is None


def test_without_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who shares and has not installed what it needs is told how."""
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ConfigError, match=r'pip install "polysms\[shared\]"'):
        Limits(shared="redis://localhost")


def test_client_is_not_imported_for_nothing() -> None:
    """A program that shares nothing does not pay for the import."""
    program = "import sys, polysms.client.limits as it; it.Limits(); print('redis' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)  # noqa: S603 - our own program
    assert b"False" == done.stdout.strip()


def test_nothing_private_is_kept(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """Neither keys nor what they hold show a phone number; no log and no repr the password."""
    caplog.set_level(logging.DEBUG)
    limits, health = Limits(shared=server.url), Health(threading.Lock())
    assert limits.valkey is not None
    shared = SharedHealth(limits.valkey, health)
    limits.admit(account(mps=SLOW, sender_mps=SLOW), ONE, 1)
    health.refused(NAME, ONE, Reason.CREDENTIALS, Message(OTHER, "x"), time.monotonic())
    until(lambda: len(server.keys()) == 4)
    kept = str(server.everything())
    server.kill()
    limits.admit(account(mps=SLOW), ONE, 1)
    said = f"{caplog.text}{limits!r}{vars(limits)}{shared!r}{limits.valkey!r}"
    limits.close()
    assert [] == [word for word in (ONE[1:], OTHER[1:]) if word in kept + said]
    assert PASSWORD not in kept + said


class Teller:
    """The health of one process, shared."""

    def __init__(self, url: str) -> None:
        self.limits = Limits(shared=url)
        assert self.limits.valkey is not None
        self.health = Health(threading.Lock())
        self.shared = SharedHealth(self.limits.valkey, self.health)

    def fail(self, times: int = 5) -> None:
        for _ in range(times):
            self.health.told(NAME, Entry.USUAL, Signal.BAD, time.monotonic(), 1.0)

    def why_not(self) -> str | None:
        self.shared.refresh((NAME,))
        return self.health.why_not(NAME, time.monotonic())

    def may_be_asked(self) -> bool:
        return self.why_not() is None


@pytest.fixture
def tellers(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Teller]]:
    """Return three processes' healths; they read often."""
    monkeypatch.setattr("polysms.client.shared.EVERY", 0.01)
    made = [Teller(server.url) for _ in range(3)]
    yield made
    for one in made:
        one.limits.close()


def test_others_know_of_an_opening(tellers: list[Teller]) -> None:
    """What one found out by five failures, the others know without one."""
    one, *others = tellers
    one.fail()
    for other in others:
        until(other.why_not)
        assert "5 failures in a row" in str(other.why_not())


def test_others_know_of_the_end(tellers: list[Teller]) -> None:
    """Who finds it well again spares the others the finding."""
    one, *others = tellers
    one.fail()
    for other in others:
        until(other.why_not)
    later = time.monotonic() + 60
    for _ in range(2):
        entry = one.health.enter(NAME, later, 1.0)
        assert entry is not None
        one.health.accepted(NAME, entry, ONE, later)
    for other in others:
        until(other.may_be_asked)
        assert Entry.USUAL == other.health.enter(NAME, time.monotonic(), 1.0)


def test_others_wait_for_a_probe(tellers: list[Teller]) -> None:
    """While one probes, the others leave it alone."""
    one, other, _ = tellers
    one.fail()
    until(other.why_not)
    later = time.monotonic() + 60
    assert one.health.enter(NAME, later, 200.0) is not None

    def is_told() -> bool:
        other.why_not()
        return other.health.why_not(NAME, later) is not None

    until(is_told)


@pytest.mark.parametrize("reason", [Reason.CREDENTIALS, Reason.BALANCE])
def test_others_know_of_a_mark(tellers: list[Teller], reason: Reason) -> None:
    """What an operator must mend is known to all, and that it is mended too."""
    one, other, _ = tellers
    one.health.refused(NAME, ONE, reason, Message(OTHER, "x"), time.monotonic())
    until(other.why_not)
    assert one.health.why_not(NAME, 0.0) is not None
    assert str(one.why_not())[:20] == str(other.why_not())[:20]
    one.health.accepted(NAME, Entry.FORCED, ONE, time.monotonic())
    until(other.may_be_asked)


def test_own_news_is_no_news(tellers: list[Teller]) -> None:
    """Who reads what it said itself rests no longer for that."""
    one, other, _ = tellers
    one.fail()
    until(other.why_not)
    for _ in range(20):
        one.why_not()
        time.sleep(0.01)
    assert one.health.how_bad(NAME, time.monotonic())[1] <= 30


def test_words_of_others_are_scrubbed(server: Server, tellers: list[Teller]) -> None:
    """Whatever another process writes, no phone number is said in our name."""
    facts = {"id": "x", "rests": True, "why": f"{ONE} is down", "reason": None}
    with server.client() as client:
        client.set("polysms:{wavix}:breaker", json.dumps(facts), px=60_000)
    until(tellers[0].why_not)
    assert "+1********00 is down" in str(tellers[0].why_not())


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"id": 1, "rests": true, "why": "", "reason": "fun"}']
)
def test_nonsense_is_not_believed(server: Server, tellers: list[Teller], text: str) -> None:
    """What no process of ours wrote says nothing of an account."""
    one, other, _ = tellers
    with server.client() as client:
        client.set("polysms:{other}:breaker", text, px=60_000)
        client.set("polysms:{wavix}:mark", text, px=60_000)
    one.fail()

    def is_told() -> bool:
        other.shared.refresh(("other", NAME))
        return other.health.why_not(NAME, time.monotonic()) is not None

    until(is_told)
    assert other.health.why_not("other", time.monotonic()) is None
    assert not other.health.has_marks(NAME)


def test_health_without_the_server(server: Server, tellers: list[Teller]) -> None:
    """Without the server each knows what it has found out itself."""
    one, other, _ = tellers
    server.kill()
    one.fail()
    assert one.why_not() is not None
    assert [None] * 20 == [other.why_not() for _ in range(20)]


#: One process: it asks from "go" for so many seconds and prints when it was admitted.
PROGRAM = """
import sys, time
from polysms.client import valkey
from polysms.client.limits import EASY_WAIT, Limits
from polysms.config import Account

valkey.AGAIN, valkey.SETTLES = 0.5, 1.1
limits = Limits(shared=sys.stdin.readline().strip(), processes=8)
account = Account(name="wavix", provider=None, provider_name="wavix", mps=10, sender_mps=10)
limits.prepare(account)
print("ready", flush=True)
end = time.monotonic() + float(sys.stdin.readline())
while (now := time.monotonic()) < end:
    wait = limits.admit(account, "+13135550100", 1)
    if wait:
        time.sleep(min(wait, max(0.0, end - now)))
    else:
        print(time.monotonic(), flush=True)
limits.close()
"""
RATE = 10


class Crowd:
    """Processes that share one rate, and when each segment was admitted."""

    def __init__(self, url: str, seconds: float) -> None:
        command = [sys.executable, "-W", "error", "-c", PROGRAM]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._all = [
            subprocess.Popen(command, text=True, stderr=subprocess.PIPE, **pipes)  # noqa: S603 - our own program
            for _ in range(PROCESSES)
        ]
        for one in self._all:
            assert one.stdin is not None
            one.stdin.write(f"{url}\n")
            one.stdin.flush()
        for one in self._all:
            assert one.stdout is not None
            assert "ready\n" == one.stdout.readline()
        self.begun = time.monotonic()
        for one in self._all:
            assert one.stdin is not None
            one.stdin.write(f"{seconds}\n")
            one.stdin.flush()

    def ended(self) -> tuple[list[float], str]:
        """Return the times at which they were admitted, and all they complained of."""
        told = [one.communicate(timeout=LONG) for one in self._all]
        times = sorted(float(line) for out, _ in told for line in out.split())
        return times, "".join(errors for _, errors in told)


def _most_above(times: list[float]) -> float:
    """Return by how much the fullest of all windows goes beyond what the rate alone allows."""
    return max(
        last - first + 1 - RATE * (times[last] - times[first])
        for first in range(len(times))
        for last in range(first, len(times))
    )


#: What a window may hold beyond its rate: a second's worth, and the time that a process takes to
#: say when it was admitted.
ABOVE = RATE + 2


@pytest.mark.unmeasured
def test_eight_processes_share_a_rate(server: Server) -> None:
    """Together they go at the rate: no window holds more, and hardly anything is left unused."""
    seconds = 4.0
    crowd = Crowd(server.url, seconds)
    times, errors = crowd.ended()
    assert "" == errors
    assert _most_above(times) <= ABOVE
    assert 0.9 * RATE * seconds <= len(times) <= RATE * seconds + ABOVE


@pytest.mark.unmeasured
def test_server_dies_under_eight_processes(server: Server) -> None:
    """Killed and back, empty: never faster than the rate, never still, and soon as fast again."""
    crowd = Crowd(server.url, 9.0)
    time.sleep(2.0)
    server.kill()
    killed = time.monotonic()
    time.sleep(2.5)
    server.start()
    times, errors = crowd.ended()
    assert PASSWORD not in errors
    assert PROCESSES == errors.count("out of reach")
    assert _most_above(times) <= ABOVE
    outage = [moment for moment in times if killed + 0.2 < moment < killed + 2.5]
    assert 0 < len(outage) <= RATE * 2.3 + 1
    last = [moment for moment in times if moment > crowd.begun + 7.0]
    assert 0.9 * RATE * 2 <= len(last)
