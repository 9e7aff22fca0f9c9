"""What a route says of an account that is chosen by chance, or by what reports have shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from polysms.config.reading import fault, nearest
from polysms.message import LONGEST_LABEL

if TYPE_CHECKING:
    from polysms.config.routes import Route
    from polysms.config.values import Account, Config

#: Strategies that give a message to an account by chance, or to the one that reports speak for.
DRAWING = ("experiment", "best")
#: Which strategies read a key of a route that not all of them read.
READ_BY: Mapping[str, tuple[str, ...]] = {
    "weights": ("weighted",),
    "sticky": ("weighted", "experiment"),
    "shares": ("experiment",),
    "failover": ("experiment",),
    "seed": DRAWING,
    "explore": ("best",),
    "pin": ("best",),
    "learn_from": ("best",),
    "learn_every": ("best",),
}
#: What asks an account after the first, by the words that set it.
_ASKS_ANOTHER: Mapping[str, Callable[[Route], bool]] = {
    "on_maybe_sent": lambda route: route.on_maybe_sent == "next",
    "on_undelivered": lambda route: bool(route.on_undelivered),
    "no_report_after": lambda route: route.no_report_after is not None,
}


def seed(value: object) -> str:
    """Return a seed as a text."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError('seed: write a text or a whole number, as "summer"')  # noqa: TRY004
    written = str(value)
    if len(written) > LONGEST_LABEL or not written.isprintable():
        raise ValueError(f"seed: write at most {LONGEST_LABEL} characters that can be printed")
    return written


def explore(value: float) -> float:
    """Return the part of all messages that is left to chance."""
    if not 0 <= value <= 1:
        raise ValueError("explore: write a share from 0 to 1, as 0.05 for one in twenty")
    return value


def pins(value: object) -> dict[str, str]:
    """Return the pinned account by country, "" for all the others."""
    listed = {"": value} if isinstance(value, str) else value
    if not isinstance(listed, Mapping) or not all(map(_is_pin, listed.items())):
        raise ValueError('pin: write an account, or accounts by country, as { US = "wavix" }')
    return {country.upper(): name for country, name in listed.items()}


def _is_pin(pin: tuple[Any, Any]) -> bool:
    country, name = pin
    fits = country == "" or (isinstance(country, str) and len(country) == 2 and country.isalpha())
    return fits and isinstance(name, str) and bool(name)


def require_read(route: Route, defaults: Mapping[str, Any]) -> None:
    """Raise ValueError for what is set on a route and its strategy does not read."""
    for name, strategies in READ_BY.items():
        if route.strategy not in strategies and getattr(route, name) != defaults[name]:
            spoken = " or ".join(f'"{one}"' for one in strategies)
            raise ValueError(f"{name}: only strategy = {spoken} reads this")
    another = [name for name, asks in _ASKS_ANOTHER.items() if asks(route)]
    if not route.failover and another:
        raise ValueError(f"{another[0]}: asks another account, and failover = false asks none")


def check(name: str, route: Route, config: Config) -> None:
    """Raise ConfigError for a choice by reports that nobody could hear, or of strangers."""
    for key, account in (*_named(route, "shares"), *_named(route, "pin")):
        if account not in route.reachable:
            sentence = f"{account!r} is no account of this route; "
            hint = nearest(account, route.reachable)
            raise fault(f"routes.{name}.{key}", sentence + hint, config.where)
    arms = [one for one in route.reachable if route.chances.get(one, 0.0) > 0]
    if route.strategy == "experiment" and len(arms) < 2:
        sentence = "an experiment needs two accounts with a share at least"
        raise fault(f"routes.{name}.shares", sentence, config.where)
    for one in arms:
        why = _unheard(config.accounts.get(one), config.public_url)
        if why is not None:
            sentence = f"{route.strategy!r} goes by delivery reports, and {one} {why}"
            raise fault(f"routes.{name}.strategy", sentence, config.where)


def _named(route: Route, key: str) -> Iterator[tuple[str, str]]:
    names = getattr(route, key)
    yield from ((key, name) for name in (names.values() if key == "pin" else names))


def _unheard(account: Account | None, public_url: str | None) -> str | None:
    """Return why no report of an account is ever heard, None where they are."""
    if account is None or account.provider is None:
        return None  # which is said elsewhere
    adapter = account.adapter
    if not adapter.capabilities.reports:
        return "reports none"
    if is_told(account, public_url) or hasattr(adapter, "fetch_request"):
        return None
    return "cannot be asked for them: set public_url, and its webhook_token"


def is_told(account: Account, public_url: str | None) -> bool:
    """Whether an account's provider tells us by itself what becomes of messages."""
    tokens = account.webhook_token or getattr(account.adapter, "signing_keys", ())
    return public_url is not None and bool(tokens)
