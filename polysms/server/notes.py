"""What is kept of what was heard, and what is then to be told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from polysms.client.optouts import lists_of, mirrors_of
from polysms.config import Config
from polysms.delivery import DeliveryReport, Event
from polysms.server.judging import is_doubted, is_hint, is_named, is_signed
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

    def of(
        self, hearing: Hearing, handle_at: datetime, asked_at: datetime | None = None
    ) -> list[Note]:
        """Return what is to be kept; ``handle_at`` is when another tells it if we do not.

        ``asked_at`` is the same for what its provider is to be asked about first.
        """
        from polysms.ledger import Note  # noqa: PLC0415 - an extra

        return [
            Note(
                event=event,
                hint=is_doubted(hearing, event),
                signed=is_signed(hearing),
                named=is_named(hearing, event),
                handle_at=self._when(hearing, event, handle_at, asked_at or handle_at),
                lists=self._lists,
                mirror=self._mirrors,
            )
            for event in hearing.events
        ]

    def _when(
        self, hearing: Hearing, event: Event, handle_at: datetime, asked_at: datetime
    ) -> datetime | None:
        if is_hint(hearing, event):
            return asked_at
        return handle_at if self._listeners.wants(event) else None


def dues_of(
    notes: Sequence[Note], recorded: Sequence[Recorded], left: datetime | None = None
) -> list[Due]:
    """Return the events that are to be told now: those that have not come before.

    What is due at the time ``left`` is left to a later look.
    """
    return [
        _due(note, one)
        for note, one in zip(notes, recorded, strict=True)
        if one.new and note.handle_at not in {None, left}
    ]


def _due(note: Note, recorded: Recorded) -> Due:
    from polysms.ledger import Due  # noqa: PLC0415 - an extra

    event: Event = note.event
    if isinstance(event, DeliveryReport):
        event = attrs.evolve(event, id=recorded.id, key=recorded.key, tag=recorded.tag)
    opt_out = None if recorded.opt_out is None else recorded.opt_out.list
    return Due(event=event, hint=recorded.hint, status=recorded.status, opt_out=opt_out)
