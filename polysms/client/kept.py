"""What the sync client does with its ledger."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any

from polysms.client.comparing import Question
from polysms.client.records import Records
from polysms.delivery import Delivery, Status
from polysms.message import Message

if TYPE_CHECKING:
    from polysms.ledger import Ledger
    from polysms.report import Report


class Kept:
    """A client's doings that need a ledger; without one, each is a ConfigError that says so."""

    _records: Records

    @property
    def ledger(self) -> Ledger:
        """The ledger: every message, attempt and report of this configuration."""
        return self._records.ledger

    def enqueue(
        self,
        message: Message,
        *,
        at: datetime | None = None,
        via: str | None = None,
        connection: Any = None,
    ) -> Delivery:
        """Put a message into the outbox, from which ``polysms worker`` sends it; return at once.

        ``at`` is when it is to be sent (now). On a ``connection`` of yours to the ledger's database
        (SQLAlchemy's Connection or Session, Django's, or a plain one of sqlite3 or psycopg) it
        belongs to your own transaction: it is sent if you commit, and never was if you roll back.
        A message with a key that is known returns the delivery that it has. Raises
        :class:`~polysms.errors.LedgerError` where it could not be written down,
        :class:`~polysms.errors.KeyConflict` where the key belongs to another message.
        """
        return self._records.enqueue(message, at, via, connection)

    def enqueue_statement(
        self, message: Message, *, at: datetime | None = None, via: str | None = None
    ) -> Any:
        """Return an SQLAlchemy INSERT that enqueues a message without a key.

        For connections that only their owner can use, as an ``AsyncSession``.
        """
        return self._records.statement(message, at, via)

    def find(  # noqa: PLR0913 - each filter by name
        self,
        *,
        to: str | None = None,
        key: str | None = None,
        tag: str | None = None,
        status: Status | str | None = None,
        account: str | None = None,
        since: datetime | None = None,
        tenant: str | None = None,
        limit: int = 100,
    ) -> list[Delivery]:
        """Return our newest deliveries that have all of this in common, the newest first."""
        return self._records.find(
            to=to,
            key=key,
            tag=tag,
            status=status,
            account=account,
            since=since,
            tenant=tenant,
            limit=limit,
        )

    def get(self, key_or_id: str, tenant: str | None = None) -> Delivery:
        """Return a message's delivery as it stands now; asks no provider.

        Raises :class:`~polysms.errors.NotFound` for an unknown one.
        """
        return self._records.get(key_or_id, tenant)

    def cancel(self, key_or_id: str, tenant: str | None = None) -> Delivery:
        """Let a message that still waits in the outbox never be sent.

        Returns its delivery: CANCELLED, or where it stands because it was too late for that.
        """
        return self._records.cancel(key_or_id, tenant)

    def confirm(self, key_or_id: str, tenant: str | None = None) -> Delivery:
        """Note that a message has arrived ("the code was entered"): no other account tries it."""
        return self._records.confirm(key_or_id, tenant)

    def compare(  # noqa: PLR0913 - each wish by name
        self,
        route: str | None = None,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        by: Collection[str] = (),
        observational: bool = False,
        canaries: Collection[str] = (),
        margin: float = 0.01,
    ) -> Report:
        """Return the accounts of an experiment compared: :class:`polysms.report.Report`.

        ``route`` may be left out where one route is an experiment. ``since`` and ``until`` bound
        when messages were assigned. ``by`` shows the counts by "country", "kind", "carrier",
        "sender" or "tag"; what is concluded never rests on it. With ``observational`` what was not
        assigned by chance is counted, and the report warns of it. ``canaries`` are numbers that
        are known to be dead; ``margin`` is the difference of shares that matters to you.
        """
        question = Question(
            route=route,
            since=since,
            until=until,
            by=by,
            observational=observational,
            canaries=canaries,
            margin=margin,
        )
        return self._records.compare(question)

    def compare_over_time(
        self, route: str | None = None, *, parts: int = 12, **wanted: Any
    ) -> tuple[tuple[str, Report], ...]:
        """Return the same comparison for one part of its time after another, by when each began.

        ``wanted`` is as for :meth:`compare`. No look is counted: it is for a picture of the whole.
        """
        return self._records.compare_over_time(Question(route=route, **wanted), parts)
