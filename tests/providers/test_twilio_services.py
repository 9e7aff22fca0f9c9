"""Twilio: how a message is spelled, its list, and what it offers beside sending."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs
import pytest
from hypothesis import given

from polysms import Config
from polysms.delivery import Price, Status
from polysms.errors import ConfigError, InvalidMessage, Reason, Unsupported
from polysms.providers.base import Busy, Page, Query, Refused, Request, Response, Unclear, basic
from polysms.providers.twilio import LONGEST_VALIDITY, Twilio, TwilioOptions, TwilioSettings
from polysms.providers.twilio.codes import BUSY, CODES, REASONS
from polysms.services import Balance, Listed, NumberFacts, Sender
from tests import published
from tests.providers.examples import answer, said
from tests.providers.test_contract import JSON_VALUES, adapter_of, outgoing

ACCOUNT = "https://api.twilio.com/2010-04-01/Accounts/ACexample"
MESSAGES = f"{ACCOUNT}/Messages.json"
SERVICE = f"MG{'0' * 32}"
NOON = datetime(2026, 4, 14, 12, tzinfo=UTC)
ADAPTER: Any = adapter_of("twilio")


def asked(request: Request) -> dict[str, str]:
    """Return the query of a request."""
    return dict(parse_qsl(urlsplit(request.url).query, strict_parsing=True))


def spelled(**fields: Any) -> Any:
    """Return the form of a message, without what every message has."""
    body = said(ADAPTER.request(outgoing("twilio", **fields), "r"))
    return {name: value for name, value in body.items() if name not in {"To", "From", "Body"}}


# Settings.

KEYS: dict[str, Any] = {"account_sid": "ACexample", "api_key": "SKkey", "api_secret": "s"}
CREDENTIALS: list[tuple[dict[str, Any], str, str]] = [
    ({"account_sid": "ACexample", "auth_token": "t"}, "ACexample", "t"),
    (KEYS, "SKkey", "s"),
    ({**KEYS, "auth_token": "t"}, "SKkey", "s"),
]


@pytest.mark.parametrize(("settings", "user", "password"), CREDENTIALS)
def test_credentials(settings: dict[str, Any], user: str, password: str) -> None:
    """The account and its token, or an API key and its secret, which go first."""
    adapter: Any = Twilio(TwilioSettings(**settings))
    request = adapter.fetch_request("SM1")
    assert basic(user, password) == request.headers["Authorization"]
    assert f"{ACCOUNT}/Messages/SM1.json" == request.url


WRONG_SETTINGS: list[tuple[dict[str, Any], str]] = [
    ({"account_sid": "ACexample"}, "auth_token: is missing"),
    ({"account_sid": "ACexample", "auth_token": ""}, "auth_token: is missing"),
    ({"account_sid": "ACexample", "auth_token": " "}, "auth_token: is empty"),
    ({**KEYS, "auth_token": ""}, "auth_token: is empty"),
    ({**KEYS, "api_secret": ""}, "api_key: give api_key and api_secret, or neither"),
    ({"account_sid": "SKkey", "auth_token": "t"}, 'account_sid: write the one that begins with "A'),
    ({**KEYS, "signing_key": ("",)}, "signing_key: is empty"),
]


@pytest.mark.parametrize(("settings", "words"), WRONG_SETTINGS)
def test_wrong_settings(settings: dict[str, Any], words: str) -> None:
    """Half a credential, or an empty one, is an error in a sentence."""
    with pytest.raises(ValueError, match=words):
        TwilioSettings(**settings)


URLS: list[tuple[str, dict[str, Any]]] = [
    ("twilio://ACexample:t@?sender=Acme", {"account_sid": "ACexample", "auth_token": "t"}),
    ("twilio://SKkey:s@ACexample?sender=Acme", KEYS),
]


@pytest.mark.parametrize(("url", "settings"), URLS)
def test_url(url: str, settings: dict[str, Any]) -> None:
    """An account in one line has either kind of credentials."""
    account = Config.from_url(url).account("twilio")
    expected: Any = Twilio(TwilioSettings(**settings))
    adapter: Any = account.adapter
    assert expected.check_request() == adapter.check_request()


# Sending.

WISHES: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({}, {}),
    ({"valid_for": 120}, {"ValidityPeriod": "120"}),
    ({"valid_for": LONGEST_VALIDITY + 1}, {"ValidityPeriod": "36000"}),
    (
        {"status_callback": "https://example.com/a?b=c&d"},
        {"StatusCallback": "https://example.com/a?b=c&d"},
    ),
    ({"options": {"twilio": {"messaging_service_sid": SERVICE}}}, {"MessagingServiceSid": SERVICE}),
    ({"options": {"twilio": {"max_price": "0.0075"}}}, {"MaxPrice": "0.0075"}),
    ({"options": {"twilio": TwilioOptions(max_price=Decimal("1E-3"))}}, {"MaxPrice": "0.001"}),
    ({"options": {"twilio": {"send_as_mms": True}}}, {"SendAsMms": "true"}),
    ({"options": {"twilio": {"smart_encoded": False}}}, {"SmartEncoded": "false"}),
]


@pytest.mark.parametrize(("fields", "expected"), WISHES)
def test_wishes(fields: dict[str, Any], expected: dict[str, str]) -> None:
    """Each wish stands in the form under Twilio's name, and none that nobody has."""
    assert expected == spelled(**fields)


