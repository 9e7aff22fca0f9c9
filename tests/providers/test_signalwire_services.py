"""What SignalWire offers beside sending: logs, redaction, numbers; and its compatibility API."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.delivery import Price, Status
from polysms.errors import ConfigError, InvalidMessage, Reason, Unsupported
from polysms.message import Message
from polysms.providers.base import (
    Accepted,
    Busy,
    Page,
    Query,
    Refused,
    Request,
    Response,
    Unclear,
)
from polysms.providers.lists import followed
from polysms.providers.signalwire import SignalWireOptions
from polysms.providers.signalwire.compat import LONGEST_VALIDITY, SignalWireCompatOptions
from polysms.services import Listed, NumberFacts, Sender
from tests import published
from tests.providers.examples import JSON, answer, said
from tests.providers.test_contract import JSON_VALUES, adapter_of, outgoing

HOME = "https://example.signalwire.com"
LOGS = f"{HOME}/api/messaging/logs"
NUMBERS = f"{HOME}/api/relay/rest/phone_numbers?page_size=1000"
SHORT_CODES = f"{HOME}/api/relay/rest/short_codes?page_size=1000"
LAML = f"{HOME}/api/laml/2010-04-01/Accounts/p-1/Messages"
BOTH = ("signalwire", "signalwire-compat")
NOON = datetime(2026, 4, 14, 12, tzinfo=UTC)


def asked(request: Request) -> dict[str, str]:
    """Return the query of a request."""
    return dict(parse_qsl(urlsplit(request.url).query, strict_parsing=True))


# Logs and their filters.

LOG_FILTERS: list[tuple[dict[str, str], dict[str, str]]] = [
    ({"include_deleted": "true"}, {"include_deleted": "true", "page_size": "50"}),
    ({"created_before": "2022-04-30"}, {"created_before": "2022-04-30", "page_size": "50"}),
    ({"created_on": "2022-04-30"}, {"created_on": "2022-04-30", "page_size": "50"}),
    (
        {"created_after": "2022-04-30T10:00:00Z"},
        {"created_after": "2022-04-30T10:00:00Z", "page_size": "50"},
    ),
    ({"page_size": "1000"}, {"page_size": "1000"}),
    (
        {"page_number": "2", "page_token": "PA1"},
        {"page_number": "2", "page_token": "PA1", "page_size": "50"},
    ),
]


@pytest.mark.parametrize(("filters", "expected"), LOG_FILTERS)
def test_log_filters(filters: dict[str, str], expected: dict[str, str]) -> None:
    """Every filter of the TypeSpec stands in the request as it was given."""
    assert expected == asked(adapter_of("signalwire").list_request(Query(filters=filters)))


MESSAGE_FILTERS: list[tuple[str, str]] = [
    ("To", "+13135550123"),
    ("From", "12345"),
    ("Status", "undelivered"),
    ("DateSent", "2026-04-14"),
    ("DateSent<", "2026-04-14"),
    ("DateSent>", "2026-04-14"),
    ("Page", "3"),
    ("PageToken", "PB1"),
]


@pytest.mark.parametrize(("name", "value"), MESSAGE_FILTERS)
def test_message_filters(name: str, value: str) -> None:
    """So do those of the compatibility API's page, the names with < and > percent-encoded."""
    request = adapter_of("signalwire-compat").list_request(Query(filters={name: value}))
    assert {"PageSize": "50", name: value} == asked(request)
    assert "<" not in request.url
    assert ">" not in request.url


WRONG_FILTERS: list[tuple[str, str, object, str]] = [
    ("signalwire", "to", "+13135550123", "there is no 'to'; known are include_deleted, created_"),
    ("signalwire", "include_deleted", "yes", 'include_deleted: write "true" or "false"'),
    ("signalwire", "created_on", "today", "created_on: write a day or a moment"),
    ("signalwire", "created_after", 7, "created_after: write a day or a moment"),
    ("signalwire", "page_size", "0", "page_size: write a whole number from 1 to 1000"),
    ("signalwire", "page_size", "1001", "page_size: write a whole number from 1 to 1000"),
    ("signalwire", "page_number", "-1", "page_number: write a whole number from 0"),
    ("signalwire", "page_token", "", "page_token: write a text"),
    ("signalwire-compat", "created_on", "2026-04-14", "there is no 'created_on'; known are To"),
    ("signalwire-compat", "Status", "lost", "Status: write one of queued"),
    ("signalwire-compat", "DateSent", "2026-4-14", "DateSent: write a day"),
    ("signalwire-compat", "DateSent<", "2026-02-30", "DateSent<: there is no such day"),
    ("signalwire-compat", "DateSent>", None, "DateSent>: write a text"),
    ("signalwire-compat", "PageSize", 5, "PageSize: write a whole number from 1 to 1000"),
]


