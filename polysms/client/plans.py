"""What the sends of one client share: their plans, and what is known of the accounts."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import attrs

from polysms.client.keeping import Keeper, Recollection
from polysms.client.learning import Learning
from polysms.client.limits import Limits
from polysms.client.shared import SharedHealth
from polysms.config import Account, Config, Route
from polysms.config.reading import known
from polysms.errors import ConfigError, InvalidMessage
from polysms.message import Message
from polysms.providers import REGISTRY
from polysms.routing.health import Health
from polysms.routing.plan import Callback, Memory, Plan
from polysms.routing.standing import Standing
from polysms.routing.steps import World

if TYPE_CHECKING:
    from polysms.ledger import Ledger

#: What to do where something needs a ledger.
ADD_LEDGER = 'add a line to the configuration, as ledger = "sqlite:///polysms.db"'


class Plans:
    """The plans of one configuration's sends: those that bend no route are made once."""

    def __init__(
        self,
        config: Config,
        ledger: Ledger | None = None,
        prepare: Callable[[Account], None] | None = None,
    ) -> None:
        self._config = config
        self._ledger = ledger
        # Raises ConfigError where an account's transport cannot be made.
        self._prepare = prepare or (lambda _: None)
        self.limits = Limits(shared=config.shared, processes=config.processes)
        self._begin_anew()
        _all.add(self)

    def forget(self) -> None:
        """Know nothing of earlier sends any more, but what is shared with other processes."""
        self.limits.begin_again()
        self.close()
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._made: dict[str | None, Plan] = {}
        self._learning: dict[str, Learning] = {}
        self.health = Health(threading.Lock())
        self.memory = Memory() if self._ledger is None else Recollection(self._ledger)
        valkey = self.limits.valkey
        self._sharing = SharedHealth(valkey, self.health) if valkey else None

    def begin_again(self) -> None:
        """In the child of a fork: hold no lock that a thread of the parent has locked."""
        self.health.lock = threading.Lock()
        for learning in self._learning.values():
            learning.begin_again()

    def close(self) -> None:
        """Let what is being read be read."""
        for learning in list(self._learning.values()):
            learning.close()

    def of(
        self,
        message: Message,
        *,
        via: str | None,
        on_maybe_sent: str | None = None,
        deadline: float | timedelta | None = None,
        attempt_timeout: float | timedelta | None = None,
    ) -> Plan:
        """Return the plan of one send: the route that ``via`` names, as this call bends it."""
        if not isinstance(message, Message):
            raise InvalidMessage(f"send() takes a Message, not a {type(message).__name__}")
        if self._ledger is None:
            _require_no_ledger(message)
        _check_options(message, self._config)
        plan = self._made.get(via)
        if plan is None:
            plan = self._made[via] = self._plan(self._config.route(via), self.name(via))
        if self._sharing is not None:
            self._sharing.refresh(plan.route.reachable)
        times = {"deadline": deadline, "attempt_timeout": attempt_timeout}
        if on_maybe_sent is None and deadline is None and attempt_timeout is None:
            return plan
        return attrs.evolve(plan, route=_bent(plan.route, on_maybe_sent, times))

    def _plan(self, route: Route, name: str) -> Plan:
        config = self._config
        accounts = tuple(_secretive(config.account(name), config) for name in route.reachable)
        for account in accounts:
            self.limits.prepare(account)
            self._prepare(account)
        learning = self._learns(route, name)
        return Plan(
            name=name,
            standing=Standing if learning is None else learning.standing,
            route=route,
            accounts=accounts,
            senders=config.senders,
            rails=config.rails,
            prices=config.prices,
            health=self.health,
            memory=self.memory,
            written=self._ledger is not None,
            callback=None if config.public_url is None else _callback(accounts, config.public_url),
        )

    def _learns(self, route: Route, name: str) -> Learning | None:
        """Return what a route goes by that learns, None for all others."""
        if route.strategy != "best" or self._ledger is None:
            return None
        return self._learning.setdefault(name, Learning(route, self._ledger))

    def name(self, via: str | None) -> str:
        """Return the name of the account or route that ``via`` means."""
        return via or self._config.default or next(iter(self._config.accounts))

    def shown(self, plan: Plan, world: World) -> Plan:
        """Return a plan whose choices know what is to be known, for a preview."""
        if plan.name in self._learning:
            self._learning[plan.name].looked_at(world)
        return plan

    def keeper(self, plan: Plan, via: str | None) -> Keeper:
        """Return how a send of a plan is written down."""
        return Keeper(
            via=self.name(via),
            store_text=plan.route.store_text,
            first_look=self._config.sweep.first,
            optouts=plan.route.optouts,
            learning=self._learning.get(plan.name),
        )


def _secretive(account: Account, config: Config) -> Account:
    """Return an account that hides the token in the address of its webhooks, too.

    One that is made of a signing key stands nowhere in the configuration.
    """
    if config.public_url is None:
        return account
    from polysms.webhooks.paths import tokens_of  # noqa: PLC0415 - only where somebody listens

    hidden = dict.fromkeys((*account.secrets, *tokens_of(account)))
    return attrs.evolve(account, secrets=tuple(hidden))


def _callback(accounts: Sequence[Account], public_url: str) -> Callback:
    """Return what tells where an account is to report an attempt to."""
    from polysms.webhooks import paths  # noqa: PLC0415 - as above

    known = [account for account in accounts if paths.tokens_of(account)]
    begins = {account.name: paths.address(account, public_url) for account in known}

    def callback(account: Account, reference: str) -> str | None:
        begin = begins.get(account.name)
        return begin and f"{begin}/{paths.message_token(account, reference)}"

    return callback


_all: weakref.WeakSet[Plans] = weakref.WeakSet()


def _in_child() -> None:
    for plans in list(_all):
        plans.begin_again()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)


def _bent(
    route: Route, on_maybe_sent: str | None, times: Mapping[str, float | timedelta | None]
) -> Route:
    changes: dict[str, Any] = {
        name: seconds_of(name, value) for name, value in times.items() if value is not None
    }
    if on_maybe_sent is not None:
        changes["on_maybe_sent"] = on_maybe_sent
    try:
        return attrs.evolve(route, **changes)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def seconds_of(name: str, value: float | timedelta) -> float:
    """Return an argument in seconds; raises ConfigError for what is not more than zero."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        raise ConfigError(f"{name}: write seconds, more than zero", key=name)
    return float(seconds)


def _require_no_ledger(message: Message) -> None:
    for field in ("key", "tenant"):
        if getattr(message, field) is not None:
            raise ConfigError(
                f"{field}: a message's {field} needs a ledger, and there is none; {ADD_LEDGER}",
                key="ledger",
            )


def _check_options(message: Message, config: Config) -> None:
    if not message.options:
        return
    used = {account.provider_name for account in config.accounts.values()}
    try:
        known(message.options, sorted({*REGISTRY, *used}), "options", "the message")
    except ConfigError as error:
        raise InvalidMessage(str(error), field="options") from None
