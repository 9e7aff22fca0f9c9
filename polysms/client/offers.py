"""What clients ask providers for beside messages: which account is asked, and for what."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from polysms import numbers
from polysms.client import asking
from polysms.client.keeping import Consult, Task, Told
from polysms.config import Account, Config
from polysms.delivery import Delivery
from polysms.errors import ConfigError, InvalidMessage, Unsupported
from polysms.routing.services import SERVICES, ask, offered
from polysms.services import NewSender

#: Which accounts' providers offer a service, and which of them is asked where several do.
_ANY = frozenset({"number"})


def offers(account: Account, service: str) -> bool:
    """Whether an account can be asked for a service at all."""
    return account.broken is None and offered(account.adapter, service)


def asked_of(config: Config, name: str | None, service: str) -> Account:
    """Return the account to ask: the one that is named, else the only one that can be.

    Raises ConfigError where several can, and it matters which; Unsupported where none can.
    """
    if name is not None:
        return config.account(name)
    able = [account for account in config.accounts.values() if offers(account, service)]
    doing = SERVICES[service]
    if not able:
        titles = {account.provider_name for account in config.accounts.values()}
        raise Unsupported(f"no account can {doing} ({', '.join(sorted(titles))})")
    if len(able) > 1 and service not in _ANY:
        names = ", ".join(account.name for account in able)
        raise ConfigError(f"account: several can {doing}: name one of {names}", key="account")
    return able[0]


def service(
    config: Config, name: str | None, wanted: str, *facts: Any
) -> Generator[Task, Told, Any]:
    """Yield the steps that ask an account for a service."""
    account = asked_of(config, name, wanted)
    return (yield from ask(account, wanted, *facts, seconds=asking.LOOKUP_SECONDS))


def number_of(number: str) -> str:
    """Return a number in E.164; raise InvalidMessage for what is none."""
    try:
        return numbers.recipient(number)
    except ValueError as error:
        raise InvalidMessage(str(error), field="number") from None


def new_sender(sender: NewSender | str, facts: Mapping[str, Any]) -> NewSender:
    """Return a sender to be registered, of its own or of its facts."""
    if isinstance(sender, NewSender):
        return sender
    try:
        return NewSender(sender=sender, **facts)
    except TypeError as error:
        raise ConfigError(f"sender: {error}", key="sender") from None


def redacted(
    config: Config,
    what: Delivery | str | None,
    account: str | None,
    provider_id: str | None,
    *,
    kept: bool,
) -> Generator[Task, Told, None]:
    """Yield the steps that let a provider, and then our ledger, forget the text of a message."""
    if what is not None:
        what = yield from asking.meant(what, kept=kept)
    target, identity, known = asking.target_of(config, what, account, provider_id)
    yield from ask(target, "redact", identity, seconds=asking.LOOKUP_SECONDS)
    id_ = None if known is None else known.id
    if kept and id_ is not None:
        yield Consult(lambda ledger: ledger.forget(id_))
