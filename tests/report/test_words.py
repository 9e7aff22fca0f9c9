"""Figures as people say them."""

from __future__ import annotations

import pytest

from polysms.report import words


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (words.percent(0.9412), "94.1 %"),
        (words.points(0.0312), "+3.1"),
        (words.points(-0.0004), "+0.0"),
        (words.points(-0.02), "-2.0"),
        (words.duration(0.25), "0.25 s"),
        (words.duration(0.0), "0 s"),
        (words.duration(5.0), "5 s"),
        (words.duration(100.4), "100 s"),
        (words.duration(210), "3.5 min"),
        (words.duration(7200), "2 h"),
        (words.duration(3 * 86400), "3 d"),
        (words.number(3400), "3,400"),
        (words.about(3412), "about 3,400"),
        (words.about(7), "about 7"),
        (words.about(99_999), "about 100,000"),
        (words.chance(0.0321), "p = 0.032"),
        (words.chance(0.0), "p < 0.001"),
        (words.texts(1), "1 text"),
        (words.texts(2000), "2,000 texts"),
        (words.counted(1, "account"), "1 account"),
        (words.counted(0, "account"), "0 accounts"),
        (words.listed(()), ""),
        (words.listed(("a",)), "a"),
        (words.listed(("a", "b", "c")), "a, b and c"),
    ],
)
def test_figures_are_said_as_people_do(told: str, expected: str) -> None:
    """A share in percent, a difference in points with its sign, a time in its own unit."""
    assert expected == told
