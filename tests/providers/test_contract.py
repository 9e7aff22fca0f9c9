"""The contract: what every provider's adapter must do, shown on its row of examples."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.delivery import Status
from polysms.errors import InvalidMessage, PolysmsError, Reason, Unsupported
from polysms.message import Message
from polysms.providers import REGISTRY, load
from polysms.providers.base import (
    Accepted,
    Busy,
    Page,
    Provider,
    Query,
    Refused,
    Response,
    Unclear,
    secrets_of,
)
from polysms.providers.limits import lookup_grade
from polysms.providers.signalwire.codes import BUSY, REASONS
from tests.providers.examples import (
    EXAMPLES,
    JSON,
    PICTURE,
    _compat,
    _signalwire,
    answer,
    said,
)

ROWS = [pytest.param(name, id=name) for name in REGISTRY]
MESSAGE = Message("+13135550123", "hi ☺")


def adapter_of(name: str) -> Any:
    """Return the adapter of a provider, for the account of its row."""
    kind: Any = load(name)
    settings = kind.Settings(**EXAMPLES[name].settings)
    return kind(settings, settings.home)


def outgoing(name: str, **fields: Any) -> Message:
    """Return a message from the row's sender."""
    changes = {"to": "+13135550123", "text": "hi ☺", "from_": EXAMPLES[name].sender, **fields}
    return Message(**changes)


def test_every_provider_has_a_row() -> None:
    """A provider in the registry without a row of examples is not tested."""
    assert set(REGISTRY) == set(EXAMPLES)


@pytest.mark.parametrize("name", ROWS)
def test_shape(name: str) -> None:
    """An adapter has what the protocol asks for, and capabilities that say where they are from."""
    adapter = adapter_of(name)
    assert isinstance(adapter, Provider)
    assert name == adapter.name
    assert adapter.capabilities.sources
    assert "documents" == adapter.capabilities.verified
    assert adapter.capabilities.reports <= {"sms", "mms"}
    assert adapter.capabilities.lookup in {"exact", "heuristic", "none"}


@pytest.mark.parametrize("name", ROWS)
def test_spells_the_message(name: str) -> None:
    """From, to, text and media stand in the request as the provider's document says."""
    row = EXAMPLES[name]
    request = adapter_of(name).request(outgoing(name, media=[PICTURE]), "reference-1")
    assert ("POST", row.path) == (request.method, request.url)
    assert row.spelled == said(request)
    assert row.content_type == request.headers["Content-Type"]


@pytest.mark.parametrize("name", ROWS)
def test_sms_has_no_media_key(name: str) -> None:
    """Without media no media key is sent: to Wavix even an empty list would make it an MMS."""
    body = adapter_of(name).request(outgoing(name), "r").content
    assert b"media" not in body


@pytest.mark.parametrize("name", ROWS)
def test_hides_secrets(name: str) -> None:
    """No credential shows in the repr of settings, adapter, request or answer."""
    row, adapter = EXAMPLES[name], adapter_of(name)
    settings = type(adapter).Settings(**row.settings)
    shown = [repr(settings), repr(adapter), repr(adapter.request(outgoing(name), "r"))]
    assert row.secret in secrets_of(settings)
    assert not any(row.secret in one or "hi ☺" in one for one in shown)


@pytest.mark.parametrize("name", ROWS)
def test_reads_its_published_answer(name: str) -> None:
    """The provider's own example is an accepted message, with id, status, price and raw object."""
    row = EXAMPLES[name]
    read = adapter_of(name).read(answer(row.sent_status, row.sent.encode()))
    assert isinstance(read, Accepted)
    data = json.loads(row.sent)
    assert (data[row.where["id"]], data[row.where["status"]]) == (
        read.record.provider_id,
        read.record.raw_status,
    )
    assert data == read.record.raw
    assert read.record.created_at is not None
    assert read.record.created_at.tzinfo is not None
    assert str(read.record.to).startswith("+")


