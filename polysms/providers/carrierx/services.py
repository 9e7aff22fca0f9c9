"""What CarrierX offers beside messages: who we are, numbers, our numbers, detail records.

Sources: "Get Details for Phone Number", "DID Object", "DID Messaging Enablement Object" and "SMS
Detail Record" of the Core API, docs.carrierx.com; the vendor's Ruby client for ``/oauth/whoami``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from polysms import numbers
from polysms.errors import Reason
from polysms.providers import base, reading
from polysms.providers.base import Page, Query, Record, Refused, Request, Response, Unclear
from polysms.providers.carrierx import filters
from polysms.providers.carrierx.wire import SCOPES, No, detail, refusal
from polysms.services import Identity, Listed, NumberFacts, Sender

LOOKUP_SCOPES = "a look-up needs the scopes lookup.dids.read and lookup.dids.allow_carrier"
NUMBER_SCOPES = "numbers need the scope phonenumber.manage or phonenumber.read"
READ_SCOPES = "reading needs the scope sms.manage or sms.read"
#: Of a number's capabilities: that it can send SMS ("DID Object").
SENDS_SMS = 2
# CarrierX names countries by three letters; where it rents and sends, these two are what counts.
_ALPHA_2 = {"USA": "US", "CAN": "CA"}
_SCOPE = re.compile(r"\w+(\.\w+)+")
_SENDING = frozenset({"sms.manage", "sms.create"})


class Services:
    """The part of the adapter that asks for other things than messages."""

    _base: str
    _read: Mapping[str, str]

    def identity_request(self) -> Request:
        """Return ``GET /oauth/whoami``, which is also what shows that credentials are good."""
        return Request("GET", f"{self._base}/oauth/whoami", self._read)

    def read_identity(self, response: Response) -> Identity | No:
        """Return whose the credentials are. The answer's shape is not documented."""
        data = _object(response)
        if data is None:
            return _no(response, SCOPES)
        name = reading.word(data.get("name"))
        return Identity(id=reading.word(data.get("partner_sid")), name=name, raw=data)

    def read_check(self, response: Response) -> No | None:
        """Return what is wrong with credentials that were let in: they may not send."""
        found = self.read_identity(response)
        if not isinstance(found, Identity):
            return found
        scopes = reading.strings(found.raw.get("scopes"))
        # Only what looks like the documented names is judged by them.
        if scopes and all(map(_SCOPE.fullmatch, scopes)) and _SENDING.isdisjoint(scopes):
            return Refused(reason=Reason.PERMISSION, text=f"good credentials, but {SCOPES}")
        return None

    def number_request(self, number: str) -> Request:
        """Return ``GET /lookup/dids/{phonenumber}``, with the carrier."""
        url = f"{self._base}/lookup/dids/{base.escaped(numbers.digits(number))}"
        return Request("GET", base.address(url, {"carrier": "true"}), self._read)

    def read_number(self, response: Response, _: object = None) -> NumberFacts | No:
        """Return what CarrierX knows of a number."""
        data = _object(response) or {}
        number = reading.word(data.get("e164_format")) or reading.word(data.get("phonenumber"))
        if not number:
            return _no(response, LOOKUP_SCOPES)
        number = reading.plus(number) or number
        carrier = reading.mapping(reading.mapping(data.get("details")).get("carrier"))
        return NumberFacts(
            number=number,
            country=_country(data, number),
            kind=reading.word(carrier.get("type")),
            carrier=reading.word(carrier.get("name")),
            mcc=reading.word(carrier.get("mcc")),
            mnc=reading.word(carrier.get("mnc")),
            raw=data,
        )

    def senders_request(self, cursor: str | None = None) -> Request:
        """Return ``GET /phonenumber/dids``."""
        wanted = {"limit": str(filters.MOST), "offset": cursor or "0"}
        url = f"{self._base}/phonenumber/dids"
        return Request("GET", base.address(url, wanted), self._read)

    def read_senders(self, response: Response, _: object = None) -> Listed | No:
        """Return one page of our numbers, and whether each can send."""
        data = _object(response) or {}
        if not isinstance(data.get("items"), list):
            return _no(response, NUMBER_SCOPES)
        found = tuple(_number(item) for item in reading.objects(data["items"]))
        more = bool(found) and data.get("has_more") is True
        offset = reading.whole(data.get("offset")) or 0
        return Listed(found, str(offset + len(found)) if more else None)

    def sender_request(self, identity: str) -> Request:
        """Return ``GET /phonenumber/dids/{did_sid}/messaging``."""
        url = f"{self._base}/phonenumber/dids/{base.escaped(identity)}/messaging"
        return Request("GET", url, self._read)

    def read_sender(self, response: Response, _: object = None) -> Sender | No:
        """Return how far messaging is enabled for one of our numbers, which is not named."""
        data = _object(response) or {}
        status = reading.word(data.get("status"))
        if status is None:
            return _no(response, NUMBER_SCOPES)
        can_send = status == "enabled"
        return Sender(
            id=reading.word(data.get("did_sid")),
            sender="",
            usecase=reading.word(data.get("type")),
            status=status,
            can_send=can_send,
            why=None if can_send else f"status {status}",
            raw=data,
        )

    def details_request(self, query: Query) -> Request:
        """Return ``GET /sms/message_drs``, the detail records."""
        url = f"{self._base}/sms/message_drs"
        return Request("GET", base.address(url, filters.detail_parameters(query)), self._read)

    def read_details(self, response: Response, query: Query) -> Page | No:
        """Return one page of detail records; there is a record of each message that was sent."""
        data = _object(response) or {}
        if not isinstance(data.get("items"), list):
            return _no(response, READ_SCOPES)
        found = tuple(detail(item) for item in reading.objects(data["items"]))
        return Page(found, filters.following(query, found, data))

    def detail_request(self, identity: str) -> Request:
        """Return ``GET /sms/message_drs/{dr_sid}``, one detail record."""
        return Request("GET", f"{self._base}/sms/message_drs/{base.escaped(identity)}", self._read)

    def read_detail(self, response: Response, _: object = None) -> Record | No:
        """Return what a detail record says of its message."""
        data = _object(response) or {}
        return detail(data) if "dr_sid" in data else _no(response, READ_SCOPES)


def _object(response: Response) -> dict[str, Any] | None:
    """Return the JSON object of a good answer, None where there is none."""
    data = reading.loads(response)
    return data if response.ok and isinstance(data, dict) else None


def _no(response: Response, scopes: str) -> No:
    if response.ok:
        return Unclear(text=f"HTTP {response.status} with an answer we cannot read")
    return refusal(response, reading.mapping(reading.loads(response)), scopes)


def _number(data: dict[str, Any]) -> Sender:
    number = reading.plus(reading.word(data.get("phonenumber"))) or ""
    active = reading.whole(data.get("active_capabilities"))
    can_send = None if active is None else bool(active & SENDS_SMS)
    country = _country(data, number)
    return Sender(
        id=reading.word(data.get("did_sid")),
        sender=number,
        countries=(country,) if country else (),
        can_send=can_send,
        why=_why(data) if can_send is False else None,
        raw=data,
    )


def _country(data: Mapping[str, Any], number: str) -> str | None:
    """Return the two letters of the country that CarrierX names, else of the number's own."""
    named = reading.word(data.get("country_code")) or ""
    return _ALPHA_2.get(named) or numbers.country(number)


def _why(data: Mapping[str, Any]) -> str:
    able = reading.whole(data.get("capabilities"))
    if able is not None and not able & SENDS_SMS:
        return "it is not capable of SMS"
    return "messaging is not enabled for it"
