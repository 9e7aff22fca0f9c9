"""Failover time: how long a send takes whose first provider is not there.

``python tests/campaigns/failover_time.py``. A refused port costs at most 0.5 s, a black hole at
most the connect timeout and 0.5 s. Prints the figures; ends with 1 if one is too long. Each send
has a client of its own, which knows nothing yet of the provider that is down.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import attrs

if __name__ == "__main__":
    #: Beside what is installed, and after it: the library under test is the installed one.
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from polysms import AsyncClient, Client, Delivery
from polysms.sandbox import Behaviour, running
from tests.campaigns.lottery import message
from tests.faults import black_hole, refused_port

SENDS = 10
CONNECT = 0.5
#: What failing over may cost beside the time that the connection is waited for.
OVERHEAD = 0.5


@contextlib.contextmanager
def _refused() -> Iterator[int]:
    yield refused_port()


@attrs.frozen
class Down:
    """One way of not being there: a port of this kind, and the longest a send may take."""

    port: Callable[[], AbstractContextManager[int]]
    longest: float


WAYS: Mapping[str, Down] = {
    "refused": Down(_refused, OVERHEAD),
    "black hole": Down(black_hole, CONNECT + OVERHEAD),
}


@attrs.frozen(kw_only=True)
class Figures:
    """How long the sends took of one client whose first provider is down in one way."""

    way: str
    client: str
    seconds: tuple[float, ...]

    @property
    def longest(self) -> float:
        """The longest that a send may take."""
        return WAYS[self.way].longest

    @property
    def kept(self) -> bool:
        """Whether none took longer."""
        return max(self.seconds) <= self.longest


def _sync(config: Mapping[str, Any], number: int) -> Delivery:
    with Client(config) as sms:
        return sms.send(message(number))


def _async(config: Mapping[str, Any], number: int) -> Delivery:
    async def send() -> Delivery:
        async with AsyncClient(config) as sms:
            return await sms.send(message(number))

    return asyncio.run(send())


SENDERS = {"sync": _sync, "async": _async}


def measure(sends: int = SENDS) -> Iterator[Figures]:
    """Yield the figures of every way and both clients."""
    with running(behaviour=Behaviour(speed=100, seed=1)) as sandbox:
        for way, down in WAYS.items():
            with down.port() as port:
                config = _config(f"http://127.0.0.1:{port}", sandbox.url)
                for client, send in SENDERS.items():
                    seconds = tuple(_timed(send, config, number) for number in range(sends))
                    yield Figures(way=way, client=client, seconds=seconds)


def _config(first: str, second: str) -> Mapping[str, Any]:
    common = {"sender": "+13135550100", "timeouts": {"connect": CONNECT}}
    return {
        "accounts": {
            "wavix": {"api_key": "any", "base_url": first, **common},
            "carrierx": {"token": "any", "base_url": f"{second}/core/v2", **common},
        },
        "routes": {"main": {"accounts": ["wavix", "carrierx"]}},
        "default": "main",
    }


def _timed(
    send: Callable[[Mapping[str, Any], int], Delivery], config: Mapping[str, Any], number: int
) -> float:
    began = time.monotonic()
    delivery = send(config, number)
    seconds = time.monotonic() - began
    if delivery.account != "carrierx":
        raise RuntimeError(f"the message went by {delivery.account}")
    return seconds


def show(figures: Figures) -> None:
    """Print the figures of one way and one client."""
    median, most = statistics.median(figures.seconds), max(figures.seconds)
    print(
        f"  {figures.way:12} {figures.client:6} median {median:.3f} s, longest {most:.3f} s of "
        f"{len(figures.seconds)} (at most {figures.longest:g} s)",
        "kept" if figures.kept else "BROKEN",
    )


def run(sends: int) -> bool:
    """Measure and print; return whether no send took too long."""
    print(f"time until the second provider has the message, connect timeout {CONNECT:g} s")
    kept = True
    for figures in measure(sends):
        show(figures)
        kept = kept and figures.kept
    return kept


def main() -> int:
    """Measure and print; return 1 if a send took too long."""
    return 0 if run(SENDS) else 1


if __name__ == "__main__":
    sys.exit(main())
