"""What a message's status is: a fold over what is known of it, in whatever order it was learnt.

Each copy of a message (an attempt that a provider may have) has the highest rank that was ever
said of it, so that reports may come late, twice and in any order. A message has mostly one copy.
Where it has more, the best news counts; and while one of them may still arrive, the failure of
another does not speak for the message.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import attrs

from polysms.delivery import Delivery, DeliveryReport, Outcome, Status

#: The message has arrived, and no other copy can change that.
ARRIVED = frozenset({Status.RECEIVED, Status.READ, Status.DELIVERED})
#: No provider has the message.
UNSENT = frozenset({Status.PENDING, Status.CANCELLED, Status.NOT_SENT})


def highest(statuses: Iterable[Status]) -> Status:
    """Return the status of the highest rank."""
    return max(statuses, key=lambda status: status.rank)


def fold(events: Iterable[DeliveryReport], sent_status: Status) -> Status:
    """Return the status of one copy: the highest rank of what was sent and what was reported."""
    return highest((sent_status, *(event.status for event in events)))


def sent_status(outcome: Outcome | None, expires_at: datetime | None, now: datetime) -> Status:
    """Return what an attempt alone tells of its copy.

    One that is open past its expiry may have been sent: whoever made it can close it no more.
    """
    if outcome is not None:
        return _SENT[outcome]
    return Status.MAYBE_SENT if expires_at is not None and expires_at < now else Status.PENDING


_SENT = {
    Outcome.ACCEPTED: Status.QUEUED,
    Outcome.NOT_SENT: Status.NOT_SENT,
    Outcome.MAYBE_SENT: Status.MAYBE_SENT,
}


def together(copies: Iterable[Status]) -> Status:
    """Return the status of a message from those of its copies; PENDING where there is none.

    Arrived, if one has arrived; else, while a copy may still arrive, the most that is known of
    such a copy; else the highest rank of those that failed.
    """
    statuses = set(copies) or {Status.PENDING}
    arrived = statuses & ARRIVED
    under_way = {
        status for status in statuses if not status.final and status is not Status.NOT_SENT
    }
    return highest(arrived or under_way or statuses)


def standing(copies: Sequence[Status], stored: Status, *, running: bool) -> Status:
    """Return where a message stands.

    ``stored`` is what was last known of it; it counts where no copy can exist. ``running`` says
    that somebody still tries to send it, so that attempts that were not sent are not the end.
    """
    if not copies:
        lost = stored is Status.PENDING and not running
        return Status.NOT_SENT if lost else stored
    status = together(copies)
    if status not in UNSENT:
        return status
    if stored is Status.CANCELLED:
        return stored
    return Status.PENDING if running else status


def reported(delivery: Delivery, status: Status, events: Iterable[DeliveryReport]) -> Delivery:
    """Return a delivery at its status of now, with what the reports that brought it there say.

    Independent of the order and the number of the reports: where two say the same status, the one
    that happened first tells how and when.
    """
    known = sorted(events, key=_moment)
    delivery = attrs.evolve(
        delivery,
        sent_at=delivery.sent_at or _first(known, Status.SENT),
        delivered_at=delivery.delivered_at or _first(known, Status.DELIVERED),
    )
    if status is delivery.status:
        return delivery
    for event in known:
        if event.status is status:
            return attrs.evolve(delivery, status=status, **_facts(event))
    return attrs.evolve(delivery, status=status)


def _moment(event: DeliveryReport) -> tuple[datetime, datetime, str]:
    return event.at or event.received_at, event.received_at, event.event_id


def _first(events: Sequence[DeliveryReport], status: Status) -> datetime | None:
    return next((event.at for event in events if event.status is status and event.at), None)


def _facts(event: DeliveryReport) -> dict[str, Any]:
    return {
        "raw_status": event.raw_status,
        "error_code": event.code,
        "reason": event.reason,
        "status_changed_at": event.at or event.received_at,
    }
