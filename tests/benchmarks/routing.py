"""What a route costs: one account by its own name, and the same account on a route of one.

Both sends go through one client to one loopback server, in turn, in blocks, in one run.
"""

from __future__ import annotations

import itertools
import statistics

from polysms import Client, Message
from tests.benchmarks.sending import BLOCKS, block
from tests.benchmarks.server import running


def main() -> None:
    """Measure and print."""
    with running() as url:
        account = {"api_key": "benchmark-key", "sender": "+13137890021", "base_url": url}
        tables = {"accounts": {"wavix": account}, "routes": {"main": {"accounts": ["wavix"]}}}
        numbers = (f"+1313555{last:04d}" for last in itertools.cycle(range(100, 200)))
        with Client(tables) as sms:

            def send(via: str) -> object:
                return sms.send(Message(next(numbers), "Your table is ready"), via=via)

            for warm_up in ("wavix", "main"):
                block(lambda name=warm_up: send(name))  # type: ignore[misc]
            pairs = [
                (block(lambda: send("wavix")), block(lambda: send("main"))) for _ in range(BLOCKS)
            ]
    alone = statistics.median(pair[0] for pair in pairs)
    routed = statistics.median(pair[1] for pair in pairs)
    ratios = sorted(pair[1] / pair[0] for pair in pairs)
    print(f"send(via=ACCOUNT)           {alone:7.0f} us")
    print(f"send(via=ROUTE)             {routed:7.0f} us")
    print(
        f"ratio                       {statistics.median(ratios):7.2f}  "
        f"(blocks {ratios[0]:.2f} to {ratios[-1]:.2f}; at most 1.10 is wanted)"
    )
