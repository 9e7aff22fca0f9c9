"""The campaign of Celery in its short form: real workers, a real beat, a real broker.

It runs on one Python only, or wherever POLYSMS_CAMPAIGNS is set.
"""

from __future__ import annotations

import pytest

from tests.campaigns import broker
from tests.campaigns.broker import Game, Tally


@pytest.mark.campaign
@pytest.mark.parametrize(
    "game",
    [Game(messages=90), Game(messages=90, keeps=True)],
    ids=["the broker forgets", "the broker keeps"],
)
def test_celery(game: Game) -> None:
    """Tasks come one to five times, in any order; whoever dies meanwhile: none lost, none twice."""
    tally = broker.run(game)

    assert (0, 0, 0) == (tally.lost, tally.extra, tally.unknown)
    assert () == tally.findings
    assert () == tally.troubles
    # It was as bad as it was meant to be.
    assert tally.tasks > 2 * game.messages
    assert tally.hits
    assert tally.brokers
    assert game.keeps or tally.forgotten > 0


@pytest.mark.parametrize(
    "change",
    [{"lost": 1}, {"extra": 1}, {"unknown": 1}, {"troubles": ("late",)}, {"hits": 0}],
    ids=str,
)
def test_broken_is_told(change: dict[str, object]) -> None:
    """A campaign is broken by a loss, a copy, an end that nobody knows, or if it met nothing."""
    good = Tally(messages=1, hits=1, brokers=1)

    assert good.is_kept
    assert not (Tally(**{"messages": 1, "hits": 1, "brokers": 1, **change})).is_kept  # type: ignore[arg-type]
