"""Reports on a bad day: repeated, shuffled, before the answer, for strangers, and sometimes never.

``python tests/campaigns/reports.py --callbacks 2000 [--database postgresql]``. Messages are sent
through all three providers of a sandbox that posts its reports in disorder, to a receiver on a port
of its own. Wavix's and CarrierX's prove nothing, and are asked for; SignalWire's are signed. At the
end, before any sweep, every message that was reported must have its provider's final status; after
it, all of them. Whoever listens must have been told of every event, and of no final status but the
right one.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import attrs
import httpx

if __name__ == "__main__":
    #: Beside what is installed, and after it: the library under test is the installed one.
    sys.path.append(str(Path(__file__).resolve().parents[2]))

from sqlalchemy import Engine, create_engine, text

from polysms import AsyncClient, Config, Delivery, DeliveryReport, Message, Status
from polysms.ledger import Ledger
from polysms.sandbox import Behaviour, running
from polysms.sandbox.disorder import SILENT
from polysms.sandbox.state import Sandbox
from polysms.server import Receiver, WebhookRequest, WebhookResponse, serving
from polysms.webhooks import address
from polysms.worker import Worker
from tests import postgres

KEY = "PSK-campaign-0123456789"
TOKEN = "campaign-0123456789abcdef"
PROJECT = "3a9f2b1c-0000-4000-8000-000000000000"
PROVIDERS = ("wavix", "signalwire", "carrierx")
#: How many callers send at the same time, and how many messages they send before a look.
WIDTH, STEP = 16, 48
#: One message in so many is sent by a stranger to our ledger; and one is of nobody at all.
STRANGERS, NOBODY = 20, 50
#: Seconds in which what is under way must end.
PATIENCE = 120.0
#: What the providers' last words mean, read in their documents.
TRUTH = {
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "undelivered": Status.UNDELIVERED,
    "rejected": Status.REJECTED,
    "failed": Status.FAILED,
    "expired": Status.EXPIRED,
}
#: Last digits of recipients, by how often they are sent to.
_DIGITS = ("0101",) * 12 + ("0102",) * 4 + ("0103",) * 3 + ("0104",)
_SPEED = 25.0
_POLL = 0.1

Mark = Callable[[Receiver], None]


@attrs.frozen(kw_only=True)
class Game:
    """How many callbacks are posted at least, on which database."""

    callbacks: int
    database: str = "sqlite"
    seed: int = 7


@attrs.define(kw_only=True)
class Tally:
    """What a run came to; the names of messages and events are lists of what is wrong."""

    messages: int = 0
    callbacks: int = 0
    early: int = 0
    parked: int = 0
    orders: int = 0
    strangers: int = 0
    nobody: int = 0
    silent: int = 0
    told: int = 0
    told_twice: int = 0
    seconds: float = 0.0
    #: Answers that are no 2xx, by status.
    refused: Counter[int] = attrs.field(factory=Counter)
    #: Messages with another status than their provider's, before and after the sweep.
    before: list[str] = attrs.field(factory=list)
    after: list[str] = attrs.field(factory=list)
    #: Events that were posted and are not kept; that nobody was told; parked ones with a message.
    lost: list[str] = attrs.field(factory=list)
    untold: list[str] = attrs.field(factory=list)
    unmatched: list[str] = attrs.field(factory=list)
    #: Messages of which somebody was told a last word that is not the final status.
    misled: list[str] = attrs.field(factory=list)
    #: Events of nobody's messages that somebody was told of all the same.
    made_up: list[str] = attrs.field(factory=list)

    @property
    def troubles(self) -> dict[str, int]:
        """How much is wrong, by what it is."""
        names = ("before", "after", "lost", "untold", "unmatched", "misled", "made_up")
        found = {name: len(getattr(self, name)) for name in names}
        return {**found, "refused": sum(self.refused.values())}

    @property
    def kept(self) -> bool:
        """Whether every promise was kept, and there was something to keep."""
        there = (self.early, self.parked, self.orders, self.strangers, self.silent, self.told)
        return all(there) and not any(self.troubles.values())


class Noting(Receiver):
    """A receiver that notes how it answers, and when."""

    def __init__(self, client: AsyncClient) -> None:
        super().__init__(client)
        self.answers: list[tuple[str, int]] = []
        self.heard: list[DeliveryReport] = []
        self.on_report(self._note)

    async def _note(self, report: DeliveryReport) -> None:
        self.heard.append(report)

    async def received(
        self, request: WebhookRequest, source: str | None
    ) -> tuple[WebhookResponse, Sequence[Any]]:
        """Hear a request, and note the answer."""
        answer, dues = await super().received(request, source)
        self.answers.append((request.url, answer.status))
        return answer, dues
