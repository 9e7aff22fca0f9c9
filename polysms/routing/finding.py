"""Looking for one attempt in a provider's own list. Nothing here ever sends a message."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime, timedelta

import attrs

from polysms.config import Account
from polysms.delivery import Attempt, Evidence, Outcome
from polysms.errors import LookupFailed
from polysms.providers.base import Query, Record
from polysms.routing import lookup
from polysms.routing.plan import Memory
from polysms.routing.steps import Answer, Step
from polysms.values import changed

#: Pages of a list that are read for one look, and messages on each.
MOST_PAGES = 20
PAGE_SIZE = 100
#: Seconds by which a provider's clock may differ from ours: more where a reference is proof, less
#: where nearness in time is a part of the likeness.
SKEW = 120.0
NEAR = 5.0


@attrs.frozen(kw_only=True)
class Sought:
    """What an attempt said, as far as a list may show it."""

    to: str | None = attrs.field(repr=False)
    text: str | None = attrs.field(default=None, repr=False)
    kind: str = "sms"


def found(  # noqa: PLR0913 - each by name
    account: Account,
    attempt: Attempt,
    sought: Sought,
    memory: Memory,
    seconds: float,
    *,
    likely: bool = False,
) -> Generator[Step, Answer, tuple[Record, ...]]:
    """Yield the steps of one look; return the records that are this attempt.

    By reference they are surely its own (several: several copies). Without one, a record is only
    likely to be: where exactly one message to this number, of this kind, text and time, belongs
    to no other attempt, and could belong to no other. That is known of attempts in ``memory``;
    ``likely`` takes the one record for any attempt, and may be wrong. Raises
    :class:`~polysms.errors.LookupFailed` where there is no answer.
    """
    query = _query(attempt, sought)
    records: list[Record] = []
    following: Query | None = query
    for _ in range(MOST_PAGES):
        if following is None:
            break
        page = yield from lookup.page(account, following, seconds)
        records += [one for one in page.records if lookup.wanted(one, query)]
        following = page.following
    if attempt.lookup == "exact":
        return tuple(one for one in records if one.reference == attempt.reference)
    if sought.to is None or not (likely or memory.knows(attempt)):
        return ()  # Likeness to anybody is none, nor is it where nobody knows what else was sent.
    if following is not None:
        raise LookupFailed(f"{account.name} lists too many messages to look through")
    alike = tuple(one for one in records if _is_alike(one, sought, account, memory))
    alone = len(alike) == 1 and not memory.has_rival(attempt, sought.to, NEAR)
    return alike if alone else ()


def accepted_after_all(attempt: Attempt, records: tuple[Record, ...]) -> Attempt:
    """Return an unclear attempt as these records prove it: the provider has it."""
    copies = f"{len(records)} copies of it were found"
    return changed(
        attempt,
        outcome=Outcome.ACCEPTED,
        evidence=Evidence.FOUND,
        provider_id=records[0].provider_id,
        warnings=(*attempt.warnings, copies) if len(records) > 1 else attempt.warnings,
    )


def shown(
    account: Account, reference: str, to: str, at: datetime, seconds: float
) -> Generator[Step, Answer, bool]:
    """Yield the steps that find out whether a list shows an accepted attempt yet."""
    attempt = Attempt(
        account=account.name,
        provider=account.provider_name,
        reference=reference,
        started_at=at,
        lookup="exact",
    )
    records = yield from found(account, attempt, Sought(to=to), Memory(), seconds)
    return bool(records)


def _query(attempt: Attempt, sought: Sought) -> Query:
    exact = attempt.lookup == "exact"
    skew = timedelta(seconds=SKEW if exact else NEAR)
    ended = attempt.ended_at or attempt.expires_at or attempt.started_at
    if exact:
        ended = max(ended, attempt.expires_at or ended)
    return Query(
        to=sought.to,
        from_=None if exact else attempt.from_,
        since=attempt.started_at - skew,
        until=ended + skew,
        reference=attempt.reference if exact else None,
        page_size=PAGE_SIZE,
    )


def _is_alike(record: Record, sought: Sought, account: Account, memory: Memory) -> bool:
    return (
        record.provider_id is not None
        and record.direction != "inbound"
        and record.kind in {None, sought.kind}
        and record.text in {None, sought.text}
        and not memory.owns(account.name, record.provider_id)
    )
