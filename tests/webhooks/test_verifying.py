"""Which webhooks are believed: signatures, tokens, addresses, and everything a forger may try."""

from __future__ import annotations

import hashlib
import os
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polysms import BadPayload, BadSignature, ConfigError, DeliveryReport, WebhookError
from polysms.config import Account
from polysms.webhooks import Belief, Verdict, WebhookRequest, address, message_token, read, verify
from tests.webhooks.forms import (
    FORM,
    FORMS,
    JSON,
    KEY,
    OLD_KEY,
    PUBLIC,
    REFERENCE,
    TOKEN,
    Form,
    account,
)

#: How many forgeries each campaign tries.
MANY = 20_000 if os.environ.get("POLYSMS_CAMPAIGNS") else 2_000
OTHER_TOKEN = "canary-fedcba9876543210"
WAVIX, SIGNALWIRE = account("wavix"), account("signalwire")
OF = {"wavix": WAVIX, "carrierx": account("carrierx"), "signalwire": SIGNALWIRE}
SIGNED = sorted(name for name in FORMS if FORMS[name].provider == "signalwire")
REPORT, SWML = FORMS["signalwire report"], FORMS["signalwire swml"]


def verdict_on(
    of: Account, request: WebhookRequest, source: str | None = None
) -> tuple[Belief, str | None]:
    """Return how far a request is believed, and what is wrong with it."""
    verdict = verify(of, request, PUBLIC, source)
    return verdict.belief, verdict.part


@pytest.mark.parametrize("name", sorted(FORMS))
def test_documented_form(name: str) -> None:
    """Every documented form is believed: genuine where it is signed, a hint where it cannot be."""
    form = FORMS[name]
    of = OF[form.provider]
    hearing = read(of, form.request(of), PUBLIC)
    signed = form.provider == "signalwire"
    assert hearing.verdict == Verdict(
        belief=Belief.GENUINE if signed else Belief.HINT,
        proof="signature" if signed else "address",
        inbound=True,
    )
    assert 1 == len(hearing.events)


@pytest.mark.parametrize("name", sorted(FORMS))
def test_address_of_one_message(name: str) -> None:
    """The address made for one message proves which one it is."""
    form = FORMS[name]
    of = OF[form.provider]
    assert REFERENCE == verify(of, form.request(of, REFERENCE), PUBLIC).reference


#: What SHA-256 makes of ``{"event":"call.state"}``.
HASHED = "69f3cbfc18e386ef8236cb7008cd5a54b7fed637a8cb3373b5a1591d7f0fd5f4"
VECTORS = [
    (
        "PSKtest1234567890abcdef",
        "https://example.ngrok.io/webhook",
        JSON,
        b'{"event":"call.state","params":{"call_id":"abc-123","state":"answered"}}',
        "c3c08c1fefaf9ee198a100d5906765a6f394bf0f",
    ),
    (
        "12345",
        "https://mycompany.com/myapp.php?foo=1&bar=2",
        FORM,
        urlencode(
            {
                "To": "+18005551212",
                "CallSid": "CA1234567890ABCDE",
                "Digits": "1234",
                "From": "+14158675309",
                "Caller": "+14158675309",
            }
        ).encode(),
        "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
    ),
    (
        "PSKtest1234567890abcdef",
        f"https://example.ngrok.io/webhook?bodySHA256={HASHED}",
        JSON,
        b'{"event":"call.state"}',
        "dfO9ek8mxyFtn2nMz24plPmPfIY=",
    ),
]


@pytest.mark.parametrize(("key", "url", "headers", "body", "signature"), VECTORS)
def test_published_vector(
    key: str, url: str, headers: dict[str, str], body: bytes, signature: str
) -> None:
    """The signatures that the official tests publish are ours too."""
    adapter: Any = account("signalwire", signing_key=key).adapter
    request = WebhookRequest("POST", url, {**headers, "X-SignalWire-Signature": signature}, body)
    signed = adapter.signed(request, url)
    assert signature == signed.given
    assert signature in signed.right
    assert signature not in repr(signed)


UNHASHED = [
    ("bodySHA256=" + HASHED, b'{"event":"call.state" }'),
    ("bodySHA256=" + HASHED[:-1] + "0", b'{"event":"call.state"}'),
    (f"bodySHA256={HASHED}&bodySHA256={HASHED}", b'{"event":"call.state"}'),
    ("bodySHA256=\N{SNOWMAN}", b'{"event":"call.state"}'),
    ("", b'{"event":"call.state"}'),
]


