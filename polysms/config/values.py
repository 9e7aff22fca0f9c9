"""What a configuration holds: its accounts, and all that it says of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import attrs

from polysms import numbers, redact
from polysms.config import keeping, keywords, webhooks
from polysms.config.keeping import Outbox, Sweep
from polysms.config.rails import Rails, masked
from polysms.config.reading import PLACE, Seconds, Source, Texts, fault, read, web_url
from polysms.config.routes import Prices, Route
from polysms.errors import ConfigError, InvalidMessage
from polysms.providers import LOCAL, base
from polysms.providers.base import Provider

#: Segments per second that no provider reaches: more is a slip of the pen.
MOST_MPS = 1_000_000.0
PROXIES = ("http", "https", "socks5", "socks5h")


@attrs.frozen(kw_only=True)
class Timeouts:
    """Seconds for each step of one request. A short ``read`` manufactures maybe-sent messages."""

    connect: Seconds = Seconds(3.0)
    write: Seconds = Seconds(5.0)
    read: Seconds = Seconds(15.0)
    pool: Seconds = Seconds(2.0)


def _base_url(value: str | None) -> str | None:
    try:
        return None if value is None else web_url(value)
    except ValueError as error:
        raise ValueError(f"base_url: {error}") from None


def _proxy(value: str | None) -> str | None:
    if value is None:
        return None
    try:
        parts = urlsplit(value)
        whole = parts.scheme in PROXIES and parts.hostname and parts.port != 0
    except ValueError:
        whole = False
    if not whole:
        raise ValueError("proxy: write one as http://host:port or socks5://host:port")
    return value


def _senders(value: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(numbers.sender(one) for one in value)
    except InvalidMessage as error:
        raise ValueError(f"sender:{str(error).partition(':')[2]}") from None


def _rate(_: Any, field: attrs.Attribute[Any], value: float | None) -> None:
    if value is not None and not 0 < value <= MOST_MPS:
        raise ValueError(f"{field.name}: write segments per second, more than 0, as 1 or 0.5")


def _concurrency(value: int | None) -> int | None:
    if value is not None and value < 1:
        raise ValueError("concurrency: must be at least 1")
    return value


@attrs.frozen(kw_only=True)
class Common:
    """The keys every account may have, whatever its provider.

    ``sender`` is one number or sender ID, or a list; ``ca`` a file of certificate authorities;
    ``trust_env`` lets proxies and certificates come from the environment. ``mps`` and
    ``sender_mps`` are segments per second, of the whole account and of each of its senders;
    ``concurrency`` bounds its requests in flight.

    ``webhook_token`` (one, or several while one takes another's place) stands in the address of its
    webhooks, ``sources`` are the only addresses they come from, ``verify_reports`` says whether an
    unsigned report is confirmed by a fetch. ``mirror_optouts`` tells its provider of our opt-outs.
    """

    provider: str | None = None
    sender: Texts = attrs.field(default=(), converter=_senders)
    base_url: str | None = attrs.field(default=None, converter=_base_url)
    timeouts: Any = attrs.field(factory=dict)
    proxy: str | None = attrs.field(default=None, converter=_proxy, repr=False)
    ca: str | None = None
    trust_env: bool = False
    mps: float | None = attrs.field(default=None, validator=_rate)
    sender_mps: float | None = attrs.field(default=None, validator=_rate)
    concurrency: int | None = attrs.field(default=None, converter=_concurrency)
    webhook_token: Texts = base.secrets(webhooks.token)
    verify_reports: str = attrs.field(default="fetch", validator=webhooks.verify_reports)
    sources: Texts = attrs.field(default=(), validator=webhooks.sources)
    mirror_optouts: bool = False


@attrs.frozen(kw_only=True)
class Account:
    """One configured provider: its adapter, its senders, how it is reached.

    ``broken`` holds what is wrong with an account that nothing uses yet: using it raises that.
    """

    name: str
    provider: Provider | None = attrs.field(repr=False)
    provider_name: str
    sender: tuple[str, ...] = attrs.field(default=(), repr=masked)
    timeouts: Timeouts = Timeouts()
    proxy: str | None = attrs.field(default=None, repr=False)
    ca: str | None = None
    trust_env: bool = False
    mps: float | None = None
    sender_mps: float | None = None
    concurrency: int | None = None
    webhook_token: tuple[str, ...] = attrs.field(default=(), repr=False)
    verify_reports: str = "fetch"
    sources: tuple[webhooks.Network, ...] = attrs.field(default=(), converter=webhooks.networks)
    mirror_optouts: bool = False
    secrets: tuple[str, ...] = attrs.field(default=(), repr=False)
    broken: ConfigError | None = attrs.field(default=None, repr=False)

    def hide(self, text: str) -> str:
        """Return a text with this account's secrets and every phone number hidden."""
        return redact.hide(text, self.secrets)

    @property
    def limited(self) -> bool:
        """Whether a rate bounds what it may be sent."""
        return self.mps is not None or self.sender_mps is not None

    @property
    def local(self) -> bool:
        """Whether its messages stay in this process (console, memory, null)."""
        return self.provider_name in LOCAL

    @property
    def adapter(self) -> Provider:
        """The adapter; raises :class:`~polysms.errors.ConfigError` for a broken account."""
        if self.provider is None:
            raise self.broken or ConfigError(f"accounts.{self.name} is broken")
        return self.provider


def _accounts(value: Mapping[str, Any]) -> dict[str, Account]:
    from polysms.config.build import account_of  # noqa: PLC0415 - it needs these classes

    return {
        name: item if isinstance(item, Account) else account_of(name, item)
        for name, item in value.items()
    }


def _routes(value: Mapping[str, Any]) -> dict[str, Route]:
    from polysms.config.build import routes_of  # noqa: PLC0415 - it needs these classes

    ready = {name: item for name, item in value.items() if isinstance(item, Route)}
    return ready | routes_of({name: item for name, item in value.items() if name not in ready})


def _rails(value: Any) -> Rails:
    return value if isinstance(value, Rails) else read(Rails, value, "rails", PLACE)


def _price_lists(value: Mapping[str, Any]) -> dict[str, Prices]:
    from polysms.config.build import prices_of  # noqa: PLC0415 - it needs these classes

    return prices_of(value)


def _shown_names(value: Mapping[str, Any]) -> str:
    return f"<{', '.join(sorted(value))}>"


def _logical(value: Mapping[str, Any]) -> dict[str, dict[str, tuple[str, ...]]]:
    from polysms.config.build import senders_of  # noqa: PLC0415 - it needs these classes

    return {
        name: {account: _spelled(f"senders.{name}.{account}", own) for account, own in of.items()}
        for name, of in senders_of(value).items()
    }


def _spelled(key: str, senders: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return _senders(senders)
    except ValueError as error:
        raise fault(key, str(error).partition(": ")[2], PLACE) from None


def _routes_of_one(config: Config) -> dict[str, Route]:
    return {name: Route(accounts=(name,)) for name in config.accounts}


@attrs.frozen(kw_only=True)
class Config:
    """A whole configuration, checked; plain tables are read into their classes.

    ``Config(accounts={"wavix": {"api_key": "...", "sender": "Acme"}})`` is a whole one.

    ``default`` names an account or a route; with one account it may be left out. ``ledger`` is the
    address of a database, ``keep_text`` how long it keeps texts (seconds). ``shared`` is the
    address of a Redis or Valkey; while it is out of reach, each of ``processes`` has its share.
    ``public_url`` is where providers reach our webhooks, ``keywords`` are words for STOP, START and
    HELP by language.
    """

    accounts: Mapping[str, Account] = attrs.field(converter=_accounts)
    routes: Mapping[str, Route] = attrs.field(factory=dict, converter=_routes)
    senders: Mapping[str, Mapping[str, tuple[str, ...]]] = attrs.field(
        factory=dict, converter=_logical, repr=_shown_names
    )
    rails: Rails = attrs.field(factory=Rails, converter=_rails)
    prices: Mapping[str, Prices] = attrs.field(factory=dict, converter=_price_lists)
    default: str | None = None
    ledger: str | None = attrs.field(default=None, converter=keeping.ledger_of, repr=keeping.shown)
    keep_text: Seconds = attrs.field(default=keeping.WEEK, converter=keeping.keep_text_of)
    shared: str | None = attrs.field(default=None, converter=keeping.shared_of, repr=keeping.shown)
    processes: int = attrs.field(default=1, converter=keeping.processes_of)
    outbox: Outbox = attrs.field(factory=Outbox, converter=keeping.outbox_of)
    sweep: Sweep = attrs.field(factory=Sweep, converter=keeping.sweep_of)
    public_url: str | None = attrs.field(default=None, converter=webhooks.public_url_of)
    keywords: keywords.Words = attrs.field(factory=dict, converter=keywords.keywords_of, hash=False)
    where: str = PLACE
    # An account is a route of one.
    _of_one: Mapping[str, Route] = attrs.field(
        default=attrs.Factory(_routes_of_one, takes_self=True), init=False, repr=False, eq=False
    )

    def __attrs_post_init__(self) -> None:
        """Refuse what does not hang together, as a route that names no account."""
        from polysms.config.build import check  # noqa: PLC0415 - it needs these classes

        check(self)

    @classmethod
    def from_mapping(
        cls, tables: Mapping[str, Any], source: Source | None = None, sandbox: str | None = None
    ) -> Config:
        """Return the configuration that nested tables describe (as TOML or Django settings).

        ``sandbox`` is a loopback URL that stands in for every provider.
        """
        from polysms.config.build import build  # noqa: PLC0415 - it needs these classes

        return build(tables, source or Source(), sandbox)

    @classmethod
    def from_url(
        cls, line: str, source: Source | None = None, sandbox: str | None = None
    ) -> Config:
        """Return the configuration of one line, as ``wavix://KEY@?sender=Acme``."""
        from polysms.config.url import tables  # noqa: PLC0415 - used for URLs only

        source = source or Source("the URL")
        return cls.from_mapping(tables(line, source.where), source, sandbox)

    def route(self, via: str | None) -> Route:
        """Return the route that ``via`` (a route, an account or None for the default) names."""
        name = via or self.default or self._only()
        if name is None:
            raise fault(
                "default", f"is not set; set it, or say via= one of {self._names()}", self.where
            )
        if name in self.routes:
            return self.routes[name]
        if name in self._of_one:
            return self._of_one[name]
        raise fault(
            "via" if via else "default",
            f"there is no account or route {name!r}; known are {self._names()}",
            self.where,
        )

    def account(self, name: str) -> Account:
        """Return an account by name; raises ConfigError for an unknown or broken one."""
        if name not in self.accounts:
            raise fault(
                "account",
                f"there is no account {name!r}; known are {', '.join(self.accounts)}",
                self.where,
            )
        account = self.accounts[name]
        account.adapter  # noqa: B018 - raises for a broken account
        return account

    def _only(self) -> str | None:
        return next(iter(self.accounts)) if len(self.accounts) == 1 else None

    def _names(self) -> str:
        return ", ".join([*self.routes, *self.accounts])
