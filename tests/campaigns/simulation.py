"""The whole router on a virtual clock, many seeds: no text lost, none doubled, none mistold.

``python tests/campaigns/simulation.py --seeds 2000 --first 0``; a seed replays bit for bit.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter

from tests.campaigns.virtual import broken, outcomes, simulate


def run(seeds: int, first: int = 0) -> int:
    """Simulate the seeds, print what came of all messages; return how many promises were broken."""
    counted: Counter[str] = Counter()
    faults = calls = 0
    for seed in range(first, first + seeds):
        sample = simulate(seed)
        counted += outcomes(sample)
        calls += sample.town.calls
        for sentence in broken(sample):
            faults += 1
            print(f"seed {seed}: {sentence} ({sample.route})")
    print(f"{seeds} seeds from {first}, {counted.total()} messages, {calls} requests")
    for word, count in sorted(counted.items()):
        print(f"  {word:28}{count:8}")
    print(f"  broken promises             {faults:8}")
    return faults


def main() -> int:
    """Return 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    return 1 if run(given.seeds, given.first) else 0


if __name__ == "__main__":
    sys.exit(main())
