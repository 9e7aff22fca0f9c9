"""What Wavix offers beside sending: senders, opt-outs, the balance, lists and the export."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.delivery import Status
from polysms.errors import ConfigError, InvalidMessage, Reason, Unsupported
from polysms.message import Message
from polysms.providers.base import Busy, Page, Query, Refused, Request, Response, Unclear
from polysms.providers.wavix import Wavix, WavixSettings
from polysms.services import Balance, Listed, NewSender, RemoteOptOut, Restriction, Sender
from tests.providers.examples import answer

KEY = "wavix-canary-key"
HOME = "https://api.wavix.com"
MESSAGES = f"{HOME}/v3/messages"
IDENTITY = "94b319e0-8277-4efa-b7ec-d6e0e255ddaf"
NAMED = {"id": IDENTITY, "sender_id": "Acme", "type": "alphanumeric", "allowlisted_in": ["GB"]}
ACME = NewSender(sender="Acme", countries=["GB", "fr"], usecase="promo")


def wavix(**settings: str) -> Wavix:
    """Return the adapter of an account with these settings."""
    return Wavix(WavixSettings(api_key=KEY, **settings))


def query_of(request: Request) -> dict[str, str]:
    """Return the query of a request."""
    return dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))


EVERY: list[tuple[str, Callable[[Wavix], Request], str]] = [
    ("POST", lambda w: w.request(Message("+13135550123", "x", from_="+13137890021"), "r"), ""),
    ("GET", lambda w: w.fetch_request("m-1"), "/m-1"),
    ("GET", lambda w: w.list_request(Query()), ""),
    ("GET", lambda w: w.export_request(Query()), "/all"),
    ("GET", lambda w: w.check_request(), "/v1/profile"),
    ("GET", lambda w: w.balance_request(), "/v1/profile/config"),
    ("GET", lambda w: w.restrictions_request("GB", "name"), "/sender_ids/restrictions"),
    ("GET", lambda w: w.senders_request(), "/sender-ids"),
    ("GET", lambda w: w.sender_request(IDENTITY), f"/sender-ids/{IDENTITY}"),
    ("POST", lambda w: w.new_sender_request(ACME), "/sender-ids"),
    ("DELETE", lambda w: w.drop_sender_request(IDENTITY), f"/sender-ids/{IDENTITY}"),
    ("POST", lambda w: w.optout_request("+13135550123"), "/opt-outs"),
    ("GET", lambda w: w.optouts_request(), "/opt-outs"),
]


def test_every_request_is_among_them() -> None:
    """A request of the adapter that is not in the table below is not looked at."""
    named = {name for name, _ in inspect.getmembers(Wavix) if name.endswith("_request")}
    code = inspect.getsource(inspect.getmodule(test_every_request_is_among_them) or Wavix)
    assert {name for name in named if f"lambda w: w.{name}(" in code} == named
    assert len(EVERY) == len(named) + len({"request"})


@pytest.mark.parametrize("paths", ["hyphens", "underscores"])
@pytest.mark.parametrize(("method", "build", "path"), EVERY)
def test_requests(method: str, build: Callable[[Wavix], Request], path: str, paths: str) -> None:
    """Each goes to its documented path, in the configured spelling; the key is in the header.

    Never in the address: ``?appid=`` is deprecated, and addresses end up in logs.
    """
    request = build(wavix(paths=paths))
    if paths == "underscores":
        path = path.replace("r-ids", "r_ids").replace("t-outs", "t_outs")
    home = HOME if path.startswith("/v1") else MESSAGES
    assert (method, f"{home}{path}") == (request.method, request.url.partition("?")[0])
    assert f"Bearer {KEY}" == request.headers["Authorization"]
    assert "appid" not in query_of(request)
    assert KEY not in request.url
    assert KEY.encode() not in request.content
    assert (method == "POST") == ("Content-Type" in request.headers) == bool(request.content)


@pytest.mark.parametrize("settings", [{"paths": "hyphen"}, {"optout_body": "x"}, {"paths": ""}])
def test_settings_have_known_words(settings: dict[str, str]) -> None:
    """A spelling that is none is an error, not a path that does not exist."""
    with pytest.raises(ValueError, match=next(iter(settings))):
        wavix(**settings)


def test_balance() -> None:
    """The balance is a decimal text in USD."""
    body = {"balance": "309.06", "global_limits": {"max_call_duration": 3600}}
    expected = Balance(amount=Decimal("309.06"), currency="USD", raw=body)
    assert expected == wavix().read_balance(answer(200, body))


@pytest.mark.parametrize(
    ("kind", "spelled"),
    [
        ("name", "alphanumeric"),
        ("number", "numeric"),
        ("alphanumeric", "alphanumeric"),
        ("numeric", "numeric"),
    ],
)
@pytest.mark.parametrize("country", ["gb", "GB"])
def test_restrictions_are_asked_for(kind: str, spelled: str, country: str) -> None:
    """Both parameters are required; kinds may be named in our words or in Wavix's."""
    request = wavix().restrictions_request(country, kind)
    assert {"country": "GB", "type": spelled} == query_of(request)


