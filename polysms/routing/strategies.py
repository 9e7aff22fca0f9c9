"""Strategies: in which order a route's accounts are asked.

A strategy is a function from the message and the route's accounts to an ordered list of them. It
is asked again before every attempt, without the accounts already tried.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from polysms.message import Message

Strategy = Callable[[Message, Sequence[str]], Sequence[str]]


def failover(message: Message, accounts: Sequence[str]) -> Sequence[str]:
    """Ask them in the order in which the route names them."""
    del message
    return accounts


STRATEGIES: dict[str, Strategy] = {"failover": failover}
