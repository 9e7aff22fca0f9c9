"""What a send would do, without doing it: the route in its order, and each account's request."""

from __future__ import annotations

import attrs

from polysms.config import Account
from polysms.delivery import Attempt
from polysms.errors import PolysmsError
from polysms.message import Message
from polysms.providers.base import Request
from polysms.routing import rails as guard
from polysms.routing.plan import Plan
from polysms.routing.preparing import prepared
from polysms.routing.run import Run
from polysms.routing.senders import check_named
from polysms.routing.steps import World
from polysms.routing.turns import ordered, why_not


@attrs.frozen(kw_only=True)
class Previewed:
    """One account of a route: the request it would get, or why it would get none.

    ``why`` is what speaks for or against asking it now. ``request`` holds the credentials.
    """

    account: Account
    why: str
    attempt: Attempt | None = None
    request: Request | None = attrs.field(default=None, repr=False)
    error: PolysmsError | None = None


def preview(message: Message, plan: Plan, world: World) -> tuple[Previewed, ...]:
    """Return the accounts in the order in which they would be asked; nothing is sent or noted.

    The second is asked only if the first surely does not have the message, and so on.
    """
    check_named(message, plan.senders)
    run = Run(guard.redirected(message, plan.rails), plan, world)
    seen = []
    for candidate in ordered(run):
        account = run.left[candidate.name]
        rests = why_not(run, account)
        why = f"asked last: {rests}" if rests else candidate.why
        seen.append((rests is not None, _previewed(run, account, why)))
    return tuple(one for _, one in sorted(seen, key=lambda pair: pair[0]))


def _previewed(run: Run, account: Account, why: str) -> Previewed:
    try:
        ready = prepared(
            run.message,
            account,
            run.plan,
            run.world,
            left=run.seconds_left(),
            valid_for=run.valid_for(account),
        )
    except PolysmsError as error:
        return Previewed(account=account, why=why, error=error)
    return Previewed(account=account, why=why, attempt=ready.attempt, request=ready.request)
