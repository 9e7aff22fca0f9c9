"""Whose request to SignalWire it is: Basic, project id and token, in every API."""

from __future__ import annotations

from uuid import NAMESPACE_URL, UUID, uuid5

import attrs
from starlette.requests import Request

from polysms.sandbox.answering import INVALID, NO_SCOPE, Refusal, basic, refuse

NAME = "signalwire"
# Webhook-errors page: two more tries after the first.
TRIES = 3


@attrs.frozen
class Denials:
    """How an API says that it does not know a token, and that a token may not do this."""

    unknown: Refusal
    scope: Refusal


#: Seed 004: the messaging API's own words; the numbers' API has others.
PLAIN = Denials(
    Refusal(401, {"error": "Unauthorized"}),
    Refusal(403, {"error": "Forbidden"}),
)


def project(request: Request, denials: Denials = PLAIN) -> str:
    """Return the project id of good credentials: Basic, project and token (seed 004).

    A project's id is a UUID; any other text is given one of its own.
    """
    user, token = basic(request)
    if not user or not token or INVALID in f"{user}:{token}":
        refuse(denials.unknown)
    if NO_SCOPE in f"{user}:{token}":
        refuse(denials.scope)
    return identity(user)


def identity(user: str) -> str:
    """Return the UUID that a project's id is, or stands for."""
    try:
        return str(UUID(user))
    except ValueError:
        return str(uuid5(NAMESPACE_URL, user))
