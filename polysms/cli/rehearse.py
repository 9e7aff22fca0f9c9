"""``polysms rehearse``: what messages would become at another account. Nothing is ever sent."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import IO, Annotated, Any

import attrs
import typer
from rich.text import Text

from polysms.cli.failure import DONE, NOT_SENT, USAGE, name_of, reported, tell
from polysms.cli.lines import messages_in
from polysms.cli.options import File, Json, Reveal, Url, configured
from polysms.cli.output import Output, columns, plainly
from polysms.config import Account, Config, Prices
from polysms.errors import ConfigError, InvalidMessage
from polysms.message import Message
from polysms.routing.rehearse import Rehearsal, Said, rehearse as rehearsed

_MOST = 10_000
KINDS = ("sms", "mms")

Messages = Annotated[
    str, typer.Argument(metavar="FILE", show_default=False, help='JSON Lines; "-" reads stdin.')
]
From = Annotated[
    str, typer.Option("--from", metavar="ACCOUNT", help="The account that sends them now.")
]
To = Annotated[str, typer.Option("--to", metavar="ACCOUNT", help="The account that would.")]
Limit = Annotated[
    int, typer.Option(min=0, max=_MOST, metavar="N", help="Show at most so many lines.")
]
