"""Two workers of forty lines, as they are often written, over the same queue and providers.

*Requeue* takes a lease on a row, and puts the row back where there was no good answer or the lease
has expired, as brokers with a visibility timeout do. *Write after send* writes nothing before the
provider has answered.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

import httpx
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from tests.campaigns import hands, naive, phone

#: Messages that one worker sends at once.
THREADS = 4
#: Real seconds of a lease: longer than any send.
LEASE = 2.0
TIMEOUT = httpx.Timeout(0.6)
#: Seconds before the next look where nothing is queued.
REST = 0.05

Send = Callable[[int], None]
Turn = Callable[[Engine, Send, int, int], bool]

_CLAIM = (
    "UPDATE jobs SET state = 'sending', until = :until WHERE number = ("
    "SELECT number FROM jobs WHERE state = 'queued' OR (state = 'sending' AND until < :now) "
    "ORDER BY number LIMIT 1 {lock}) RETURNING number"
)
_LOCK = {"sqlite": "", "postgresql": "FOR UPDATE SKIP LOCKED"}
_NEXT = text(
    "SELECT number FROM jobs WHERE state = 'queued' AND number % :slots = :slot "
    "ORDER BY number LIMIT 1"
)
_SET = text("UPDATE jobs SET state = :state WHERE number = :number")


def requeued(engine: Engine, send: Send, slot: int, slots: int) -> bool:
    """Take a lease, send, and put back what has no good answer; return whether there was any."""
    now = time.time()
    with engine.begin() as connection:
        claim = text(_CLAIM.format(lock=_LOCK[engine.dialect.name]))
        number = connection.execute(claim, {"now": now, "until": now + LEASE}).scalar()
    if number is None:
        return False
    state = "sent"
    try:
        send(number)
    except httpx.HTTPError:
        state = "queued"
    with engine.begin() as connection:
        connection.execute(_SET, {"state": state, "number": number})
    return True


def written_after(engine: Engine, send: Send, slot: int, slots: int) -> bool:
    """Send what is queued, then say so; return whether there was any."""
    with engine.begin() as connection:
        number = connection.execute(_NEXT, {"slot": slot, "slots": slots}).scalar()
    if number is None:
        return False
    try:
        send(number)
    except httpx.HTTPError:
        return True
    with engine.begin() as connection:
        connection.execute(_SET, {"state": "sent", "number": number})
    return True


def work(ledger: str, urls: Mapping[str, str], turn: Turn, slot: int = 0, slots: int = 1) -> None:
    """Take turns in some threads, for ever."""
    engine = create_engine(ledger, poolclass=NullPool)
    with httpx.Client(timeout=TIMEOUT) as http:

        def send(number: int) -> None:
            provider = hands.provider(number)
            words = naive.WORDS[provider](
                urls[provider], hands.recipient(number), phone.text(number)
            )
            headers = {"Authorization": naive.AUTHORIZATION[provider]}
            http.post(words[0], json=words[1], headers=headers).raise_for_status()

        def turns(thread: int) -> None:
            while True:
                if not turn(engine, send, slot * THREADS + thread, slots * THREADS):
                    time.sleep(REST)

        threads = [threading.Thread(target=turns, args=(one,)) for one in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
