"""CarrierX: https://api.carrierx.com/core/v2 (Bearer token, or legacy Basic).

Sources: "Send Message" of the Core API (seed 003), the SMS, filtering and paging pages, the
official Python client of 2022. From documents only, not verified live.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

import attrs
from attrs.validators import in_, instance_of, optional

from polysms import numbers
from polysms.delivery import Price
from polysms.errors import InvalidMessage, Reason, Unsupported
from polysms.message import Message
from polysms.providers import base, reading
from polysms.providers.base import Answer, Capabilities, Page, Query, Record, Request, Response
from polysms.providers.carrierx.codes import FIELDS, TEXTS, is_guess, status_of
from polysms.providers.hearing import Heard, WebhookRequest, json_object, need
from polysms.providers.limits import check, options_of
from polysms.providers.outcome import accepted, outcome, weightiest

BASE_URL = "https://api.carrierx.com/core/v2"

SCOPES = "sending needs the scope sms.manage or sms.create"
LARGEST_GROUP = 10  # "max 10 numbers including the sender" (the SMS object's page)


@attrs.frozen(kw_only=True)
class CarrierXSettings:
    """A CarrierX account: a ``token``, or for old accounts ``username`` and ``password``."""

    home: ClassVar[str] = BASE_URL
    url_forms: ClassVar[base.UrlForms] = (("token",), ("username", "password"))
    token: str | None = base.optional_secret()
    username: str | None = None
    password: str | None = base.optional_secret()

    def __attrs_post_init__(self) -> None:
        if not self.token and not (self.username and self.password):
            raise ValueError("token: is missing; give token, or username and password")


def _group(value: Iterable[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        raise InvalidMessage("group_recipients: is one str; write a list", field="options")
    return tuple(numbers.recipient(number) for number in value)


@attrs.frozen(kw_only=True)
class CarrierXOptions:
    """What only CarrierX has.

    ``group_recipients`` makes one group MMS of it (at most ten numbers, the sender included);
    ``type`` says "sms" or "mms" outright; ``user_data`` replaces our reference on the wire, so an
    unclear send can be found less surely.
    """

    group_recipients: tuple[str, ...] = attrs.field(default=(), converter=_group, repr=False)
    type: str | None = attrs.field(default=None, validator=optional(in_(("sms", "mms"))))
    user_data: str | None = base.in_place_of_reference(validator=optional(instance_of(str)))


@attrs.frozen(kw_only=True, slots=False)
class _Send:
    """``POST /sms/messages``, the request (seed 003)."""

    sender: str
    to: str
    message: str | None = None
    media_urls: tuple[str, ...] = ()
    group_recipients: tuple[str, ...] = ()
    type: str | None = None
    user_data: str | None = None


@attrs.frozen(kw_only=True, slots=False)
class _Sms:
    """The SMS object (seed 003); legacy accounts see ``from_did`` and ``to_did``."""

    message_sid: str | None = None
    status: str | None = None
    direction: str | None = None
    type: str | None = None
    sender: str | None = None
    from_did: str | None = None
    to: str | None = None
    to_did: str | None = None
    message: str | None = None
    message_segments: int | None = None
    media_urls: reading.Strings = ()
    mcc: str | None = None
    mnc: str | None = None
    price: Price | None = None
    user_data: str | None = None
    date_created: datetime | None = None
    date_changed: datetime | None = None
    date_status_changed: datetime | None = None


_wire = reading.wire_converter()
reading.wire(_wire, _Send, sender="from")
reading.wire(_wire, _Sms, sender="from")


class CarrierX:
    """The CarrierX adapter."""

    name: ClassVar[str] = "carrierx"
    Settings: ClassVar[type] = CarrierXSettings
    Options: ClassVar[type] = CarrierXOptions
    capabilities: ClassVar[Capabilities] = Capabilities(
        title="CarrierX",
        lookup="exact",
        reports=frozenset({"sms", "mms"}),
        longest_mms_text=1600,
        most_media=10,
        validity=False,
        tag=False,
        status_callback=False,
        short_numbers=False,
        short_code_senders=False,
        alphanumeric_senders=False,
        mms_to="US",
        group_mms=True,
        checked="2026-11-21",
        verified="documents",
        sources=("docs.carrierx.com/voice/core-api/sms/sms/send", "carrierx-python 2022-05"),
    )

    def __init__(self, settings: CarrierXSettings, base_url: str = BASE_URL) -> None:
        """Take the account's credentials, and the address that stands for the public one."""
        self._base = base_url
        self._url = f"{self._base}/sms/messages"
        basic = base.basic(settings.username, settings.password)
        authorization = f"Bearer {settings.token}" if settings.token else basic
        self._read = {"Authorization": authorization, "Accept": base.JSON}
        self._write = {**self._read, "Content-Type": base.JSON}

    def request(self, message: Message, reference: str) -> Request:
        """Return ``POST /sms/messages``. Raises Unsupported for what CarrierX would lose."""
        options = options_of(message, self.name, CarrierXOptions)
        group = options.group_recipients
        kind = "mms" if group else options.type or message.kind
        check(message, self.capabilities, kind=kind)
        _check_group(message, group, options.type)
        send = _Send(
            sender=numbers.digits(message.from_ or ""),
            to=numbers.digits(message.to),
            message=message.text or None,
            media_urls=message.media,
            group_recipients=tuple(numbers.digits(number) for number in group),
            type="mms" if kind == "mms" else options.type,
            user_data=options.user_data or reference,
        )
        return Request("POST", self._url, self._write, reading.dumps(_wire.unstructure(send)))

    def recipients(self, message: Message) -> tuple[str, ...]:
        """Return every number the message would reach, the group's included."""
        options = options_of(message, self.name, CarrierXOptions)
        return (message.to, *options.group_recipients)

    def read(self, response: Response) -> Answer:
        """Return what the answer to a send means."""
        data = reading.mapping(reading.loads(response))
        if response.ok:
            return accepted(response, _record(data))
        return _refusal(response, data)

    def fetch_request(self, provider_id: str) -> Request:
        """Return ``GET /sms/messages/{message_sid}``."""
        return Request("GET", f"{self._url}/{base.escaped(provider_id)}", self._read)

    def list_request(self, query: Query) -> Request:
        """Return ``GET /sms/messages``, filtered in CarrierX's language, values quoted."""
        conditions = {
            "direction eq": query.direction,
            "to eq": query.to and numbers.digits(query.to),
            "from eq": query.from_ and numbers.digits(query.from_),
            "user_data eq": query.reference,
            "date_created ge": _stamp(query.since),
            "date_created le": _stamp(query.until),
        }
        wanted = [f"{test} {_quoted(value)}" for test, value in conditions.items() if value]
        given = {
            "filter": " and ".join(wanted),
            "limit": str(min(max(query.page_size, 1), 1000)),
            "offset": query.cursor or "0",
            **query.filters,
        }
        return Request("GET", base.address(self._url, given), self._read)

    def read_list(self, response: Response, query: Query) -> Page | Answer:
        """Return one page. Its links are absolute and are not followed: the offset is counted."""
        data = reading.mapping(reading.loads(response))
        if not response.ok or not isinstance(data.get("items"), list):
            return _refusal(response, data)
        records = tuple(_record(item) for item in reading.objects(data["items"]))
        offset = int(query.cursor or 0) + len(records)
        more = bool(records) and data.get("has_more") is True
        return Page(records, attrs.evolve(query, cursor=str(offset)) if more else None)

    def check_request(self) -> Request:
        """Return ``GET /oauth/whoami``, which shows whether the credentials are good."""
        return Request("GET", f"{self._base}/oauth/whoami", self._read)

    def is_guess(self, raw_status: str | None) -> bool:
        """Return whether what a status word means is guessed from its sound."""
        return is_guess(raw_status)

    def events(self, request: WebhookRequest) -> Heard:
        """Return what a webhook says: the SMS object, for messages in both directions.

        What CarrierX expects is not documented; 200 is taken for it. Raises BadPayload.
        """
        data = json_object(request)
        need(data, "message_sid")
        return Heard((_record(data),))


