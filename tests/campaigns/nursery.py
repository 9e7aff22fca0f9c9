"""A nursery of processes that are to be killed: it has imported everything, and forks.

A worker that takes half a second to import is killed before it has done anything; a fork is at it
within milliseconds. As a program it obeys one JSON object a line until its standard input ends,
and leaves no child behind.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import ssl
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import httpx

if __name__ == "__main__":
    #: Beside what is installed, and after it: the library under test is the installed one.
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from tests.campaigns.unmeasured import environment

#: Seconds after which a child ends by itself, whatever became of the campaign.
LONGEST_LIFE = 600


class Nursery:
    """The nursery, from the outside."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def begin(self, job: str, **facts: Any) -> int:
        """Let a child begin a job of :data:`tests.campaigns.hands.JOBS`; return its pid.

        It is at it by then.
        """
        return int(self._ask(do="begin", job=job, facts=facts))

    def end(self, pid: int, number: int = signal.SIGKILL) -> int:
        """Send a child a signal and wait for its end; return its exit code.

        It is minus the signal's number for one that the signal ended.
        """
        return int(self._ask(do="end", pid=pid, number=int(number)))

    def wait(self, pid: int) -> int:
        """Wait until a child has ended by itself; return its exit code."""
        return int(self._ask(do="wait", pid=pid))

    def _ask(self, **order: Any) -> Any:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the nursery cannot be asked")
        self._process.stdin.write(f"{json.dumps(order)}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the nursery has ended")
        return json.loads(line)


@contextlib.contextmanager
def nursery(log: Path) -> Iterator[Nursery]:
    """Start a nursery whose children write what they have to say to a file, and end it."""
    with log.open("a") as said:
        process = subprocess.Popen(  # noqa: S603 - this very file
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            env=environment(),
            text=True,
        )
        with process:
            try:
                yield Nursery(process)
            finally:
                if process.stdin is not None:
                    process.stdin.close()


class _Children:
    """The children, from the inside."""

    def __init__(self) -> None:
        self.alive: set[int] = set()

    def begin(self, job: str, facts: dict[str, Any]) -> int:
        heard, said = os.pipe()
        pid = os.fork()
        if pid == 0:
            _live(job, facts, said)
        os.close(said)
        os.read(heard, 1)  # until it is at it, or has ended
        os.close(heard)
        self.alive.add(pid)
        return pid

    def end(self, pid: int, number: int) -> int:
        os.kill(pid, number)  # not yet waited for, so it is nobody else's number
        return self.wait(pid)

    def wait(self, pid: int) -> int:
        self.alive.discard(pid)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _live(job: str, facts: dict[str, Any], said: int) -> NoReturn:
    from tests.campaigns.hands import JOBS

    code = 1
    try:
        signal.alarm(LONGEST_LIFE)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
        JOBS[job](lambda: os.close(said), **facts)
        code = 0
    except BaseException:  # noqa: BLE001 - told in the log; the nursery goes on
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


#: What is imported only when it is first used: half of a short life.
_LATE = (
    *("tests.campaigns.hands", "psycopg", "sqlalchemy.dialects.postgresql.psycopg"),
    *("sqlalchemy.dialects.sqlite", "anyio._backends._asyncio", "httpcore", "phonenumbers"),
    *("polysms.client.pooled", "polysms.client.pooled_async", "polysms.config.build"),
    *("polysms.providers.wavix", "polysms.providers.carrierx", "polysms.providers.signalwire"),
)


def _serve() -> None:
    for name in _LATE:
        importlib.import_module(name)
    # Reading every certificate of the machine takes the other half, and nobody here speaks TLS.
    context = ssl.create_default_context()
    httpx.create_ssl_context = lambda **_: context
    importlib.import_module("tests.campaigns.hands").warm()
    children = _Children()
    try:
        for line in iter(sys.stdin.readline, ""):
            order = json.loads(line)
            sys.stdout.write(f"{json.dumps(getattr(children, order.pop('do'))(**order))}\n")
            sys.stdout.flush()
    finally:
        for pid in tuple(children.alive):
            children.end(pid, signal.SIGKILL)


if __name__ == "__main__":
    _serve()
