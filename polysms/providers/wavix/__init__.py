"""Wavix: https://api.wavix.com, messaging API v3 (Bearer key).

Sources: the "Send messages" guide and the ``POST /v3/messages`` reference (the seeds), the OpenAPI
document of 2026-06-30, the official Python SDK 1.1.1. From documents only, not verified live.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

import attrs

from polysms import numbers
from polysms.errors import Reason, Unsupported
from polysms.message import Message
from polysms.providers import base, reading
from polysms.providers.base import Answer, Capabilities, Page, Query, Record, Request, Response
from polysms.providers.hearing import Heard, WebhookRequest
from polysms.providers.limits import check, options_of
from polysms.providers.outcome import accepted, outcome
from polysms.providers.wavix import webhooks
from polysms.providers.wavix.codes import reason_of, status_of

BASE_URL = "https://api.wavix.com"

_NAME = re.compile(r"[A-Za-z0-9\-+_& ]{3,11}")  # seed 000
_NARROW_NAME = re.compile(r"[A-Za-z0-9 ]{1,11}")  # seed 002


@attrs.frozen(kw_only=True)
class WavixSettings:
    """A Wavix account. ``api_key`` is what older documents call ``appid``."""

    home: ClassVar[str] = BASE_URL
    url_forms: ClassVar[base.UrlForms] = (("api_key",),)
    api_key: str = base.secret()


@attrs.frozen(kw_only=True)
class WavixOptions:
    """``tag`` replaces our reference on the wire, so an unclear send is found less surely.

    ``smart_encoding`` lets Wavix replace characters (named in error 41, absent from the OpenAPI).
    """

    tag: str | None = base.in_place_of_reference()
    smart_encoding: bool | None = None


class Wavix:
    """The Wavix adapter."""

    name: ClassVar[str] = "wavix"
    Settings: ClassVar[type] = WavixSettings
    Options: ClassVar[type] = WavixOptions
    capabilities: ClassVar[Capabilities] = Capabilities(
        title="Wavix",
        lookup="exact",
        reports=frozenset({"sms", "mms"}),
        longest_units={"GSM-7": 1630, "UCS-2": 670},  # error 41; 1,630 may be a misprint of 1,530
        most_media=5,
        validity=True,
        tag=False,
        status_callback=True,
        short_numbers=False,
        short_code_senders=True,
        alphanumeric_senders=True,
        mms_to="US and CA",
        checked="2026-11-21",
        verified="documents",
        sources=("docs.wavix.com", "wavix-openapi 2026-06-30", "wavix-python-sdk 1.1.1"),
    )

    def __init__(self, settings: WavixSettings, base_url: str = BASE_URL) -> None:
        """Take the account's key, and the address that stands for the public one."""
        self._url = f"{base_url}/v3/messages"
        self._base = base_url
        self._read = {"Authorization": f"Bearer {settings.api_key}", "Accept": base.JSON}
        self._write = {**self._read, "Content-Type": base.JSON}

    def request(self, message: Message, reference: str) -> Request:
        """Return ``POST /v3/messages``. Raises Unsupported for what Wavix would lose."""
        check(message, self.capabilities)
        _check_sender(message)
        options = options_of(message, self.name, WavixOptions)
        # Any value but null makes it an MMS, an empty list too (seed 000).
        media = {"media": message.media} if message.media else {}
        # ``POST /v3/messages`` (reference page, seed 001).
        said = {
            "from": message.from_ or "",
            "to": message.to,
            "message_body": {"text": message.text, **media},
            "callback_url": message.status_callback,
            "validity": message.valid_for,
            "tag": options.tag or reference,
            "smart_encoding": options.smart_encoding,
        }
        return Request("POST", self._url, self._write, reading.dumps(reading.known(said)))

    def warnings(self, message: Message) -> tuple[str, ...]:
        """Return what may surprise about a name as the sender (seed 002)."""
        name = message.from_ or "0"
        one_way = f"sender {name!r} is a name: nobody can reply to it"
        narrow = f"sender {name!r}: one Wavix guide allows only letters, digits and spaces"
        known = (one_way,) if _NARROW_NAME.fullmatch(name) else (one_way, narrow)
        return known if numbers.is_alphanumeric(name) else ()

    def read(self, response: Response) -> Answer:
        """Return what the answer to a send means."""
        data = reading.mapping(reading.loads(response))
        if response.ok and not _says_no(data):
            return accepted(response, _record(reading.mapping(data.get("message")) or data))
        return _refusal(response, data)

    def fetch_request(self, provider_id: str) -> Request:
        """Return ``GET /v3/messages/{id}``; its answer is flat (OpenAPI) or wrapped (seed 000)."""
        return Request("GET", f"{self._url}/{base.escaped(provider_id)}", self._read)

    def list_request(self, query: Query) -> Request:
        """Return ``GET /v3/messages``; its ``type`` is the direction, its dates are whole days."""
        wanted = {
            "type": query.direction,
            "from": query.from_ and numbers.digits_or_name(query.from_),
            "to": query.to and numbers.digits_or_name(query.to),
            "sent_after": _day(query.since, -1),
            "sent_before": _day(query.until, 1),
            "tag": query.reference,
            "page": query.cursor or "1",
            "per_page": str(min(max(query.page_size, 1), 100)),
            **query.filters,
        }
        return Request("GET", base.address(self._url, wanted), self._read)

    def read_list(self, response: Response, query: Query) -> Page | Answer:
        """Return one page; pages are counted in ``pagination``."""
        data = reading.mapping(reading.loads(response))
        if not response.ok or not isinstance(data.get("items"), list):
            return _refusal(response, data)
        records = tuple(_record(item) for item in reading.objects(data["items"]))
        pages = reading.mapping(data.get("pagination"))
        page = int(query.cursor or 1)
        more = bool(records) and page < (reading.whole(pages.get("total_pages")) or 0)
        return Page(records, attrs.evolve(query, cursor=str(page + 1)) if more else None)

    def check_request(self) -> Request:
        """Return ``GET /v1/profile``, which shows whether the key is good and sends nothing."""
        return Request("GET", f"{self._base}/v1/profile", self._read)

    def optout_request(self, number: str) -> Request:
        """Return ``POST /v3/messages/opt-outs``: for all senders, where none is named (OpenAPI)."""
        body = {"opt_out": {"number": numbers.digits(number)}}
        return Request("POST", f"{self._url}/opt-outs", self._write, reading.dumps(body))

    def read_optout(self, response: Response) -> Answer | None:
        """Return what is wrong with an opt-out, None where Wavix has noted it."""
        data = reading.mapping(reading.loads(response))
        return None if response.ok and not _says_no(data) else _refusal(response, data)

    def events(self, request: WebhookRequest) -> Heard:
        """Return what a webhook says. Raises BadPayload for what Wavix does not post."""
        return webhooks.heard(request)


