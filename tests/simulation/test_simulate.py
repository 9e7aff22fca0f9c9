"""What plays of a plan show is what the report would show, and what is known to be so."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from polysms.report import Contrast, Outlook, Pair, Report, Sooner, compare
from polysms.simulation import Outcome, plan_of, simulate
from polysms.simulation.looking import looked
from polysms.simulation.pots import Play, Table

pytestmark = pytest.mark.one_python

ARMS: dict[str, dict[str, Any]] = {
    "wavix": {"delivers": 0.95, "delay": "3s", "price": 0.0075},
    "signalwire": {"delivers": 0.92, "delay": "5s", "price": 0.006},
}
PLANS: dict[str, dict[str, Any]] = {
    "plain": {},
    "countries": {"countries": {"US": 0.7, "GB": 0.3}},
    "sticky": {"sticky": True, "per_recipient": 4, "alike": 0.5},
    "three": {"arms": {**ARMS, "carrierx": {"delivers": 0.93, "refuses": 0.1, "share": 2}}},
    "unpriced": {"arms": {"a": {"delivers": 0.9}, "b": {"delivers": 0.9}}},
}


def played(seed: int = 1, **table: Any) -> Outcome:
    """Return what comes of a small plan."""
    facts: dict[str, Any] = {"arms": ARMS, "per_day": 1000, "days": 4, "plays": 40, **table}
    return simulate(plan_of(facts, "a test"), Random(seed).random)  # noqa: S311 - guards nothing


def sign(value: float, *, counts: bool) -> int:
    """Return 1, -1, or 0 for what does not count."""
    return (1 if value > 0 else -1) if counts else 0


def said(report: Report) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Return what a report shows of each pair."""
    return {(pair.first, pair.second): _shown(pair) for pair in report.pairs}


def _shown(pair: Pair) -> tuple[int, int, int]:
    found, outlook, sooner = pair.delivered, pair.outlook, pair.sooner
    assert isinstance(found, Contrast)
    assert isinstance(outlook, Outlook)
    assert isinstance(sooner, Sooner)
    leaves_out_0 = outlook.always_low > 0 or outlook.always_high < 0
    return (
        sign(found.difference, counts=found.shown),
        sign(found.difference, counts=leaves_out_0),
        sign(sooner.excess, counts=sooner.shown),
    )


@pytest.mark.parametrize("name", PLANS)
def test_a_look_is_the_report(name: str) -> None:
    """At every look a play shows what the report itself says of the same counts."""
    plan = plan_of({"arms": ARMS, "per_day": 800, **PLANS[name]}, "a test")
    table, chance = Table(plan), Random(5).random  # noqa: S311 - as above
    kinds = set()
    for _ in range(6):
        play = Play(chance, table)
        for _ in range(4):
            play.day()
            report = compare(play.cells(plan.terms.horizon), plan.terms)
            found = looked(table, play)

            assert said(report) == {
                pair: (seen.once, seen.always, seen.sooner) for pair, seen in found.items()
            }
            for pair in report.pairs:
                contrast, seen = pair.delivered, found[pair.first, pair.second]
                assert contrast is not None
                assert pytest.approx((contrast.high - contrast.low) / 2) == seen.width
                assert sign(pair.naive.difference or 0, counts=pair.naive.chance <= 0.05) == (
                    seen.naive
                )
            kinds |= {seen.once for seen in found.values()}

    assert {"unpriced": {0}}.get(name, {0, 1}) <= kinds


def test_formula() -> None:
    """What the formula says it takes is what it takes: its power, within the error of 300 plays."""
    arms = {"a": {"delivers": 0.95}, "b": {"delivers": 0.93}}
    (pair,) = played(arms=arms, per_day=2213 * 2, days=1, plays=300).pairs

    assert (2213, 2213) == (pair.needed_first, pair.needed_second)
    assert pytest.approx(1.0, abs=1e-3) == pair.needed_days
    assert pytest.approx(0.8, abs=0.08) == pair.stages[0].shown


def test_alike() -> None:
    """Of two that are alike one look is wrong in 5 %, daily looks more often; always holds."""
    arms = {"a": {"delivers": 0.9}, "b": {"delivers": 0.9}}
    (pair,) = played(arms=arms, days=14, plays=300).pairs
    last = pair.stages[-1]

    assert 0.0 == pair.difference == last.shown == last.ever_shown == last.always_shown
    assert 0.02 <= last.wrong <= 0.09
    assert last.ever_wrong > 0.12
    assert last.always_wrong <= 0.05
    assert pair.day(0.5) is None


def test_failover_flatters() -> None:
    """Counting what failover handed on names the wrong one; the first account's own share, never.

    One refuses many of which the other would fail as many: what it is handed drags the other down.
    """
    arms = {"a": {"delivers": 0.96, "refuses": 0.2}, "b": {"delivers": 0.90}}
    kept, alone = (
        played(arms=arms, failover=failover).pairs[0].stages[-1] for failover in (True, False)
    )

    assert (1.0, 0.0, 1.0) == (kept.shown, kept.wrong, kept.naive_wrong)
    assert kept.cost == alone.cost == 0.0


def test_cost() -> None:
    """Each text that is taken is paid for, what was handed on by whoever took it."""
    arms = {
        "a": {"delivers": 0.9, "price": 0.01, "refuses": 0.5},
        "b": {"delivers": 0.9, "price": 0.02},
    }
    handed, kept = (
        played(arms=arms, per_day=10_000, days=1, plays=20, failover=failover).pairs[0].stages[0]
        for failover in (True, False)
    )

    assert pytest.approx(2500 * 0.01 + 5000 * 0.02, rel=0.02) == kept.cost
    assert pytest.approx(kept.cost + 2500 * 0.02, rel=0.02) == handed.cost


def test_shares() -> None:
    """An account with a third of the texts needs half as many as the other, which is told."""
    arms = {"a": {"delivers": 0.95, "share": 2}, "b": {"delivers": 0.93}}
    (pair,) = played(arms=arms).pairs

    assert pytest.approx(pair.needed_first / 2, abs=1) == pair.needed_second


def test_sticky_takes_longer() -> None:
    """Texts that share a fate tell less: the formula asks for more, and plays show less."""
    apart, alike = (played(per_day=1200, **PLANS[name]).pairs[0] for name in ("plain", "sticky"))

    assert pytest.approx(2.5 * apart.needed_first, rel=0.01) == alike.needed_first
    assert apart.stages[0].shown > alike.stages[0].shown


def test_nothing_given() -> None:
    """An account that chance gave nothing yet shows nothing, and breaks nothing."""
    arms = {"a": {"delivers": 0.9}, "b": {"delivers": 0.9, "share": 0.0001}}
    (pair,) = played(arms=arms, per_day=5, days=2).pairs

    assert 0.0 == pair.stages[-1].wrong


@pytest.mark.parametrize("delivers", [0.0, 1.0])
def test_ends(delivers: float) -> None:
    """Shares of none and all are shares like others."""
    (pair,) = played(arms={"a": {"delivers": delivers}, "b": {"delivers": 0.5}}).pairs

    assert (1.0, 0.0) == (pair.stages[0].shown, pair.stages[0].wrong)


def test_reproducible() -> None:
    """The same seed plays the same, another one does not."""
    first, again, other = (played(seed).to_dict() for seed in (1, 1, 2))

    assert first == again
    assert first["pairs"] != other["pairs"]
