"""What a look-up asks for: a fetch's target, a list's query."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import UTC, datetime, timedelta

from polysms.client import core
from polysms.config import Account, Config
from polysms.delivery import Delivery
from polysms.errors import ConfigError, LookupFailed
from polysms.providers.base import Query
from polysms.routing.resolve import resolve
from polysms.routing.steps import Answer, Step, World

#: Seconds for one look-up: a fetch, a page of a list, a check.
LOOKUP_SECONDS = 30.0


def resolving(  # noqa: PLR0913 - each by name
    delivery: Delivery,
    config: Config,
    plans: core.Plans,
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
        within=0.0 if within is None else core.seconds_of("within", within),
        seconds=LOOKUP_SECONDS,
        likely=likely,
    )


def target_of(
    config: Config,
    what: Delivery | str | None,
    account: str | None,
    provider_id: str | None,
) -> tuple[Account, str, Delivery | None]:
    """Return the account and provider_id that a fetch names, and the delivery it begins with."""
    if isinstance(what, str):
        raise ConfigError(
            "fetch by our id needs a ledger, and there is none; "
            "give the delivery, or account= and provider_id=",
            key="ledger",
        )
    if what is not None:
        account, provider_id = what.account, what.provider_id
    if account is None:
        raise ConfigError("fetch: give a delivery, or account= and provider_id=")
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


def _aware(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)
