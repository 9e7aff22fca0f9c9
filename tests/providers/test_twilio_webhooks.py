"""What Twilio posts: its documented forms, its signatures, and everything a forger may try."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms import BadPayload, BadSignature, Config, DeliveryReport, InboundMessage, Reason, Status
from polysms.config import Account
from polysms.webhooks import Belief, WebhookRequest, address, parse, read, verify

PUBLIC = "https://sms.example.com/hooks"
TOKEN, OLD_TOKEN = "canary-0123456789abcdef", "canary-fedcba9876543210"
REFERENCE = "0192f1a0-0000-7000-8000-000000000001"
FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
JSON = {"content-type": "application/json"}
PICTURE = "https://example.com/menu.png"

#: The parameters of the status callback (Messages resource) with invented values.
REPORT = {
    "AccountSid": "ACexample",
    "ApiVersion": "2010-04-01",
    "From": "+13135550100",
    "MessageSid": "SM1",
    "MessageStatus": "delivered",
    "RawDlrDoneDate": "2604141200",
    "SmsSid": "SM1",
    "SmsStatus": "delivered",
    "To": "+13135550123",
}
#: Those of "Twilio's request to your incoming message Webhook URL".
INBOUND = {
    "AccountSid": "ACexample",
    "ApiVersion": "2010-04-01",
    "Body": "STOP & thank you ☺",
    "From": "+13135550123",
    "FromCity": "",
    "MessageSid": "SM2",
    "NumMedia": "0",
    "NumSegments": "1",
    "SmsMessageSid": "SM2",
    "SmsSid": "SM2",
    "SmsStatus": "received",
    "To": "+13135550100",
}


def account(**more: Any) -> Account:
    """Return an account that hears, with some keys changed."""
    table = {"account_sid": "ACexample", "auth_token": TOKEN, "sender": "+13135550100", **more}
    said = {key: value for key, value in table.items() if value is not None}
    return Config.from_mapping({"accounts": {"twilio": said}}).account("twilio")


ACCOUNT = account()


def signature(url: str, fields: Mapping[str, str], key: str = TOKEN) -> str:
    """Return Twilio's signature, written from its guide and not from our code."""
    text = url + "".join(name + fields[name] for name in sorted(fields))
    made = hmac.new(key.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(made).decode()


def posted(
    fields: Mapping[str, str],
    *,
    of: Account = ACCOUNT,
    reference: str | None = None,
    signed_for: str | None = None,
    key: str = TOKEN,
) -> WebhookRequest:
    """Return a webhook as Twilio posts it, signed for an address (that of the account)."""
    url = address(of, PUBLIC, reference)
    headers = {**FORM, "X-Twilio-Signature": signature(signed_for or url, fields, key)}
    return WebhookRequest("POST", url, headers, urlencode(fields).encode())


def belief(request: WebhookRequest, of: Account = ACCOUNT, public: str = PUBLIC) -> Any:
    """Return how far a webhook is believed, and what is wrong with it."""
    verdict = verify(of, request, public)
    return verdict.belief, verdict.part


GENUINE = (Belief.GENUINE, None)
FORGED = (Belief.REFUSED, "signature")


# What is said.


def test_report() -> None:
    """A status callback is a report, answered with nothing."""
    hearing = read(ACCOUNT, posted(REPORT, reference=REFERENCE), PUBLIC)
    (event,) = hearing.events
    assert isinstance(event, DeliveryReport)
    assert ("SM1", Status.DELIVERED, "delivered", REFERENCE) == (
        event.provider_id,
        event.status,
        event.raw_status,
        event.reference,
    )
    assert (204, b"") == (hearing.answer.status, hearing.answer.body)


FAILURES = [
    ("undelivered", "30003", Status.UNDELIVERED, Reason.OTHER),
    ("undelivered", "30007", Status.UNDELIVERED, Reason.CONTENT),
    ("failed", "30034", Status.FAILED, Reason.SENDER),
    ("failed", "99999", Status.FAILED, None),
    ("sent", "", Status.SENT, None),
    ("teleported", "", Status.UNRECOGNIZED, None),
]


@pytest.mark.parametrize(("word", "code", "status", "reason"), FAILURES)
def test_failure(word: str, code: str, status: Status, reason: Reason | None) -> None:
    """A report has Twilio's code, and what that is for us."""
    fields = {**REPORT, "MessageStatus": word, "ErrorCode": code}
    (event,) = read(ACCOUNT, posted(fields), PUBLIC).events
    assert isinstance(event, DeliveryReport)
    assert (status, code or None, reason) == (event.status, event.code, event.reason)


@pytest.mark.parametrize(
    "fields",
    [
        {"SmsSid": "SM1", "SmsStatus": "sent"},
        {"MessageSid": "SM1", "MessageStatus": "sent"},
        {"MessageSid": "SM1", "MessageStatus": "sent", "SmsSid": "SM9", "SmsStatus": "queued"},
    ],
)
def test_older_and_newer_names(fields: dict[str, str]) -> None:
    """Older parameters stand in where the newer ones are missing, and only there."""
    (event,) = read(ACCOUNT, posted(fields), PUBLIC).events
    assert ("SM1", Status.SENT) == (event.provider_id, getattr(event, "status", None))


def test_inbound() -> None:
    """An inbound message is answered with TwiML that does nothing."""
    hearing = read(ACCOUNT, posted(INBOUND), PUBLIC)
    (event,) = hearing.events
    assert isinstance(event, InboundMessage)
    assert ("+13135550123", "+13135550100", "STOP & thank you ☺") == (
        event.from_,
        event.to,
        event.text,
    )
    assert (200, "text/xml") == (hearing.answer.status, hearing.answer.headers["content-type"])
    assert hearing.answer.body.endswith(b"<Response/>")


def test_inbound_pictures() -> None:
    """The pictures of an inbound MMS are counted by their names."""
    pictures = {f"MediaUrl{number}": f"{PICTURE}?{number}" for number in range(3)}
    (event,) = read(ACCOUNT, posted({**INBOUND, **pictures, "NumMedia": "9"}), PUBLIC).events
    assert isinstance(event, InboundMessage)
    assert tuple(pictures.values()) == event.media


def test_inbound_by_get() -> None:
    """A number's webhook may be asked for with GET: its query is in the URL that is signed."""
    url = f"{address(ACCOUNT, PUBLIC)}?{urlencode(INBOUND)}"
    request = WebhookRequest("GET", url, {"X-Twilio-Signature": signature(url, {})})
    (event,) = read(ACCOUNT, request, PUBLIC).events
    assert isinstance(event, InboundMessage)
    moved = attrs.evolve(request, url=url.replace("SM2", "SM3"))
    assert FORGED == belief(moved)


@pytest.mark.parametrize("fields", [{}, {"CallSid": "CA1"}])
def test_about_no_message(fields: dict[str, str]) -> None:
    """What is about no message is unreadable, though it is signed."""
    with pytest.raises(BadPayload):
        read(ACCOUNT, posted(fields), PUBLIC)


@given(body=st.binary(max_size=300), kind=st.sampled_from([FORM, JSON]))
def test_any_bytes(body: bytes, kind: dict[str, str]) -> None:
    """No bytes raise anything but BadPayload, and nothing unsigned is believed."""
    request = WebhookRequest("POST", address(ACCOUNT, PUBLIC), kind, body)
    assert Belief.REFUSED is verify(ACCOUNT, request, PUBLIC).belief
    try:
        parse(ACCOUNT, request)
    except BadPayload:
        return


# Once is once.


def test_repeated_webhook_is_the_same_event() -> None:
    """What is posted again has the same id; another status of the same message has another."""
    ids = [
        read(ACCOUNT, posted({**REPORT, "MessageStatus": word}), PUBLIC).events[0].event_id
        for word in ("sent", "delivered", "delivered")
    ]
    assert (2, ids[1]) == (len(set(ids)), ids[2])
    inbound = [read(ACCOUNT, posted(INBOUND), PUBLIC).events[0].event_id for _ in range(2)]
    assert 1 == len(set(inbound))


# What is believed.


def test_published_vector() -> None:
    """The signature that Twilio's guide works out is ours too."""
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    adapter: Any = account(auth_token="12345").adapter
    request = WebhookRequest("POST", url, FORM, urlencode(fields).encode())
    right = adapter.signed(request, url).right
    assert "RSOYDt4T1cUTdK1PDd93/VVr8B8=" in right
    assert "RSOYDt4T1cUTdK1PDd93/VVr8B8=" == signature(url, fields, "12345")


FORGERIES: list[tuple[str, dict[str, Any]]] = [
    ("another key", {"key": "guessed-0123456789"}),
    ("an empty key", {"key": ""}),
    ("for another path", {"signed_for": f"{PUBLIC}/twilio/other"}),
    ("for another host", {"signed_for": address(ACCOUNT, "https://evil.example/hooks")}),
    ("for another scheme", {"signed_for": address(ACCOUNT, "http://sms.example.com/hooks")}),
]


@pytest.mark.parametrize(
    "changes", [row[1] for row in FORGERIES], ids=[row[0] for row in FORGERIES]
)
def test_forged(changes: dict[str, Any]) -> None:
    """A signature of another key or for another address proves nothing."""
    assert GENUINE == belief(posted(REPORT))
    assert FORGED == belief(posted(REPORT, **changes))


def test_changed_body() -> None:
    """A signed webhook of which one letter was changed is refused, and so is an unsigned one."""
    genuine = posted({**REPORT, "MessageStatus": "sent"})
    changed = attrs.evolve(genuine, body=genuine.body.replace(b"sent", b"read"))
    assert FORGED == belief(changed)
    assert FORGED == belief(attrs.evolve(genuine, headers=FORM))
    with pytest.raises(BadSignature):
        read(ACCOUNT, changed, PUBLIC)


def test_signature_said_twice() -> None:
    """Two signatures are none, though one of them is right."""
    genuine = posted(REPORT)
    right = genuine.headers["x-twilio-signature"]
    pairs = [*FORM.items(), ("X-Twilio-Signature", right), ("X-Twilio-Signature", right)]
    assert FORGED == belief(attrs.evolve(genuine, headers=pairs))


def test_field_said_twice() -> None:
    """A form with a name twice is read by nobody, because nobody knows which value counts."""
    genuine = posted(REPORT)
    twice = attrs.evolve(genuine, body=genuine.body + b"&MessageStatus=failed")
    assert FORGED == belief(twice)
    with pytest.raises(BadPayload):
        parse(ACCOUNT, twice)


def test_unsigned_with_the_address_of_its_message() -> None:
    """Without a signature a report with its message's token is a hint, an inbound one refused."""
    report = attrs.evolve(posted(REPORT, reference=REFERENCE), headers=FORM)
    assert (Belief.HINT, None) == belief(report)
    inbound = attrs.evolve(posted(INBOUND, reference=REFERENCE), headers=FORM)
    with pytest.raises(BadSignature):
        read(ACCOUNT, inbound, PUBLIC)


PORTS = [
    ("https://sms.example.com", "https://sms.example.com", True),
    ("https://sms.example.com", "https://sms.example.com:443", True),
    ("https://sms.example.com:443", "https://sms.example.com", True),
    ("http://127.0.0.1", "http://127.0.0.1:80", True),
    ("https://sms.example.com:8443", "https://sms.example.com:8443", True),
    # The official libraries take a port or none, whichever it is.
    ("https://sms.example.com:8443", "https://sms.example.com", True),
    ("https://[2001:db8::1]:8443", "https://[2001:db8::1]", True),
    ("https://[2001:db8::443]", "https://[2001:db8::443]:443", True),
    ("https://sms.example.com", "https://sms.example.com:8443", False),
    ("https://sms.example.com", "https://sms.example.com:80", False),
    ("https://sms.example.com", "http://sms.example.com", False),
]


@pytest.mark.parametrize(("public", "signed_for", "right"), PORTS)
def test_ports(public: str, signed_for: str, right: bool) -> None:  # noqa: FBT001 - a row's fact
    """A port may be said or not when the URL is signed; another one is another address."""
    request = posted(REPORT, signed_for=address(ACCOUNT, f"{signed_for}/hooks"))
    assert (GENUINE if right else FORGED) == belief(request, public=f"{public}/hooks")


def test_json() -> None:
    """JSON is signed by the URL, which names the hash of the body."""
    body = json.dumps(REPORT).encode()
    url = f"{address(ACCOUNT, PUBLIC)}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    headers = {**JSON, "X-Twilio-Signature": signature(url, {})}
    request = WebhookRequest("POST", url, headers, body)
    assert GENUINE == belief(request)
    (event,) = read(ACCOUNT, request, PUBLIC).events
    assert "SM1" == event.provider_id
    assert FORGED == belief(attrs.evolve(request, body=body + b" "))
    bare = address(ACCOUNT, PUBLIC)
    unnamed = {**JSON, "X-Twilio-Signature": signature(bare, {})}
    assert FORGED == belief(WebhookRequest("POST", bare, unnamed, body))


ROTATIONS = [
    ({}, TOKEN, True),
    ({}, OLD_TOKEN, False),
    ({"signing_key": OLD_TOKEN}, OLD_TOKEN, True),
    ({"signing_key": OLD_TOKEN}, TOKEN, True),
    ({"signing_key": [OLD_TOKEN, "third-0123456789"]}, "third-0123456789", True),
    # Requests are made with a key; webhooks are signed with the token all the same.
    ({"auth_token": None, "api_key": "SK1", "api_secret": "s", "signing_key": TOKEN}, TOKEN, True),
    ({"auth_token": None, "api_key": "SK1", "api_secret": "s", "signing_key": TOKEN}, "s", False),
]


@pytest.mark.parametrize(("settings", "key", "right"), ROTATIONS)
def test_rotation(settings: dict[str, Any], key: str, right: bool) -> None:  # noqa: FBT001 - a row's fact
    """While one auth token takes another's place, webhooks of both are believed."""
    of = account(**settings)
    assert (GENUINE if right else FORGED) == belief(posted(REPORT, of=of, key=key), of)


def test_address_outlives_the_token() -> None:
    """An address made before the rotation still leads to its account after it."""
    before, after = account(auth_token=OLD_TOKEN), account(signing_key=OLD_TOKEN)
    request = posted(REPORT, of=before, reference=REFERENCE)
    assert REFERENCE == verify(after, request, PUBLIC).reference


def test_without_a_token_of_the_account() -> None:
    """An account with an API key alone cannot check signatures: its address is all the proof."""
    of = account(auth_token=None, api_key="SK1", api_secret="s", webhook_token="t" * 22)
    assert (Belief.HINT, None) == belief(posted(REPORT, of=of), of)


def test_nothing_private_is_shown() -> None:
    """Tokens, texts and numbers are in no repr."""
    adapter: Any = ACCOUNT.adapter
    request = posted(INBOUND)
    shown = repr([ACCOUNT, request, adapter.events(request), adapter.signed(request, request.url)])
    assert not [secret for secret in (TOKEN, "thank you", "+13135550123") if secret in shown]
