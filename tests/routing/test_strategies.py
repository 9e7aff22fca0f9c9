"""The order in which each strategy asks a route's accounts."""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.config.routes import Prices
from polysms.message import Message
from polysms.routing.health import Health
from polysms.routing.strategies import (
    STRATEGIES,
    Candidate,
    Chance,
    cheapest,
    failover,
    recipients_chance,
    round_robin,
    weighted,
)

MESSAGE = Message("+13135550123", "x")
NAMES = ("ant", "bee", "cat")
DRAWS = 20_000


def candidates(*weights: float) -> list[Candidate]:
    """Return candidates of these weights."""
    return [Candidate(name=name, weight=one) for name, one in zip(NAMES, weights, strict=False)]


def names(found: Iterable[Candidate]) -> list[str]:
    """Return the names of candidates, in order."""
    return [one.name for one in found]


def never(name: str) -> float:
    """Fail where a strategy draws that should not."""
    raise AssertionError(f"a chance was drawn for {name}")


def drawing(seed: int) -> Chance:
    """Return a chance that is drawn anew each time."""
    source = random.Random(seed)  # noqa: S311 - a draw that can be repeated
    return lambda _: source.random()


def recipients(count: int) -> list[str]:
    """Return so many recipients."""
    return [f"+1313555{number:05d}" for number in range(count)]


def deviation(share: float) -> float:
    """Return five standard deviations of a binomial share: once in two million by chance."""
    return 5 * math.sqrt(share * (1 - share) / DRAWS)


@pytest.mark.parametrize("order", [NAMES, NAMES[::-1], ("bee", "ant", "cat")])
def test_failover(order: Sequence[str]) -> None:
    """Failover asks them as the route names them, whatever has been asked before."""
    health = Health()
    health.enter("ant", 0.0, 1.0)
    given_ = [Candidate(name=name) for name in order]
    assert list(order) == names(failover(MESSAGE, given_, health, 0.0, never))


def test_round_robin() -> None:
    """Round robin begins in the route's order, and asks each in its turn."""
    health, asked = Health(), []
    for _ in range(7):
        first, *_rest = names(round_robin(MESSAGE, candidates(1, 1, 1), health, 0.0, never))
        asked.append(first)
        health.enter(first, 0.0, 1.0)
    assert ["ant", "bee", "cat", "ant", "bee", "cat", "ant"] == asked


def test_round_robin_orders_the_rest_too() -> None:
    """Behind the first come the others, the one that has waited longest before."""
    health = Health()
    for name in ("cat", "ant", "bee"):
        health.enter(name, 0.0, 1.0)
    found = round_robin(MESSAGE, candidates(1, 1, 1), health, 0.0, never)
    assert ["cat", "ant", "bee"] == names(found)


@given(absent=st.lists(st.sets(st.sampled_from(NAMES[2:])), max_size=60))
def test_round_robin_is_fair_under_skips(absent: list[set[str]]) -> None:
    """Whoever is skipped now and again, the others go on taking turns."""
    health, asked = Health(), Counter[str]()
    for skipped in absent:
        there = [one for one in candidates(1, 1, 1) if one.name not in skipped]
        first = round_robin(MESSAGE, there, health, 0.0, never)[0].name
        asked[first] += 1
        health.enter(first, 0.0, 1.0)
    assert abs(asked["ant"] - asked["bee"]) <= 1
    assert asked["cat"] <= max(asked["ant"], asked["bee"]) + 1


def test_round_robin_does_not_make_up_for_a_rest() -> None:
    """One that comes back after a long rest takes its turn, and not all that it has missed."""
    health = Health()
    for _ in range(50):
        health.enter("ant", 0.0, 1.0)
    asked = []
    for _ in range(4):
        first = round_robin(MESSAGE, candidates(1, 1), health, 0.0, never)[0].name
        asked.append(first)
        health.enter(first, 0.0, 1.0)
    assert ["bee", "ant", "bee", "ant"] == asked


def shares(weights: Sequence[float], chances: Iterable[Chance]) -> Counter[str]:
    """Return how often each candidate comes first."""
    health, given_ = Health(), candidates(*weights)
    return Counter(weighted(MESSAGE, given_, health, 0.0, one)[0].name for one in chances)


WEIGHTS: list[tuple[float, ...]] = [(1, 1), (3, 1), (1, 2, 7), (0.5, 0.25, 0.25), (1000, 1, 1)]


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("sticky", [False, True])
def test_weighted(weights: Sequence[float], sticky: bool) -> None:  # noqa: FBT001 - a table's column
    """Each comes first as often as its weight says, by draws and by recipients alike."""
    chance = drawing(2026)
    drawn = [recipients_chance(one) for one in recipients(DRAWS)] if sticky else [chance] * DRAWS
    found = shares(weights, drawn)
    for name, weight in zip(NAMES, weights, strict=False):
        share = weight / sum(weights)
        assert abs(found[name] / DRAWS - share) <= deviation(share)


def test_weighted_orders_the_rest_too() -> None:
    """Behind the first come the others by their weights: none is second for certain."""
    chance, health = drawing(7), Health()
    orders = [
        names(weighted(MESSAGE, candidates(0.0, 3, 1), health, 0.0, chance)) for _ in range(200)
    ]
    assert {("bee", "cat", "ant"), ("cat", "bee", "ant")} == {tuple(one) for one in orders}


@pytest.mark.parametrize("chance", [0.0, 5e-324, 0.5, 1.0])
def test_weight_zero_comes_last(chance: float) -> None:
    """Without a share an account is asked after all others, whatever is drawn."""
    found = weighted(MESSAGE, candidates(0, 1, 0), Health(), 0.0, lambda _: chance)
    assert ["bee", "ant", "cat"] == names(found)


