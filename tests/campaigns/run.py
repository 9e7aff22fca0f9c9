"""Run the campaigns, all or those named: ``python tests/campaigns/run.py [--long] [NAME...]``.

Each prints its scale and its figures. Ends with 1 if one of them broke a promise.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import attrs

#: Beside what is installed, and after it: the library under test is the installed one.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from tests.campaigns import (
    broker,
    crashes,
    experiments,
    failover_time,
    false_trips,
    forged,
    frozen,
    healing,
    hearing,
    kills,
    lottery,
    reports,
    side_by_side,
    simulation,
    trouble,
    weeks,
)
from tests.campaigns.crowd import CROWDS
from tests.campaigns.lottery import Play
from tests.campaigns.town import town

SEED = 7


@attrs.frozen(kw_only=True)
class Scale:
    """How much is sent."""

    lottery: int
    side_by_side: int
    outages: int
    failovers: int
    seeds: int
    simulated: int
    kills: int
    trouble: int
    freezes: int
    tasks: int
    deaths: int
    callbacks: int
    forged: int
    experiments: int
    weeks: int


SHORT = Scale(
    lottery=500,
    side_by_side=100,
    outages=1,
    failovers=4,
    seeds=100,
    simulated=2_000,
    kills=40,
    trouble=2,
    freezes=1,
    tasks=300,
    deaths=20,
    callbacks=2_000,
    forged=20_000,
    # Of each of seven scenarios.
    experiments=350,
    weeks=8,
)
LONG = Scale(
    lottery=5000,
    side_by_side=2000,
    outages=20,
    failovers=20,
    seeds=20_000,
    simulated=100_000,
    kills=500,
    trouble=50,
    # At each of eight stages, on each of two databases.
    freezes=63,
    tasks=20_000,
    deaths=200,
    callbacks=50_000,
    forged=500_000,
    experiments=20_000,
    weeks=200,
)


def _lottery(scale: Scale) -> bool:
    """Play it with either policy and either client: the sends are four times the scale's."""
    plays = [
        Play(sends=scale.lottery, seed=SEED, policy=policy, client=client)
        for policy in lottery.MOST
        for client in CROWDS
    ]
    kept = True
    with town(SEED) as place:
        for game in plays:
            rounds = lottery.play(place, game)
            lottery.show(game, rounds)
            kept = kept and all(one.kept for one in rounds)
    return kept


def _side_by_side(scale: Scale) -> bool:
    # The peers are installed for the long form only.
    senders = side_by_side.ALL if scale is LONG else side_by_side.OURS
    side_by_side.run(senders, scale.side_by_side, SEED)
    return True


def _failover_time(scale: Scale) -> bool:
    return failover_time.run(scale.failovers)


def _healing(scale: Scale) -> bool:
    with town(SEED) as place:
        return healing.run(place, scale.outages)


def _kills(scale: Scale) -> bool:
    databases = [("sqlite", 1), ("postgresql", 4)] if scale is LONG else [("sqlite", 1)]
    told = kills.run(kills.games(scale.kills, scale.kills // 4, databases))
    return all(kills.is_kept(game, tally) for game, tally in told)


def _broker(scale: Scale) -> bool:
    games = broker.games(scale.tasks, "sqlite", "postgresql")
    # Every one of them, though one may have broken a promise.
    kept = [broker.run(game).is_kept for game in games]
    return all(kept)


def _reports(scale: Scale) -> bool:
    databases = ["sqlite", "postgresql"] if scale is LONG else ["sqlite"]
    return reports.run(
        [reports.Game(callbacks=scale.callbacks, database=name, seed=SEED) for name in databases]
    )


def _crashes(scale: Scale) -> bool:
    return not crashes.run(crashes.every if scale is LONG else crashes.few).troubles


CAMPAIGNS: dict[str, Callable[[Scale], bool]] = {
    "lottery": _lottery,
    "failover_time": _failover_time,
    "healing": _healing,
    "simulation": lambda scale: simulation.run(scale.seeds) == 0,
    "false_trips": lambda scale: false_trips.run(scale.simulated) == 0,
    "side_by_side": _side_by_side,
    "kills": _kills,
    "crashes": _crashes,
    "trouble": lambda scale: trouble.run(scale.trouble),
    "frozen": lambda scale: frozen.run(scale.freezes),
    "broker": _broker,
    "hearing": lambda scale: hearing.run_all(scale.deaths),
    "reports": _reports,
    "forged": lambda scale: forged.run(scale.forged),
    "experiments": lambda scale: experiments.run(scale.experiments),
    "weeks": lambda scale: weeks.is_kept(weeks.run(scale.weeks, 5000)),
}


def main() -> int:
    """Run what the command line names; return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CAMPAIGNS))
    wanted = parser.parse_args()
    unknown = sorted(set(wanted.names) - set(CAMPAIGNS))
    if unknown:
        parser.error(f"there is no {' or '.join(unknown)}; known are {', '.join(CAMPAIGNS)}")
    scale = LONG if wanted.long else SHORT
    print(f"the {'long' if wanted.long else 'short'} form: {scale}")
    broken = []
    for name in wanted.names or CAMPAIGNS:
        print(f"\n== {name}")
        if not CAMPAIGNS[name](scale):
            broken.append(name)
    print(f"\nbroken: {', '.join(broken) or 'nothing'}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
