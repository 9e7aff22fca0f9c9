"""What a webhook tells: every documented form, and everything that no document promises."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms import BadPayload, DeliveryReport, Event, InboundMessage, Status
from polysms.providers.hearing import DEEPEST, LARGEST
from polysms.webhooks import Keywords, WebhookRequest, hear, parse, read
from tests.webhooks.forms import FORM, FORMS, JSON, PICTURE, PUBLIC, REFERENCE, Form, account

ACCOUNTS = {provider: account(provider) for provider in ("wavix", "carrierx", "signalwire")}
NAMES = sorted(FORMS)
JSON_FORMS = [name for name in NAMES if not FORMS[name].is_form]
REPORTS = [name for name in NAMES if not FORMS[name].inbound]
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def posted(form: Form, body: object = None) -> WebhookRequest:
    """Return a request with a form's body, or with another in its place."""
    content = form.encoded(body) if isinstance(body, dict) else body
    assert content is None or isinstance(content, bytes)
    return form.request(ACCOUNTS[form.provider], body=content, received_at=NOW)


def events_of(form: Form, body: object = None) -> tuple[Event, ...]:
    """Return what is told by a form, or by another body in its place."""
    return parse(ACCOUNTS[form.provider], posted(form, body))


def only(form: Form, body: object = None) -> Event:
    """Return the one event of a form."""
    (event,) = events_of(form, body)
    return event


@pytest.mark.parametrize("name", NAMES)
def test_documented_form(name: str) -> None:
    """Each documented form is one event with the facts it tells, and its raw body."""
    form = FORMS[name]
    event = only(form)
    found = {fact: getattr(event, fact) for fact in form.told}
    assert form.told == found
    assert isinstance(event, InboundMessage if form.inbound else DeliveryReport)
    assert (form.provider, form.provider) == (event.account, event.provider)
    assert NOW == event.received_at
    assert form.body == event.raw


@pytest.mark.parametrize("name", NAMES)
def test_answer(name: str) -> None:
    """The answer that the provider expects comes with the events."""
    form = FORMS[name]
    answer = hear(ACCOUNTS[form.provider], posted(form)).answer
    assert form.answer == (answer.status, answer.headers.get("content-type"), answer.body)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_private_is_shown(name: str) -> None:
    """Neither a request nor its events show a number, a text or a token."""
    form = FORMS[name]
    shown = repr((posted(form), events_of(form)))
    for private in ("313555", "table", "STOP", "canary", "see you"):
        assert private not in shown


@pytest.mark.parametrize("name", NAMES)
def test_id_is_stable(name: str) -> None:
    """A webhook that comes again has the same id, whenever it comes and however it is ordered."""
    form = FORMS[name]
    turned = dict(reversed(list(form.body.items())))
    again = parse(ACCOUNTS[form.provider], form.request(ACCOUNTS[form.provider]))
    assert only(form).event_id == again[0].event_id
    assert only(form).event_id == only(form, {**turned, "unknown": "x"}).event_id


def test_ids_differ() -> None:
    """No two forms have the same id, nor has the same report on another account."""
    events = [only(form) for form in FORMS.values()]
    said = {
        (event.account, event.provider_id, getattr(event, "raw_status", "inbound"), event.at)
        if isinstance(event, DeliveryReport)
        else (event.account, event.provider_id)
        for event in events
    }
    assert len(said) == len({event.event_id for event in events})
    report = FORMS["wavix report"]
    (other,) = parse(account("wavix", "second"), posted(report))
    assert only(report).event_id != other.event_id


IDS: list[tuple[str, dict[str, Any], bool]] = [
    ("wavix report", {"message_id": "other"}, False),
    ("wavix report", {"status": "sent"}, False),
    ("wavix report", {"delivered": "2024-05-28T12:34:57Z"}, False),
    ("wavix report", {"charge": "0.02"}, True),
    ("wavix inbound", {"received_at": "2022-04-14T13:51:17Z"}, True),
    ("wavix inbound", {"message_id": "other"}, False),
    ("carrierx report", {"date_status_changed": "2024-01-18T21:01:15Z"}, False),
    ("carrierx report", {"date_changed": "2024-01-19T21:01:15Z", "price": "0.01"}, True),
    ("carrierx report", {"direction": "inbound"}, False),
    ("signalwire report", {"timestamp": "2026-03-17T22:26:58Z"}, False),
    ("signalwire report", {"timestamp": "2026-03-17T22:26:57+00:00"}, True),
    ("signalwire report", {"status": None}, False),
    ("signalwire report", {"body": None}, True),
]


