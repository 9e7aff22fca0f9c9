"""How the async client obeys its generators of tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from polysms.client import asking, standin
from polysms.client.driving import Begun, Done, driven, no_slot, patience_of
from polysms.client.keeping import Consult, Save, Task, Told, sending
from polysms.client.lending import Lent
from polysms.client.limits import Limits
from polysms.client.plans import Plans
from polysms.client.records import MISSING
from polysms.client.tokens import AskToken, Await, Tokens
from polysms.client.transports import Transports
from polysms.client.wire import Exchange
from polysms.client.wire_async import exchange_async
from polysms.config import Account, Config
from polysms.delivery import Delivery
from polysms.errors import ConfigError
from polysms.message import Message
from polysms.routing.deliver import deliver
from polysms.routing.plan import Plan
from polysms.routing.steps import Admit, Answer, Call, Step, Wait, World

if TYPE_CHECKING:
    from polysms.ledger import Ledger

R = TypeVar("R")


class ObeyingAsync:
    """Does what the generators of a send or a look-up ask for, in one event loop."""

    config: Config
    _transports: Transports[httpx.AsyncBaseTransport]
    _plans: Plans
    _lent: Lent | None
    _limits: Limits
    _tokens: Tokens
    _world: World
    _loop: asyncio.AbstractEventLoop | None

    def _forget(self) -> None:
        """Know nothing of earlier sends, nor of their event loop; between two tests."""
        self._plans.forget()
        self._tokens.forget()
        self._loop = None

    def _sending(
        self, message: Message, plan: Plan, via: str | None
    ) -> Generator[Task, Told, Delivery]:
        if self._lent is None:
            return deliver(message, plan, self._world)
        keeper = self._plans.keeper(plan, via)
        return sending(message, plan, self._world, keeper, self._resolving)

    def _resolving(self, delivery: Delivery) -> Generator[Step, Answer, Delivery]:
        plans, world = self._plans, self._world
        return asking.resolving(delivery, self.config, plans, world, None, likely=False)

    def _require_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        if self._loop is not loop:
            raise ConfigError("this AsyncClient belongs to another event loop; make one in each")

    async def obey(self, tasks: Generator[Task, Told, R], *, asks: bool = False) -> R:
        """Do what a generator of tasks asks for, as :class:`Duties` makes them; for workers.

        ``asks`` says that it looks at the ledger between its tasks.
        """
        result, interrupt = await self._drive(tasks, sends=True, asks=asks)
        if interrupt is not None:
            raise interrupt
        return result

    async def consult(self, question: Callable[[Ledger], R]) -> R:
        """Ask the ledger something, in a thread."""
        if self._lent is None:
            raise ConfigError(MISSING, key="ledger")
        return await self._lent.run(partial(question, self._lent.ledger))

    async def _ask(self, steps: Generator[Task, Told, R]) -> R:
        result, interrupt = await self._drive(steps, sends=False, asks=True)
        if interrupt is not None:
            raise interrupt
        return result

    async def _drive(
        self, steps: Generator[Task, Told, R], *, sends: bool, asks: bool
    ) -> tuple[R, BaseException | None]:
        """Obey a generator of steps until it returns or raises.

        ``asks`` says that it looks at the ledger between its steps, if there is one.
        """
        self._require_loop()
        begun = Begun()
        driver = driven(steps, begun, sends=sends)
        asks = asks and self._lent is not None
        go_on: Callable[[Any], Task] = driver.send
        answer: Any = None
        while True:
            try:
                task = await self._next(partial(go_on, answer)) if asks else go_on(answer)
            except (StopIteration, _Ended) as stop:
                return stop.value  # type: ignore[no-any-return]
            try:
                go_on, answer = driver.send, await self._obey(task, begun)
            except GeneratorExit:
                raise  # closed in the middle: nothing can be awaited any more
            except BaseException as error:  # noqa: BLE001 - the driver knows what it means
                go_on, answer = driver.throw, error

    async def _next(self, advance: Callable[[], Task]) -> Task:
        if self._lent is None:
            raise TypeError("there is no ledger to ask")
        return await self._lent.run(partial(_advanced, advance))

    async def _obey(self, task: Task, begun: Begun) -> Done:
        if isinstance(task, Call):
            async with self._limits.slot_async(task.account, patience_of(task)) as free:
                return await self._called(task, begun) if free else no_slot(task)
        if isinstance(task, Save) and self._lent is not None:
            await self._lent.save(task)
        if isinstance(task, Consult) and self._lent is not None:
            return await self._lent.run(partial(task.question, self._lent.ledger))
        if isinstance(task, Admit):
            return await self._limits.admit_async(task.account, task.sender, task.segments)
        if isinstance(task, Wait):
            await asyncio.sleep(task.seconds)
        return None

    def _transport(self, account: Account) -> httpx.AsyncBaseTransport:
        found: httpx.AsyncBaseTransport | None = standin.instead(self, account)
        if found is None:
            return self._transports.of(account)
        self._transports.check_open()
        return found

    async def _called(self, call: Call, begun: Begun) -> Exchange:
        steps, transport = self._tokens.around(call), self._transport(call.account)
        if steps is None:
            begun.call = call
            return await exchange_async(transport, call, self._world.now)
        done: Exchange | None = None
        with closing(steps):
            while True:
                try:
                    step = steps.send(done)
                except StopIteration as stop:
                    return stop.value  # type: ignore[no-any-return]
                if isinstance(step, Await):
                    await asyncio.wait([asyncio.wrap_future(step.ended)], timeout=step.seconds)
                    done = None
                else:
                    if not isinstance(step, AskToken):
                        begun.call = call
                    done = await exchange_async(transport, step, self._world.now)


class _Ended(Exception):
    """A generator has ended in another thread, out of which no StopIteration comes."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


def _advanced(advance: Callable[[], Task]) -> Task:
    try:
        return advance()
    except StopIteration as stop:
        ended = _Ended(stop.value)
    raise ended
