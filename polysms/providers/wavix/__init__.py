"""Wavix: https://api.wavix.com, messaging API v3 (Bearer key).

Sources: the "Send messages" guide and the ``POST /v3/messages`` reference (the seeds), the OpenAPI
document of 2026-06-30, the official Python SDK 1.1.1. From documents only, not verified live.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

import attrs

from polysms import numbers
from polysms.message import Message
from polysms.providers import base, reading
from polysms.providers.base import Answer, Capabilities, Request, Response
from polysms.providers.hearing import Heard, WebhookRequest
from polysms.providers.limits import check, options_of
from polysms.providers.outcome import accepted
from polysms.providers.wavix import webhooks
from polysms.providers.wavix.account import BASE_URL, WavixSettings
from polysms.providers.wavix.documented import ANSWER
from polysms.providers.wavix.lists import Lists
from polysms.providers.wavix.optouts import OptOuts
from polysms.providers.wavix.records import record, refusal, says_no
from polysms.providers.wavix.senders import Senders, broken_rule, refused

__all__ = ("BASE_URL", "Wavix", "WavixOptions", "WavixSettings")

_NARROW_NAME = re.compile(r"[A-Za-z0-9 ]{1,11}")  # seed 002


@attrs.frozen(kw_only=True)
class WavixOptions:
    """``tag`` replaces our reference on the wire, so an unclear send is found less surely.

    ``smart_encoding`` lets Wavix replace characters (named in error 41, absent from the OpenAPI).
    """

    tag: str | None = base.in_place_of_reference()
    smart_encoding: bool | None = None


class Wavix(Lists, Senders, OptOuts):
    """The Wavix adapter."""

    name: ClassVar[str] = "wavix"
    Settings: ClassVar[type] = WavixSettings
    Options: ClassVar[type] = WavixOptions
    documented: ClassVar[Mapping[str, str]] = ANSWER
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

    def request(self, message: Message, reference: str) -> Request:
        """Return ``POST /v3/messages``. Raises Unsupported for what Wavix would lose."""
        check(message, self.capabilities)
        _check_sender(message)
        options = options_of(message, self.name, WavixOptions)
        # ``POST /v3/messages`` (reference page, seed 001).
        said = {
            "from": message.from_ or "",
            "to": message.to,
            # The schema requires both (OpenAPI); any media but null makes it an MMS (seed 000).
            "message_body": {"text": message.text, "media": message.media or None},
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
        if response.ok and not says_no(data):
            return accepted(response, record(reading.mapping(data.get("message")) or data))
        return refusal(response, data)

    def fetch_request(self, provider_id: str) -> Request:
        """Return ``GET /v3/messages/{id}``; its answer is flat (OpenAPI) or wrapped (seed 000)."""
        return Request("GET", f"{self._url}/{base.escaped(provider_id)}", self._read)

    def events(self, request: WebhookRequest) -> Heard:
        """Return what a webhook says. Raises BadPayload for what Wavix does not post."""
        return webhooks.heard(request)


def _check_sender(message: Message) -> None:
    sender = message.from_ or "0"
    if not numbers.is_alphanumeric(sender):
        return
    if why := broken_rule(sender, abroad=not numbers.in_us_or_canada(message.to)):
        raise refused(sender, why)
