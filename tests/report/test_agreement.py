"""The figures are those of scipy, statsmodels and lifelines, on tables made at random."""

from __future__ import annotations

import math
import warnings
from typing import Any

import pytest

from polysms.report.chances import chi_square_tail, holm, quantile, wilson
from polysms.report.curves import Point, arrived_band, curve, moments, reached, variance
from polysms.report.logrank import log_rank
from polysms.report.naive import Naive, naive_chance
from polysms.report.planning import needed
from polysms.report.shares import Share, newcombe
from polysms.report.strata import difference
from tests.report.counting import timed

pytest.importorskip("lifelines", reason="they are held against each other by tox -e py313")

import numpy as np

with warnings.catch_warnings():
    # What they warn of when they are imported is not ours to mend.
    warnings.simplefilter("ignore")
    from lifelines import KaplanMeierFitter
    from lifelines.statistics import logrank_test
    from scipy import stats
    from statsmodels.duration.survfunc import SurvfuncRight, survdiff
    from statsmodels.stats import contingency_tables, multitest, proportion

pytestmark = [
    pytest.mark.unmeasured,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.parametrize("seed", range(25)),
]
Z = quantile(0.95)
NEAR: Any = {"rel": 1e-9, "abs": 1e-12}
Times = tuple[list[float], list[float]]


def drawn(chance: np.random.Generator, size: int = 60) -> Times:
    """Return delays and ages at random, rounded so that some are the same."""
    delays = np.round(chance.lognormal(2.0, 1.0, size), 1) + 0.1
    ages = np.round(chance.uniform(0, 30, size), 1) + 0.1
    return (
        [float(one) for one in delays[delays <= ages]],
        [float(one) for one in ages[delays > ages]],
    )


def flat(times: Times) -> tuple[list[float], list[int]]:
    """Return durations, and whether each ended with the event."""
    return [*times[0], *times[1]], [1] * len(times[0]) + [0] * len(times[1])


def table(chance: np.random.Generator) -> tuple[int, int, int, int]:
    """Return delivered and assigned of two accounts."""
    n1, n2 = (int(one) for one in chance.integers(5, 300, 2))
    return int(chance.binomial(n1, 0.8)), n1, int(chance.binomial(n2, 0.7)), n2


def share(count: int, number: int) -> Share:
    """Return the share of so many of so many."""
    return Share(share=count / number, messages=number, effective=number)


def test_chi_square(seed: int) -> None:
    """The tail is scipy's, to twelve digits where it is not vanishing."""
    chance = np.random.default_rng(seed)
    freedom = int(chance.integers(1, 300))
    value = float(chance.uniform(0.1, 3) * freedom)
    expected = stats.chi2.sf(value, freedom)
    assert expected == pytest.approx(chi_square_tail(value, freedom), rel=1e-11, abs=1e-300)


def test_holm(seed: int) -> None:
    """The corrected p-values are those of statsmodels."""
    chances = np.random.default_rng(seed).uniform(0, 0.2, 1 + seed % 10)
    expected = multitest.multipletests(chances, method="holm")[1]
    assert list(expected) == pytest.approx(holm(chances.tolist()), **NEAR)


def test_wilson(seed: int) -> None:
    """Wilson's interval is that of statsmodels."""
    count, number, _, _ = table(np.random.default_rng(seed))
    expected = proportion.proportion_confint(count, number, method="wilson")
    assert expected == pytest.approx(wilson(count / number, number, Z), **NEAR)


def test_newcombe(seed: int) -> None:
    """Newcombe's interval is that of statsmodels."""
    x1, n1, x2, n2 = table(np.random.default_rng(seed))
    expected = proportion.confint_proportions_2indep(x1, n1, x2, n2, method="newcomb")
    assert expected == pytest.approx(newcombe(share(x1, n1), share(x2, n2), Z), **NEAR)


def test_cochran_mantel_haenszel(seed: int) -> None:
    """The test over strata is that of statsmodels."""
    chance = np.random.default_rng(seed)
    tables = [table(chance) for _ in range(1 + seed % 6)]
    squares = [np.array([[x1, n1 - x1], [x2, n2 - x2]]) for x1, n1, x2, n2 in tables]
    expected = contingency_tables.StratifiedTable(squares).test_null_odds(correction=False)
    found = difference([(share(x1, n1), share(x2, n2)) for x1, n1, x2, n2 in tables])
    assert found is not None
    assert expected.statistic == pytest.approx(found.chi_square, **NEAR)
    assert expected.pvalue == pytest.approx(found.chance, **NEAR)


