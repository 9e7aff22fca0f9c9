"""``polysms cancel`` and ``polysms confirm``: a word of yours about a message of the ledger."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from polysms.cli import show
from polysms.cli.failure import DONE, MAYBE_SENT, reported
from polysms.cli.options import File, Json, Reveal, Url, configured
from polysms.cli.output import Output, plainly
from polysms.client import Client
from polysms.delivery import Delivery, Status

Name = Annotated[str, typer.Argument(metavar="ID|KEY", help="Of our ledger.")]

#: What is never sent any more.
_UNSENT = frozenset({Status.CANCELLED, Status.NOT_SENT})


@reported
def cancel(
    *,
    name: Name,
    config: File = None,
    url: Url = None,
    json: Json = False,
    reveal: Reveal = False,
) -> int:
    """Let a message that still waits in the outbox never be sent.

    Exit codes: 0 it will not be sent; 2 wrong usage or configuration; 3 the
    ledger knows no such message; 4 too late: it was sent, or may have been.
    """
    with Client(configured(config, url)) as client:
        delivery = client.cancel(name)
    is_cancelled = delivery.status in _UNSENT
    sentence = "it will not be sent" if is_cancelled else "too late to cancel it"
    _tell(delivery, sentence, Output(json=json, reveal=reveal))
    return DONE if is_cancelled else MAYBE_SENT


@reported
def confirm(
    *,
    name: Name,
    config: File = None,
    url: Url = None,
    json: Json = False,
    reveal: Reveal = False,
) -> int:
    """Note that a message has arrived, so that no other account tries it.

    Exit codes: 0 noted; 2 wrong usage or configuration; 3 the ledger knows no
    such message. Nothing is sent.
    """
    with Client(configured(config, url)) as client:
        delivery = client.confirm(name)
    _tell(delivery, "confirmed: no other account tries it", Output(json=json, reveal=reveal))
    return DONE


def _tell(delivery: Delivery, sentence: str, output: Output) -> None:
    if output.json:
        output.document(delivery.to_dict())
        return
    output.say(Text.assemble(show.status(delivery.status), f": {sentence}"))
    output.say(plainly(f"  id  {delivery.id}"))