@pytest.mark.parametrize(("query", "body"), UNHASHED)
def test_body_that_the_url_does_not_name(query: str, body: bytes) -> None:
    """A signature over the URL alone says nothing of a body whose hash is not in the URL, once."""
    adapter: Any = SIGNALWIRE.adapter
    url = f"{PUBLIC}/signalwire?{query}"
    signature = FORMS["signalwire cxml by GET"].signature(url, b"")
    request = WebhookRequest("POST", url, {**JSON, "X-SignalWire-Signature": signature}, body)
    assert () == adapter.signed(request, url).right


def test_hashed_body() -> None:
    """A JSON webhook whose URL names the hash of its body is believed by the URL's signature."""
    body = REPORT.encoded()
    url = f"{address(SIGNALWIRE, PUBLIC)}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    signature = FORMS["signalwire cxml by GET"].signature(url, b"")
    request = WebhookRequest("POST", url, {**JSON, "X-SignalWire-Signature": signature}, body)
    assert (Belief.GENUINE, None) == verdict_on(SIGNALWIRE, request)
    changed = attrs.evolve(request, body=body + b" ")
    assert (Belief.REFUSED, "signature") == verdict_on(SIGNALWIRE, changed)


PORTS = [
    ("https://sms.example.com", "https://sms.example.com", True),
    ("https://sms.example.com", "https://sms.example.com:443", True),
    ("https://sms.example.com:443", "https://sms.example.com", True),
    ("https://sms.example.com:443", "https://sms.example.com:443", True),
    ("http://127.0.0.1", "http://127.0.0.1:80", True),
    ("http://127.0.0.1:80", "http://127.0.0.1", True),
    ("https://[2001:db8::443]", "https://[2001:db8::443]:443", True),
    ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443", True),
    ("https://sms.example.com:8443", "https://sms.example.com:8443", True),
    ("https://sms.example.com:8443", "https://sms.example.com", False),
    ("https://sms.example.com", "https://sms.example.com:8443", False),
    ("https://sms.example.com", "https://sms.example.com:80", False),
    ("https://sms.example.com", "http://sms.example.com", False),
    ("https://sms.example.com", "https://evil.example.com", False),
]


@pytest.mark.parametrize("form", [REPORT, FORMS["signalwire cxml"]])
@pytest.mark.parametrize(("public", "signed_for", "right"), PORTS)
def test_default_port(form: Form, public: str, signed_for: str, right: bool) -> None:  # noqa: FBT001 - a row's fact
    """A default port may be said or not; nothing else of the configured address may differ."""
    body = form.encoded()
    url = address(SIGNALWIRE, signed_for)
    headers = {**(FORM if form.is_form else JSON)}
    headers["X-SignalWire-Signature"] = form.signature(url, body)
    request = WebhookRequest("POST", url, headers, body)
    belief = verify(SIGNALWIRE, request, public).belief
    assert (Belief.GENUINE if right else Belief.REFUSED) == belief


ARRIVALS = [
    "https://sms.example.com/hooks{}",
    "https://sms.example.com:443/hooks{}",
    "http://10.0.0.7:8000/hooks{}",
    "http://evil.example{}",
    "/hooks{}",
    "{}",
    "{}#part",
]


@pytest.mark.parametrize("arrival", ARRIVALS)
def test_host_does_not_count(arrival: str) -> None:
    """The public address is the configured one, whatever a proxy made of host and path."""
    request = REPORT.request(SIGNALWIRE)
    path = request.url.removeprefix(PUBLIC)
    moved = attrs.evolve(
        request,
        url=arrival.format(path),
        headers={**request.headers, "host": "evil.example", "x-forwarded-host": "evil.example"},
    )
    assert (Belief.GENUINE, None) == verdict_on(SIGNALWIRE, moved)


def test_path_that_repeats() -> None:
    """A public path that is also an account's name leads to that account all the same."""
    of = account("wavix", "hooks")
    request = WebhookRequest("POST", f"/hooks/{TOKEN}", JSON, b"{}")
    assert Belief.HINT is verify(of, request, PUBLIC).belief
    assert (
        Belief.HINT is verify(of, attrs.evolve(request, url=f"/hooks/hooks/{TOKEN}"), PUBLIC).belief
    )


