"""One HTTP exchange in an event loop; as :mod:`polysms.client.wire`, whose evidence it shares."""

from __future__ import annotations

import asyncio
import time

import attrs
import httpx

from polysms.client.wire import LONGEST_ANSWER, Exchange, Got, Trace, outgoing, tracing
from polysms.config import Timeouts
from polysms.providers.base import Request


async def exchange_async(
    transport: httpx.AsyncBaseTransport, request: Request, timeouts: Timeouts, seconds: float
) -> Exchange:
    """Make one request and return what is known of it. Raises nothing, not even a cancellation."""
    trace = Trace()
    sent = outgoing(request, trace.later, timeouts, seconds)
    if isinstance(sent, Exchange):
        return sent
    trace.extensions = sent.extensions
    got = Got(time.monotonic())
    try:
        async with asyncio.timeout(seconds):
            got.response = await transport.handle_async_request(sent)
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


async def _close_async(response: httpx.Response | None) -> BaseException | None:
    try:
        if response is not None:
            await response.aclose()
    except Exception:  # noqa: BLE001 - as in _close
        return None
    except BaseException as interrupt:  # noqa: BLE001 - as in _close
        return interrupt
    return None