NO_ID: list[tuple[str, Response]] = [
    ("empty", Response(201, JSON, b"")),
    ("object", answer(201, {})),
    ("array", answer(201, [])),
    ("null", answer(201, None)),
    ("html", Response(200, {}, b"<html>")),
    ("deep", Response(201, JSON, b"[" * 200_000)),
    ("bytes", Response(201, JSON, b"\xff\xfe")),
    ("no content", Response(204, {}, b"")),
    ("other 2xx", Response(207, JSON, b"{}")),
    ("partial", Response(206, JSON, b"{}")),
]


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("response", [row[1] for row in NO_ID], ids=[row[0] for row in NO_ID])
def test_2xx_without_an_id_is_unclear(name: str, response: Response) -> None:
    """A 2xx that names no message is neither accepted nor refused."""
    assert isinstance(adapter_of(name).read(response), Unclear)


@pytest.mark.parametrize("name", ROWS)
def test_cut_answer_is_unclear(name: str) -> None:
    """An answer that was cut is not believed, even where an id can be read in it."""
    row = EXAMPLES[name]
    cut = attrs.evolve(answer(row.sent_status, row.sent.encode()), complete=False)
    assert isinstance(adapter_of(name).read(cut), Unclear)


@pytest.mark.parametrize("name", ROWS)
def test_every_status_word(name: str) -> None:
    """Each status word of the document has its neutral status; another one is kept raw."""
    row, adapter = EXAMPLES[name], adapter_of(name)
    words = {**row.statuses, "teleported": Status.UNRECOGNIZED}
    found = {}
    for word in words:
        data = {**json.loads(row.sent), row.where["status"]: word}
        read = adapter.read(answer(row.sent_status, data))
        assert word == read.record.raw_status
        found[word] = read.record.status
    assert words == found


@pytest.mark.parametrize("name", ROWS)
def test_inbound_is_received(name: str) -> None:
    """A message's direction, not its word, makes it received."""
    row = EXAMPLES[name]
    if "direction" not in row.where:
        return
    inbound = {row.where["direction"]: "inbound", row.where["status"]: "whatever"}
    data = {**json.loads(row.sent), **inbound}
    assert adapter_of(name).read(answer(200, data)).record.status is Status.RECEIVED


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("junk", [None, 1, True, 1.5, "x", [], {}, [[]], float("nan")])
def test_any_type_anywhere(name: str, junk: object) -> None:
    """Whatever stands in any field, nothing is raised, and the id still counts."""
    row, adapter = EXAMPLES[name], adapter_of(name)
    data = json.loads(row.sent)
    mangled = {key: value if key == row.where["id"] else junk for key, value in data.items()}
    read = adapter.read(answer(row.sent_status, mangled))
    assert isinstance(read, (Accepted, Refused, Unclear))


CODES = (
    [
        pytest.param(name, status, body, reason, id=f"{name}-{number}")
        for name, row in EXAMPLES.items()
        for number, (status, body, reason) in enumerate(row.codes)
    ]
    + [
        pytest.param("signalwire", 422, _signalwire(code), reason, id=f"signalwire-{code}")
        for code, reason in REASONS.items()
    ]
    + [
        pytest.param("signalwire-compat", 400, _compat(code), reason, id=f"compat-{code}")
        for code, reason in REASONS.items()
        if code.isdecimal()
    ]
)


@pytest.mark.parametrize(("name", "status", "body", "reason"), CODES)
def test_every_code_of_the_table(name: str, status: int, body: object, reason: Reason) -> None:
    """Each error of the provider's table has its reason; a duplicate is unclear, not refused."""
    read = adapter_of(name).read(answer(status, body))
    if reason is Reason.DUPLICATE:
        assert isinstance(read, Unclear)
        return
    assert isinstance(read, Refused)
    assert reason is read.reason
    assert read.text


@pytest.mark.parametrize("code", sorted(BUSY))
def test_full_queue_is_busy(code: str) -> None:
    """A queue or a rate that is full is "later", not "no"."""
    assert isinstance(adapter_of("signalwire").read(answer(422, _signalwire(code))), Busy)
    assert isinstance(adapter_of("signalwire-compat").read(answer(400, _compat(code))), Busy)


