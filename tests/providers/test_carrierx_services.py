"""CarrierX beside messages: who we are, numbers, filters, detail records; pure, then whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms import LookupFailed, Message, Reason
from polysms.delivery import Price, Status
from polysms.errors import Unsupported
from polysms.providers.base import Busy, Page, Query, Refused, Token, Unclear
from polysms.providers.carrierx import CarrierX, CarrierXOptions, CarrierXSettings
from polysms.sandbox import Behaviour, running
from polysms.services import Identity, Listed, NumberFacts, Sender
from tests.clients import KINDS, Both, answering
from tests.providers.examples import answer

HOME = "https://api.carrierx.com/core/v2"
ADAPTER = CarrierX(CarrierXSettings(token="carrierx-canary"))
OAUTH = CarrierX(
    CarrierXSettings(client_id="c", client_secret="s&canary", username="u", password="p=canary")
)


# Requests


@pytest.mark.parametrize(
    ("request_", "url"),
    [
        (ADAPTER.identity_request(), f"{HOME}/oauth/whoami"),
        (ADAPTER.check_request(), f"{HOME}/oauth/whoami"),
        (ADAPTER.number_request("+13135550123"), f"{HOME}/lookup/dids/13135550123?carrier=true"),
        (ADAPTER.number_request("13135550123"), f"{HOME}/lookup/dids/13135550123?carrier=true"),
        (ADAPTER.senders_request(), f"{HOME}/phonenumber/dids?limit=1000&offset=0"),
        (ADAPTER.senders_request("7"), f"{HOME}/phonenumber/dids?limit=1000&offset=7"),
        (ADAPTER.sender_request("a/b?"), f"{HOME}/phonenumber/dids/a%2Fb%3F/messaging"),
        (ADAPTER.detail_request("a/b"), f"{HOME}/sms/message_drs/a%2Fb"),
    ],
)
def test_requests(request_: Any, url: str) -> None:
    """Each is a GET of the documented path, with the account's credentials."""
    assert ("GET", url) == (request_.method, request_.url)
    assert "Bearer carrierx-canary" == request_.headers["Authorization"]


def test_token_request() -> None:
    """All four credentials stand in a form, escaped; an account with a token asks for none."""
    request = OAUTH.token_request()
    assert request is not None
    assert ("POST", f"{HOME}/oauth/token") == (request.method, request.url)
    assert {
        "grant_type": ["password"],
        "client_id": ["c"],
        "client_secret": ["s&canary"],
        "username": ["u"],
        "password": ["p=canary"],
        "access_token_expires_in": ["3600"],
    } == parse_qs(request.content.decode())
    assert "canary" not in repr(request)
    assert ADAPTER.token_request() is None
    assert CarrierX(CarrierXSettings(username="u", password="p")).token_request() is None


def test_authorized() -> None:
    """Without a token a request says nothing of who asks; with it, the token."""
    bare = OAUTH.request(Message("+13135550123", "x", from_="15162065575"), "r")
    whole = OAUTH.authorized(bare, "canary")
    assert "Authorization" not in bare.headers
    assert {"Authorization": "Bearer canary", **bare.headers} == whole.headers
    assert (bare.url, bare.content) == (whole.url, whole.content)
    assert "canary" not in repr(whole)


SAMPLE = {
    "access_token": "8bfd6c6d-6291-488a-bed1-8784c195ce87",
    "date_created": "2024-09-11T13:46:42.211Z",
    "date_expiration_access_token": "2124-08-18T13:46:42.211Z",
    "token_type": "bearer",
}
CENTURY = (datetime(2124, 8, 18) - datetime(2024, 9, 11)).total_seconds()


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        ({}, CENTURY),
        ({"date_expiration_access_token": "2024-09-11T13:47:42.211Z"}, 60),
        ({"date_expiration_access_token": "2024-09-11T13:46:42.211Z"}, 3600),
        ({"date_expiration_access_token": "1970-01-01"}, 3600),
        ({"date_expiration_access_token": None}, 3600),
        ({"date_created": 7}, 3600),
        ({"token_type": "Bearer"}, CENTURY),
    ],
)
def test_token_is_read(changes: Mapping[str, Any], seconds: float) -> None:
    """How long it is good is told by the provider's own two dates, else it is what was asked."""
    read = OAUTH.read_token(answer(200, {**SAMPLE, **changes}))
    assert isinstance(read, Token)
    assert "8bfd6c6d-6291-488a-bed1-8784c195ce87" == read.value
    assert seconds == read.expires_in


