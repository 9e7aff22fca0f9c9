"""How accounts stand: what reports have shown of each, as far as they bear a decision.

Pure: what was counted is handed in. Accounts are compared by the lower bound of the share that they
delivered (Wilson, 95 %), so that 9 of 10 do not beat 940 of 1,000.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import attrs

#: Standard errors from the share to its bound: the lower end of a 95 % interval.
Z = 1.959963984540054
#: Messages that must have ended before a share is told for part of an account's messages.
ENOUGH = 50
#: Standard errors by which the latest reports must differ from those before to count alone: far
#: enough that chance does it once in hundreds of looks.
CONTRADICTION = 3.0


@attrs.frozen(kw_only=True)
class Matured:
    """So many messages of one account have ended by now, and were old enough to have ended.

    ``country`` has two letters or is empty, ``kind`` is "sms" or "mms", ``sender_kind`` as
    :func:`polysms.routing.assigning.sender_kind` has it. Of all that ``ended`` so many were
    ``delivered``.
    """

    account: str
    country: str = ""
    kind: str = ""
    sender_kind: str = ""
    delivered: int
    ended: int


@attrs.frozen(kw_only=True)
class Asked:
    """An account that may be asked, and what would be sent through it."""

    account: str
    country: str = ""
    kind: str = ""
    sender_kind: str = ""


@attrs.frozen
class Stood:
    """How an account stands: of ``ended`` messages so many were ``delivered``.

    ``among`` says in words which messages those were, ``of_late`` that they are the latest alone,
    because these contradict all before.
    """

    account: str
    delivered: int = 0
    ended: int = 0
    among: str = ""
    of_late: bool = False

    @property
    def bound(self) -> float:
        """What it surely delivers: the lower bound of its share, 0.0 where nothing is known."""
        return lower_bound(self.delivered, self.ended)

    def __str__(self) -> str:
        """Return it in words: ``at least 92.4% delivered (940 of 1,000 to US by sms)``."""
        if not self.ended:
            return "no report speaks for it yet"
        late = " of late" if self.of_late else ""
        counted = f"{self.delivered:,} of {self.ended:,}{self.among}{late}"
        return f"at least {self.bound:.1%} delivered ({counted})"


def lower_bound(delivered: int, ended: int, z: float = Z) -> float:
    """Return the lower bound of a share (Wilson, 1927)."""
    if ended <= 0 or delivered <= 0:
        return 0.0
    share, shrink = delivered / ended, 1 + z * z / ended
    reach = z * math.sqrt(share * (1 - share) / ended + z * z / (4 * ended * ended))
    return max(0.0, (share + z * z / (2 * ended) - reach) / shrink)


def _contradicts(late: Sequence[int], before: Sequence[int]) -> bool:
    """Whether the latest share cannot well be the one before, as far as chance goes."""
    if min(late[1], before[1]) <= 0:
        return False
    share = before[0] / before[1]
    lowest = lower_bound(late[0], late[1], CONTRADICTION)
    highest = 1 - lower_bound(late[1] - late[0], late[1], CONTRADICTION)
    return not lowest <= share <= highest


_Cell = tuple[str, ...]


class Standing:
    """What is known of all accounts, from the finest part of their messages to the whole.

    An account's messages are told apart by country, kind and kind of sender; where that leaves too
    few of any account that is otherwise known, by country and kind, then by kind, then not at all.
    All accounts are judged by the same part, for else one would be judged by easier messages.

    ``latest`` are those of ``matured`` that were sent of late. Where they contradict all before,
    they count alone: who has broken down today is not helped by two good weeks.
    """

    def __init__(self, matured: Iterable[Matured] = (), latest: Iterable[Matured] = ()) -> None:
        self._counts = _counted(matured)
        self._latest = _counted(latest)

    def judged(self, asked: Iterable[Asked]) -> tuple[Stood, ...]:
        """Return how accounts stand, the best first; equals stay in their order."""
        rows = [(one, _cells(one)) for one in asked]
        known = [cells for _, cells in rows if self._ended(cells[-1]) >= ENOUGH]
        level = next(
            (
                place
                for place in range(3)
                if all(self._ended(one[place]) >= ENOUGH for one in known)
            ),
            3,
        )
        stood = [self._stood(one, cells[level], level) for one, cells in rows]
        return tuple(sorted(stood, key=lambda one: -one.bound))

    def _ended(self, cell: _Cell) -> int:
        return self._counts.get(cell, _NONE)[1]

    def _stood(self, asked: Asked, cell: _Cell, level: int) -> Stood:
        whole, late = self._counts.get(cell, _NONE), self._latest.get(cell, _NONE)
        of_late = _contradicts(late, [whole[0] - late[0], whole[1] - late[1]])
        delivered, ended = late if of_late else whole
        return Stood(asked.account, delivered, ended, _among(asked, level), of_late)


_NONE = [0, 0]


def _counted(matured: Iterable[Matured]) -> Mapping[_Cell, list[int]]:
    counts: dict[_Cell, list[int]] = defaultdict(lambda: [0, 0])
    for row in matured:
        for cell in _cells(row):
            counts[cell][0] += row.delivered
            counts[cell][1] += row.ended
    return dict(counts)


def _cells(one: Matured | Asked) -> tuple[_Cell, ...]:
    """Return the parts that messages belong to, the finest first."""
    account, country, kind = one.account, one.country, one.kind
    whole: _Cell = (account,)
    return (
        (account, country, kind, one.sender_kind),
        (account, country, kind),
        (account, kind),
        whole,
    )


def _among(asked: Asked, level: int) -> str:
    place = f" to {asked.country}" if asked.country and level < 2 else ""
    kind = f" by {asked.kind}" if asked.kind and level < 3 else ""
    sender = f" from a {asked.sender_kind}" if asked.sender_kind and level < 1 else ""
    return place + kind + sender
