"""A SignalWire project: its settings, its headers, and how its webhooks are heard."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import attrs

from polysms.providers import base
from polysms.providers.hearing import Heard, Signed, WebhookRequest
from polysms.providers.signalwire import signature, webhooks

_SPACE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.IGNORECASE)


def _space(_: SignalWireSettings, __: attrs.Attribute[Any], value: str) -> None:
    if not _SPACE.fullmatch(value):
        raise ValueError('space: write only the name before ".signalwire.com"')


@attrs.frozen(kw_only=True)
class SignalWireSettings:
    """A SignalWire project: its ``space`` (the name before .signalwire.com), id and API token.

    ``signing_key`` is what it signs its webhooks with; a list while one takes another's place.
    """

    url_forms: ClassVar[base.UrlForms] = (("project_id", "api_token", "space"),)
    space: str = attrs.field(validator=_space)
    project_id: str
    api_token: str = base.secret()
    signing_key: tuple[str, ...] = base.secrets()

    @property
    def home(self) -> str:
        """The space's own address."""
        return f"https://{self.space}.signalwire.com"


class SignalWireAccount:
    """What both of SignalWire's APIs have in common."""

    #: An inbound message may be asked for with GET (the cXML page).
    webhook_methods: ClassVar[tuple[str, ...]] = ("POST", "GET")

    def __init__(self, settings: SignalWireSettings, base_url: str) -> None:
        """Take the project's settings, and the address of its space."""
        self.signing_keys = settings.signing_key
        self._base = base_url
        self._project = settings.project_id
        basic = base.basic(settings.project_id, settings.api_token)
        self._read = {"Authorization": basic, "Accept": base.JSON}

    def events(self, request: WebhookRequest) -> Heard:
        """Return what a webhook says. Raises BadPayload for what SignalWire does not post."""
        return webhooks.heard(request)

    def signed(self, request: WebhookRequest, url: str) -> Signed:
        """Return the signature of a webhook, and those that would be right at this URL."""
        return signature.signed(request, url, self.signing_keys)