def test_mantel_haenszel_difference(seed: int) -> None:
    """The difference and Sato's error are what the formulas come to in the textbook's letters."""
    chance = np.random.default_rng(seed)
    tables = np.array([table(chance) for _ in range(1 + seed % 6)], dtype=float)
    a, n1, c, n0 = tables.T
    b, d, n = n1 - a, n0 - c, n1 + n0
    weight = n1 * n0 / n
    apart = ((a * n0 - c * n1) / n).sum() / weight.sum()
    p = (n1**2 * c - n0**2 * a + n1 * n0 * (n0 - n1) / 2) / n**2
    q = (a * d + b * c) / (2 * n)
    found = difference(
        [(share(int(x1), int(m1)), share(int(x2), int(m2))) for x1, m1, x2, m2 in tables]
    )
    assert found is not None
    assert apart == pytest.approx(found.difference, **NEAR)
    error = math.sqrt((apart * p.sum() + q.sum()) / weight.sum() ** 2)
    assert error == pytest.approx(found.standard_error, **NEAR)


def test_naive(seed: int) -> None:
    """The naive test is the usual one of two proportions."""
    x1, n1, x2, n2 = table(np.random.default_rng(seed))
    one, other = (
        Naive(finished=number, delivered=count, share=count / number, mean_seconds=None)
        for count, number in ((x1, n1), (x2, n2))
    )
    _, expected = proportion.proportions_ztest([x1, x2], [n1, n2])
    assert expected == pytest.approx(naive_chance(one, other), **NEAR)


def test_curve(seed: int) -> None:
    """The curve and its quantiles are those of lifelines, its variance that of statsmodels."""
    times = drawn(np.random.default_rng(seed))
    durations, events = flat(times)
    fitter = KaplanMeierFitter().fit(durations, events)
    found = curve(moments([timed(*times)]))
    expected = fitter.survival_function_at_times(found.times)
    assert [1 - one for one in expected] == pytest.approx(found.shares, **NEAR)
    errors = [math.sqrt(variance(*row)) for row in zip(found.shares, found.sums, strict=True)]
    theirs = SurvfuncRight(np.array(durations), np.array(events))
    # Where all had the event they have a hole.
    assert np.nan_to_num(theirs.surv_prob_se).tolist() == pytest.approx(errors, **NEAR)
    points = [Point(*row, 0.0, 1.0) for row in zip(found.times, found.shares, strict=True)]
    # Not where rounding decides whether a share is reached.
    for part in (0.103, 0.257, 0.511, 0.743):
        told = fitter.percentile(1 - part)
        assert told == (reached(points, part).seconds or math.inf)


def test_log_rank(seed: int) -> None:
    """The log-rank test is that of lifelines, and over strata that of statsmodels."""
    chance = np.random.default_rng(seed)
    strata = [(drawn(chance), drawn(chance, 40)) for _ in range(3)]
    ours = [tuple(moments([timed(*times)]) for times in pair) for pair in strata]
    first, second = (flat(times) for times in strata[0])
    expected = logrank_test(first[0], second[0], first[1], second[1])
    found = log_rank([(ours[0][0], ours[0][1])])
    assert expected.test_statistic == pytest.approx(found.chi_square, **NEAR)
    assert expected.p_value == pytest.approx(found.chance, **NEAR)
    rows = [
        (duration, event, group, place)
        for place, pair in enumerate(strata)
        for group, times in enumerate(pair)
        for duration, event in zip(*flat(times), strict=True)
    ]
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    chi_square, p_value = survdiff(columns[0], columns[1], columns[2], strata=columns[3])
    together = log_rank([(pair[0], pair[1]) for pair in ours])
    assert chi_square == pytest.approx(together.chi_square, **NEAR)
    assert p_value == pytest.approx(together.chance, **NEAR)


def test_needed(seed: int) -> None:
    """The number of messages that a difference takes is that of statsmodels."""
    chance = np.random.default_rng(seed)
    level, margin = float(chance.uniform(0.3, 0.99)), float(chance.uniform(0.005, 0.1))
    ratio = float(chance.uniform(0.3, 3))
    expected = proportion.samplesize_proportions_2indep_onetail(
        margin, level - margin, 0.8, ratio=ratio, alpha=0.05
    )
    assert expected == pytest.approx(needed(level, margin, ratio, alpha=0.05, power=0.8), **NEAR)


def test_arrived(seed: int) -> None:
    """With nothing pending the delays of the arrived have the quantiles that numpy tells."""
    delays, ages = drawn(np.random.default_rng(seed), 200)
    found = curve(moments([timed(delays, [1e9] * len(ages))]))
    for part in (0.5, 0.9, 0.99):
        expected = np.quantile(delays, part, method="inverted_cdf")
        assert expected == reached(arrived_band(found, Z), part).seconds
    number = len(delays) + len(ages)
    level = len(delays) / number
    assert level * (1 - level) / number == pytest.approx(
        variance(found.shares[-1], found.sums[-1]), **NEAR
    )