@pytest.mark.parametrize(
    "changes",
    [
        *({"access_token": value} for value in (None, 7, "", " ", "a b", "a\nb", "ü", ["x"])),
        {"access_token": "x" * 5000},
        {"token_type": "mac"},
        {"token_type": 7},
    ],
)
def test_no_token_is_read(changes: Mapping[str, Any]) -> None:
    """What could not stand in a header is no token."""
    assert isinstance(OAUTH.read_token(answer(200, {**SAMPLE, **changes})), Unclear)


# Answers


@pytest.mark.parametrize(
    ("scopes", "reason"),
    [
        (["sms.manage"], None),
        (["lookup.dids.read", "sms.create"], None),
        (["sms.read", "lookup.dids.read"], Reason.PERMISSION),
        (["oauth.manage"], Reason.PERMISSION),
        # Names of another form than the documented ones say nothing.
        (["all"], None),
        (["oauth.manage", "*"], None),
        ([], None),
        (None, None),
        ("sms.read", None),
    ],
)
def test_check_reads_the_scopes(scopes: Any, reason: Reason | None) -> None:
    """Good credentials that may not send are told of, where CarrierX names what they may."""
    read = ADAPTER.read_check(answer(200, {"partner_sid": "p", "scopes": scopes}))
    assert reason is (read.reason if isinstance(read, Refused) else None)
    assert (reason is None) == (read is None)


def test_identity() -> None:
    """The partner is who we are; nothing else is known of the answer."""
    read = ADAPTER.read_identity(answer(200, {"partner_sid": "p", "name": "Acme", "x": 1}))
    assert isinstance(read, Identity)
    assert ("p", "Acme", 1) == (read.id, read.name, read.raw["x"])
    bare = ADAPTER.read_identity(answer(200, {}))
    assert isinstance(bare, Identity)
    assert bare.id is None


LOOKED_UP = {
    "country_code": "USA",
    "details": {
        "carrier": {"mcc": "312", "mnc": "850", "name": "INTELIQUENT", "type": "mobile"},
        "cnam": None,
        "lrn": None,
    },
    "e164_format": "+13135550123",
    "phonenumber": "13135550123",
}


@pytest.mark.parametrize(
    ("changes", "facts"),
    [
        ({}, ("+13135550123", "US", "mobile", "INTELIQUENT", "312", "850")),
        ({"e164_format": None}, ("+13135550123", "US", "mobile", "INTELIQUENT", "312", "850")),
        ({"details": None}, ("+13135550123", "US", None, None, None, None)),
        ({"details": {"carrier": 7}}, ("+13135550123", "US", None, None, None, None)),
        (
            {"country_code": "GBR", "e164_format": "+447400123456"},
            ("+447400123456", "GB", "mobile", "INTELIQUENT", "312", "850"),
        ),
    ],
)
def test_number(changes: Mapping[str, Any], facts: tuple[str | None, ...]) -> None:
    """Number, country in two letters, and the carrier's facts where there are some."""
    read = ADAPTER.read_number(answer(200, {**LOOKED_UP, **changes}))
    assert isinstance(read, NumberFacts)
    assert facts == (read.number, read.country, read.kind, read.carrier, read.mcc, read.mnc)
    assert "5550123" not in repr(read)


