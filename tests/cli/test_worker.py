"""``polysms worker``, as a process: it sends what waits, and ends when it is told to."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from polysms import Client, Message, Status
from polysms.delivery import Delivery
from polysms.sandbox import Behaviour, running
from tests.cli.conftest import NUMBER, PATIENCE, POLYSMS, Command, checked

pytestmark = pytest.mark.unmeasured

Started = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def started(kept: Path) -> Iterator[Started]:
    """Return a function that starts a worker; what still runs when the test ends is ended."""
    running_: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        # A run in the background of a script ignores Ctrl-C, and would hand that on.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*POLYSMS, "worker", "--config", str(kept), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        signal.signal(signal.SIGINT, before)
        running_.append(process)
        return process

    yield start
    for process in running_:
        process.kill()
        process.communicate()


def enqueued(kept: Path, count: int, to: str = NUMBER, via: str = "null") -> list[Delivery]:
    """Put messages into the outbox."""
    with Client.from_config(kept) as client:
        return [client.enqueue(Message(to, "hello"), via=via) for _ in range(count)]


def statuses(kept: Path) -> list[Status]:
    """Return the statuses of all messages."""
    with Client.from_config(kept) as client:
        return [one.status for one in client.find(limit=1000)]


def line(process: subprocess.Popen[str]) -> str:
    """Return the next line that a worker says."""
    assert process.stdout is not None
    return process.stdout.readline()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for a worker's end; return its exit code and what it still said."""
    out, err = process.communicate(timeout=PATIENCE)
    checked(process.returncode, out, err)
    return process.returncode, out


def test_drain(kept: Path, command: Command) -> None:
    """A drain sends what is due, counts it, leaves what is to be sent later, and ends."""
    enqueued(kept, 5)
    command("send", "--at", "2h", "--via", "null", "--to", NUMBER, "hello")
    said = command("worker", "--drain", "--concurrency", "2")
    first, last = said.out.splitlines()

    assert 0 == said.code
    assert "Sending what waits, 2 at once, until nothing is due." == first
    assert "Ended: 5 seen to, 1 still in the outbox." == last
    assert [Status.PENDING, *[Status.SENT] * 5] == statuses(kept)


def test_drain_for_programs(kept: Path, command: Command) -> None:
    """A program is told the same, a document a line."""
    enqueued(kept, 3)
    said = command("worker", "--drain", "--json")
    first, last = map(json.loads, said.out.splitlines())

    assert ("started", 100) == (first["type"], first["concurrency"])
    assert ("ended", 3, 0) == (last["type"], last["seen_to"], last["left"])
    assert first["worker"] == last["worker"]


def test_drain_on_postgresql(kept: Path, command: Command, postgres_ledger: None) -> None:
    """A worker drains a PostgreSQL alike, once its tables are there."""
    without = command("worker", "--drain")
    assert (3, True) == (without.code, "run `polysms ledger upgrade`" in without.err)
    assert 0 == command("ledger", "upgrade").code
    enqueued(kept, 5)
    said = command("worker", "--drain")

    assert (0, True) == (said.code, "5 seen to, 0 still in the outbox" in said.out)
    assert [Status.SENT] * 5 == statuses(kept)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop(kept: Path, started: Started, number: signal.Signals) -> None:
    """SIGTERM and Ctrl-C end a worker as it should, and it says what it did."""
    process = started("--json")
    assert "started" == json.loads(line(process))["type"]
    enqueued(kept, 2)
    _until(lambda: Status.PENDING not in statuses(kept))
    process.send_signal(number)
    code, out = ended(process)

    assert (0, 2) == (code, json.loads(out)["seen_to"])
    assert [Status.SENT] * 2 == statuses(kept)


def test_a_send_that_hangs_is_not_waited_for(
    kept: Path, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that is told to stop lets go of a send without an answer: it may have been sent."""
    with running(behaviour=Behaviour(seed=1)) as sandbox:
        monkeypatch.setenv("POLYSMS_SANDBOX", sandbox.url)
        # Accepted, and answered after two minutes: longer than this test waits for the end.
        enqueued(kept, 1, to="+13135550110", via="wavix")
        process = started()
        assert "Sending what waits, 100 at once, until Ctrl-C.\n" == line(process)
        _until(lambda: sandbox.store.received("+13135550110"))
        process.send_signal(signal.SIGTERM)
        code, out = ended(process)

    assert (0, True) == (code, "Ended: " in out)
    assert [Status.MAYBE_SENT] == statuses(kept)


def test_a_second_signal_ends_it_at_once(
    kept: Path, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who presses Ctrl-C twice does not wait, and is told what that may mean."""
    with running(behaviour=Behaviour(seed=1)) as sandbox:
        monkeypatch.setenv("POLYSMS_SANDBOX", sandbox.url)
        enqueued(kept, 1, to="+13135550110", via="wavix")
        process = started()
        line(process)
        _until(lambda: sandbox.store.received("+13135550110"))
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)

    assert (4, True) == (process.returncode, "what was under way may have been sent" in err)


def _until(is_so: Callable[[], object]) -> None:
    for _ in range(PATIENCE * 10):
        if is_so():
            return
        time.sleep(0.1)
    pytest.fail("it never came to that")


@pytest.mark.parametrize("concurrency", ["0", "-1", "many"])
def test_wrong_concurrency(command: Command, concurrency: str) -> None:
    """A worker without room for a message is refused."""
    assert 2 == command("worker", "--concurrency", concurrency).code


def test_without_a_ledger(command: Command) -> None:
    """Without a ledger there is nothing to drain, and it is said what to add."""
    said = command("worker", "--url", "memory://?sender=Acme")

    assert (2, True) == (said.code, 'as ledger = "sqlite:///polysms.db"' in said.err)


def test_a_ledger_that_cannot_be_read(command: Command, kept: Path) -> None:
    """A ledger that is none ends the worker before it has said that it works."""
    (kept.parent / "ledger.db").write_bytes(b"no database" * 1000)
    said = command("worker")

    assert (3, "") == (said.code, said.out)
    assert "the ledger's file is no SQLite database" in said.err
