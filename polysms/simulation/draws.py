"""Counts drawn by chance: how many of a number, and how many of each kind, exactly distributed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

#: A number from 0 to 1, 1 left out, each as likely as the others.
Chance = Callable[[], float]
#: Below this mean successes are drawn one by one, which is then the faster way.
_FEW = 10.0


def binomial(chance: Chance, number: int, share: float) -> int:
    """Return how many of a number happen of which each does with the chance ``share``."""
    if number <= 0 or share <= 0:
        return 0
    if share >= 1:
        return number
    if share > 0.5:
        return number - binomial(chance, number, 1 - share)
    few = number * share < _FEW
    return _counted(chance, number, share) if few else _rejected(chance, number, share)


def _counted(chance: Chance, number: int, share: float) -> int:
    """Leap from one that happens to the next: the gaps between them are geometric."""
    stays = math.log1p(-share)
    place, happened = 0, 0
    while True:
        place += int(math.log(1 - chance()) / stays) + 1
        if place > number:
            return happened
        happened += 1


def _rejected(chance: Chance, number: int, share: float) -> int:
    """Draw by transformed rejection with a squeeze (Hörmann, 1993, BTRS): exact, and quick."""
    spread = math.sqrt(number * share * (1 - share))
    wide = 1.15 + 2.53 * spread
    steep = -0.0873 + 0.0248 * wide + 0.01 * share
    inside, reach = 0.92 - 4.2 / wide, (2.83 + 5.1 / wide) * spread
    odds, mode = math.log(share / (1 - share)), int((number + 1) * share)
    top = math.lgamma(mode + 1) + math.lgamma(number - mode + 1)
    while True:
        across, height = chance() - 0.5, 1 - chance()
        edge = 0.5 - abs(across)
        if edge <= 0:
            continue
        found = math.floor((2 * steep / edge + wide) * across + number * share + 0.5)
        if not 0 <= found <= number:
            continue
        if edge >= 0.07 and height <= inside:
            return found
        likely = top - math.lgamma(found + 1) - math.lgamma(number - found + 1)
        bound = likely + (found - mode) * odds
        if math.log(height * reach / (steep / edge**2 + wide)) <= bound:
            return found


def multinomial(chance: Chance, number: int, shares: Sequence[float]) -> list[int]:
    """Return how many of a number are of each kind; the shares need not add up to 1."""
    left, whole = number, math.fsum(shares)
    found = []
    for share in shares[:-1]:
        drawn = binomial(chance, left, share / whole) if whole > 0 else 0
        found.append(drawn)
        left -= drawn
        whole -= share
    return [*found, left]