@pytest.mark.parametrize(("provider", "name", "value", "sentence"), WRONG_FILTERS)
def test_wrong_filter(provider: str, name: str, value: Any, sentence: str) -> None:
    """A filter that is unknown, or has no value it could have, is told before anything is asked."""
    with pytest.raises(ConfigError) as raised:
        adapter_of(provider).list_request(Query(filters={name: value}))
    assert str(raised.value).startswith(f"filters: {sentence}")
    assert "filters" == raised.value.key


# Links from page to page.

HERE = f"{LOGS}?page_size=7"
LINKS: list[tuple[str, object, str | None]] = [
    ("whole", f"{LOGS}?page_token=PA1", f"{LOGS}?page_token=PA1"),
    ("from the root", "/api/messaging/logs?page_token=PA1", f"{LOGS}?page_token=PA1"),
    ("a query alone", "?page_token=PA1", f"{LOGS}?page_token=PA1"),
    ("without a scheme", "//example.signalwire.com/x", f"{HOME}/x"),
    ("another spelling", "HTTPS://Example.SignalWire.com:443/x", f"{HOME}/x"),
    ("a fragment", f"{LOGS}?page_token=PA1#top", f"{LOGS}?page_token=PA1"),
    ("another host", "https://evil.example/api/messaging/logs", None),
    ("a longer host", "https://example.signalwire.com.evil.example/x", None),
    ("another scheme", "http://example.signalwire.com/api/messaging/logs", None),
    ("another port", "https://example.signalwire.com:8443/api/messaging/logs", None),
    ("user and word", "https://user:word@example.signalwire.com/x", None),
    ("our host as the user", "https://example.signalwire.com@evil.example/x", None),
    ("the same page", HERE, None),
    ("the same page, shorter", "?page_size=7", None),
    ("nothing", "", None),
    ("no text", {"href": LOGS}, None),
]


@pytest.mark.parametrize(("link", "target"), [row[1:] for row in LINKS], ids=[r[0] for r in LINKS])
def test_links(link: object, target: str | None) -> None:
    """The next page is asked for at the configured origin, in our own spelling of it, or not."""
    assert target == followed(link, HERE)


def test_every_list_follows_by_the_same_rule() -> None:
    """Logs, messages and numbers all stay at home, and end where a link leads to itself."""
    for link, more in ((f"{HOME}/next", True), ("https://evil.example/next", False)):
        body = {"data": [], "messages": [], "links": {"next": link}, "next_page_uri": link}
        for name in BOTH:
            page = adapter_of(name).read_list(answer(200, body), Query())
            assert more == (page.following is not None)
            if page.following is not None:
                assert link == adapter_of(name).list_request(page.following).url
            assert more == (adapter_of(name).read_senders(answer(200, body)).following is not None)


@pytest.mark.parametrize(
    ("name", "first"), [("signalwire", f"{LOGS}?page_size=50"), (BOTH[1], f"{LAML}?PageSize=50")]
)
def test_link_to_the_first_page_ends(name: str, first: str) -> None:
    """A first page that names itself as the next one is the only one."""
    body = {"data": [], "messages": [], "links": {"next": first}, "next_page_uri": first}
    assert adapter_of(name).read_list(answer(200, body), Query()).following is None


# Redaction.


def test_redact_requests() -> None:
    """The new API patches with an empty body, the older one posts an empty Body."""
    new, old = (adapter_of(name).redact_request("a/b") for name in BOTH)
    assert ("PATCH", f"{HOME}/api/messaging/messages/a%2Fb") == (new.method, new.url)
    assert {"body": ""} == said(new)
    assert ("POST", f"{LAML}/a%2Fb", b"Body=") == (old.method, old.url, old.content)


