"""What one send costs beside a bare ``httpx.Client.post(url, json=...).json()``.

Both talk to the same loopback server in one run, in turn, in many short blocks, so that a machine
whose speed drifts, or that is called away, does so for both; the ratio is that of the medians.
Everything a user pays is included: the message is made anew each time, to another number each time.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable

import httpx

from polysms import Client, Message
from tests.benchmarks.server import running

BLOCKS = 800
PER_BLOCK = 10
WARM_UP = 200


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
    compare(
        ("httpx.Client.post().json()", post),
        ("polysms Client.send()", send),
        wanted="at most 0.85 is wanted",
    )


def compare(
    first: tuple[str, Callable[[], object]], second: tuple[str, Callable[[], object]], wanted: str
) -> None:
    """Measure two calls in turn; print their medians and the ratio of the second to the first."""
    (name, call), (other, against) = first, second
    for _ in range(WARM_UP):
        call(), against()
    pairs = [(block(call), block(against)) for _ in range(BLOCKS)]
    quarters = [statistics.quantiles(times, n=4) for times in zip(*pairs, strict=True)]
    low, middle, high = (theirs / ours for ours, theirs in zip(*quarters, strict=True))
    print(f"{name:28}{quarters[0][1]:7.0f} us")
    print(f"{other:28}{quarters[1][1]:7.0f} us")
    print(f"{'ratio':28}{middle:7.2f}  (quartiles {low:.2f} and {high:.2f}; {wanted})")
