"""What ``import polysms`` costs beside ``import httpx``: whole processes, in turn, in one run."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 15
STATEMENTS = (
    "pass",
    "import httpx",
    "import polysms",
    "from polysms import Client, Message",
)


def milliseconds(statement: str) -> float:
    """Return how long a Python process takes that runs this statement and ends."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return (time.perf_counter() - began) * 1e3


def main() -> None:
    """Measure and print; Python's own start is taken off before the ratio."""
    for statement in STATEMENTS:
        milliseconds(statement)
    rounds = [[milliseconds(statement) for statement in STATEMENTS] for _ in range(RUNS)]
    start, httpx, *_ = (statistics.median(column) for column in zip(*rounds, strict=True))
    for statement, column in zip(STATEMENTS, zip(*rounds, strict=True), strict=True):
        cost = statistics.median(column)
        ratio = (cost - start) / (httpx - start)
        print(f"{statement:38} {cost:6.0f} ms   {ratio:5.2f} x import httpx")