@pytest.mark.parametrize("free", [True, False])
def test_restrictions_are_read(free: bool) -> None:  # noqa: FBT001 - a row
    """What cannot be registered by the account itself goes through a review, in the app."""
    found = wavix().read_restrictions(answer(200, {"self_service": free}), "gb", "alphanumeric")
    assert isinstance(found, Restriction)
    assert ("GB", "name", not free) == (found.country, found.kind, found.registration)
    assert ("at once" in (found.text or "")) == free


NO_RESTRICTION = [("G", "name"), ("GBR", "name"), ("", "name"), ("1A", "name"), ("GB", "short")]


@pytest.mark.parametrize(("country", "kind"), NO_RESTRICTION)
def test_restrictions_of_nowhere(country: str, kind: str) -> None:
    """A country is two letters, a kind a number or a name."""
    with pytest.raises(ConfigError) as caught:
        wavix().restrictions_request(country, kind)
    assert ("country" if kind == "name" else "kind") == caught.value.key


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (
            ACME,
            {
                "sender_id": "Acme",
                "type": "alphanumeric",
                "countries": ["GB", "FR"],
                "usecase": "promo",
            },
        ),
        (
            NewSender(
                sender="+1 (313) 789-0021",
                countries=("US",),
                usecase="transactional",
                monthly_volume=1001,
                samples=["Your code is 1"],
            ),
            {
                "sender_id": "13137890021",
                "type": "numeric",
                "countries": ["US"],
                "usecase": "transactional",
                "monthly_volume": "1001-20000",
                "samples": ["Your code is 1"],
            },
        ),
    ],
)
def test_new_sender_is_spelled(new: NewSender, expected: dict[str, Any]) -> None:
    """A number is digits alone; the kind follows from the sender; what is not said is left out."""
    assert expected == json.loads(wavix().new_sender_request(new).content)


VOLUMES = [
    (1, "1-1000"),
    (1000, "1-1000"),
    (1001, "1001-20000"),
    (20000, "1001-20000"),
    (20001, "20001-50000"),
    (50001, "50001-100000"),
    (100000, "50001-100000"),
    (100001, "More than 100000"),
]


@pytest.mark.parametrize(("volume", "spelled"), VOLUMES)
def test_volumes(volume: int, spelled: str) -> None:
    """Wavix asks for one of five volumes."""
    request = wavix().new_sender_request(attrs.evolve(ACME, monthly_volume=volume))
    assert spelled == json.loads(request.content)["monthly_volume"]


