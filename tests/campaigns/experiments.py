"""Experiments whose truth is known: how often the comparison tells it.

``python tests/campaigns/experiments.py --experiments 20000 [--processes 2] [NAME...]``: of each
scenario so many.

Each scenario is played so many times with other chances. Of every interval it is counted how often
it holds the truth, of every "shown" how often there was nothing to show; and beside it what the
naive comparison (delivered of those that ended, mean delay) would have said.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from statistics import NormalDist

import attrs
import numpy as np
from numpy.typing import NDArray

from polysms.report import (
    Age,
    Arm,
    Cell,
    Counts,
    Delay,
    Pair,
    Recipients,
    Report,
    Rescue,
    Stratum,
    Terms,
    compare,
)
from polysms.report.chances import quantile
from polysms.report.counts import BUCKETS
from polysms.report.planning import always
from polysms.report.shares import Share
from polysms.report.strata import difference

Numbers = NDArray[np.float64]

NEVER = math.inf
ALPHA = 0.05
EDGES = np.array([edge for edge, _ in BUCKETS])
WIDTHS = np.array([width for _, width in BUCKETS])


@attrs.frozen(kw_only=True)
class Provider:
    """A provider as it is: what it delivers in each stratum, how fast, what it refuses.

    Delays are lognormal with this median and spread. ``no_seconds`` is how late it says no, on
    average. ``refuses`` is the part it refuses in each stratum, on which failover goes on.
    """

    delivers: tuple[float, ...]
    median: float = 20.0
    spread: float = 1.0
    no_seconds: float = 30.0
    refuses: tuple[float, ...] = (0.0, 0.0, 0.0)
    share: float = 1.0

    def delivered(self, seconds: float) -> float:
        """Return the part of what it delivers that it has delivered by then."""
        return NormalDist().cdf(math.log(seconds / self.median) / self.spread)

    def quantile(self, share: float) -> float:
        """Return when this part of what it delivers has been."""
        return self.median * math.exp(self.spread * NormalDist().inv_cdf(share))


@attrs.frozen(kw_only=True)
class Scenario:
    """Providers, and messages that are followed for ``window`` seconds at most.

    ``traffic`` is the part of the messages in each stratum; ``alike`` (from 0 to 1) is how much
    the messages to one recipient, ``each`` on average, have one fate: then the route is sticky.
    """

    says: str
    providers: dict[str, Provider]
    traffic: tuple[float, ...] = (0.5, 0.3, 0.2)
    messages: int = 900
    window: float = 1e6
    alike: float = 0.0
    each: float = 4.0

    @property
    def is_pending(self) -> bool:
        """Whether some are pending at the end: nobody follows them for a day."""
        return self.window < 86400

    @property
    def is_equal(self) -> bool:
        """Whether the providers deliver the same."""
        return (
            len({(one.delivers, one.median, one.refuses) for one in self.providers.values()}) == 1
        )


#: The strata, and what is usually delivered in each.
STRATA = tuple(Stratum(country, "sms", 1) for country in ("US", "GB", "NG"))
LEVELS = (0.97, 0.92, 0.80)
USUAL = Provider(delivers=LEVELS)


SCENARIOS: dict[str, Scenario] = {
    "equal": Scenario(
        says="two equal providers, everything settled",
        providers={"a": USUAL, "b": USUAL},
    ),
    "three": Scenario(
        says="three equal providers, 30 % pending; c reports failures late",
        providers={"a": USUAL, "b": USUAL, "c": attrs.evolve(USUAL, no_seconds=300.0)},
        window=60.0,
        messages=1200,
    ),
    "unequal": Scenario(
        says="b delivers 3 points less and is given a third as many",
        providers={"a": attrs.evolve(USUAL, share=3.0), "b": Provider(delivers=(0.94, 0.89, 0.77))},
    ),
    "pending": Scenario(
        says="30 % pending; b delivers as many, and takes half as long again",
        providers={"a": USUAL, "b": attrs.evolve(USUAL, median=30.0)},
        window=57.0,
    ),
    "failover": Scenario(
        says="a refuses four in ten of the easy ones, and failover hands them to b",
        providers={"a": attrs.evolve(USUAL, refuses=(0.4, 0.0, 0.0)), "b": USUAL},
    ),
    "sticky": Scenario(
        says="two equal providers, a recipient keeps his; his messages share a fate",
        providers={"a": USUAL, "b": USUAL},
        alike=0.4,
        messages=1200,
    ),
}


def buckets(seconds: Numbers) -> dict[float, int]:
    """Return how many delays fall in each bucket, by its middle: the ledger's, all at once."""
    milliseconds = (seconds * 1000).astype(np.int64)
    places = np.minimum(np.searchsorted(EDGES, milliseconds, side="right"), len(WIDTHS) - 1)
    widths = WIDTHS[places]
    middles, counts = np.unique(milliseconds // widths * widths + widths / 2, return_counts=True)
    middles /= 1000
    return dict(zip(middles.tolist(), counts.tolist(), strict=True))


@attrs.frozen(kw_only=True)
class Lot:
    """The messages of one cell: which are refused, when each arrives or is denied, its age."""

    refused: NDArray[np.bool_]
    arrives: Numbers
    denied: Numbers
    ages: Numbers
    recipients: NDArray[np.int64] | None = None

    def counts(self, rescue: Rescue, rescued: int) -> Counts:
        """Return what is known of them now."""
        delivered = self.arrives <= self.ages
        undelivered = ~delivered & ~self.refused & (self.denied <= self.ages)
        refused, hits = int(self.refused.sum()), int(delivered.sum())
        noes = int(undelivered.sum())
        return Counts(
            assigned=len(self.ages),
            accepted=len(self.ages) - refused,
            refused={"balance": refused} if refused else {},
            delivered=hits,
            undelivered=noes,
            pending=len(self.ages) - refused - hits - noes,
            arrived=hits + rescued,
            delays=tuple(Delay(*row) for row in buckets(self.arrives[delivered]).items()),
            ages=tuple(Age(*row) for row in buckets(self.ages[~delivered]).items()),
            rescue=rescue,
            recipients=None if self.recipients is None else self._recipients(delivered),
        )

    def _recipients(self, delivered: NDArray[np.bool_]) -> Recipients:
        messages = np.bincount(self.recipients)  # type: ignore[arg-type]
        hits = np.bincount(self.recipients, weights=delivered)  # type: ignore[arg-type]
        return Recipients(
            number=int((messages > 0).sum()),
            messages_squared=int((messages**2).sum()),
            delivered_squared=int((hits**2).sum()),
            product=int((messages * hits).sum()),
        )


def _lot(chance: np.random.Generator, scenario: Scenario, name: str, place: int, n: int) -> Lot:
    provider = scenario.providers[name]
    level = provider.delivers[place]
    recipients, fates = None, np.full(n, level)
    if scenario.alike:
        recipients = np.sort(chance.integers(0, max(1, round(n / scenario.each)), n))
        of_each = chance.random(n) < scenario.alike
        luck = chance.random(n)[recipients] < level
        fates = np.where(of_each, np.where(luck, 1.0, 0.0), level)
    refused = chance.random(n) < provider.refuses[place]
    delays = provider.median * np.exp(provider.spread * chance.standard_normal(n))
    works = (chance.random(n) < fates) & ~refused
    return Lot(
        refused=refused,
        arrives=np.where(works, delays, NEVER),
        denied=chance.exponential(provider.no_seconds, n),
        ages=chance.uniform(0, scenario.window, n),
        recipients=recipients,
    )


def play(chance: np.random.Generator, scenario: Scenario) -> Report:
    """Return the report of one experiment."""
    names = list(scenario.providers)
    weights = np.array([one.share for one in scenario.providers.values()])
    parts = weights / weights.sum()
    numbers = chance.multinomial(scenario.messages, scenario.traffic)
    cells = []
    for place, number in enumerate(numbers):
        split = chance.multinomial(number, parts)
        lots = [_lot(chance, scenario, *row) for row in zip(names, [place] * len(names), split)]
        handed = [int(lot.refused.sum()) for lot in lots]
        # Whom a refuses, b is given; nobody refuses what was handed on.
        level = scenario.providers[names[-1]].delivers[place]
        saved = [int(chance.binomial(count, level)) for count in handed]
        for one, name in enumerate(names):
            got, hits = (sum(handed), sum(saved)) if name == names[-1] else (0, 0)
            rescue = Rescue(attempts=got, delivered=hits, undelivered=got - hits)
            counts = lots[one].counts(rescue, saved[one])
            cells.append(
                Cell(
                    account=name,
                    stratum=STRATA[place],
                    share=float(parts[one]),
                    counts=counts,
                )
            )
    return compare(cells, Terms(sticky=scenario.alike > 0))


def holds(low: float | None, truth: float, high: float | None) -> bool:
    """Return whether an interval holds the truth; an end that is not known lies beyond it."""
    return (low is not None and low <= truth) and (high is None or truth <= high)


def _true(scenario: Scenario, name: str, seconds: float) -> float:
    provider = scenario.providers[name]
    whole = sum(
        part * level * (1 - refused)
        for part, level, refused in zip(
            scenario.traffic, provider.delivers, provider.refuses, strict=True
        )
    )
    return whole * provider.delivered(seconds)


def observed(scenario: Scenario, report: Report) -> Iterator[tuple[str, float]]:
    """Yield what one experiment showed, by name: 1 or 0, or by how much it was off."""
    for arm in report.arms:
        provider = scenario.providers[arm.account]
        truth = _true(scenario, arm.account, report.within)
        assert arm.delivered is not None
        # Between countries recipients differ too, which here is no matter of chance.
        cover = "at least" if scenario.alike else "cover"
        yield (
            f"{cover}: share of {arm.account}",
            holds(arm.delivered.low, truth, arm.delivered.high),
        )
        yield f"off: share of {arm.account}", arm.delivered.share - truth
        if arm.naive.share is not None:
            whole = _true(scenario, arm.account, NEVER)
            yield f"naive off: share of {arm.account}", arm.naive.share - whole
        yield f"pending of {arm.account}", arm.counts.pending / arm.counts.assigned
        yield from _times(scenario, arm, provider, report.within)
    for pair in report.pairs:
        yield from _differences(scenario, pair, report.within)
    shown = [pair.delivered.shown for pair in report.pairs if pair.delivered]
    sooner = [pair.sooner.shown for pair in report.pairs if pair.sooner]
    if scenario.is_equal:
        yield "alarm: any pair after Holm", any(shown)
        yield "alarm: any log-rank after Holm", any(sooner)
        yield "naive alarm: any pair", any(pair.naive.chance <= 0.05 for pair in report.pairs)


def _times(
    scenario: Scenario, arm: Arm, provider: Provider, within: float
) -> Iterator[tuple[str, float]]:
    whole, known = _true(scenario, arm.account, NEVER), provider.delivered(within)
    half, *_ = arm.times
    # Delays of messages to one recipient need not be alike: taken as if they were, they cover more.
    cover = "at least" if scenario.alike else "cover"
    truth = provider.quantile(0.5 / whole) if 0.5 < whole * known else NEVER
    yield f"{cover}: median of all of {arm.account}", holds(half.low, truth, half.high)
    if half.seconds is not None and truth < NEVER:
        yield f"off: median of all of {arm.account}", half.seconds / truth - 1
    for found in arm.arrived_times:
        truth = provider.quantile(found.share * known)
        label = f"{found.share:.0%} of the arrived of {arm.account}"
        # The last of a hundred, of the few that are followed so long: nearly, and no promise.
        is_thin = found.share > 0.95 and scenario.is_pending
        yield f"{'nearly' if is_thin else cover}: {label}", holds(found.low, truth, found.high)
        if found.seconds is not None:
            yield f"off: {label}", found.seconds / truth - 1
    mean = provider.median * math.exp(provider.spread**2 / 2)
    if arm.naive.mean_seconds is not None:
        yield f"naive off: mean delay of {arm.account}", arm.naive.mean_seconds / mean - 1


def _differences(scenario: Scenario, pair: Pair, within: float) -> Iterator[tuple[str, float]]:
    label = f"{pair.first} less {pair.second}"
    apart = _true(scenario, pair.first, within) - _true(scenario, pair.second, within)
    found = pair.delivered
    assert found is not None
    assert pair.sooner is not None
    yield f"cover: {label}", holds(found.low, apart, found.high)
    yield f"off: {label}", found.difference - apart
    if scenario.is_equal:
        yield f"alarm: {label}", found.chance <= 0.05
        yield f"alarm: interval of {label}", not holds(found.low, 0.0, found.high)
        yield f"alarm: log-rank {label}", pair.sooner.chance <= 0.05
    else:
        yield f"shown: {label}", found.shown
        yield f"shown: log-rank {label}", pair.sooner.shown
    if pair.naive.difference is not None:
        whole = _true(scenario, pair.first, NEVER) - _true(scenario, pair.second, NEVER)
        yield f"naive off: {label}", pair.naive.difference - whole
        yield f"naive shown: {label}", pair.naive.chance <= 0.05


#: How often a route is looked at before its experiment ends, and messages between two looks.
LOOKS = 20
BETWEEN = 200


def looks(chance: np.random.Generator) -> tuple[bool, bool]:
    """Look again and again at two equal providers.

    Return whether a plain interval at some look showed a difference, and whether the interval that
    holds however often one looks did.
    """
    level = 0.9
    sizes = BETWEEN * np.arange(1, LOOKS + 1)
    mine, theirs = (np.cumsum(chance.binomial(BETWEEN, level, LOOKS)) for _ in range(2))
    plainly = everywhere = False
    for size, one, other in zip(sizes.tolist(), mine.tolist(), theirs.tolist(), strict=True):
        found = difference([(_share(one, size), _share(other, size))])
        assert found is not None
        low, high = always(found.difference, found.standard_error, ALPHA, expected=0.03)
        plainly = plainly or not holds(*_around(found.interval(quantile(1 - ALPHA))))
        everywhere = everywhere or not holds(low, 0.0, high)
    return plainly, everywhere


def _share(count: int, messages: int) -> Share:
    return Share(share=count / messages, messages=messages, effective=messages)


def _around(interval: tuple[float, float]) -> tuple[float, float, float]:
    return interval[0], 0.0, interval[1]


@attrs.frozen(kw_only=True)
class Bound:
    """Between what a figure must lie; None: it is shown, and no promise."""

    low: float
    high: float


def bound(name: str, experiments: int) -> Bound | None:
    """Return what is promised of a figure, with room for chance where experiments are few.

    An interval of 95 % holds the truth in 94 to 96 of a hundred experiments, and a false alarm is
    raised in at most 5.5 of them. In 20,000 experiments chance moves either by 0.5 points at most.
    """
    room = 3.3 * math.sqrt(0.95 * 0.05 / experiments)
    kind = name.partition(":")[0]
    if kind == "cover":
        return Bound(low=min(0.94, 0.95 - room), high=max(0.96, 0.95 + room))
    if kind == "at least":
        return Bound(low=min(0.94, 0.95 - room), high=1.0)
    if kind == "alarm":
        return Bound(low=0.0, high=max(0.055, 0.05 + room))
    return None


def _batch(name: str, seeds: Sequence[int]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for seed in seeds:
        chance = np.random.default_rng([seed, sorted(NAMES).index(name)])
        for label, value in NAMES[name](chance):
            found.setdefault(label, []).append(float(value))
    return found


def _looked(chance: np.random.Generator) -> Iterator[tuple[str, float]]:
    plainly, everywhere = looks(chance)
    yield f"naive alarm: a plain interval in any of {LOOKS} looks", plainly
    yield f"alarm: the interval for any number of looks in any of {LOOKS}", everywhere


def _player(scenario: Scenario) -> Callable[[np.random.Generator], Iterator[tuple[str, float]]]:
    return lambda chance: observed(scenario, play(chance, scenario))


NAMES = {**{name: _player(scenario) for name, scenario in SCENARIOS.items()}, "looks": _looked}


def run(experiments: int, names: Sequence[str] = (), *, processes: int = 1, seed: int = 7) -> bool:
    """Play each scenario so often, print its figures; return whether every promise was kept."""
    kept = True
    for name in names or NAMES:
        says = SCENARIOS[name].says if name in SCENARIOS else f"{LOOKS} looks at equal providers"
        print(f"  {name}: {says}; {experiments} experiments")
        figures = _played(name, experiments, processes, seed)
        for label, values in sorted(figures.items()):
            kept = told(label, values) and kept
    return kept


def _played(name: str, experiments: int, processes: int, seed: int) -> dict[str, list[float]]:
    seeds = [seed * 1_000_000 + number for number in range(experiments)]
    parts = [seeds[place : place + 500] for place in range(0, experiments, 500)]
    if processes == 1:
        batches = [_batch(name, part) for part in parts]
    else:
        with ProcessPoolExecutor(processes) as pool:
            batches = list(pool.map(_batch, [name] * len(parts), parts))
    joined: dict[str, list[float]] = {}
    for batch in batches:
        for label, values in batch.items():
            joined.setdefault(label, []).extend(values)
    return joined


def told(label: str, values: Sequence[float]) -> bool:
    """Print a figure; return whether what is promised of it was kept."""
    mean = float(np.mean(values))
    promise = bound(label, len(values))
    is_kept = promise is None or promise.low <= mean <= promise.high
    sign = "+" if "off:" in label else ""
    print(f"    {label:58} {mean:{sign}.2%}" + ("" if is_kept else "  NOT KEPT"))
    return is_kept


def main() -> int:
    """Return 1 where a promise was not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiments", type=int, default=20_000)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    given = parser.parse_args()
    return 0 if run(given.experiments, given.names, processes=given.processes) else 1


if __name__ == "__main__":
    sys.exit(main())
