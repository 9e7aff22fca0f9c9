"""What every test gets: a clean environment, and no network but this machine's own."""

from __future__ import annotations

import ipaddress
import os
import socket
import socketserver
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings

# A deadline would be a timed assertion, and those fail on a busy machine.
settings.register_profile("polysms", deadline=None)
# Measuring takes as long again, and the other Pythons try as many examples as usual.
settings.register_profile("measured", deadline=None, max_examples=30)
settings.load_profile("measured" if sys.version_info[:2] == (3, 12) else "polysms")


def _say_nothing(*_: object) -> None:
    """Say nothing of a client that has gone: it would be said into the words of another test."""


socketserver.BaseServer.handle_error = _say_nothing  # type: ignore[assignment]

_ENVIRONMENT = ("POLYSMS_", "WAVIX_", "CARRIERX_", "SIGNALWIRE_")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


#: Whether this run tries all, also what kills and breaks for minutes.
CAMPAIGNS = bool(os.environ.get("POLYSMS_CAMPAIGNS"))
#: What takes long and is the same on every Python is tried on one: where coverage is measured, or
#: where it is not, because measuring takes as long again.
ONCE = {"one_python": (3, 12), "unmeasured": (3, 13)}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, on the other Pythons, what is marked to be tried on one."""
    left_out = [] if CAMPAIGNS else [item for item in items if _elsewhere(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        kept = set(items) - set(left_out)
        items[:] = [item for item in items if item in kept]


def _elsewhere(item: pytest.Item) -> bool:
    """Whether a test is not for this Python, or for no usual run; its nearest mark counts."""
    if item.get_closest_marker("campaign"):
        return True
    if item.get_closest_marker("unmeasured"):
        return sys.version_info[:2] != ONCE["unmeasured"]
    return bool(item.get_closest_marker("one_python")) and (
        sys.version_info[:2] != ONCE["one_python"]
    )


def is_loopback(address: Any) -> bool:
    """Return whether a socket's address is on this machine (a Unix socket's always is)."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0]).partition("%")[0]
    return host == "localhost" or (_is_ip(host) and ipaddress.ip_address(host).is_loopback)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _guarded(connect: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, address: Any) -> Any:
        if not is_loopback(address):
            # Failed is no Exception, so no `except Exception` of the code under test hides it.
            pytest.fail(f"a test tried to reach {address!r}: only loopback is allowed")
        return connect(self, address)

    return guarded


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail every test that would reach anything but this machine."""
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the developer's own settings, credentials and proxies from every test."""
    for name in tuple(os.environ):
        if name.startswith(_ENVIRONMENT) or name.lower() in _PROXIES:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """Run a real PostgreSQL for the session."""
    from tests.postgres import running

    with running() as server:
        yield server


@pytest.fixture(scope="session")
def template(postgres: Any) -> str:
    """Return a database that has the ledger's tables, to be copied."""
    from polysms.ledger import Ledger

    name: str = postgres.database()
    with Ledger(postgres.url(name)) as ledger:
        ledger.upgrade()
    return name