def test_account_name_that_no_path_has() -> None:
    """An account's name may be anything: it is escaped in its address."""
    of = account("wavix", "süd/west?")
    url = address(of, f"{PUBLIC}/", "ref/1")
    assert url.startswith(f"{PUBLIC}/s%C3%BCd%2Fwest%3F/{TOKEN}/ref%2F1.")
    assert "ref/1" == verify(of, WebhookRequest("POST", url, JSON), PUBLIC).reference


@pytest.mark.parametrize("slash", ["", "/"])
def test_slash_at_the_end(slash: str) -> None:
    """Who pastes an address may add a slash."""
    request = WebhookRequest("POST", f"/wavix/{TOKEN}{slash}", JSON, b"{}")
    assert (Belief.HINT, None) == verdict_on(WAVIX, request)


def test_either_key_while_rotating() -> None:
    """With two signing keys either is right, in signatures and in addresses; a third is not."""
    both = account("signalwire", signing_key=[KEY, OLD_KEY])
    old, new = account("signalwire", signing_key=OLD_KEY), SIGNALWIRE
    for key, of in ((KEY, new), (OLD_KEY, old)):
        url = address(of, PUBLIC, REFERENCE)
        body = REPORT.encoded()
        headers = {**JSON, "X-SignalWire-Signature": REPORT.signature(url, body, key)}
        verdict = verify(both, WebhookRequest("POST", url, headers, body), PUBLIC)
        assert (Belief.GENUINE, REFERENCE) == (verdict.belief, verdict.reference)
    assert address(both, PUBLIC) == address(new, PUBLIC)
    assert (Belief.REFUSED, "account token") == verdict_on(old, REPORT.request(new))


def test_either_token_while_rotating() -> None:
    """With two webhook tokens either is right, and addresses are made with the first."""
    both = account("wavix", webhook_token=[OTHER_TOKEN, TOKEN])
    old = address(WAVIX, PUBLIC, REFERENCE)
    new = address(account("wavix", webhook_token=OTHER_TOKEN), PUBLIC, REFERENCE)
    assert new == address(both, PUBLIC, REFERENCE)
    for url in (old, new):
        verdict = verify(both, WebhookRequest("POST", url, JSON, b"{}"), PUBLIC)
        assert (Belief.HINT, REFERENCE) == (verdict.belief, verdict.reference)


@pytest.mark.parametrize("provider", ["wavix", "carrierx", "signalwire"])
def test_no_address_without_a_secret(provider: str) -> None:
    """An account without any secret has no address to give, and says which key it lacks."""
    of = account(provider, webhook_token=None, signing_key=None)
    with pytest.raises(ConfigError) as raised:
        address(of, PUBLIC)
    assert f"accounts.{provider}.webhook_token" == raised.value.key
    request = WebhookRequest("POST", f"/{provider}", JSON, b"{}")
    assert (Belief.REFUSED, "account token") == verdict_on(of, request)
    guessed = attrs.evolve(request, url=f"/{provider}/")
    assert (Belief.REFUSED, "account token") == verdict_on(of, guessed)


def unsigned(request: WebhookRequest) -> WebhookRequest:
    """Return a request without its signature."""
    headers = {name: text for name, text in request.headers.items() if "signature" not in name}
    return attrs.evolve(request, headers=headers)


@pytest.mark.parametrize("name", SIGNED)
def test_unsigned(name: str) -> None:
    """Unsigned, a report at the address of its message is a hint; all else is refused."""
    form = FORMS[name]
    assert (Belief.REFUSED, "signature") == verdict_on(
        SIGNALWIRE, unsigned(form.request(SIGNALWIRE))
    )
    request = unsigned(form.request(SIGNALWIRE, REFERENCE))
    expected = Verdict(belief=Belief.HINT, proof="address", reference=REFERENCE)
    assert expected == verify(SIGNALWIRE, request, PUBLIC)
    if form.inbound:
        with pytest.raises(BadSignature, match="missing from an inbound message"):
            read(SIGNALWIRE, request, PUBLIC)
        return
    hearing = read(SIGNALWIRE, request, PUBLIC)
    assert expected == hearing.verdict
    (event,) = hearing.events
    assert isinstance(event, DeliveryReport)
    assert REFERENCE == event.reference


