"""A text followed from its acceptance on: by its id, in the list, by its report."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import attrs

from polysms.client import Client
from polysms.config import Account
from polysms.delivery import Delivery, DeliveryReport
from polysms.doctor.sent import Followed, Looked, pauses
from polysms.doctor.shape import places
from polysms.errors import NotFound, PolysmsError

#: Messages of a list that are looked through for ours, and how far back they go: clocks differ.
_MOST = 200
_BACK = timedelta(minutes=5)


def followed(client: Client, account: Account, delivery: Delivery, timeout: float) -> Followed:
    """Look for a text that was taken until all is seen, the time is over, or Ctrl-C."""
    adapter, config = account.adapter, client.config
    notes = Followed(
        delivery=delivery,
        reference=delivery.attempts[-1].reference,
        by_id=Looked() if hasattr(adapter, "fetch_request") else None,
        by_list=Looked() if hasattr(adapter, "list_request") else None,
        awaits=config.ledger is not None and config.public_url is not None,
    )
    began = time.monotonic()
    follow = _Follow(client, account, notes, lambda: time.monotonic() - began)
    try:
        for pause in pauses():
            follow.look()
            notes.within = follow.elapsed()
            if notes.is_over or notes.within >= timeout:
                break
            time.sleep(min(pause, timeout - notes.within))
    except KeyboardInterrupt:
        notes.is_interrupted = True
        notes.within = follow.elapsed()
    return notes


class _Follow:
    """What is looked at in each round."""

    def __init__(
        self, client: Client, account: Account, notes: Followed, elapsed: Callable[[], float]
    ) -> None:
        self._client = client
        self._account = account
        self._notes = notes
        self.elapsed = elapsed
        self._since = datetime.now(UTC) - _BACK

    def look(self) -> None:
        """Look once, wherever there is still something to see."""
        notes = self._notes
        if notes.by_id is not None and (notes.by_id.after is None or notes.ended is None):
            self._seek(notes.by_id, self._by_id)
        if notes.by_list is not None and notes.by_list.after is None:
            self._seek(notes.by_list, self._by_list)
        if self._client.config.ledger is not None and notes.heard is None:
            self._listen()

    def _seek(self, looked: Looked, ask: Callable[[], Mapping[str, Any] | None]) -> None:
        try:
            raw = ask()
        except PolysmsError as error:
            looked.error = str(error)
            return
        looked.note(self.elapsed(), self._notes.reference, raw)

    def _by_id(self) -> Mapping[str, Any] | None:
        notes = self._notes
        identity = str(notes.delivery.provider_id)
        try:
            found = self._client.fetch(account=self._account.name, provider_id=identity)
        except NotFound:
            return None
        notes.walk(self.elapsed(), found)
        notes.delivery = _with(notes.delivery, found)
        return found.raw

    def _by_list(self) -> Mapping[str, Any] | None:
        """Return our text as the list has it: by the reference where that is exact."""
        sent, exact = self._notes.delivery, self._account.adapter.capabilities.lookup == "exact"
        wanted = {"reference": self._notes.reference} if exact else {"to": sent.to}
        listed = self._client.list_remote(self._account.name, since=self._since, **wanted)
        alike = (one for one in islice(listed, _MOST) if one.provider_id == sent.provider_id)
        found = next(alike, None)
        return None if found is None else found.raw

    def _listen(self) -> None:
        notes = self._notes
        try:
            events = self._client.ledger.events(str(notes.delivery.id))
        except PolysmsError:
            return
        for event in events:
            if isinstance(event, DeliveryReport) and event.status.final:
                notes.heard = self.elapsed()
                notes.heard_places = tuple(places(notes.reference, event.raw))


def _with(sent: Delivery, found: Delivery) -> Delivery:
    """Return what is known of our text, with what its provider says of it now."""
    names = ("status", "raw_status", "segments_billed", "price", "fees")
    facts = {name: getattr(found, name) for name in names}
    known = {name: value for name, value in facts.items() if value is not None}
    return attrs.evolve(sent, **known)
