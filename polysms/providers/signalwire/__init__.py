"""SignalWire: https://SPACE.signalwire.com, REST messaging API (Basic: project id and API token).

Sources: the OpenAPI page of ``POST /api/messaging/messages`` (seed 004), the TypeSpec of messages
and logs of 2026-08-21, the error-code, rate-limit and webhook pages. Not verified live.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urljoin, urlsplit

import attrs

from polysms.delivery import Price, Status
from polysms.errors import InvalidMessage
from polysms.message import Message
from polysms.providers import base, reading
from polysms.providers.base import Answer, Capabilities, Page, Query, Record, Request, Response
from polysms.providers.hearing import Heard, Signed, WebhookRequest
from polysms.providers.limits import check, options_of
from polysms.providers.outcome import accepted, outcome, weightiest
from polysms.providers.signalwire import signature, webhooks
from polysms.providers.signalwire.codes import BUSY, REASONS, STATUSES
from polysms.redact import HIDDEN

_SPACE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.IGNORECASE)
_VARIABLE = re.compile(r"(?!(?i:signalwire_|sw_|rtc_|internal_))[A-Za-z_][A-Za-z0-9_]*")
_CALLBACK = "status_callback_url"
MOST_VARIABLES = 20
LONGEST_VARIABLE = 1024


def _space(_: SignalWireSettings, __: attrs.Attribute[Any], value: str) -> None:
    if not _SPACE.fullmatch(value):
        raise ValueError('space: write only the name before ".signalwire.com"')


@attrs.frozen(kw_only=True)
class SignalWireSettings:
    """A SignalWire project: its ``space`` (the name before .signalwire.com), id and API token.

    ``signing_key`` is what it signs its webhooks with; a list while one takes another's place.
    """

    url_forms: ClassVar[base.UrlForms] = (("project_id", "api_token", "space"),)
    space: str = attrs.field(validator=_space)
    project_id: str
    api_token: str = base.secret()
    signing_key: tuple[str, ...] = base.secrets()

    @property
    def home(self) -> str:
        """The space's own address."""
        return f"https://{self.space}.signalwire.com"


def _variables(value: Mapping[str, str]) -> dict[str, str]:
    if len(value) > MOST_VARIABLES:
        raise _wrong(f"has {len(value)} entries; at most {MOST_VARIABLES} are taken")
    for name, text in value.items():
        if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
            raise _wrong(f"{name!r} is no allowed name: letters, digits, _, no reserved prefix")
        if not isinstance(text, str) or not 0 < len(text.encode()) <= LONGEST_VARIABLE:
            raise _wrong(f"{name!r} must be a text of 1 to {LONGEST_VARIABLE} bytes")
    return dict(value)


def _wrong(sentence: str) -> InvalidMessage:
    return InvalidMessage(f"custom_variables: {sentence}", field="options")


@attrs.frozen(kw_only=True, hash=False)
class SignalWireOptions:
    """What only SignalWire has.

    ``send_as_mms`` makes an MMS of a text without media; ``custom_variables`` come back in the
    status callback (and nowhere else): at most 20 names, values of at most 1,024 bytes.
    """

    send_as_mms: bool | None = None
    custom_variables: Mapping[str, str] = attrs.field(factory=dict, converter=_variables)


@attrs.frozen(kw_only=True, slots=False)
class _Send:
    """``Message.CreateMessageRequest`` of the OpenAPI document (seed 004)."""

    to: str
    sender: str
    body: str | None = None
    media: tuple[str, ...] = ()
    send_as_mms: bool | None = None
    status_callback: str | None = None
    custom_variables: dict[str, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True, slots=False)
class _Message:
    """``Message.Message`` (seed 004), and the log of the same message, which has ``charge``."""

    id: str | None = None
    sender: str | None = None
    to: str | None = None
    body: str | None = None
    status: str | None = None
    direction: str | None = None
    kind: str | None = None
    media: reading.Strings = ()
    number_of_segments: int | None = None
    charge: Price | None = None
    error_code: str | None = None
    error_message: str | None = None
    created_at: datetime | None = None


_wire = reading.wire_converter()
reading.wire(_wire, _Send, sender="from")
reading.wire(_wire, _Message, sender="from")


