"""What a test asks of a provider: to refuse, to say nothing, to be out of reach."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import attrs

from polysms.delivery import Status
from polysms.errors import Reason
from polysms.testing.sent import Sent, Wanted


@attrs.frozen(kw_only=True)
class Refuse:
    """Say no, for a reason or with a code of the provider's."""

    reason: Reason | None
    code: str | None


@attrs.frozen
class Vanish:
    """Say nothing after the request was written; ``taken`` is whether the message was."""

    taken: bool


@attrs.frozen
class BeAway:
    """Take no connection."""


@attrs.frozen
class BeBusy:
    """Ask to come back after so many seconds."""

    seconds: float


@attrs.frozen
class Take:
    """Take the message, in a status."""

    status: Status | str | None = None


Act = Refuse | Vanish | BeAway | BeBusy | Take
#: Seconds; longer than a route waits, so that a test does not.
LATER = 60.0


class Rule:
    """What becomes of the messages that are meant. The first rule that fits a message counts."""

    def __init__(self, wanted: Wanted, join: Callable[[Rule], None]) -> None:
        self._wanted = wanted
        self._join = join
        self._left: int | None = None
        self.act: Act = Take()

    def refuse(self, reason: str | None = None, *, code: str | None = None) -> Self:
        """Let the provider refuse it for a reason of :class:`~polysms.Reason`.

        It does so with a code that it documents for that; or say which ``code`` (Wavix: the text,
        CarrierX: the field at fault).
        """
        if reason is None and code is None:
            reason = Reason.OTHER
        known = None if reason is None else _reason(reason)
        if known is Reason.DUPLICATE:
            raise ValueError("refuse: a duplicate is never a refusal; write maybe_sent()")
        return self._do(Refuse(reason=known, code=code))

    def maybe_sent(self, *, taken: bool = True) -> Self:
        """Let the request go out whole, and no answer come.

        The provider has the message, so a look-up finds it; ``taken=False``: it has not.
        """
        return self._do(Vanish(taken))

    def unreachable(self) -> Self:
        """Let no connection come about: the message did not leave."""
        return self._do(BeAway())

    def busy(self, seconds: float = LATER) -> Self:
        """Let the provider ask to come back later (429); a route waits for five seconds at most."""
        return self._do(BeBusy(seconds))

    def accept(self, status: Status | str | None = None) -> Self:
        """Let the provider take it: with a status, or with a word of its own for one."""
        return self._do(Take(status))

    def times(self, count: int) -> Self:
        """Let it be so for ``count`` tries; after them the next rule counts."""
        if count < 1:
            raise ValueError("times: is at least 1")
        self._left = count
        return self

    def _do(self, act: Act) -> Self:
        self.act = act
        self._join(self)
        return self

    def fits(self, sent: Sent) -> bool:
        """Whether it counts for a message now."""
        return self._left != 0 and not self._wanted.missed(sent)

    def spent(self) -> Self:
        """Return it, used once more."""
        if self._left is not None:
            self._left -= 1
        return self


def _reason(word: str) -> Reason:
    try:
        return Reason(word)
    except ValueError:
        known = ", ".join(reason for reason in Reason if reason is not Reason.DUPLICATE)
        raise ValueError(f"refuse: there is no reason {word!r}; known are {known}") from None
