"""What both clients share: the plan of a send, who we are in time, what is said in logs."""

from __future__ import annotations

import logging
import os
import random
import threading
import time
import weakref
from collections.abc import Generator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import attrs

from polysms.client.limits import Limits
from polysms.client.wire import Exchange
from polysms.config import Config, Route
from polysms.config.reading import known
from polysms.delivery import Delivery
from polysms.errors import ConfigError, InvalidMessage, LookupFailed, MaybeSent, PolysmsError
from polysms.message import Message
from polysms.providers import REGISTRY
from polysms.routing.health import Health
from polysms.routing.plan import Memory, Plan
from polysms.routing.steps import Admit, Answer, Call, Failure, Stage, Step, World, Write

R = TypeVar("R")
#: What a client comes back with from a step.
Done = Exchange | float | None

log = logging.getLogger("polysms")


def uuid7() -> str:
    """Return a new UUIDv7: 48 bits of milliseconds, then random bits (RFC 9562 §5.7)."""
    number = time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10))
    digits = f"{number & _FREE_BITS | _FIXED_BITS:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


# The version (7) and the variant (binary 10) of a UUID, in its 128 bits.
_FIXED_BITS = 7 << 76 | 2 << 62
_FREE_BITS = ~(15 << 76 | 3 << 62)


def utc_now() -> datetime:
    """Return the time, aware."""
    return datetime.now(UTC)


REAL_WORLD = World(now=utc_now, clock=time.monotonic, new_id=uuid7, random=random.random)


def config_of(config: Config | Mapping[str, Any] | str) -> Config:
    """Return a configuration given as such, as nested tables, or as a URL."""
    if isinstance(config, Config):
        return config
    if isinstance(config, Mapping):
        return Config.from_mapping(config)
    if isinstance(config, str) and "://" in config:
        return Config.from_url(config)
    raise ConfigError("config: give a Config, a mapping or a URL; Client.from_config() reads files")


class Plans:
    """The plans of one configuration's sends: those that bend no route are made once."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._made: dict[str | None, Plan] = {}
        self.health = Health(threading.Lock())
        self.memory = Memory()
        self.limits = Limits()
        _all.add(self)

    def begin_again(self) -> None:
        """In the child of a fork: hold no lock that a thread of the parent has locked."""
        self.health.lock = threading.Lock()

    def of(
        self,
        message: Message,
        *,
        via: str | None,
        on_maybe_sent: str | None = None,
        deadline: float | timedelta | None = None,
        attempt_timeout: float | timedelta | None = None,
    ) -> Plan:
        """Return the plan of one send: the route that ``via`` names, as this call bends it."""
        if not isinstance(message, Message):
            raise InvalidMessage(f"send() takes a Message, not a {type(message).__name__}")
        _require_no_ledger(message)
        _check_options(message, self._config)
        plan = self._made.get(via)
        if plan is None:
            plan = self._made[via] = self._plan(self._config.route(via))
        times = {"deadline": deadline, "attempt_timeout": attempt_timeout}
        if on_maybe_sent is None and deadline is None and attempt_timeout is None:
            return plan
        return attrs.evolve(plan, route=_bent(plan.route, on_maybe_sent, times))

    def _plan(self, route: Route) -> Plan:
        config = self._config
        accounts = tuple(config.account(name) for name in route.reachable)
        for account in accounts:
            self.limits.prepare(account)
        return Plan(
            route=route,
            accounts=accounts,
            senders=config.senders,
            rails=config.rails,
            prices=config.prices,
            health=self.health,
            memory=self.memory,
        )


_all: weakref.WeakSet[Plans] = weakref.WeakSet()


def _in_child() -> None:
    for plans in list(_all):
        plans.begin_again()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)


def _bent(
    route: Route, on_maybe_sent: str | None, times: Mapping[str, float | timedelta | None]
) -> Route:
    changes: dict[str, Any] = {
        name: seconds_of(name, value) for name, value in times.items() if value is not None
    }
    if on_maybe_sent is not None:
        changes["on_maybe_sent"] = on_maybe_sent
    try:
        return attrs.evolve(route, **changes)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def seconds_of(name: str, value: float | timedelta) -> float:
    """Return an argument in seconds; raises ConfigError for what is not more than zero."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        raise ConfigError(f"{name}: write seconds, more than zero", key=name)
    return float(seconds)


