"""Whose request to Twilio it is, and where what belongs to an account is found."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request

from polysms.sandbox.answering import INVALID, NO_SCOPE, basic, refuse
from polysms.sandbox.state import Object
from polysms.sandbox.twilio_rules import no

VERSION = "2010-04-01"
#: The beginning of the paths of an account.
ACCOUNT = f"/{VERSION}/Accounts/{{account:twilio_account}}"


class _Account(Convertor[str]):
    """An account's SID. No id of a SignalWire project looks like it: that is a UUID."""

    regex = "AC[0-9A-Za-z]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("twilio_account", _Account())


@attrs.frozen
class Caller:
    """Whose request it is: the account of the path, and its token where the caller has it."""

    account: str
    token: str = attrs.field(repr=False)


def allowed(request: Request) -> str:
    """Return the token of good credentials, or nothing where they are an API key and its secret.

    Raises Refused. That a key without the permission gets a 403 with 20403 is a guess.
    """
    user, password = basic(request)
    if not user or not password or INVALID in f"{user}:{password}":
        refuse(no(20003, 401))
    if NO_SCOPE in f"{user}:{password}":
        refuse(no(20403, 403))
    return password if user.startswith("AC") else ""


def caller(request: Request) -> Caller:
    """Return whose request it is. Raises Refused; an account reads only what is its own."""
    token, account = allowed(request), str(request.path_params["account"])
    if token and basic(request)[0] != account:
        refuse(no(20003, 401))
    return Caller(account, token)


def path(account: str, rest: str = "") -> str:
    """Return the path of what belongs to an account, as answers show it."""
    return f"/{VERSION}/Accounts/{account}{rest}.json"


def listed(name: str, found: Sequence[Object], links: Object) -> Object:
    """Return one page of a list: with its links, and where it begins and ends."""
    start = links["page"] * links["page_size"]
    return {**links, "start": start, "end": start + max(len(found) - 1, 0), name: list(found)}
