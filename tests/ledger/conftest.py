"""Each test of the ledger runs on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from polysms.ledger import Ledger
from tests.ledger import scenes
from tests.postgres import Postgres

#: What a server does is the same on every Python.
DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.unmeasured)]


@pytest.fixture(params=DATABASES)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/empty.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.url(server.database())


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty ledger."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.url(server.database(request.getfixturevalue("template")))


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    """Return an empty ledger, on a clock that stands still."""
    with Ledger(url, clock=scenes.clock) as opened:
        yield opened
