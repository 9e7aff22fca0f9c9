"""Two in a hundred tries go wrong, at random: no breaker may open for that.

``python tests/campaigns/false_trips.py --sends 100000``.
"""

from __future__ import annotations

import argparse
import sys

from tests.campaigns.virtual import ACCOUNTS, TROUBLE, broken, simulate

SHARE = 0.02
#: Messages per second of the simulated clock.
RATE = 50.0


def run(sends: int, seed: int = 1) -> int:
    """Simulate the sends, print the openings of each breaker; return how many there were."""
    route = {"strategy": "round_robin", "accounts": sorted(ACCOUNTS), "deadline": 60.0}
    sample = simulate(seed, sends, faults=SHARE, kinds=TROUBLE, route=route, seconds=sends / RATE)
    openings = {name: sample.health.openings(name) for name in ACCOUNTS}
    print(f"{sends} sends, {SHARE:.0%} random errors, seed {seed}, {sample.town.calls} requests")
    for name, count in openings.items():
        print(f"  {name:12}{count} openings")
    wrong = broken(sample)
    print(f"  broken promises: {len(wrong)}")
    return sum(openings.values()) + len(wrong)


def main() -> int:
    """Return 1 where a breaker opened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sends", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    return 1 if run(given.sends, given.seed) else 0


if __name__ == "__main__":
    sys.exit(main())
