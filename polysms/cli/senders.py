"""``polysms senders``: the senders that a provider has for an account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from polysms.cli.failure import DONE, reported
from polysms.cli.options import File, Json, Reveal, Url, configured
from polysms.cli.output import Output, columns, plainly
from polysms.cli.services import Asked, plain
from polysms.client import Client
from polysms.services import Sender

senders = typer.Typer(
    name="senders",
    help="Senders: the numbers and names that a provider has for an account.",
    no_args_is_help=True,
)

Id = Annotated[str, typer.Argument(metavar="ID", help="The provider's id of the sender.")]
Name = Annotated[str, typer.Argument(metavar="SENDER", help="A number, or a name as Acme.")]
Countries = Annotated[
    list[str], typer.Option("--country", metavar="US", help="Where to; may be repeated.")
]
Usecase = Annotated[
    str | None, typer.Option(metavar="WORD", help="As transactional, promo, authentication.")
]
Volume = Annotated[
    int | None, typer.Option("--monthly-volume", metavar="N", help="Messages in a month.")
]
Samples = Annotated[
    list[str] | None, typer.Option("--sample", metavar="TEXT", help="A text that will be sent.")
]


@senders.command("list")
@reported
def listed(
    *,
    account: Asked = None,
    config: File = None,
    url: Url = None,
    json: Json = False,
    reveal: Reveal = False,
) -> int:
    """Show an account's senders, and whether they can send. With --json one a line.

    Exit codes: 0 it answered; 2 wrong usage or configuration, or nobody can
    be asked; 3 no answer.
    """
    output = Output(json=json, reveal=reveal)
    with Client(configured(config, url)) as client:
        (_write if json else _show)(client.senders.list(account), output)
    return DONE


def _write(found: Iterator[Sender], output: Output) -> None:
    for one in found:
        if not output.document(plain(one), indent=None):
            return


def _show(found: Iterator[Sender], output: Output) -> None:
    known = list(found)
    if not known:
        output.say("There is no sender.")
        return
    table = columns("sender", "kind", "to", "can send", "id")
    for one in known:
        cells = (_shown(one, output), one.kind, ", ".join(one.countries), _can(one), one.id or "")
        table.add_row(*(Text(plainly(cell)) for cell in cells))
    output.table(table)


def _shown(one: Sender, output: Output) -> str:
    return one.sender if one.kind == "name" else output.number(one.sender)


def _can(one: Sender) -> str:
    if one.can_send is None:
        return one.status or "not said"
    return "yes" if one.can_send else f"no: {one.why or one.status}"


@senders.command("get")
@reported
def get(  # noqa: PLR0913 - one argument for each option
    *,
    id_: Id,
    account: Asked = None,
    config: File = None,
    url: Url = None,
    json: Json = False,
    reveal: Reveal = False,
) -> int:
    """Show one sender.

    Exit codes: 0 it answered; 2 wrong usage or configuration, or nobody can
    be asked; 3 no answer, or it knows no such sender.
    """
    with Client(configured(config, url)) as client:
        _one(client.senders.get(id_, account), Output(json=json, reveal=reveal))
    return DONE


def _one(sender: Sender, output: Output) -> None:
    if output.json:
        output.document(plain(sender))
    else:
        _show(iter([sender]), output)


@senders.command("register")
@reported
def register(  # noqa: PLR0913 - one argument for each option
    *,
    sender: Name,
    country: Countries,
    usecase: Usecase = None,
    monthly_volume: Volume = None,
    sample: Samples = None,
    account: Asked = None,
    config: File = None,
    url: Url = None,
    json: Json = False,
    reveal: Reveal = False,
) -> int:
    """Ask a provider to take a sender; it may cost money and take days.

    Exit codes: 0 it took it; 2 wrong usage or configuration, or it cannot;
    3 no answer, or it refused. Without an answer list the senders first.
    """
    facts = {"usecase": usecase, "monthly_volume": monthly_volume, "samples": sample or ()}
    with Client(configured(config, url)) as client:
        made = client.senders.register(sender, account, countries=country, **facts)
        _one(made, Output(json=json, reveal=reveal))
    return DONE


@senders.command("drop")
@reported
def drop(
    *, id_: Id, account: Asked = None, config: File = None, url: Url = None, json: Json = False
) -> int:
    """Give a sender back.

    Exit codes: 0 done; 2 wrong usage or configuration, or it cannot; 3 no
    answer, or it refused.
    """
    with Client(configured(config, url)) as client:
        client.senders.drop(id_, account)
    output = Output(json=json)
    if json:
        output.document({"dropped": id_})
    else:
        output.say("It is given back.")
    return DONE


@senders.command("restrictions")
@reported
def restrictions(  # noqa: PLR0913 - one argument for each option
    *,
    country: Annotated[str, typer.Argument(metavar="COUNTRY", help="Two letters, as US.")],
    kind: Annotated[str, typer.Argument(metavar="KIND", help="number or name.")] = "name",
    account: Asked = None,
    config: File = None,
    url: Url = None,
    json: Json = False,
) -> int:
    """Ask what a country asks of a kind of sender.

    Exit codes: 0 it answered; 2 wrong usage or configuration, or nobody can
    be asked; 3 no answer.
    """
    output = Output(json=json)
    with Client(configured(config, url)) as client:
        found = client.senders.restrictions(country, kind, account)
    if json:
        output.document(plain(found))
        return DONE
    words = {True: "must be registered", False: "needs no registration", None: "nothing is said"}
    output.say(f"{plainly(found.country)}, {plainly(found.kind)}: {words[found.registration]}")
    if found.text:
        output.say(plainly(found.text))
    return DONE