def test_signalwire_without_a_key() -> None:
    """An account without a signing key is believed by its address alone, like the others."""
    of = account("signalwire", signing_key=None, webhook_token=TOKEN)
    request = unsigned(SWML.request(of))
    assert (Belief.HINT, None) == verdict_on(of, request)
    assert 1 == len(read(of, request, PUBLIC).events)


TRUST = [
    ("wavix", None, Belief.GENUINE),
    ("carrierx", REFERENCE, Belief.GENUINE),
    ("signalwire", REFERENCE, Belief.GENUINE),
    ("signalwire", None, Belief.REFUSED),
]


@pytest.mark.parametrize(("provider", "reference", "belief"), TRUST)
def test_trust(provider: str, reference: str | None, belief: Belief) -> None:
    """With verify_reports = "trust" the address is enough, where it would have been a hint."""
    of = account(provider, verify_reports="trust")
    request = unsigned(FORMS[f"{provider} report"].request(of, reference))
    verdict = verify(of, request, PUBLIC)
    assert (belief, belief is Belief.GENUINE and provider != "signalwire") == (
        verdict.belief,
        verdict.inbound,
    )


SOURCES = [
    ("62.212.73.112", True),
    ("::ffff:62.212.73.112", True),
    ("2001:db8::7", True),
    ("62.212.73.113", False),
    ("2001:db9::7", False),
    ("not an address", False),
    ("", False),
    (None, False),
]


@pytest.mark.parametrize(("source", "right"), SOURCES)
def test_source(source: str | None, right: bool) -> None:  # noqa: FBT001 - a row's fact
    """Where an account limits its sources, nothing from elsewhere is believed."""
    of = account("wavix", sources=["62.212.73.112", "2001:db8::/32"])
    request = FORMS["wavix report"].request(of)
    expected = (Belief.HINT, None) if right else (Belief.REFUSED, "source")
    assert expected == verdict_on(of, request, source)


METHODS = [
    ("wavix", "GET"),
    ("wavix", "PUT"),
    ("carrierx", "DELETE"),
    ("signalwire", "HEAD"),
    ("signalwire", "PUT"),
    ("signalwire", "post it"),
]


@pytest.mark.parametrize(("provider", "method"), METHODS)
def test_method(provider: str, method: str) -> None:
    """A method that no document names is refused."""
    request = FORMS[f"{provider} report"].request(OF[provider])
    wrong = attrs.evolve(request, method=method)
    assert (Belief.REFUSED, "method") == verdict_on(OF[provider], wrong)
    assert (Belief.REFUSED, None)[0] == verify(OF[provider], wrong, PUBLIC).belief


@pytest.mark.parametrize("provider", ["wavix", "signalwire"])
def test_too_large(provider: str) -> None:
    """Ten megabytes are refused before anything is computed."""
    request = FORMS[f"{provider} report"].request(OF[provider])
    large = attrs.evolve(request, body=b" " * 10_000_000)
    assert (Belief.REFUSED, "size") == verdict_on(OF[provider], large)
    with pytest.raises(BadPayload, match="larger than 64 KiB"):
        read(OF[provider], large, PUBLIC)


BAD_PATHS = [
    ("", "path"),
    ("/", "path"),
    ("wavix", "path"),
    (f"//wavix/{TOKEN}", "path"),
    (f"/carrierx/{TOKEN}", "path"),
    (f"/wavix{TOKEN}", "path"),
    (f"/../wavix/{TOKEN}", "path"),
    (f"/wavix/{TOKEN}\N{SNOWMAN}", "path"),
    ("/wavix", "account token"),
    ("/wavix/", "account token"),
    ("/wavix/x", "account token"),
    (f"/wavix/{TOKEN}x", "account token"),
    (f"/wavix/{TOKEN[:-1]}", "account token"),
    (f"/wavix/{TOKEN.upper()}", "account token"),
    (f"/wavix/%ff{TOKEN}", "account token"),
    (f"/wavix/{TOKEN}/x", "message token"),
    (f"/wavix/{TOKEN}//", "message token"),
    (f"/wavix/{TOKEN}/{message_token(WAVIX, REFERENCE)}x", "message token"),
    (f"/wavix/{TOKEN}/{message_token(WAVIX, REFERENCE)}/x", "message token"),
    (f"/wavix/{TOKEN}/x{message_token(WAVIX, REFERENCE)}", "message token"),
    (f"/wavix/{TOKEN}/.{message_token(WAVIX, REFERENCE).rpartition('.')[2]}", "message token"),
    (f"/wavix/{TOKEN}/{message_token(account('wavix', 'other'), REFERENCE)}", "message token"),
]


