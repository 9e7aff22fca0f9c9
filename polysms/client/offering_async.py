"""What an async client asks providers for beside messages; each as the sync client's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import TYPE_CHECKING, Any

from polysms.client import asking, offers
from polysms.client.keeping import Task, Told
from polysms.client.lending import Lent
from polysms.config import Config
from polysms.delivery import Delivery

if TYPE_CHECKING:
    from polysms.services import (
        Balance,
        Identity,
        NewSender,
        NumberFacts,
        RemoteOptOut,
        Restriction,
        Sender,
    )


class OfferingAsync:
    """What the async client asks for; where several accounts can answer, ``account`` names one.

    Every method raises :class:`~polysms.errors.Unsupported` where the provider does not offer it,
    :class:`~polysms.errors.LookupFailed` for an answer that is none, and
    :class:`~polysms.errors.ConfigError` where it is not clear which account is meant.
    """

    config: Config
    _lent: Lent | None

    if TYPE_CHECKING:

        async def _ask(self, steps: Generator[Task, Told, Any]) -> Any: ...

    async def balance(self, account: str | None = None) -> Balance:
        """Ask what is left on an account."""
        found: Balance = await self._ask(offers.service(self.config, account, "balance"))
        return found

    async def identity(self, account: str | None = None) -> Identity:
        """Ask who the provider says that an account's credentials are."""
        found: Identity = await self._ask(offers.service(self.config, account, "identity"))
        return found

    async def lookup(self, number: str, account: str | None = None) -> NumberFacts:
        """Ask what a provider knows of a number: its kind, country and carrier.

        Providers charge for this. The first account that can is asked, unless one is named.
        """
        steps = offers.service(self.config, account, "number", offers.number_of(number))
        found: NumberFacts = await self._ask(steps)
        return found

    async def redact(
        self,
        delivery: Delivery | str | None = None,
        *,
        account: str | None = None,
        provider_id: str | None = None,
    ) -> None:
        """Let the provider forget the text of a message, and then our ledger.

        Give a delivery, its id or key (with a ledger), or ``account`` and ``provider_id``.
        """
        kept = self._lent is not None
        await self._ask(offers.redacted(self.config, delivery, account, provider_id, kept=kept))

    @property
    def senders(self) -> AsyncSenders:
        """The senders that providers have for our accounts."""
        return AsyncSenders(self.config, self._ask)

    async def remote_optouts(
        self, account: str | None = None, **filters: str
    ) -> AsyncIterator[RemoteOptOut]:
        """Yield the numbers that a provider itself sends nothing to; a page at a time.

        ``filters`` are in the provider's own words. Ours are in ``client.optouts``.
        """
        following: Any = filters or None
        seen: set[str] = set()
        while True:
            page = await self._ask(offers.service(self.config, account, "optouts", following))
            for one in page.items:
                yield one
            following = asking.unseen(page.following, seen, account or "")
            if following is None:
                return


class AsyncSenders:
    """The senders of accounts, as their providers have them."""

    def __init__(
        self, config: Config, ask: Callable[[Generator[Task, Told, Any]], Awaitable[Any]]
    ) -> None:
        self._config = config
        self._ask = ask

    async def list(self, account: str | None = None) -> AsyncIterator[Sender]:
        """Yield an account's senders; a page at a time."""
        following: Any = None
        seen: set[str] = set()
        while True:
            page = await self._ask(offers.service(self._config, account, "senders", following))
            for one in page.items:
                yield one
            following = asking.unseen(page.following, seen, account or "")
            if following is None:
                return

    async def get(self, id: str, account: str | None = None) -> Sender:  # noqa: A002 - the plain word
        """Return one sender, by the provider's id."""
        found: Sender = await self._ask(offers.service(self._config, account, "sender", id))
        return found

    async def register(
        self, sender: NewSender | str, account: str | None = None, **facts: Any
    ) -> Sender:
        """Ask the provider to take a sender; it may cost money and take days.

        ``facts`` are the fields of :class:`~polysms.services.NewSender`. Without an answer nobody
        knows whether it was registered: list them before you try again.
        """
        wanted = offers.new_sender(sender, facts)
        found: Sender = await self._ask(offers.service(self._config, account, "new_sender", wanted))
        return found

    async def drop(self, id: str, account: str | None = None) -> None:  # noqa: A002
        """Give a sender back, by the provider's id."""
        await self._ask(offers.service(self._config, account, "drop_sender", id))

    async def restrictions(
        self, country: str, kind: str, account: str | None = None
    ) -> Restriction:
        """Ask what a country asks of a kind of sender ("number" or "name")."""
        steps = offers.service(self._config, account, "restrictions", country, kind)
        found: Restriction = await self._ask(steps)
        return found
