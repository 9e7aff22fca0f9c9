"""One account's attempt, prepared: everything that can be wrong beforehand is found here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import attrs

from polysms.config import Account
from polysms.delivery import Attempt
from polysms.errors import NotSent, Reason, Unsupported
from polysms.message import Message
from polysms.providers.base import Provider, Request
from polysms.providers.limits import advisory, lookup_grade
from polysms.routing import rails as guard
from polysms.routing.plan import GRACE, Plan
from polysms.routing.senders import senders_for
from polysms.routing.steps import World
from polysms.values import changed


@attrs.frozen(slots=False)
class Ready:
    """An attempt at an account: its request, its row, and the seconds it may take."""

    account: Account
    message: Message
    request: Request
    attempt: Attempt
    seconds: float


def prepared(  # noqa: PLR0913 - each by name
    message: Message,
    account: Account,
    plan: Plan,
    world: World,
    *,
    left: float,
    valid_for: int | None,
) -> Ready:
    """Return the attempt at an account, or raise why there can be none.

    ``left`` is the time (seconds) that is left, ``valid_for`` what the provider is to be told.
    """
    if left <= 0:
        raise NotSent("no time was left", retry_later=True)
    adapter = account.adapter
    guard.check(message, account, plan.rails)
    guard.check_group(message, account)
    senders = senders_for(message, account, plan.senders)
    fresh = rested(senders, account, plan, world)
    # Those refused of late come last, for who else could say it?
    senders = [*fresh, *(one for one in senders if one not in fresh)]
    unsupported = advisory(message, adapter.capabilities)
    if unsupported and plan.route.strict:
        names = " and ".join(unsupported)
        raise Unsupported(f"{adapter.capabilities.title} has no word for {names}")
    reference = world.new_id()
    back = message.status_callback or _callback(account, plan, reference)
    asked = changed(message, valid_for=valid_for, status_callback=back)
    said, request = _said(asked, adapter, senders, reference)
    seconds = min(left, plan.route.attempt_timeout or left)
    now = world.now()
    attempt = Attempt(
        account=account.name,
        provider=account.provider_name,
        reference=reference,
        started_at=now,
        expires_at=now + timedelta(seconds=seconds + GRACE),
        unsupported=unsupported,
        **_told(said, adapter),
    )
    return Ready(account, said, request, attempt, seconds)


def _told(said: Message, adapter: Provider) -> dict[str, Any]:
    """Return what the attempt's row tells of the message as this provider gets it."""
    warnings = getattr(adapter, "warnings", None)
    can = adapter.capabilities
    return {
        "from_": said.from_,
        "valid_for": said.valid_for if can.validity else None,
        "lookup": lookup_grade(said, adapter),
        "warnings": warnings(said) if warnings else (),
    }


def _callback(account: Account, plan: Plan, reference: str) -> str | None:
    """Return where the reports of an attempt are to go, None where nobody need be told."""
    if plan.callback is None or not account.adapter.capabilities.status_callback:
        return None
    return plan.callback(account, reference)


def rested(senders: Sequence[str], account: Account, plan: Plan, world: World) -> Sequence[str]:
    """Return the senders that an account did not refuse of late."""
    if not plan.health.has_marks(account.name):
        return senders
    now = world.clock()
    return [one for one in senders if not plan.health.sender_is_marked(account.name, one, now)]


def _said(
    message: Message, adapter: Provider, senders: Sequence[str], reference: str
) -> tuple[Message, Request]:
    """Return the message and its request with the first sender that can say it."""
    *others, last = senders
    for sender in others:
        said = changed(message, from_=sender)
        try:
            return said, adapter.request(said, reference)
        except Unsupported as error:
            if error.reason is not Reason.SENDER:
                raise
    said = changed(message, from_=last)
    return said, adapter.request(said, reference)
