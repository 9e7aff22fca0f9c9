"""Our signatures beside Twilio's own validator, and our requests beside its own client."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from polysms import Message
from polysms.providers.twilio import Twilio, TwilioOptions, TwilioSettings
from polysms.webhooks import WebhookRequest
from polysms.webhooks.paths import is_one_of

official: Any = pytest.importorskip(
    "twilio.request_validator",
    reason="Twilio's own package is not installed: tox -e twilio has it",
)

CASES = 1_000
SID = f"AC{'1' * 32}"
SERVICE = f"MG{'1' * 32}"
FORM = "application/x-www-form-urlencoded"
LETTERS = "abcXYZ019 +&=%/?#\"'{}éßжи早\N{PILE OF POO}"
HOSTS = (
    *("https://sms.example.com", "https://sms.example.com:443", "https://sms.example.com:8443"),
    *("http://127.0.0.1", "http://127.0.0.1:80", "https://sms.example.com:80"),
)


def text(chance: random.Random, most: int) -> str:
    """Return some text."""
    return "".join(chance.choices(LETTERS, k=chance.randrange(1, most)))


def adapter_with(token: str) -> Any:
    """Return the adapter of an account with a token."""
    return Twilio(TwilioSettings(account_sid=SID, auth_token=token))


def test_agrees_with_the_official_validator() -> None:
    """On a thousand random webhooks, many of them forged, both come to the same verdict."""
    chance = random.Random(7)  # noqa: S311 - the same cases each time
    verdicts = []
    for _ in range(CASES):
        key = f"k{text(chance, 30)}k"
        validator = official.RequestValidator(key)
        url = f"{chance.choice(HOSTS)}/hooks/twilio?a={text(chance, 3).encode().hex()}"
        host = chance.choice((url.partition("/hooks")[0], chance.choice(HOSTS)))
        said = {text(chance, 12): text(chance, 40) for _ in range(chance.randrange(1, 12))}
        signature = validator.compute_signature(host + url[url.index("/hooks") :], said)
        if chance.random() < 0.3:
            said[next(iter(said))] += "!"
        headers = {"content-type": FORM, "X-Twilio-Signature": signature}
        request = WebhookRequest("POST", url, headers, urlencode(said).encode())
        signed = adapter_with(key).signed(request, url)
        verdicts.append(is_one_of(signature, signed.right))
        assert (validator.validate(url, said, signature), url) == (verdicts[-1], url)
    assert CASES // 4 < sum(verdicts) < CASES * 3 // 4


def test_says_what_the_official_client_says() -> None:
    """Our form has the fields of the official client's, spelled as it spells them."""
    rest: Any = pytest.importorskip("twilio.rest")
    posted: list[Any] = []

    class Recorder:
        def request(self, method: str, url: str, **facts: Any) -> None:
            posted.extend((method, url, facts["data"]))
            raise InterruptedError

    with pytest.raises(InterruptedError):
        rest.Client(SID, "t", http_client=Recorder()).messages.create(
            to="+13135550123",
            from_="+13135550106",
            body="hi ☺",
            media_url=["https://example.com/a.png", "https://example.com/b.png"],
            status_callback="https://example.com/hook",
            validity_period=600,
            max_price=0.01,
            send_as_mms=True,
            smart_encoded=False,
            messaging_service_sid=SERVICE,
        )
    options = TwilioOptions(
        max_price=Decimal("0.01"),
        send_as_mms=True,
        smart_encoded=False,
        messaging_service_sid=SERVICE,
    )
    message = Message(
        "+13135550123",
        "hi ☺",
        from_="+13135550106",
        media=["https://example.com/a.png", "https://example.com/b.png"],
        status_callback="https://example.com/hook",
        valid_for=600,
        options={"twilio": options},
    )
    request = adapter_with("t").request(message, "r")
    method, url, data = posted
    theirs = sorted(parse_qsl(urlencode(data, doseq=True)))
    assert (method, url) == (request.method, request.url)
    assert theirs == sorted(parse_qsl(request.content.decode()))