IN_PROGRESS = {"errors": [{"code": "cannot_redact_in_progress_message", "message": "later"}]}
REDACTIONS: list[tuple[str, int, object, object]] = [
    ("gone", 200, {"id": "m-1", "sid": "m-1", "body": ""}, None),
    ("gone, null", 200, {"id": "m-1", "sid": "m-1", "body": None}, None),
    (
        "still there",
        200,
        {"id": "m-1", "sid": "m-1", "body": "hi"},
        Unclear(text="the message still has its text"),
    ),
    ("no message", 200, {}, Unclear(text="HTTP 200 without a message we can read")),
    ("html", 200, b"<html>", Unclear(text="HTTP 200 without a message we can read")),
    (
        "on its way",
        422,
        IN_PROGRESS,
        Busy(limited=False, text="later", code="cannot_redact_in_progress_message"),
    ),
    (
        "nobody's",
        404,
        {},
        Refused(reason=Reason.PERMISSION, text="SignalWire knows no such message"),
    ),
    (
        "no scope",
        403,
        {"error": "Forbidden"},
        Refused(reason=Reason.PERMISSION, text="Forbidden"),
    ),
    ("broken", 500, {}, Unclear(text="HTTP 500")),
]


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize(
    ("status", "body", "expected"), [row[1:] for row in REDACTIONS], ids=[r[0] for r in REDACTIONS]
)
def test_read_redact(name: str, status: int, body: object, expected: object) -> None:
    """A text is gone only where SignalWire shows the message without it."""
    assert expected == adapter_of(name).read_redact(answer(status, body))


# Numbers.


@pytest.mark.parametrize("name", BOTH)
def test_number_request(name: str) -> None:
    """A number is looked up with its carrier."""
    request = adapter_of(name).number_request("+13135550123")
    url = f"{HOME}/api/relay/rest/lookup/phone_number/%2B13135550123?include=carrier"
    assert ("GET", url) == (request.method, request.url)


LOOKUPS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {
            "valid_number": True,
            "country_code": "US",
            "number_type": "Fixed Line or Mobile",
            "carrier": {"lec": "Verizon", "linetype": "wireless"},
        },
        {"valid": True, "country": "US", "kind": "mobile", "carrier": "Verizon"},
    ),
    ({"carrier": {"linetype": "landline"}}, {"kind": "landline"}),
    ({"carrier": {"linetype": "VoIP"}}, {"kind": "voip"}),
    ({"number_type": "Mobile"}, {"kind": "mobile"}),
    ({"number_type": "Fixed Line or Mobile"}, {"kind": "fixed line or mobile"}),
    ({"valid_number": False, "carrier": None}, {"valid": False}),
    ({"valid_number": "yes", "country_code": [], "carrier": ["x"], "number_type": {}}, {}),
]


@pytest.mark.parametrize(("said_of_it", "facts"), LOOKUPS)
def test_read_number(said_of_it: dict[str, Any], facts: dict[str, Any]) -> None:
    """What is said of a number is kept in neutral words; the carrier's word on the line wins."""
    body = {"e164": "+13135550123", **said_of_it}
    found = adapter_of("signalwire").read_number(answer(200, body))
    assert NumberFacts(number="+13135550123", raw=body, **facts) == found


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [(200, {}, Unclear), (200, b"<html>", Unclear), (404, {}, Refused), (401, {}, Refused)],
)
def test_number_without_facts(status: int, body: object, kind: type[Any]) -> None:
    """An answer that names no number is none."""
    assert kind is type(adapter_of("signalwire").read_number(answer(status, body)))