def test_worst_of_several_errors_counts() -> None:
    """Of several errors at once, one that stops the route says more than one that goes on."""
    errors = [_signalwire("media_limit_exceeded"), _signalwire("invalid_to_number")]
    items: Any = [error["errors"][0] for error in errors]  # type: ignore[index]
    read = adapter_of("signalwire").read(answer(422, {"errors": items}))
    assert Reason.INVALID_NUMBER is read.reason


#: HTTP status, Retry-After, seconds it took: what the default table makes of it.
STATUSES: list[tuple[int, str | None, float, type[Any], Reason | None]] = [
    *((code, None, 0.1, Refused, Reason.PERMISSION) for code in (301, 302, 303, 307, 308)),
    (300, None, 0.1, Unclear, None),
    (304, None, 0.1, Unclear, None),
    (400, None, 0.1, Refused, Reason.OTHER),
    (401, None, 0.1, Refused, Reason.CREDENTIALS),
    (402, None, 0.1, Refused, Reason.BALANCE),
    (403, None, 0.1, Refused, Reason.PERMISSION),
    *((code, None, 0.1, Refused, Reason.PERMISSION) for code in (404, 405, 410, 421)),
    *((code, None, 0.1, Refused, Reason.CAPABILITY) for code in (406, 411, 415, 423, 424, 426)),
    *((code, None, 0.1, Refused, Reason.CAPABILITY) for code in (428, 431, 501, 505)),
    (408, None, 0.1, Busy, None),
    (408, None, 5.0, Unclear, None),
    (425, None, 0.1, Busy, None),
    (409, None, 0.1, Unclear, None),
    (413, None, 0.1, Refused, Reason.MEDIA),
    (422, None, 0.1, Refused, Reason.OTHER),
    (429, None, 0.1, Busy, None),
    (429, "7", 0.1, Busy, None),
    (451, None, 0.1, Refused, Reason.BLOCKED),
    (499, None, 0.1, Refused, Reason.OTHER),
    (503, "7", 0.1, Busy, None),
    *((code, None, 0.1, Unclear, None) for code in (500, 502, 503, 504, 507, 520, 599)),
    *((code, None, 0.1, Unclear, None) for code in (100, 199, 600)),
]


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize(("status", "wait", "seconds", "kind", "reason"), STATUSES)
def test_every_http_status(  # noqa: PLR0913, PLR0917 - one row of the table
    name: str,
    status: int,
    wait: str | None,
    seconds: float,
    kind: type[Any],
    reason: Reason | None,
) -> None:
    """A status without a code of the provider's means what RFC 9110 lets it mean."""
    headers = {"retry-after": wait} if wait else {}
    read = adapter_of(name).read(Response(status, headers, b"", seconds=seconds))
    assert kind is type(read)
    assert reason is getattr(read, "reason", None)
    if isinstance(read, Busy):
        assert (float(wait) if wait else None) == read.retry_after
        assert (status == 429) == read.limited


@pytest.mark.parametrize("name", ROWS)
def test_fetch_asks_by_id(name: str) -> None:
    """A fetch is a GET; the id, which came from outside, is escaped."""
    request = adapter_of(name).fetch_request("a/b")
    assert ("GET", EXAMPLES[name].fetched, b"") == (request.method, request.url, request.content)


@pytest.mark.parametrize("name", ROWS)
def test_check_reads_only(name: str) -> None:
    """Credentials are checked by a GET."""
    assert "GET" == adapter_of(name).check_request().method


@pytest.mark.parametrize("name", ROWS)
def test_list_reads_its_published_page(name: str) -> None:
    """The published list is one page of messages, and the last."""
    row, adapter = EXAMPLES[name], adapter_of(name)
    page = adapter.read_list(answer(200, row.listed.encode()), Query())
    assert isinstance(page, Page)
    assert (1, None) == (len(page.records), page.following)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("body", [{}, [], {"items": 1, "data": 1, "messages": 1}, None])
