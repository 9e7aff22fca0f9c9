"""What a round of a sweep does, for whoever has no event loop: a task, a thread, a script."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from polysms.client.log import log

if TYPE_CHECKING:
    from polysms import Client
    from polysms.ledger import Claim, Ledger

#: Messages that are looked for at once, and how long no other worker looks for them.
LOOKS = 20
LOOK_LEASE = timedelta(seconds=120)
#: Transactions at most in which one round takes leases back.
_STEPS = 100


def take_back(ledger: Ledger) -> int:
    """Take back leases of the dead, and let late reports find their message; return how many."""
    return ledger.outbox.reclaim() + ledger.lapse() + ledger.match_parked()


def take_all_back(ledger: Ledger) -> None:
    """Do :func:`take_back` until nothing is left to take."""
    for _ in range(_STEPS):
        if not take_back(ledger):
            break


def tidy(ledger: Ledger, before: datetime) -> None:
    """Forget the texts of before a moment."""
    ledger.purge(texts_older_than=before)


def look(client: Client, seconds: float) -> int:
    """Look for what became of messages, while there are any and time is left; return how many."""
    until, looked = time.monotonic() + seconds, 0
    with ThreadPoolExecutor(LOOKS, "polysms-look") as threads:
        while True:
            claims = client.ledger.outbox.looks(until=client.duties.now() + LOOK_LEASE, limit=LOOKS)
            list(threads.map(partial(_look, client), claims))
            looked += len(claims)
            if len(claims) < LOOKS or time.monotonic() > until:
                return looked


def _look(client: Client, claim: Claim) -> None:
    try:
        client.obey(client.duties.look(claim))
    except Exception:  # noqa: BLE001 - one must not stop the rest; it is looked for again
        log.exception("message id=%s could not be looked for", claim.id)
