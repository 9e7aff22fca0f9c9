"""CarrierX's OAuth: a token for a client's and a user's credentials (``POST /oauth/token``)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import attrs

from polysms.errors import Reason
from polysms.providers import base, reading
from polysms.providers.base import Request, Response, Token, Unclear
from polysms.providers.carrierx.settings import CarrierXSettings
from polysms.providers.carrierx.wire import No, refusal
from polysms.providers.outcome import outcome

#: Seconds: how long a token is asked to be good. Left to CarrierX, it may be a hundred years.
LIFE = 3600
FORM = "application/x-www-form-urlencoded"
SCOPES = "a token needs the scope oauth.create or oauth.manage"
_TOKEN = re.compile(r"[!-~]{1,4096}")


class Tokens:
    """The part of the adapter that knows tokens."""

    _base: str
    _settings: CarrierXSettings

    def token_request(self) -> Request | None:
        """Return ``POST /oauth/token``, None for an account whose credentials are sent as such."""
        if not self._settings.client_id:
            return None
        wanted = {
            "grant_type": "password",
            "client_id": self._settings.client_id,
            "client_secret": self._settings.client_secret,
            "username": self._settings.username,
            "password": self._settings.password,
            "access_token_expires_in": LIFE,
        }
        headers = {"Accept": base.JSON, "Content-Type": FORM}
        content = urlencode(wanted, errors="replace").encode()
        return Request("POST", f"{self._base}/oauth/token", headers, content)

    def read_token(self, response: Response) -> Token | No:
        """Return the token, or what it means that there is none."""
        data = reading.mapping(reading.loads(response))
        if not response.ok:
            return _refused(response, refusal(response, data, SCOPES).text)
        value, kind = data.get("access_token"), data.get("token_type")
        is_bearer = kind is None or (isinstance(kind, str) and kind.lower() == "bearer")
        if isinstance(value, str) and _TOKEN.fullmatch(value) and is_bearer:
            return Token(value, _life(data))
        return Unclear(text=f"HTTP {response.status} without a token we can read")

    def authorized(self, request: Request, value: str) -> Request:
        """Return a request with the token's value in it."""
        headers = {"Authorization": f"Bearer {value}", **request.headers}
        return attrs.evolve(request, headers=headers)


def _refused(response: Response, text: str) -> No:
    # Whatever its words say of numbers or texts: what was not taken are credentials.
    reason = Reason.CREDENTIALS if response.status in {400, 422} else None
    return outcome(response, reason=reason, text=text)


def _life(data: Mapping[str, Any]) -> float:
    """Return for how many seconds a token is good: by the provider's own clock alone."""
    begins = reading.moment(data.get("date_created"))
    ends = reading.moment(data.get("date_expiration_access_token"))
    if begins is None or ends is None or ends <= begins:
        return LIFE
    return (ends - begins).total_seconds()
