"""What a look-up asks for: a fetch's target, a list's query, what a ledger adds to them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from polysms.client.keeping import Consult, Task, Told
from polysms.client.plans import Plans, seconds_of
from polysms.config import Account, Config
from polysms.delivery import Delivery
from polysms.errors import ConfigError, LookupFailed, NotFound
from polysms.providers.base import Query
from polysms.routing import lookup
from polysms.routing.resolve import resolve
from polysms.routing.steps import Answer, Step, World

#: Seconds for one look-up: a fetch, a page of a list, a check.
LOOKUP_SECONDS = 30.0


def resolving(  # noqa: PLR0913 - each by name
    delivery: Delivery,
    config: Config,
    plans: Plans,
    world: World,
    within: float | timedelta | None,
    *,
    likely: bool,
) -> Generator[Step, Answer, Delivery]:
    """Return the steps that find out what became of a delivery that may have been sent."""
    names = {attempt.account for attempt in delivery.attempts}
    accounts = {name: config.account(name) for name in names}
    return resolve(
        delivery,
        accounts,
        plans.memory,
        world,
        within=0.0 if within is None else seconds_of("within", within),
        seconds=LOOKUP_SECONDS,
        likely=likely,
    )


def resolved(
    what: Delivery | str,
    steps: Callable[[Delivery], Generator[Step, Answer, Delivery]],
    *,
    kept: bool,
    likely: bool,
) -> Generator[Task, Told, Delivery]:
    """Yield the steps that look for a delivery, or the one of an id, and note what was found.

    What is only ``likely`` is not noted: it may be another message.
    """
    delivery = yield from meant(what, kept=kept)
    noted = kept and not likely
    try:
        found = yield from steps(delivery)
    except LookupFailed as error:
        if error.delivery is not None:
            yield from _noted(error.delivery, kept=noted)
        raise
    yield from _noted(found, kept=noted)
    return found


def fetched(
    config: Config,
    what: Delivery | str | None,
    account: str | None,
    provider_id: str | None,
    *,
    kept: bool,
) -> Generator[Task, Told, Delivery]:
    """Yield the steps of a fetch, and note what the provider says."""
    if what is not None:
        what = yield from meant(what, kept=kept)
    target, identity, known = target_of(config, what, account, provider_id)
    found = yield from lookup.fetch(target, identity, known, LOOKUP_SECONDS)
    yield from _noted(found, kept=kept)
    return found


def meant(what: Delivery | str, *, kept: bool) -> Generator[Task, Told, Delivery]:
    """Yield what finds the delivery that is meant: itself, or the one of an id or a key."""
    if isinstance(what, Delivery):
        return what
    if not isinstance(what, str):
        sentence = f"delivery: give a delivery (an error has one) or an id, not {_kind(what)}"
        raise ConfigError(sentence, key="delivery")
    if not kept:
        sentence = (
            "to look something up by our id needs a ledger, and there is none; "
            "give the delivery, or account= and provider_id="
        )
        raise ConfigError(sentence, key="ledger")
    found: Delivery | None = yield Consult(lambda ledger: ledger.get(what))
    if found is None:
        raise NotFound("the ledger knows no message with this id or key")
    return found


def _kind(what: object) -> str:
    return "None" if what is None else type(what).__name__


def _noted(found: Delivery, *, kept: bool) -> Generator[Task, Told, None]:
    if kept and found.id is not None:
        yield Consult(lambda ledger: ledger.ended(found))


def target_of(
    config: Config,
    what: Delivery | None,
    account: str | None,
    provider_id: str | None,
) -> tuple[Account, str, Delivery | None]:
    """Return the account and provider_id that a fetch names, and the delivery it begins with."""
    if what is not None:
        account, provider_id = what.account, what.provider_id
    if account is None and what is None:
        raise ConfigError("fetch: give a delivery, or account= and provider_id=")
    if account is None:
        raise LookupFailed("no provider was asked to send this message, so none knows of it")
    if not provider_id:
        raise LookupFailed(
            "this delivery has no provider_id, so its provider cannot be asked "
            "for it by id; look for it in client.list_remote()",
            account=account,
        )
    return config.account(account), provider_id, what


def query_of(  # noqa: PLR0913 - each filter by name
    *,
    to: str | None,
    from_: str | None,
    since: datetime | None,
    until: datetime | None,
    direction: str,
    reference: str | None,
    page_size: int,
    filters: Mapping[str, str] | None,
) -> Query:
    """Return the query of a list; times without a zone are UTC."""
    if direction not in {"outbound", "inbound"}:
        raise ConfigError('direction: write "outbound" or "inbound"', key="direction")
    return Query(
        to=to,
        from_=from_,
        since=_aware(since),
        until=_aware(until),
        direction=direction,
        reference=reference,
        page_size=page_size,
        filters=filters or {},
    )


def require_list(of: str) -> None:
    """Raise ConfigError for what is neither a provider's list of messages nor that of its bills."""
    if of not in {"list", "details"}:
        raise ConfigError('of: write "list" or "details"', key="of")


def unseen(mark: Any, seen: set[str], account: str) -> Any:
    """Return the mark of a list's next page; raise LookupFailed where it has been there before."""
    if mark is not None:
        if repr(mark) in seen:
            sentence = "the provider's list goes round in a circle: a page leads back to another"
            raise LookupFailed(sentence, account=account)
        seen.add(repr(mark))
    return mark


def _aware(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)