GOOD_NAMES = ["Abc", "Acme Shop 1", "a-b+c_d&e f", "123-ABC", "911 Help"]
BAD_NAMES = ["Ab", "TwelveLetter", "Café", "Ac.me", "Acme!", "Асме"]
ONLY_DIGITS = ["12345", "123456", "123-456", "+123", "0123456789", "1234567890123456"]


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_names_that_keep_the_rules(name: str) -> None:
    """3 to 11 of ASCII letters, digits, spaces and - + _ & (seed 000)."""
    request = wavix().new_sender_request(attrs.evolve(ACME, sender=name))
    said = json.loads(request.content)
    assert (name, "alphanumeric") == (said["sender_id"], said["type"])


@pytest.mark.parametrize(
    ("sender", "rule"),
    [
        *((name, "must be 3 to 11 ASCII letters") for name in BAD_NAMES),
        *((name, "a name must not be digits alone") for name in ONLY_DIGITS),
    ],
)
def test_senders_that_break_a_rule(sender: str, rule: str) -> None:
    """They are refused before the request, in a sentence that names the rule."""
    with pytest.raises(Unsupported, match=rule) as caught:
        wavix().new_sender_request(attrs.evolve(ACME, sender=sender))
    assert Reason.SENDER is caught.value.reason


@pytest.mark.parametrize("countries", [["US"], ["GB", "ca"]])
def test_names_are_not_for_north_america(countries: list[str]) -> None:
    """Names are not supported in the United States and Canada (seed 002); numbers are."""
    with pytest.raises(Unsupported, match="cannot be used to the US or Canada") as caught:
        wavix().new_sender_request(attrs.evolve(ACME, countries=countries))
    assert Reason.SENDER is caught.value.reason
    number = attrs.evolve(ACME, sender="+13137890021", countries=countries)
    assert "numeric" == json.loads(wavix().new_sender_request(number).content)["type"]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"countries": []}, "countries"),
        ({"countries": ["GB", "United Kingdom"]}, "country"),
        ({"countries": [5]}, "country"),
        ({"usecase": None}, "usecase"),
        ({"usecase": "marketing"}, "usecase"),
        ({"monthly_volume": 0}, "monthly_volume"),
        ({"monthly_volume": True}, "monthly_volume"),
        ({"monthly_volume": "many"}, "monthly_volume"),
    ],
)
def test_facts_that_wavix_has_no_word_for(changes: dict[str, Any], key: str) -> None:
    """What Wavix would answer with a bare 400 is explained before."""
    with pytest.raises(ConfigError) as caught:
        wavix().new_sender_request(attrs.evolve(ACME, **changes))
    assert key == caught.value.key
    assert str(caught.value).startswith(f"{key}: ")


@pytest.mark.parametrize(
    ("changes", "sender", "kind"),
    [
        ({}, "Acme", "name"),
        ({"sender_id": "13137890021", "type": "numeric"}, "+13137890021", "number"),
        ({"sender_id": "+13137890021", "type": None}, "+13137890021", "number"),
        ({"sender_id": "12345", "type": "shortcode"}, "12345", "short_code"),
        ({"sender_id": "12345", "type": 5.5e300}, "12345", str(5.5e300)),
        ({"sender_id": 12345, "type": None}, "12345", "short_code"),
        ({"type": "rcs"}, "Acme", "rcs"),
        ({"type": None}, "Acme", "name"),
    ],
)
def test_sender_is_read(changes: dict[str, Any], sender: str, kind: str) -> None:
    """Numbers come with or without a plus; an unknown type keeps its own word."""
    body = {**NAMED, **changes}
    found = wavix().read_sender(answer(200, body))
    expected = Sender(
        id=IDENTITY, sender=sender, kind=kind, countries=("GB",), can_send=True, raw=body
    )
    assert expected == found


