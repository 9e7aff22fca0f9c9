"""Routes, their rules, and the price lists that one of their strategies reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import attrs

from polysms import numbers
from polysms.config import choosing
from polysms.config.keeping import Hours
from polysms.config.reading import Seconds, Texts
from polysms.delivery import Status
from polysms.message import LONGEST_LABEL, Message

ON_MAYBE_SENT = ("stop", "next")
WHEN_LIMITED = ("wait", "skip")
KINDS = ("sms", "mms")
#: The reports after which another account may be asked: what nothing better can follow.
UNDELIVERED = tuple(
    status.value
    for status in Status
    if status.final and Status.UNREPORTED.rank <= status.rank <= Status.UNDELIVERED.rank
)
MOST_COPIES = 3
#: The names; what they do is in routing.strategies.
STRATEGIES = ("failover", "round_robin", "weighted", "cheapest", "best", "experiment")
_PREFIX = re.compile(r"\+[0-9]{1,15}")


def one_of(words: tuple[str, ...]) -> Callable[[Any, attrs.Attribute[str], str], None]:
    """Return a validator that takes these words and no others."""

    def check(_: Any, field: attrs.Attribute[str], value: str) -> None:
        if value not in words:
            spoken = " or ".join(f'"{word}"' for word in words)
            raise ValueError(f"{field.name}: write {spoken}")

    return check


def countries(value: tuple[str, ...]) -> tuple[str, ...]:
    """Return two-letter countries in capitals."""
    if not all(len(country) == 2 and country.isalpha() for country in value):
        raise ValueError('countries: write two-letter countries, as ["US", "CA"]')
    return tuple(country.upper() for country in value)


def _prefixes(value: tuple[str, ...]) -> tuple[str, ...]:
    if not all(_PREFIX.fullmatch(prefix) for prefix in value):
        raise ValueError('prefixes: write the beginnings of numbers, as ["+1", "+4477"]')
    return value


def _kinds(value: tuple[str, ...]) -> tuple[str, ...]:
    if not all(kind in KINDS for kind in value):
        raise ValueError('kinds: write "sms", "mms" or both')
    return value


@attrs.frozen(kw_only=True)
class Rule:
    """Which accounts a route asks for some of its messages; what is left empty fits every one.

    ``countries`` are two-letter, ``prefixes`` the beginnings of numbers, ``kinds`` "sms" or "mms",
    ``senders`` what the message says in ``from_`` (a number, a name, or "@logical").
    """

    accounts: Texts
    countries: Texts = attrs.field(default=(), converter=countries)
    prefixes: Texts = attrs.field(default=(), converter=_prefixes)
    kinds: Texts = attrs.field(default=(), converter=_kinds)
    senders: Texts = attrs.field(default=(), repr=False)

    def fits(self, message: Message) -> bool:
        """Whether a message is one this rule speaks of."""
        return (
            (not self.kinds or message.kind in self.kinds)
            and (not self.prefixes or message.to.startswith(self.prefixes))
            and (not self.countries or numbers.country(message.to) in self.countries)
            and (not self.senders or _is_one_of(message.from_, self.senders))
        )


def _is_one_of(sender: str | None, senders: Iterable[str]) -> bool:
    if sender is None:
        return False
    if sender.startswith("@"):
        return sender in senders
    return any(numbers.same(sender, one) for one in senders)


def _whole(value: int) -> int:
    if not 0 <= value <= 5:
        raise ValueError("repeats: write a whole number from 0 to 5")
    return value


def _hours(value: Hours | str | None) -> Hours | None:
    if value is None or isinstance(value, Hours):
        return value
    try:
        return Hours.from_text(value)
    except ValueError as error:
        raise ValueError(f"hours: {error}") from None


def _undelivered(value: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.upper() for name in value))
    if not all(name in UNDELIVERED for name in names):
        raise ValueError(f"on_undelivered: write one or more of {', '.join(UNDELIVERED)}")
    return names


def _copies(value: int) -> int:
    if not 1 <= value <= MOST_COPIES:
        raise ValueError(f"max_copies: write a whole number from 1 to {MOST_COPIES}")
    return value


def _optouts(value: str) -> str:
    list_ = value.strip()
    if not list_ or not list_.isprintable() or len(list_) > LONGEST_LABEL:
        raise ValueError('optouts: write "all", "none" or the name of a list')
    word = list_.casefold()
    if word in {"all", "none"} and list_ != word:
        raise ValueError(f'optouts: write "{word}", in small letters; no list may be called so')
    return list_


def _numbers(key: str) -> Any:
    def check(value: Mapping[str, float]) -> Mapping[str, float]:
        if not all(0 <= number < float("inf") for number in value.values()):
            raise ValueError(f"{key}: write numbers from 0 up, as {{ wavix = 3, signalwire = 1 }}")
        if value and not any(value.values()):
            raise ValueError(f"{key}: at least one must be more than 0")
        return value

    return attrs.field(factory=dict, converter=check, hash=False)


@attrs.frozen(kw_only=True)
class Route:
    """An order of accounts: ``strategy`` makes it, ``deadline`` (seconds) bounds all attempts.

    ``attempt_timeout`` bounds each of them. ``rules`` replace the accounts for some messages: the
    first that fits counts. ``weights`` are shares for "weighted", ``sticky`` lets it and
    "experiment" choose by the recipient. ``repeats`` is how often an account is asked again after a
    try that surely sent nothing. ``when_limited`` says what to do while a rate is used up or an
    account asks to come back shortly: "wait", or "skip" to the next account.

    "experiment" draws by ``shares`` and ``seed``; ``failover`` says whether others are asked after
    the drawn one. "best" goes by the reports of ``learn_from`` seconds, read anew every
    ``learn_every``; ``explore`` is the part that it leaves to chance, ``pin`` an account that wins,
    or one for each country.

    ``on_maybe_sent``: "stop", or "next", where a second copy is possible (two at most; the first
    one lives ``first_copy_valid_for`` seconds where the provider has a word for it).
    ``resolve_within`` (seconds) lets a send look for proof that an unclear attempt was accepted.
    ``strict`` makes advisory wishes (valid_for, tag) as binding as the text. ``optouts`` says
    which numbers are refused: those that opted out of "all" lists or of one, by its name; "none".

    With a ledger: ``store_text`` says whether it keeps the text of what was sent; ``hours``, of the
    recipient, are those in which anything is sent. The next account is tried after a report in
    ``on_undelivered``, and ``no_report_after`` seconds without one; ``max_copies`` bounds both.
    """

    accounts: Texts
    strategy: str = "failover"
    rules: tuple[Rule, ...] = ()
    weights: Mapping[str, float] = _numbers("weights")
    shares: Mapping[str, float] = _numbers("shares")
    seed: Any = attrs.field(default="", converter=choosing.seed)
    sticky: bool = False
    failover: bool = True
    explore: float = attrs.field(default=0.05, converter=choosing.explore)
    pin: Any = attrs.field(factory=dict, converter=choosing.pins, hash=False)
    learn_from: Seconds = Seconds(14 * 86400.0)
    learn_every: Seconds = Seconds(300.0)
    on_maybe_sent: str = attrs.field(default="stop", validator=one_of(ON_MAYBE_SENT))
    first_copy_valid_for: Seconds = Seconds(120.0)
    resolve_within: Seconds | None = None
    deadline: Seconds = Seconds(60.0)
    attempt_timeout: Seconds | None = None
    repeats: int = attrs.field(default=1, converter=_whole)
    when_limited: str = attrs.field(default="wait", validator=one_of(WHEN_LIMITED))
    strict: bool = False
    store_text: bool = True
    hours: Hours | None = attrs.field(default=None, converter=_hours)
    on_undelivered: Texts = attrs.field(default=(), converter=_undelivered)
    no_report_after: Seconds | None = None
    max_copies: int = attrs.field(default=2, converter=_copies)
    optouts: str = attrs.field(default="all", converter=_optouts)

    def __attrs_post_init__(self) -> None:
        """Refuse settings that their strategy would not read."""
        choosing.require_read(self, _DEFAULTS)

    @property
    def remembering(self) -> tuple[str, ...]:
        """The names of what is set here and can only be kept to with a ledger."""
        names = ("hours", "on_undelivered", "no_report_after")
        drawn = ("strategy",) if self.is_drawn else ()
        set_ = (*drawn, *(name for name in names if getattr(self, name)))
        return set_ if self.optouts == "all" else (*set_, "optouts")

    @property
    def is_drawn(self) -> bool:
        """Whether its choices are noted for a comparison: those of chance, and of reports."""
        return self.strategy in choosing.DRAWING

    @property
    def chances(self) -> Mapping[str, float]:
        """The shares by which chance gives out messages: equal ones where none are named."""
        return self.shares or dict.fromkeys(self.reachable, 1.0)

    @property
    def reachable(self) -> tuple[str, ...]:
        """Every account that any message of this route may be sent through, once each."""
        named = [*self.accounts, *(name for rule in self.rules for name in rule.accounts)]
        return tuple(dict.fromkeys(named))

    def accounts_for(self, message: Message) -> tuple[str, ...]:
        """Return the accounts of the first rule that fits a message, else the route's own."""
        fitting = (rule.accounts for rule in self.rules if rule.fits(message))
        return next(fitting, self.accounts)


