"""``--listen module:receiver``: the receiver of a program of yours, for commands."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Annotated

import typer

from polysms.cli.options import WHERE
from polysms.config.reading import fault
from polysms.server import Receiver

Listen = Annotated[
    str | None,
    typer.Option(
        "--listen", metavar="MODULE:NAME", help="Your Receiver, whose functions are told."
    ),
]


def receiver_of(given: str) -> Receiver:
    """Return the receiver that a module has under a name; it is imported from this folder too.

    Raises :class:`~polysms.errors.ConfigError`.
    """
    module, _, name = given.partition(":")
    if not module or not name:
        raise fault("--listen", "write it as MODULE:NAME, as shop.texts:receiver", WHERE)
    if os.getcwd() not in sys.path:  # noqa: PTH109 - as sys.path has it
        sys.path.insert(0, os.getcwd())  # noqa: PTH109
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise fault("--listen", f"there is no module {module!r} here", WHERE) from None
    receiver = getattr(found, name, None)
    if not isinstance(receiver, Receiver):
        raise fault("--listen", f"{module} has no Receiver named {name!r}", WHERE)
    return receiver