def sticky_order(recipient: str, *weights: float) -> list[str]:
    """Return the order in which one recipient's accounts are asked."""
    chance = recipients_chance(recipient)
    return names(weighted(MESSAGE, candidates(*weights), Health(), 0.0, chance))


@pytest.mark.parametrize("dropped", NAMES)
def test_sticky_order_of_the_rest_stays(dropped: str) -> None:
    """One recipient has one order; where an account drops out the others keep theirs."""
    for recipient in recipients(200):
        whole = sticky_order(recipient, 5, 3, 1)
        rest = [one for one in candidates(5, 3, 1) if one.name != dropped]
        chance = recipients_chance(recipient)
        found = names(weighted(MESSAGE, rest, Health(), 0.0, chance))
        assert [name for name in whole if name != dropped] == found


def test_sticky_order_is_the_same_in_every_process() -> None:
    """A worker that starts anew chooses as the others do."""
    code = (
        "import json;from polysms.routing.strategies import recipients_chance as chance;"
        f"print(json.dumps([chance(to)(name) for to in {recipients(5)!r} for name in {NAMES!r}]))"
    )
    expected = [recipients_chance(to)(name) for to in recipients(5) for name in NAMES]
    for seed in ("1", "2"):
        command = [sys.executable, "-c", code]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        told = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=60)  # noqa: S603 - our own line
        assert expected == json.loads(told.stdout)


@given(recipient=st.text(), name=st.text())
def test_chance_of_a_recipient(recipient: str, name: str) -> None:
    """Any recipient and name have a chance between 0 and 1, which is always the same."""
    chance = recipients_chance(recipient)(name)
    assert 0 < chance < 1
    assert recipients_chance(recipient)(name) == chance


def test_chance_tells_recipients_and_names_apart() -> None:
    """Two recipients, or two accounts of one, are as different as chance makes them."""
    found = {recipients_chance(to)(name) for to in recipients(100) for name in NAMES}
    assert 300 == len(found)


def priced(*prices: str | None) -> list[Candidate]:
    """Return candidates of these prices."""
    listed = [None if one is None else Decimal(one) for one in prices]
    return [Candidate(name=name, price=one) for name, one in zip(NAMES, listed, strict=False)]


PRICES: list[tuple[tuple[str | None, ...], list[str]]] = [
    (("0.02", "0.01", "0.03"), ["bee", "ant", "cat"]),
    (("0.010", "0.01", "0.009"), ["cat", "ant", "bee"]),
    ((None, "9", "0"), ["cat", "bee", "ant"]),
    ((None, None, "1"), ["cat", "ant", "bee"]),
    ((None, None, None), ["ant", "bee", "cat"]),
    (("0.5", "0", None), ["bee", "ant", "cat"]),
    (("0.1", "0.3", "0.2"), ["ant", "cat", "bee"]),
]


@pytest.mark.parametrize(("prices", "expected"), PRICES)
def test_cheapest(prices: tuple[str | None, ...], expected: list[str]) -> None:
    """The lower price comes first; equals keep the route's order, and the unpriced come last."""
    assert expected == names(cheapest(MESSAGE, priced(*prices), Health(), 0.0, never))


def test_cheapest_says_why() -> None:
    """The price, or that there is none, is the strategy's own word for its choice."""
    found = cheapest(MESSAGE, priced(None, "0.0075"), Health(), 0.0, never)
    assert ["it costs 0.0075", "no price is listed for it"] == [one.why for one in found]


LISTED = Prices(
    sms={"+1": 0.01, "+1313": "0.004", "+13135": 0.006, "+44": 0},
    mms={"+1": 0.02, "+1416": 0.05},
)
PICTURE = "https://example.com/a.png"

#: Who it goes to, its segments, whether it is an MMS, and what it costs.
COSTS: list[tuple[str, int, bool, str | None]] = [
    ("+12125550123", 1, False, "0.01"),
    ("+12125550123", 3, False, "0.03"),
    ("+13134550123", 1, False, "0.004"),
    ("+13135550123", 1, False, "0.006"),
    ("+13135550123", 10, False, "0.060"),
    ("+442079460123", 4, False, "0"),
    ("+33155501234", 1, False, None),
    ("988", 1, False, None),
    ("+13135550123", 1, True, "0.02"),
    ("+13135550123", 9, True, "0.02"),
    ("+14165550123", 1, True, "0.05"),
    ("+442079460123", 1, True, None),
]


@pytest.mark.parametrize(("to", "segments", "mms", "cost"), COSTS)
def test_price_of_a_message(to: str, segments: int, mms: bool, cost: str | None) -> None:  # noqa: FBT001
    """The longest beginning counts; an SMS costs by segment, an MMS as one, by its own list."""
    message = Message(to, "x", media=[PICTURE] if mms else [])
    found = LISTED.of(message, segments)
    assert (None if cost is None else Decimal(cost)) == found


@given(
    name=st.sampled_from(sorted(STRATEGIES)),
    weights=st.lists(st.floats(0, 1e9), min_size=1, max_size=3),
    prices=st.lists(st.one_of(st.none(), st.decimals(0, 9)), min_size=3, max_size=3),
    seed=st.integers(),
)
def test_every_strategy_only_orders(
    name: str, weights: list[float], prices: list[Decimal | None], seed: int
) -> None:
    """A strategy leaves nobody out, invents nobody, and changes nothing that was handed in."""
    given_ = [
        attrs.evolve(one, price=price)
        for one, price in zip(candidates(*weights), prices, strict=False)
    ]
    before = list(given_)
    found = STRATEGIES[name](MESSAGE, given_, Health(), 0.0, drawing(seed))
    assert sorted(names(given_)) == sorted(names(found))
    assert before == given_
