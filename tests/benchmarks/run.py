"""Run the benchmarks, all or those named: ``python tests/benchmarks/run.py [sending] [imports]``.

They print figures, side by side with the named peers in one run; they never pass or fail.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

#: Beside what is installed, and after it: the library measured is the installed one.
sys.path.append(str(Path(__file__).resolve().parents[2]))

ALL = (
    "sending",
    "routing",
    "many",
    "durable",
    "ledger",
    "comparing",
    "webhooks",
    "serving",
    "imports",
    "segments",
)


def main(names: list[str]) -> None:
    """Run each benchmark in turn."""
    for name in names or ALL:
        print(f"== {name}")
        import_module(f"tests.benchmarks.{name}").main()
        print()


if __name__ == "__main__":
    main(sys.argv[1:])
