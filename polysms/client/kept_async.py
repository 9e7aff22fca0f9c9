"""What the async client does with its ledger: the same as the sync one, in a lent thread."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from polysms.client.comparing import Question
from polysms.client.lending import Lent
from polysms.client.records import MISSING, Records
from polysms.delivery import Delivery, Status
from polysms.errors import ConfigError
from polysms.message import Message

if TYPE_CHECKING:
    from polysms.ledger import Ledger
    from polysms.report import Report

T = TypeVar("T")


class KeptAsync:
    """A client's doings that need a ledger; without one, each is a ConfigError that says so."""

    _records: Records
    _lent: Lent | None

    @property
    def ledger(self) -> Ledger:
        """The ledger; its own methods are synchronous, and wait for the database."""
        return self._records.ledger

    async def _in_thread(self, question: Callable[[], T]) -> T:
        if self._lent is None:
            raise ConfigError(MISSING, key="ledger")
        return await self._lent.run(question)

    async def enqueue(
        self, message: Message, *, at: datetime | None = None, via: str | None = None
    ) -> Delivery:
        """Put a message into the outbox; as the sync ``enqueue``, in a commit of its own.

        Inside a transaction of yours, run :meth:`enqueue_statement` on your connection.
        """
        return await self._in_thread(partial(self._records.enqueue, message, at, via, None))

    def enqueue_statement(
        self, message: Message, *, at: datetime | None = None, via: str | None = None
    ) -> Any:
        """Return an SQLAlchemy INSERT that enqueues a message without a key."""
        return self._records.statement(message, at, via)

    async def find(  # noqa: PLR0913 - each filter by name
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
        find = partial(
            self._records.find,
            to=to,
            key=key,
            tag=tag,
            status=status,
            account=account,
            since=since,
            tenant=tenant,
            limit=limit,
        )
        return await self._in_thread(find)

    async def get(self, key_or_id: str, tenant: str | None = None) -> Delivery:
        """Return a message's delivery as it stands now; asks no provider."""
        return await self._in_thread(partial(self._records.get, key_or_id, tenant))

    async def cancel(self, key_or_id: str, tenant: str | None = None) -> Delivery:
        """Let a message that still waits in the outbox never be sent."""
        return await self._in_thread(partial(self._records.cancel, key_or_id, tenant))

    async def confirm(self, key_or_id: str, tenant: str | None = None) -> Delivery:
        """Note that a message has arrived: no other account tries it."""
        return await self._in_thread(partial(self._records.confirm, key_or_id, tenant))

    async def compare(  # noqa: PLR0913 - each wish by name
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
        """Return the accounts of an experiment compared, as the sync ``compare``."""
        question = Question(
            route=route,
            since=since,
            until=until,
            by=by,
            observational=observational,
            canaries=canaries,
            margin=margin,
        )
        return await self._in_thread(partial(self._records.compare, question))

    async def compare_over_time(
        self, route: str | None = None, *, parts: int = 12, **wanted: Any
    ) -> tuple[tuple[str, Report], ...]:
        """Return the same comparison for one part of its time after another."""
        question = Question(route=route, **wanted)
        return await self._in_thread(partial(self._records.compare_over_time, question, parts))