LONG_CODE = {
    "id": "n-1",
    "number": "+13135550100",
    "capabilities": ["voice", "sms"],
    "number_type": "longcode",
    "country_code": "US",
    "created_at": "2026-01-15T10:30:00Z",
}
SHORT_CODE = {**LONG_CODE, "id": "c-1", "number": "12345", "number_type": "shortcode"}
SENDERS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("a number", {}, {}),
    ("without a plus", {"number": "13135550100"}, {}),
    ("MMS alone", {"capabilities": ["mms"]}, {}),
    (
        "voice alone",
        {"capabilities": ["voice"]},
        {"can_send": False, "why": "it has no messaging capability"},
    ),
    (
        "nothing",
        {"capabilities": []},
        {"can_send": False, "why": "it has no messaging capability"},
    ),
    ("not said", {"capabilities": None}, {}),
    ("no country", {"country_code": None}, {"countries": ()}),
    (
        "a short code",
        SHORT_CODE,
        {"id": "short_codes/c-1", "sender": "12345", "kind": "short_code"},
    ),
]


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize(
    ("changes", "expected"), [row[1:] for row in SENDERS], ids=[row[0] for row in SENDERS]
)
def test_senders(name: str, changes: dict[str, Any], expected: dict[str, Any]) -> None:
    """A number can surely not send without a messaging capability; whether it can is not told."""
    body = {**LONG_CODE, **changes}
    whole = Sender(
        id="n-1",
        sender="+13135550100",
        countries=("US",),
        created_at=datetime(2026, 1, 15, 10, 30, tzinfo=UTC),
        raw=body,
    )
    assert attrs.evolve(whole, **expected) == adapter_of(name).read_sender(answer(200, body))
    page = adapter_of(name).read_senders(answer(200, {"data": [body]}))
    assert (attrs.evolve(whole, **expected),) == page.items


PAGES: list[tuple[str, dict[str, Any], str | None]] = [
    ("numbers, more", {"data": [LONG_CODE], "links": {"next": "?page_token=PA1"}}, "PA1"),
    ("numbers, no links", {"data": [LONG_CODE]}, SHORT_CODES),
    (
        "no numbers",
        {"data": [], "links": {"self": "/api/relay/rest/phone_numbers?a=b"}},
        SHORT_CODES,
    ),
    ("no numbers, first", {"data": [], "links": {"first": NUMBERS}}, SHORT_CODES),
    ("codes", {"data": [SHORT_CODE]}, None),
    ("no codes", {"data": [], "links": {"self": SHORT_CODES}}, None),
    (
        "codes, more",
        {"data": [SHORT_CODE], "links": {"self": SHORT_CODES, "next": "?page_token=PA1"}},
        "PA1",
    ),
    ("nobody knows", {"data": []}, None),
    ("of no kind", {"data": [{"number": "12345"}]}, None),
    ("itself", {"data": [SHORT_CODE], "links": {"self": SHORT_CODES, "next": SHORT_CODES}}, None),
    ("elsewhere", {"data": [SHORT_CODE], "links": {"next": "https://evil.example/x"}}, None),
]


@pytest.mark.parametrize(
    ("body", "following"), [row[1:] for row in PAGES], ids=[row[0] for row in PAGES]
)
def test_pages_of_senders(body: dict[str, Any], following: str | None) -> None:
    """Short codes come after the numbers; a page that does not say which it is, is the last."""
    adapter = adapter_of("signalwire")
    page = adapter.read_senders(answer(200, body))
    if following == "PA1":
        assert "PA1" == asked(adapter.senders_request(page.following))["page_token"]
        assert page.following.startswith(
            body.get("links", {}).get("self", NUMBERS).partition("?")[0]
        )
        return
    assert following == page.following


def test_sender_requests() -> None:
    """The list begins with the numbers; a short code has a path of its own."""
    adapter = adapter_of("signalwire")
    urls = [adapter.sender_request(one).url for one in ("n/1", "short_codes/c/1", "short_codes")]
    assert NUMBERS == adapter.senders_request().url
    assert [
        f"{HOME}/api/relay/rest/{rest}"
        for rest in ("phone_numbers/n%2F1", "short_codes/c%2F1", "phone_numbers/short_codes")
    ] == urls


def test_nothing_hostile_is_read_as_a_sender() -> None:
    """What has no number is no sender."""
    adapter = adapter_of("signalwire")
    assert Listed(()) == adapter.read_senders(answer(200, {"data": [None, 7, {}, {"number": ""}]}))
    assert isinstance(adapter.read_sender(answer(200, {"number": []})), Unclear)
    assert isinstance(adapter.read_senders(answer(200, {"data": {}})), Unclear)


KEYS = ("id", "sid", "body", "e164", "carrier", "number", "number_type", "country_code")
READS = ("read_redact", "read_number", "read_sender", "read_senders")


