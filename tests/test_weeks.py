"""Weeks in which a provider degrades: the route that goes by reports loses least."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import attrs
import pytest

from polysms.routing import standing
from tests.campaigns import weeks
from tests.campaigns.weeks import BEGINS, ENDS, HOURS, Result, Trouble
from tests.campaigns.weeks_picture import curve, picture

pytestmark = pytest.mark.one_python


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    """Play some weeks."""
    return weeks.play(8, 2000)


def test_best_is_best(results: dict[str, Result]) -> None:
    """It delivers more than a fixed order and than turns, and loses far less than they do."""
    assert weeks.is_kept(results), "\n".join(weeks.lines(results))


def test_a_seed_replays(results: dict[str, Result]) -> None:
    """The same weeks bring the same figures, and so the same picture."""
    again = weeks.play(8, 2000)
    assert weeks.lines(results) == weeks.lines(again)
    assert picture(results, 8, (BEGINS, ENDS)) == picture(again, 8, (BEGINS, ENDS))


def test_blind_routes_are_told_apart(
    results: dict[str, Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A route that learns nothing, or too slowly, does not pass for one that does."""
    monkeypatch.setattr(standing, "ENOUGH", 10**9)
    monkeypatch.setattr(weeks.Learner, "standing", lambda *_: standing.Standing())
    blind = weeks.play(4, 1000)
    assert not weeks.is_kept(blind)
    assert blind["best"].lost > results["best"].lost


@pytest.mark.parametrize(
    ("hour", "expected"),
    [(0, 0.97), (BEGINS - 1, 0.97), (BEGINS, 0.5), (ENDS - 1, 0.5), (ENDS, 0.97)],
)
def test_shares(hour: int, expected: float) -> None:
    """A provider is worse from Wednesday noon to Saturday noon, and no other is."""
    found = weeks.shares(Trouble("wavix", 0.5), hour)
    assert {**weeks.GOOD, "wavix": expected} == found


@pytest.mark.parametrize("messages", [1, 167, 168, 5000])
def test_every_message_is_of_one_hour(messages: int) -> None:
    """A week's messages are spread over its hours, each once."""
    spread = [one for hour in range(HOURS) for one in weeks.of_hour(hour, messages)]
    assert list(range(messages)) == spread


def test_regret_is_what_was_lost() -> None:
    """It is what the best provider of that hour would have delivered more."""
    result = Result()
    weeks.note(result, 3, {"wavix": 0.9, "carrierx": 0.7}, "carrierx")
    weeks.note(result, 3, {"wavix": 0.9, "carrierx": 0.7}, "wavix")
    assert pytest.approx(0.8) == result.share
    assert pytest.approx(0.1) == result.lost


@pytest.mark.parametrize(("lost", "expected"), [(0.65, True), (0.67, False), (1.5, False)])
def test_judge(lost: float, expected: bool) -> None:  # noqa: FBT001 - a table's column
    """Less than two thirds of what each other lost, or the promise is broken."""
    one = attrs.evolve(Result(), sent=[1] * HOURS, regret=[1.0] * HOURS)
    best = attrs.evolve(one, regret=[lost] * HOURS)
    assert expected is weeks.is_kept({"best": best, "failover": one, "round_robin": one})


def test_picture(results: dict[str, Result]) -> None:
    """It is one whole SVG that names its lines and figures, and stays within its frame."""
    drawn = ET.fromstring(picture(results, 8, (BEGINS, ENDS)))  # noqa: S314 - our own
    texts = [one.text or "" for one in drawn.iter("{http://www.w3.org/2000/svg}text")]
    for name, result in results.items():
        assert f"{name} {result.share:.1%}" in texts
        assert all(0.5 < share < 1 for share in curve(result))
    paths = [one.get("d", "") for one in drawn.iter("{http://www.w3.org/2000/svg}path")]
    lines = [path for path in paths if "L" in path]
    assert 3 == len(lines)
    points = [point.split() for line in lines for point in line[1:].split("L")]
    assert all(0 <= float(x) <= 720 and 0 <= float(y) <= 340 for x, y in points)