def test_list_without_items_is_no_page(name: str, body: object) -> None:
    """A list that cannot be read is not an empty list."""
    assert not isinstance(adapter_of(name).read_list(answer(200, body), Query()), Page)
    assert not isinstance(adapter_of(name).read_list(answer(500, body), Query()), Page)


def test_list_filters_are_spelled() -> None:
    """Each provider's list is asked in its own words."""
    since = datetime(2026, 4, 14, 12, tzinfo=UTC)
    query = Query(
        to="+13135550123", from_="Acme", since=since, until=since, reference="r-1", page_size=5000
    )
    assert adapter_of("wavix").list_request(query).url.partition("?")[2] == (
        "type=outbound&from=Acme&to=13135550123&sent_after=2026-04-13&sent_before=2026-04-15"
        "&tag=r-1&page=1&per_page=100"
    )
    assert "page_size=1000" in adapter_of("signalwire").list_request(query).url
    assert "created_after=2026-04-14T12%3A00%3A00%2B00%3A00" in (
        adapter_of("signalwire").list_request(query).url
    )
    asked = adapter_of("carrierx").list_request(attrs.evolve(query, from_=None)).url
    assert "to%20eq%20%2213135550123%22%20and%20user_data%20eq%20%22r-1%22" in asked
    assert "date_created%20ge%20%222026-04-14T12%3A00%3A00.000Z%22" in asked


@pytest.mark.parametrize(("value", "spelled"), [("it's", '"it\'s"'), ('"x"', "'\"x\"'")])
def test_carrierx_quotes_values(value: str, spelled: str) -> None:
    """A value in CarrierX's filter language is quoted with the marks it does not hold."""
    from urllib.parse import quote

    asked = adapter_of("carrierx").list_request(Query(reference=value)).url
    assert quote(f"user_data eq {spelled}") in asked


def test_carrierx_cannot_quote_both() -> None:
    """A value with both quotation marks cannot be said, and nothing is asked."""
    with pytest.raises(Unsupported, match="quotation"):
        adapter_of("carrierx").list_request(Query(reference="'\""))


def test_wavix_and_carrierx_count_their_pages() -> None:
    """The next page is asked for by number or offset, never by following a link."""
    more: Any = {"items": [{"message_id": "1"}], "pagination": {"total_pages": 3}}
    page = adapter_of("wavix").read_list(answer(200, more), Query(cursor="2"))
    assert "3" == page.following.cursor
    more = {"items": [{"message_sid": "1"}] * 2, "has_more": True}
    page = adapter_of("carrierx").read_list(answer(200, more), Query(cursor="4"))
    assert "6" == page.following.cursor


LINKS = [
    ("/api/messaging/logs?page_token=PA1", True),
    ("https://example.signalwire.com/api/messaging/logs?page_token=PA1", True),
    ("https://evil.example/api/messaging/logs?page_token=PA1", False),
    ("https://example.signalwire.com:444/api/messaging/logs", False),
    ("http://example.signalwire.com/api/messaging/logs", False),
    ("//evil.example/logs", False),
    ("", False),
    (None, False),
    (7, False),
]


@pytest.mark.parametrize(("link", "followed"), LINKS)
def test_signalwire_links_stay_at_home(link: object, followed: bool) -> None:  # noqa: FBT001
    """The next page is followed on the configured origin alone: it gets the token."""
    adapter = adapter_of("signalwire")
    page = adapter.read_list(answer(200, {"links": {"next": link}, "data": []}), Query())
    assert followed == (page.following is not None)
    if page.following is not None:
        assert adapter.list_request(page.following).url.startswith(
            "https://example.signalwire.com/"
        )


def test_repeating_link_ends() -> None:
    """A next link that names the page it stands on is the end, not a circle."""
    here = "https://example.signalwire.com/api/messaging/logs?page_token=PA1"
    body = {"links": {"next": here}, "data": []}
    page = adapter_of("signalwire").read_list(answer(200, body), Query(cursor=here))
    assert page.following is None


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "message",
                    "message_id",
                    "id",
                    "message_sid",
                    "status",
                    "errors",
                    "items",
                    "data",
                    "links",
                    "next",
                    "pagination",
                    "success",
                    "error",
                    "direction",
                    "media",
                    "code",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("name", ROWS)