_DEFAULTS: Mapping[str, Any] = {
    field.name: getattr(field.default, "factory", lambda field=field: field.default)()
    for field in attrs.fields(Route)
    if field.name in choosing.READ_BY
}


def _prices(value: Mapping[str, object]) -> dict[str, Decimal]:
    return {_prefix(prefix): _price(amount) for prefix, amount in value.items()}


def _prefix(prefix: str) -> str:
    if not _PREFIX.fullmatch(prefix):
        raise ValueError('prices: write the beginning of numbers, as "+1" = 0.0075')
    return prefix


def _price(amount: object) -> Decimal:
    try:
        price = Decimal(str(amount))
    except InvalidOperation:
        price = Decimal(-1)
    if isinstance(amount, bool) or not price.is_finite() or price < 0:
        raise ValueError('prices: write amounts from 0 up, as 0.0075 or "0.0075"')
    return price


@attrs.frozen(kw_only=True)
class Prices:
    """What an account takes: for a segment of an SMS, for an MMS, by the beginning of the number.

    The longest beginning that fits counts. All price lists must be in one currency.
    """

    sms: Mapping[str, Decimal] = attrs.field(factory=dict, converter=_prices, hash=False)
    mms: Mapping[str, Decimal] = attrs.field(factory=dict, converter=_prices, hash=False)

    def of(self, message: Message, segments: int) -> Decimal | None:
        """Return what a message of this many segments costs, None where no price is listed."""
        listed = self.mms if message.media else self.sms
        fitting = [prefix for prefix in listed if message.to.startswith(prefix)]
        if not fitting:
            return None
        return listed[max(fitting, key=len)] * (1 if message.media else segments)
