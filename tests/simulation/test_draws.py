"""Draws are distributed exactly as they should be, however many there are."""

from __future__ import annotations

import math
from random import Random

import pytest

from polysms.report.chances import chi_square_tail
from polysms.simulation.draws import Chance, binomial, multinomial

#: Draws of each kind, and the least count in a class of the test.
DRAWS = 20_000
LEAST = 20


def seeded(seed: int) -> Chance:
    """Return a chance that is the same in every run."""
    return Random(seed).random  # noqa: S311 - guards nothing


def likely(number: int, share: float) -> list[float]:
    """Return the chance of each count, by the formula of the binomial distribution."""
    whole = math.lgamma(number + 1)
    return [
        math.exp(
            whole
            - math.lgamma(count + 1)
            - math.lgamma(number - count + 1)
            + count * math.log(share)
            + (number - count) * math.log1p(-share)
        )
        for count in range(number + 1)
    ]


@pytest.mark.one_python
@pytest.mark.parametrize(
    ("number", "share"),
    [(1, 0.3), (10, 0.5), (30, 0.95), (400, 0.01), (60, 0.4), (200, 0.9), (1000, 0.05)],
)
def test_binomial(number: int, share: float) -> None:
    """Counts are as frequent as the binomial distribution says (chi-square), few and many."""
    chance = seeded(7)
    found = [0] * (number + 1)
    for _ in range(DRAWS):
        found[binomial(chance, number, share)] += 1
    classes = [(count, DRAWS * part) for count, part in zip(found, likely(number, share))]
    told = [one for one in classes if one[1] >= LEAST]
    rest = [sum(part) for part in zip(*(one for one in classes if one[1] < LEAST), strict=True)]
    every = [*told, *([rest] if rest and rest[1] >= 1 else [])]
    chi_square = sum((count - wanted) ** 2 / wanted for count, wanted in every)

    assert chi_square_tail(chi_square, len(every) - 1) > 0.001


@pytest.mark.parametrize(
    ("number", "share", "expected"), [(0, 0.5, 0), (-1, 0.5, 0), (9, 0.0, 0), (9, 1.0, 9)]
)
def test_binomial_at_its_ends(number: int, share: float, expected: int) -> None:
    """None of none, and all or none where chance has nothing to say."""
    assert expected == binomial(seeded(1), number, share)


def test_binomial_with_the_ends_of_chance() -> None:
    """A chance of exactly 0, which a generator may give, breaks neither way of drawing."""
    values = iter([0.0, 0.0, 0.5, 0.2, *[0.9] * 100])

    assert 0 <= binomial(lambda: next(values), 1000, 0.4) <= 1000
    assert 0 <= binomial(lambda: next(values), 20, 0.1) <= 20


def test_multinomial() -> None:
    """Nothing is lost, and each kind gets its share; kinds without one get nothing."""
    found = multinomial(seeded(3), 100_000, [2.0, 0.0, 1.0, 1.0])

    assert 100_000 == sum(found)
    assert 0 == found[1]
    assert [50_000, 25_000, 25_000] == pytest.approx([found[0], *found[2:]], rel=0.03)
