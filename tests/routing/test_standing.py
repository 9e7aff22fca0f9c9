"""How accounts stand: few reports do not beat many, and all are judged by the same messages."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.report.chances import quantile, wilson
from polysms.routing.standing import Asked, Matured, Standing, Stood, lower_bound

US = {"country": "US", "kind": "sms", "sender_kind": "number"}


def matured(account: str, delivered: int, ended: int, **stratum: str) -> Matured:
    """Return what has been counted of an account."""
    return Matured(account=account, delivered=delivered, ended=ended, **{**US, **stratum})


def judged(
    rows: list[Matured], *accounts: str, latest: list[Matured] | None = None, **stratum: str
) -> list[Stood]:
    """Return how accounts stand for one kind of message."""
    asked = [Asked(account=name, **{**US, **stratum}) for name in accounts or ("ant", "bee")]
    return list(Standing(rows, latest or ()).judged(asked))


def order(rows: list[Matured], *accounts: str, **stratum: Any) -> list[str]:
    """Return the accounts, the best first."""
    return [one.account for one in judged(rows, *accounts, **stratum)]


@given(delivered=st.integers(0, 10_000), more=st.integers(0, 10_000))
def test_bound_is_wilsons(delivered: int, more: int) -> None:
    """It is the lower end of the interval that the comparison itself shows."""
    ended = delivered + more
    share = delivered / ended if ended else 0.0
    expected = wilson(share, ended, quantile(0.95))[0]
    assert expected == pytest.approx(lower_bound(delivered, ended), abs=1e-12)


ORDERS: list[tuple[list[Matured], list[str]]] = [
    ([], ["ant", "bee"]),
    ([matured("ant", 9, 10), matured("bee", 940, 1000)], ["bee", "ant"]),
    ([matured("ant", 940, 1000), matured("bee", 980, 1000)], ["bee", "ant"]),
    ([matured("ant", 940, 1000), matured("bee", 940, 1000)], ["ant", "bee"]),
    ([matured("ant", 0, 1000)], ["ant", "bee"]),
    ([matured("ant", 500, 1000)], ["ant", "bee"]),
    ([matured("bee", 500, 1000)], ["bee", "ant"]),
]


@pytest.mark.parametrize(("rows", "expected"), ORDERS)
def test_order(rows: list[Matured], expected: list[str]) -> None:
    """The higher lower bound comes first; equals, and the unknown, stay as the route has them."""
    assert expected == order(rows)


#: Fewer rows of the finer part than count, and the coarser part that all are judged by then.
LEVELS: list[tuple[list[Matured], str]] = [
    ([matured("ant", 50, 50), matured("bee", 50, 50)], " to US by sms from a number"),
    (
        [matured("ant", 50, 50), matured("bee", 49, 49), matured("bee", 1, 1, sender_kind="name")],
        " to US by sms",
    ),
    (
        [matured("ant", 50, 50), matured("bee", 50, 50, country="CA")],
        " by sms",
    ),
    ([matured("ant", 50, 50), matured("bee", 50, 50, kind="mms")], ""),
    ([matured("ant", 50, 50), matured("bee", 1, 1)], " to US by sms from a number"),
]


@pytest.mark.parametrize(("rows", "among"), LEVELS)
def test_all_are_judged_by_the_same_messages(rows: list[Matured], among: str) -> None:
    """Too few of one's messages make all be judged by more; one hardly known decides nothing."""
    assert {among} == {one.among for one in judged(rows)}


def test_easier_messages_do_not_help() -> None:
    """An account is judged by what would be sent, not by what it delivers elsewhere."""
    rows = [
        matured("ant", 990, 1000, country="CA"),
        matured("ant", 80, 100),
        matured("bee", 90, 100),
        matured("bee", 500, 1000, country="CA"),
    ]
    assert ["bee", "ant"] == order(rows)
    assert ["ant", "bee"] == order(rows, country="CA")


def test_each_is_judged_by_its_own_sender() -> None:
    """Accounts with senders of different kinds are each judged by what theirs has shown."""
    rows = [
        matured("ant", 60, 100, sender_kind="name"),
        matured("ant", 99, 100),
        matured("bee", 90, 100),
    ]
    asked = [
        Asked(account="ant", country="US", kind="sms", sender_kind="name"),
        Asked(account="bee", country="US", kind="sms", sender_kind="number"),
    ]
    assert ["bee", "ant"] == [one.account for one in Standing(rows).judged(asked)]


LATE: list[tuple[Matured, bool]] = [
    (matured("ant", 150, 200), True),
    (matured("ant", 200, 200), True),
    (matured("ant", 188, 200), False),
    (matured("ant", 9, 10), False),
    (matured("ant", 0, 0), False),
]


@pytest.mark.parametrize(("late", "counts"), LATE)
def test_latest_count_alone_where_they_contradict(late: Matured, counts: bool) -> None:  # noqa: FBT001
    """Who has broken down today is not helped by two good weeks, and luck is no breakdown."""
    before = matured("ant", 940 * 2, 2000)
    found = judged([before, late], "ant", latest=[late])[0]
    assert counts is found.of_late
    assert (late.ended if counts else 2000 + late.ended) == found.ended


def test_nothing_before() -> None:
    """What has only just begun is judged by all that there is."""
    rows = [matured("ant", 50, 100)]
    assert [Stood("ant", 50, 100, " to US by sms from a number")] == judged(
        rows, "ant", latest=rows
    )


SPOKEN = [
    (Stood("ant"), "no report speaks for it yet"),
    (
        Stood("ant", 940, 1000, " to US by sms"),
        "at least 92.4% delivered (940 of 1,000 to US by sms)",
    ),
    (Stood("ant", 9, 10, "", of_late=True), "at least 59.6% delivered (9 of 10 of late)"),
]


@pytest.mark.parametrize(("stood", "expected"), SPOKEN)
def test_says_what_speaks_for_it(stood: Stood, expected: str) -> None:
    """The bound, and of how many messages it is one."""
    assert expected == str(stood)
