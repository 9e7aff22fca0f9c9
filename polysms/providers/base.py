"""What a provider's adapter is, and what every adapter may use.

An adapter is pure: it turns a :class:`~polysms.message.Message` into a :class:`Request` and a
:class:`Response` into :class:`Accepted`, :class:`Refused`, :class:`Busy` or :class:`Unclear`. It
opens no socket, reads no clock and raises only :class:`~polysms.errors.Unsupported`. The client
carries the request, the router decides what an answer means for the message.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar, Protocol, runtime_checkable
from urllib.parse import quote, urlencode

import attrs

from polysms.delivery import Price, Status
from polysms.errors import Reason
from polysms.message import Message

JSON = "application/json"


#: For each way to write an account as a URL: the settings its user, password and host stand for.
UrlForms = tuple[tuple[str, ...], ...]


@attrs.frozen(slots=False)
class Request:
    """One HTTP request, ready to be carried: URL whole, headers and body final."""

    method: str
    url: str = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(repr=False, hash=False)
    content: bytes = attrs.field(default=b"", repr=False)


@attrs.frozen(slots=False)
class Response:
    """One HTTP answer as far as it came: ``complete`` is False where the body was cut or too big.

    ``headers`` are asked for in lower case. ``seconds`` is how long the answer took.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False, hash=False)
    body: bytes = attrs.field(repr=False)
    complete: bool = True
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the status line says success (2xx)."""
        return 200 <= self.status < 300


@attrs.frozen(kw_only=True, slots=False)
class Record:
    """What a provider says of one message, in neutral words; ``raw`` is its own object."""

    provider_id: str | None
    raw_status: str | None
    status: Status
    kind: str | None = None
    direction: str | None = None
    to: str | None = attrs.field(default=None, repr=False)
    from_: str | None = attrs.field(default=None, repr=False)
    text: str | None = attrs.field(default=None, repr=False)
    media: tuple[str, ...] = ()
    reference: str | None = None
    segments_billed: int | None = None
    price: Price | None = None
    fees: Price | None = None
    mcc: str | None = None
    mnc: str | None = None
    error_code: str | None = None
    error_text: str | None = attrs.field(default=None, repr=False)
    reason: Reason | None = None
    created_at: datetime | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    changed_at: datetime | None = None
    status_changed_at: datetime | None = None
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, hash=False)


@attrs.frozen(slots=False)
class Accepted:
    """The provider took the message and named it."""

    record: Record


@attrs.frozen(kw_only=True)
class Refused:
    """An understood "no": the provider does not have the message."""

    reason: Reason
    text: str = ""
    code: str | None = None


@attrs.frozen(kw_only=True)
class Busy:
    """A "later, please" before any processing; ``limited`` is True for a rate limit (429)."""

    limited: bool
    retry_after: float | None = None
    text: str = ""
    code: str | None = None


@attrs.frozen(kw_only=True)
class Unclear:
    """Nobody can tell from this answer whether the provider has the message."""

    text: str
    code: str | None = None


Answer = Accepted | Refused | Busy | Unclear


@attrs.frozen
class Token:
    """What a provider gives for credentials, good for ``expires_in`` seconds (None: not said)."""

    value: str = attrs.field(repr=False)
    expires_in: float | None = None


@attrs.frozen(kw_only=True)
class Query:
    """Which messages of a provider's own list are wanted.

    ``filters`` are in the provider's words; ``cursor`` is the adapter's own mark of the next page.
    """

    direction: str = "outbound"
    to: str | None = attrs.field(default=None, repr=False)
    from_: str | None = attrs.field(default=None, repr=False)
    since: datetime | None = None
    until: datetime | None = None
    reference: str | None = None
    page_size: int = 50
    cursor: str | None = None
    filters: Mapping[str, str] = attrs.field(factory=dict, repr=False, hash=False)


@attrs.frozen
class Page:
    """One page of a provider's list, and the query for the next one (None at the end)."""

    records: tuple[Record, ...]
    following: Query | None = None


@attrs.frozen(kw_only=True)
class Capabilities:
    """What a provider can do and where its limits are, as data.

    ``lookup`` says how an unclear send can be found again: "exact" by our reference, "heuristic"
    by number and time, "none". ``longest_text`` is in characters, ``longest_units`` in units of the
    text's encoding ("GSM-7", "UCS-2"). ``reports`` names the kinds whose delivery is ever reported.
    ``validity``, ``tag`` and ``status_callback`` say whether the provider has a word for these.
    ``plus_senders`` says that a number as the sender must begin with a plus. A provider of texts
    alone has ``most_media=0`` and ``mms_to="none"``.
    """

    title: str
    lookup: str
    reports: frozenset[str]
    longest_text: int | None = None
    longest_mms_text: int | None = None
    longest_units: Mapping[str, int] = attrs.field(factory=dict, hash=False)
    most_media: int
    validity: bool
    tag: bool
    status_callback: bool
    short_numbers: bool
    short_code_senders: bool
    alphanumeric_senders: bool
    mms_to: str
    group_mms: bool = False
    plus_senders: bool = False
    checked: str
    verified: str
    sources: tuple[str, ...] = ()


