"""What Twilio offers beside messages: the balance, numbers and short codes, facts about a number.

Sources: the OpenAPI documents ``twilio_api_v2010.json`` and ``twilio_lookups_v2.json``, the page on
Line Type Intelligence (2026).
"""

from __future__ import annotations

from typing import Any

from polysms.providers import base, reading
from polysms.providers.base import Request, Response, Unclear
from polysms.providers.lists import followed
from polysms.providers.twilio.account import MOST_PER_PAGE, TwilioAccount
from polysms.providers.twilio.records import No, refusal
from polysms.services import Balance, Listed, NumberFacts, Sender

NUMBERS, SHORT_CODES = "incoming_phone_numbers", "short_codes"
#: The ids of short codes begin with these letters, those of numbers with "PN".
_SHORT = "SC"
_INCAPABLE = "it has no messaging capability"


class Services(TwilioAccount):
    """The part of the adapter that knows the account, its senders and any number."""

    def balance_request(self) -> Request:
        """Return ``GET .../Balance.json``."""
        return Request("GET", f"{self._account}/Balance.json", self._read)

    def read_balance(self, response: Response) -> Balance | No:
        """Return the balance; those of subaccounts are their parent's, and not told."""
        data = reading.mapping(reading.loads(response))
        amount = reading.priced(data.get("balance"), data.get("currency"))
        if not response.ok:
            return refusal(response, data)
        if amount is None:
            return Unclear(text="an answer without a balance: a subaccount has none of its own")
        currency = amount.currency if reading.word(data.get("currency")) else None
        return Balance(amount=amount.amount, currency=currency, raw=data)

    def senders_request(self, cursor: str | None = None) -> Request:
        """Return ``GET .../IncomingPhoneNumbers.json``, or the page that ``cursor`` stands for."""
        return Request("GET", cursor or self._first("IncomingPhoneNumbers"), self._read)

    def _first(self, path: str) -> str:
        return f"{self._account}/{path}.json?PageSize={MOST_PER_PAGE}"

    def read_senders(self, response: Response, _: object = None) -> Listed | No:
        """Return one page of senders, and the address of the next: short codes follow numbers."""
        data = reading.mapping(reading.loads(response))
        key = next((one for one in (NUMBERS, SHORT_CODES) if isinstance(data.get(one), list)), None)
        if not response.ok or key is None:
            return refusal(response, data)
        found = (_sender(item) for item in reading.objects(data[key]))
        here = followed(data.get("uri"), self._account) or self._account
        following = followed(data.get("next_page_uri"), here)
        if following is None and key == NUMBERS:
            following = self._first("SMS/ShortCodes")
        return Listed(tuple(one for one in found if one is not None), following)

    def sender_request(self, identity: str) -> Request:
        """Return ``GET .../IncomingPhoneNumbers/{Sid}.json``, or that of a short code."""
        path = "SMS/ShortCodes" if identity.startswith(_SHORT) else "IncomingPhoneNumbers"
        return Request("GET", f"{self._account}/{path}/{base.escaped(identity)}.json", self._read)

    def read_sender(self, response: Response, _: object = None) -> Sender | No:
        """Return one sender."""
        data = reading.mapping(reading.loads(response))
        if not response.ok:
            return refusal(response, data, "Twilio knows no such number of this account")
        return _sender(data) or Unclear(text=f"HTTP {response.status} without a sender we can read")

    def number_request(self, number: str) -> Request:
        """Return ``GET /v2/PhoneNumbers/{number}`` with the kind of its line, which costs."""
        url = f"{self._lookups}/v2/PhoneNumbers/{base.escaped(number)}"
        return self._get(url, {"Fields": "line_type_intelligence"})

    def read_number(self, response: Response, _: object = None) -> NumberFacts | No:
        """Return what Twilio knows of a number."""
        data = reading.mapping(reading.loads(response))
        number = reading.word(data.get("phone_number"))
        if not response.ok:
            return refusal(response, data, "Twilio knows no such number")
        if not number:
            return Unclear(text=f"HTTP {response.status} without a number we can read")
        line = reading.mapping(data.get("line_type_intelligence"))
        valid = data.get("valid")
        return NumberFacts(
            number=reading.plus(number) or number,
            valid=valid if isinstance(valid, bool) else None,
            country=reading.word(data.get("country_code")),
            kind=reading.word(line.get("type")),
            carrier=reading.word(line.get("carrier_name")),
            mcc=reading.word(line.get("mobile_country_code")),
            mnc=reading.word(line.get("mobile_network_code")),
            raw=data,
        )


def _sender(data: dict[str, Any]) -> Sender | None:
    short = reading.word(data.get("short_code"))
    number = short or reading.word(data.get("phone_number"))
    if not number:
        return None
    can_send = _can_send(reading.mapping(data.get("capabilities")))
    return Sender(
        id=reading.word(data.get("sid")),
        sender=number,
        kind="short_code" if short else "number",
        status=reading.word(data.get("status")),
        can_send=can_send,
        why=_INCAPABLE if can_send is False else None,
        created_at=reading.moment(data.get("date_created")),
        raw=data,
    )


def _can_send(able: dict[str, Any]) -> bool | None:
    """Return False without messaging, else None: whether it is registered is not told here."""
    said = [able.get("sms"), able.get("mms")]
    return False if said == [False, False] else None
