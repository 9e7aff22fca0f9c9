"""What is counted in one play: a pot for each account and country, filled period by period."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from statistics import NormalDist

import attrs

from polysms.report import Age, Cell, Cost, Counts, Delay, Recipients, Rescue, Stratum
from polysms.report.curves import Moment
from polysms.simulation.draws import Chance, binomial, multinomial
from polysms.simulation.plan import Arm, Plan

#: The delays of all accounts fall between so many edges, from the quickest to the slowest.
_EDGES = 12
_FIRST, _LAST = 0.02, 0.98
_NORMAL = NormalDist()


@attrs.frozen(kw_only=True)
class Odds:
    """The chances of one account in one country.

    ``fates`` are those of how many of a recipient's texts arrive, ``delays`` those of the delay
    of one that does, by the middles of ``seconds``.
    """

    delivered: float
    refused: float
    fates: Sequence[float]
    delays: Sequence[float]
    seconds: Sequence[float]


class Table:
    """The chances of every account in every country; the same for all plays of a plan."""

    def __init__(self, plan: Plan) -> None:
        edges = _edges(plan)
        middles = [math.sqrt(one * other) for one, other in pairwise(edges)]
        self.plan = plan
        self.seconds = (edges[0], *middles, edges[-1])
        self.odds = {
            (name, country): self._odds(arm, country, edges)
            for name, arm in plan.arms.items()
            for country in plan.countries
        }

    def _odds(self, arm: Arm, country: str, edges: Sequence[float]) -> Odds:
        delivered = arm.delivered(country)
        missed = 1 - delivered
        return Odds(
            delivered=delivered,
            refused=arm.refuses / missed if missed else 0.0,
            fates=_fates(delivered, self.plan.per_recipient, self.plan.alike),
            delays=_parts(arm, edges),
            seconds=self.seconds,
        )

    @cached_property
    def strata(self) -> Mapping[str, Stratum]:
        """The stratum of each country."""
        kind, segments = ("", 0) if self.plan.sticky else ("sms", 1)
        return {one: Stratum(one, kind, segments) for one in self.plan.countries}


def _spread(arm: Arm) -> float:
    return max(1e-3, math.log(arm.tail / arm.delay) / _NORMAL.inv_cdf(0.9))


def _edges(plan: Plan) -> list[float]:
    """Return edges between delays, evenly spaced in their logarithm, for all accounts alike."""
    arms = plan.arms.values()
    ends = [
        math.log(arm.delay) + _spread(arm) * _NORMAL.inv_cdf(part)
        for arm in arms
        for part in (_FIRST, _LAST)
    ]
    low, high = min(ends), max(ends)
    return [math.exp(low + (high - low) * step / (_EDGES - 1)) for step in range(_EDGES)]


def _parts(arm: Arm, edges: Sequence[float]) -> list[float]:
    """Return the chances that a delay lies before, between and after the edges (lognormal)."""
    spread = _spread(arm)
    below = [_NORMAL.cdf(math.log(edge / arm.delay) / spread) for edge in edges]
    return [high - low for low, high in zip((0.0, *below), (*below, 1.0), strict=True)]


def _fates(share: float, number: int, alike: float) -> list[float]:
    """Return the chance that 0, 1, 2 … of a recipient's texts arrive.

    For the part ``alike`` of the recipients all texts have one fate, for the others each its own:
    so ``alike`` is how much two texts to one recipient go together (their correlation).
    """
    apart = [
        (1 - alike) * math.comb(number, count) * share**count * (1 - share) ** (number - count)
        for count in range(number + 1)
    ]
    apart[0] += alike * (1 - share)
    apart[-1] += alike * share
    return apart


@attrs.define
class Pot:
    """What became of the texts that one account was given in one country."""

    delays: list[int]
    assigned: int = 0
    refused: int = 0
    delivered: int = 0
    handed: int = 0
    handed_delivered: int = 0
    handed_refused: int = 0
    rescued: int = 0
    recipients: int = 0
    delivered_squared: int = 0

    def fill(self, chance: Chance, odds: Odds, units: int, each: int) -> int:
        """Give the account so many recipients with ``each`` texts; return how many it refuses."""
        if each == 1:
            delivered = squared = binomial(chance, units, odds.delivered)
        else:
            fates = list(enumerate(multinomial(chance, units, odds.fates)))
            delivered = sum(count * number for count, number in fates)
            squared = sum(count * count * number for count, number in fates)
        refused = binomial(chance, units * each - delivered, odds.refused)
        arrived = multinomial(chance, delivered, odds.delays) if delivered else ()
        for place, count in enumerate(arrived):
            self.delays[place] += count
        self.assigned += units * each
        self.delivered += delivered
        self.refused += refused
        self.recipients += units
        self.delivered_squared += squared
        return refused

    @property
    def taken(self) -> int:
        """How many texts the account took, those of others included: it charges for them."""
        return self.assigned - self.refused + self.handed - self.handed_refused

    def moments(self, seconds: Sequence[float], until: float) -> list[Moment]:
        """Return what happened when, all of it being known."""
        every = [Moment(when, count) for when, count in zip(seconds, self.delays, strict=True)]
        return [*every, Moment(until, 0, self.assigned - self.delivered)]

    def counts(self, table: Table, price: float, until: float) -> Counts:
        """Return it as a ledger counts it, when everything has ended."""
        sent, each = self.assigned - self.refused, Decimal(str(price))
        per = table.plan.per_recipient
        cost = Cost(
            priced=sent,
            total=each * sent,
            squares=price * price * sent,
            delivered=self.delivered,
            delivered_total=each * self.delivered,
        )
        return Counts(
            assigned=self.assigned,
            accepted=sent,
            refused={"rejected": self.refused} if self.refused else {},
            delivered=self.delivered,
            undelivered=sent - self.delivered,
            arrived=self.delivered + self.rescued,
            delays=tuple(
                Delay(when, count)
                for when, count in zip(table.seconds, self.delays, strict=True)
                if count
            ),
            ages=(Age(until, self.assigned - self.delivered),),
            costs={table.plan.currency: cost} if price else {},
            rescue=Rescue(
                attempts=self.handed,
                delivered=self.handed_delivered,
                undelivered=self.handed - self.handed_delivered - self.handed_refused,
            ),
            recipients=self._recipients(per) if table.plan.sticky else None,
        )

    def _recipients(self, per: int) -> Recipients:
        return Recipients(
            number=self.recipients,
            messages_squared=self.recipients * per * per,
            delivered_squared=self.delivered_squared,
            product=self.delivered * per,
        )


class Play:
    """One play: texts given out by chance, day after day."""

    def __init__(self, chance: Chance, table: Table) -> None:
        self._chance = chance
        self._table = table
        self.pots = {key: Pot(delays=[0] * len(table.seconds)) for key in table.odds}

    def day(self) -> None:
        """Give out the texts of a day, and learn how all of them end."""
        plan = self._table.plan
        units = max(1, round(plan.per_day / plan.per_recipient))
        traffic = multinomial(self._chance, units, list(plan.traffic.values()))
        for country, number in zip(plan.countries, traffic, strict=True):
            drawn = multinomial(self._chance, number, list(plan.parts.values()))
            for name, count in zip(plan.arms, drawn, strict=True):
                self._given(name, country, count)

    def _given(self, name: str, country: str, units: int) -> None:
        plan, pot = self._table.plan, self.pots[name, country]
        odds = self._table.odds[name, country]
        refused = pot.fill(self._chance, odds, units, plan.per_recipient)
        if refused and plan.failover:
            self._handed_on(pot, name, country, refused)

    def _handed_on(self, pot: Pot, name: str, country: str, refused: int) -> None:
        """Let another account try what one has refused."""
        plan = self._table.plan
        others = [other for other in plan.arms if other != name]
        shares = [plan.parts[other] for other in others]
        drawn = multinomial(self._chance, refused, shares)
        for other, count in zip(others, drawn, strict=True):
            odds = self._table.odds[other, country]
            delivered = binomial(self._chance, count, odds.delivered)
            theirs = self.pots[other, country]
            theirs.handed += count
            theirs.handed_delivered += delivered
            theirs.handed_refused += binomial(self._chance, count - delivered, odds.refused)
            pot.rescued += delivered

    @property
    def texts(self) -> Mapping[str, int]:
        """How many texts each account was given."""
        found = dict.fromkeys(self._table.plan.arms, 0)
        for (name, _), pot in self.pots.items():
            found[name] += pot.assigned
        return found

    @property
    def cost(self) -> float:
        """What was spent."""
        arms = self._table.plan.arms
        return math.fsum(arms[name].price * pot.taken for (name, _), pot in self.pots.items())

    def cells(self, until: float) -> list[Cell]:
        """Return it as a ledger counts it."""
        plan = self._table.plan
        return [
            Cell(
                account=name,
                stratum=self._table.strata[country],
                share=plan.parts[name],
                counts=pot.counts(self._table, plan.arms[name].price, until),
            )
            for (name, country), pot in self.pots.items()
        ]