@pytest.mark.parametrize(("path", "part"), BAD_PATHS)
def test_bad_path(path: str, part: str) -> None:
    """A path that is not the account's, to the last character, says which part of it is wrong."""
    request = WebhookRequest("POST", path, JSON, FORMS["wavix report"].encoded())
    assert (Belief.REFUSED, part) == verdict_on(WAVIX, request)


def test_unsafe_form() -> None:
    """A signed form that cannot be read is refused, and its signature never computed."""
    request = FORMS["signalwire cxml"].request(SIGNALWIRE)
    assert (Belief.REFUSED, "body") == verdict_on(SIGNALWIRE, attrs.evolve(request, body=b"a=%FF"))


def test_refusal_raises() -> None:
    """A refusal can be raised, and shows neither token nor signature."""
    wrong = WebhookRequest("POST", "/wavix/canary-wrong-0123456789", JSON, b"{}")
    with pytest.raises(BadSignature) as raised:
        read(WAVIX, wrong, PUBLIC)
    assert "the webhook is refused: account token: is not the configured one" == str(raised.value)


BORDERS = [
    # What stood in the body stands in the path: the same text in all.
    (lambda url, body: (url + body[:20].decode(), body[20:])),
    (lambda url, body: (url[:-5], url[-5:].encode() + body)),
    (lambda url, body: (url[: url.rindex("/")], url[url.rindex("/") :].encode() + body)),
]


@pytest.mark.parametrize("move", BORDERS)
def test_border_between_url_and_body(move: Any) -> None:
    """URL and body are signed as one text: who moves the border between them is not believed.

    The path is no longer the account's, or the body is no longer JSON.
    """
    request = REPORT.request(SIGNALWIRE, REFERENCE)
    url, body = move(request.url, request.body)
    moved = attrs.evolve(request, url=url, body=body)
    assert Belief.GENUINE is verify(SIGNALWIRE, request, PUBLIC).belief
    with pytest.raises(WebhookError):
        read(SIGNALWIRE, moved, PUBLIC)


HEADERS = [
    ({}, "signature"),
    ({"X-SignalWire-Signature": ""}, "signature"),
    ({"X-SignalWire-Signature": "\N{SNOWMAN}" * 40}, "signature"),
    ({"X-SignalWire-Signature": "0" * 40}, "signature"),
    ({"X-SignalWire-SHA256-Signature": "0" * 64}, "signature"),
]


@pytest.mark.parametrize(("headers", "part"), HEADERS)
def test_signature_header(headers: dict[str, str], part: str) -> None:
    """A signature that is missing, empty, strange or of another kind is none."""
    request = attrs.evolve(REPORT.request(SIGNALWIRE), headers={**JSON, **headers})
    assert (Belief.REFUSED, part) == verdict_on(SIGNALWIRE, request)


def test_doubled_header() -> None:
    """A right signature that comes twice is refused: a proxy may have looked at the other."""
    request = REPORT.request(SIGNALWIRE)
    pairs = [
        *request.headers.items(),
        ("X-Signalwire-Signature", request.headers["x-signalwire-signature"]),
    ]
    assert (Belief.REFUSED, "signature") == verdict_on(
        SIGNALWIRE, attrs.evolve(request, headers=pairs)
    )


def test_older_name_of_the_header() -> None:
    """The compatibility API may use the name of the API it is compatible with."""
    form = FORMS["signalwire cxml"]
    request = form.request(SIGNALWIRE)
    headers = {**FORM, "X-Twilio-Signature": request.headers["x-signalwire-signature"]}
    assert (Belief.GENUINE, None) == verdict_on(SIGNALWIRE, attrs.evolve(request, headers=headers))


def flipped(data: st.DataObject, text: bytes) -> bytes:
    """Return bytes of which one bit is another."""
    place = data.draw(st.integers(0, len(text) - 1))
    bit = 1 << data.draw(st.integers(0, 7))
    return text[:place] + bytes([text[place] ^ bit]) + text[place + 1 :]


def cut(data: st.DataObject, text: bytes) -> bytes:
    """Return bytes without their end."""
    return text[: data.draw(st.integers(0, len(text) - 1))]


