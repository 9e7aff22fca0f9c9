"""A town of three providers, each behind a door that breaks, in a process of its own.

As a program it serves until its standard input ends, and obeys one JSON object a line.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs

if __name__ == "__main__":
    #: Beside what is installed, and after it: the library under test is the installed one.
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from polysms.sandbox import Behaviour, running
from tests.campaigns import phone
from tests.campaigns.phone import Copy
from tests.campaigns.proxy import Arrival, Proxy, Weather
from tests.campaigns.unmeasured import environment

PROVIDERS = ("wavix", "carrierx", "signalwire")
_PATHS = {"carrierx": "/core/v2"}
#: Times of the sandbox are divided by this: lists lag behind by 5 to 15 ms.
_SPEED = 100
_SETTLE = 20.0


@attrs.frozen
class Clock:
    """A clock that began with the real one at a moment, and has gone so much faster since."""

    began: float = attrs.field(factory=time.time)
    pace: float = 1.0

    def __call__(self) -> float:
        """Return the time in seconds since 1970."""
        return self.began + (time.time() - self.began) * self.pace


class Town:
    """The town, from the outside."""

    def __init__(self, process: subprocess.Popen[str], clock: Clock) -> None:
        self._process = process
        self.clock = clock
        hello = self._heard()
        self.sandbox: str = hello["sandbox"]
        self.ports: dict[str, int] = hello["ports"]

    def urls(self) -> dict[str, str]:
        """Return the ``base_url`` of each provider's account."""
        return {
            name: f"http://127.0.0.1:{port}{_PATHS.get(name, '')}"
            for name, port in self.ports.items()
        }

    def weather(self, weather: Weather) -> None:
        """Change the weather."""
        self._ask(do="weather", **attrs.asdict(weather))

    def calm(self) -> None:
        """Let nothing break any more, and wait until what is under way has ended."""
        self._ask(do="calm")

    def later(self, seconds: float) -> None:
        """Move the providers' time on."""
        self._ask(do="later", seconds=seconds)

    def door(self, provider: str, fault: str | None) -> None:
        """Let every request of a provider meet one fault; None lets it meet none."""
        self._ask(do="door", provider=provider, fault=fault)

    def shut(self, provider: str, *, shut: bool) -> None:
        """Close a provider's port, or open it again."""
        self._ask(do="shut", provider=provider, shut=shut)

    def crowded(self, provider: str) -> int:
        """Return how many requests were at most under way at once at a provider's door."""
        return int(self._ask(do="crowded", provider=provider))

    def forget(self) -> None:
        """Forget every message and every arrival, and be back in the present."""
        self._ask(do="forget")
        phone.reset(self.sandbox)

    def copies(self) -> tuple[Copy, ...]:
        """Return what the phones got."""
        return phone.copies(self.sandbox)

    def arrivals(self) -> tuple[tuple[Arrival, ...], int]:
        """Return every send as it came to a door, and how often a door was closed."""
        told = self._ask(do="arrivals")
        return tuple(Arrival(**item) for item in told["arrivals"]), told["restarts"]

    def _ask(self, **order: Any) -> Any:
        if self._process.stdin is None:
            raise RuntimeError("the town cannot be asked")
        self._process.stdin.write(f"{json.dumps(order)}\n")
        self._process.stdin.flush()
        return self._heard()

    def _heard(self) -> Any:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError("the town's process has ended")
        return json.loads(line)


@contextlib.contextmanager
def town(seed: int, clock: Clock | None = None) -> Iterator[Town]:
    """Start a town with calm weather, and end it. By the real clock, unless by another."""
    clock = clock or Clock()
    process = subprocess.Popen(  # noqa: S603 - this very file
        [sys.executable, __file__, str(seed), str(clock.began), str(clock.pace)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
        text=True,
    )
    # Whatever happens, the process does not outlive the block, nor a hang a test.
    with process:
        try:
            yield Town(process, clock)
        finally:
            process.kill()


class _Council:
    """The town, from the inside: does what is asked."""

    def __init__(self, seed: int, sandbox: str, ahead: list[float]) -> None:
        self.sandbox = sandbox
        self.ahead = ahead
        target = urlsplit(sandbox).port or 0
        self.doors = {name: Proxy(name, target, Weather(seed=seed)) for name in PROVIDERS}
        self.proxies = tuple(self.doors.values())

    async def serve(self, orders: asyncio.Queue[str]) -> None:
        """Open every door, say where they are, and obey until the orders end."""
        async with asyncio.TaskGroup() as group:
            for proxy in self.proxies:
                await proxy.open()
            living = [group.create_task(proxy.live()) for proxy in self.proxies]
            _say({"sandbox": self.sandbox, "ports": {p.provider: p.port for p in self.proxies}})
            while line := await orders.get():
                order = json.loads(line)
                _say(await getattr(self, order.pop("do"))(**order))
            for task in living:
                task.cancel()

    async def weather(self, **facts: Any) -> None:
        """Change the weather at every door."""
        for proxy in self.proxies:
            proxy.weather = Weather(**facts)

    async def calm(self) -> None:
        """End every fault, and wait until nothing is under way."""
        for proxy in self.proxies:
            proxy.weather = Weather(seed=proxy.weather.seed)
        async with asyncio.timeout(_SETTLE):
            for proxy in self.proxies:
                await proxy.quiet.wait()

    async def later(self, seconds: float) -> None:
        """Move the sandbox's time on."""
        self.ahead.append(seconds)

    async def door(self, provider: str, fault: str | None) -> None:
        """Let every request at a door meet one fault."""
        proxy = self.doors[provider]
        proxy.weather = attrs.evolve(proxy.weather, always=fault)

    async def shut(self, provider: str, *, shut: bool) -> None:
        """Close a door's port, or open it."""
        if shut:
            self.doors[provider].shut()
        else:
            await self.doors[provider].open()

    async def crowded(self, provider: str) -> int:
        """Return how many requests were at most under way at once at a door."""
        return self.doors[provider].crowded

    async def forget(self) -> None:
        """Forget what came so far, and how far the time was moved on."""
        self.ahead.clear()
        for proxy in self.proxies:
            proxy.forget()

    async def arrivals(self) -> dict[str, Any]:
        """Return what came so far."""
        came = [attrs.asdict(arrival) for proxy in self.proxies for arrival in proxy.arrivals]
        return {"arrivals": came, "restarts": sum(proxy.restarts for proxy in self.proxies)}


def _say(what: Any) -> None:
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


def _listen(orders: asyncio.Queue[str], loop: asyncio.AbstractEventLoop) -> None:
    for line in itertools.chain(iter(sys.stdin.readline, ""), [""]):
        loop.call_soon_threadsafe(orders.put_nowait, line)


async def _main(seed: int, sandbox: str, ahead: list[float]) -> None:
    orders: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    threading.Thread(target=_listen, args=(orders, loop), daemon=True).start()
    await _Council(seed, sandbox, ahead).serve(orders)


def _run(seed: int, clock: Clock) -> None:
    # The seconds by which the providers' time was moved on, each time.
    ahead: list[float] = []
    speed = _SPEED / clock.pace
    behaviour = Behaviour(speed=speed, seed=seed, clock=lambda: clock() + sum(ahead))
    with running(behaviour=behaviour) as playing:
        asyncio.run(_main(seed, playing.url, ahead))


if __name__ == "__main__":
    _run(int(sys.argv[1]), Clock(float(sys.argv[2]), float(sys.argv[3])))
