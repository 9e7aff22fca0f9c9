"""A Wavix account: its settings, its addresses and headers, and what it says of itself."""

from __future__ import annotations

from typing import ClassVar

import attrs
from attrs.validators import in_

from polysms.providers import base, reading
from polysms.providers.base import Busy, Refused, Request, Response, Unclear
from polysms.providers.wavix.records import refusal, says_no
from polysms.services import Balance

BASE_URL = "https://api.wavix.com"

#: What stands between the words of a path, by the word for it.
SPELLINGS = {"hyphens": "-", "underscores": "_"}


@attrs.frozen(kw_only=True)
class WavixSettings:
    """A Wavix account. ``api_key`` is what older documents call ``appid``.

    ``paths`` spells addresses as ``sender-ids`` ("hyphens", newer documents) or ``sender_ids``
    ("underscores"); ``optout_body`` is "wrapped" (newer documents) or "flat".
    """

    home: ClassVar[str] = BASE_URL
    url_forms: ClassVar[base.UrlForms] = (("api_key",),)
    api_key: str = base.secret()
    paths: str = attrs.field(default="hyphens", validator=in_(tuple(SPELLINGS)))
    optout_body: str = attrs.field(default="wrapped", validator=in_(("wrapped", "flat")))


class WavixAccount:
    """What every request of an account has in common, and what it says of itself."""

    def __init__(self, settings: WavixSettings, base_url: str = BASE_URL) -> None:
        """Take the account's settings, and the address that stands for the public one."""
        self._settings = settings
        self._base = base_url
        self._url = f"{base_url}/v3/messages"
        self._read = {"Authorization": f"Bearer {settings.api_key}", "Accept": base.JSON}
        self._write = {**self._read, "Content-Type": base.JSON}

    def _below(self, *words: str) -> str:
        """Return the address below the messages' own that these words name."""
        return f"{self._url}/{SPELLINGS[self._settings.paths].join(words)}"

    def check_request(self) -> Request:
        """Return ``GET /v1/profile``, which shows whether the key is good and sends nothing."""
        return Request("GET", f"{self._base}/v1/profile", self._read)

    def balance_request(self) -> Request:
        """Return ``GET /v1/profile/config``."""
        return Request("GET", f"{self._base}/v1/profile/config", self._read)

    def read_balance(self, response: Response) -> Balance | Refused | Busy | Unclear:
        """Return the balance, in USD (OpenAPI)."""
        data = reading.mapping(reading.loads(response))
        amount = reading.money(data.get("balance"))
        if not response.ok or says_no(data):
            return refusal(response, data)
        if amount is None:
            return Unclear(text="an answer without a balance we can read")
        return Balance(amount=amount.amount, currency=amount.currency, raw=data)