class SignalWire:
    """The SignalWire adapter."""

    name: ClassVar[str] = "signalwire"
    Settings: ClassVar[type] = SignalWireSettings
    #: An inbound message may be asked for with GET (the cXML page).
    webhook_methods: ClassVar[tuple[str, ...]] = ("POST", "GET")
    Options: ClassVar[type] = SignalWireOptions
    capabilities: ClassVar[Capabilities] = Capabilities(
        title="SignalWire",
        lookup="heuristic",
        # No carrier reports an MMS back: it ends at "sent" (webhooks page).
        reports=frozenset({"sms"}),
        longest_text=1600,
        longest_mms_text=1600,
        most_media=8,
        validity=False,
        tag=False,
        status_callback=True,
        short_numbers=True,
        short_code_senders=True,
        alphanumeric_senders=False,
        plus_senders=True,
        mms_to="any",
        checked="2026-11-21",
        verified="documents",
        sources=("signalwire.com/docs/apis/rest/messages/create-message", "TypeSpec 2026-08-21"),
    )

    def __init__(self, settings: SignalWireSettings, base_url: str) -> None:
        """Take the project's settings, and the address of its space."""
        self.signing_keys = settings.signing_key
        self._url = f"{base_url}/api/messaging/messages"
        self._logs = f"{base_url}/api/messaging/logs"
        basic = base.basic(settings.project_id, settings.api_token)
        self._read = {"Authorization": basic, "Accept": base.JSON}
        self._write = {**self._read, "Content-Type": base.JSON}

    def request(self, message: Message, reference: str) -> Request:
        """Return ``POST /api/messaging/messages``. Raises Unsupported for what would be lost."""
        options = options_of(message, self.name, SignalWireOptions)
        check(message, self.capabilities, kind="mms" if options.send_as_mms else None)
        variables = dict(options.custom_variables)
        if message.status_callback and len(variables) < MOST_VARIABLES:
            # They come back in the status callback only, so without one they say nothing.
            variables.setdefault(webhooks.REFERENCE, reference)
        send = _Send(
            to=message.to,
            sender=message.from_ or "",
            body=message.text or None,
            media=message.media,
            send_as_mms=options.send_as_mms,
            status_callback=message.status_callback,
            custom_variables=variables,
        )
        return Request("POST", self._url, self._write, reading.dumps(_wire.unstructure(send)))

    def read(self, response: Response) -> Answer:
        """Return what the answer to a send means."""
        data = reading.mapping(reading.loads(response))
        if response.ok:
            return accepted(response, _record(data))
        return _refusal(response, data)

    def fetch_request(self, provider_id: str) -> Request:
        """Return ``GET /api/messaging/logs/{id}``: there is no GET on messages."""
        return Request("GET", f"{self._logs}/{base.escaped(provider_id)}", self._read)

    def list_request(self, query: Query) -> Request:
        """Return ``GET /api/messaging/logs``, which filters by time only."""
        if query.cursor:
            return Request("GET", query.cursor, self._read)
        wanted = {
            "created_after": query.since.isoformat() if query.since else None,
            "created_before": query.until.isoformat() if query.until else None,
            "page_size": str(min(max(query.page_size, 1), 1000)),
            **query.filters,
        }
        return Request("GET", base.address(self._logs, wanted), self._read)

    def read_list(self, response: Response, query: Query) -> Page | Answer:
        """Return one page; ``links.next`` gets the token, so only our own origin is followed."""
        data = reading.mapping(reading.loads(response))
        if not response.ok or not isinstance(data.get("data"), list):
            return _refusal(response, data)
        records = tuple(_record(item) for item in reading.objects(data["data"]))
        target = self._followed(reading.mapping(data.get("links")).get("next"))
        more = target is not None and target != query.cursor
        return Page(records, attrs.evolve(query, cursor=target) if more else None)

    def _followed(self, link: object) -> str | None:
        if not isinstance(link, str) or not link or not (link.isascii() and link.isprintable()):
            return None
        try:
            target = urljoin(self._logs, link)
            ours, theirs = urlsplit(self._logs), urlsplit(target)
        except ValueError:  # "//[": the beginning of an address that never ends
            return None
        same_origin = (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc)
        return target if same_origin else None

    def check_request(self) -> Request:
        """Return ``GET /api/messaging/logs?page_size=1``, which shows the credentials are good."""
        return Request("GET", f"{self._logs}?page_size=1", self._read)

    def events(self, request: WebhookRequest) -> Heard:
        """Return what a webhook says. Raises BadPayload for what SignalWire does not post."""
        return webhooks.heard(request)

    def signed(self, request: WebhookRequest, url: str) -> Signed:
        """Return the signature of a webhook, and those that would be right at this URL."""
        return signature.signed(request, url, self.signing_keys)


def _refusal(response: Response, data: Mapping[str, Any]) -> Answer:
    errors = reading.objects(data.get("errors"))
    codes = [code for error in errors if (code := reading.word(error.get("code")))]
    said = [reading.word(error.get("message") or error.get("detail")) for error in errors]
    text = "; ".join(part for part in (*said, reading.word(data.get("error"))) if part)
    reason = weightiest(REASONS[code] for code in codes if code in REASONS)
    busy = not BUSY.isdisjoint(codes)
    return outcome(response, reason=reason, text=text, code=next(iter(codes), None), busy=busy)


def _record(data: dict[str, Any]) -> Record:
    said: _Message = _wire.structure(data, _Message)
    status = STATUSES.get(said.status or "", Status.UNRECOGNIZED)
    inbound = said.direction == "inbound"
    return Record(
        provider_id=said.id,
        raw_status=said.status,
        status=Status.RECEIVED if inbound else status,
        kind=said.kind,
        direction="inbound" if inbound else "outbound",
        to=said.to,
        from_=said.sender,
        text=said.body,
        media=said.media,
        segments_billed=said.number_of_segments,
        price=said.charge,
        error_code=said.error_code,
        error_text=said.error_message or None,
        reason=REASONS.get(said.error_code or ""),
        created_at=said.created_at,
        # Who knows our own address can post to it, and this is kept and shown.
        raw=data | {_CALLBACK: HIDDEN} if data.get(_CALLBACK) else data,
    )
