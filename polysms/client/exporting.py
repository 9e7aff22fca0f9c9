"""What a client reads of a provider's own list in one go, for both clients alike."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing, closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx

from polysms.client import asking, streaming
from polysms.client.plans import seconds_of
from polysms.client.streaming import IDLE_SECONDS, Export
from polysms.client.transports import Transports
from polysms.config import Config
from polysms.delivery import Delivery


def _export(
    config: Config, account: str, idle: float | timedelta | None, wanted: Mapping[str, Any]
) -> Export:
    query = asking.query_of(**wanted, page_size=1)
    seconds = IDLE_SECONDS if idle is None else seconds_of("idle", idle)
    return Export(config.account(account), query, seconds)


class Exporting:
    """What the sync client reads of a provider's own list in one go."""

    config: Config
    _transports: Transports[httpx.BaseTransport]

    def export_remote(  # noqa: PLR0913 - each filter by name
        self,
        account: str,
        *,
        to: str | None = None,
        from_: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        direction: str = "outbound",
        reference: str | None = None,
        filters: Mapping[str, str] | None = None,
        idle: float | timedelta | None = None,
    ) -> Generator[Delivery, None, None]:
        """Yield the messages of the provider's own list out of one long answer, while it comes.

        As ``list_remote``, without pages; ``idle`` is how long the next message may take (60
        seconds). Close the generator where you leave it early. Raises
        :class:`~polysms.errors.Unsupported` where the provider has no such answer, and
        :class:`~polysms.errors.LookupFailed` where it breaks off, after what came has been given,
        or, at the end, where lines could not be read.
        """
        wanted = {"to": to, "from_": from_, "since": since, "until": until, "filters": filters}
        wanted |= {"direction": direction, "reference": reference}
        export = _export(self.config, account, idle, wanted)
        transport = self._transports.of(self.config.account(account))
        with closing(streaming.exported(export, transport)) as found:
            yield from found


class ExportingAsync:
    """What the async client reads of a provider's own list in one go."""

    config: Config
    _transports: Transports[httpx.AsyncBaseTransport]

    if TYPE_CHECKING:

        def _require_loop(self) -> None: ...

    async def export_remote(  # noqa: PLR0913 - each filter by name
        self,
        account: str,
        *,
        to: str | None = None,
        from_: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        direction: str = "outbound",
        reference: str | None = None,
        filters: Mapping[str, str] | None = None,
        idle: float | timedelta | None = None,
    ) -> AsyncGenerator[Delivery, None]:
        """Yield the messages of one long answer; as the sync client's ``export_remote``."""
        self._require_loop()
        wanted = {"to": to, "from_": from_, "since": since, "until": until, "filters": filters}
        wanted |= {"direction": direction, "reference": reference}
        export = _export(self.config, account, idle, wanted)
        transport = self._transports.of(self.config.account(account))
        async with aclosing(streaming.exported_async(export, transport)) as found:
            async for delivery in found:
                yield delivery
