"""Wavix's sender IDs: what may be registered where, and those an account has.

Sources: the guide "Send SMS messages" (seed 000), the sender-ID guide (seed 002), the OpenAPI
document of 2026-06-30, the Python SDK 1.1.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from polysms import numbers
from polysms.errors import ConfigError, Reason, Unsupported
from polysms.providers import base, reading
from polysms.providers.base import Busy, Refused, Request, Response, Unclear
from polysms.providers.wavix.account import WavixAccount
from polysms.providers.wavix.records import refusal, says_no
from polysms.services import Listed, NewSender, Restriction, Sender

NAME = re.compile(r"[A-Za-z0-9\-+_& ]{3,11}")  # seed 000
NAME_RULE = "must be 3 to 11 ASCII letters, digits, spaces or - + _ &"
NORTH_AMERICA_RULE = "cannot be used to the US or Canada; send from a number"  # seed 002
_NUMBER = re.compile(r"\+?[1-9][0-9]{6,14}")
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_NORTH_AMERICA = frozenset({"US", "CA"})

#: Our words for kinds of senders, by Wavix's.
KINDS = {"numeric": "number", "alphanumeric": "name", "shortcode": "short_code"}
#: Wavix's words for the kinds that can be registered, by ours and its own.
TYPES = {
    "number": "numeric",
    "name": "alphanumeric",
    "numeric": "numeric",
    "alphanumeric": "alphanumeric",
}
USECASES = ("transactional", "promo", "authentication")
#: The most messages a month, and what Wavix calls that many (OpenAPI).
VOLUMES = (
    (1000, "1-1000"),
    (20000, "1001-20000"),
    (50000, "20001-50000"),
    (100000, "50001-100000"),
)
LARGEST_VOLUME = "More than 100000"

No = Refused | Busy | Unclear


class Senders(WavixAccount):
    """The part of the adapter that knows sender IDs."""

    def restrictions_request(self, country: str, kind: str) -> Request:
        """Return ``GET /v3/messages/sender_ids/restrictions`` (seed 000).

        No document spells it with a hyphen, so it is spelled as it is documented.
        """
        wanted = {"country": _country(country), "type": _type(kind)}
        url = f"{self._url}/sender_ids/restrictions"
        return Request("GET", base.address(url, wanted), self._read)

    def read_restrictions(
        self, response: Response, country: str = "", kind: str = ""
    ) -> Restriction | No:
        """Return whether a kind of sender can be registered for a country without a review."""
        data = reading.mapping(reading.loads(response))
        if not response.ok or says_no(data):
            return refusal(response, data)
        free = data.get("self_service")
        if not isinstance(free, bool):
            return Unclear(text="an answer without a self_service we can read")
        text = _SELF_SERVICE if free else _REVIEW
        kind = KINDS.get(kind, kind)
        return Restriction(
            country=country.upper(), kind=kind, registration=not free, text=text, raw=data
        )

    def senders_request(self, _: object = None) -> Request:
        """Return ``GET /v3/messages/sender-ids``, which has one page."""
        return Request("GET", self._below("sender", "ids"), self._read)

    def read_senders(self, response: Response, _: object = None) -> Listed | No:
        """Return the senders of the account."""
        data = reading.mapping(reading.loads(response))
        if not response.ok or says_no(data) or not isinstance(data.get("items"), list):
            return refusal(response, data)
        found = (_sender(item) for item in reading.objects(data["items"]))
        return Listed(tuple(one for one in found if one is not None))

    def sender_request(self, identity: str) -> Request:
        """Return ``GET /v3/messages/sender-ids/{id}``."""
        return Request("GET", self._of(identity), self._read)

    def read_sender(self, response: Response, _: object = None) -> Sender | No:
        """Return one sender."""
        data = reading.mapping(reading.loads(response))
        if not response.ok or says_no(data):
            return refusal(response, data)
        return _sender(data) or Unclear(text=f"HTTP {response.status} without a sender we can read")

    def new_sender_request(self, new: NewSender) -> Request:
        """Return ``POST /v3/messages/sender-ids``.

        Raises Unsupported for a sender that breaks a rule of Wavix's, ConfigError for a fact of it
        that Wavix has no word for.
        """
        countries = _countries(new.countries)
        sender = numbers.sender(new.sender)
        said = {
            "sender_id": numbers.digits_or_name(sender),
            "type": _kind(sender, countries),
            "countries": countries,
            "usecase": _usecase(new.usecase),
            "monthly_volume": _volume(new.monthly_volume),
            "samples": new.samples or None,
        }
        url = self._below("sender", "ids")
        return Request("POST", url, self._write, reading.dumps(reading.known(said)))

    #: 201 (OpenAPI) or 200 (seed 000): the sender either way.
    read_new_sender = read_sender

    def drop_sender_request(self, identity: str) -> Request:
        """Return ``DELETE /v3/messages/sender-ids/{id}``."""
        return Request("DELETE", self._of(identity), self._read)

    def read_drop_sender(self, response: Response, _: object = None) -> No | None:
        """Return what is wrong; None for a 200 (OpenAPI) or an empty 204 (seed 000)."""
        data = reading.mapping(reading.loads(response))
        return None if response.ok and not says_no(data) else refusal(response, data)

    def _of(self, identity: str) -> str:
        return f"{self._below('sender', 'ids')}/{base.escaped(identity)}"


_SELF_SERVICE = "it can be registered at once"
_REVIEW = "it cannot be registered from here: create it in the Wavix app, where it is reviewed"


def _sender(data: dict[str, Any]) -> Sender | None:
    sender = reading.word(data.get("sender_id"))
    if not sender:
        return None
    countries = reading.strings(data.get("allowlisted_in"))
    return Sender(
        id=reading.word(data.get("id")),
        sender=reading.plus(sender) or sender,
        kind=_kind_of(reading.word(data.get("type")), sender),
        countries=countries,
        usecase=reading.word(data.get("usecase")),
        # Where it is allow-listed it can send at once; of a review nothing is said.
        can_send=True if countries else None,
        raw=data,
    )


def _kind_of(kind: str | None, sender: str) -> str:
    if kind is not None:
        return KINDS.get(kind, kind)
    if numbers.is_alphanumeric(sender):
        return "name"
    return "short_code" if numbers.is_short(sender) else "number"


def _wrong(key: str, sentence: str) -> ConfigError:
    return ConfigError(f"{key}: {sentence}", key=key)


def _country(country: str) -> str:
    if not isinstance(country, str) or not _COUNTRY.fullmatch(country):
        raise _wrong("country", 'write two letters, as "GB"')
    return country.upper()


def _countries(countries: Iterable[str]) -> tuple[str, ...]:
    found = tuple(_country(country) for country in countries)
    if not found:
        raise _wrong("countries", "name at least one, in two letters, as GB")
    return found


def _type(kind: str) -> str:
    if kind not in TYPES:
        raise _wrong("kind", f'Wavix registers a "number" or a "name", not a {kind!r}')
    return TYPES[kind]


def _kind(sender: str, countries: tuple[str, ...]) -> str:
    """Return Wavix's word for what a sender is. Raises Unsupported for one it cannot take."""
    if numbers.is_alphanumeric(sender):
        if why := broken_rule(sender, abroad=_NORTH_AMERICA.isdisjoint(countries)):
            raise refused(sender, why)
        return "alphanumeric"
    if not _NUMBER.fullmatch(sender):
        why = "must be a whole number with its country code, SMS-enabled and of your own account"
        raise refused(sender, f"of digits {why}; a name must not be digits alone")
    return "numeric"


def broken_rule(name: str, *, abroad: bool) -> str | None:
    """Return the rule for names that this one breaks; ``abroad``: outside the US and Canada."""
    if not NAME.fullmatch(name):
        return NAME_RULE
    return None if abroad else NORTH_AMERICA_RULE


def refused(sender: str, why: str) -> Unsupported:
    """Return the error for a sender that breaks a rule."""
    return Unsupported(f"Wavix: sender {sender!r} {why}", reason=Reason.SENDER)


def _usecase(usecase: str | None) -> str:
    if usecase not in USECASES:
        said = "is missing" if usecase is None else f"there is no {usecase!r}"
        raise _wrong("usecase", f"{said}; Wavix asks for one of {', '.join(USECASES)}")
    return usecase


def _volume(volume: int | None) -> str | None:
    if volume is None:
        return None
    if isinstance(volume, bool) or not isinstance(volume, int) or volume < 1:
        raise _wrong("monthly_volume", "write a whole number of messages, at least 1")
    return next((name for most, name in VOLUMES if volume <= most), LARGEST_VOLUME)