@pytest.mark.parametrize(
    ("name", "read"),
    [(name, read) for name in BOTH for read in READS],
)
@given(
    status=st.integers(100, 599),
    body=JSON_VALUES
    | st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("id", "sid", "body", "e164", "carrier", "number", "number_type"), JSON_VALUES
        ),
    )
    | st.fixed_dictionaries({"data": st.lists(JSON_VALUES, max_size=3), "links": JSON_VALUES}),
)
def test_reading_never_raises(name: str, read: str, status: int, body: object) -> None:
    """No answer, however odd, makes a service raise; without a 2xx it is never good."""
    found = getattr(adapter_of(name), read)(answer(status, body))
    if not 200 <= status < 300:
        assert isinstance(found, (Refused, Busy, Unclear))


@pytest.mark.parametrize("read", READS)
def test_cut_answers_are_none(read: str) -> None:
    """An answer that was cut says nothing."""
    body = b'{"id":"m-1","body":"","e164":"+13135550123","number":"12345","data":[]}'
    found = getattr(adapter_of("signalwire"), read)
    assert not isinstance(found(Response(200, JSON, body)), Unclear)
    assert isinstance(found(Response(200, JSON, body, complete=False)), Unclear)


# What else only SignalWire has.


@pytest.mark.parametrize("to", ["988", "+988"])
def test_pass_through_numbers(to: str) -> None:
    """988 goes to the new API as it is, however it is written; the older one has no word on it."""
    assert "988" == said(adapter_of("signalwire").request(outgoing("signalwire", to=to), "r"))["to"]
    with pytest.raises(Unsupported, match="short numbers") as raised:
        adapter_of("signalwire-compat").request(outgoing("signalwire-compat", to=to), "r")
    assert Reason.CAPABILITY is raised.value.reason


@pytest.mark.parametrize("code", ["12345", "123456"])
def test_short_codes_send(code: str) -> None:
    """Short codes of five and six digits are senders, without a plus."""
    new, old = (said(adapter_of(name).request(outgoing(name, from_=code), "r")) for name in BOTH)
    assert (code, code) == (new["from"], old["From"])


@pytest.mark.parametrize(("wanted", "new", "old"), [(True, True, "true"), (False, False, "false")])
def test_send_as_mms(wanted: bool, new: bool, old: str) -> None:  # noqa: FBT001
    """A text without media is made an MMS where it is asked for; else nothing is said of it."""
    bodies = [
        said(adapter_of(name).request(outgoing(name, options={name: {"send_as_mms": wanted}}), "r"))
        for name in BOTH
    ]
    assert (new, old) == (bodies[0]["send_as_mms"], bodies[1]["SendAsMms"])
    plain = [said(adapter_of(name).request(outgoing(name), "r")) for name in BOTH]
    assert not {"send_as_mms", "SendAsMms"} & {key for body in plain for key in body}


def test_custom_variables() -> None:
    """Our reference travels with the caller's variables, in a message that has a callback."""
    options = SignalWireOptions(custom_variables={"order": "4711"})
    url = "https://example.com/hook"
    bodies = [
        said(
            adapter_of("signalwire").request(
                outgoing("signalwire", options={"signalwire": options}, status_callback=back), "r-1"
            )
        )["custom_variables"]
        for back in (url, None)
    ]
    assert [{"order": "4711", "polysms_reference": "r-1"}, {"order": "4711"}] == bodies


@pytest.mark.parametrize(
    ("variables", "good"),
    [
        ({f"name_{number}": "x" for number in range(20)}, True),
        ({f"name_{number}": "x" for number in range(21)}, False),
        ({"_": "é" * 512}, True),
        ({"_": "é" * 513}, False),
        ({"_": ""}, False),
        ({"_": 7}, False),
        ({7: "x"}, False),
        ({"7th": "x"}, False),
        ({"a-b": "x"}, False),
        *(({f"{prefix}x": "x"}, False) for prefix in ("SW_", "signalwire_", "Rtc_", "internal_")),
        ({"swift": "x"}, True),
    ],
)
def test_custom_variables_have_rules(variables: Any, good: bool) -> None:  # noqa: FBT001
    """Names and values that SignalWire would refuse are told before the send."""
    if good:
        assert variables == SignalWireOptions(custom_variables=variables).custom_variables
        return
    with pytest.raises(InvalidMessage, match="custom_variables"):
        SignalWireOptions(custom_variables=variables)