@pytest.mark.parametrize(("name", "changes", "same"), IDS)
def test_what_an_id_is_made_of(name: str, changes: dict[str, Any], same: bool) -> None:  # noqa: FBT001 - a row's fact
    """The account, the provider's id, its word and its time make a report; an id an inbound one."""
    form = FORMS[name]
    assert same == (only(form).event_id == only(form, {**form.body, **changes}).event_id)


NULLS = [(name, key) for name in JSON_FORMS for key in FORMS[name].body]


@pytest.mark.parametrize(("name", "key"), NULLS)
def test_null_or_absent(name: str, key: str) -> None:
    """Any value may be null, and any but the id may be left out: the kind of event stays."""
    form = FORMS[name]
    rest = {other: value for other, value in form.body.items() if other != key}
    kind = type(only(form))
    identifies = key in {"message_id", "message_sid", "id", "message"} and key in form.body
    is_id = identifies and not (key == "message" and "message_sid" in form.body)
    for body in [{**form.body, key: None}, *([] if is_id else [rest])]:
        events = events_of(form, body)
        if is_id:
            assert () == events
        elif key != "direction":
            assert [kind] == [type(event) for event in events]


@st.composite
def disturbed(draw: st.DrawFn, value: Any) -> Any:
    """Return JSON data with values replaced by nulls and strangers, wherever they stand."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from((None, "", "new-word", 0, -1.5, True, [], {}, [None], "\x00")))
    if isinstance(value, dict):
        items = draw(st.permutations(list(value.items())))
        return {name: draw(disturbed(item)) for name, item in items}
    if isinstance(value, list):
        return [draw(disturbed(item)) for item in value]
    return value


@given(st.data())
def test_disturbed(data: st.DataObject) -> None:
    """Nulls, unknown words and other types anywhere give events or BadPayload, and no else."""
    form = FORMS[data.draw(st.sampled_from(JSON_FORMS))]
    items = data.draw(st.permutations(list(form.body.items())))
    body = {name: data.draw(disturbed(value)) for name, value in items}
    body["more"] = data.draw(st.none() | st.text(max_size=9))
    try:
        events = events_of(form, json.dumps(body).encode())
    except BadPayload:
        return
    for event in events:
        assert event.provider_id
        assert "\\u0000" not in json.dumps(dict(event.raw))


@given(st.sampled_from(NAMES), st.binary(max_size=200))
def test_any_bytes(name: str, body: bytes) -> None:
    """Any bytes at all give events or BadPayload."""
    form = FORMS[name]
    request = WebhookRequest("POST", "/x", FORM if form.is_form else JSON, body)
    try:
        assert isinstance(parse(ACCOUNTS[form.provider], request), tuple)
    except BadPayload as error:
        assert error.__cause__ is None  # noqa: PT017 - only where it is raised


WORDS = [
    ("wavix report", "status", "accepted", Status.QUEUED),
    ("wavix report", "status", "dlr_expired", Status.UNREPORTED),
    ("wavix report", "status", "new-word", Status.UNRECOGNIZED),
    ("wavix report", "status", None, Status.UNRECOGNIZED),
    ("wavix report", "status", 7, Status.UNRECOGNIZED),
    ("carrierx report", "status", "undeliverable", Status.UNDELIVERED),
    ("carrierx report", "status", "new-word", Status.UNRECOGNIZED),
    ("signalwire report", "status", "initiated", Status.QUEUED),
    ("signalwire report", "status", "read", Status.READ),
    ("signalwire report", "status", "new-word", Status.UNRECOGNIZED),
    ("signalwire compatibility report", "MessageStatus", "accepted", Status.QUEUED),
    ("signalwire compatibility report", "MessageStatus", "new-word", Status.UNRECOGNIZED),
    ("signalwire compatibility report", "MessageStatus", "", Status.UNRECOGNIZED),
]


@pytest.mark.parametrize(("name", "key", "word", "expected"), WORDS)
def test_status_word(name: str, key: str, word: Any, expected: Status) -> None:
    """A word becomes a status, an unknown one UNRECOGNIZED, and is kept raw."""
    form = FORMS[name]
    event = only(form, {**form.body, key: word})
    assert isinstance(event, DeliveryReport)
    assert expected == event.status
    assert (None if word is None else str(word)) == event.raw_status


@pytest.mark.parametrize("word", ["received", "receiving"])
def test_compatibility_report_of_an_inbound_message(word: str) -> None:
    """A status callback may be about a message to us: that is the message, and no report."""
    form = FORMS["signalwire compatibility report"]
    assert isinstance(only(form, {**form.body, "MessageStatus": word}), InboundMessage)


def test_wavix_report_may_learn_the_body() -> None:
    """A report that some day has the message's body too stays a report."""
    form = FORMS["wavix report"]
    assert isinstance(only(form, {**form.body, "message_body": {"text": "x"}}), DeliveryReport)


