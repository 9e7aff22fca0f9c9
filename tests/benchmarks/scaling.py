"""How many messages each way of working gets out of the outbox in a second.

``python tests/benchmarks/scaling.py [--messages 3000]``. The provider is ``null``, which takes
no time, so this is what the ways themselves cost. Counted is from the first tenth of the messages
to the last of them, without the start of the processes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

#: Beside what is installed, and after it: the library under test is the installed one.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from celery import Celery

from polysms import AsyncClient, Client, Message
from polysms.celery import attach
from polysms.ledger import Ledger
from polysms.worker import Worker
from tests import postgres, valkey

#: The variable of the environment that holds what a process works with, as JSON.
NAME = "SHOP_OF_THE_BENCHMARK"
#: Seconds in which all must be sent, and a process must have ended.
LONGEST = 180.0
_CELERY = ("celery", "worker", "--pool=prefork", "--loglevel=ERROR", "--without-mingle")
_POLYSMS = ("polysms", "worker")


@attrs.frozen(kw_only=True)
class Way:
    """A way of working: its processes, and the database they share."""

    name: str
    database: str
    commands: Sequence[Sequence[str]]

    @property
    def is_celery(self) -> bool:
        """Whether Celery's workers do it."""
        return self.commands[0][0] == "celery"


WAYS = tuple(
    Way(name=name, database=database, commands=commands)
    for database in ("sqlite", "postgresql")
    for name, commands in (
        ("1 polysms worker", (_POLYSMS,)),
        ("2 polysms workers", (_POLYSMS, _POLYSMS)),
        ("1 celery worker, -c 2", ((*_CELERY, "-c", "2"),)),
        ("1 celery worker, -c 4", ((*_CELERY, "-c", "4"),)),
    )
)


def made(facts: Mapping[str, Any]) -> Any:
    """Return an app and its outbox."""
    app = Celery("shop", broker=facts["broker"], set_as_current=False)
    app.conf.worker_prefetch_multiplier = 1
    outbox = attach(app, facts["config"])
    app.finalize()
    return app, outbox


def measured(way: Way, url: str, broker: str, folder: Path, messages: int) -> tuple[float, float]:
    """Return how many messages were enqueued, and sent, in a second."""
    config = {"accounts": {"null": {"sender": "+13135550100"}}, "ledger": url}
    facts = {"config": config, "broker": broker}
    with Ledger(url) as ledger:
        ledger.upgrade()
    app, outbox = made(facts)
    put = outbox.enqueue if way.is_celery else outbox.client.enqueue
    began = time.perf_counter()
    for number in range(messages):
        put(Message(f"+1313555{100 + number % 100:04}", f"n-{number}"))
    enqueued = messages / (time.perf_counter() - began)
    with _running(way, facts, folder):
        sent = _rate(outbox.client, messages)
    outbox.close()
    app.close()
    return enqueued, sent


def _rate(client: Client, messages: int) -> float:
    until = time.monotonic() + LONGEST
    began, at = 0.0, 0
    while (left := client.ledger.outbox.waiting()) and time.monotonic() < until:
        if not began and left < 0.9 * messages:
            began, at = time.perf_counter(), left
        time.sleep(0.02)
    if left or not began:
        raise TimeoutError(f"{left} of {messages} are not sent")
    return at / (time.perf_counter() - began)


@contextlib.contextmanager
def _running(way: Way, facts: Mapping[str, Any], folder: Path) -> Iterator[None]:
    environment = {**os.environ, NAME: json.dumps(facts)}
    processes = [
        subprocess.Popen(
            [sys.executable, __file__, *command],
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
        for command in way.commands
    ]
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def _work(words: Sequence[str]) -> None:
    facts = json.loads(os.environ[NAME])
    if words[0] == "celery":
        made(facts)[0].start([*words[1:]])
        return

    async def work() -> None:
        async with AsyncClient(facts["config"]) as client:
            worker = Worker(client)
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
            await worker.run()

    asyncio.run(work())


def main() -> int:
    """Measure every way, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=3000)
    messages = parser.parse_args().messages
    print(f"{messages} messages each, {os.cpu_count()} cores\n")
    print(f"{'way':24}{'database':12}{'enqueued/s':>12}{'sent/s':>10}")
    with postgres.running() as server, tempfile.TemporaryDirectory() as place:
        for number, way in enumerate(WAYS):
            folder = Path(place) / f"{number}"
            folder.mkdir()
            is_file = way.database == "sqlite"
            url = f"sqlite:///{folder}/ledger.db" if is_file else server.url(server.database())
            with valkey.running() as broker:
                address = broker.url.replace("valkey:", "redis:")
                enqueued, sent = measured(way, url, address, folder, messages)
            print(f"{way.name:24}{way.database:12}{enqueued:>12,.0f}{sent:>10,.0f}", flush=True)
    return 0


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] in {"celery", "polysms"}:
        _work(sys.argv[1:])
    else:
        sys.exit(main())
