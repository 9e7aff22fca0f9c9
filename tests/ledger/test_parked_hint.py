"""What was proved of a parked report is not lost when it comes again, unproved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest

from polysms import DeliveryReport, Message, Status
from polysms.delivery import Attempt, Evidence, Outcome
from polysms.ledger import Ledger, Line

NOW = datetime.now(UTC)


def test_proof_of_a_parked_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hint, its proof, the send's end, and the hint again before the parked are matched."""
    hint = DeliveryReport(
        event_id="e",
        account="wavix",
        provider="wavix",
        received_at=NOW,
        provider_id="p",
        status=Status.DELIVERED,
        raw_status="delivered",
        raw={},
    )
    attempt = Attempt(
        account="wavix",
        provider="wavix",
        reference="r",
        started_at=NOW,
        expires_at=NOW + timedelta(60),
    )
    message = Message("+13135550123", "hello")
    ended = attrs.evolve(
        attempt, outcome=Outcome.ACCEPTED, evidence=Evidence.ACCEPTED, provider_id="p"
    )
    with Ledger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        ledger.upgrade()
        ledger.write_many([Line("m", message, attempt)], [])
        ledger.record(hint, hint=True)
        ledger.record(hint)
        monkeypatch.setattr(ledger, "_match", lambda _: None)  # it is a transaction of its own
        ledger.write_many([Line("m", message, ended)], [])
        ledger.record(hint, hint=True)
        monkeypatch.undo()
        ledger.match_parked()
        found = ledger.get("m")

        assert found is not None
        assert Status.DELIVERED is found.status