def _day(moment: datetime | None, later: int) -> str | None:
    return None if moment is None else f"{moment + timedelta(days=later):%Y-%m-%d}"


def _check_sender(message: Message) -> None:
    sender = message.from_ or "0"
    if not numbers.is_alphanumeric(sender):
        return
    why = "must be 3 to 11 ASCII letters, digits, spaces or - + _ &"
    if _NAME.fullmatch(sender):
        if not numbers.in_us_or_canada(message.to):
            return
        why = "cannot be used to the US or Canada; send from a number"
    raise Unsupported(f"Wavix: sender {sender!r} {why}", reason=Reason.SENDER)


def _says_no(data: Mapping[str, Any]) -> bool:
    return data.get("success") is False or data.get("error") is True


def _refusal(response: Response, data: Mapping[str, Any]) -> Answer:
    text = reading.word(data.get("message")) or ""
    reason = reason_of(text)
    if response.ok and _says_no(data):
        # A "no" inside a 2xx: Wavix's own Go client reads these flags there too.
        response = attrs.evolve(response, status=422)
    if response.status == 401:
        text = f"{text or 'Unauthorized'} (a key may be limited to IP addresses)"
    return outcome(response, reason=reason, text=text, code=reading.word(data.get("error_code")))


def _record(data: dict[str, Any]) -> Record:
    """Return what a message object says: the answer of send, get and list (seeds 000 and 001)."""
    said = data.get
    body = reading.mapping(said("message_body"))
    error = reading.word(said("error_message")) or None
    status = reading.word(said("status"))
    direction = reading.word(said("direction"))
    return Record(
        provider_id=reading.word(said("message_id")),
        raw_status=status,
        status=status_of(status, direction),
        kind=reading.word(said("message_type")),
        direction=direction,
        to=reading.plus(reading.word(said("to"))),
        from_=reading.plus(reading.word(said("from"))),
        text=reading.word(body.get("text")),
        media=reading.strings(body.get("media")),
        reference=reading.word(said("tag")),
        segments_billed=reading.whole(said("segments")),
        price=reading.money(said("charge")),
        fees=reading.money(said("carrier_fees")),
        mcc=reading.word(said("mcc")),
        mnc=reading.word(said("mnc")),
        error_text=error,
        reason=reason_of(error) if error else None,
        created_at=reading.moment(said("submitted_at")),
        sent_at=reading.moment(said("sent_at")),
        delivered_at=reading.moment(said("delivered_at")),
        raw=data,
    )
