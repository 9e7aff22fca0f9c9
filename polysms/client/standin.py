"""What stands in the network's place: nothing, except where a test has put something there.

:mod:`polysms.testing` is who does. Everything before the exchange of a request and after it is as
ever: routes, rails, rates, slots, breakers, tokens and the ledger.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary, WeakSet

if TYPE_CHECKING:
    from polysms.client.wire import Exchange
    from polysms.config import Account
    from polysms.delivery import Delivery
    from polysms.routing.steps import Call


class StandIn(Protocol):
    """What a test puts in the network's place."""

    def instead(self, client: Any, account: Account) -> Any:
        """Return what is to be an account's transport, None for its own."""

    def answer(self, transport: Any, call: Call) -> Exchange | None:
        """Return the exchange that a request comes to, None where it is to be made for real."""

    def opening(self, host: str) -> None:
        """Raise what is no :class:`Exception` where no connection may be opened to a host."""

    def ended(self, delivery: Delivery) -> None:
        """Hear how a client's send has ended."""


_standing: list[StandIn] = []
#: The clients of this process, wherever they were made.
clients: WeakSet[Any] = WeakSet()
_receivers: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
_numbers = count()


def put(one: StandIn) -> None:
    """Let something stand in from now on; it hides what stood there before."""
    _standing.append(one)


def take_away(one: StandIn) -> None:
    """Let it stand there no longer; taken away again, it does nothing."""
    if one in _standing:
        _standing.remove(one)


def hears(receiver: Any) -> None:
    """Note a receiver of this process."""
    _receivers[receiver] = next(_numbers)


def receivers() -> list[Any]:
    """Return the receivers whose clients are not closed, the one made last first."""
    known = sorted(_receivers.items(), key=lambda item: item[1], reverse=True)
    return [one for one, _ in known if not one.client._transports.closed]  # noqa: SLF001 - as below


def forget_all() -> None:
    """Let no client know anything of earlier sends: what belongs to one test is not another's."""
    for client in list(clients):
        client._forget()  # noqa: SLF001 - for this alone


def instead(client: Any, account: Account) -> Any:
    """Return what is to be an account's transport, None for its own."""
    return _standing[-1].instead(client, account) if _standing else None


def answer(transport: Any, call: Call) -> Exchange | None:
    """Return the exchange that a request comes to, None where it is to be made for real."""
    return _standing[-1].answer(transport, call) if _standing else None


def opening(host: str) -> None:
    """Tell that a connection to a host is about to be opened."""
    if _standing:
        _standing[-1].opening(host)


def ended(delivery: Delivery | None) -> None:
    """Tell how a send has ended."""
    if _standing and delivery is not None:
        _standing[-1].ended(delivery)
