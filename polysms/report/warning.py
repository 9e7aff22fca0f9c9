"""What a comparison warns of."""

from __future__ import annotations

from collections.abc import Mapping

import attrs


@attrs.frozen(kw_only=True)
class Warned:
    """A reason to trust the comparison less: a kind, a sentence, whom it is about, the figures."""

    kind: str
    sentence: str
    accounts: tuple[str, ...] = ()
    figures: Mapping[str, float | int | str] = attrs.field(factory=dict, hash=False)
