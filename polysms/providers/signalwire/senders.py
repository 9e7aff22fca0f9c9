"""The numbers and short codes of a project, and facts about any number (TypeSpec of 2026-08-21).

Numbers and short codes are two lists: the second is asked for where the first ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from polysms.providers import base, reading
from polysms.providers.base import Request, Response, Unclear
from polysms.providers.lists import followed
from polysms.providers.signalwire.account import SignalWireAccount
from polysms.providers.signalwire.filters import MOST_PER_PAGE
from polysms.providers.signalwire.records import NOT_FOUND, No, refusal
from polysms.services import Listed, NumberFacts, Sender

SHORT_CODE = "shortcode"
NUMBERS, SHORT_CODES = "phone_numbers", "short_codes"
#: Our words for kinds of lines, by SignalWire's: of the carrier, and of the number alone.
KINDS = {"wireless": "mobile", "landline": "landline", "mobile": "mobile", "fixed line": "landline"}
_INCAPABLE = "it has no messaging capability"


class Senders(SignalWireAccount):
    """The part of the adapter that knows numbers."""

    @property
    def _relay(self) -> str:
        return f"{self._base}/api/relay/rest"

    def number_request(self, number: str) -> Request:
        """Return ``GET /api/relay/rest/lookup/phone_number/{number}``, with the carrier.

        What the carrier says is asked for now, and costs.
        """
        url = f"{self._relay}/lookup/phone_number/{base.escaped(number)}"
        return Request("GET", base.address(url, {"include": "carrier"}), self._read)

    def read_number(self, response: Response, _: object = None) -> NumberFacts | No:
        """Return what SignalWire knows of a number."""
        data = reading.mapping(reading.loads(response))
        number = reading.word(data.get("e164"))
        if not response.ok:
            return _refusal(response, data, "number")
        if not number:
            return Unclear(text=f"HTTP {response.status} without a number we can read")
        carrier = reading.mapping(data.get("carrier"))
        valid = data.get("valid_number")
        line = reading.word(carrier.get("linetype")) or reading.word(data.get("number_type"))
        return NumberFacts(
            number=reading.plus(number) or number,
            valid=valid if isinstance(valid, bool) else None,
            country=reading.word(data.get("country_code")),
            kind=KINDS.get(line.lower(), line.lower()) if line else None,
            carrier=reading.word(carrier.get("lec")),
            raw=data,
        )

    def senders_request(self, cursor: str | None = None) -> Request:
        """Return ``GET /api/relay/rest/phone_numbers``, or the page that ``cursor`` stands for."""
        first = f"{self._relay}/{NUMBERS}?page_size={MOST_PER_PAGE}"
        return Request("GET", cursor or first, self._read)

    def read_senders(self, response: Response, _: object = None) -> Listed | No:
        """Return one page of senders, and the address of the next one."""
        data = reading.mapping(reading.loads(response))
        if not response.ok or not isinstance(data.get("data"), list):
            return _refusal(response, data, "list")
        items, links = reading.objects(data["data"]), reading.mapping(data.get("links"))
        found = (_sender(item) for item in items)
        first = f"{self._relay}/{NUMBERS}"
        here = followed(links.get("self"), first) or first
        following = followed(links.get("next"), here)
        if following is None and _is_of_numbers(items, links):
            following = f"{self._relay}/{SHORT_CODES}?page_size={MOST_PER_PAGE}"
        return Listed(tuple(one for one in found if one is not None), following)

    def sender_request(self, identity: str) -> Request:
        """Return ``GET /api/relay/rest/phone_numbers/{id}``, or that of a short code.

        The ids of short codes begin with ``short_codes/`` here, because they have their own path.
        """
        folder, slash, rest = identity.partition("/")
        short = slash and folder == SHORT_CODES
        where = (
            f"{SHORT_CODES}/{base.escaped(rest)}"
            if short
            else f"{NUMBERS}/{base.escaped(identity)}"
        )
        return Request("GET", f"{self._relay}/{where}", self._read)

    def read_sender(self, response: Response, _: object = None) -> Sender | No:
        """Return one sender."""
        data = reading.mapping(reading.loads(response))
        if not response.ok:
            return _refusal(response, data, "number of this project")
        return _sender(data) or Unclear(text=f"HTTP {response.status} without a sender we can read")


def _refusal(response: Response, data: Mapping[str, Any], what: str) -> No:
    unknown = response.status == NOT_FOUND
    return refusal(response, data, f"SignalWire knows no such {what}" if unknown else "")


def _is_of_numbers(items: list[dict[str, Any]], links: Mapping[str, Any]) -> bool:
    """Whether a page is one of the numbers, after which the short codes come.

    One that does not say so is taken for the last: better a short code that is not shown than a
    list without an end.
    """
    here = reading.word(links.get("self")) or reading.word(links.get("first"))
    if here is not None:
        return here.partition("?")[0].endswith(f"/{NUMBERS}")
    kinds = {reading.word(item.get("number_type")) for item in items}
    return bool(kinds) and kinds.isdisjoint({SHORT_CODE, None})


def _sender(data: dict[str, Any]) -> Sender | None:
    number, identity = reading.word(data.get("number")), reading.word(data.get("id"))
    if not number:
        return None
    short = data.get("number_type") == SHORT_CODE
    country = reading.word(data.get("country_code"))
    able = data.get("capabilities")
    can_send = _can_send(able) if isinstance(able, list) else None
    return Sender(
        id=f"{SHORT_CODES}/{identity}" if short and identity else identity,
        sender=number if short else reading.plus(number) or number,
        kind="short_code" if short else "number",
        countries=(country,) if country else (),
        can_send=can_send,
        why=_INCAPABLE if can_send is False else None,
        created_at=reading.moment(data.get("created_at")),
        raw=data,
    )


def _can_send(capabilities: list[Any]) -> bool | None:
    """Return False without messaging, else None: a campaign may be missing, and is not told."""
    return None if {"sms", "mms"} & set(reading.strings(capabilities)) else False
