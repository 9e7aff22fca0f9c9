"""What is said in logs: ids alone, never a number or a text."""

from __future__ import annotations

import logging

from polysms.client import standin
from polysms.delivery import Delivery
from polysms.errors import PolysmsError

log = logging.getLogger("polysms")


def said(delivery: Delivery | None, error: PolysmsError | None) -> None:
    """Log how a send ended."""
    standin.ended(delivery)
    if delivery is None or not log.isEnabledFor(logging.INFO):
        return
    last = delivery.attempts[-1] if delivery.attempts else None
    log.info(
        "send id=%s account=%s status=%s outcome=%s attempts=%d error=%s",
        delivery.id,
        delivery.account,
        delivery.status,
        last.outcome if last else None,
        len(delivery.attempts),
        type(error).__name__ if error else None,
    )
