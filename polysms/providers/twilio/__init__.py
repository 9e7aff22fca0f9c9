"""Twilio: https://api.twilio.com, Programmable Messaging, version 2010-04-01 (Basic).

Sources: the OpenAPI document ``twilio_api_v2010.json`` (twilio/twilio-oai), the page of the
Messages resource with its statuses, filters and status callback (2025-26), the guide on outbound
statuses (2026-07-21), the error dictionary (2026). Not verified live.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar
from urllib.parse import urlencode

import attrs
from attrs.validators import instance_of, matches_re, optional

from polysms.message import Message
from polysms.providers import lists, reading
from polysms.providers.base import Answer, Capabilities, Page, Query, Request, Response
from polysms.providers.hearing import FORM, Heard, Signed, WebhookRequest
from polysms.providers.limits import check, highest_price, options_of
from polysms.providers.outcome import accepted
from polysms.providers.twilio import webhooks
from polysms.providers.twilio.account import MOST_PER_PAGE, TwilioSettings
from polysms.providers.twilio.documented import ANSWER
from polysms.providers.twilio.records import No, record, redacted, refusal
from polysms.providers.twilio.services import Services

__all__ = ("Twilio", "TwilioOptions", "TwilioSettings")

#: Seconds; also what Twilio takes where nothing is said.
LONGEST_VALIDITY = 36_000
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_PAGE, _DAY = lists.whole(0, lists.LAST_PAGE), lists.day
#: What messages can be filtered by (the page "Read multiple Message resources").
FILTERS: lists.Filters = {
    "To": lists.text,
    "From": lists.text,
    "DateSent": _DAY,
    "DateSent<": _DAY,
    "DateSent>": _DAY,
    "Page": _PAGE,
    "PageSize": lists.whole(1, MOST_PER_PAGE),
    "PageToken": lists.text,
}


@attrs.frozen(kw_only=True)
class TwilioOptions:
    """What only Twilio has.

    ``messaging_service_sid`` sends by a Messaging Service, of whose pool the sender is;
    ``max_price`` is the most that the message may cost, in USD; ``send_as_mms`` makes an MMS of a
    text without media; ``smart_encoded`` lets Twilio replace characters that GSM-7 lacks.
    """

    messaging_service_sid: str | None = attrs.field(
        default=None, validator=optional(matches_re(_SERVICE))
    )
    max_price: Decimal | None = attrs.field(default=None, converter=highest_price)
    send_as_mms: bool | None = attrs.field(default=None, validator=optional(instance_of(bool)))
    smart_encoded: bool | None = attrs.field(default=None, validator=optional(instance_of(bool)))


class Twilio(Services):
    """The Twilio adapter."""

    name: ClassVar[str] = "twilio"
    Settings: ClassVar[type] = TwilioSettings
    Options: ClassVar[type] = TwilioOptions
    documented: ClassVar[Mapping[str, str]] = ANSWER
    #: A number's webhook may be asked for with GET (the page on messaging webhooks).
    webhook_methods: ClassVar[tuple[str, ...]] = ("POST", "GET")
    capabilities: ClassVar[Capabilities] = Capabilities(
        title="Twilio",
        lookup="heuristic",
        reports=frozenset({"sms", "mms"}),
        longest_text=1600,
        longest_mms_text=1600,
        most_media=10,
        validity=True,
        tag=False,
        status_callback=True,
        # Error 21265: "'To' number cannot be a Short Code".
        short_numbers=False,
        short_code_senders=True,
        alphanumeric_senders=True,
        plus_senders=True,
        mms_to="any",
        checked="2026-11-21",
        verified="documents",
        sources=(
            "twilio.com/docs/messaging/api/message-resource",
            "twilio.com/docs/api/errors",
            "github.com/twilio/twilio-oai",
        ),
    )

    def request(self, message: Message, reference: str) -> Request:  # noqa: ARG002 - no word for it
        """Return ``POST .../Messages.json``. Raises Unsupported for what would be lost."""
        options = options_of(message, self.name, TwilioOptions)
        check(message, self.capabilities, kind="mms" if options.send_as_mms else None)
        valid_for = message.valid_for
        said = {
            "To": message.to,
            "From": message.from_ or "",
            "MessagingServiceSid": options.messaging_service_sid,
            "Body": message.text or None,
            "StatusCallback": message.status_callback,
            "ValidityPeriod": None if valid_for is None else str(min(valid_for, LONGEST_VALIDITY)),
            "MaxPrice": None if options.max_price is None else f"{options.max_price:f}",
            "SendAsMms": _truth(options.send_as_mms),
            "SmartEncoded": _truth(options.smart_encoded),
        }
        media = [("MediaUrl", url) for url in message.media]
        return self._post(self._messages, [*reading.known(said).items(), *media])

    def _post(self, url: str, said: list[tuple[str, str]]) -> Request:
        headers = {**self._read, "Content-Type": FORM}
        return Request("POST", url, headers, urlencode(said).encode())

    def warnings(self, message: Message) -> tuple[str, ...]:
        """Return what may surprise: Twilio gives up before the message's own time is over."""
        if (message.valid_for or 0) <= LONGEST_VALIDITY:
            return ()
        return ("Twilio tries for 10 hours at most, which is less than valid_for",)

    def read(self, response: Response) -> Answer:
        """Return what the answer to a send means."""
        data = reading.mapping(reading.loads(response))
        return accepted(response, record(data)) if response.ok else refusal(response, data)

    def fetch_request(self, provider_id: str) -> Request:
        """Return ``GET .../Messages/{Sid}.json``."""
        return Request("GET", self._message(provider_id), self._read)

    def list_request(self, query: Query) -> Request:
        """Return ``GET .../Messages.json``. Raises ConfigError for a filter that it does not have.

        ``DateSent`` knows nothing of what was not sent yet, so a number is asked for without it.
        """
        own = lists.spelled(query.filters, FILTERS)
        if query.cursor:
            return Request("GET", query.cursor, self._read)
        wanted = {
            "To": query.to,
            "From": query.from_,
            "DateSent>": None if query.to else lists.day_of(query.since, -lists.DAY),
            "DateSent<": None if query.to else lists.day_of(query.until, lists.DAY),
            "PageSize": lists.page_size(query.page_size, MOST_PER_PAGE),
            **own,
        }
        return self._get(self._messages, wanted)

    def read_list(self, response: Response, query: Query) -> Page | Answer:
        """Return one page; newest come first, so it is the last once it is older than asked for."""
        data = reading.mapping(reading.loads(response))
        if not response.ok or not isinstance(data.get("messages"), list):
            return refusal(response, data)
        records = tuple(record(item) for item in reading.objects(data["messages"]))
        target = lists.followed(data.get("next_page_uri"), self.list_request(query).url)
        more = target is not None and not lists.is_past(records, query.since)
        return Page(records, attrs.evolve(query, cursor=target) if more else None)

    def check_request(self) -> Request:
        """Return ``GET .../Messages.json?PageSize=1``, which any kind of key may ask for."""
        return self._get(self._messages, {"PageSize": "1"})

    def redact_request(self, provider_id: str) -> Request:
        """Return ``POST .../Messages/{Sid}.json`` with an empty body."""
        return self._post(self._message(provider_id), [("Body", "")])

    def read_redact(self, response: Response, _: object = None) -> No | None:
        """Return what is wrong, None where the text is gone."""
        return redacted(response, reading.mapping(reading.loads(response)))

    def events(self, request: WebhookRequest) -> Heard:
        """Return what a webhook says. Raises BadPayload for what Twilio does not post."""
        return webhooks.heard(request)

    def signed(self, request: WebhookRequest, url: str) -> Signed:
        """Return the signature of a webhook, and those that would be right at this URL."""
        return webhooks.signed(request, url, self.signing_keys)


def _truth(value: bool | None) -> str | None:  # noqa: FBT001 - what an option says
    return None if value is None else str(value).lower()
