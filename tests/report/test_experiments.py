"""Experiments whose truth is known, a few of them, and proof that a broken promise is found."""

from __future__ import annotations

from collections import Counter

import pytest

from polysms.report import bucket

np = pytest.importorskip("numpy", reason="experiments are played by tox -e py313")

from tests.campaigns import experiments  # noqa: E402 - it wants numpy


@pytest.mark.unmeasured
def test_experiments_tell_the_truth(capsys: pytest.CaptureFixture[str]) -> None:
    """Intervals hold it, equal accounts seldom differ, and what failover hands on flatters nobody.

    The figures are those of the campaign, which plays hundreds of times as many.
    """
    assert experiments.run(80), capsys.readouterr().out


def test_experiments_are_counted_in_the_ledgers_buckets() -> None:
    """A delay is counted where a ledger would count it, from milliseconds to months."""
    delays = np.exp(np.random.default_rng(1).uniform(-6, 15, 2000))
    assert dict(Counter(map(bucket, delays.tolist()))) == experiments.buckets(delays)


@pytest.mark.parametrize(
    ("label", "of_a_hundred", "kept"),
    [
        ("cover: share", 95, True),
        ("cover: share", 93, False),
        ("cover: share", 97, False),
        ("at least: share", 97, True),
        ("at least: share", 93, False),
        ("alarm: a less b", 5, True),
        ("alarm: a less b", 6, False),
        ("naive alarm: a less b", 60, True),
    ],
)
def test_a_broken_promise_is_found(
    label: str, of_a_hundred: int, *, kept: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """94 to 96 of a hundred intervals hold the truth, and 5.5 at most raise a false alarm."""
    values = [1.0] * of_a_hundred + [0.0] * (100 - of_a_hundred)
    assert experiments.told(label, values * 200) is kept
    assert ("NOT KEPT" in capsys.readouterr().out) is not kept