@pytest.mark.parametrize("status", [200, 201])
def test_new_sender_is_read(status: int) -> None:
    """200 (seed 000) and 201 (OpenAPI) both bring the sender; where it is under review, no word."""
    body = {**NAMED, "allowlisted_in": [], "usecase": "promo", "samples": ["Hello"]}
    found = wavix().read_new_sender(answer(status, body))
    assert isinstance(found, Sender)
    assert (IDENTITY, "promo", (), None) == (
        found.id,
        found.usecase,
        found.countries,
        found.can_send,
    )


def test_senders_are_read() -> None:
    """All in one page; what is no sender is left out."""
    items = [NAMED, {**NAMED, "sender_id": None}, None, {"sender_id": "13137890021"}]
    found = wavix().read_senders(answer(200, {"items": items}))
    assert isinstance(found, Listed)
    assert ["Acme", "+13137890021"] == [one.sender for one in found.items]
    assert found.following is None


DROPPED = [answer(200, {"success": True}), answer(204, b""), answer(200, b"")]


@pytest.mark.parametrize("response", DROPPED)
def test_sender_is_dropped(response: Response) -> None:
    """200 with a body (OpenAPI) and an empty 204 (seed 000) are both a yes."""
    assert wavix().read_drop_sender(response) is None


@pytest.mark.parametrize("response", [answer(201, {"success": True}), answer(204, b"")])
def test_optout_is_noted(response: Response) -> None:
    """201 (OpenAPI) and an empty 204 (seed 000) are both a yes."""
    assert wavix().read_optout(response) is None


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {"opt_out": {"number": "13135550123"}}),
        ({"optout_body": "flat"}, {"phone_number": "13135550123"}),
    ],
)
def test_optout_forms(settings: dict[str, str], expected: dict[str, Any]) -> None:
    """The newer documents wrap it, seed 000 does not: the account's settings choose."""
    assert expected == json.loads(wavix(**settings).optout_request("+13135550123").content)


def test_optouts_are_asked_for() -> None:
    """Filters are in Wavix's words; a number is asked for as lists have it."""
    wanted = {
        "sender_id": "+1 313 789 0021",
        "campaign_id": "C1",
        "created_after": "2026-04-14",
        "created_before": "2026-04-14",
        "page": "2",
    }
    expected = {**wanted, "sender_id": "13137890021", "per_page": "100"}
    assert expected == query_of(wavix().optouts_request(wanted))
    assert {"per_page": "100"} == query_of(wavix().optouts_request())
    assert {"per_page": "5"} == query_of(wavix().optouts_request({"per_page": "5"}))


def optouts(pages: object, count: int = 1) -> Response:
    """Return a page of opt-outs."""
    item = {
        "phone_number": "13135550123",
        "sender_id": "13137890021",
        "campaign_id": None,
        "created_at": "2026-04-14T13:51:16Z",
    }
    body = {"items": [item] * count, "pagination": pages}
    return answer(200, body)


def test_optouts_are_read() -> None:
    """Numbers have their plus in our values; what is no opt-out is left out."""
    items: list[Any] = [
        {"phone_number": "13135550123", "sender_id": None, "created_at": "x"},
        {"phone_number": "+13135550123", "sender_id": "Acme", "created_at": "2026-04-14T13:51:16"},
        {"phone_number": None},
        "?",
    ]
    found = wavix().read_optouts(answer(200, {"items": items}))
    assert isinstance(found, Listed)
    expected = [
        RemoteOptOut(number="+13135550123", raw=items[0]),
        RemoteOptOut(
            number="+13135550123",
            sender="Acme",
            created_at=datetime(2026, 4, 14, 13, 51, 16, tzinfo=UTC),
            raw=items[1],
        ),
    ]
    assert expected == list(found.items)