@pytest.mark.parametrize(
    ("capable", "active", "can_send", "why"),
    [
        (31, 31, True, None),
        (3, 2, True, None),
        (31, 4, False, "messaging is not enabled for it"),
        (31, 1, False, "messaging is not enabled for it"),
        (4, 4, False, "it is not capable of SMS"),
        (None, 4, False, "messaging is not enabled for it"),
        (31, None, None, None),
        (31, "many", None, None),
        (31, True, None, None),
    ],
)
def test_senders(capable: Any, active: Any, *, can_send: bool | None, why: str | None) -> None:
    """A number can send where sending SMS is among its active capabilities."""
    item = {
        "did_sid": "d-1",
        "phonenumber": "13135550101",
        "country_code": "USA",
        "capabilities": capable,
        "active_capabilities": active,
    }
    read = ADAPTER.read_senders(answer(200, {"items": [item]}))
    assert isinstance(read, Listed)
    [sender] = read.items
    assert ("d-1", "+13135550101", ("US",)) == (sender.id, sender.sender, sender.countries)
    assert (can_send, why) == (sender.can_send, sender.why)
    assert "+13135550101" not in repr(sender)


@pytest.mark.parametrize(
    ("page", "following"),
    [
        ({"has_more": True, "offset": 0}, "2"),
        ({"has_more": True, "offset": 40}, "42"),
        ({"has_more": True}, "2"),
        ({"has_more": False, "offset": 0}, None),
        ({"has_more": "yes"}, None),
        ({"has_more": True, "items": []}, None),
    ],
)
def test_pages_of_senders(page: Mapping[str, Any], following: str | None) -> None:
    """The next page begins where this one ends; an empty one is the last, whatever it says."""
    read = ADAPTER.read_senders(answer(200, {"items": [{}, {}], **page}))
    assert isinstance(read, Listed)
    assert following == read.following


@pytest.mark.parametrize(
    ("status", "can_send"),
    [("enabled", True), ("in_progress", False), ("disabled", False), ("failed", False)],
)
def test_messaging_state(status: str, can_send: bool) -> None:  # noqa: FBT001
    """Only a number whose messaging is enabled can send; else the status says why not."""
    body = {"did_sid": "d-1", "enabled": True, "status": status, "type": "a2p"}
    read = ADAPTER.read_sender(answer(200, body))
    assert isinstance(read, Sender)
    assert ("d-1", status, can_send, "a2p") == (read.id, read.status, read.can_send, read.usecase)
    assert (None if can_send else f"status {status}") == read.why


DETAIL = {
    "date_changed": "2025-04-14T10:32:18.175Z",
    "date_insert": "2025-04-14T10:32:17.279Z",
    "date_sent": "2025-04-14T10:32:17.997Z",
    "date_start": "2025-04-14T10:32:17.279Z",
    "date_stop": "2025-04-14T10:32:00.000Z",
    "direction": "outbound",
    "dr_sid": "92cd9154-2f53-4e62-8b4e-8ff6e4849d16",
    "mcc": 310,
    "mcc_mnc_price": "0.015",
    "media_urls": ["https://example.com/menu.png"],
    "message": None,
    "message_segments": 1,
    "mnc": 999,
    "number_dst": "13135550123",
    "number_group_dst": ["13135550124", "13135550123"],
    "number_src": "15162065575",
    "passthrough_price": "0.003",
    "price": "0.015",
    "status": "sent",
    "type": "mms",
    "user_data": "test_message",
    "vendor_error_code": "503",
}


def test_detail_record() -> None:
    """A detail record is read into a record, with what it cost; its id is not the message's."""
    read = ADAPTER.read_detail(answer(200, DETAIL))
    assert not isinstance(read, (Refused, Busy, Unclear))
    assert read.provider_id is None
    assert (Status.SENT, "mms", "+13135550123", "+15162065575", "test_message") == (
        read.status,
        read.kind,
        read.to,
        read.from_,
        read.reference,
    )
    prices = (Price(amount=Decimal("0.015")), Price(amount=Decimal("0.003")))
    assert prices == (read.price, read.fees)
    assert ("310", "999", "503", None) == (read.mcc, read.mnc, read.error_code, read.reason)
    assert datetime(2025, 4, 14, 10, 32, 17, 997000, UTC) == read.sent_at
    assert DETAIL == read.raw


def test_pages_of_detail_records() -> None:
    """The query goes on where the page ended."""
    query = Query(to="+13135550123", cursor="3")
    page = ADAPTER.read_details(answer(200, {"items": [DETAIL], "has_more": True}), query)
    assert isinstance(page, Page)
    assert page.following is not None
    assert ("4", query.to) == (page.following.cursor, page.following.to)
    last = ADAPTER.read_details(answer(200, {"items": [DETAIL]}), query)
    assert isinstance(last, Page)
    assert last.following is None


