"""What the client tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.clients import KINDS, WAVIX, Both


@pytest.fixture(params=KINDS)
def make(request: pytest.FixtureRequest) -> Iterator[Callable[..., Both]]:
    """Return a function that makes a client, sync and async in turn; all are closed at the end."""
    made: list[Both] = []

    def maker(config: Any = None, **settings: Any) -> Both:
        made.append(Both(request.param, config or {"accounts": {"wavix": WAVIX}}, **settings))
        return made[-1]

    maker.kind = request.param  # type: ignore[attr-defined]
    yield maker
    for one in made:
        one.close()
