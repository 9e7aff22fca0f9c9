"""For tests: an outbox that sends nothing, and the contract that every adapter keeps.

The public names are loaded when they are first used: pytest loads this package in every run.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from polysms.testing.guarding import guard
    from polysms.testing.outbox import Outbox, assert_nothing_sent, assert_sent, capture
    from polysms.testing.problems import Blocked, NoAnswer
    from polysms.testing.rules import Rule
    from polysms.testing.sent import Sent

_HOMES = {
    "guarding": ("guard",),
    "outbox": ("Outbox", "assert_nothing_sent", "assert_sent", "capture"),
    "problems": ("Blocked", "NoAnswer"),
    "rules": ("Rule",),
    "sent": ("Sent",),
}
_WHERE = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Blocked",
    "NoAnswer",
    "Outbox",
    "Rule",
    "Sent",
    "assert_nothing_sent",
    "assert_sent",
    "capture",
    "guard",
]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return list(__all__)
