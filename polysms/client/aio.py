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
from typing import Any, Self, TypeVar

import httpx

from polysms.client import asking, core, files, many, many_async
from polysms.client.transports import Transports, make_async
from polysms.client.wire_async import exchange_async
from polysms.config import Config
from polysms.delivery import Delivery
from polysms.errors import ConfigError, PolysmsError
from polysms.message import Message
from polysms.providers.base import Query
from polysms.routing import lookup
from polysms.routing.deliver import deliver
from polysms.routing.preview import Previewed, preview
from polysms.routing.steps import Admit, Answer, Call, Step, Wait, World

R = TypeVar("R")


class AsyncClient:
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
        self._plans = core.Plans(self.config)
        self._limits = self._plans.limits
        self._before_send = before_send
        self._after_send = after_send
        self._world = world
        self._loop: asyncio.AbstractEventLoop | None = None

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
            delivery, interrupt = await self._drive(deliver(message, plan, self._world), sends=True)
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
        return preview(message, plan, self._world)

    async def resolve(
        self,
        delivery: Delivery,
        *,
        within: float | timedelta | None = None,
        likely: bool = False,
    ) -> Delivery:
        """Find out what became of a delivery that may have been sent; as the sync ``resolve``."""
        steps = asking.resolving(
            delivery, self.config, self._plans, self._world, within, likely=likely
        )
        return await self._ask(steps)

    async def fetch(
        self,
        delivery: Delivery | str | None = None,
        *,
        account: str | None = None,
        provider_id: str | None = None,
    ) -> Delivery:
        """Ask the provider what became of a message; as the sync client's ``fetch``."""
        target, identity, known = asking.target_of(self.config, delivery, account, provider_id)
        return await self._ask(lookup.fetch(target, identity, known, asking.LOOKUP_SECONDS))

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
        target = self.config.account(account)
        following: Query | None = query
        while following is not None:
            page = await self._ask(lookup.page(target, following, asking.LOOKUP_SECONDS))
            for record in page.records:
                if lookup.wanted(record, query):
                    yield lookup.foreign(record, target)
            following = page.following

    list = list_remote

    async def check(self, account: str) -> None:
        """Ask the provider whether an account's credentials are good; sends nothing."""
        await self._ask(lookup.check(self.config.account(account), asking.LOOKUP_SECONDS))

    @property
    def memory(self) -> tuple[dict[str, Any], ...]:
        """What the ``memory`` accounts of this client have kept, oldest first."""
        return tuple(kept for made in self._transports.local() for kept in made.kept)

    async def aclose(self) -> None:
        """Close every connection; closing again does nothing."""
        for transport in self._transports.forget():
            await transport.aclose()

    close = aclose

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _after(self, delivery: Delivery | None, error: PolysmsError | None) -> None:
        core.said(delivery, error)
        if self._after_send is None:
            return
        try:
            await _awaited(self._after_send(delivery, error))
        except Exception:  # noqa: BLE001 - the send is over: a hook must not make it look failed
            core.log.exception("after_send failed for id=%s", delivery and delivery.id)

    def _require_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        if self._loop is not loop:
            raise ConfigError("this AsyncClient belongs to another event loop; make one in each")

    async def _ask(self, steps: Generator[Step, Answer, R]) -> R:
        result, interrupt = await self._drive(steps, sends=False)
        if interrupt is not None:
            raise interrupt
        return result

    async def _drive(
        self, steps: Generator[Step, Answer, R], *, sends: bool
    ) -> tuple[R, BaseException | None]:
        """Obey a generator of steps until it returns or raises."""
        self._require_loop()
        driver = core.driven(steps, sends=sends)
        try:
            step = next(driver)
            while True:
                try:
                    done = await self._obey(step)
                except BaseException as error:  # noqa: BLE001 - the driver knows what it means
                    step = driver.throw(error)
                else:
                    step = driver.send(done)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]

    async def _obey(self, step: Step) -> core.Done:
        if isinstance(step, Call):
            async with self._limits.slot_async(step.account, core.patience_of(step)) as free:
                if not free:
                    return core.no_slot(step)
                transport = self._transports.of(step.account)
                return await exchange_async(
                    transport, step.request, step.account.timeouts, step.seconds
                )
        if isinstance(step, Admit):
            return self._limits.admit(step.account, step.sender, step.segments)
        if isinstance(step, Wait):
            await asyncio.sleep(step.seconds)
        return None


async def _awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value
