"""CarrierX: https://api.carrierx.com/core/v2 (Bearer token, OAuth, or legacy Basic).

Sources: "Send Message" of the Core API (seed 003), the pages on the SMS object, OAuth tokens,
filtering and paging, the official Python client of 2022. From documents only, not verified live.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from polysms import numbers
from polysms.errors import Reason, Unsupported
from polysms.message import Message
from polysms.providers import base, reading
from polysms.providers.base import Answer, Capabilities, Page, Query, Request, Response
from polysms.providers.carrierx import filters
from polysms.providers.carrierx.codes import is_guess
from polysms.providers.carrierx.documented import ANSWER
from polysms.providers.carrierx.services import Services
from polysms.providers.carrierx.settings import BASE_URL, CarrierXOptions, CarrierXSettings
from polysms.providers.carrierx.tokens import Tokens
from polysms.providers.carrierx.wire import Send, dumps, record, refusal
from polysms.providers.hearing import Heard, WebhookRequest, json_object, need
from polysms.providers.limits import check, options_of
from polysms.providers.outcome import accepted

__all__ = ["BASE_URL", "CarrierX", "CarrierXOptions", "CarrierXSettings"]

LARGEST_GROUP = 10  # "max 10 numbers including the sender" (the SMS object's page)


class CarrierX(Tokens, Services):
    """The CarrierX adapter."""

    name: ClassVar[str] = "carrierx"
    Settings: ClassVar[type] = CarrierXSettings
    Options: ClassVar[type] = CarrierXOptions
    documented: ClassVar[Mapping[str, str]] = ANSWER
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
        self._settings = settings
        self._read = {**_authorization(settings), "Accept": base.JSON}
        self._write = {**self._read, "Content-Type": base.JSON}

    def request(self, message: Message, reference: str) -> Request:
        """Return ``POST /sms/messages``. Raises Unsupported for what CarrierX would lose."""
        options = options_of(message, self.name, CarrierXOptions)
        group = options.group_recipients
        kind = "mms" if group else options.type or message.kind
        check(message, self.capabilities, kind=kind)
        _check_group(message, group, options.type)
        send = Send(
            sender=numbers.digits(message.from_ or ""),
            to=numbers.digits(message.to),
            message=message.text or None,
            media_urls=message.media,
            group_recipients=tuple(numbers.digits(number) for number in group),
            type="mms" if kind == "mms" else options.type,
            user_data=options.user_data or reference,
        )
        return Request("POST", self._url, self._write, dumps(send))

    def recipients(self, message: Message) -> tuple[str, ...]:
        """Return every number the message would reach, the group's included."""
        options = options_of(message, self.name, CarrierXOptions)
        return (message.to, *options.group_recipients)

    def read(self, response: Response) -> Answer:
        """Return what the answer to a send means."""
        data = reading.mapping(reading.loads(response))
        if response.ok:
            return accepted(response, record(data))
        return refusal(response, data)

    def fetch_request(self, provider_id: str) -> Request:
        """Return ``GET /sms/messages/{message_sid}``."""
        return Request("GET", f"{self._url}/{base.escaped(provider_id)}", self._read)

    def list_request(self, query: Query) -> Request:
        """Return ``GET /sms/messages``, filtered in CarrierX's language, values quoted."""
        return Request("GET", base.address(self._url, filters.parameters(query)), self._read)

    def read_list(self, response: Response, query: Query) -> Page | Answer:
        """Return one page. Its links are absolute and are not followed: the offset is counted."""
        data = reading.mapping(reading.loads(response))
        if not response.ok or not isinstance(data.get("items"), list):
            return refusal(response, data)
        records = tuple(record(item) for item in reading.objects(data["items"]))
        return Page(records, filters.following(query, records, data))

    def check_request(self) -> Request:
        """Return ``GET /oauth/whoami``, which shows whether the credentials are good."""
        return self.identity_request()

    def is_guess(self, raw_status: str | None) -> bool:
        """Return whether what a status word means is guessed from its sound."""
        return is_guess(raw_status)

    def events(self, request: WebhookRequest) -> Heard:
        """Return what a webhook says: the SMS object, for messages in both directions.

        What CarrierX expects is not documented; 200 is taken for it. Raises BadPayload.
        """
        data = json_object(request)
        need(data, "message_sid")
        return Heard((record(data),))


def _authorization(settings: CarrierXSettings) -> dict[str, str]:
    """Return what every request says of who asks; with tokens, that comes when there is one."""
    if settings.token:
        return {"Authorization": f"Bearer {settings.token}"}
    if settings.client_id:
        return {}
    return {"Authorization": base.basic(settings.username, settings.password)}


def _check_group(message: Message, group: tuple[str, ...], kind: str | None) -> None:
    if kind == "sms" and (group or message.media):
        raise _unsupported('type "sms" cannot carry media or a group')
    reached = {numbers.digits(one) for one in (message.from_ or "", message.to, *group)}
    if group and len(reached) > LARGEST_GROUP:
        raise _unsupported(f"a group has at most {LARGEST_GROUP} numbers, the sender included")
    if not all(numbers.in_us(number) for number in group):
        raise _unsupported("sends MMS only to numbers of: US")


def _unsupported(sentence: str) -> Unsupported:
    return Unsupported(f"CarrierX: {sentence}", reason=Reason.CAPABILITY)
