"""Who listens: functions, sync or async, that are told of reports, messages and opt-outs."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TypeVar

import attrs

from polysms import redact
from polysms.client.log import log
from polysms.delivery import DeliveryReport, Event, InboundMessage
from polysms.server.threads import Threads
from polysms.webhooks.keywords import START, STOP

Listener = Callable[[Any], Any]
L = TypeVar("L", bound=Listener)

REPORT, INBOUND, OPT_OUT = "report", "inbound", "opt_out"

#: Seconds after which a function is not waited for: it ends before its event is another's.
LIMIT = 50.0
#: Functions at most that run in threads at the same time.
_THREADS = 8


@attrs.frozen(kw_only=True)
class OptOut:
    """Someone who wants no more messages (``kind`` "stop"), or wants them again ("start").

    ``list`` is the list that they answered, the empty text every list. ``inbound`` is what they
    wrote.
    """

    event_id: str
    number: str = attrs.field(repr=redact.mask)
    list: str
    kind: str
    account: str
    at: datetime
    inbound: InboundMessage = attrs.field(repr=False)


class Listeners:
    """The functions that listen, by what they are told of."""

    def __init__(self) -> None:
        self._functions: dict[str, list[Listener]] = {REPORT: [], INBOUND: [], OPT_OUT: []}
        self._threads = Threads(_THREADS, "polysms-listener")

    def add(self, kind: str, function: L) -> L:
        """Add a function; return it."""
        self._functions[kind].append(function)
        return function

    def wants(self, event: Event) -> bool:
        """Whether anybody listens to such an event."""
        if isinstance(event, DeliveryReport):
            return bool(self._functions[REPORT])
        asks_out = event.keyword in {STOP, START} and self._functions[OPT_OUT]
        return bool(self._functions[INBOUND] or asks_out)

    def tell(self, event: Event, opt_out: str | None) -> bool:
        """Tell everybody, one after the other; return whether all of them have taken it."""
        # Everybody, whether or not another has failed.
        taken = [_told(call, one, event) for call, one in self._calls(event, opt_out)]
        return all(taken)

    async def atell(self, event: Event, opt_out: str | None) -> bool:
        """As :meth:`tell`, but all at the same time; functions that are sync run in a thread.

        One that takes too long has not taken it, and is left to itself.
        """
        calls = {
            asyncio.create_task(self._atold(call, what, event)): call
            for call, what in self._calls(event, opt_out)
        }
        if not calls:
            return True
        try:
            done, late = await asyncio.wait(calls, timeout=LIMIT)
        finally:
            for task in calls:
                task.cancel()
        for task in late:
            log.error("%s took too long for %s", _name(calls[task]), _about(event))
        return not late and all(not task.cancelled() and task.result() for task in done)

    async def _atold(self, call: Listener, what: Any, event: Event) -> bool:
        try:
            answer = call(what) if _is_async(call) else await self._threads.run(call, what)
            if inspect.isawaitable(answer):
                await answer
        except Exception:  # noqa: BLE001 - it is theirs, and is tried again
            _log(call, event)
            return False
        return True

    def _calls(self, event: Event, opt_out: str | None) -> Iterator[tuple[Listener, Any]]:
        if isinstance(event, DeliveryReport):
            yield from ((one, event) for one in self._functions[REPORT])
            return
        if opt_out is not None:
            said = _opt_out(event, opt_out)
            yield from ((one, said) for one in self._functions[OPT_OUT])
        yield from ((one, event) for one in self._functions[INBOUND])


def _opt_out(inbound: InboundMessage, list_: str) -> OptOut:
    return OptOut(
        event_id=inbound.event_id,
        number=inbound.from_,
        list=list_,
        kind=inbound.keyword or "",
        account=inbound.account,
        at=inbound.at or inbound.received_at,
        inbound=inbound,
    )


def _told(call: Listener, what: Any, event: Event) -> bool:
    try:
        answer = call(what)
        if inspect.isawaitable(answer):
            asyncio.run(_awaited(answer))
    except Exception:  # noqa: BLE001 - it is theirs, and is tried again
        _log(call, event)
        return False
    return True


def _is_async(call: Listener) -> bool:
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(
        getattr(call, "__call__", None)  # noqa: B004 - an object that is called
    )


async def _awaited(answer: Any) -> None:
    async with asyncio.timeout(LIMIT):
        await answer


def _log(call: Listener, event: Event) -> None:
    log.exception("%s failed for %s", _name(call), _about(event))


def _name(call: Listener) -> str:
    return str(getattr(call, "__qualname__", type(call).__name__))


def _about(event: Event) -> str:
    return f"event_id={event.event_id} account={event.account}"
