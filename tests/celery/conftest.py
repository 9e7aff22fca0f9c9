"""A shop that sends by Celery: a real Valkey, a real ledger, the sandbox for a provider."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from polysms.celery import Outbox, attach
from polysms.sandbox import Behaviour, running
from tests import valkey
from tests.valkey import Server


@pytest.fixture(scope="module")
def playing() -> Iterator[Any]:
    """Play the providers, two hundred times as fast as in life."""
    with running(behaviour=Behaviour(speed=200)) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Run a broker."""
    with valkey.running() as running_server:
        yield running_server


@pytest.fixture
def app(server: Server) -> Iterator[Celery]:
    """Return an app whose tasks go to an empty broker."""
    with server.client() as client:
        client.flushall()
    app = Celery("shop", broker=server.url.replace("valkey:", "redis:"), set_as_current=False)
    yield app
    app.close()


@pytest.fixture
def config(playing: Any, tmp_path: Path) -> dict[str, Any]:
    """Return a configuration with one account and a ledger in a file."""
    account = {
        "provider": "wavix",
        "api_key": "any",
        "sender": "+13135550100",
        "base_url": playing.url,
    }
    return {"accounts": {"wavix": account}, "ledger": f"sqlite:///{tmp_path}/shop.db"}


@pytest.fixture
def outbox(app: Celery, config: dict[str, Any]) -> Iterator[Outbox]:
    """Return the outbox of the app."""
    outbox = attach(app, config)
    app.finalize()
    yield outbox
    outbox.close()
