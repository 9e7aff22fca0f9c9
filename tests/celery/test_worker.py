"""A real worker of Celery: it sends, it sweeps, and it says what does not suit it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from polysms import Message
from tests.campaigns import phone, shop
from tests.campaigns.shop import Facts
from tests.valkey import Server

pytestmark = pytest.mark.unmeasured

TO = "+13135550143"
#: Seconds until a worker must have done its work.
LONG = 60.0


@pytest.fixture
def facts(playing: Any, server: Server, tmp_path: Path) -> Facts:
    """Return what the worker works with."""
    with server.client() as client:
        client.flushall()
    return Facts(
        broker=server.url.replace("valkey:", "redis:"),
        ledger=f"sqlite:///{tmp_path}/shop.db",
        urls={"wavix": playing.url},
        began=time.time(),
        pace=1.0,
    )


@contextmanager
def working(facts: Facts, folder: Path, *words: str) -> Iterator[Path]:
    """Run a worker as long as the block lasts; yield the file of what it says."""
    said = folder / "said.txt"
    command = [sys.executable, shop.__file__, "worker", "-c", "1", *words]
    with (
        said.open("wb") as log,
        subprocess.Popen(  # noqa: S603 - the app of the campaigns
            command, env=facts.environment(), cwd=folder, stdout=log, stderr=log
        ) as process,
    ):
        try:
            yield said
            process.terminate()
            process.wait(LONG)
        finally:
            process.kill()


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_worker(playing: Any, server: Server, facts: Facts, tmp_path: Path, pool: str) -> None:
    """Whatever its pool, a worker takes part in the sweep: it sends what no task tells of."""
    app, outbox = shop.made(facts)
    before = len(phone.copies(playing.url))
    told = outbox.enqueue(Message(TO, "told of"))
    with server.client() as client:
        lost = outbox.client.enqueue(Message(TO, "not told of"))
        assert 1 == len(client.lrange("celery", 0, -1))

    with working(facts, tmp_path, "--pool", pool) as said:
        app.send_task("polysms.sweep", queue="polysms.sweep")
        until = time.monotonic() + LONG
        while outbox.client.ledger.outbox.waiting() and time.monotonic() < until:
            time.sleep(0.05)
    found = [outbox.client.get(str(one.id)) for one in (told, lost)]
    outbox.close()
    app.close()

    assert [1, 1] == [len(one.attempts) for one in found]
    assert 2 == len(phone.copies(playing.url)) - before
    assert TO not in said.read_text()


def test_worker_of_other_queues(server: Server, facts: Facts, tmp_path: Path) -> None:
    """A worker that does not send takes no part in the sweep."""
    app, outbox = shop.made(facts)
    app.send_task("polysms.sweep", queue="polysms.sweep")

    with working(facts, tmp_path, "--pool", "solo", "-Q", "others", "-l", "INFO") as said:
        until = time.monotonic() + LONG
        while "ready." not in said.read_text() and time.monotonic() < until:
            time.sleep(0.05)
    with server.client() as client:
        left = client.lrange("polysms.sweep", 0, -1)
    outbox.close()
    app.close()

    assert 1 == len(left)
    assert "ready." in said.read_text()
