"""The contract that every adapter keeps, wherever it comes from.

``pytest --polysms-provider my_package:Provider`` holds an adapter to it. Its author gives an
:class:`Example`: what the provider's own documentation shows.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from polysms.testing.contract.example import PICTURE, REFERENCE, Example
    from polysms.testing.contract.faults import FAULTS, Fault, FaultServer
    from polysms.testing.contract.rules import RULES
    from polysms.testing.contract.subject import Broken, Rule, Subject, Unwritten

_HOMES = {
    "example": ("PICTURE", "REFERENCE", "Example"),
    "faults": ("FAULTS", "Fault", "FaultServer"),
    "rules": ("RULES",),
    "subject": ("Broken", "Rule", "Subject", "Unwritten"),
}
_WHERE = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "FAULTS",
    "PICTURE",
    "REFERENCE",
    "RULES",
    "Broken",
    "Example",
    "Fault",
    "FaultServer",
    "Rule",
    "Subject",
    "Unwritten",
]


def __getattr__(name: str) -> object:
    # The plugin is loaded by every run of pytest, and the rest only where it is asked for.
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return list(__all__)
