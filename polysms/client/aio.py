"""The async client: the same decisions as the sync one, in one event loop."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Generator,
    Iterable,
    Mapping,
)
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import httpx

from polysms.client import asking, core, files, many, many_async, standin
from polysms.client.duties import Duties
from polysms.client.exporting import ExportingAsync
from polysms.client.kept_async import KeptAsync
from polysms.client.lending import Lent
from polysms.client.log import log, said
from polysms.client.obeying_async import ObeyingAsync
from polysms.client.offering_async import OfferingAsync
from polysms.client.optouts import Mirror, keywords_of
from polysms.client.optouts_async import AsyncOptOuts
from polysms.client.plans import Plans
from polysms.client.records import Records, ledger_of
from polysms.client.replying import ReplyingAsync
from polysms.client.tokens import Tokens
from polysms.client.transports import Transports, make_async
from polysms.config import Config
from polysms.delivery import Delivery
from polysms.errors import PolysmsError
from polysms.message import Message
from polysms.providers.base import Query
from polysms.routing import lookup
from polysms.routing.preview import Previewed, preview
from polysms.routing.steps import Answer, Step, World


class AsyncClient(ObeyingAsync, KeptAsync, ReplyingAsync, OfferingAsync, ExportingAsync):
    """As :class:`~polysms.client.sync.Client`, for asyncio. It lives in one event loop.

    ``before_send`` and ``after_send`` may be async. A cancelled send raises ``CancelledError``
    as it must; its ``__cause__`` is the error that tells whether the message may have been sent.
    """

    def __init__(
        self,
        config: Config | Mapping[str, Any] | str,
        *,
        transport: httpx.AsyncBaseTransport
        | Callable[[], httpx.AsyncBaseTransport]
        | Mapping[str, httpx.AsyncBaseTransport]
        | None = None,
        before_send: Callable[[Message], Any] | None = None,
        after_send: Callable[[Delivery | None, PolysmsError | None], Any] | None = None,
        world: World = core.REAL_WORLD,
    ) -> None:
        self.config = core.config_of(config)
        self._transports: Transports[httpx.AsyncBaseTransport] = Transports(transport, make_async)
        ledger = ledger_of(self.config, world)
        self._plans = Plans(self.config, ledger, self._transports.prepare)
        self._records = Records(self.config, self._plans, ledger, world)
        self._lent = None if ledger is None else Lent(ledger)
        self._limits = self._plans.limits
        self._tokens = Tokens(world.clock)
        if self.config.keywords:
            keywords_of(self.config)
        self._mirror = Mirror(self.config, world)
        #: What a worker does with the messages of the outbox, for :meth:`obey`.
        self.duties = Duties(self.config, self._plans, world)
        self._before_send = before_send
        self._after_send = after_send
        self._world = world
        self._loop: asyncio.AbstractEventLoop | None = None
        standin.clients.add(self)

    @classmethod
    def from_config(
        cls,
        source: str | Path | Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> Self:
        """Return a client of a file, a URL, a mapping, or of what the environment names."""
        return cls(files.config_from(source), **settings)

    async def send(
        self,
        message: Message,
        *,
        via: str | None = None,
        on_maybe_sent: str | None = None,
        deadline: float | timedelta | None = None,
        attempt_timeout: float | timedelta | None = None,
    ) -> Delivery:
        """Send a message; as :meth:`Client.send <polysms.client.sync.Client.send>`."""
        if self._before_send is not None:
            message = await _awaited(self._before_send(message)) or message
        plan = self._plans.of(
            message,
            via=via,
            on_maybe_sent=on_maybe_sent,
            deadline=deadline,
            attempt_timeout=attempt_timeout,
        )
        try:
            steps = self._sending(message, plan, via)
            # What looks at the ledger between two steps must not hold the event loop.
            asks = message.key is not None or plan.route.resolve_within is not None
            delivery, interrupt = await self._drive(steps, sends=True, asks=asks)
        except BaseException as error:
            if (failed := core.told(error)) is not None:
                await self._after(failed.delivery, failed)
            raise
        await self._after(delivery, None)
        if interrupt is not None:
            raise interrupt
        return delivery

    def send_many(  # noqa: PLR0913 - as send
        self,
        messages: Iterable[Message] | AsyncIterable[Message],
        *,
        concurrency: int = 10,
        via: str | None = None,
        on_maybe_sent: str | None = None,
        deadline: float | timedelta | None = None,
        attempt_timeout: float | timedelta | None = None,
    ) -> AsyncGenerator[many.Result, None]:
        """Send each message; as :meth:`Client.send_many <polysms.client.sync.Client.send_many>`.

        The iterable may be async. Close the generator where you may leave it early
        (``contextlib.aclosing``). Cancelled, it waits for the sends that have begun.
        """
        most = many.require_concurrency(concurrency)
        self.config.route(via)

        async def send(message: Message) -> Delivery:
            return await self.send(
                message,
                via=via,
                on_maybe_sent=on_maybe_sent,
                deadline=deadline,
                attempt_timeout=attempt_timeout,
            )

        return many_async.in_tasks(send, messages, most)

    def preview(
        self, message: Message, *, via: str | None = None, **wishes: Any
    ) -> tuple[Previewed, ...]:
        """Return what :meth:`send` would do, in the order of the route, without doing it.

        ``wishes`` are its other arguments.
        """
        plan = self._plans.of(message, via=via, **wishes)
        return preview(message, self._plans.shown(plan, self._world), self._world)

    async def resolve(
        self,
        delivery: Delivery | str,
        *,
        within: float | timedelta | None = None,
        likely: bool = False,
    ) -> Delivery:
        """Find out what became of what may have been sent; as the sync ``resolve``."""

        def steps(delivery: Delivery) -> Generator[Step, Answer, Delivery]:
            return asking.resolving(
                delivery, self.config, self._plans, self._world, within, likely=likely
            )

        return await self._ask(
            asking.resolved(delivery, steps, kept=self._lent is not None, likely=likely)
        )

    async def fetch(
        self,
        delivery: Delivery | str | None = None,
        *,
        account: str | None = None,
        provider_id: str | None = None,
    ) -> Delivery:
        """Ask the provider what became of a message; as the sync client's ``fetch``."""
        kept = self._lent is not None
        steps = asking.fetched(self.config, delivery, account, provider_id, kept=kept)
        return await self._ask(steps)

    async def list_remote(  # noqa: PLR0913 - each filter by name
        self,
        account: str,
        *,
        to: str | None = None,
        from_: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        direction: str = "outbound",
        reference: str | None = None,
        page_size: int = 50,
        filters: Mapping[str, str] | None = None,
        of: str = "list",
    ) -> AsyncIterator[Delivery]:
        """Yield the messages in the provider's own list; as the sync client's ``list_remote``."""
        query = asking.query_of(
            to=to,
            from_=from_,
            since=since,
            until=until,
            direction=direction,
            reference=reference,
            page_size=page_size,
            filters=filters,
        )
        asking.require_list(of)
        target = self.config.account(account)
        following: Query | None = query
        seen: set[str] = set()
        while following is not None:
            page = await self._ask(lookup.page(target, following, asking.LOOKUP_SECONDS, of))
            for record in page.records:
                if lookup.wanted(record, query):
                    yield lookup.foreign(record, target)
            following = asking.unseen(page.following, seen, account)

    list = list_remote

    async def check(self, account: str) -> None:
        """Ask the provider whether an account's credentials are good; sends nothing."""
        await self._ask(lookup.check(self.config.account(account), asking.LOOKUP_SECONDS))

    @property
    def optouts(self) -> AsyncOptOuts:
        """The numbers that are sent nothing more."""
        return AsyncOptOuts(self.config, self._records, self._mirror, self.obey, self._in_thread)

    @property
    def memory(self) -> tuple[dict[str, Any], ...]:
        """What the ``memory`` accounts of this client have kept, oldest first."""
        return tuple(kept for made in self._transports.local() for kept in made.kept)

    async def aclose(self) -> None:
        """Close every connection; closing again does nothing."""
        for transport in self._transports.forget():
            await transport.aclose()
        self._limits.close()
        self._plans.close()
        if self._lent is not None:
            await self._lent.close()

    close = aclose

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _after(self, delivery: Delivery | None, error: PolysmsError | None) -> None:
        said(delivery, error)
        if self._after_send is None:
            return
        try:
            await _awaited(self._after_send(delivery, error))
        except Exception:  # noqa: BLE001 - the send is over: a hook must not make it look failed
            log.exception("after_send failed for id=%s", delivery and delivery.id)


async def _awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value
