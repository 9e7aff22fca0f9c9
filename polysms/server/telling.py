"""What is done with an event once it is kept, as steps: ask its provider, tell who listens.

A report that is not proved (a hint) is told only with the status that its provider confirms. What
fails is done again, at growing intervals, for a day.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from polysms.client.log import log
from polysms.delivery import Delivery, DeliveryReport, Event
from polysms.errors import LookupFailed, PolysmsError

if TYPE_CHECKING:
    from polysms.ledger import Due

#: Seconds after each failure; the last of them again and again.
STEPS = (5.0, 30.0, 120.0, 600.0, 3600.0, 21_600.0)
#: How long an event is worth telling.
GIVES_UP = timedelta(hours=24)


@attrs.frozen
class Fetch:
    """Ask the provider for the message that a report is about."""

    report: DeliveryReport


@attrs.frozen
class Tell:
    """Tell who listens; the answer is whether all of them have taken it."""

    event: Event
    opt_out: str | None


@attrs.frozen
class Prove:
    """Keep a report once more, now that its provider has confirmed it."""

    report: DeliveryReport


Task = Fetch | Tell | Prove
R = TypeVar("R")
Steps = Generator[Task, Any, R]


def telling(due: Due, now: datetime) -> Steps[datetime | None]:
    """Yield what is to be done with an event that is kept; return when to do it again, if so."""
    again = next_try(due, now)
    event = due.event
    if isinstance(event, DeliveryReport) and _is_open(event, due):
        confirmed = yield from _confirmed(event, due, again)
        if confirmed is None:
            return again
        event = confirmed
    if (yield Tell(event, due.opt_out)):
        return None
    return failed(due, now)


def _is_open(report: DeliveryReport, due: Due) -> bool:
    """Whether a report would end its message, which nobody has proved yet."""
    return due.hint and report.status.final and report.status is not due.status


def failed(due: Due, now: datetime) -> datetime | None:
    """Return when to try again what has failed; say so where it is given up."""
    again = next_try(due, now)
    if again is None:
        log.error("event_id=%s account=%s is given up: nobody took it", *_name(due))
    return again


def _confirmed(
    report: DeliveryReport, due: Due, again: datetime | None
) -> Steps[DeliveryReport | None]:
    """Return a report as its provider confirms it, None where it is (still) not to be told."""
    try:
        found = yield Fetch(report)
    except PolysmsError as error:
        log.info("event_id=%s account=%s could not be confirmed: %s", *_name(due), error)
        said = _at_last(report, due)
    else:
        said = as_found(report, found)
        if said.status.final:
            kept = yield Prove(said)
            # Only now is known whose it is, where the send had no answer.
            return attrs.evolve(said, id=kept.id, key=kept.key, tag=kept.tag) if kept.id else said
    if again is not None:
        return None
    log.error("event_id=%s account=%s is given up: it was never confirmed", *_name(due))
    return said


def _at_last(report: DeliveryReport, due: Due) -> DeliveryReport | None:
    """Return a report with what is known where its provider says nothing."""
    if due.status is None:
        return None
    return attrs.evolve(report, status=due.status, raw_status=None, reason=None, code=None)


def as_found(report: DeliveryReport, found: Delivery) -> DeliveryReport:
    """Return a report with what its provider said when it was asked."""
    return attrs.evolve(
        report,
        # Which attempt it is about the provider says, too: what the report named was not proved.
        reference=found.reference,
        status=found.status,
        raw_status=found.raw_status,
        reason=found.reason,
        code=found.error_code,
        at=found.status_changed_at or report.at,
    )


def at_once(event: Event, opt_out: str | None, *, hint: bool) -> Steps[bool]:
    """Yield what is done with an event where there is no ledger; return whether it was taken.

    Raises :class:`~polysms.errors.LookupFailed` where its provider does not confirm it now: it is
    to be posted again, as nothing here remembers it.
    """
    if isinstance(event, DeliveryReport) and hint:
        said = as_found(event, (yield Fetch(event)))
        if event.status.final and not said.status.final:
            raise LookupFailed("its provider says that nothing has ended yet")
        event = said
    return bool((yield Tell(event, opt_out)))


def next_try(due: Due, now: datetime) -> datetime | None:
    """Return when to try again what fails now, None where it is given up."""
    at = now + timedelta(seconds=STEPS[min(due.tries, len(STEPS) - 1)])
    return at if at < due.event.received_at + GIVES_UP else None


def _name(due: Due) -> tuple[str, str]:
    return due.event.event_id, due.event.account
