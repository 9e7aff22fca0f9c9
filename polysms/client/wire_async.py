"""One HTTP exchange in an event loop; as :mod:`polysms.client.wire`, whose evidence it shares."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import attrs
import httpx

from polysms.client import standin
from polysms.client.trace import LateError, LoopTrace
from polysms.client.wire import LONGEST_ANSWER, Build, Exchange, Got, outgoing, tracing
from polysms.routing.steps import Call


async def exchange_async(
    transport: httpx.AsyncBaseTransport, call: Call, now: Callable[[], datetime]
) -> Exchange:
    """Make one request and return what is known of it. Raises nothing, not even a cancellation."""
    got, request, seconds = Got(time.monotonic()), call.request, call.seconds
    trace = LoopTrace(got.began + seconds, call.expires_at, now)
    build, carry = _way(transport)
    sent = outgoing(request, trace.later, call.account.timeouts, seconds, build)
    if isinstance(sent, Exchange):
        return sent
    if (instead := standin.answer(transport, call)) is not None:
        return instead
    trace.extensions = sent.extensions
    try:
        if build is None and trace.late:
            raise LateError  # noqa: TRY301 - as in exchange
        async with asyncio.timeout(seconds):
            got.response = await carry(sent)
            async for chunk in got.response.stream:
                got.body += chunk
                if len(got.body) > LONGEST_ANSWER:
                    break
            else:
                got.complete = True
        done = got.exchange()
    except BaseException as error:  # noqa: BLE001 - what is not known to be unsent is maybe sent
        done = got.broken(error, request, trace, tracing=tracing(transport))
    interrupt = await _close_async(got.response)
    return done if interrupt is None else attrs.evolve(done, interrupt=interrupt)


def _way(transport: Any) -> tuple[Build | None, Callable[[Any], Awaitable[Any]]]:
    """As in wire: our own transport has a shorter way."""
    shorter = getattr(transport, "shorter", None)
    return (shorter and shorter()) or (None, transport.handle_async_request)


async def _close_async(response: Any) -> BaseException | None:
    try:
        if response is not None:
            await response.aclose()
    except Exception:  # noqa: BLE001 - as in _close
        return None
    except BaseException as interrupt:  # noqa: BLE001 - as in _close
        return interrupt
    return None
