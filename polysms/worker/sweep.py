"""The sweep: it asks for what nobody reports, takes back leases, and forgets old texts."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from polysms import AsyncClient
from polysms.client.log import log
from polysms.client.optouts import AT_ONCE
from polysms.errors import LedgerError
from polysms.worker.rounds import LOOK_LEASE, LOOKS, take_back, tidy

if TYPE_CHECKING:
    from polysms.ledger import Claim

#: Seconds between two rounds, and between the rarer things.
ROUND = 1.0
BEAT = 10.0
TIDY = 600.0


class Sweeper:
    """Does, once a second, what sending leaves undone."""

    def __init__(self, client: AsyncClient, name: str) -> None:
        self._client = client
        self._name = name
        self._beaten = self._tidied = float("-inf")

    async def run(self, stopping: asyncio.Event) -> None:
        """Sweep until told to stop."""
        while not stopping.is_set():
            try:
                busy = await self.once()
            except LedgerError as error:
                log.warning("the sweep waits for its ledger: %s", error)
                busy = False
            if not busy:
                await _rest(stopping)

    async def once(self) -> bool:
        """Sweep once; return whether there may be more to do at once."""
        await self._beat()
        taken_back = await self._client.consult(take_back)
        told = await self._client.optouts.mirror()
        until = self._client.duties.now() + LOOK_LEASE
        looks = await self._client.consult(
            lambda ledger: ledger.outbox.looks(until=until, limit=LOOKS)
        )
        await asyncio.gather(*(self._look(claim) for claim in looks))
        return bool(taken_back) or len(looks) == LOOKS or told >= AT_ONCE

    async def _beat(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._beaten + BEAT:
            self._beaten = now
            await self._client.consult(lambda ledger: ledger.outbox.seen(self._name))
        if now >= self._tidied + TIDY:
            self._tidied = now
            before = self._client.duties.now() - timedelta(seconds=self._client.config.keep_text)
            await self._client.consult(partial(tidy, before=before))

    async def _look(self, claim: Claim) -> None:
        try:
            await self._client.obey(self._client.duties.look(claim), asks=True)
        except Exception:  # noqa: BLE001 - one must not stop the rest; it is looked for again
            log.exception("message id=%s could not be looked for", claim.id)


async def _rest(stopping: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), ROUND)
    except TimeoutError:
        return