def test_twenty_variables_leave_no_room_for_ours() -> None:
    """The caller's twenty variables go before our reference."""
    names = {f"name_{number}": "x" for number in range(20)}
    message = outgoing(
        "signalwire",
        options={"signalwire": {"custom_variables": names}},
        status_callback="https://example.com/hook",
    )
    assert names == said(adapter_of("signalwire").request(message, "r"))["custom_variables"]


# The compatibility API's own.


def spelled(**fields: Any) -> Any:
    """Return the form of a message to the compatibility API."""
    return said(
        adapter_of("signalwire-compat").request(outgoing("signalwire-compat", **fields), "r")
    )


@pytest.mark.parametrize(
    ("valid_for", "period", "warned"),
    [
        (None, None, False),
        (1, "1", False),
        (LONGEST_VALIDITY, "172800", False),
        (LONGEST_VALIDITY + 1, "172800", True),
    ],
)
def test_validity(valid_for: int | None, period: str | None, warned: bool) -> None:  # noqa: FBT001
    """``valid_for`` is the ValidityPeriod, 48 hours at most; what is more is warned of."""
    assert period == spelled(valid_for=valid_for).get("ValidityPeriod")
    message = outgoing("signalwire-compat", valid_for=valid_for)
    assert warned == bool(adapter_of("signalwire-compat").warnings(message))


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ("0.0075", "0.0075"),
        (Decimal("0.0000001"), "0.0000001"),
        (1, "1"),
        (None, None),
    ],
)
def test_max_price(price: Any, expected: str | None) -> None:
    """The most a message may cost is written as people write it, never as 1E-7."""
    options = {"signalwire-compat": SignalWireCompatOptions(max_price=price)}
    assert expected == spelled(options=options).get("MaxPrice")


@pytest.mark.parametrize("price", ["", "cheap", "NaN", "Infinity", 0, -1, True])
def test_no_price(price: Any) -> None:
    """What is no amount is told."""
    with pytest.raises(InvalidMessage, match="max_price: write an amount in USD"):
        spelled(options={"signalwire-compat": {"max_price": price}})


def test_form() -> None:
    """Every picture stands in the form by the same name, the callback by its own."""
    pictures = [f"https://example.com/{number}.png" for number in range(8)]
    message = outgoing(
        "signalwire-compat", media=pictures, status_callback="https://example.com/hook?a=1&b=2"
    )
    pairs = parse_qsl(adapter_of("signalwire-compat").request(message, "r").content.decode())
    assert pictures == [value for name, value in pairs if name == "MediaUrl"]
    assert ("StatusCallback", "https://example.com/hook?a=1&b=2") in pairs
    assert "Body" not in spelled(text="", media=pictures)


def test_published_message() -> None:
    """Times in RFC 2822, price and currency are read; text and numbers too."""
    read = adapter_of("signalwire-compat").read(answer(201, published.COMPAT_MESSAGE.encode()))
    record = read.record
    then = datetime(2018, 8, 13, 21, 38, 46, tzinfo=UTC)
    assert (then, then, then) == (record.created_at, record.sent_at, record.changed_at)
    assert Price(Decimal("0.005"), "USD") == record.price
    assert ("mms", 1, "Hello World!") == (record.kind, record.segments_billed, record.text)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Mon, 13 Aug 2018 21:38:46 -0000", datetime(2018, 8, 13, 21, 38, 46, tzinfo=UTC)),
        ("2018-08-13T21:38:46Z", datetime(2018, 8, 13, 21, 38, 46, tzinfo=UTC)),
        ("Mon, 99 Aug 2018 21:38:46 +0000", None),
        ("yesterday", None),
        ("", None),
        (7, None),
    ],
)
def test_times(written: object, expected: datetime | None) -> None:
    """A time without a zone is UTC; ISO 8601 is read too; what is no time is None."""
    read = adapter_of("signalwire-compat").read(answer(201, {"sid": "m", "date_created": written}))
    assert expected == read.record.created_at


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        ("inbound", (Status.RECEIVED, "inbound")),
        *((f"outbound-{by}", (Status.SENT, "outbound")) for by in ("api", "call", "reply")),
        (None, (Status.SENT, "outbound")),
    ],
)
def test_directions(direction: str | None, expected: tuple[Status, str]) -> None:
    """Whatever caused an outbound message, it is outbound."""
    body = {"sid": "m", "status": "sent", "direction": direction}
    record = adapter_of("signalwire-compat").read(answer(201, body)).record
    assert expected == (record.status, record.direction)


