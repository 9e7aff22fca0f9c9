"""One checker for every campaign: what was sent, what its sender was told, what the phones got.

After Jepsen's ``total-queue``: nothing lost, nothing unexpected, no copy too many, and nobody told
what is not true. It is pure, so that it can be shown to find what it is there to find.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import attrs

from polysms import MaybeSent, NotSent
from polysms.delivery import Attempt, Delivery, Evidence, Outcome
from tests.campaigns.phone import Copy

#: Findings shown of each kind.
_SHOWN = 3


_YES = (Evidence.ACCEPTED, Evidence.ACCEPTED_WITHOUT_ID)


@attrs.frozen(kw_only=True)
class Told:
    """What the sender of one message was told, and the attempts it was told of."""

    outcome: Outcome
    provider_id: str | None = None
    attempts: tuple[Attempt, ...] = ()


def told(result: Delivery | BaseException) -> Told | None:
    """Return what a send has told: None for an error that tells nothing."""
    if isinstance(result, Delivery):
        return Told(
            outcome=Outcome.ACCEPTED, provider_id=result.provider_id, attempts=result.attempts
        )
    if not isinstance(result, (MaybeSent, NotSent)):
        return None
    outcome = Outcome.MAYBE_SENT if isinstance(result, MaybeSent) else Outcome.NOT_SENT
    return Told(outcome=outcome, attempts=result.delivery.attempts if result.delivery else ())


@attrs.frozen
class Finding:
    """A broken promise: which one, and by which message."""

    promise: str
    number: int


#: Every promise, in the order in which it is shown.
PROMISES = (
    "no send ends without an outcome",
    "no phone gets what nobody sent",
    "accepted: a phone has it, under the id that was told",
    "not sent: no phone has it",
    "no message has more copies than its policy allows",
    "no attempt that is told as not sent has a copy",
    "every copy carries the reference of an attempt that is told",
    "nothing is asked after a provider said yes",
    "no provider's id belongs to two messages",
)


def findings(
    sent: Sequence[int], tales: Mapping[int, Told | None], copies: Iterable[Copy], most: int
) -> list[Finding]:
    """Return every broken promise of a run in which a message may have ``most`` copies."""
    of: dict[int, list[Copy]] = defaultdict(list)
    for copy in copies:
        of[copy.number].append(copy)
    broken: list[Finding] = [Finding(PROMISES[1], number) for number in of.keys() - set(sent)]
    for number in sent:
        tale = tales.get(number)
        if tale is None:
            broken.append(Finding(PROMISES[0], number))
            continue
        tests = _tests(tale, of[number], most)
        broken.extend(Finding(promise, number) for promise, kept in tests.items() if not kept)
    shared = _shared(tales)
    broken.extend(Finding(PROMISES[8], number) for number in shared)
    return broken


def _tests(tale: Told, copies: Sequence[Copy], most: int) -> dict[str, bool]:
    """Return the promises about one message, and whether each is kept."""
    ids = {copy.provider_id for copy in copies}
    return {
        PROMISES[2]: tale.outcome is not Outcome.ACCEPTED or tale.provider_id in ids,
        PROMISES[3]: tale.outcome is not Outcome.NOT_SENT or not copies,
        PROMISES[4]: len(copies) <= most,
        PROMISES[5]: _owned(tale.attempts, copies),
        PROMISES[6]: _stamped(tale.attempts, copies),
        PROMISES[7]: all(attempt.evidence not in _YES for attempt in tale.attempts[:-1]),
    }


def _owned(attempts: Iterable[Attempt], copies: Iterable[Copy]) -> bool:
    """Whether no provider has more copies than attempts that may have made one."""
    may = Counter(a.provider for a in attempts if a.outcome is not Outcome.NOT_SENT)
    return Counter(copy.provider for copy in copies) <= may


def _stamped(attempts: Iterable[Attempt], copies: Iterable[Copy]) -> bool:
    known = {attempt.reference for attempt in attempts}
    return all(copy.reference in known for copy in copies if copy.reference is not None)


def _shared(tales: Mapping[int, Told | None]) -> list[int]:
    owner: dict[str, int] = {}
    shared = []
    for number, tale in tales.items():
        for attempt in tale.attempts if tale else ():
            identity = attempt.provider_id
            if identity is not None and owner.setdefault(identity, number) != number:
                shared.append(number)
    return shared


def shown(broken: Sequence[Finding]) -> Iterable[str]:
    """Yield a line for each promise: kept, or how often it was broken and by whom first."""
    by = defaultdict(list)
    for finding in broken:
        by[finding.promise].append(finding.number)
    for promise in PROMISES:
        numbers = by[promise]
        first = ", ".join(f"n-{number:06d}" for number in sorted(numbers)[:_SHOWN])
        yield f"  {promise:60} {f'BROKEN {len(numbers)} times: {first}' if numbers else 'kept'}"
