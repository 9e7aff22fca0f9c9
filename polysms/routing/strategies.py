"""Strategies: in which order a route's accounts are asked.

A strategy is a function from the message, the candidates, the accounts' health, the time and
chance to an ordered list of candidates. It is asked again before every attempt, without the
accounts already tried. ``chance(name)`` is a number from 0 to 1 for a candidate: drawn anew, or
always the same for one recipient where the route is sticky.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from hashlib import blake2b

import attrs

from polysms.message import Message
from polysms.routing.health import Health

Chance = Callable[[str], float]


@attrs.frozen(kw_only=True)
class Candidate:
    """An account that may be asked, and what a strategy may want to know of it.

    ``price`` is for this message, None where none is listed. ``why`` is the strategy's own word.
    """

    name: str
    weight: float = 1.0
    price: Decimal | None = None
    why: str = ""


Candidates = Sequence[Candidate]
Strategy = Callable[[Message, Candidates, Health, float, Chance], Candidates]


def failover(
    message: Message, candidates: Candidates, health: Health, now: float, chance: Chance
) -> Candidates:
    """Ask them in the order in which the route names them."""
    del message, health, now, chance
    return candidates


def round_robin(
    message: Message, candidates: Candidates, health: Health, now: float, chance: Chance
) -> Candidates:
    """Ask the one that has waited longest for its turn."""
    del message, now, chance
    return sorted(candidates, key=lambda one: health.last_chosen(one.name))


def weighted(
    message: Message, candidates: Candidates, health: Health, now: float, chance: Chance
) -> Candidates:
    """Ask them at random, each as often as its weight says; those of weight 0 come last."""
    del message, health, now
    # The least of -ln(chance)/weight falls on each by its share (Efraimidis and Spirakis, 2006);
    # with a chance of its own per candidate the rest keep their order when one drops out.
    return sorted(candidates, key=lambda one: _race(one.weight, chance(one.name)))


def _race(weight: float, chance: float) -> float:
    return -math.log(max(chance, 1e-300)) / weight if weight > 0 else math.inf


def cheapest(
    message: Message, candidates: Candidates, health: Health, now: float, chance: Chance
) -> Candidates:
    """Ask the one whose price list says least; those that list no price come last."""
    del message, health, now, chance
    priced = [attrs.evolve(one, why=_spoken(one.price)) for one in candidates]
    return sorted(priced, key=lambda one: (one.price is None, one.price or Decimal(0)))


def _spoken(price: Decimal | None) -> str:
    return "no price is listed for it" if price is None else f"it costs {price}"


def recipients_chance(recipient: str) -> Chance:
    """Return a chance that is always the same for one recipient and one candidate."""

    def chance(name: str) -> float:
        digest = blake2b(f"{recipient} {name}".encode(), digest_size=8).digest()
        return (int.from_bytes(digest) + 0.5) / 2**64

    return chance


STRATEGIES: dict[str, Strategy] = {
    "failover": failover,
    "round_robin": round_robin,
    "weighted": weighted,
    "cheapest": cheapest,
}
