"""No test reaches a provider unless it says so.

The guard stands where connections are opened, and lets through what leads to this machine. What it
stops is no :class:`Exception`, so neither failover nor an ``except Exception`` swallows it, and no
connection was opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from polysms.client import standin
from polysms.testing.problems import Blocked

if TYPE_CHECKING:
    from polysms.client.wire import Exchange
    from polysms.config import Account
    from polysms.delivery import Delivery
    from polysms.routing.steps import Call

#: Whose request it is that is about to open a connection.
_account: ContextVar[str | None] = ContextVar("_account", default=None)


class Guard:
    """Stands in the network's way, unless it is ``lifted``; ``blocked`` is what it has stopped."""

    def __init__(self) -> None:
        self.lifted = False
        self.blocked: list[Blocked] = []

    def instead(self, client: Any, account: Account) -> None:
        """Leave every account its own transport."""

    def answer(self, transport: Any, call: Call) -> Exchange | None:
        """Stop a request before it begins; None where it may be made."""
        shorter = getattr(transport, "shorter", None)
        # A transport of the tester's own, or one without a network.
        if shorter is None or self.lifted:
            return None
        name, host = call.account.name, _host(call.request.url)
        # Somebody sits in httpx (a recorder, a mock): what he answers opens no connection.
        if shorter() is None:
            _account.set(name)
            return None
        return None if is_loopback(host) else _stopped(self._blocked(name, host))

    def opening(self, host: str) -> None:
        """Raise Blocked where a host is not this machine."""
        name = _account.get()
        _account.set(None)
        if not self.lifted and not is_loopback(host):
            raise self._blocked(name, host)

    def ended(self, delivery: Delivery) -> None:
        """Hear how a send has ended, and say nothing."""

    def _blocked(self, account: str | None, host: str) -> Blocked:
        self.blocked.append(Blocked(account, host))
        return self.blocked[-1]


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, without looking up its name."""
    name = host.strip("[]").partition("%")[0]
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def _host(url: str) -> str:
    from urllib.parse import urlsplit  # noqa: PLC0415 - loaded by now, and not by the plugin

    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _stopped(blocked: Blocked) -> Exchange:
    """Return the end of an exchange that did not begin, and lets nobody else be asked."""
    from polysms.client.wire import Exchange  # noqa: PLC0415 - loaded by now, as above
    from polysms.routing.steps import Failure, Stage  # noqa: PLC0415 - as above

    text = f"stopped before it was asked: a test must not reach {blocked.host}"
    failure = Failure(stage=Stage.NOTHING, text=text, ours=True, interrupted=True)
    return Exchange(failure, blocked)


@contextmanager
def guard() -> Iterator[Guard]:
    """Let no client of this process reach a real provider, inside the block.

    The pytest plugin does so for every test; this is for other runners.
    """
    guarding = Guard()
    standin.put(guarding)
    try:
        yield guarding
    finally:
        standin.take_away(guarding)
