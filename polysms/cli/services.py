"""``polysms balance``, ``identity``, ``lookup``, ``redact``: what there is beside messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import attrs
import typer

from polysms.cli.failure import DONE, reported
from polysms.cli.options import File, Json, Region, Reveal, Url, configured, recipient
from polysms.cli.output import Output, plainly
from polysms.client import Client
from polysms.client.offers import offers
from polysms.services import Balance

Name = Annotated[
    str | None, typer.Argument(metavar="[ACCOUNT]", help="One account; else all that can tell.")
]
Asked = Annotated[
    str | None, typer.Option("--account", metavar="NAME", help="Whom to ask; else who can.")
]
Number = Annotated[str, typer.Argument(metavar="NUMBER", help="As +44 20 7946 0123.")]
What = Annotated[
    str,
    typer.Argument(metavar="ACCOUNT|ID|KEY", help="Of our ledger the id or key; else whom to ask."),
]
ProviderId = Annotated[
    str | None, typer.Argument(metavar="PROVIDER_ID", help="After ACCOUNT: the provider's own id.")
]


def plain(value: Any) -> dict[str, Any]:
    """Return what a provider told as plain data."""
    return attrs.asdict(value, value_serializer=lambda _, __, one: _plain(one))


def _plain(value: Any) -> Any:
    known = value is None or isinstance(value, (bool, int, float, str, list, tuple, Mapping))
    return value if known else str(value)


@reported
def balance(
    *, account: Name = None, config: File = None, url: Url = None, json: Json = False
) -> int:
    """Ask what is left on an account, or on each whose provider can tell.

    Exit codes: 0 it answered; 2 wrong usage or configuration, or it cannot
    tell; 3 no answer.
    """
    output = Output(json=json)
    with Client(configured(config, url)) as client:
        names = [account] if account is not None else _able(client, "balance")
        found = {name: client.balance(name) for name in names}
    if json:
        output.document({name: plain(one) for name, one in found.items()})
        return DONE
    for name, one in found.items():
        output.say(f"{plainly(name)}: {_amount(one)}")
    if not found:
        output.say("No account's provider can tell a balance.")
    return DONE


def _able(client: Client, service: str) -> list[str]:
    accounts = client.config.accounts
    return [name for name, account in accounts.items() if offers(account, service)]


@reported
def identity(
    *, account: Name = None, config: File = None, url: Url = None, json: Json = False
) -> int:
    """Ask who a provider says that an account's credentials are, or each that can tell.

    Exit codes: 0 it answered; 2 wrong usage or configuration, or it cannot
    tell; 3 no answer.
    """
    output = Output(json=json)
    with Client(configured(config, url)) as client:
        names = [account] if account is not None else _able(client, "identity")
        found = {name: client.identity(name) for name in names}
    if json:
        output.document({name: plain(one) for name, one in found.items()})
        return DONE
    for name, one in found.items():
        words = ", ".join(filter(None, (one.name, one.id))) or "nobody is named"
        output.say(plainly(f"{name}: {words}"))
    if not found:
        output.say("No account's provider can tell whose its credentials are.")
    return DONE


def _amount(one: Balance) -> str:
    return f"{one.amount} {one.currency}" if one.currency else str(one.amount)


@reported
def lookup(  # noqa: PLR0913 - one argument for each option
    *,
    number: Number,
    account: Asked = None,
    region: Region = None,
    config: File = None,
    url: Url = None,
    json: Json = False,
    reveal: Reveal = False,
) -> int:
    """Ask a provider what it knows of a number. Providers charge for this.

    Exit codes: 0 it answered; 2 wrong usage or configuration, or nobody can
    be asked; 3 no answer.
    """
    output = Output(json=json, reveal=reveal)
    with Client(configured(config, url)) as client:
        found = client.lookup(recipient(number, region), account)
    if json:
        output.document(plain(found))
        return DONE
    valid = {True: "yes", False: "no", None: None}[found.valid]
    facts = {"valid": valid, **{name: getattr(found, name) for name in _FACTS}}
    output.say(output.number(found.number))
    output.facts([(name, plainly(value)) for name, value in facts.items() if value])
    return DONE


_FACTS = ("kind", "country", "carrier", "mcc", "mnc")


@reported
def redacted(
    *,
    what: What,
    provider_id: ProviderId = None,
    config: File = None,
    url: Url = None,
    json: Json = False,
) -> int:
    """Let a provider forget the text of a message, and then our ledger.

    Exit codes: 0 done; 2 wrong usage or configuration, or it cannot; 3 no
    answer, or it refused.
    """
    with Client(configured(config, url)) as client:
        if provider_id is None:
            client.redact(what)
        else:
            client.redact(account=what, provider_id=provider_id)
    output = Output(json=json)
    if json:
        output.document({"redacted": True})
    else:
        output.say("Its text is forgotten.")
    return DONE
