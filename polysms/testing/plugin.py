"""The pytest plugin for applications that send: the fixture ``polysms_outbox``, and the guard.

It is loaded by every run of pytest where polysms is installed, so it loads nothing itself.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from polysms.testing.contract.example import Example
    from polysms.testing.guarding import Guard
    from polysms.testing.outbox import Outbox

T = TypeVar("T")
LIVE = "polysms_live"
_GUARD: pytest.StashKey[Guard] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting that takes the guard away."""
    sentence = "let no test without the mark polysms_live reach a real provider (default: true)"
    parser.addini("polysms_guard", sentence, type="bool", default=True)


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known, and put the guard up: before the first module of a test is imported."""
    sentence = f"{LIVE}: may reach real providers, which costs money and sends real messages"
    config.addinivalue_line("markers", sentence)
    if config.getini("polysms_guard"):
        from polysms.client import standin  # noqa: PLC0415 - both load nothing
        from polysms.testing.guarding import Guard  # noqa: PLC0415

        config.stash[_GUARD] = guard = Guard()
        standin.put(guard)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Take the guard away again."""
    if (guard := config.stash.get(_GUARD, None)) is not None:
        from polysms.client import standin  # noqa: PLC0415 - loaded by now

        standin.take_away(guard)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, T, T]:
    """Lift the guard for a test that may reach real providers."""
    guard = item.config.stash.get(_GUARD, None)
    if guard is None:
        return (yield)
    guard.lifted = item.get_closest_marker(LIVE) is not None
    try:
        return (yield)
    finally:
        guard.lifted = False


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, T, T]:
    """Fail a test in which something was stopped, even if a thread has kept that to itself."""
    guard = item.config.stash.get(_GUARD, None)
    if guard is not None:
        guard.blocked.clear()
    result = yield
    if guard is not None and guard.blocked:
        raise guard.blocked[0]
    return result


@pytest.fixture(scope="session")
def polysms_examples() -> Mapping[str, Example]:
    """Return the examples of providers that polysms does not know; override it to give some."""
    return {}


@pytest.fixture
def polysms_outbox(polysms_examples: Mapping[str, Example]) -> Iterator[Outbox]:
    """Send whatever polysms sends in this test into an outbox instead of to a provider."""
    from polysms.testing.outbox import capture  # noqa: PLC0415 - only where it is asked for

    with capture(polysms_examples) as outbox:
        yield outbox