@runtime_checkable
class Provider(Protocol):
    """What an adapter must offer. One instance serves one account.

    ``Settings`` has ``home``, the provider's public address for the account without a last slash,
    and may have ``url_forms``: which settings the parts of a URL (user, password, host) stand for.

    Optional methods, found by name: ``fetch_request(provider_id)`` (answered to ``read``),
    ``list_request(query)`` with ``read_list(response, query)``, ``check_request()``, and
    ``read_check(response)``: what is wrong with credentials that were let in, or None;
    ``recipients(message)``: every number one request would reach where that is more than ``to``,
    ``is_guess(raw_status)``: whether what a status word means is not documented but guessed,
    ``warnings(message)``: what may go wrong though the provider takes it,
    ``documented``: the fields of its answer to a good send (:mod:`polysms.doctor.shape`), and
    ``optout_request(number)`` (answered to ``read_optout``, which returns what is wrong, or None):
    tells it that a number wants no messages. Options that make one message a group's are called
    ``group_recipients``, whatever the provider's own word.

    Where credentials are good only for a token: ``token_request()``, the request for one (None for
    an account that needs none), ``read_token(response)``, a :class:`Token` or what it means that
    there is none, and ``authorized(request, value)``, a request with the token's value in it.

    To hear it (:mod:`polysms.providers.hearing` has the values): ``events(webhook_request)``, what
    a webhook says; ``webhook_methods`` where it is not POST alone; and, of a provider that signs,
    ``signing_keys`` (the configured ones, none if it is not set up) with
    ``signed(webhook_request, url)``.
    """

    name: ClassVar[str]
    Settings: ClassVar[type]
    Options: ClassVar[type]
    capabilities: ClassVar[Capabilities]

    def __init__(self, settings: Any, base_url: str) -> None:
        """Take the account's settings; ``base_url`` is ``settings.home`` or its stand-in."""

    def request(self, message: Message, reference: str) -> Request:
        """Return the request that sends a message whose ``from_`` is already resolved."""

    def read(self, response: Response) -> Answer:
        """Return what the answer to a send means."""


def secret() -> Any:
    """Return an attrs field for a credential: required, and never shown."""
    return attrs.field(repr=False, metadata={"secret": True})


def optional_secret() -> Any:
    """Return an attrs field for a credential that may be left out; never shown."""
    return attrs.field(default=None, repr=False, metadata={"secret": True})


def _no_empty_secret(_: Any, field: attrs.Attribute[Any], value: tuple[str, ...]) -> None:
    # An HMAC takes an empty key without a word, and everybody knows that key.
    if not all(one.strip() for one in value):
        raise ValueError(f"{field.name}: is empty; an empty secret protects nothing")


def secrets(validator: Any = _no_empty_secret) -> Any:
    """Return an attrs field for several credentials of one kind, of which any will do."""
    return attrs.field(default=(), repr=False, metadata={"secret": True}, validator=validator)


def in_place_of_reference(**facts: Any) -> Any:
    """Return an attrs field of options that stands on the wire where our reference would."""
    return attrs.field(default=None, metadata={"reference": True}, **facts)


def basic(user: str | None, password: str | None) -> str:
    """Return the Authorization header of HTTP Basic (RFC 7617)."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def address(url: str, wanted: Mapping[str, str | None]) -> str:
    """Return a URL with the query parameters that have a value, percent-encoded."""
    given = {name: value for name, value in wanted.items() if value}
    return f"{url}?{urlencode(given, quote_via=quote, errors='replace')}"


def escaped(identity: str) -> str:
    """Return an id, which came from outside, as one part of a URL's path."""
    return quote(identity, safe="", errors="replace")


def secrets_of(settings: Any) -> tuple[str, ...]:
    """Return the credentials in an account's settings, to be hidden from every text."""
    fields: Iterable[attrs.Attribute[Any]] = attrs.fields(type(settings))
    values = [getattr(settings, field.name) for field in fields if field.metadata.get("secret")]
    lists = [value if isinstance(value, tuple) else (value,) for value in values]
    return tuple(value for values in lists for value in values if isinstance(value, str))
