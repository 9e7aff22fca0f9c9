"""What a receiver does in a thread of whoever called it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from polysms import Client
from polysms.client.log import log
from polysms.client.optouts import lists_of
from polysms.delivery import Delivery, DeliveryReport, Event, InboundMessage
from polysms.errors import LookupFailed, PolysmsError
from polysms.server.judging import BROKEN, BUSY, is_hint
from polysms.server.listeners import Listeners
from polysms.server.telling import Fetch, Steps, Tell, at_once, failed, telling
from polysms.webhooks import Hearing, WebhookResponse
from polysms.webhooks.keywords import START, STOP

if TYPE_CHECKING:
    from polysms.ledger import Due, Handled

R = TypeVar("R")


class Hands:
    """Does what is to be done with events, one step after the other."""

    def __init__(self, client: Client, listeners: Listeners) -> None:
        self._client = client
        self._listeners = listeners

    def at_once(self, hearing: Hearing) -> WebhookResponse:
        """Tell events that nothing keeps; return the answer that says whether they were taken."""
        for event in hearing.events:
            try:
                opt_out = opt_out_of(event)
                taken = self._done(at_once(event, opt_out, hint=is_hint(hearing, event)))
            except LookupFailed as error:
                log.warning("event_id=%s could not be confirmed: %s", event.event_id, error)
                return BUSY
            if not taken:
                return BROKEN
        return hearing.answer

    def tell_all(self, dues: Sequence[Due]) -> None:
        """Tell events that are kept, and note that; raises nothing."""
        for due in dues:
            try:
                again = self._told(due)
                self._client.ledger.handled([handled(due, again)])
            except Exception:  # noqa: BLE001 - it stands in the ledger, and is told again
                log.exception("event_id=%s could not be told", due.event.event_id)

    def _told(self, due: Due) -> datetime | None:
        now = self._client.duties.now()
        try:
            return self._done(telling(due, now))
        except Exception:  # noqa: BLE001 - a fault of anybody's counts as any failure
            log.exception("event_id=%s could not be told", due.event.event_id)
            return failed(due, now)

    def _done(self, steps: Steps[R]) -> R:
        try:
            task = next(steps)
            while True:
                try:
                    answer = self._do(task)
                except PolysmsError as error:
                    task = steps.throw(error)
                else:
                    task = steps.send(answer)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]

    def _do(self, task: Any) -> Any:
        if isinstance(task, Fetch):
            return self._fetch(task.report)
        if isinstance(task, Tell):
            return self._listeners.tell(task.event, task.opt_out)
        return self._client.ledger.record(task.report, lists=lists_of(self._client.config))

    def _fetch(self, report: DeliveryReport) -> Delivery:
        known = None if report.id is None else self._client.ledger.get(report.id)
        if known is not None and is_about(known, report):
            return self._client.fetch(known)
        return self._client.fetch(account=report.account, provider_id=report.provider_id)


def is_about(delivery: Delivery, report: DeliveryReport) -> bool:
    """Whether a delivery speaks of the copy that a report is about; a message may have others."""
    return (delivery.account, delivery.provider_id) == (report.account, report.provider_id)


def handled(due: Due, again: datetime | None) -> Handled:
    """Return what the ledger is to know of an event that has been told, or is to be once more."""
    from polysms.ledger import Handled  # noqa: PLC0415 - an extra

    return Handled(account=due.event.account, event_id=due.event.event_id, again=again)


def opt_out_of(event: Event) -> str | None:
    """Return the list that a message is about where no ledger knows better: every list."""
    is_one = isinstance(event, InboundMessage) and event.keyword in {STOP, START}
    return "" if is_one else None