@pytest.mark.parametrize(
    ("wanted", "pages", "expected"),
    [
        (None, {"current_page": 1, "total_pages": 2}, {"page": "2"}),
        ({"page": "2"}, {"current_page": 2, "total_pages": 2}, None),
        # Our own count is believed: a host that says "page 1" for ever ends all the same.
        ({"page": "2"}, {"current_page": 1, "total_pages": 2}, None),
        ({"sender_id": "Acme"}, {"total_pages": "3"}, {"sender_id": "Acme", "page": "2"}),
        (None, {"total_pages": 1}, None),
        (None, None, None),
        (None, [], None),
        (None, {"total_pages": "many"}, None),
    ],
)
def test_optouts_go_on(
    wanted: dict[str, str] | None, pages: object, expected: dict[str, str] | None
) -> None:
    """The next page is asked for with the same filters, as long as there is one."""
    found = wavix().read_optouts(optouts(pages), wanted)
    assert isinstance(found, Listed)
    assert expected == found.following


def test_empty_page_ends_the_optouts() -> None:
    """Whatever is said of further pages."""
    found = wavix().read_optouts(optouts({"total_pages": 9}, count=0))
    assert Listed(()) == found


@pytest.mark.parametrize("name", ["sender", "status", "created_From", ""])
def test_filters_of_optouts_are_known(name: str) -> None:
    """A typo is told with the names there are."""
    with pytest.raises(ConfigError, match="known are sender_id, campaign_id, created_after"):
        wavix().optouts_request({name: "x"})


ALL_FILTERS = {
    "sent_after": "2026-04-01",
    "sent_before": "2026-04-30",
    "type": "outbound",
    "from": "+13137890021",
    "to": "13135550123",
    "status": "dlr_expired",
    "tag": "Fall sale",
    "message_type": "mms",
    "page": "3",
    "per_page": "100",
}


def test_every_documented_filter_of_a_list() -> None:
    """Each is passed on; numbers as lists have them; page is where the list begins."""
    expected = {**ALL_FILTERS, "from": "13137890021"}
    assert expected == query_of(wavix().list_request(Query(filters=ALL_FILTERS)))


def test_every_documented_filter_of_an_export() -> None:
    """The same without pages, its times to the second."""
    wanted = {name: value for name, value in ALL_FILTERS.items() if "page" not in name}
    wanted |= {"sent_after": "2026-04-01T00:00:00", "sent_before": "2026-04-30T23:59:59"}
    expected = {**wanted, "from": "13137890021"}
    assert expected == query_of(wavix().export_request(Query(filters=wanted)))


def test_list_goes_on_from_a_page() -> None:
    """A list that begins at a page goes on with the next one: no filter holds it there."""
    query = Query(filters={"page": "3", "per_page": "1"})
    body = {"items": [{"message_id": "m"}], "pagination": {"total_pages": 4}}
    page = wavix().read_list(answer(200, body), query)
    assert isinstance(page, Page)
    assert page.following is not None
    assert "4" == query_of(wavix().list_request(page.following))["page"]
    last = wavix().read_list(answer(200, body), page.following)
    assert isinstance(last, Page)
    assert last.following is None


@pytest.mark.parametrize("name", ["sent_aftre", "From", "message_id", "appid", "", "direction"])
def test_typo_in_a_filter(name: str) -> None:
    """It is an error that lists what is known, and no list of everything."""
    for build in (wavix().list_request, wavix().export_request):
        with pytest.raises(ConfigError, match="known are type, from, to, status, tag") as caught:
            build(Query(filters={name: "x"}))
        assert "filters" == caught.value.key


