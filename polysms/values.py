"""A changed copy of a frozen value, for the way of every send."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

import attrs

T = TypeVar("T")


def changed(value: T, **changes: Any) -> T:  # noqa: ANN401 - each field has its own type
    """Return a copy of an attrs value with some fields changed, checking nothing again.

    As ``attrs.evolve``, which runs every converter and validator once more and costs four times
    as much: only for changes that are known to be good.
    """
    kind: Any = type(value)
    made = object.__new__(kind)
    for name in _names(kind):
        object.__setattr__(made, name, changes[name] if name in changes else getattr(value, name))
    return made  # type: ignore[no-any-return]


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in attrs.fields(kind))