# Filters


def filter_of(query: Query, *, details: bool = False) -> str:
    """Return the filter that a query's URL asks with."""
    request = ADAPTER.details_request(query) if details else ADAPTER.list_request(query)
    return parse_qs(urlsplit(request.url).query)["filter"][0]


SINCE = datetime(2026, 4, 14, 12, tzinfo=UTC)
WHOLE = Query(to="+13135550123", from_="+15162065575", since=SINCE, until=SINCE, reference="r-1")


def test_filters_of_messages_and_of_details() -> None:
    """The same query is asked in the fields of messages, and in those of detail records."""
    time = '"2026-04-14T12:00:00.000Z"'
    assert (
        'direction eq "outbound" and to eq "13135550123" and from eq "15162065575" and '
        f'user_data eq "r-1" and date_created ge {time} and date_created le {time}'
    ) == filter_of(WHOLE)
    assert (
        'direction eq "outbound" and number_dst eq "13135550123" and number_src eq "15162065575" '
        f'and user_data eq "r-1" and date_start ge {time} and date_start le {time}'
    ) == filter_of(WHOLE, details=True)


@pytest.mark.parametrize(
    ("filters", "asked"),
    [
        ({"status": "sent"}, ' and status eq "sent"'),
        ({"status ne": "sent", "mcc gt": "300"}, ' and status ne "sent" and mcc gt "300"'),
        ({"message like": "%it's%"}, ' and message like "%it\'s%"'),
        ({"message": 'say "hi"'}, " and message eq 'say \"hi\"'"),
        ({"attributes.login eq": "x y"}, ' and attributes.login eq "x y"'),
        ({"filter": "price ge 1 and type eq mms"}, " and price ge 1 and type eq mms"),
        ({"status": ""}, ""),
    ],
)
def test_more_filters(filters: Mapping[str, str], asked: str) -> None:
    """A field asks for what equals its value, a test for what passes it; all must hold."""
    assert f'direction eq "outbound"{asked}' == filter_of(Query(filters=filters))


def test_direction_gives_way_to_nothing() -> None:
    """A filter of the caller's own is added to what the query asks; it takes nothing away."""
    asked = filter_of(Query(direction="inbound", to="+13135550123", filters={"filter": "a eq b"}))
    assert 'direction eq "inbound" and to eq "13135550123" and a eq b' == asked


def test_parameters_stay_parameters() -> None:
    """What is no field and no test is a parameter of the request: the order, a cursor."""
    url = ADAPTER.list_request(Query(filters={"order": "date_created desc", "after": "sid"})).url
    assert url.endswith("&order=date_created%20desc&after=sid")


INJECTED = [
    'x" and price gt "0',
    "x' and price gt '0",
    'x" and direction eq "inbound',
    "x and price gt 0",
    "%",
    "x&limit=1000",
    "x#",
    "x\nand price gt 0",
]


@pytest.mark.parametrize("value", INJECTED)
@pytest.mark.parametrize("place", ["reference", "filters"])
def test_values_stay_values(value: str, place: str) -> None:
    """What a value says never becomes a condition of its own, nor a parameter."""
    wanted: dict[str, Any] = {place: value if place == "reference" else {"user_data": value}}
    url = ADAPTER.list_request(Query(**wanted)).url
    asked = parse_qs(urlsplit(url).query, keep_blank_values=True)
    mark = "'" if '"' in value else '"'
    assert [f'direction eq "outbound" and user_data eq {mark}{value}{mark}'] == asked["filter"]
    assert {"filter", "limit", "offset"} == set(asked)


@pytest.mark.parametrize("value", ["'\"", "a\" or 'b", "\\", 'x\\" and price gt "0', "x\\"])
def test_values_that_cannot_be_said(value: str) -> None:
    """Both kinds of quotation marks, or a backslash, cannot be quoted surely: nothing is asked."""
    for query in (Query(reference=value), Query(filters={"message like": value})):
        with pytest.raises(Unsupported):
            ADAPTER.list_request(query)
        with pytest.raises(Unsupported):
            ADAPTER.details_request(query)


