"""What a ledger does with what providers post: it keeps it, and knows who is yet to be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import attrs
from sqlalchemy import Connection

from polysms.delivery import DeliveryReport, Event
from polysms.ledger import handling, reports
from polysms.ledger.handling import Due, Handled
from polysms.ledger.reports import Note, Recorded


class Hearing:
    """What a ledger has heard."""

    _clock: Callable[[], datetime]
    _write: Callable[..., Any]

    def record(
        self,
        event: Event,
        *,
        handle_at: datetime | None = None,
        hint: bool = False,
        lists: Mapping[str, str] | None = None,
    ) -> Recorded:
        """Keep an event, once however often it comes, and let its message's status follow.

        Nothing follows from a ``hint``, but that its provider is asked. At ``handle_at`` whoever
        listens is to be told of it. ``lists`` is what each route says of opt-outs.
        """
        note = Note(event=event, hint=hint, handle_at=handle_at, lists=lists or {})
        return self.record_many([note])[0]

    def record_many(self, notes: Sequence[Note], handled: Sequence[Handled] = ()) -> list[Recorded]:
        """Keep events, and note which have been told, in one commit."""
        recorded: list[Recorded] = self._write(partial(_kept, notes, handled, self._clock()))
        stray = [
            number
            for number, one in enumerate(recorded)
            if one.id is None
            and (one.new or not notes[number].hint)
            and isinstance(notes[number].event, DeliveryReport)
        ]
        if stray:
            # Once more: an attempt may have been written while ours ran.
            again = [notes[number] for number in stray]
            found = self._write(partial(_kept, again, (), self._clock()))
            for number, one in zip(stray, found, strict=True):
                recorded[number] = attrs.evolve(one, new=recorded[number].new)
        return recorded

    def match_parked(self, limit: int = 1000) -> int:
        """Match what is still parked; return how many reports found their message."""
        now = self._clock()
        matched: int = self._write(lambda one: reports.match_parked(one, now, limit))
        return matched

    def due(self, *, until: datetime, limit: int) -> list[Due]:
        """Return events of which somebody is to be told now; nobody else gets them before."""
        now = self._clock()
        found: list[Due] = self._write(lambda one: handling.claim(one, now, until, limit))
        return found

    def handled(self, told: Sequence[Handled]) -> None:
        """Note that events have been told, or when to try again."""
        self._write(lambda connection: handling.handled(connection, told))


def _kept(
    notes: Sequence[Note], told: Sequence[Handled], now: datetime, connection: Connection
) -> list[Recorded]:
    recorded = reports.record(connection, notes, now) if notes else []
    handling.handled(connection, told)
    return recorded
