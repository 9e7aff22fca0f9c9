"""Messages per second with fifty in flight, beside the bare HTTP clients, in one run.

The bare ones post the same body and read the answer's JSON, and do nothing else. The rounds go
through all contestants in turn; the medians are printed.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from polysms import AsyncClient, Message
from tests.benchmarks.server import running

ROUNDS = 5
MESSAGES = 2_000
IN_FLIGHT = 50
Contest = Callable[[str], Awaitable[float]]
_HEADERS = {"Authorization": "Bearer benchmark-key"}


def main() -> None:
    """Measure and print."""
    contests = _contests()
    found: dict[str, list[float]] = {name: [] for name in contests}
    with running() as url:
        for _ in range(ROUNDS):
            for name, contest in contests.items():
                found[name].append(asyncio.run(_timed(contest, url)))
    bare = statistics.median(found["httpx.AsyncClient"])
    print(f"{MESSAGES} messages, {IN_FLIGHT} in flight, median of {ROUNDS} rounds")
    for name, speeds in found.items():
        speed = statistics.median(speeds)
        print(f"{name:36}{speed:8.0f} messages/s  {speed / bare:6.2f} x httpx.AsyncClient")


async def _timed(contest: Contest, url: str) -> float:
    seconds = await contest(url)
    return MESSAGES / seconds


def _contests() -> dict[str, Contest]:
    contests: dict[str, Contest] = {"httpx.AsyncClient": _httpx}
    contests["polysms"] = lambda url: _polysms(url, None)
    for add in (_with_aiohttp, _with_rust):
        try:
            contests |= add()
        except ModuleNotFoundError as error:
            print(f"left out: {error.name} is not installed")
    return contests


async def _httpx(url: str) -> float:
    limits = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
    async with httpx.AsyncClient(limits=limits) as client:

        async def post(body: Any) -> None:
            answer = await client.post(f"{url}/v3/messages", json=body, headers=_HEADERS)
            answer.json()

        return await _in_flight(post)


async def _polysms(url: str, transport: Any) -> float:
    account = {"api_key": "benchmark-key", "sender": "+13137890021", "base_url": url}
    messages = (Message(body["to"], "Your table is ready") for body in _bodies(MESSAGES))
    async with AsyncClient({"accounts": {"wavix": account}}, transport=transport) as sms:
        await sms.send(Message("+13135550100", "warm up"))
        began = time.perf_counter()
        async for result in sms.send_many(messages, concurrency=IN_FLIGHT):
            if result.error is not None:
                raise result.error
        return time.perf_counter() - began


def _with_aiohttp() -> dict[str, Contest]:
    import aiohttp
    from httpx_aiohttp import AiohttpTransport

    async def bare(url: str) -> float:
        connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def post(body: Any) -> None:
                target = f"{url}/v3/messages"
                async with session.post(target, json=body, headers=_HEADERS) as answer:
                    await answer.json()

            return await _in_flight(post)

    return {
        "aiohttp": bare,
        "polysms over httpx-aiohttp": lambda url: _polysms(url, AiohttpTransport),
    }


def _with_rust() -> dict[str, Contest]:
    from pyreqwest.client import ClientBuilder
    from pyreqwest.compatibility.httpx import HttpxTransport

    async def bare(url: str) -> float:
        async with ClientBuilder().build() as client:

            async def post(body: Any) -> None:
                request = client.post(f"{url}/v3/messages").body_json(body).headers(_HEADERS)
                await (await request.build().send()).json()

            return await _in_flight(post)

    return {
        "pyreqwest (a Rust engine)": bare,
        "polysms over pyreqwest": lambda url: _polysms(url, HttpxTransport),
    }


def _bodies(count: int) -> list[dict[str, Any]]:
    numbers = itertools.islice(itertools.cycle(range(100, 200)), count)
    return [
        {
            "from": "+13137890021",
            "to": f"+1313555{last:04d}",
            "message_body": {"text": "Your table is ready"},
        }
        for last in numbers
    ]


async def _in_flight(post: Callable[[Any], Awaitable[None]]) -> float:
    """Return the seconds that so many workers take for all bodies."""
    await post(_bodies(1)[0])
    waiting = iter(_bodies(MESSAGES))

    async def worker() -> None:
        for body in waiting:
            await post(body)

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    return time.perf_counter() - began
