"""Coroutines that want something kept share their commits: one costs the same for one or fifty."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from polysms.errors import LedgerError

if TYPE_CHECKING:
    from polysms.ledger import Handled, Ledger, Note, Recorded

#: Runs a question to the ledger in a thread.
Consult = Callable[[Callable[["Ledger"], Any]], Awaitable[Any]]
#: Things that one commit keeps at most.
MOST = 500


class _Wish:
    """What one coroutine wants kept, and the future that tells it what came of it."""

    def __init__(self, notes: Sequence[Note], told: Sequence[Handled]) -> None:
        self.notes = notes
        self.told = told
        self.done: asyncio.Future[list[Recorded]] = asyncio.get_running_loop().create_future()


class Together:
    """Keeps events for the coroutines of one event loop."""

    def __init__(self, consult: Consult) -> None:
        self._consult = consult
        self._waiting: list[_Wish] = []
        self._writing: asyncio.Task[None] | None = None

    async def keep(self, notes: Sequence[Note], told: Sequence[Handled] = ()) -> list[Recorded]:
        """Keep events, and that others have been told; return once that is committed."""
        wish = _Wish(notes, told)
        self._waiting.append(wish)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return await wish.done

    async def _write(self) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._written(taken)
        finally:
            self._writing = None

    async def _written(self, wishes: Sequence[_Wish]) -> None:
        notes = [note for wish in wishes for note in wish.notes]
        told = [one for wish in wishes for one in wish.told]
        try:
            recorded = await self._consult(lambda ledger: ledger.record_many(notes, told))
        except BaseException as error:
            if isinstance(error, Exception) and len(wishes) > 1 and not _fails_all(error):
                for wish in wishes:
                    await self._written([wish])
                return
            _fail(wishes, error)
            if not isinstance(error, Exception):
                raise
        else:
            _share(wishes, recorded)


def _fails_all(error: Exception) -> bool:
    """Whether each by itself would fail too, and only later: the database is not to be had."""
    return isinstance(error, LedgerError) and error.retry_later


def _fail(wishes: Sequence[_Wish], error: BaseException) -> None:
    for wish in wishes:
        if wish.done.done():
            continue  # nobody waits for it any more
        if isinstance(error, asyncio.CancelledError):
            wish.done.cancel()
        else:
            wish.done.set_exception(error)


def _share(wishes: Sequence[_Wish], recorded: Sequence[Recorded]) -> None:
    begin = 0
    for wish in wishes:
        end = begin + len(wish.notes)
        if not wish.done.done():
            wish.done.set_result(list(recorded[begin:end]))
        begin = end