@given(value=st.text(st.characters(codec="utf-8"), min_size=1))
def test_any_value_is_one_quoted_word(value: str) -> None:
    """Whatever the value, between its marks stands no such mark."""
    try:
        asked = filter_of(Query(reference=value))
    except Unsupported:
        assert "\\" in value or ("'" in value and '"' in value)
        return
    said = asked.removeprefix('direction eq "outbound" and user_data eq ')
    assert (value, said[0]) == (said[1:-1], said[-1])
    assert said[0] not in value


@pytest.mark.parametrize("name", ["a b", "status eq x", "status or", "1 eq", "a;b eq", "a eq ", ""])
def test_names_that_are_no_test(name: str) -> None:
    """A name that is no field with an operator never stands in the filter."""
    assert 'direction eq "outbound"' == filter_of(Query(filters={name: "v"}))


# Groups


@pytest.mark.parametrize(
    ("to", "sender", "group", "good"),
    [
        ("+13135550123", "15162065575", 8, True),
        ("+13135550123", "15162065575", 9, False),
        # The recipient and the sender among the group count once.
        ("+13135550200", "15162065575", 9, True),
        ("+13135550200", "13135550201", 10, True),
        ("+13135550200", "13135550201", 11, False),
    ],
)
def test_size_of_a_group(to: str, sender: str, group: int, good: bool) -> None:  # noqa: FBT001
    """At most ten different numbers, the sender included."""
    numbers = [f"+131355502{number:02}" for number in range(group)]
    options = CarrierXOptions(group_recipients=numbers)
    message = Message(to, "x", from_=sender, options={"carrierx": options})
    if good:
        assert b'"type":"mms"' in ADAPTER.request(message, "r").content
        return
    with pytest.raises(Unsupported, match="at most 10"):
        ADAPTER.request(message, "r")


# Hostile answers

READS: dict[str, Callable[[Any], Any]] = {
    "token": OAUTH.read_token,
    "identity": ADAPTER.read_identity,
    "check": ADAPTER.read_check,
    "number": ADAPTER.read_number,
    "senders": ADAPTER.read_senders,
    "sender": ADAPTER.read_sender,
    "details": lambda response: ADAPTER.read_details(response, Query()),
    "detail": ADAPTER.read_detail,
}
GARBAGE: list[object] = [
    b"",
    b"\xff\xfe",
    b"<html>",
    b"[" * 100_000,
    None,
    [],
    [1],
    "text",
    7,
    True,
]
STRANGE: list[object] = [
    None,
    [],
    {},
    7,
    -1,
    True,
    "\ud800",
    "",
    [[]],
    {"a": {}},
    1e400,
    "9" * 5000,
]


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("body", GARBAGE)
def test_garbage_is_unclear(name: str, body: object) -> None:
    """A success that is no JSON object tells nothing."""
    assert isinstance(READS[name](answer(200, body)), Unclear)


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Refused), (401, Refused), (403, Refused), (404, Refused), (429, Busy), (500, Unclear)],
)
@pytest.mark.parametrize("body", [b"", {"message": "no", "errors": [None, {"field": 7}]}, [1]])
def test_refusals(name: str, status: int, kind: type, body: object) -> None:
    """Whatever stands in a refusal, the status tells what it is."""
    assert kind is type(READS[name](answer(status, body)))


FIELDS = (
    *SAMPLE,
    *DETAIL,
    *LOOKED_UP,
    *("items", "has_more", "offset", "scopes", "name", "partner_sid", "phonenumber"),
    *("did_sid", "capabilities", "active_capabilities"),
)


@given(
    st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(STRANGE)), st.sampled_from([*READS])
)
def test_strange_values_break_nothing(body: dict[str, Any], name: str) -> None:
    """Any value may stand in any field, also of what is listed: it is read, nothing is raised."""
    for data in (body, {"items": [body, None]}):
        READS[name](answer(200, data))
        READS[name](answer(422, data))


