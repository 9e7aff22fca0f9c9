"""``polysms demo``: the main job, with no account and no network.

Starts the sandbox, sends a text and an MMS through each provider, and follows each by ``fetch``
until nothing more is to come.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import attrs
import typer
from rich.live import Live
from rich.table import Table

from polysms.cli import show
from polysms.cli.failure import DONE, NOT_SENT, reported
from polysms.cli.local import Port, started
from polysms.cli.options import Json, Reveal
from polysms.cli.output import Output, columns
from polysms.client import Client
from polysms.config import Config, Source
from polysms.delivery import Delivery, Status
from polysms.errors import LookupFailed
from polysms.message import Message
