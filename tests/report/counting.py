"""Counts made by hand: what an account was given, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from polysms.report import Age, Cell, Counts, Delay, Recipients, Stratum

US = Stratum("US", "sms", 1)
GB = Stratum("GB", "sms", 1)
DAY = 86400.0
#: Older than any horizon: everything that will be heard of it has been.
OLD = 10 * DAY


def settled(delivered: int, assigned: int, seconds: float = 20.0, **facts: Any) -> Counts:
    """Return counts of messages long past: delivered after so many seconds, or not at all."""
    others = assigned - delivered
    defaults: dict[str, Any] = {
        "assigned": assigned,
        "accepted": assigned,
        "delivered": delivered,
        "undelivered": others,
        "arrived": delivered,
        "delays": (Delay(seconds, delivered),) if delivered else (),
        "ages": (Age(OLD, others),) if others else (),
    }
    return Counts(**{**defaults, **facts})


def timed(delays: Iterable[float], ages: Iterable[float] = (), **facts: Any) -> Counts:
    """Return counts of messages delivered after these delays, and others pending at these ages."""
    seconds, waits = tuple(delays), tuple(ages)
    defaults: dict[str, Any] = {
        "assigned": len(seconds) + len(waits),
        "accepted": len(seconds) + len(waits),
        "delivered": len(seconds),
        "pending": len(waits),
        "arrived": len(seconds),
        "delays": tuple(Delay(one) for one in seconds),
        "ages": tuple(Age(one) for one in waits),
    }
    return Counts(**{**defaults, **facts})


def cell(account: str, counts: Counts, stratum: Stratum = US, **facts: Any) -> Cell:
    """Return a cell of an experiment of two equal shares."""
    return Cell(**{"account": account, "counts": counts, "stratum": stratum, "share": 0.5, **facts})


def recipients(rows: Iterable[tuple[int, int]]) -> Recipients:
    """Return the sums over recipients, each with so many messages and so many delivered."""
    every = tuple(rows)
    return Recipients(
        number=len(every),
        messages_squared=sum(messages**2 for messages, _ in every),
        delivered_squared=sum(delivered**2 for _, delivered in every),
        product=sum(messages * delivered for messages, delivered in every),
    )
