"""Reports as providers post them on a bad day: repeated, shuffled, early, and sometimes never.

Every status of a message is posted, one to five times, and a word beside them that no document
has. The orders in which they come take turns, so that each of them comes. Some are posted before
the send is answered, and some without waiting for the answer to the one before. Of every hundredth
message nothing is posted at all.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice, permutations
from math import factorial
from random import Random

import attrs

from polysms.sandbox.progress import Step
from polysms.sandbox.store import Entry

#: How often one report comes at most.
MOST_TIMES = 5
#: One message in so many is never reported.
SILENT = 100
#: The word that no document has.
STRANGE = "carrier_note"
# How often reports begin before the answer, and how often one does not wait for the one before.
_EARLY = 0.4
_AT_ONCE = 0.25


@attrs.frozen
class Posting:
    """One report that is to be posted; ``waits`` for the answer to it before the next."""

    step: Step
    waits: bool


@attrs.frozen(kw_only=True)
class Postings:
    """What is posted before a send is answered, and what after that."""

    early: tuple[Posting, ...] = ()
    late: tuple[Posting, ...] = ()


class Disorder:
    """Says what is posted of each message."""

    def __init__(self) -> None:
        self._messages = 0
        self._orders: Counter[int] = Counter()

    def of(self, entry: Entry) -> Postings:
        """Return what is to be posted of a message, in order."""
        self._messages += 1
        if self._messages % SILENT == 0:
            return Postings()
        # The id follows from the sandbox's seed, and this from the id.
        random = Random(entry.id)  # noqa: S311 - guards nothing
        found = [
            Posting(step, waits=random.random() >= _AT_ONCE)
            for step in _repeated(self._ordered(entry), random)
        ]
        border = random.randint(1, len(found)) if random.random() < _EARLY else 0
        return Postings(early=tuple(found[:border]), late=tuple(found[border:]))

    def _ordered(self, entry: Entry) -> tuple[Step, ...]:
        """Return the steps in an order whose turn it is."""
        steps = (*entry.steps, Step(STRANGE, entry.steps[0].at))
        turn = self._orders[len(steps)] % factorial(len(steps))
        self._orders[len(steps)] += 1
        return next(islice(permutations(steps), turn, None))


def _repeated(steps: tuple[Step, ...], random: Random) -> list[Step]:
    """Return steps with more of each, anywhere after the first of it."""
    found = list(steps)
    for step in steps:
        for _ in range(random.randint(1, MOST_TIMES) - 1):
            first = found.index(step) + 1
            found.insert(random.randint(first, len(found)), step)
    return found
