"""Tables become accounts, routes and rails: the strict part of reading a configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import attrs

from polysms.config import choosing
from polysms.config.keeping import READERS, kept
from polysms.config.rails import Rails
from polysms.config.reading import (
    PLACE,
    Source,
    expand,
    fault,
    known,
    nearest,
    read,
    value_of,
    web_url,
)
from polysms.config.routes import STRATEGIES, Prices, Route, Rule
from polysms.config.values import Account, Common, Config, Timeouts
from polysms.errors import ConfigError
from polysms.providers import LOCAL, load
from polysms.providers.base import Provider, secrets_of

TOP = ("default", "accounts", "routes", "senders", "rails", "prices", *READERS)
COMMON = tuple(field.name for field in attrs.fields(Common))


def build(tables: Mapping[str, Any], source: Source, sandbox: str | None) -> Config:
    """Return the configuration that nested tables describe."""
    missing: list[ConfigError] = []
    expanded = _expanded(tables, source, missing)
    known(expanded, TOP, "", source.where)
    if sandbox is not None:
        sandbox = _sandbox(sandbox)
    accounts = {
        name: _account(name, table, source.where, sandbox, missing)
        for name, table in _tables(expanded, "accounts", source.where).items()
    }
    elsewhere = [error for error in missing if not (error.key or "").startswith("accounts.")]
    if elsewhere:
        raise elsewhere[0]
    default = expanded.get("default")
    return Config(
        accounts=accounts,
        routes=routes_of(expanded.get("routes", {}), source.where),
        senders=senders_of(expanded.get("senders", {}), source.where),
        rails=read(Rails, expanded.get("rails", {}), "rails", source.where),
        prices=prices_of(expanded.get("prices", {}), source.where),
        default=None if default is None else value_of(default, str, "default", source.where),
        where=source.where,
        **kept(expanded, source),
    )


def _expanded(tables: Any, source: Source, missing: list[ConfigError]) -> dict[str, Any]:
    if not isinstance(tables, Mapping):
        raise fault("configuration", f"is a {type(tables).__name__}; write tables", source.where)
    try:
        expanded: dict[str, Any] = expand(tables, source, "", missing)
    except RecursionError:
        raise fault("configuration", "is nested too deeply", source.where) from None
    return expanded


def _sandbox(url: str) -> str:
    try:
        return web_url(url, loopback_only=True)
    except ValueError as error:
        raise fault("POLYSMS_SANDBOX", str(error), "the environment") from None


def _tables(tables: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    """Return the named tables below a key, none where it is left out."""
    found = tables.get(key, {})
    if not isinstance(found, Mapping):
        raise fault(key, f"is a {type(found).__name__}; write tables", where)
    return found


def _account(
    name: str,
    table: Any,
    where: str,
    sandbox: str | None,
    missing: list[ConfigError],
) -> Account:
    own = [error for error in missing if (error.key or "").startswith(f"accounts.{name}.")]
    if own:
        provider = str(table.get("provider") or name)
        return Account(name=name, provider=None, provider_name=provider, broken=own[0])
    return account_of(name, table, where, sandbox)


def account_of(
    name: str,
    table: Any,
    where: str = PLACE,
    sandbox: str | None = None,
) -> Account:
    """Return the account one table describes: the common keys and the provider's own settings."""
    key = f"accounts.{name}"
    if not isinstance(table, Mapping):
        raise fault(key, f"is a {type(table).__name__}; write a table", where)
    provider_name = table.get("provider", name)
    if not isinstance(provider_name, str):
        raise fault(f"{key}.provider", "write a provider's name in quotes", where)
    adapter = _loaded(provider_name, f"{key}.provider", where)
    known(table, keys_of(adapter), key, where)
    own = {name: value for name, value in table.items() if name not in COMMON}
    common = read(Common, {k: v for k, v in table.items() if k in COMMON}, key, where)
    settings: Any = read(adapter.Settings, own, key, where)
    base_url = common.base_url or _home(settings, provider_name, key, where)
    if sandbox is not None and provider_name not in LOCAL:
        base_url = _moved(base_url, sandbox)
        # A proxy would take the messages off this machine after all.
        common = attrs.evolve(common, proxy=None, trust_env=False)
    return Account(
        name=name,
        provider=adapter(settings, base_url),
        provider_name=adapter.name if provider_name not in LOCAL else provider_name,
        sender=common.sender,
        timeouts=read(Timeouts, common.timeouts, f"{key}.timeouts", where),
        proxy=common.proxy,
        ca=common.ca,
        trust_env=common.trust_env,
        mps=common.mps,
        sender_mps=common.sender_mps,
        concurrency=common.concurrency,
        webhook_token=common.webhook_token,
        verify_reports=common.verify_reports,
        sources=common.sources,
        mirror_optouts=common.mirror_optouts,
        secrets=secrets_of(settings) + secrets_of(common),
    )


def _home(settings: Any, provider: str, key: str, where: str) -> str:
    """Return the provider's public address; an adapter of somebody's own may have none."""
    home: str | None = getattr(settings, "home", None)
    if home is None:
        raise fault(f"{key}.base_url", f"is missing; {provider} has no address of its own", where)
    return home


def keys_of(adapter: type[Provider]) -> tuple[str, ...]:
    """Return the keys an account of this provider may have."""
    own = (field.name for field in attrs.fields(adapter.Settings))
    return (*own, *COMMON)


