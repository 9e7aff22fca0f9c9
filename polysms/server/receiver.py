"""The receiver: it hears what providers post, keeps it, and tells your functions.

::

    receiver = Receiver(client)


    @receiver.on_report
    def note(report): ...


    app = Mount("/hooks", receiver)  # or: polysms serve --listen module:receiver

With a ledger an event is committed before its provider is answered, and told after that: what a
function does not take, or a process does not live to tell, is told again later. Without one it is
told before the answer, which is 500 where that fails, so that the provider posts it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import attrs

from polysms import AsyncClient, Client
from polysms.client import standin
from polysms.client.log import log
from polysms.client.optouts import keywords_of
from polysms.errors import ConfigError, LedgerError
from polysms.server import asgi
from polysms.server.hands import Hands
from polysms.server.hands_async import HandsAsync
from polysms.server.judging import BROKEN, BUSY, judged
from polysms.server.listeners import INBOUND, OPT_OUT, REPORT, L, Listeners
from polysms.server.notes import Notes, dues_of
from polysms.webhooks import Hearing, Keywords, WebhookRequest, WebhookResponse

if TYPE_CHECKING:
    from polysms.ledger import Due, Note

#: How long an event belongs to whoever tells it; then another may.
LEASE = timedelta(seconds=60)
#: Events that are taken at once of those that are to be told again.
STEP = 20
#: Seconds between two looks for such events.
PAUSE = 5.0
#: Looks at most that one call takes.
_ROUNDS = 50
#: Seconds that what is under way is given at the end.
_GRACE = 2.0


class Receiver:
    """Hears the providers of a client's accounts; an ASGI app, to be mounted under any path.

    ``client`` is a :class:`~polysms.Client` or an :class:`~polysms.AsyncClient`; its configuration
    has a ``public_url``, and is otherwise as for sending. ``keywords`` are the words that stop,
    start and ask for help, where others than those of the configuration are to.
    """

    def __init__(self, client: Client | AsyncClient, keywords: Keywords | None = None) -> None:
        if client.config.public_url is None:
            sentence = "public_url: is missing; it is where providers reach this receiver"
            raise ConfigError(sentence, key="public_url")
        self.client = client
        self.keywords = keywords or keywords_of(client.config)
        self._listeners = Listeners()
        self._noting = Notes(client.config, self._listeners)
        self._is_kept = client.config.ledger is not None
        self._hands = Hands(client, self._listeners) if isinstance(client, Client) else None
        self._async_hands = HandsAsync(client, self._listeners)
        standin.hears(self)

    def on_report(self, function: L) -> L:
        """Let a function be told of every :class:`~polysms.DeliveryReport`."""
        return self._listeners.add(REPORT, function)

    def on_inbound(self, function: L) -> L:
        """Let a function be told of every :class:`~polysms.InboundMessage`."""
        return self._listeners.add(INBOUND, function)

    def on_opt_out(self, function: L) -> L:
        """Let a function be told of every :class:`OptOut`: a STOP that counts, or a START."""
        return self._listeners.add(OPT_OUT, function)

    def handle(self, request: WebhookRequest, source: str | None = None) -> WebhookResponse:
        """Hear a request and return its answer; ``source`` is the address that it came from.

        For WSGI. Your functions are told before this returns; only a report that its provider must
        be asked about is left to :meth:`catch_up`, where there is a ledger. Of an
        :class:`~polysms.AsyncClient`, which lives in an event loop, this keeps events (it needs a
        ledger), and :meth:`acatch_up` tells them.
        """
        hearing = self._judged(request, source)
        if isinstance(hearing, WebhookResponse):
            return hearing
        hands = self._hands if self._is_kept else self._sync_hands()
        try:
            if hands is not None and not self._is_kept:
                return hands.at_once(hearing)
            asked_at = self.client.duties.now()
            notes = self._notes(hearing, asked_at)
            recorded = self.client.ledger.record_many(notes) if notes else []
        except Exception as error:  # noqa: BLE001 - the provider is to post it again
            return trouble(error)
        if hands is not None:
            hands.tell_all(dues_of(notes, recorded, asked_at))
        return hearing.answer

    async def ahandle(self, request: WebhookRequest, source: str | None = None) -> WebhookResponse:
        """Hear a request and return its answer, as :meth:`handle`, in an event loop.

        What its provider must be asked about is left to :meth:`acatch_up`.
        """
        answer, dues = await self._received(request, source, asked_at=self.client.duties.now())
        await self.tell(dues)
        return answer

    async def received(
        self, request: WebhookRequest, source: str | None
    ) -> tuple[WebhookResponse, Sequence[Due]]:
        """Keep what a request tells; return its answer, and what is to be told once it is given."""
        return await self._received(request, source)

    async def _received(
        self, request: WebhookRequest, source: str | None, asked_at: datetime | None = None
    ) -> tuple[WebhookResponse, Sequence[Due]]:
        hearing = self._judged(request, source)
        if isinstance(hearing, WebhookResponse):
            return hearing, ()
        try:
            if not self._is_kept:
                return await self._async_hands.at_once(hearing), ()
            notes = self._notes(hearing, asked_at)
            recorded = await self._async_hands.keep(notes) if notes else []
        except Exception as error:  # noqa: BLE001 - the provider is to post it again
            return trouble(error), ()
        return hearing.answer, dues_of(notes, recorded, asked_at)

    async def tell(self, dues: Sequence[Due]) -> None:
        """Tell who listens of events that are kept; raises nothing."""
        await self._async_hands.tell_all(dues)

    def catch_up(self) -> int:
        """Tell what was not told, or not taken, and is due by now; return how many events.

        For programs without an event loop, every few seconds. Needs a ledger.
        """
        hands, count = self._sync_hands(), 0
        for _ in range(_ROUNDS):
            until = self.client.duties.now() + LEASE
            dues = self.client.ledger.due(until=until, limit=1)
            hands.tell_all(dues)
            count += len(dues)
            if not dues:
                break
        return count

    async def acatch_up(self) -> int:
        """As :meth:`catch_up`, in an event loop, and several at the same time."""
        count = 0
        for _ in range(_ROUNDS):
            dues = await self._due()
            await self.tell(dues)
            count += len(dues)
            if len(dues) < STEP:
                break
        return count

    async def _due(self) -> Sequence[Due]:
        limit = min(STEP, self._async_hands.room)
        until = self.client.duties.now() + LEASE
        return await self._async_hands.due(until, limit) if limit else ()

    def leave(self) -> None:
        """Wait no longer for functions that are told in the event loop; they are told again."""
        self._async_hands.leave()

    async def ready(self) -> None:
        """Return once the ledger, if there is one, can be used; raise what is wrong with it."""
        if self._is_kept:
            await self._async_hands.consult(lambda ledger: ledger.outbox.last_seen())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Catch up every few seconds, inside the block; an app that is mounted is not told to."""
        task = asyncio.create_task(self._go_on()) if self._is_kept else None
        try:
            yield
        finally:
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
                await self._async_hands.settle(_GRACE)

    async def _go_on(self) -> None:
        while True:
            dues: Sequence[Due] = ()
            try:
                dues = await self._due()
                # The slowest is not waited for.
                self._async_hands.start(dues)
            except Exception as error:  # noqa: BLE001 - it goes on when that is over
                log.warning("the receiver waits: %s", _words(error))
            if len(dues) < STEP:
                await asyncio.sleep(PAUSE)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer as an ASGI app."""
        await asgi.answer(self, scope, receive, send)

    def _judged(self, request: WebhookRequest, source: str | None) -> Hearing | WebhookResponse:
        if request.received_at is None:
            request = attrs.evolve(request, received_at=self.client.duties.now())
        return judged(self.client.config, request, source, self.keywords)

    def _notes(self, hearing: Hearing, asked_at: datetime | None = None) -> list[Note]:
        return self._noting.of(hearing, self.client.duties.now() + LEASE, asked_at)

    def _sync_hands(self) -> Hands:
        if self._hands is None:
            sentence = "an AsyncClient lives in an event loop: use ahandle() and acatch_up()"
            raise ConfigError(sentence)
        return self._hands


def trouble(error: Exception) -> WebhookResponse:
    """Return the answer to a webhook that we could not see to: it is to be posted again."""
    log.error("a webhook could not be kept: %s", _words(error))
    return BUSY if isinstance(error, LedgerError) else BROKEN


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, (LedgerError, ConfigError)) else type(error).__name__
