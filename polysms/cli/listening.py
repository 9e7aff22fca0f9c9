"""``--listen module:receiver``: the receiver of a program of yours, for commands."""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import Annotated

import typer

from polysms import redact
from polysms.cli.options import WHERE
from polysms.config.reading import fault
from polysms.errors import PolysmsError
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
    receiver = getattr(_imported(module), name, None)
    if not isinstance(receiver, Receiver):
        raise fault("--listen", f"{module} has no Receiver named {name!r}", WHERE)
    return receiver


def _imported(module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except PolysmsError:
        # The module's own client, say, has no configuration: that is a sentence already.
        raise
    except Exception as error:
        raise fault("--listen", _why(module, error), WHERE) from error


def _why(module: str, error: Exception) -> str:
    """Return why a module of somebody's own cannot be imported: it is not there, or it raises."""
    absent = error.name if isinstance(error, ModuleNotFoundError) else None
    if absent is not None and f"{module}.".startswith(f"{absent}."):
        return f"there is no module {module!r} here"
    words = redact.scrub(" ".join(str(error).split()))
    return f"cannot import {module!r}: {type(error).__name__}{words and f': {words}'}"
