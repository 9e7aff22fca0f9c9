"""What a receiver does in an event loop, with a client of either kind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from polysms import AsyncClient, Client
from polysms.client.log import log
from polysms.client.optouts import lists_of
from polysms.delivery import Delivery, DeliveryReport
from polysms.errors import LookupFailed, PolysmsError
from polysms.server.hands import handled, is_about, opt_out_of
from polysms.server.judging import BROKEN, BUSY, is_hint
from polysms.server.listeners import Listeners
from polysms.server.telling import Fetch, Steps, Tell, at_once, failed, telling
from polysms.server.threads import Threads
from polysms.server.together import Together
from polysms.webhooks import Hearing, WebhookResponse

if TYPE_CHECKING:
    from polysms.ledger import Due, Ledger, Note, Recorded

R = TypeVar("R")

#: Events that are told at the same time; what comes while so many are is told by a later look.
MOST = 200
#: Threads that a client without an event loop is asked in.
_THREADS = 4


class HandsAsync:
    """Does what is to be done with events; nothing of it blocks the event loop."""

    def __init__(self, client: Client | AsyncClient, listeners: Listeners) -> None:
        self._client = client
        self._listeners = listeners
        # Of our own: slow listeners may hold every thread of theirs.
        self._threads = Threads(_THREADS, "polysms-receiver")
        self._together: tuple[asyncio.AbstractEventLoop, Together] | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    async def at_once(self, hearing: Hearing) -> WebhookResponse:
        """Tell events that nothing keeps; return the answer that says whether they were taken."""
        for event in hearing.events:
            try:
                steps = at_once(event, opt_out_of(event), hint=is_hint(hearing, event))
                taken = await self._done(steps)
            except LookupFailed as error:
                log.warning("event_id=%s could not be confirmed: %s", event.event_id, error)
                return BUSY
            if not taken:
                return BROKEN
        return hearing.answer

    async def keep(self, notes: Sequence[Note]) -> list[Recorded]:
        """Keep events, together with what others want kept meanwhile."""
        return await self._joined().keep(notes)

    async def due(self, until: datetime, limit: int) -> list[Due]:
        """Take some events that are to be told now; nobody else gets them before ``until``."""
        return await self.consult(lambda ledger: ledger.due(until=until, limit=limit))

    @property
    def room(self) -> int:
        """How many events more may be told at the same time."""
        return MOST - len(self._under_way)

    def start(self, dues: Sequence[Due]) -> list[asyncio.Task[None]]:
        """Begin to tell events that are kept, as many as there is room for."""
        tasks = [asyncio.create_task(self._tell(due)) for due in dues[: self.room]]
        for task in tasks:
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return tasks

    async def tell_all(self, dues: Sequence[Due]) -> None:
        """Tell events that are kept, at the same time, and note that; raises nothing."""
        if tasks := self.start(dues):
            await asyncio.wait(tasks)

    async def settle(self, seconds: float) -> None:
        """Wait a little for what is under way, and leave the rest to a later look."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=seconds)
        self.leave()

    def leave(self) -> None:
        """Wait no longer for what is under way; it is told again."""
        if not self._under_way:
            return
        log.warning("events=%d not told to the end: told again later", len(self._under_way))
        for task in self._under_way:
            task.cancel()

    async def _tell(self, due: Due) -> None:
        try:
            again = await self._told(due)
            await self._joined().keep((), [handled(due, again)])
        except Exception:  # noqa: BLE001 - it stands in the ledger, and is told again
            log.exception("event_id=%s could not be told", due.event.event_id)

    async def _told(self, due: Due) -> datetime | None:
        now = self._client.duties.now()
        try:
            return await self._done(telling(due, now))
        except Exception:  # noqa: BLE001 - a fault of anybody's counts as any failure
            log.exception("event_id=%s could not be told", due.event.event_id)
            return failed(due, now)

    async def consult(self, question: Callable[[Ledger], R]) -> R:
        """Ask the ledger something, in a thread."""
        if isinstance(self._client, AsyncClient):
            return await self._client.consult(question)
        return await self._threads.run(question, self._client.ledger)

    def _joined(self) -> Together:
        loop = asyncio.get_running_loop()
        if self._together is None or self._together[0] is not loop:
            self._together = loop, Together(self.consult)
        return self._together[1]

    async def _done(self, steps: Steps[R]) -> R:
        try:
            task = next(steps)
            while True:
                try:
                    answer = await self._do(task)
                except PolysmsError as error:
                    task = steps.throw(error)
                else:
                    task = steps.send(answer)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]

    async def _do(self, task: Any) -> Any:
        if isinstance(task, Fetch):
            return await self._fetch(task.report)
        if isinstance(task, Tell):
            return await self._listeners.atell(task.event, task.opt_out)
        lists = lists_of(self._client.config)
        return await self.consult(lambda ledger: ledger.record(task.report, lists=lists))

    async def _fetch(self, report: DeliveryReport) -> Delivery:
        id_, known = report.id, None
        if id_ is not None:
            known = await self.consult(lambda ledger: ledger.get(id_))
        if known is not None and is_about(known, report):
            return await self._asked(known)
        return await self._asked(account=report.account, provider_id=report.provider_id)

    async def _asked(self, *what: Delivery, **named: str) -> Delivery:
        if isinstance(self._client, AsyncClient):
            return await self._client.fetch(*what, **named)
        return await self._threads.run(self._client.fetch, *what, **named)
