"""One worker: it takes leases on messages, sends them, and sweeps.

Several of them, on several machines, may work on one ledger: a lease belongs to one. A worker that
dies leaves leases that expire; nothing that it may have sent is sent again by another.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections import deque
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from polysms import AsyncClient
from polysms.client.log import log
from polysms.errors import LedgerError
from polysms.worker.sweep import Sweeper

if TYPE_CHECKING:
    from polysms.ledger import Claim

#: Seconds between two looks for messages whose time has come.
POLL = 0.2
#: Seconds after trouble with the ledger.
AFTER_TROUBLE = 2.0
#: Seconds that sends under way are given once the worker is told to stop; then they are told too.
PATIENCE = 7.0
#: Seconds in which a send that is told to stop writes down what is known of it.
LAST_WORDS = 2.0
#: How the outbox calls what is to be sent, and what is to be sent by another account perhaps.
STATES = ("waiting", "sent")


def name() -> str:
    """Return a name that no other worker has."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


class Worker:
    """Drains the outbox of a client's ledger, ``concurrency`` messages at once.

    :meth:`run` goes on until :meth:`stop` is called, or with ``drain`` until nothing waits.
    """

    def __init__(self, client: AsyncClient, *, concurrency: int = 100) -> None:
        self.name = name()
        self.sent = 0
        self._client = client
        self._most = concurrency
        self._stopping = asyncio.Event()
        self._claimed: deque[Claim] = deque()
        self._sending: set[asyncio.Task[None]] = set()
        # When it was last looked for what another account is perhaps to send.
        self._looked = float("-inf")
        # Whether it is time to claim more.
        self._low = asyncio.Event()
        self._low.set()
        self._sweeper = Sweeper(client, self.name)

    def stop(self) -> None:
        """Take nothing new, end what is under way, and return from :meth:`run`."""
        self._stopping.set()
        self._low.set()

    async def run(self, *, drain: bool = False) -> None:
        """Work until told to stop; with ``drain``, until no message is to be sent now."""
        sweeping = asyncio.create_task(self._sweeper.run(self._stopping))
        try:
            while not self._stopping.is_set():
                found = await self._fill()
                if drain and not found and not self._sending and not self._claimed:
                    break
                if not found:
                    await self._rest()
        finally:
            self._stopping.set()
            await self._finish(sweeping)

    async def _fill(self) -> bool:
        """Claim as many messages as there is room for; return whether there were any."""
        await self._low.wait()
        wanted, found = self._most - len(self._claimed), False
        try:
            for state in self._due():
                claims = await self._claim(state, wanted)
                found = found or bool(claims)
                # At once: what is claimed is not lost if the next claim fails.
                self._claimed.extend(claims)
                self._begin()
        except LedgerError as error:
            log.warning("the worker waits for its ledger: %s", error)
            await self._rest(AFTER_TROUBLE)
            return True
        return found

    def _due(self) -> Sequence[str]:
        """Return what to look for now: what a provider has already has time."""
        now = asyncio.get_running_loop().time()
        if now < self._looked + POLL:
            return STATES[:1]
        self._looked = now
        return STATES

    async def _claim(self, state: str, limit: int) -> list[Claim]:
        duties = self._client.duties
        until = duties.now() + duties.lease
        return await self._client.consult(
            lambda ledger: ledger.outbox.claim(state, self.name, until=until, limit=limit)
        )

    def _begin(self) -> None:
        while self._claimed and len(self._sending) < self._most and not self._stopping.is_set():
            claim = self._claimed.popleft()
            task = asyncio.create_task(self._send(claim))
            self._sending.add(task)
            task.add_done_callback(self._ended)
        if len(self._claimed) > self._most // 2:
            self._low.clear()
        else:
            self._low.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._begin()

    async def _send(self, claim: Claim) -> None:
        duties = self._client.duties
        try:
            await self._client.obey(duties.send(claim, self.name))
        except Exception:  # noqa: BLE001 - one must not stop the rest; its lease tells the end
            log.exception("message id=%s could not be seen to", claim.id)
        self.sent += 1

    async def _rest(self, seconds: float = POLL) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    async def _finish(self, sweeping: asyncio.Task[None]) -> None:
        """Give back what was not begun, and wait for what was: first kindly, then not."""
        await _quietly(self._give_back())
        under_way = {*self._sending, sweeping}
        _, late = await asyncio.wait(under_way, timeout=PATIENCE)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=LAST_WORDS)
        await _quietly(self._client.consult(lambda ledger: ledger.outbox.gone(self.name)))

    async def _give_back(self) -> None:
        for state, sent in zip(STATES, (False, True), strict=True):
            ids = [claim.id for claim in self._claimed if claim.sent is sent]
            if ids:
                give_back = partial(_released, ids=ids, worker=self.name, state=state)
                await self._client.consult(give_back)
        self._claimed.clear()


def _released(ledger: Any, *, ids: list[str], worker: str, state: str) -> None:
    ledger.outbox.release(ids, worker, state)


async def _quietly(work: Coroutine[Any, Any, Any]) -> None:
    """Do what is only a courtesy: without it, leases expire."""
    try:
        await work
    except LedgerError as error:
        log.warning("%s", error)