def test_wavix_direction() -> None:
    """Where Wavix says the direction, it counts."""
    report, inbound = FORMS["wavix report"], FORMS["wavix inbound"]
    assert isinstance(only(report, {**report.body, "direction": "inbound"}), InboundMessage)
    assert isinstance(only(inbound, {**inbound.body, "direction": "outbound"}), DeliveryReport)


def test_swml_of_an_outbound_message() -> None:
    """SWML that is asked for a message of our own is answered, and no event."""
    form = FORMS["signalwire swml"]
    body = {"message": {**form.body["message"], "direction": "outbound"}}
    hearing = hear(ACCOUNTS["signalwire"], posted(form, body))
    assert () == hearing.events
    assert form.answer[2] == hearing.answer.body


def test_media_without_an_address() -> None:
    """Of several media, those with an address count."""
    form = FORMS["signalwire swml"]
    body = {"message": {**form.body["message"], "media": [None, {}, {"url": PICTURE}, {"url": ""}]}}
    event = only(form, body)
    assert isinstance(event, InboundMessage)
    assert (PICTURE,) == event.media


def test_reference_of_the_address_wins() -> None:
    """The reference that the address proves counts before the one the body claims."""
    form = FORMS["wavix report"]
    of = ACCOUNTS["wavix"]
    (event,) = read(of, form.request(of, "proven"), PUBLIC).events
    assert isinstance(event, DeliveryReport)
    assert ("proven", REFERENCE) == (event.reference, event.raw["tag"])


TIMES = [
    ("signalwire report", datetime(2026, 3, 17, 22, 26, 57, tzinfo=UTC)),
    ("wavix inbound", datetime(2022, 4, 14, 13, 51, 16, 96000, tzinfo=UTC)),
    ("signalwire cxml", datetime(1970, 1, 1, tzinfo=UTC)),
    ("signalwire compatibility report", datetime(1970, 1, 1, tzinfo=UTC)),
]


@pytest.mark.parametrize(("name", "expected"), TIMES)
def test_untimed(name: str, expected: datetime) -> None:
    """Nothing here reads a clock: a request without a time has the provider's, or none."""
    form = FORMS[name]
    (event,) = parse(ACCOUNTS[form.provider], form.request(ACCOUNTS[form.provider]))
    assert expected == event.received_at


def test_own_keywords() -> None:
    """The words that stop and start may be one's own."""
    form = FORMS["wavix inbound"]
    words = Keywords({"es": {"stop": ["PARAR"]}})
    body = {**form.body, "message_body": {"text": "¡Parar!"}}
    (event,) = hear(ACCOUNTS["wavix"], posted(form, body), keywords=words).events
    assert isinstance(event, InboundMessage)
    assert "stop" == event.keyword