def _loaded(name: str, key: str, where: str) -> type[Any]:
    try:
        return load(name, key)
    except ConfigError as error:
        raise ConfigError(f"{error} (in {where})", key=key) from error


def _moved(url: str, to: str) -> str:
    target = urlsplit(to)
    return urlunsplit((target.scheme, target.netloc, urlsplit(url).path, "", ""))


def routes_of(tables: Any, where: str = PLACE) -> dict[str, Route]:
    """Return the routes that tables describe, by name."""
    routes = {}
    for name, table in _tables({"routes": tables}, "routes", where).items():
        route = read(Route, table, f"routes.{name}", where)
        if route.strategy not in STRATEGIES:
            sentence = f"there is no {route.strategy!r}; known are {', '.join(STRATEGIES)}"
            raise fault(f"routes.{name}.strategy", sentence, where)
        rules = tuple(
            rule if isinstance(rule, Rule) else read(Rule, rule, f"routes.{name}.rules", where)
            for rule in route.rules
        )
        routes[name] = attrs.evolve(route, rules=rules)
    return routes


def prices_of(tables: Any, where: str = PLACE) -> dict[str, Prices]:
    """Return the price lists that tables describe, by account.

    A table's own entries are the prices of a segment; those of an MMS stand in its ``mms``.
    """
    return {
        account: table
        if isinstance(table, Prices)
        else _price_list(table, f"prices.{account}", where)
        for account, table in _tables({"prices": tables}, "prices", where).items()
    }


def _price_list(table: Any, key: str, where: str) -> Prices:
    listed = _tables({key: table}, key, where)
    mms = _tables({f"{key}.mms": listed.get("mms", {})}, f"{key}.mms", where)
    try:
        return Prices(sms={name: one for name, one in listed.items() if name != "mms"}, mms=mms)
    except ValueError as error:
        raise fault(key, str(error).partition(": ")[2], where) from None


def senders_of(
    tables: Any,
    where: str = PLACE,
) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the logical senders that tables describe: name -> account -> its senders."""
    return {
        name: {
            account: value_of(sender, tuple[str, ...], f"senders.{name}.{account}", where)
            for account, sender in _tables(
                {f"senders.{name}": table}, f"senders.{name}", where
            ).items()
        }
        for name, table in _tables({"senders": tables}, "senders", where).items()
    }


def check(config: Config) -> None:
    """Refuse what does not hang together: unknown names, and secrets missing where they count."""
    if not config.accounts:
        raise fault("accounts", "there is none; add one as [accounts.wavix]", config.where)
    for name in sorted(set(config.routes) & set(config.accounts)):
        raise fault(f"routes.{name}", "an account has this name too; rename one", config.where)
    for name, account in config.accounts.items():
        _check_account(name, account, config)
    for name, route in config.routes.items():
        _check_route(name, route, config)
    for key, name in _named(config):
        if name not in config.accounts:
            hint = nearest(name, config.accounts)
            raise fault(key, f"there is no account {name!r}; {hint}", config.where)
    for name in _reachable(config):
        broken = config.accounts[name].broken
        if broken is not None:
            raise broken


def _check_account(name: str, account: Account, config: Config) -> None:
    if not account.mirror_optouts:
        return
    key = f"accounts.{name}.mirror_optouts"
    if not hasattr(account.adapter, "optout_request"):
        sentence = f"{account.provider_name} cannot be told of opt-outs; leave it out"
        raise fault(key, sentence, config.where)
    if config.ledger is None:
        sentence = 'needs a ledger; add ledger = "sqlite:///polysms.db" at the top'
        raise fault(key, sentence, config.where)


def _check_route(name: str, route: Route, config: Config) -> None:
    if not route.accounts:
        raise fault(f"routes.{name}.accounts", "is empty; name an account", config.where)
    if route.strategy == "cheapest" and not config.prices:
        sentence = "needs a price list; add one as [prices.ACCOUNT]"
        raise fault(f"routes.{name}.strategy", sentence, config.where)
    if config.ledger is None and route.remembering:
        sentence = 'needs a ledger; add ledger = "sqlite:///polysms.db" at the top'
        raise fault(f"routes.{name}.{route.remembering[0]}", sentence, config.where)
    if route.is_drawn:
        choosing.check(name, route, config)


def _named(config: Config) -> list[tuple[str, str]]:
    """Return every place that names an account, with the name."""
    in_routes = [
        (f"routes.{route}.{key}", name)
        for route, value in config.routes.items()
        for key, names in _names_in(value)
        for name in names
    ]
    in_senders = [
        (f"senders.{sender}", name) for sender, value in config.senders.items() for name in value
    ]
    in_prices = [(f"prices.{name}", name) for name in config.prices]
    return in_routes + in_senders + in_prices


def _names_in(route: Route) -> list[tuple[str, Iterable[str]]]:
    rules = [("rules", rule.accounts) for rule in route.rules]
    return [("accounts", route.accounts), *rules, ("weights", route.weights)]


def _reachable(config: Config) -> list[str]:
    names = [name for route in config.routes.values() for name in route.reachable]
    if config.default is None and len(config.accounts) > 1:
        return names
    return [*names, *config.route(None).reachable]
