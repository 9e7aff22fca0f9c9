"""Reports that come twice, shuffled, early, for strangers or never: the statuses are right."""

from __future__ import annotations

import pytest

from polysms.delivery import Status
from polysms.ledger.book import Copy
from polysms.ledger.handling import Due, Handled
from polysms.server.hands_async import HandsAsync
from tests.campaigns import reports
from tests.campaigns.reports import Game

pytestmark = [pytest.mark.unmeasured, pytest.mark.timeout(240)]
FEW = Game(callbacks=300, every_order=False)


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "PATIENCE", 5.0)


def test_reports() -> None:
    """After 2,000 callbacks in disorder each message has its provider's status; all are told."""
    game = Game(callbacks=2_000)
    tally = reports.play(game)
    reports.show(game, tally)

    assert {} == {name: count for name, count in tally.troubles.items() if count}
    assert game.callbacks <= tally.callbacks
    assert tally.kept


@pytest.mark.usefixtures("_impatient")
def test_last_report_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger that believes the last report, and not the most that was said, is found out."""

    def hear(self: Copy, status: Status) -> None:
        self.status = status

    monkeypatch.setattr(Copy, "hear", hear)
    tally = reports.play(FEW)

    assert tally.before
    assert not tally.kept


@pytest.mark.usefixtures("_impatient")
def test_events_that_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that notes as told what it has not told is found out."""

    async def tell(self: HandsAsync, due: Due) -> None:
        done = Handled(account=due.event.account, event_id=due.event.event_id)
        await self.consult(lambda ledger: ledger.handled([done]))

    monkeypatch.setattr(HandsAsync, "_tell", tell)
    tally = reports.play(FEW)

    assert tally.untold
    assert not tally.kept
