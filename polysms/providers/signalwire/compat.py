"""SignalWire's older API: ``/api/laml/2010-04-01``, which its documents call compatible (LaML).

It has what the newer one lacks: a list by number, ``ValidityPeriod`` and ``MaxPrice``. It lacks the
custom variables. Sources: the pages and TypeSpec of its messages of 2026-08-21, the page on its
error codes. Not verified live.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar
from urllib.parse import urlencode

import attrs

from polysms.message import Message
from polysms.providers import base, lists, reading
from polysms.providers.base import Answer, Capabilities, Page, Query, Request, Response
from polysms.providers.hearing import FORM
from polysms.providers.limits import check, highest_price, options_of
from polysms.providers.outcome import accepted
from polysms.providers.signalwire import filters
from polysms.providers.signalwire.account import SignalWireSettings
from polysms.providers.signalwire.compat_records import record
from polysms.providers.signalwire.documented import COMPAT_ANSWER
from polysms.providers.signalwire.records import (
    No,
    redacted,
    refusal,
)
from polysms.providers.signalwire.senders import Senders

#: Seconds; SignalWire itself takes 14,400 where nothing is said.
LONGEST_VALIDITY = 172_800


@attrs.frozen(kw_only=True)
class SignalWireCompatOptions:
    """What only SignalWire's compatibility API has.

    ``max_price`` is the most that the message may cost, in USD; one that would cost more fails.
    ``send_as_mms`` makes an MMS of a text without media.
    """

    max_price: Decimal | None = attrs.field(default=None, converter=highest_price)
    send_as_mms: bool | None = None


class SignalWireCompat(Senders):
    """The adapter of SignalWire's compatibility API."""

    name: ClassVar[str] = "signalwire-compat"
    Settings: ClassVar[type] = SignalWireSettings
    Options: ClassVar[type] = SignalWireCompatOptions
    documented: ClassVar[Mapping[str, str]] = COMPAT_ANSWER
    capabilities: ClassVar[Capabilities] = Capabilities(
        title="SignalWire LaML",
        lookup="heuristic",
        # No carrier reports an MMS back: it ends at "sent" (TypeSpec of the status callback).
        reports=frozenset({"sms"}),
        longest_text=1600,
        longest_mms_text=1600,
        most_media=8,
        validity=True,
        tag=False,
        status_callback=True,
        # Short numbers and short codes stand in the newer API's documents alone.
        short_numbers=False,
        short_code_senders=True,
        alphanumeric_senders=False,
        plus_senders=True,
        mms_to="any",
        checked="2026-11-21",
        verified="documents",
        sources=("signalwire.com/docs/compatibility-api/rest/messages", "TypeSpec 2026-08-21"),
    )

    @property
    def _messages(self) -> str:
        account = base.escaped(self._project)
        return f"{self._base}/api/laml/2010-04-01/Accounts/{account}/Messages"

    def _of(self, provider_id: str) -> str:
        return f"{self._messages}/{base.escaped(provider_id)}"

    def _form(self, url: str, said: list[tuple[str, str]]) -> Request:
        headers = {**self._read, "Content-Type": FORM}
        return Request("POST", url, headers, urlencode(said).encode())

    def request(self, message: Message, reference: str) -> Request:  # noqa: ARG002 - no word for it
        """Return ``POST .../Messages``. Raises Unsupported for what would be lost."""
        options = options_of(message, self.name, SignalWireCompatOptions)
        check(message, self.capabilities, kind="mms" if options.send_as_mms else None)
        valid_for = message.valid_for
        said = {
            "To": message.to,
            "From": message.from_ or "",
            "Body": message.text or None,
            "StatusCallback": message.status_callback,
            "ValidityPeriod": None if valid_for is None else str(min(valid_for, LONGEST_VALIDITY)),
            "MaxPrice": None if options.max_price is None else f"{options.max_price:f}",
            "SendAsMms": None if options.send_as_mms is None else str(options.send_as_mms).lower(),
        }
        media = [("MediaUrl", url) for url in message.media]
        return self._form(self._messages, [*reading.known(said).items(), *media])

    def warnings(self, message: Message) -> tuple[str, ...]:
        """Return what may surprise: SignalWire gives up before the message's own time is over."""
        if (message.valid_for or 0) <= LONGEST_VALIDITY:
            return ()
        return ("SignalWire tries for 48 hours at most, which is less than valid_for",)

    def read(self, response: Response) -> Answer:
        """Return what the answer to a send means."""
        data = reading.mapping(reading.loads(response))
        return accepted(response, record(data)) if response.ok else refusal(response, data)

    def fetch_request(self, provider_id: str) -> Request:
        """Return ``GET .../Messages/{Sid}``."""
        return Request("GET", self._of(provider_id), self._read)

    def list_request(self, query: Query) -> Request:
        """Return ``GET .../Messages``. Raises ConfigError for a filter that it does not have.

        ``DateSent`` knows nothing of what was not sent yet, so a number is asked for without it.
        """
        own = lists.spelled(query.filters, filters.OF_MESSAGES)
        if query.cursor:
            return Request("GET", query.cursor, self._read)
        wanted = {
            "To": query.to,
            "From": query.from_,
            "DateSent>": None if query.to else lists.day_of(query.since, -lists.DAY),
            "DateSent<": None if query.to else lists.day_of(query.until, lists.DAY),
            "PageSize": lists.page_size(query.page_size, filters.MOST_PER_PAGE),
            **own,
        }
        return Request("GET", base.address(self._messages, wanted), self._read)

    def read_list(self, response: Response, query: Query) -> Page | Answer:
        """Return one page; newest come first, so it is the last once it is older than asked for."""
        data = reading.mapping(reading.loads(response))
        if not response.ok or not isinstance(data.get("messages"), list):
            return refusal(response, data)
        records = tuple(record(item) for item in reading.objects(data["messages"]))
        here = self.list_request(query).url
        target = lists.followed(data.get("next_page_uri"), here)
        more = target is not None and not lists.is_past(records, query.since)
        return Page(records, attrs.evolve(query, cursor=target) if more else None)

    def check_request(self) -> Request:
        """Return ``GET .../Messages?PageSize=1``, which shows the credentials are good."""
        return Request("GET", f"{self._messages}?PageSize=1", self._read)

    def redact_request(self, provider_id: str) -> Request:
        """Return ``POST .../Messages/{Sid}`` with an empty body."""
        return self._form(self._of(provider_id), [("Body", "")])

    def read_redact(self, response: Response, _: object = None) -> No | None:
        """Return what is wrong, None where the text is gone."""
        return redacted(response, reading.mapping(reading.loads(response)), "sid")
