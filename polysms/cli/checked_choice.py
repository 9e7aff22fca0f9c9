"""What ``polysms check`` says of a route's choice: its shares, and what blurs what it shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from polysms.config import Config, Route
from polysms.config.choosing import is_told

_KINDS = ("sms", "mms")


def of_choice(route: Route) -> Iterator[tuple[str, object]]:
    """Yield what a route says of how one of its accounts is chosen."""
    yield "weights", _listed(route.weights)
    yield "shares", _listed(route.chances) if route.strategy == "experiment" else None
    yield "seed", route.seed or None
    yield "sticky", "by recipient" if route.sticky else None
    yield "failover", None if route.failover else "no: nobody is asked after the drawn account"
    if route.strategy == "best":
        yield "explores", f"{route.explore:.0%} of all messages"
        yield "pinned", ", ".join(_pins(route.pin))
        yield "learns", f"from {route.learn_from / 86400:g} d, anew every {route.learn_every:g} s"


def _listed(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {share:g}" for name, share in shares.items())


def _pins(pins: Mapping[str, str]) -> Iterator[str]:
    for country, name in pins.items():
        yield f"{name} for {country}" if country else name


def warnings_of(route: Route, config: Config) -> Iterator[str]:
    """Yield what a comparison of a route's accounts does not show, or waits for."""
    if not route.is_drawn:
        return
    if route.strategy == "experiment":
        yield (
            "an account that rests, or cannot take a message, has no part in its draw: "
            "the comparison is among those that could take it"
        )
    for name in route.reachable:
        account = config.accounts[name]
        reported = account.adapter.capabilities.reports
        for kind in _KINDS:
            if kind not in reported:
                yield f"{name} never reports what becomes of {kind}: of that nothing is learned"
        if not is_told(account, config.public_url):
            yield f"{name} must be asked what becomes of messages: polysms worker does it"
