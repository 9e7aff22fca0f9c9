"""What one send costs beside a bare ``httpx.Client.post(url, json=...).json()``.

Both talk to the same loopback server, in turn, in blocks, in one run; the ratio is taken block by
block, so that a machine whose speed drifts drifts for both. Everything a user pays is included: the
message is made anew each time, to another number each time.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable

import httpx

from polysms import Client, Message
from tests.benchmarks.server import running

BLOCKS = 30
PER_BLOCK = 200


def block(call: Callable[[], object]) -> float:
    """Return the microseconds of one call, the mean of a block."""
    began = time.perf_counter()
    for _ in range(PER_BLOCK):
        call()
    return (time.perf_counter() - began) / PER_BLOCK * 1e6


def main() -> None:
    """Measure and print."""
    with running() as url:
        account = {"api_key": "benchmark-key", "sender": "+13137890021", "base_url": url}
        numbers = (f"+1313555{last:04d}" for last in itertools.cycle(range(100, 200)))
        with httpx.Client() as bare, Client({"accounts": {"wavix": account}}) as sms:

            def post() -> object:
                body = {
                    "from": "+13137890021",
                    "to": next(numbers),
                    "message_body": {"text": "Your table is ready"},
                }
                headers = {"Authorization": "Bearer benchmark-key"}
                return bare.post(f"{url}/v3/messages", json=body, headers=headers).json()

            def send() -> object:
                return sms.send(Message(next(numbers), "Your table is ready"))

            report(post, send)


def report(post: Callable[[], object], send: Callable[[], object]) -> None:
    """Print the medians and their ratio."""
    for warm_up in (post, send):
        block(warm_up)
    pairs = [(block(post), block(send)) for _ in range(BLOCKS)]
    bare = statistics.median(pair[0] for pair in pairs)
    ours = statistics.median(pair[1] for pair in pairs)
    ratios = sorted(pair[1] / pair[0] for pair in pairs)
    print(f"httpx.Client.post().json()  {bare:7.0f} us")
    print(f"polysms Client.send()       {ours:7.0f} us")
    print(
        f"ratio                       {statistics.median(ratios):7.2f}  "
        f"(blocks {ratios[0]:.2f} to {ratios[-1]:.2f}; at most 0.85 is wanted)"
    )