def longer(data: st.DataObject, text: bytes) -> bytes:
    """Return bytes with something in them that was not there."""
    place = data.draw(st.integers(0, len(text)))
    return text[:place] + data.draw(st.binary(min_size=1, max_size=8)) + text[place:]


def _body(data: st.DataObject, request: WebhookRequest) -> WebhookRequest:
    change = data.draw(st.sampled_from((flipped, cut, longer)))
    return attrs.evolve(request, body=change(data, request.body or b" "))


def _url(data: st.DataObject, request: WebhookRequest) -> WebhookRequest:
    path = request.url.removeprefix(PUBLIC).encode()
    change = data.draw(st.sampled_from((flipped, cut, longer)))
    return attrs.evolve(request, url=change(data, path).decode("latin-1"))


def _signature(data: st.DataObject, request: WebhookRequest) -> WebhookRequest:
    change = data.draw(st.sampled_from((flipped, cut, longer)))
    name = "x-signalwire-signature"
    said = change(data, request.headers[name].encode()).decode("latin-1")
    return attrs.evolve(request, headers={**request.headers, name: said})


def _key(data: st.DataObject, request: WebhookRequest) -> WebhookRequest:
    key = data.draw(st.text(max_size=20).filter(lambda text: text != KEY))
    form = data.draw(st.sampled_from((REPORT, FORMS["signalwire cxml"])))
    said = form.signature(request.url, request.body, key.encode(errors="replace").decode())
    return attrs.evolve(request, headers={**request.headers, "x-signalwire-signature": said})


def _missing(data: st.DataObject, request: WebhookRequest) -> WebhookRequest:
    return unsigned(request)


def _doubled(data: st.DataObject, request: WebhookRequest) -> WebhookRequest:
    said = request.headers["x-signalwire-signature"]
    return attrs.evolve(
        request, headers=[*request.headers.items(), ("X-SignalWire-Signature", said)]
    )


def _kind(data: st.DataObject, request: WebhookRequest) -> WebhookRequest:
    kind = JSON if request.media_type == FORM["content-type"] else FORM
    return attrs.evolve(request, headers={**request.headers, **kind})


def _method(data: st.DataObject, request: WebhookRequest) -> WebhookRequest:
    others = {"POST", "GET", "PUT", "HEAD", "TRACE"} - {request.method}
    return attrs.evolve(request, method=data.draw(st.sampled_from(sorted(others))))


FORGERIES = (_body, _url, _signature, _key, _missing, _doubled, _kind, _method)


def meant(request: WebhookRequest) -> object:
    """Return what a signature is about: two requests that mean the same are no forgery."""
    path, query = request.target
    url = path.removeprefix("/hooks").rstrip("/"), query
    signature = request.headers.get("x-signalwire-signature")
    if request.method == "POST" and request.media_type == FORM["content-type"]:
        fields = sorted(parse_qsl(request.body.decode("latin-1"), keep_blank_values=True))
        return request.method, url, signature, fields
    body = request.body if request.method == "POST" else b""
    return request.method, url, signature, body


@settings(max_examples=MANY)
@given(st.data())
def test_forgeries(data: st.DataObject) -> None:
    """Nothing that is signed can be changed: no forgery is genuine, and none raises."""
    form = FORMS[data.draw(st.sampled_from(SIGNED))]
    request = form.request(SIGNALWIRE)
    forged = data.draw(st.sampled_from(FORGERIES))(data, request)
    if meant(request) != meant(forged):
        assert Belief.REFUSED is verify(SIGNALWIRE, forged, PUBLIC).belief


@settings(max_examples=MANY // 4)
@given(st.data())
def test_forged_addresses(data: st.DataObject) -> None:
    """Of an account that is believed by its address, no other address is believed."""
    form = FORMS[data.draw(st.sampled_from(("wavix report", "carrierx inbound")))]
    of = OF[form.provider]
    request = form.request(of, data.draw(st.sampled_from((None, REFERENCE))))
    forged = _url(data, request)
    same = unquote(forged.target[0].rstrip("/")) == request.target[0].removeprefix("/hooks")
    verdict = verify(of, forged, PUBLIC)
    if not same:
        assert verdict.reference is None
        # Cut to the account's own address, which is believed too.
        shorter = forged.target[0].rstrip("/") == f"/{of.name}/{TOKEN}"
        assert shorter or verdict.belief is Belief.REFUSED
