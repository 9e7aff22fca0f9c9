"""How attachments are carried: connections of their own, closed when the last byte has come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpcore

from polysms.client import standin
from polysms.client.bounded import BoundedBackend
from polysms.client.media import Fetching, Got, Media, Steps, Wanted
from polysms.client.pooled import ERRORS
from polysms.client.pooled_async import ClosingBackend
from polysms.client.public import (
    Address,
    Allowed,
    AsyncPublicBackend,
    NotPublicError,
    PublicBackend,
)
from polysms.client.transports import tls
from polysms.client.wire import current
from polysms.errors import LookupFailed, Reason


def downloaded(fetching: Fetching, steps: Steps) -> Media:
    """Make the requests that steps ask for, and return the media."""
    backend = PublicBackend(BoundedBackend(httpcore.SyncBackend()), _allowed(fetching))
    context = tls(fetching.account)
    current.until = fetching.until
    try:
        with (
            _told(fetching),
            httpcore.ConnectionPool(ssl_context=context, network_backend=backend) as pool,
        ):
            return _obeyed(fetching, steps, pool)
    finally:
        current.until = None


def _allowed(fetching: Fetching) -> Allowed:
    """Return what says whether an address may be connected to, and tells of it beforehand."""

    def is_allowed(address: Address) -> bool:
        if not fetching.is_allowed(address):
            return False
        standin.opening(str(address))
        return True

    return is_allowed


def _obeyed(fetching: Fetching, steps: Steps, pool: httpcore.ConnectionPool) -> Media:
    try:
        wanted = next(steps)
        while True:
            wanted = steps.send(_got(fetching, wanted, pool))
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


def _got(fetching: Fetching, wanted: Wanted, pool: httpcore.ConnectionPool) -> Got:
    response = pool.handle_request(fetching.request(wanted))
    try:
        got = Got(response, fetching.bounds)
        if got.is_taken():
            for chunk in response.iter_stream():
                got.add(chunk)
        return got
    finally:
        response.close()


async def downloaded_async(fetching: Fetching, steps: Steps) -> Media:
    """As :func:`downloaded`, in an event loop."""
    backend = AsyncPublicBackend(ClosingBackend(httpcore.AnyIOBackend()), _allowed(fetching))
    # Reading the certificates takes longer than a loop should stand still.
    context = await asyncio.to_thread(tls, fetching.account)
    with _told(fetching):
        async with (
            asyncio.timeout(fetching.until - time.monotonic()),
            httpcore.AsyncConnectionPool(ssl_context=context, network_backend=backend) as pool,
        ):
            return await _obeyed_async(fetching, steps, pool)


async def _obeyed_async(
    fetching: Fetching, steps: Steps, pool: httpcore.AsyncConnectionPool
) -> Media:
    try:
        wanted = next(steps)
        while True:
            wanted = steps.send(await _got_async(fetching, wanted, pool))
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


async def _got_async(fetching: Fetching, wanted: Wanted, pool: httpcore.AsyncConnectionPool) -> Got:
    response = await pool.handle_async_request(fetching.request(wanted))
    try:
        got = Got(response, fetching.bounds)
        if got.is_taken():
            async for chunk in response.aiter_stream():
                got.add(chunk)
        return got
    finally:
        await response.aclose()


@contextmanager
def _told(fetching: Fetching) -> Iterator[None]:
    """Raise what went wrong as an error of ours, which names the account and no address."""
    try:
        yield
    except LookupFailed as error:
        error.account = fetching.account.name
        raise
    except NotPublicError as error:
        sentence = "the media is not taken: its address is none of the public internet"
        facts: dict[str, Any] = {"reason": Reason.MEDIA, "retry_later": False}
        raise LookupFailed(sentence, account=fetching.account.name, **facts) from error
    except (TimeoutError, *ERRORS) as error:
        late = isinstance(error, (TimeoutError, httpcore.TimeoutException))
        why = "did not come in time" if late else "could not be fetched"
        sentence = f"the media {why} ({type(error).__name__})"
        raise LookupFailed(sentence, account=fetching.account.name) from error