def test_text_is_no_kind() -> None:
    """A message without media may have been sent as an MMS: its kind is not guessed."""
    read = adapter_of("signalwire-compat").read(answer(201, {"sid": "m", "num_media": "0"}))
    assert isinstance(read, Accepted)
    assert read.record.kind is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            Query(to="+13135550123", from_="12345", since=NOON, until=NOON),
            {"To": "+13135550123", "From": "12345", "PageSize": "50"},
        ),
        (
            Query(since=NOON, until=NOON, page_size=5000),
            {"DateSent>": "2026-04-13", "DateSent<": "2026-04-15", "PageSize": "1000"},
        ),
        (
            Query(since=datetime.min.replace(tzinfo=UTC), until=datetime.max.replace(tzinfo=UTC)),
            {"PageSize": "50"},
        ),
    ],
)
def test_look_up(query: Query, expected: dict[str, str]) -> None:
    """A number is asked for with all its messages, a span of time with a day more on each side."""
    assert expected == asked(adapter_of("signalwire-compat").list_request(query))


def listed(*hours: int | None) -> bytes:
    """Return a page of messages so many hours before noon, and a link to the next one."""
    times = [
        None if hour is None else f"{NOON - timedelta(hours=hour):%a, %d %b %Y %T +0000}"
        for hour in hours
    ]
    items = [{"sid": "m", "date_created": time} for time in times]
    return json.dumps({"messages": items, "next_page_uri": f"{LAML}?Page=1"}).encode()


@pytest.mark.parametrize(
    ("hours", "since", "more"),
    [
        ((0, 24, 48), NOON, False),
        ((0, 24, 48), None, True),
        ((0, 1, 2), NOON, True),
        ((48, 24, 0), NOON, True),
        ((0, None, 48), NOON, True),
        ((48, 49), NOON, False),
        ((), NOON, True),
    ],
)
def test_list_ends_in_the_past(
    hours: tuple[int | None, ...],
    since: datetime | None,
    more: bool,  # noqa: FBT001
) -> None:
    """Newest come first: a page in that order that is a day too old is the last that is read."""
    query = Query(to="+13135550123", since=since)
    page = adapter_of("signalwire-compat").read_list(answer(200, listed(*hours)), query)
    assert isinstance(page, Page)
    assert more == (page.following is not None)


@pytest.mark.parametrize(
    ("status", "body", "reason", "text", "code"),
    [
        (400, {"code": 21211, "message": "bad"}, Reason.INVALID_NUMBER, "bad", "21211"),
        (400, {"code": "21610", "message": "stop"}, Reason.OPTED_OUT, "stop", "21610"),
        (
            400,
            {"errors": [{"code": "30002", "message": "poor"}, {"message": "sad"}]},
            Reason.BALANCE,
            "poor; sad",
            "30002",
        ),
        (422, {"errors": ["To is bad", "so is From"]}, Reason.OTHER, "To is bad; so is From", None),
        (
            401,
            {"errors": [{"title": "Unauthorized", "status": "401"}]},
            Reason.CREDENTIALS,
            "Unauthorized",
            None,
        ),
        (401, {"error": "Unauthorized"}, Reason.CREDENTIALS, "Unauthorized", None),
    ],
)
@pytest.mark.parametrize("name", BOTH)
def test_every_family_of_errors(  # noqa: PLR0913, PLR0917 - one row of the table
    name: str, status: int, body: object, reason: Reason, text: str, code: str | None
) -> None:
    """SignalWire's APIs say no in five ways; each is understood by both adapters."""
    assert Refused(reason=reason, text=text, code=code) == adapter_of(name).read(
        answer(status, body)
    )


def test_project_is_one_part_of_the_path() -> None:
    """A project's id, which came from a configuration, stays one part of the path."""
    kind: Any = type(adapter_of("signalwire-compat"))
    settings = kind.Settings(space="example", project_id="../x?y", api_token="t")
    url = (
        kind(settings, settings.home).request(Message("+13135550123", "x", from_="12345"), "r").url
    )
    assert f"{HOME}/api/laml/2010-04-01/Accounts/..%2Fx%3Fy/Messages" == url
