"""A Twilio account: its credentials, its addresses, its headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

import attrs

from polysms.providers import base
from polysms.providers.base import Request

BASE_URL = "https://api.twilio.com"
MOST_PER_PAGE = 1000


def _account_sid(_: TwilioSettings, __: attrs.Attribute[Any], value: str) -> None:
    if not value.startswith("AC"):
        raise ValueError('account_sid: write the one that begins with "AC"')


@attrs.frozen(kw_only=True)
class TwilioSettings:
    """A Twilio account: its ``account_sid`` and ``auth_token``, or an API key with its secret.

    Webhooks are signed with the auth token, whatever requests are made with. ``signing_key`` has
    further tokens that may have signed them, while one takes another's place.
    """

    home: ClassVar[str] = BASE_URL
    url_forms: ClassVar[base.UrlForms] = (
        ("account_sid", "auth_token"),
        ("api_key", "api_secret", "account_sid"),
    )
    account_sid: str = attrs.field(validator=_account_sid)
    auth_token: str | None = base.optional_secret()
    api_key: str | None = None
    api_secret: str | None = base.optional_secret()
    signing_key: tuple[str, ...] = base.secrets()

    def __attrs_post_init__(self) -> None:
        if bool(self.api_key) != bool(self.api_secret):
            raise ValueError("api_key: give api_key and api_secret, or neither")
        if not self.auth_token and not self.api_key:
            raise ValueError("auth_token: is missing; give it, or api_key and api_secret")
        if self.auth_token is not None and not self.auth_token.strip():
            raise ValueError("auth_token: is empty; an empty secret protects nothing")

    @property
    def signing_keys(self) -> tuple[str, ...]:
        """All tokens that may have signed a webhook, the account's own first."""
        own = (self.auth_token,) if self.auth_token else ()
        return (*own, *self.signing_key)


class TwilioAccount:
    """What every request of an account has in common."""

    def __init__(self, settings: TwilioSettings, base_url: str = BASE_URL) -> None:
        """Take the account's settings, and the address that stands for the public one."""
        self.signing_keys = settings.signing_keys
        account = base.escaped(settings.account_sid)
        self._base = base_url
        self._account = f"{base_url}/2010-04-01/Accounts/{account}"
        self._messages = f"{self._account}/Messages.json"
        self._lookups = _lookups(base_url)
        user = settings.api_key or settings.account_sid
        basic = base.basic(user, settings.api_secret or settings.auth_token)
        self._read = {"Authorization": basic, "Accept": base.JSON}

    def _get(self, url: str, wanted: Mapping[str, str | None]) -> Request:
        return Request("GET", base.address(url, wanted), self._read)

    def _message(self, provider_id: str) -> str:
        return f"{self._account}/Messages/{base.escaped(provider_id)}.json"


def _lookups(base_url: str) -> str:
    """Return where numbers are looked up: a host of its own, in each region; a stand-in has one."""
    host = urlsplit(base_url).hostname or ""
    ours = host.startswith("api.") and host.endswith(".twilio.com")
    return base_url.replace("//api.", "//lookups.", 1) if ours else base_url
