"""Which account has a message first, by chance or by what reports have shown, and how it is told.

An account that could not take a message at all (no sender, a rail, an open breaker) is no
candidate: chance is among those that could. What is drawn stays, whatever happens afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property

import attrs

from polysms.message import Message
from polysms.routing import assigning
from polysms.routing.assigning import Assignment
from polysms.routing.plan import Plan
from polysms.routing.standing import Asked, Stood
from polysms.routing.strategies import Candidate

Speaker = Callable[[str], str | None]
BEFORE = "the message was given to it before"


class Draw:
    """The draw of one message: its candidates in the order of chance, or of what reports show.

    ``earlier`` is the account that had the same message first when it was tried before: it still
    is.
    """

    def __init__(self, message: Message, plan: Plan, id_: str, earlier: str | None = None) -> None:
        self.earlier = earlier
        self._message = message
        self._plan = plan
        self._sticky = plan.route.sticky
        self._unit = assigning.unit_of(message, id_, sticky=self._sticky)
        self._stratum = assigning.stratum_of(message, sticky=self._sticky)

    @cached_property
    def _experiment(self) -> str:
        route = self._plan.route
        return assigning.experiment_of(
            self._plan.name, route.seed, route.chances, sticky=self._sticky
        )

    @cached_property
    def is_by_chance(self) -> bool:
        """Whether chance decides: always in an experiment, and for a part of what "best" sends."""
        route = self._plan.route
        # No account has an empty name: this number is independent of theirs.
        return route.strategy == "experiment" or self._chance("") < route.explore

    def _chance(self, name: str) -> float:
        return assigning.chance(self._experiment, self._stratum, self._unit, name)

    def ordered(self, candidates: Sequence[Candidate], speaker: Speaker) -> Sequence[Candidate]:
        """Return the candidates, the one that is to have the message first before the others.

        ``speaker`` tells the sender with which an account would say it, None where it cannot.
        """
        found = self._drawn(candidates) if self.is_by_chance else self._best(candidates, speaker)
        again = [attrs.evolve(one, why=BEFORE) for one in found if one.name == self.earlier]
        return [*again, *(one for one in found if one.name != self.earlier)]

    def _drawn(self, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        shares = {one.name: self._share(one.name) for one in candidates}
        order = assigning.assign(
            shares, experiment=self._experiment, stratum=self._stratum, unit=self._unit
        )
        return [Candidate(name=name, why=self._odds(name, shares)) for name in order]

    def _odds(self, name: str, shares: Mapping[str, float]) -> str:
        chance = assigning.probability(shares, name)
        return f"by chance, {chance:.3g} of all" if chance else "it has no share"

    def _share(self, name: str) -> float:
        return self._plan.route.chances.get(name, 0.0)

    def _best(self, candidates: Sequence[Candidate], speaker: Speaker) -> Sequence[Candidate]:
        asked = [self._asked(one.name, speaker(one.name)) for one in candidates]
        stood = self._plan.standing().judged(asked)
        pinned = self._pinned
        found = [Candidate(name=one.account, why=_why(one, stood, pinned)) for one in stood]
        return sorted(found, key=lambda one: one.name != pinned)

    def _asked(self, account: str, sender: str | None) -> Asked:
        return Asked(
            account=account,
            country=self._stratum.country,
            kind=self._message.kind,
            sender_kind=assigning.sender_kind(sender),
        )

    @property
    def _pinned(self) -> str | None:
        pins: dict[str, str] = self._plan.route.pin
        return pins.get(self._stratum.country, pins.get(""))

    def given(self, account: str, sender: str | None, able: Collection[str]) -> Assignment:
        """Return what is noted of a message that an account has first; others ``able`` had not."""
        shares = {name: self._share(name) for name in able}
        drawn = sum(share > 0 for share in shares.values()) > 1 and shares[account] > 0
        randomised = self.is_by_chance and drawn
        return Assignment(
            experiment=self._experiment,
            route=self._plan.name,
            account=account,
            probability=assigning.probability(shares, account) if randomised else 1.0,
            unit=assigning.RECIPIENT if self._sticky else assigning.MESSAGE,
            randomised=randomised,
            stratum=self._stratum,
            sender_kind=assigning.sender_kind(sender),
        )


def _why(one: Stood, stood: Sequence[Stood], pinned: str | None) -> str:
    """Return what speaks for an account, and what against the next best."""
    if one.account == pinned:
        return "pinned"
    others = [other for other in stood if other is not one]
    against = f", against {others[0].account}: {others[0]}" if others else ""
    return f"{one}{against}"


def spoken(given: Assignment, strategy: str) -> str | None:
    """Return in words with which chance an account was drawn, None where chance had no part."""
    if not given.randomised:
        return None
    explored = "explored, " if strategy == "best" else ""
    return f"{explored}drawn with a chance of {given.probability:.3g} ({given.stratum})"