@pytest.mark.parametrize(
    "wrong",
    [
        {"sent_after": "14.04.2026"},
        {"sent_after": "2026-02-30"},
        {"sent_after": "2026-4-1"},
        {"sent_after": "2026-04-14T13:51:16"},
        {"sent_after": "٢٠٢٦-٠٤-١٤"},
        {"sent_after": "2026-04-14\n"},
        {"sent_before": ""},
        {"sent_before": None},
        {"sent_before": datetime(2026, 4, 14, tzinfo=UTC)},
        {"sent_after": "2026-04-15", "sent_before": "2026-04-14"},
        {"status": "Delivered"},
        {"status": "received"},
        {"message_type": "SMS"},
        {"type": "sms"},
        {"type": "inbound"},
        {"page": "0"},
        {"page": "-1"},
        {"page": "two"},
        {"page": 2},
        {"per_page": "101"},
        {"per_page": "1e2"},
        {"tag": ""},
        {"to": ""},
        {"to": 13135550123},
    ],
)
def test_wrong_value_of_a_filter(wrong: dict[str, Any]) -> None:
    """Days, words and counts are looked at before the request."""
    with pytest.raises(ConfigError, match="filters: ") as caught:
        wavix().list_request(Query(filters=wrong))
    assert next(iter(wrong)) in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sent_after": "2026-04-14"},
        {"sent_after": "2026-04-14 13:51:16"},
        {"sent_after": "2026-04-14T25:00:00"},
        {"sent_after": "2026-04-14T13:51:16Z"},
        {"sent_after": "2026-04-14T13:51:17", "sent_before": "2026-04-14T13:51:16"},
        {"page": "1"},
        {"per_page": "1"},
    ],
)
def test_wrong_value_of_a_filter_of_an_export(wrong: dict[str, Any]) -> None:
    """An export has no pages, and times where a list has days."""
    with pytest.raises(ConfigError, match="filters: "):
        wavix().export_request(Query(filters=wrong))


def test_tags_of_inbound_messages() -> None:
    """Wavix ignores the tag there and would list everything: that is said instead."""
    wanted = Query(direction="inbound", filters={"tag": "x"})
    with pytest.raises(ConfigError, match="tag: "):
        wavix().list_request(wanted)
    assert "inbound" == query_of(wavix().list_request(Query(direction="inbound")))["type"]


EAST = timezone(timedelta(hours=14))


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (datetime(2026, 4, 14, 13, 51, 16, tzinfo=UTC), "2026-04-13T13:51:16"),
        (datetime(2026, 4, 14, 13, 51, 16, tzinfo=EAST), "2026-04-12T23:51:16"),
        (datetime.min.replace(tzinfo=UTC), None),
    ],
)
def test_export_begins_a_day_early(since: datetime, expected: str | None) -> None:
    """Whose zone Wavix means is not documented: the client takes what is too early away."""
    request = wavix().export_request(Query(since=since))
    assert expected == query_of(request).get("sent_after")


LINE = {"message_id": "m-1", "status": "delivered", "to": "13135550123", "charge": "0.01"}


@pytest.mark.parametrize("end", [b"", b"\r", b" \r\n"])
def test_line_of_an_export(end: bytes) -> None:
    """A line is a message object."""
    found = wavix().read_export_line(json.dumps(LINE).encode() + end)
    assert found is not None
    assert ("m-1", Status.DELIVERED, "+13135550123") == (found.provider_id, found.status, found.to)


NO_LINES = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"7",
    b'"x"',
    b"{}",
    b'{"message_id": null}',
    b'{"message_id": []}',
    b'{"success": false, "message": "no"}',
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"message_id":"m-1"}{"message_id":"m-2"}',
]


@pytest.mark.parametrize("line", NO_LINES)
def test_line_that_is_none(line: bytes) -> None:
    """Whatever stands there, it is no message, and no exception."""
    assert wavix().read_export_line(line) is None


