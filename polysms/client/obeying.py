"""How the sync client obeys its generators of tasks."""

from __future__ import annotations

import time
from collections.abc import Generator
from concurrent.futures import wait
from contextlib import closing
from threading import TIMEOUT_MAX
from typing import TypeVar

import httpx

from polysms.client import asking, standin
from polysms.client.driving import Begun, Done, driven, no_slot, patience_of
from polysms.client.keeping import Consult, Save, Task, Told, sending
from polysms.client.limits import Limits
from polysms.client.plans import Plans
from polysms.client.records import Records
from polysms.client.tokens import AskToken, Await, Tokens
from polysms.client.transports import Transports
from polysms.client.wire import Exchange, exchange
from polysms.config import Account, Config
from polysms.delivery import Delivery
from polysms.message import Message
from polysms.routing.deliver import deliver
from polysms.routing.plan import Plan
from polysms.routing.steps import Admit, Answer, Call, Step, Wait, World

R = TypeVar("R")


class Obeying:
    """Does what the generators of a send or a look-up ask for, one task after the other."""

    config: Config
    _transports: Transports[httpx.BaseTransport]
    _plans: Plans
    _records: Records
    _limits: Limits
    _tokens: Tokens
    _world: World
    _is_kept: bool

    def _forget(self) -> None:
        """Know nothing of earlier sends any more; between two tests."""
        self._plans.forget()
        self._tokens.forget()

    def _sending(
        self, message: Message, plan: Plan, via: str | None
    ) -> Generator[Task, Told, Delivery]:
        if not self._is_kept:
            return deliver(message, plan, self._world)
        keeper = self._plans.keeper(plan, via)
        return sending(message, plan, self._world, keeper, self._resolving)

    def _resolving(self, delivery: Delivery) -> Generator[Step, Answer, Delivery]:
        plans, world = self._plans, self._world
        return asking.resolving(delivery, self.config, plans, world, None, likely=False)

    def obey(self, tasks: Generator[Task, Told, R]) -> R:
        """Do what a generator of tasks asks for, as :class:`Duties` makes them; for workers."""
        result, interrupt = self._drive(tasks, sends=True)
        if interrupt is not None:
            raise interrupt
        return result

    def _ask(self, steps: Generator[Task, Told, R]) -> R:
        result, interrupt = self._drive(steps, sends=False)
        if interrupt is not None:
            raise interrupt
        return result

    def _drive(
        self, steps: Generator[Task, Told, R], *, sends: bool
    ) -> tuple[R, BaseException | None]:
        """Obey a generator of steps until it returns or raises."""
        begun = Begun()
        driver = driven(steps, begun, sends=sends)
        try:
            step = next(driver)
            while True:
                try:
                    done = self._obey(step, begun)
                except BaseException as error:  # noqa: BLE001 - the driver knows what it means
                    step = driver.throw(error)
                else:
                    step = driver.send(done)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]

    def _obey(self, task: Task, begun: Begun) -> Done:
        if isinstance(task, Call):
            with self._limits.slot(task.account, patience_of(task)) as free:
                return self._called(task, begun) if free else no_slot(task)
        if isinstance(task, Save):
            self._records.ledger.write_many(task.lines, task.ends)
        if isinstance(task, Consult):
            return task.question(self._records.ledger)
        if isinstance(task, Admit):
            return self._limits.admit(task.account, task.sender, task.segments)
        if isinstance(task, Wait):
            time.sleep(task.seconds)
        return None

    def _transport(self, account: Account) -> httpx.BaseTransport:
        found: httpx.BaseTransport | None = standin.instead(self, account)
        if found is None:
            return self._transports.of(account)
        self._transports.check_open()
        return found

    def _called(self, call: Call, begun: Begun) -> Exchange:
        steps, transport = self._tokens.around(call), self._transport(call.account)
        if steps is None:
            begun.call = call
            return exchange(transport, call, self._world.now)
        done: Exchange | None = None
        with closing(steps):
            while True:
                try:
                    step = steps.send(done)
                except StopIteration as stop:
                    return stop.value  # type: ignore[no-any-return]
                if isinstance(step, Await):
                    wait([step.ended], timeout=min(step.seconds, TIMEOUT_MAX))
                    done = None
                else:
                    if not isinstance(step, AskToken):
                        begun.call = call
                    done = exchange(transport, step, self._world.now)
