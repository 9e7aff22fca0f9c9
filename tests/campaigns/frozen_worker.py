"""A worker that stops itself (SIGSTOP) at a named stage of a send, whenever it is told to.

As a program it obeys its standard input: each line lets it stop once more, at the next message that
comes to its stage; then it says the message's number. Who started it lets it go on (SIGCONT).
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

if __name__ == "__main__":
    #: Beside what is installed, and after it: the library under test is the installed one.
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from polysms import AsyncClient
from polysms.client import obeying_async, trace, wire_async
from polysms.client.wire import Exchange
from polysms.delivery import Outcome
from polysms.ledger import End, postgresql, writing
from polysms.message import Message
from polysms.providers.base import Response
from polysms.worker import Worker
from tests.campaigns import hands
from tests.campaigns.phone import number_in
from tests.campaigns.town import Clock

#: Where a worker is stopped, and what has happened by then.
STAGES: Mapping[str, str] = {
    "claimed": "it has a lease, and has written nothing",
    "opening": "the attempt is written, and not committed",
    "written": "the attempt is committed; no connection is chosen",
    "first byte": "the connection is there, and nothing is sent on it",
    "half": "the request's head is sent, and its body is not",
    "asked": "the request is sent, and no answer read",
    "answered": "the answer is read, and not written down",
    "closing": "the answer is written down, and not committed",
}
#: Between them is a window that no check can close, for it is made before what it allows: a worker
#: that is frozen in it sends when it goes on. It is measured, and nothing is promised.
WINDOWS: Mapping[str, str] = {"begun": "the expiry is checked, and the first byte not written"}
#: Messages that it sends at once. Of several, one would be frozen wherever it happens to be.
CONCURRENCY = 1

_number: contextvars.ContextVar[int | None] = contextvars.ContextVar("number", default=None)


class Freezer:
    """Stops this process at one stage, as often as it is told to."""

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._armed = threading.Event()

    def arm(self) -> None:
        """Stop at the next message."""
        self._armed.set()

    def at(self, stage: str, number: int | None) -> None:
        """Stop here, if this is the stage."""
        if stage == self._stage and number is not None and self._armed.is_set():
            self._armed.clear()
            os.write(1, f"{number}\n".encode())
            # To this very thread: it gets no further, and the others stop with it.
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)


def install(freezer: Freezer) -> None:
    """Put the stages into the library, each around what it is named for."""
    _watch_claims(freezer)
    _watch_commits(freezer)
    _watch_requests(freezer)


def _watch_claims(freezer: Freezer) -> None:
    claim: Callable[..., Any] = Worker._claim  # noqa: SLF001 - there is no other door

    async def claimed(worker: Worker, state: str, limit: int) -> Any:
        claims = await claim(worker, state, limit)
        # Nothing else is under way then, so that it is frozen exactly here.
        for one in () if worker._sending else claims:  # noqa: SLF001
            freezer.at("claimed", _number_of(one.message))
        return claims

    setattr(Worker, claim.__name__, claimed)


def _watch_commits(freezer: Freezer) -> None:
    write, pending = writing.write, threading.local()

    def noted(connection: Connection, lines: Any, ends: Any, now: Any) -> None:
        write(connection, lines, ends, now)
        opened = [line.message for line in lines if line.attempt.outcome is None]
        closed = [end.message for end in ends if end.after is not None and _is_taken(end)]
        pending.stages = [("opening", *opened[:1])] if opened else []
        pending.stages += [("closing", *closed[:1])] if closed else []

    def committing(_: Connection) -> None:
        stages, pending.stages = getattr(pending, "stages", []), []
        for stage, message in stages:
            freezer.at(stage, _number_of(message))

    setattr(writing, write.__name__, noted)
    event.listen(Engine, "commit", committing)


def _watch_requests(freezer: Freezer) -> None:
    exchange, later = wire_async.exchange_async, trace.LoopTrace.later

    async def exchanged(transport: Any, call: Any, now: Any) -> Exchange:
        number = number_in(call.request.content or b"")
        _number.set(number)
        freezer.at("written", number)
        done = await exchange(transport, call, now)
        if isinstance(done.answer, Response):
            freezer.at("answered", number)
        return done

    async def heard(one: trace.LoopTrace, name: str, info: Mapping[str, Any]) -> None:
        if name.endswith("send_request_headers.started"):
            freezer.at("first byte", _number.get())
        await later(one, name, info)
        if name.endswith("send_request_headers.started"):
            freezer.at("begun", _number.get())
        if name.endswith("send_request_headers.complete"):
            freezer.at("half", _number.get())
        if name.endswith("send_request_body.complete"):
            freezer.at("asked", _number.get())

    setattr(obeying_async, exchange.__name__, exchanged)
    setattr(trace.LoopTrace, later.__name__, heard)


def _is_taken(end: End) -> bool:
    return any(one.outcome is Outcome.ACCEPTED for one in end.delivery.attempts)


def _number_of(message: Message | None) -> int | None:
    return None if message is None else number_in((message.text or "").encode())


def quieten() -> None:
    """Let the library say only what nobody expects: that a ledger is busy is what we are here for.

    Of that, a traceback shows what went wrong.
    """
    logging.getLogger("polysms").addFilter(lambda record: record.exc_info is not None)


def _listen(freezer: Freezer) -> None:
    for _ in iter(sys.stdin.readline, ""):
        freezer.arm()


async def _work(config: dict[str, Any], clock: Clock) -> None:
    async with AsyncClient(config, world=hands.world(clock)) as client:
        worker = Worker(client, concurrency=CONCURRENCY)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
        await worker.run()


def main(ledger: str, urls: str, began: str, pace: str, stage: str) -> None:
    """Work until SIGTERM."""
    quieten()
    freezer = Freezer(stage)
    install(freezer)
    # Of real time, and so as much shorter as our clock is faster.
    setattr(postgresql, "_IDLE", round(postgresql._IDLE / float(pace)))  # noqa: B010, SLF001
    threading.Thread(target=_listen, args=(freezer,), daemon=True).start()
    config = hands.tables(ledger, json.loads(urls))
    asyncio.run(_work(config, Clock(float(began), float(pace))))


if __name__ == "__main__":
    main(*sys.argv[1:])