def test_pictures() -> None:
    """Each picture is a field of its own, of the same name, in order."""
    pictures = [f"https://example.com/{number}.png?a=1&b=2" for number in range(10)]
    request = ADAPTER.request(outgoing("twilio", media=pictures), "r")
    fields = parse_qsl(request.content.decode(), strict_parsing=True)
    assert pictures == [value for name, value in fields if name == "MediaUrl"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"to": "988"}, Reason.CAPABILITY),
        ({"text": "x" * 1601}, Reason.TOO_LONG),
        ({"media": [f"https://example.com/{number}.png" for number in range(11)]}, Reason.MEDIA),
    ],
)
def test_what_it_cannot_do(fields: dict[str, Any], reason: Reason) -> None:
    """What Twilio documents that it cannot do goes to another account, unasked."""
    with pytest.raises(Unsupported) as raised:
        spelled(**fields)
    assert reason is raised.value.reason


@pytest.mark.parametrize("sender", ["Acme", "12345", "+13135550100"])
def test_senders_of_every_kind(sender: str) -> None:
    """Names, short codes and numbers may send."""
    assert sender == said(ADAPTER.request(outgoing("twilio", from_=sender), "r"))["From"]


WRONG_OPTIONS: list[dict[str, Any]] = [
    {"messaging_service_sid": "AC1"},
    {"max_price": 0},
    {"send_as_mms": "yes"},
    {"smart_encoded": 1},
]


@pytest.mark.parametrize("options", WRONG_OPTIONS)
def test_wrong_options(options: dict[str, Any]) -> None:
    """A value that an option cannot have is told, and nothing is sent."""
    with pytest.raises(InvalidMessage, match=next(iter(options))):
        spelled(options={"twilio": options})


@pytest.mark.parametrize(("valid_for", "warned"), [(None, 0), (36_000, 0), (36_001, 1)])
def test_long_validity_is_warned_of(valid_for: int | None, warned: int) -> None:
    """Twilio gives up after ten hours, whatever the message wants."""
    assert warned == len(ADAPTER.warnings(outgoing("twilio", valid_for=valid_for)))


# Answers.


def test_codes_are_in_one_row() -> None:
    """No code of the dictionary means two things."""
    assert len(REASONS) == sum(len(codes) for codes in CODES.values())
    assert REASONS.keys().isdisjoint(BUSY)


@pytest.mark.parametrize(
    ("status", "code"), [(429, 20429), (400, 20429), (429, None), (400, 21611), (400, 21730)]
)
def test_busy(status: int, code: int | None) -> None:
    """A rate, a full queue and maintenance are "later", whatever HTTP says of them within 4xx."""
    assert Busy is type(ADAPTER.read(answer(status, {"code": code, "message": "later"})))


@pytest.mark.parametrize(
    ("status", "code"), [(500, 20500), (503, 20503), (500, 21211), (504, 20429)]
)
def test_5xx_is_unclear(status: int, code: int) -> None:
    """A code inside a 5xx proves nothing: the message may have been taken before."""
    assert Unclear is type(ADAPTER.read(answer(status, {"code": code, "message": "no"})))


def test_conflict_is_unclear() -> None:
    """A 409 never says that a message was not taken."""
    assert Unclear is type(ADAPTER.read(answer(409, {"code": 20409, "message": "no"})))


