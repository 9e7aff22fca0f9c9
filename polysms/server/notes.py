"""What is kept of what was heard, and what is then to be told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from polysms.client.optouts import lists_of, mirrors_of
from polysms.config import Config
from polysms.delivery import DeliveryReport, Event
from polysms.server.judging import is_hint
from polysms.server.listeners import Listeners
from polysms.webhooks import Hearing

if TYPE_CHECKING:
    from polysms.ledger import Due, Note, Recorded


class Notes:
    """Makes notes of what was heard, for the ledger to keep."""

    def __init__(self, config: Config, listeners: Listeners) -> None:
        self._listeners = listeners
        self._lists = lists_of(config)
        self._mirrors = mirrors_of(config)

    def of(self, hearing: Hearing, handle_at: datetime) -> list[Note]:
        """Return what is to be kept; ``handle_at`` is when another tells it if we do not."""
        from polysms.ledger import Note  # noqa: PLC0415 - an extra

        return [
            Note(
                event=event,
                hint=(hint := is_hint(hearing, event)),
                handle_at=handle_at if hint or self._listeners.wants(event) else None,
                lists=self._lists,
                mirror=self._mirrors,
            )
            for event in hearing.events
        ]


def dues_of(notes: Sequence[Note], recorded: Sequence[Recorded]) -> list[Due]:
    """Return the events that are to be told now: those that have not come before."""
    return [
        _due(note, one)
        for note, one in zip(notes, recorded, strict=True)
        if one.new and note.handle_at is not None
    ]


def _due(note: Note, recorded: Recorded) -> Due:
    from polysms.ledger import Due  # noqa: PLC0415 - an extra

    event: Event = note.event
    if isinstance(event, DeliveryReport):
        event = attrs.evolve(event, id=recorded.id, key=recorded.key, tag=recorded.tag)
    opt_out = None if recorded.opt_out is None else recorded.opt_out.list
    return Due(event=event, hint=note.hint, status=recorded.status, opt_out=opt_out)
