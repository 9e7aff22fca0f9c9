"""Accounts without a network: ``console`` prints, ``memory`` keeps, ``null`` forgets.

They take every message through the same code as a real provider, so that what works here is what
would be sent. Their request never leaves the process: the client answers it itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import attrs

from polysms.delivery import Status
from polysms.message import Message
from polysms.providers import base, reading
from polysms.providers.base import Answer, Capabilities, Record, Request, Response
from polysms.providers.limits import check
from polysms.providers.outcome import accepted, outcome

#: A name that resolves nowhere (RFC 2606), so a leak of this request could reach nobody.
HOME = "http://local.invalid"


@attrs.frozen(kw_only=True)
class LocalSettings:
    """A local account has no settings of its own."""

    home: ClassVar[str] = HOME
    url_forms: ClassVar[base.UrlForms] = ((),)


@attrs.frozen(kw_only=True)
class LocalOptions:
    """A local account has no options."""


class Local:
    """The adapter of accounts without a network."""

    name: ClassVar[str] = "local"
    Settings: ClassVar[type] = LocalSettings
    Options: ClassVar[type] = LocalOptions
    capabilities: ClassVar[Capabilities] = Capabilities(
        title="Local",
        lookup="none",
        reports=frozenset(),
        longest_text=None,
        longest_mms_text=None,
        most_media=20,
        validity=True,
        tag=True,
        status_callback=True,
        short_numbers=True,
        short_code_senders=True,
        alphanumeric_senders=True,
        mms_to="any",
        checked="2026-11-21",
        verified="live",
    )

    def __init__(self, settings: LocalSettings, base_url: str = HOME) -> None:
        """Take nothing that matters."""
        del settings
        self._url = f"{base_url}/messages"

    def request(self, message: Message, reference: str) -> Request:
        """Return the message as JSON."""
        check(message, self.capabilities)
        body = {
            "id": reference,
            "from": message.from_,
            "to": message.to,
            "text": message.text,
            "media": message.media,
        }
        return Request("POST", self._url, {"Content-Type": base.JSON}, reading.dumps(body))

    def read(self, response: Response) -> Answer:
        """Return the message as accepted, and as sent: nothing more will happen to it."""
        data: Mapping[str, Any] = reading.mapping(reading.loads(response))
        if not response.ok:
            return outcome(response)
        record = Record(
            provider_id=reading.word(data.get("id")),
            raw_status="sent",
            status=Status.SENT,
            raw=data,
        )
        return accepted(response, record)
