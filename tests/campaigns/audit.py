"""What the ledger says when all is over, beside what was enqueued and what the phones got.

One checker for the campaigns that end processes. It is pure, so that it can be shown to find what
it is there to find; :func:`opened` reads what it looks at.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import attrs
from sqlalchemy import Connection, select

from polysms.delivery import Outcome, Status
from polysms.ledger.tables import attempts, messages
from tests.campaigns.phone import Copy, number_in

#: Providers whose lists show our references, so that nothing stays unknown for good.
EXACT = ("wavix", "carrierx")
#: The column that says when somebody comes back to a message, by its state in the outbox.
_DUE = {
    "waiting": "next_at",
    "claimed": "claimed_until",
    "unclear": "look_at",
    "sent": "look_at",
}
#: Findings shown of each kind.
_SHOWN = 3


@attrs.frozen(kw_only=True)
class Tried:
    """An attempt, as the ledger holds it."""

    provider: str
    reference: str
    outcome: Outcome | None
    provider_id: str | None = None


@attrs.frozen(kw_only=True)
class Kept:
    """A message, as the ledger holds it: ``due`` says that somebody will come back to it."""

    number: int
    status: Status
    state: str | None
    due: bool = False
    attempts: tuple[Tried, ...] = ()

    @property
    def is_unknown(self) -> bool:
        """Whether nobody knows if it was sent."""
        return self.status is Status.MAYBE_SENT

    @property
    def is_accepted(self) -> bool:
        """Whether a provider has it, as far as the ledger knows."""
        return any(one.outcome is Outcome.ACCEPTED for one in self.attempts)


@attrs.frozen(kw_only=True)
class Sent:
    """The numbers of the messages that surely were enqueued, and of those that may have been."""

    surely: frozenset[int]
    perhaps: frozenset[int] = frozenset()


@attrs.frozen
class Finding:
    """A broken promise: which one, and by which message."""

    promise: str
    number: int


#: Every promise, in the order in which it is shown.
PROMISES = (
    "what was enqueued stands in the ledger, once",
    "every message has ended, or is in a state with a time",
    "no phone gets what was not enqueued",
    "no phone gets two copies",
    "accepted: the phone has it, under the id that is written",
    "not sent: no phone has it",
    "unknown only where a provider cannot be asked",
    "every copy carries the reference of an attempt that is written",
    "no provider's id belongs to two attempts",
)


def findings(sent: Sent, kept: Sequence[Kept], copies: Sequence[Copy]) -> list[Finding]:
    """Return every broken promise of a run that is over and drained."""
    of: dict[int, list[Copy]] = defaultdict(list)
    for copy in copies:
        of[copy.number].append(copy)
    count = Counter(one.number for one in kept)
    written = {one.reference for message in kept for one in message.attempts}
    broken = {
        PROMISES[0]: _not_once(sent, count),
        PROMISES[2]: [number for number in of if not count[number]],
        PROMISES[3]: [number for number, found in of.items() if len(found) > 1],
        PROMISES[7]: [one.number for one in copies if one.reference not in {None, *written}],
        PROMISES[8]: _shared(kept),
    }
    for message in kept:
        for promise, is_kept in _tests(message, of[message.number]).items():
            if not is_kept:
                broken.setdefault(promise, []).append(message.number)
    return [Finding(promise, number) for promise in PROMISES for number in broken.get(promise, ())]


def _not_once(sent: Sent, count: Counter[int]) -> list[int]:
    lost = [number for number in sorted(sent.surely) if not count[number]]
    known = sent.surely | sent.perhaps
    return lost + [number for number, rows in count.items() if rows > 1 or number not in known]


def _tests(message: Kept, copies: Sequence[Copy]) -> dict[str, bool]:
    """Return the promises about one message, and whether each is kept."""
    ids = {copy.provider_id for copy in copies}
    references = {copy.reference for copy in copies}
    accepted = [one for one in message.attempts if one.outcome is Outcome.ACCEPTED]
    unsent = [one for one in message.attempts if one.outcome is Outcome.NOT_SENT]
    is_over = message.state in {None, "over"} and message.status is not Status.PENDING
    nowhere = message.status is Status.NOT_SENT
    return {
        PROMISES[1]: is_over or message.due or message.is_accepted,
        PROMISES[4]: all(one.provider_id in ids for one in accepted),
        PROMISES[5]: not (nowhere and copies)
        and not references & {one.reference for one in unsent},
        PROMISES[6]: not any(_is_overdue(one, message) for one in message.attempts),
    }


def _is_overdue(tried: Tried, message: Kept) -> bool:
    """Whether an attempt is unclear that a look-up could tell of."""
    unclear = tried.outcome in {None, Outcome.MAYBE_SENT}
    return unclear and tried.provider in EXACT and not message.is_accepted


def _shared(kept: Sequence[Kept]) -> list[int]:
    owner: dict[str, str] = {}
    shared = []
    for message in kept:
        for one in message.attempts:
            identity = one.provider_id
            if identity and owner.setdefault(identity, one.reference) != one.reference:
                shared.append(message.number)
    return shared


def shown(broken: Sequence[Finding]) -> str:
    """Return a line for each broken promise, or that all were kept."""
    by: dict[str, list[int]] = defaultdict(list)
    for finding in broken:
        by[finding.promise].append(finding.number)
    lines = [
        f"  BROKEN {len(numbers)} times: {promise}: {sorted(numbers)[:_SHOWN]}"
        for promise, numbers in by.items()
    ]
    return "\n".join(lines) or "  every promise kept"


def opened(connection: Connection) -> tuple[Kept, ...]:
    """Return every message of the ledger, in the order in which they were enqueued."""
    tries: dict[str, list[Tried]] = defaultdict(list)
    for row in connection.execute(select(attempts).order_by(attempts.c.number)).mappings():
        tried = Tried(
            provider=row["provider"],
            reference=row["reference"],
            outcome=row["outcome"] and Outcome(row["outcome"]),
            provider_id=row["provider_id"],
        )
        tries[row["message_id"]].append(tried)
    rows = connection.execute(select(messages).order_by(messages.c.created_at)).mappings()
    return tuple(
        Kept(
            number=_number(row["text"]),
            status=Status(row["status"]),
            state=row["state"],
            due=row["state"] in _DUE and row[_DUE[row["state"]]] is not None,
            attempts=tuple(tries[row["id"]]),
        )
        for row in rows
    )


def _number(text: str | None) -> int:
    number = number_in((text or "").encode())
    return -1 if number is None else number