def test_published_message() -> None:
    """Twilio's own example is read: times of mail, a price that is written as a loss."""
    record = ADAPTER.read(answer(201, published.TWILIO_LISTED_MESSAGE.encode())).record
    sent = datetime(2019, 5, 24, 17, 44, 50, tzinfo=UTC)
    assert (sent - timedelta(seconds=4), sent, sent) == (
        record.created_at,
        record.sent_at,
        record.changed_at,
    )
    assert Price(Decimal("0.00750"), "USD") == record.price
    assert (1, "testing", "outbound") == (record.segments_billed, record.text, record.direction)


FACTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"direction": "inbound"}, {"direction": "inbound", "status": Status.RECEIVED}),
    ({"direction": "outbound-reply"}, {"direction": "outbound", "status": Status.QUEUED}),
    ({"num_media": "2"}, {"kind": "mms"}),
    ({"num_media": "0"}, {"kind": None}),
    ({"sid": "MM1"}, {"kind": "mms"}),
    ({"num_segments": "0"}, {"segments_billed": None}),
    ({"price": "-1", "price_unit": "eur"}, {"price": Price(Decimal(1), "EUR")}),
    ({"price": "0.1", "price_unit": None}, {"price": Price(Decimal("0.1"))}),
    ({"price": None}, {"price": None}),
    ({"error_code": 30004}, {"error_code": "30004", "reason": Reason.BLOCKED}),
    ({"error_code": 99999}, {"error_code": "99999", "reason": None}),
    ({"date_sent": "yesterday"}, {"sent_at": None}),
    ({"date_sent": "2026-04-14T12:00:00Z"}, {"sent_at": NOON}),
]


