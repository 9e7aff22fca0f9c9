"""The server is killed at any moment, and nothing that it acknowledged is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaigns import hearing

pytestmark = [pytest.mark.timeout(240), pytest.mark.unmeasured]


@pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.campaign)]
)
def test_killed_server_loses_nothing(
    tmp_path: Path, request: pytest.FixtureRequest, database: str
) -> None:
    """What was acknowledged is in the ledger, and is told: by the dead server or by another."""
    ledger_url = f"sqlite:///{tmp_path}/ledger.db"
    if database == "postgresql":
        server = request.getfixturevalue("postgres")
        ledger_url = server.url(server.database(request.getfixturevalue("template")))
    tally = hearing.run(20, tmp_path, ledger_url)

    assert 20 == tally.kills
    assert (set(), set(), set()) == (tally.lost, tally.untold, tally.early)
    assert tally.kept
