"""What a sync client asks providers for beside messages."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

from polysms.client import asking, offers
from polysms.client.keeping import Task, Told
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


class Offering:
    """What the sync client asks for; where several accounts can answer, ``account`` names one.

    Every method raises :class:`~polysms.errors.Unsupported` where the provider does not offer it,
    :class:`~polysms.errors.LookupFailed` for an answer that is none, and
    :class:`~polysms.errors.ConfigError` where it is not clear which account is meant.
    """

    config: Config
    _is_kept: bool

    if TYPE_CHECKING:

        def _ask(self, steps: Generator[Task, Told, Any]) -> Any: ...

    def balance(self, account: str | None = None) -> Balance:
        """Ask what is left on an account."""
        found: Balance = self._ask(offers.service(self.config, account, "balance"))
        return found

    def identity(self, account: str | None = None) -> Identity:
        """Ask who the provider says that an account's credentials are."""
        found: Identity = self._ask(offers.service(self.config, account, "identity"))
        return found

    def lookup(self, number: str, account: str | None = None) -> NumberFacts:
        """Ask what a provider knows of a number: its kind, country and carrier.

        Providers charge for this. The first account that can is asked, unless one is named.
        """
        steps = offers.service(self.config, account, "number", offers.number_of(number))
        found: NumberFacts = self._ask(steps)
        return found

    def redact(
        self,
        delivery: Delivery | str | None = None,
        *,
        account: str | None = None,
        provider_id: str | None = None,
    ) -> None:
        """Let the provider forget the text of a message, and then our ledger.

        Give a delivery, its id or key (with a ledger), or ``account`` and ``provider_id``.
        """
        kept = self._is_kept
        self._ask(offers.redacted(self.config, delivery, account, provider_id, kept=kept))

    @property
    def senders(self) -> Senders:
        """The senders that providers have for our accounts."""
        return Senders(self.config, self._ask)

    def remote_optouts(self, account: str | None = None, **filters: str) -> Iterator[RemoteOptOut]:
        """Yield the numbers that a provider itself sends nothing to; a page at a time.

        ``filters`` are in the provider's own words. Ours are in ``client.optouts``.
        """
        following: Any = filters or None
        seen: set[str] = set()
        while True:
            page = self._ask(offers.service(self.config, account, "optouts", following))
            yield from page.items
            following = asking.unseen(page.following, seen, account or "")
            if following is None:
                return


class Senders:
    """The senders of accounts, as their providers have them."""

    def __init__(self, config: Config, ask: Any) -> None:
        self._config = config
        self._ask = ask

    def list(self, account: str | None = None) -> Iterator[Sender]:
        """Yield an account's senders; a page at a time."""
        following: Any = None
        seen: set[str] = set()
        while True:
            page = self._ask(offers.service(self._config, account, "senders", following))
            yield from page.items
            following = asking.unseen(page.following, seen, account or "")
            if following is None:
                return

    def get(self, id: str, account: str | None = None) -> Sender:  # noqa: A002 - the plain word
        """Return one sender, by the provider's id."""
        found: Sender = self._ask(offers.service(self._config, account, "sender", id))
        return found

    def register(self, sender: NewSender | str, account: str | None = None, **facts: Any) -> Sender:
        """Ask the provider to take a sender; it may cost money and take days.

        ``facts`` are the fields of :class:`~polysms.services.NewSender`. Without an answer nobody
        knows whether it was registered: list them before you try again.
        """
        wanted = offers.new_sender(sender, facts)
        found: Sender = self._ask(offers.service(self._config, account, "new_sender", wanted))
        return found

    def drop(self, id: str, account: str | None = None) -> None:  # noqa: A002
        """Give a sender back, by the provider's id."""
        self._ask(offers.service(self._config, account, "drop_sender", id))

    def restrictions(self, country: str, kind: str, account: str | None = None) -> Restriction:
        """Ask what a country asks of a kind of sender ("number" or "name")."""
        steps = offers.service(self._config, account, "restrictions", country, kind)
        found: Restriction = self._ask(steps)
        return found