@given(status=st.integers(100, 599), body=JSON_VALUES, complete=st.booleans())
def test_reading_never_raises(name: str, status: int, body: object, complete: bool) -> None:  # noqa: FBT001
    """No JSON, however odd, makes an adapter raise, and only a 2xx with an id is accepted."""
    adapter = adapter_of(name)
    response = attrs.evolve(answer(status, body), complete=complete)
    read = adapter.read(response)
    if isinstance(read, Accepted):
        assert read.record.provider_id
        assert status in {200, 201, 202}
    adapter.read_list(response, Query())


@pytest.mark.parametrize("name", ROWS)
@given(data=st.binary(max_size=200), status=st.sampled_from([200, 201, 400, 500]))
def test_reading_any_bytes(name: str, data: bytes, status: int) -> None:
    """No bytes make an adapter raise."""
    adapter_of(name).read(Response(status, {}, data))


@pytest.mark.parametrize("name", ROWS)
@given(text=st.text(min_size=1, max_size=300))
def test_text_survives_the_wire(name: str, text: str) -> None:
    """Whatever a message may say stands in the request unchanged."""
    try:
        message = outgoing(name, text=text)
        body = said(adapter_of(name).request(message, "r"))
    except (InvalidMessage, Unsupported):
        return
    for key in EXAMPLES[name].text_at:
        body = body[key]
    assert text == body


@pytest.mark.parametrize("name", ROWS)
def test_unknown_option_is_an_error(name: str) -> None:
    """A misspelt option is never dropped in silence."""
    message = outgoing(name, options={name: {"colour": "red"}})
    with pytest.raises(PolysmsError, match="colour"):
        adapter_of(name).request(message, "r")


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("given", ["text", 7, ["list"]])
def test_options_have_a_type(name: str, given: object) -> None:
    """Options are the provider's own class or a mapping of its fields."""
    with pytest.raises(InvalidMessage, match="options"):
        adapter_of(name).request(outgoing(name, options={name: given}), "r")


@pytest.mark.parametrize("name", ROWS)
def test_options_of_its_own_class(name: str) -> None:
    """The provider's own class is taken as it is, and so is nothing."""
    adapter = adapter_of(name)
    own = adapter.Options()
    wishes: list[dict[str, Any]] = [{}, {name: own}, {name: {}}]
    asked = [adapter.request(outgoing(name, options=one), "r").content for one in wishes]
    assert asked[0] == asked[1] == asked[2]


WRONG_OPTIONS: list[tuple[str, dict[str, Any], str]] = [
    ("carrierx", {"type": "fax"}, "must be in"),
    ("carrierx", {"user_data": 7}, "user_data"),
    ("signalwire", {"custom_variables": {"1a": "x"}}, "custom_variables"),
    ("signalwire-compat", {"max_price": "cheap"}, "max_price: write an amount"),
]


@pytest.mark.parametrize(("name", "given", "words"), WRONG_OPTIONS)
def test_wrong_option_is_told(name: str, given: dict[str, Any], words: str) -> None:
    """An option with a value it cannot have is an InvalidMessage in a sentence."""
    with pytest.raises(InvalidMessage, match=words):
        adapter_of(name).request(outgoing(name, options={name: given}), "r")


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_can_be_found_exactly_is_on_the_wire(name: str) -> None:
    """Where the grade says "exact" our reference is in the request, whatever the options."""
    adapter = adapter_of(name)
    fields: Any = attrs.fields(adapter.Options)
    texts = [field.name for field in fields if field.type == "str | None" and field.name != "type"]
    for options in ({}, *({one: "of-the-caller"} for one in texts)):
        message = outgoing(name, options={name: options})
        request = adapter.request(message, "r-4711")
        exact = lookup_grade(message, adapter) == "exact"
        assert not exact or b"r-4711" in request.content
        assert exact == (adapter.capabilities.lookup == "exact" and not options)