@pytest.mark.parametrize("name", [name for name in READS if name not in ("token", "check")])
def test_403_names_the_scope(name: str) -> None:
    """A 403 says which scope is needed."""
    read = READS[name](answer(403, {"message": "Forbidden"}))
    assert isinstance(read, Refused)
    assert "scope" in read.text


# Over the sandbox, both clients


@pytest.fixture(scope="module")
def house() -> Iterator[str]:
    """Run a sandbox; return where CarrierX is played."""
    with running(behaviour=Behaviour(speed=200, seed=1)) as sandbox:
        yield f"{sandbox.url}/core/v2"


@pytest.fixture(params=KINDS)
def client(request: pytest.FixtureRequest, house: str) -> Iterator[Both]:
    """Return a client of either kind, of an account with tokens."""
    account = {
        "sender": "13135550101",
        "client_id": "an-id",
        "client_secret": "a-secret",
        "username": "partner",
        "password": "a-word",
        "base_url": house,
    }
    made = Both(request.param, {"accounts": {"carrierx": account}})
    yield made
    made.close()


def listed(client: Both) -> list[Sender]:
    """Return all numbers of the account."""
    found = client.client.senders.list("carrierx")
    if client.runner is None:
        return list(found)

    async def gathered() -> list[Sender]:
        return [one async for one in found]

    return client.runner.run(gathered())


def state_of(client: Both, identity: str | None) -> Sender:
    """Return a number's state of messaging."""
    found: Any = client.client.senders.get(identity, "carrierx")
    result: Sender = found if client.runner is None else client.runner.run(found)
    return result


def test_services_over_the_sandbox(client: Both) -> None:
    """Who we are and what a number is are asked for with a token that is asked for first."""
    client.check("carrierx")
    identity = client.call("identity")
    facts = client.call("lookup", "+13135550123")
    assert identity.id
    assert ("+13135550123", "US", "mobile") == (facts.number, facts.country, facts.kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"scopes": ["sms.manage"]}, "none"),
        ({"scopes": ["sms.read"]}, Reason.PERMISSION),
        ("<html>", None),
    ],
)
def test_check_says_more(kind: str, body: Any, reason: Reason | str | None) -> None:
    """Credentials that may not send, or a page that is no answer, are not taken for good ones."""
    transport, _ = answering(httpx.Response(200, json=body))
    made = Both(kind, "carrierx://canary@?sender=13135550101", transport=transport)
    if reason == "none":
        made.check("carrierx")
    else:
        with pytest.raises(LookupFailed) as raised:
            made.check("carrierx")
        assert reason is raised.value.reason
    made.close()


STATES = [
    ("+13135550101", True, "enabled"),
    ("+13135550196", False, "in_progress"),
    ("+13135550195", False, "disabled"),
    ("+13135550194", False, "failed"),
]


@pytest.mark.parametrize(("number", "can_send", "status"), STATES)
def test_states_over_the_sandbox(client: Both, number: str, status: str, *, can_send: bool) -> None:
    """A number's state of messaging is found by its id, which the list of numbers tells."""
    found = {sender.sender: sender for sender in listed(client)}
    state = state_of(client, found[number].id)
    assert can_send == found[number].can_send == state.can_send
    assert status == state.status


def test_number_with_voice_alone(client: Both) -> None:
    """It has no state of messaging."""
    [voice] = [one for one in listed(client) if one.sender == "+13135550193"]
    assert "it is not capable of SMS" == voice.why
    with pytest.raises(LookupFailed):
        state_of(client, voice.id)


@pytest.mark.parametrize("value", INJECTED)
def test_injection_over_the_sandbox(client: Both, value: str) -> None:
    """A list that is asked with such a value finds the message that has it, and no other."""
    options = {"carrierx": CarrierXOptions(user_data=value)}
    sent = client.send(Message("+13135550123", "x", options=options))
    client.send(Message("+13135550123", "another"))
    for _ in range(200):
        found = client.list_remote("carrierx", reference=value)
        if found:
            break
    assert sent.provider_id in [one.provider_id for one in found]
    assert {value} == {one.raw["user_data"] for one in found}
