"""What a route costs: one account by its own name, and the same account on a route of one.

Both sends go through one client to one loopback server, in turn, in short blocks, in one run.
"""

from __future__ import annotations

import itertools

from polysms import Client, Message
from tests.benchmarks.sending import compare
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

            compare(
                ("send(via=ACCOUNT)", lambda: send("wavix")),
                ("send(via=ROUTE)", lambda: send("main")),
                wanted="at most 1.10 is wanted",
            )
