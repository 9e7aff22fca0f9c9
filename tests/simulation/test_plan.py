"""A plan is read strictly: what is wrong names its key, its value and the remedy."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from polysms.cli.simulate import EXAMPLE
from polysms.errors import ConfigError
from polysms.simulation import Plan, plan_of

ARM: dict[str, Any] = {"delivers": 0.95}
ARMS: dict[str, Any] = {"a": ARM, "b": ARM}


def planned(**table: Any) -> Plan:
    """Return the plan of a table with two arms."""
    return plan_of({"arms": ARMS, **table}, "plan.toml")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"per_dya": 3}, 'per_dya: no such key; did you mean "per_day"? (in plan.toml)'),
        ({"per_day": 0}, "per_day: 0 is not from 1 to 1e+07 (in plan.toml)"),
        ({"per_day": "many"}, "per_day: write a whole number (in plan.toml)"),
        ({"days": 367}, "days: 367 is not from 1 to 366 (in plan.toml)"),
        ({"sticky": "often"}, "sticky: write true or false (in plan.toml)"),
        ({"countries": {"US": 0}}, "countries: write shares above 0, as { US = 0.7, GB = 0.3 }"),
        ({"days": 60, "plays": 9_000}, "plays: 9000 take too long; 8333 would do"),
        ({"per_recipient": 4}, "per_recipient: counts on a sticky route alone; set sticky = true"),
        ({"arms": {"a": ARM}}, "arms: are 1; write two at least, 8 at most"),
        ({"arms": 3}, "arms: write a table for each provider, as [arms.wavix]"),
        ({"arms": {"a": 3, "b": ARM}}, "arms.a: is a int; write a table"),
        ({"arms": {"a": {}, "b": ARM}}, "arms.a.delivers: is missing"),
        (
            {"arms": {"a": {"delivers": 95}, "b": ARM}},
            "arms.a.delivers: 95 is no share from 0 to 1, as 0.95; did you mean 0.95?",
        ),
        (
            {"arms": {"a": {"delivers": -1}, "b": ARM}},
            "arms.a.delivers: -1 is no share from 0 to 1, as 0.95 (in plan.toml)",
        ),
        (
            {"arms": {"a": {"delivers": "most"}, "b": ARM}},
            "arms.a.delivers: 'most' is no number; write one as 0.95",
        ),
        ({"arms": {"a": {"delivers": {}}, "b": ARM}}, "arms.a.delivers: is empty; write a share"),
        (
            {"arms": {"a": {**ARM, "delay": "soon"}, "b": ARM}},
            'arms.a.delay: write seconds, as 60, "60s" or "2m"',
        ),
        (
            {"arms": {"a": {**ARM, "delay": "5s", "delay_90": "2s"}, "b": ARM}},
            "arms.a.delay_90: comes before delay, by which half have arrived",
        ),
        ({"arms": {"a": {**ARM, "price": -1}, "b": ARM}}, "arms.a.price: -1 is not from 0 to"),
        ({"arms": {"a": {**ARM, "cost": 1}, "b": ARM}}, "arms.a.cost: no such key; known are"),
        (
            {"arms": {"a": {"delivers": {"GB": 0.9}}, "b": ARM}},
            "arms.a.delivers: 'GB' is none of the countries; write [countries]",
        ),
        (
            {"countries": {"US": 1}, "arms": {"a": {"delivers": {"UK": 0.9}}, "b": ARM}},
            "arms.a.delivers: 'UK' is none of the countries; did you mean \"US\"?",
        ),
        (
            {
                "countries": {"US": 1, "GB": 1},
                "arms": {"a": {"delivers": {"US": 0.9}}, "b": ARM},
            },
            "arms.a.delivers: says nothing of GB; add it",
        ),
    ],
)
def test_mistakes(table: dict[str, Any], said: str) -> None:
    """Each mistake is told by its key, with what to write instead."""
    with pytest.raises(ConfigError) as raised:
        planned(**table)

    assert str(raised.value).startswith(said)


def test_example() -> None:
    """The plan that is printed to begin with is one, the lines that are commented out too."""
    whole = EXAMPLE.replace("# sticky ", "sticky ").replace("# per_recipient", "per_recipient")
    plain, sticky = (
        plan_of(tomllib.loads(text), "plan.toml")
        for text in (EXAMPLE, whole.replace("# alike", "alike"))
    )

    assert (["wavix", "signalwire"], False) == ([*plain.arms], plain.sticky)
    assert (True, 4, 0.5) == (sticky.sticky, sticky.per_recipient, sticky.alike)


def test_shares() -> None:
    """Shares of accounts and countries need not add up to 1, and what is refused never arrives."""
    arms = {
        "a": {"delivers": {"US": 0.9, "": 0.8}, "share": 3},
        "b": {"delivers": 0.9, "refuses": 0.5},
    }
    plan = planned(countries={"US": 3, "GB": 1}, arms=arms)

    assert {"a": 0.75, "b": 0.25} == plan.parts
    assert {"US": 0.75, "GB": 0.25} == plan.traffic
    assert pytest.approx([0.875, 0.45]) == [plan.delivered("a"), plan.delivered("b")]
