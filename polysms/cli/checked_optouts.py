"""Which senders serve several lists, so that STOP to one of them can mean no single one."""

from __future__ import annotations

from collections.abc import Iterator

from polysms import numbers, redact
from polysms.client.optouts import lists_of
from polysms.config import Account, Config


def of_lists(account: Account, config: Config) -> Iterator[str]:
    """Yield a warning for each sender of an account whose messages are of several lists."""
    # STOP to a route of "all" or "none" is about every list.
    rules = {name: "" if of in {"all", "none"} else of for name, of in lists_of(config).items()}
    for sender in account.sender:
        routes = [name for name in rules if _serves(sender, name, config)]
        if not numbers.is_alphanumeric(sender) and len({rules[name] for name in routes}) > 1:
            shown, named = redact.mask(sender), ", ".join(sorted(routes))
            yield (
                f"sender {shown} serves routes of several opt-out lists ({named}): STOP to it ends "
                "every list, for whoever had messages of more than one within 30 days"
            )


def _serves(sender: str, route: str, config: Config) -> bool:
    """Whether any account of a route sends from a number."""
    reachable = (config.accounts[name] for name in config.routes[route].reachable)
    return any(numbers.same(sender, one) for account in reachable for one in account.sender)
