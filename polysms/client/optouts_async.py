"""Opt-outs as the async client handles them: the ledger is asked in a thread."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from polysms.client.keeping import Task, Told
from polysms.client.optouts import Known, Mirror, mirrors_of
from polysms.client.records import Records
from polysms.config import Config

if TYPE_CHECKING:
    from polysms.ledger import OptOut

#: Opt-outs that are handed from the ledger's thread at once.
PAGE = 500


class AsyncOptOuts:
    """As :class:`~polysms.client.optouts.OptOuts`, for asyncio."""

    def __init__(
        self,
        config: Config,
        records: Records,
        mirror: Mirror,
        obey: Callable[[Generator[Task, Told, int]], Awaitable[int]],
        in_thread: Callable[[Callable[[], Any]], Awaitable[Any]],
    ) -> None:
        self._known = Known(config, records)
        self._mirrors = mirrors_of(config)
        self._mirror = mirror
        self._obey = obey
        self._in_thread = in_thread

    async def add(
        self,
        number: str,
        list: str | None = None,  # noqa: A002 - the plain word
        *,
        tenant: str | None = None,
        source: str = "api",
    ) -> bool:
        """Send a number nothing more; return whether that is new."""
        add = partial(self._known.add, number, list, tenant=tenant, source=source)
        return bool(await self._in_thread(add))

    async def remove(
        self,
        number: str,
        list: str | None = None,  # noqa: A002
        *,
        tenant: str | None = None,
    ) -> bool:
        """Take a number off a list, or (None) off every list; return whether it was there."""
        return bool(await self._in_thread(partial(self._known.remove, number, list, tenant=tenant)))

    async def has(
        self,
        number: str,
        list: str | None = None,  # noqa: A002
        *,
        tenant: str | None = None,
    ) -> bool:
        """Whether a message of a list, or (None) of any, would be refused."""
        return bool(await self._in_thread(partial(self._known.has, number, list, tenant=tenant)))

    async def mirror(self) -> int:
        """Tell providers what they are yet to be told, once; return of how many they took note."""
        return await self._obey(self._mirror.round()) if self._mirrors else 0

    async def list(
        self,
        list: str | None = None,  # noqa: A002
        *,
        tenant: str | None = None,
    ) -> AsyncIterator[OptOut]:
        """Yield every opt-out, or those of a list or a tenant, a page at a time."""
        walk = await self._in_thread(partial(self._known.list, list, tenant=tenant))
        while page := await self._in_thread(lambda: tuple(islice(walk, PAGE))):
            for one in page:
                yield one