DEEP = b'{"message_id":"x","status":"sent","x":' + b"[" * DEEPEST + b"]" * DEEPEST + b"}"
BAD: list[tuple[str, bytes]] = [
    ("wavix", b""),
    ("wavix", b"not json"),
    ("wavix", b'{"message_id":"x"'),
    ("wavix", b"[]"),
    ("wavix", b'"x"'),
    ("wavix", b"null"),
    ("wavix", b"{}"),
    ("wavix", b'{"id":"of somebody else"}'),
    ("wavix", b'{"message_id":"x","message_id":"y"}'),
    ("wavix", b'{"message_id":"x","message_body":{"text":"a","text":"b"}}'),
    ("wavix", b'{"message_id":"\xff"}'),
    ("wavix", b'{"message_id":' + b"9" * 5000 + b"}"),
    ("wavix", DEEP),
    ("wavix", b'{"message_id":' + b"[" * 30_000 + b"]" * 30_000 + b"}"),
    ("wavix", b'{"message_id":"x","text":"' + b"x" * LARGEST + b'"}'),
    ("carrierx", b'{"message_id":"x"}'),
    ("carrierx", b'["message_sid"]'),
    ("signalwire", b'{"event_category":"brand"}'),
    ("signalwire form", b""),
    ("signalwire form", b"Body=STOP&From=%2B13135550123"),
    ("signalwire form", b"MessageSid=a&MessageSid=b"),
    ("signalwire form", b"MessageSid=%FF"),
    ("signalwire form", b"MessageSid=\xff"),
    ("signalwire form", b"MessageSid=x&" + b"a=1&" * 600),
]


@pytest.mark.parametrize(("name", "body"), BAD, ids=range(len(BAD)))
def test_unreadable(name: str, body: bytes) -> None:
    """What is no webhook of this provider, too large or ambiguous is BadPayload."""
    provider, _, kind = name.partition(" ")
    request = WebhookRequest("POST", "/x", FORM if kind else JSON, body)
    with pytest.raises(BadPayload) as raised:
        parse(ACCOUNTS[provider], request)
    assert "13135550123" not in str(raised.value)


def test_long_address() -> None:
    """An address counts as a part of what is too large."""
    request = WebhookRequest("GET", "/x?MessageSid=" + "x" * LARGEST, {})
    with pytest.raises(BadPayload, match="larger than 64 KiB"):
        parse(ACCOUNTS["signalwire"], request)


def test_as_deep_as_it_may_be() -> None:
    """Nesting up to the bound is read."""
    deep = b"[" * (DEEPEST - 1) + b"]" * (DEEPEST - 1)
    body = b'{"message_id":"x","status":"sent","x":' + deep + b"}"
    assert "x" == only(FORMS["wavix report"], body).provider_id


STRANGE = [
    (b'{"message_id":"a\\u0000b","status":"sent"}', "a\N{REPLACEMENT CHARACTER}b"),
    (b'{"message_id":"a\\ud83db","status":"sent"}', "a\N{REPLACEMENT CHARACTER}b"),
    (b'{"message_id":"a\\uD83D\\uDE00b","status":"sent"}', "a\N{GRINNING FACE}b"),
    (b'{"message_id":"a","x\\u0000":NaN,"y":1e999,"z":[1.5,-Infinity]}', "a"),
]


@pytest.mark.parametrize(("body", "expected"), STRANGE)
def test_nothing_that_a_database_refuses(body: bytes, expected: str) -> None:
    """Half characters, NUL and numbers without an end are replaced, so that events can be kept."""
    event = only(FORMS["wavix report"], body)
    assert expected == event.provider_id
    kept = json.dumps(dict(event.raw), allow_nan=False, ensure_ascii=False)
    assert "\x00" not in kept
    assert kept.encode()


def test_no_webhooks() -> None:
    """An account whose provider posts nothing hears nothing."""
    from polysms import Config

    local = Config(accounts={"null": {}}).account("null")
    with pytest.raises(BadPayload, match="null posts no webhooks"):
        parse(local, WebhookRequest("POST", "/null", {}, b"{}"))
