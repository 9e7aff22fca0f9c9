"""A provider that polysms does not know: its adapter, and the example of what it answers."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from polysms import Reason, Status
from polysms.message import Message
from polysms.providers import base, reading
from polysms.providers.base import Answer, Capabilities, Record, Request, Response
from polysms.providers.hearing import Heard, WebhookRequest, json_object
from polysms.providers.outcome import accepted, outcome
from polysms.testing.contract import Example

STATUSES = {"queued": Status.QUEUED, "gone": Status.SENT, "arrived": Status.DELIVERED}


@attrs.frozen(kw_only=True)
class PigeonSettings:
    """An account."""

    home: ClassVar[str] = "https://api.example.com"
    url_forms: ClassVar[base.UrlForms] = (("key",),)
    key: str = base.secret()


class Pigeon:
    """The adapter."""

    name: ClassVar[str] = "pigeon"
    Settings: ClassVar[type] = PigeonSettings
    Options: ClassVar[type] = attrs.make_class("Options", {})
    capabilities: ClassVar[Capabilities] = Capabilities(
        title="Pigeon",
        lookup="none",
        reports=frozenset({"sms"}),
        most_media=0,
        validity=False,
        tag=False,
        status_callback=False,
        short_numbers=False,
        short_code_senders=False,
        alphanumeric_senders=True,
        mms_to="none",
        checked="2026-11-21",
        verified="documents",
    )

    def __init__(self, settings: PigeonSettings, base_url: str) -> None:
        """Take the account's key."""
        self._url = base_url
        self._headers = {"Authorization": settings.key, "Content-Type": base.JSON}

    def request(self, message: Message, reference: str) -> Request:
        """Return the request of a send."""
        body = {"to": message.to, "say": message.text, "ref": reference}
        return Request("POST", f"{self._url}/fly", self._headers, reading.dumps(body))

    def read(self, response: Response) -> Answer:
        """Return what an answer means."""
        data = reading.mapping(reading.loads(response))
        if not response.ok:
            reason = Reason.INVALID_NUMBER if data.get("error") == "no such roof" else None
            return outcome(response, reason=reason, code=reading.word(data.get("error")))
        return accepted(response, _record(data))

    def fetch_request(self, provider_id: str) -> Request:
        """Return what asks for a message."""
        return Request("GET", f"{self._url}/fly/{base.escaped(provider_id)}", self._headers)

    def events(self, request: WebhookRequest) -> Heard:
        """Return what is posted."""
        return Heard((_record(json_object(request)),))


def _record(data: dict[str, Any]) -> Record:
    word = reading.word(data.get("state"))
    return Record(
        provider_id=reading.word(data.get("bird")),
        raw_status=word,
        status=STATUSES.get(word or "", Status.UNRECOGNIZED),
        raw=data,
    )


class Plain(Pigeon):
    """An adapter whose answers have the names that most have."""

    name: ClassVar[str] = "plain"

    def read(self, response: Response) -> Answer:
        """Return what an answer means."""
        data = reading.mapping(reading.loads(response))
        if not response.ok:
            return outcome(response)
        inner = reading.mapping(data.get("data"))
        record = Record(
            provider_id=reading.word(inner.get("uuid")),
            raw_status=None,
            status=Status.QUEUED,
        )
        return accepted(response, record)


_ACCOUNT = {"key": "pigeon-key", "sender": "Acme", "webhook_token": "canary-0123456789abcdef"}
CONFIG: dict[str, Any] = {
    "accounts": {
        "pigeon": {**_ACCOUNT, "provider": "tests.testing.others:Pigeon"},
        "plain": {**_ACCOUNT, "provider": "tests.testing.others:Plain"},
    },
    "default": "pigeon",
    "public_url": "https://sms.example.com/hooks",
}
EXAMPLES = {
    "pigeon": Example(
        settings=_ACCOUNT,
        secret="pigeon-key",
        sender="Acme",
        path="https://api.example.com/fly",
        spelled={"to": "+13135550123", "say": "hi ☺"},
        text_at=("say",),
        sent='{"bird": "b-1", "state": "queued"}',
        sent_status=201,
        where={"id": "bird", "status": "state"},
        statuses=STATUSES,
        codes=((422, {"error": "no such roof"}, Reason.INVALID_NUMBER),),
        heard={"bird": "b-1", "state": "arrived"},
        heard_at=("state",),
    ),
}