READS: dict[str, tuple[Any, ...]] = {
    "read_balance": (),
    "read_restrictions": ("GB", "name"),
    "read_senders": (None,),
    "read_sender": (IDENTITY,),
    "read_new_sender": (ACME,),
    "read_drop_sender": (IDENTITY,),
    "read_optouts": (None,),
}
#: These need no body for a yes.
BODILESS = {"read_drop_sender"}
REFUSALS = [
    (400, {"success": False, "message": "Missing or invalid parameter type"}, Reason.OTHER),
    (401, {"success": False, "error": True, "message": "Unauthorized"}, Reason.CREDENTIALS),
    (403, {"success": False, "message": "The service is not provisioned"}, Reason.PERMISSION),
    (404, {"success": False, "message": "Record not found"}, Reason.PERMISSION),
    (422, {"success": False, "message": "Sender ID is invalid"}, Reason.SENDER),
    (200, {"success": False, "message": "no"}, Reason.OTHER),
    (201, {"error": True, "message": "no"}, Reason.OTHER),
    (302, None, Reason.PERMISSION),
]


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize(("status", "body", "reason"), REFUSALS)
def test_refusals(read: str, status: int, body: object, reason: Reason) -> None:
    """A "no" is one for every service, also inside a 2xx; its words are kept."""
    found = getattr(wavix(), read)(answer(status, body), *READS[read])
    assert isinstance(found, Refused)
    assert reason is found.reason
    if isinstance(body, Mapping):
        assert str(body["message"]) in found.text


@pytest.mark.parametrize("read", READS)
def test_busy_and_unclear(read: str) -> None:
    """429 is "later", a 500 says nothing."""
    reader = getattr(wavix(), read)
    assert isinstance(reader(answer(429, {"message": "x"}), *READS[read]), Busy)
    assert isinstance(reader(answer(500, b"<html>"), *READS[read]), Unclear)


GARBAGE: list[object] = [
    b"",
    b"{",
    b"\xff",
    b"<html>",
    b"[" * 100_000,
    None,
    [],
    [None],
    7,
    "x",
    {},
    {"items": None},
    {"items": {}},
    {"balance": None, "self_service": None, "sender_id": None},
    {"balance": "NaN", "self_service": "yes", "sender_id": []},
    {"balance": [], "self_service": 1, "sender_id": {}},
    {"balance": "1e", "sender_id": ""},
]


@pytest.mark.parametrize("read", sorted(set(READS) - BODILESS))
@pytest.mark.parametrize("body", GARBAGE)
def test_garbage_is_unclear(read: str, body: object) -> None:
    """A 2xx in words we do not know is no value, and no exception."""
    found = getattr(wavix(), read)(answer(200, body), *READS[read])
    assert isinstance(found, Unclear)
    cut = Response(200, {}, json.dumps(NAMED | {"balance": "1"}).encode(), complete=False)
    assert isinstance(getattr(wavix(), read)(cut, *READS[read]), Unclear)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
FIELDS = ("id", "sender_id", "type", "allowlisted_in", "usecase", "phone_number", "created_at")


@given(
    item=st.dictionaries(st.sampled_from(FIELDS), JUNK),
    pages=st.dictionaries(st.sampled_from(["current_page", "total_pages"]), JUNK) | JUNK,
    status=st.sampled_from([200, 201, 204, 400, 404, 500]),
)
def test_nothing_raises(item: dict[str, Any], pages: object, status: int) -> None:
    """Whatever the fields hold, a read returns: a value, or what it means that there is none."""
    body = {**item, "items": [item, *item.values()], "pagination": pages}
    for read, wanted in READS.items():
        found = getattr(wavix(), read)(answer(status, body), *wanted)
        kinds = (Refused, Unclear) if status >= 400 else (Listed, Sender, Refused, Unclear)
        assert isinstance(found, kinds) or (read in BODILESS and found is None)


@given(name=st.text(max_size=12), country=st.text(max_size=3) | st.just("GB"))
def test_any_sender_is_taken_or_explained(name: str, country: str) -> None:
    """What may be registered is a request, what may not is an error of ours."""
    try:
        request = wavix().new_sender_request(attrs.evolve(ACME, sender=name, countries=(country,)))
    except (ConfigError, Unsupported, InvalidMessage):
        return
    said = json.loads(request.content)
    assert said["sender_id"].isascii()
    assert 3 <= len(said["sender_id"]) <= 15
