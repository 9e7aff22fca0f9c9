"""Forged webhooks are refused, whatever was changed; and the campaign would see one that is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from polysms.providers import hearing
from polysms.server import receiver
from polysms.webhooks import paths, verifying
from tests.campaigns import forged
from tests.campaigns.forging import CHANGES

pytestmark = [
    pytest.mark.unmeasured,
    pytest.mark.timeout(180),
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is told by Linux"),
]
FEW = 1_500


def test_forged() -> None:
    """Of 20,000 forgeries none is taken, none is our trouble, and memory is flat."""
    tally = forged.play(20_000)
    forged.show(tally)

    assert ([], [], []) == (tally.taken, tally.broken, tally.refused_rights)
    assert (0, 0, 0) == (tally.events, tally.heard, tally.asked)
    assert set(CHANGES) == set(tally.answers)
    assert tally.kept


def _begins_alike(given: str, right: Sequence[str]) -> bool:
    return any(given[:8] == one[:8] for one in right)


def _any_json(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(pairs)


def _fails(*_: object) -> Any:
    raise RuntimeError("what nobody thought of")


@pytest.mark.parametrize(
    ("module", "name", "broken"),
    [
        (verifying, "is_one_of", _begins_alike),
        (paths, "is_one_of", _begins_alike),
        (hearing, "_object", _any_json),
    ],
)
def test_finds(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, broken: Callable[..., Any]
) -> None:
    """A comparison of beginnings, and a key that may come twice, let forgeries in: it is seen."""
    monkeypatch.setattr(module, name, broken)
    tally = forged.play(FEW)

    assert tally.taken
    assert not tally.kept


def test_finds_our_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody thought of is seen, and is not the forger's."""
    monkeypatch.setattr(receiver, "judged", _fails)
    tally = forged.play(FEW)

    assert tally.broken
    assert not tally.kept
