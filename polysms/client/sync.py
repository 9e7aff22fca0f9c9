"""The sync client."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

import httpx

from polysms.client import asking, core, files, many, standin
from polysms.client.duties import Duties
from polysms.client.exporting import Exporting
from polysms.client.kept import Kept
from polysms.client.log import log, said
from polysms.client.obeying import Obeying
from polysms.client.offering import Offering
from polysms.client.optouts import Mirror, OptOuts, keywords_of
from polysms.client.plans import Plans
from polysms.client.records import Records, ledger_of
from polysms.client.replying import Replying
from polysms.client.tokens import Tokens
from polysms.client.transports import Transports, make_sync
from polysms.config import Config
from polysms.delivery import Delivery
from polysms.errors import PolysmsError
from polysms.message import Message
from polysms.providers.base import Query
from polysms.routing import lookup
from polysms.routing.preview import Previewed, preview
from polysms.routing.steps import Answer, Step, World


class Client(Obeying, Kept, Replying, Offering, Exporting):
    """Sends messages through the accounts of a configuration.

    Thread-safe, and safe to use after ``os.fork()`` (the child opens connections of its own);
    close it once, or use it as a context manager. ``transport`` is your own ``httpx`` transport,
    a function that makes one, or a mapping of them by account. ``before_send(message)`` may return
    another message or raise to stop; ``after_send(delivery, error)`` hears how each send ended.
    """

    def __init__(
        self,
        config: Config | Mapping[str, Any] | str,
        *,
        transport: httpx.BaseTransport
        | Callable[[], httpx.BaseTransport]
        | Mapping[str, httpx.BaseTransport]
        | None = None,
        before_send: Callable[[Message], Message | None] | None = None,
        after_send: Callable[[Delivery | None, PolysmsError | None], object] | None = None,
        world: World = core.REAL_WORLD,
    ) -> None:
        self.config = core.config_of(config)
        self._transports: Transports[httpx.BaseTransport] = Transports(transport, make_sync)
        ledger = ledger_of(self.config, world)
        self._plans = Plans(self.config, ledger, self._transports.prepare)
        self._records = Records(self.config, self._plans, ledger, world)
        self._is_kept = ledger is not None
        self._limits = self._plans.limits
        self._tokens = Tokens(world.clock)
        if self.config.keywords:
            keywords_of(self.config)
        self._mirror = Mirror(self.config, world)
        #: What a worker does with the messages of the outbox, for :meth:`obey`.
        self.duties = Duties(self.config, self._plans, world)
        self._before_send = before_send
        self._after_send = after_send
        self._world = world
        standin.clients.add(self)

    @classmethod
    def from_config(
        cls,
        source: str | Path | Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> Self:
        """Return a client of a file, a URL, a mapping, or of what the environment names.

        Without ``source``: ``POLYSMS_CONFIG`` (a path), else ``POLYSMS_URL``, else
        ``./polysms.toml``. ``settings`` are the other arguments of the class.
        """
        return cls(files.config_from(source), **settings)

    def send(
        self,
        message: Message,
        *,
        via: str | None = None,
        on_maybe_sent: str | None = None,
        deadline: float | timedelta | None = None,
        attempt_timeout: float | timedelta | None = None,
    ) -> Delivery:
        """Send a message and return its delivery once a provider has taken it.

        ``via`` names an account or a route; ``deadline`` is in seconds over all attempts,
        ``attempt_timeout`` over each. Raises
        :class:`~polysms.errors.NotSent` where it surely was not sent,
        :class:`~polysms.errors.MaybeSent` where nobody can tell, and
        :class:`~polysms.errors.ConfigError` before anything was attempted.
        """
        if self._before_send is not None:
            message = self._before_send(message) or message
        plan = self._plans.of(
            message,
            via=via,
            on_maybe_sent=on_maybe_sent,
            deadline=deadline,
            attempt_timeout=attempt_timeout,
        )
        try:
            steps = self._sending(message, plan, via)
            delivery, interrupt = self._drive(steps, sends=True)
        except BaseException as error:
            if (failed := core.told(error)) is not None:
                self._after(failed.delivery, failed)
            raise
        self._after(delivery, None)
        if interrupt is not None:
            raise interrupt
        return delivery

    def send_many(  # noqa: PLR0913 - as send
        self,
        messages: Iterable[Message],
        *,
        concurrency: int = 10,
        via: str | None = None,
        on_maybe_sent: str | None = None,
        deadline: float | timedelta | None = None,
        attempt_timeout: float | timedelta | None = None,
    ) -> Generator[many.Result, None, None]:
        """Send each message of an iterable; yield a :class:`~polysms.Result` as each send ends.

        ``concurrency`` threads send at once; the iterable, which may be endless, is read in yours,
        no further ahead than that. One failure never stops the rest; an exception of the iterable
        is raised after the last result. A generator that is closed, or left by an exception,
        begins no further send and waits for those that have begun; ``after_send`` hears of them.
        Raises :class:`~polysms.errors.ConfigError` at once for a wrong ``concurrency`` or ``via``.
        """
        most = many.require_concurrency(concurrency)
        self.config.route(via)

        def send(message: Message) -> Delivery:
            return self.send(
                message,
                via=via,
                on_maybe_sent=on_maybe_sent,
                deadline=deadline,
                attempt_timeout=attempt_timeout,
            )

        return many.in_threads(send, messages, most)

    def preview(
        self, message: Message, *, via: str | None = None, **wishes: Any
    ) -> tuple[Previewed, ...]:
        """Return what :meth:`send` would do, in the order of the route, without doing it.

        ``wishes`` are its other arguments.
        """
        plan = self._plans.of(message, via=via, **wishes)
        return preview(message, self._plans.shown(plan, self._world), self._world)

    def resolve(
        self,
        delivery: Delivery | str,
        *,
        within: float | timedelta | None = None,
        likely: bool = False,
    ) -> Delivery:
        """Find out what became of a delivery, or an id, that may have been sent. Sends nothing.

        Looks once, or goes on looking ``within`` seconds. Returns the delivery with the provider's
        status where the provider has it, NOT_SENT and ``retry_later`` where it is proved that it
        does not, else MAYBE_SENT still. Where a provider's list shows no references, the one record
        like it counts only if all attempts are known, because only then it is known what else there
        was: those of this client, or of its ledger; ``likely`` takes it all the same, and may be
        wrong. Raises :class:`~polysms.errors.LookupFailed` where the provider gives no answer.
        """

        def steps(delivery: Delivery) -> Generator[Step, Answer, Delivery]:
            return asking.resolving(
                delivery, self.config, self._plans, self._world, within, likely=likely
            )

        return self._ask(asking.resolved(delivery, steps, kept=self._is_kept, likely=likely))

    def fetch(
        self,
        delivery: Delivery | str | None = None,
        *,
        account: str | None = None,
        provider_id: str | None = None,
    ) -> Delivery:
        """Ask the provider what became of a message; return the delivery with what is now known.

        It is named by its delivery, by its id or key where there is a ledger, or by ``account`` and
        ``provider_id``. Raises :class:`~polysms.errors.LookupFailed` where the provider gives no
        answer, :class:`~polysms.errors.NotFound` where it knows no such message.
        """
        kept = self._is_kept
        return self._ask(asking.fetched(self.config, delivery, account, provider_id, kept=kept))

    def list_remote(  # noqa: PLR0913 - each filter by name
        self,
        account: str,
        *,
        to: str | None = None,
        from_: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        direction: str = "outbound",
        reference: str | None = None,
        page_size: int = 50,
        filters: Mapping[str, str] | None = None,
        of: str = "list",
    ) -> Iterator[Delivery]:
        """Yield the messages in the provider's own list; pages are read as they are needed.

        ``filters`` are passed on in the provider's own words. ``of="details"`` reads the list of
        what was billed, where the provider has one of its own (CarrierX). Raises
        :class:`~polysms.errors.LookupFailed`.
        """
        query = asking.query_of(
            to=to,
            from_=from_,
            since=since,
            until=until,
            direction=direction,
            reference=reference,
            page_size=page_size,
            filters=filters,
        )
        asking.require_list(of)
        target = self.config.account(account)
        following: Query | None = query
        seen: set[str] = set()
        while following is not None:
            page = self._ask(lookup.page(target, following, asking.LOOKUP_SECONDS, of))
            for record in page.records:
                if lookup.wanted(record, query):
                    yield lookup.foreign(record, target)
            following = asking.unseen(page.following, seen, account)

    list = list_remote

    def check(self, account: str) -> None:
        """Ask the provider whether an account's credentials are good; sends nothing.

        Raises :class:`~polysms.errors.LookupFailed`, whose ``reason`` tells why.
        """
        self._ask(lookup.check(self.config.account(account), asking.LOOKUP_SECONDS))

    @property
    def optouts(self) -> OptOuts:
        """The numbers that are sent nothing more."""
        return OptOuts(self.config, self._records, self._mirror, self.obey)

    @property
    def memory(self) -> tuple[dict[str, Any], ...]:
        """What the ``memory`` accounts of this client have kept, oldest first."""
        return tuple(kept for made in self._transports.local() for kept in made.kept)

    def close(self) -> None:
        """Close every connection; closing again does nothing."""
        for transport in self._transports.forget():
            transport.close()
        self._limits.close()
        self._plans.close()
        if self._is_kept:
            self.ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _after(self, delivery: Delivery | None, error: PolysmsError | None) -> None:
        said(delivery, error)
        if self._after_send is None:
            return
        try:
            self._after_send(delivery, error)
        except Exception:  # noqa: BLE001 - the send is over: a hook must not make it look failed
            log.exception("after_send failed for id=%s", delivery and delivery.id)