def _require_no_ledger(message: Message) -> None:
    for field in ("key", "tenant"):
        if getattr(message, field) is not None:
            raise ConfigError(
                f"{field}: a message's {field} needs a ledger, and there is none", key="ledger"
            )


def _check_options(message: Message, config: Config) -> None:
    if not message.options:
        return
    used = {account.provider_name for account in config.accounts.values()}
    try:
        known(message.options, sorted({*REGISTRY, *used}), "options", "the message")
    except ConfigError as error:
        raise InvalidMessage(str(error), field="options") from None


class _Progress:
    """Whether a request was made at all, and what has interrupted us."""

    asked = False
    interrupt: BaseException | None = None


def driven(
    steps: Generator[Step, Answer, R], *, sends: bool
) -> Generator[Step, Done, tuple[R, BaseException | None]]:
    """Yield the steps a client must take, and return what they came to.

    A client answers a Call with its Exchange and throws in what interrupts it. An interrupt
    (a cancellation, Ctrl-C) lets nothing further be tried; it is returned beside the result, or
    raised with the error of the send as its cause, so that neither is lost. ``sends`` says that
    these steps send a message, so that a bug of ours after a request leaves it maybe sent.
    """
    progress = _Progress()
    try:
        result = yield from _stepped(steps, progress)
    except PolysmsError as error:
        if progress.interrupt is None:
            raise
        raise _weightier(error, progress.interrupt) from error
    except Exception as error:
        if not progress.asked:
            raise
        raise _unexpected(error, sends=sends) from error
    return result, progress.interrupt


def _stepped(steps: Generator[Step, Answer, R], progress: _Progress) -> Generator[Step, Done, R]:
    answer: Answer = None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        answer = None
        if isinstance(step, Write):
            continue
        calls = isinstance(step, Call)
        if progress.interrupt is not None:
            answer = _unasked(step)
            continue
        progress.asked = progress.asked or calls
        try:
            done = yield step
        except BaseException as error:  # noqa: BLE001 - raised when the send has been told
            progress.interrupt, answer = error, _unasked(step)
            continue
        if isinstance(done, Exchange):
            answer, progress.interrupt = done.answer, done.interrupt
        else:
            answer = done


def patience_of(step: Call) -> float:
    """Return the seconds that a call may wait for a free slot."""
    return step.seconds if step.patience is None else step.patience


def no_slot(step: Call) -> Exchange:
    """Return the end of an exchange for which no slot of its account was free."""
    most = step.account.concurrency
    text = f"none of its {most} slots was free within {patience_of(step):g} s"
    return Exchange(Failure(stage=Stage.NOTHING, text=text, ours=True))


def _weightier(error: PolysmsError, interrupt: BaseException) -> BaseException:
    """Return what is to be raised: a mere exception of ours never hides a MaybeSent."""
    ours = isinstance(interrupt, Exception)
    return error if ours and isinstance(error, MaybeSent) else interrupt


def _unasked(step: Step) -> Answer:
    """Return the answer to a step that is not taken, because somebody has stopped us."""
    if isinstance(step, Admit):
        return 0.0
    if not isinstance(step, Call):
        return None
    return Failure(
        stage=Stage.NOTHING, text="stopped before it was asked", ours=True, interrupted=True
    )


def _unexpected(error: Exception, *, sends: bool) -> PolysmsError:
    what = f"polysms failed after a request was made ({type(error).__name__})"
    if sends:
        return MaybeSent(f"{what}; the message may have been sent")
    return LookupFailed(f"{what}; nothing was sent")


def told(error: BaseException) -> PolysmsError | None:
    """Return the error of the send in what a send raised: itself, or an interrupt's cause."""
    found = error if isinstance(error, PolysmsError) else error.__cause__
    return found if isinstance(found, PolysmsError) else None


def said(delivery: Delivery | None, error: PolysmsError | None) -> None:
    """Log how a send ended, by ids alone."""
    if delivery is None or not log.isEnabledFor(logging.INFO):
        return
    last = delivery.attempts[-1] if delivery.attempts else None
    log.info(
        "send id=%s account=%s status=%s outcome=%s attempts=%d error=%s",
        delivery.id,
        delivery.account,
        delivery.status,
        last.outcome if last else None,
        len(delivery.attempts),
        type(error).__name__ if error else None,
    )
