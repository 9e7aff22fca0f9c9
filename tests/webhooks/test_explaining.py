"""What `polysms webhooks test` says of a webhook that is refused: which part differs."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from polysms.webhooks import WebhookRequest, address, explain
from tests.webhooks.forms import FORM, FORMS, JSON, KEY, PUBLIC, REFERENCE, Form, account

SIGNALWIRE = account("signalwire")
REPORT, CXML = FORMS["signalwire report"], FORMS["signalwire cxml"]
NO_CAUSE = "no known change of URL or body makes it right"


def told(request: WebhookRequest, public: str = PUBLIC, **table: Any) -> str:
    """Return the last sentence on a request to SignalWire's account."""
    return explain(account("signalwire", **table), request, public)[-1]


def signed_for(url: str, form: Form = REPORT, **headers: str) -> WebhookRequest:
    """Return a request that was signed for another URL than it came to."""
    body = form.encoded()
    kind = FORM if form.is_form else JSON
    said = {**kind, **headers, "X-SignalWire-Signature": form.signature(url, body)}
    return WebhookRequest("POST", address(SIGNALWIRE, PUBLIC), said, body)


HERE = address(SIGNALWIRE, PUBLIC)
ADDRESSES = [
    (HERE.replace("https", "http"), "URL: signed for http, public_url says https"),
    (HERE.replace("sms.", "old."), "URL: signed for the host 'old.example.com', not for that"),
    (HERE.replace("/hooks", ""), NO_CAUSE),
    (f"{HERE}/", "URL: signed with a slash at the end"),
    (f"{HERE}?a=b", NO_CAUSE),
    ("https://elsewhere.example.com", NO_CAUSE),
]


@pytest.mark.parametrize("form", [REPORT, CXML])
@pytest.mark.parametrize(("url", "sentence"), ADDRESSES)
def test_address_that_differs(url: str, sentence: str, form: Form) -> None:
    """Where the signature is right for another address, that address is named."""
    assert told(signed_for(url, form, host="old.example.com")).startswith(sentence)


def test_path_that_differs() -> None:
    """A path too many before the account's, in public_url alone, is found."""
    request = signed_for(HERE.replace("/hooks", ""))
    moved = attrs.evolve(request, url=HERE.replace("/hooks", ""))
    assert "URL: public_url has a path too many or too few" == told(moved)


def test_query_that_was_added() -> None:
    """A query that a proxy adds is not signed."""
    request = attrs.evolve(signed_for(HERE), url=f"{HERE}?from=proxy")
    assert "URL: signed without its query" == told(request)


def test_slash_that_was_added() -> None:
    """A framework that adds a slash changes what is signed."""
    request = attrs.evolve(signed_for(HERE), url=f"{HERE}/")
    assert "URL: signed without the slash at the end" == told(request)


BODIES = [
    (REPORT.encoded() + b"\n", "body: a line end was added or lost on the way"),
    (
        json.dumps(dict(REPORT.body), indent=2).encode(),
        "body: the JSON was parsed and written anew",
    ),
    (json.dumps({**REPORT.body, "status": "sent"}).encode(), NO_CAUSE),
    (b"not json", NO_CAUSE),
    (b"\xff", NO_CAUSE),
]


@pytest.mark.parametrize(("body", "sentence"), BODIES, ids=range(len(BODIES)))
def test_body_that_differs(body: bytes, sentence: str) -> None:
    """Where the signature is right for the body before some framework, that is said."""
    request = attrs.evolve(signed_for(HERE), body=body)
    assert told(request).startswith(sentence)


def test_content_type_that_differs() -> None:
    """A form that is called JSON has another scheme, and the other way about."""
    as_json = attrs.evolve(
        CXML.request(SIGNALWIRE),
        headers={
            **CXML.request(SIGNALWIRE).headers,
            **JSON,
        },
    )
    sentence = "content type: signed as application/x-www-form-urlencoded, and came as"
    assert told(as_json).startswith(sentence)
    as_form = attrs.evolve(signed_for(HERE), headers={**signed_for(HERE).headers, **FORM})
    assert told(as_form).startswith("content type: signed as application/json, and came as")


def test_key_that_differs() -> None:
    """Where nothing makes it right, the key is the suspect."""
    assert told(REPORT.request(SIGNALWIRE), signing_key="another-key", webhook_token=None) == (
        "refused: account token: is not the configured one"
    )
    token = "canary-0123456789abcdef"
    request = REPORT.request(account("signalwire", webhook_token=token))
    assert NO_CAUSE in told(request, signing_key="another-key", webhook_token=token)


def test_no_signature() -> None:
    """A signature that is missing, or of another kind, is said to be."""
    bare = attrs.evolve(REPORT.request(SIGNALWIRE), headers=JSON)
    assert "it has no header of a signature: was it lost at a proxy?" == told(bare)
    other = attrs.evolve(bare, headers={**JSON, "X-SignalWire-SHA256-Signature": "0" * 64})
    assert "it has only x-signalwire-sha256-signature, which is not what" in told(other)


def test_what_is_right() -> None:
    """What is believed says by what, and whether it is about one message."""
    wavix = account("wavix")
    request = FORMS["wavix report"].request(wavix, REFERENCE)
    assert ("genuine: the signature is right",) == explain(
        SIGNALWIRE, REPORT.request(SIGNALWIRE), PUBLIC
    )
    assert ("hint: the address is right and is about one message",) == explain(
        wavix, request, PUBLIC
    )


@pytest.mark.parametrize(("body", "sentence"), BODIES, ids=range(len(BODIES)))
def test_no_secret_is_told(body: bytes, sentence: str) -> None:
    """No sentence has a key, a token or a signature in it."""
    request = attrs.evolve(signed_for(HERE), body=body)
    sentences = " ".join(explain(SIGNALWIRE, request, PUBLIC))
    for secret in (KEY, HERE.rpartition("/")[2], request.headers["x-signalwire-signature"]):
        assert secret not in sentences
