"""A changed copy of a frozen value, for the way of every send.

The values a send makes are attrs classes without slots: they are made in half the time, and this
copy in a fifth.
"""

from __future__ import annotations

from typing import Any, TypeVar

T = TypeVar("T")


def changed(value: T, **changes: Any) -> T:
    """Return a copy of a value (without slots) with some fields changed, checking nothing again.

    As ``attrs.evolve``, which runs every converter and validator once more: only for changes that
    are known to be good.
    """
    made = object.__new__(type(value))
    made.__dict__.update(value.__dict__, **changes)
    return made