@pytest.mark.parametrize(("changes", "expected"), FACTS)
def test_facts(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    """What each field of a message says."""
    data = {**json.loads(published.TWILIO_MESSAGE), **changes}
    record = ADAPTER.read(answer(201, data)).record
    assert expected == {name: getattr(record, name) for name in expected}


# Lists.

QUERIES: list[tuple[Query, dict[str, str]]] = [
    (
        Query(to="+13135550123", from_="12345", since=NOON, until=NOON),
        {"To": "+13135550123", "From": "12345", "PageSize": "50"},
    ),
    (
        Query(since=NOON, until=NOON, page_size=5000),
        {"DateSent>": "2026-04-13", "DateSent<": "2026-04-15", "PageSize": "1000"},
    ),
    (Query(filters={"DateSent": "2026-04-14"}), {"DateSent": "2026-04-14", "PageSize": "50"}),
    (
        Query(filters={"Page": "3", "PageToken": "PA1"}),
        {"Page": "3", "PageToken": "PA1", "PageSize": "50"},
    ),
]


@pytest.mark.parametrize(("query", "expected"), QUERIES)
def test_list_request(query: Query, expected: dict[str, str]) -> None:
    """A number is asked for with all its messages, a span of time with a day more on each side."""
    assert expected == asked(ADAPTER.list_request(query))


WRONG_FILTERS: list[tuple[str, object, str]] = [
    ("Status", "sent", "there is no 'Status'; known are To, From"),
    ("DateSent", "2026-4-14", "DateSent: write a day"),
    ("DateSent<", "2026-02-30", "DateSent<: there is no such day"),
    ("PageSize", "1001", "PageSize: write a whole number from 1 to 1000"),
    ("PageToken", "", "PageToken: write a text"),
]


@pytest.mark.parametrize(("name", "value", "words"), WRONG_FILTERS)
def test_wrong_filter(name: str, value: Any, words: str) -> None:
    """A filter that Twilio lacks, or a value it cannot have, is an error before the request."""
    with pytest.raises(ConfigError, match=words):
        ADAPTER.list_request(Query(filters={name: value}))


LINKS = [
    ("/2010-04-01/Accounts/ACexample/Messages.json?Page=1&PageToken=PA1", True),
    (f"{MESSAGES}?Page=1&PageToken=PA1", True),
    ("https://evil.example/2010-04-01/Accounts/ACexample/Messages.json?Page=1", False),
    ("//evil.example/Messages.json?Page=1", False),
    ("http://api.twilio.com/2010-04-01/Accounts/ACexample/Messages.json?Page=1", False),
    (None, False),
]


@pytest.mark.parametrize(("link", "followed"), LINKS)
def test_next_page_stays_at_home(link: object, followed: bool) -> None:  # noqa: FBT001
    """``next_page_uri`` gets the credentials, so only the configured origin is asked."""
    page = ADAPTER.read_list(answer(200, {"messages": [], "next_page_uri": link}), Query())
    assert isinstance(page, Page)
    assert followed == (page.following is not None)
    if page.following is not None:
        assert f"{MESSAGES}?Page=1&PageToken=PA1" == ADAPTER.list_request(page.following).url


def test_list_ends_where_it_is_older() -> None:
    """Newest come first, so a page that is a day older than asked for is the last one read."""
    items = [{"sid": "SM1", "date_created": f"{NOON - timedelta(hours=25):%a, %d %b %Y %T +0000}"}]
    body = {"messages": items, "next_page_uri": f"{MESSAGES}?Page=1"}
    assert ADAPTER.read_list(answer(200, body), Query(since=NOON)).following is None
    assert ADAPTER.read_list(answer(200, body), Query()).following is not None


# Redaction.

REDACTIONS: list[tuple[int, object, object]] = [
    (200, {"sid": "SM1", "body": ""}, None),
    (200, {"sid": "SM1", "body": "still here"}, Unclear(text="the message still has its text")),
    (200, {}, Unclear(text="HTTP 200 without a message we can read")),
    (409, {"code": 20409, "message": "no"}, Busy(limited=False, text="no", code="20409")),
    (400, {"code": 20009, "message": "no"}, Busy(limited=False, text="no", code="20009")),
    (
        404,
        {},
        Refused(reason=Reason.PERMISSION, text="Twilio knows no such message"),
    ),
    (502, {}, Unclear(text="HTTP 502")),
]


@pytest.mark.parametrize(("status", "body", "expected"), REDACTIONS)
def test_redact(status: int, body: object, expected: object) -> None:
    """A text is forgotten by an empty one; a message on its way is for later."""
    request = ADAPTER.redact_request("a/b")
    assert ("POST", f"{ACCOUNT}/Messages/a%2Fb.json") == (request.method, request.url)
    assert b"Body=" == request.content
    assert expected == ADAPTER.read_redact(answer(status, body))


# The balance.

BALANCES: list[tuple[int, object, object]] = [
    (200, {"balance": "12.5", "currency": "USD"}, (Decimal("12.5"), "USD")),
    (200, {"balance": "-0.01", "currency": "eur"}, (Decimal("-0.01"), "EUR")),
    (200, {"balance": "1"}, (Decimal(1), None)),
    (200, {"balance": None}, Unclear),
    (401, {"code": 20003}, Refused),
]


@pytest.mark.parametrize(("status", "body", "expected"), BALANCES)
def test_balance(status: int, body: object, expected: Any) -> None:
    """The balance has the currency of the account; a subaccount has none of its own."""
    assert f"{ACCOUNT}/Balance.json" == ADAPTER.balance_request().url
    found = ADAPTER.read_balance(answer(status, body))
    if isinstance(found, Balance):
        assert expected == (found.amount, found.currency)
        return
    assert expected is type(found)


# Senders.

NUMBER = {
    "sid": "PN1",
    "phone_number": "+13135550100",
    "capabilities": {"voice": True, "sms": True, "mms": False},
    "status": "in-use",
    "date_created": "Tue, 14 Apr 2026 12:00:00 +0000",
}
SHORT = {"sid": "SC1", "short_code": "12345", "date_created": "Tue, 14 Apr 2026 12:00:00 +0000"}
NUMBERS = f"{ACCOUNT}/IncomingPhoneNumbers.json?PageSize=1000"
SHORT_CODES = f"{ACCOUNT}/SMS/ShortCodes.json?PageSize=1000"


def test_senders() -> None:
    """Numbers are listed page by page, and then the short codes."""
    assert NUMBERS == ADAPTER.senders_request().url
    listed = ADAPTER.read_senders(answer(200, {"incoming_phone_numbers": [NUMBER, {}, 7]}))
    assert isinstance(listed, Listed)
    assert SHORT_CODES == listed.following == ADAPTER.senders_request(listed.following).url
    sender = Sender(id="PN1", sender="+13135550100", status="in-use", created_at=NOON, raw=NUMBER)
    assert (sender,) == listed.items
    last = ADAPTER.read_senders(answer(200, {"short_codes": [SHORT], "next_page_uri": None}))
    assert last.following is None
    assert [("SC1", "12345", "short_code")] == [
        (one.id, one.sender, one.kind) for one in last.items
    ]


PAGES: list[tuple[str, object, str | None]] = [
    (
        "incoming_phone_numbers",
        "/2010-04-01/x.json?Page=1",
        "https://api.twilio.com/2010-04-01/x.json?Page=1",
    ),
    ("incoming_phone_numbers", "https://evil.example/x.json?Page=1", SHORT_CODES),
    ("short_codes", "/2010-04-01/x.json?Page=1", "https://api.twilio.com/2010-04-01/x.json?Page=1"),
    ("short_codes", "https://evil.example/x.json?Page=1", None),
    ("short_codes", "/2010-04-01/here.json", None),
]


@pytest.mark.parametrize(("key", "link", "following"), PAGES)
def test_pages_of_senders(key: str, link: object, following: str | None) -> None:
    """A next page at home is followed; one that leads elsewhere, or to itself, is the end."""
    body = {key: [], "next_page_uri": link, "uri": "/2010-04-01/here.json"}
    assert following == ADAPTER.read_senders(answer(200, body)).following


@pytest.mark.parametrize(("status", "body"), [(200, {}), (200, b"<html>"), (401, {}), (500, {})])
def test_no_senders(status: int, body: object) -> None:
    """An answer without a list is no empty list."""
    assert not isinstance(ADAPTER.read_senders(answer(status, body)), Listed)


def test_one_sender() -> None:
    """A number and a short code have paths of their own, told apart by their ids."""
    assert f"{ACCOUNT}/IncomingPhoneNumbers/PN1.json" == ADAPTER.sender_request("PN1").url.rstrip(
        "?"
    )
    assert f"{ACCOUNT}/SMS/ShortCodes/SC1.json" == ADAPTER.sender_request("SC1").url
    dumb = {**NUMBER, "capabilities": {"voice": True, "sms": False, "mms": False}}
    found = ADAPTER.read_sender(answer(200, dumb))
    assert (False, "it has no messaging capability") == (found.can_send, found.why)
    assert Refused is type(ADAPTER.read_sender(answer(404, {"code": 20404})))
    assert Unclear is type(ADAPTER.read_sender(answer(200, {})))


# Numbers.


LOOKUPS = [
    ("https://api.twilio.com", "https://lookups.twilio.com"),
    ("https://api.dublin.ie1.twilio.com", "https://lookups.dublin.ie1.twilio.com"),
    ("http://127.0.0.1:1", "http://127.0.0.1:1"),
    ("https://api.twilio.com.evil.example", "https://api.twilio.com.evil.example"),
]


@pytest.mark.parametrize(("home", "expected"), LOOKUPS)
def test_number_request(home: str, expected: str) -> None:
    """A number is looked up at a host of its own in its region; a stand-in has one for all."""
    path = "/v2/PhoneNumbers/%2B13135550123?Fields=line_type_intelligence"
    adapter: Any = Twilio(TwilioSettings(account_sid="AC1", auth_token="t"), home)
    assert f"{expected}{path}" == adapter.number_request("+13135550123").url


FOUND: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {
            "valid": True,
            "country_code": "US",
            "line_type_intelligence": {
                "type": "mobile",
                "carrier_name": "Example Wireless",
                "mobile_country_code": "310",
                "mobile_network_code": "260",
            },
        },
        {
            "valid": True,
            "country": "US",
            "kind": "mobile",
            "carrier": "Example Wireless",
            "mcc": "310",
            "mnc": "260",
        },
    ),
    ({"valid": False, "line_type_intelligence": None}, {"valid": False}),
    ({"valid": "yes", "country_code": [], "line_type_intelligence": {"type": {}}}, {}),
]


@pytest.mark.parametrize(("body", "facts"), FOUND)
def test_read_number(body: dict[str, Any], facts: dict[str, Any]) -> None:
    """What is said of a number is kept in neutral words."""
    data = {"phone_number": "+13135550123", **body}
    expected = NumberFacts(number="+13135550123", raw=data, **facts)
    assert expected == ADAPTER.read_number(answer(200, data))


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [(200, {}, Unclear), (404, {"code": 20404}, Refused), (503, {}, Unclear)],
)
def test_number_without_facts(status: int, body: object, kind: type[Any]) -> None:
    """An answer that names no number is none."""
    assert kind is type(ADAPTER.read_number(answer(status, body)))


READS = ("read", "read_redact", "read_balance", "read_senders", "read_sender", "read_number")


@pytest.mark.parametrize("read", READS)
@given(body=JSON_VALUES)
def test_services_never_raise(read: str, body: object) -> None:
    """No JSON, however odd, makes a reader raise, nor does one that was cut."""
    for status in (200, 404, 500):
        getattr(ADAPTER, read)(answer(status, body))
        getattr(ADAPTER, read)(attrs.evolve(answer(status, body), complete=False))
    getattr(ADAPTER, read)(Response(200, {}, b"\xff"))
