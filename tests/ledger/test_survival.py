"""What was committed survives the process: a kill at any moment, a fork, another process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from polysms.delivery import Status
from polysms.errors import LedgerError
from polysms.ledger import Ledger, store
from tests.ledger import scenes

pytestmark = pytest.mark.unmeasured

#: Writes messages one after the other, each before and after; says which is on the disk.
WRITER = """
import sys
import threading
from datetime import UTC, datetime, timedelta
from polysms.delivery import Attempt, Evidence, Outcome
from polysms.errors import LedgerError
from polysms.ledger import Ledger, store
from polysms.message import Message
from polysms.values import changed

address, name, most = sys.argv[1], sys.argv[2], int(sys.argv[3])
ledger = Ledger(address)
for number in range(most):
    now = datetime.now(UTC)
    id_ = f"{name}-{number}"
    attempt = Attempt(
        account="wavix", provider="wavix", reference=f"ref-{id_}", started_at=now,
        expires_at=now + timedelta(seconds=90), lookup="exact",
    )
    message = Message("+13135550123", "Your table is ready")
    ledger.write(id_, message, attempt)
    print("open", id_, flush=True)
    ledger.write(id_, message, changed(
        attempt, ended_at=now, outcome=Outcome.ACCEPTED, evidence=Evidence.ACCEPTED,
        provider_id=f"theirs-{id_}",
    ))
    print("over", id_, flush=True)
"""


@contextmanager
def writing(url: str, name: str, most: int) -> Iterator[subprocess.Popen[str]]:
    """Run a process that writes, until the block is left."""
    with subprocess.Popen(  # noqa: S603 - this very Python
        [sys.executable, "-c", WRITER, url, name, str(most)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def lines(process: subprocess.Popen[str], most: int | None = None) -> list[list[str]]:
    """Return the next lines that a writer says, as words; all of them without a number."""
    assert process.stdout is not None
    said: list[list[str]] = []
    while (most is None or len(said) < most) and (line := process.stdout.readline()):
        said.append(line.split())
    return said


def test_kill_loses_nothing_that_was_committed(url: str) -> None:
    """Whatever a process had written when it was killed is there, and the file is whole."""
    said: list[list[str]] = []
    for number, most in enumerate((1, 2, 15, 40)):
        with writing(url, f"killed{number}", 100_000) as process:
            said += lines(process, most)
            process.send_signal(signal.SIGKILL)
            said += lines(process)

        with Ledger(url, clock=scenes.clock) as ledger:
            ledger.check()

    opened = {id_ for word, id_ in said if word == "open"}
    over = {id_ for word, id_ in said if word == "over"}
    assert {"killed0", "killed3"} <= {id_.partition("-")[0] for id_ in opened}
    with Ledger(url, clock=scenes.clock) as ledger:
        statuses = {one.id: one.status for one in ledger.find(limit=100_000)}
    assert opened <= set(statuses)
    assert {Status.QUEUED} == {statuses[id_] for id_ in over}
    # One that was about to say so, at most, for each that was killed.
    assert len(statuses) - len(opened) <= 4


def test_two_processes_write_to_one_ledger(url: str) -> None:
    """Two processes and this one write at once; nothing is lost, nothing fails."""
    with (
        Ledger(url, clock=scenes.clock) as ledger,
        writing(url, "left", 60) as left,
        writing(url, "right", 60) as right,
    ):
        for number in range(60):
            ledger.write(f"ours-{number}", scenes.message(), scenes.opened(f"ours-{number}"))
        said = lines(left) + lines(right)

        assert 240 == len(said)
        assert {Status.QUEUED: 120, Status.PENDING: 60} == ledger.stats().statuses


forks = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    # That there are threads is the point of some of these tests.
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),
]


def child_of(work: Callable[[], object]) -> int:
    """Fork, and let the child do this work, and nothing else; return its process id."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - nothing of the tests may run on in the child
            os._exit(1)
        os._exit(0)
    return child


def code_of(child: int) -> int:
    """Wait for a child; return the code that it ended with."""
    _, code = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(code)


class TestFork:
    """A ledger that was open before a fork serves parent and child."""

    pytestmark = forks

    def test_parent_and_child_write_on(self, ledger: Ledger) -> None:
        """Parent and child go on with the same ledger, each by connections of its own."""
        ledger.write("before", scenes.message(), scenes.opened())
        ledger.get("before")

        def written(name: str) -> None:
            for number in range(20):
                id_ = f"{name}-{number}"
                ledger.write(id_, scenes.message(), scenes.opened(f"ref-{id_}"))

        child = child_of(lambda: written("child"))
        written("parent")

        assert 0 == code_of(child)
        ledger.check()
        assert {Status.PENDING: 41} == ledger.stats().statuses

    def test_child_outlives_its_parents_ledger(self, ledger: Ledger) -> None:
        """The child's writes last, though the parent closes the ledger in between."""
        ledger.write("before", scenes.message(), scenes.opened())
        ledger.get("before")
        begun, begin = os.pipe()
        closed, close = os.pipe()

        def work() -> None:
            ledger.write("first", scenes.message(), scenes.opened("ref-first"))
            os.write(begin, b"x")
            os.read(closed, 1)
            ledger.write("second", scenes.message(), scenes.opened("ref-second"))
            assert {Status.PENDING: 3} == ledger.stats().statuses

        child = child_of(work)
        os.read(begun, 1)
        ledger.close()
        os.write(close, b"x")

        assert 0 == code_of(child)
        assert {Status.PENDING: 3} == ledger.stats().statuses
        for end in (begun, begin, closed, close):
            os.close(end)

    def test_child_does_not_wait_for_a_thread_it_lacks(self, ledger: Ledger) -> None:
        """A fork while another thread writes leaves the child a ledger that nobody holds."""
        with held(ledger) as release:
            threading.Timer(0.2, release.set).start()
            child = child_of(
                lambda: ledger.write("child", scenes.message(), scenes.opened("ref-child"))
            )

        assert 0 == code_of(child)
        assert {Status.PENDING: 1} == ledger.stats().statuses

    @pytest.mark.parametrize("url", ["sqlite"], indirect=True)
    def test_file_in_use_is_not_the_childs(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where a thread does not let go of the file, the child's ledger refuses to work."""
        monkeypatch.setattr(store, "PATIENCE", 0.1)

        def refused(ledger: Ledger) -> None:
            for use in (ledger.stats, ledger.lapse):
                with pytest.raises(LedgerError, match="forked"):
                    use()

        with Ledger(url, clock=scenes.clock) as ledger:
            with held(ledger) as release:
                child = child_of(lambda: refused(ledger))
                release.set()

            assert 0 == code_of(child)
            assert {} == ledger.stats().statuses


@contextmanager
def held(ledger: Ledger) -> Iterator[threading.Event]:
    """Hold a ledger in the transaction of another thread, until the event is set."""
    inside, release = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        inside.set()
        assert release.wait(30)

    ledger.stats()
    holder = threading.Thread(target=ledger._store.write, args=[hold])  # noqa: SLF001 - to hold it
    holder.start()
    assert inside.wait(30)
    yield release
    release.set()
    holder.join()