def _check_group(message: Message, group: tuple[str, ...], kind: str | None) -> None:
    if kind == "sms" and (group or message.media):
        raise _unsupported('type "sms" cannot carry media or a group')
    if len({message.to, *group}) + 1 > LARGEST_GROUP:
        raise _unsupported(f"a group has at most {LARGEST_GROUP} numbers, the sender included")
    if not all(numbers.in_us(number) for number in group):
        raise _unsupported("sends MMS only to numbers of: US")


def _unsupported(sentence: str) -> Unsupported:
    return Unsupported(f"CarrierX: {sentence}", reason=Reason.CAPABILITY)


def _stamp(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def _quoted(value: str) -> str:
    # The language has two quotes and no escape: a value with both cannot be said.
    for quotation in ('"', "'"):
        if quotation not in value:
            return f"{quotation}{value}{quotation}"
    raise _unsupported("a filter value cannot hold both kinds of quotation marks")


def _refusal(response: Response, data: Mapping[str, Any]) -> Answer:
    errors = reading.objects(data.get("errors"))
    said = [data.get("message"), *(error.get("message") for error in errors)]
    text = "; ".join(part for part in said if isinstance(part, str) and part)
    fields = [reading.word(error.get("field")) or "" for error in errors]
    worded = (found for words, found in TEXTS if re.search(words, text, re.IGNORECASE))
    reason = next(worded, None) or weightiest(FIELDS[one] for one in fields if one in FIELDS)
    if response.status == 403:
        text = f"{text or 'Forbidden'} ({SCOPES})"
    return outcome(response, reason=reason, text=text, code=next(filter(None, fields), None))


def _record(data: dict[str, Any]) -> Record:
    said: _Sms = _wire.structure(data, _Sms)
    return Record(
        provider_id=said.message_sid,
        raw_status=said.status,
        status=status_of(said.status, said.direction),
        kind=said.type,
        direction=said.direction,
        to=reading.plus(said.to or said.to_did),
        from_=reading.plus(said.sender or said.from_did),
        text=said.message,
        media=said.media_urls,
        reference=said.user_data,
        segments_billed=said.message_segments,
        price=said.price,
        mcc=said.mcc,
        mnc=said.mnc,
        created_at=said.date_created,
        changed_at=said.date_changed,
        status_changed_at=said.date_status_changed,
        raw=data,
    )
