"""The contract, kept by every provider of the registry; and what is said of these alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.errors import InvalidMessage, Reason, Unsupported
from polysms.message import Message
from polysms.providers import REGISTRY, load
from polysms.providers.base import (
    Accepted,
    Busy,
    Query,
    Refused,
    Response,
    Unclear,
)
from polysms.providers.limits import lookup_grade
from polysms.providers.signalwire.codes import BUSY, REASONS
from polysms.testing.contract import RULES, Rule, Subject
from tests.providers.examples import (
    EXAMPLES,
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


KEPT = [
    pytest.param(name, rule, id=f"{name}-{rule.name}")
    for name in REGISTRY
    for rule in RULES.values()
]


@pytest.mark.parametrize(("name", "rule"), KEPT)
def test_contract(name: str, rule: Rule) -> None:
    """Every provider keeps every rule of the contract, and leaves none of them out."""
    rule.check(Subject.of(name, EXAMPLES[name]))


@pytest.mark.parametrize("name", ROWS)
def test_says_where_it_is_from(name: str) -> None:
    """A provider has its own name, and says where its facts are from."""
    adapter = adapter_of(name)
    assert name == adapter.name
    assert adapter.capabilities.sources
    assert "documents" == adapter.capabilities.verified


@pytest.mark.parametrize("name", ROWS)
def test_published_answer_has_its_time(name: str) -> None:
    """The provider's own example says when the message was made, and to which number."""
    row = EXAMPLES[name]
    read = adapter_of(name).read(answer(row.sent_status, row.sent.encode()))
    assert read.record.created_at.tzinfo is not None
    assert read.record.to.startswith("+")


def test_every_provider_has_a_row() -> None:
    """A provider in the registry without a row of examples is not tested."""
    assert set(REGISTRY) == set(EXAMPLES)


CODES = [
    pytest.param("signalwire", 422, _signalwire(code), reason, id=f"signalwire-{code}")
    for code, reason in REASONS.items()
] + [
    pytest.param("signalwire-compat", 400, _compat(code), reason, id=f"compat-{code}")
    for code, reason in REASONS.items()
    if code.isdecimal()
]


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


@pytest.mark.parametrize("name", ROWS)
def test_check_reads_only(name: str) -> None:
    """Credentials are checked by a GET."""
    assert "GET" == adapter_of(name).check_request().method


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
        try:
            request = adapter.request(message, "r-4711")
        except InvalidMessage:  # an option that takes not every text
            continue
        exact = lookup_grade(message, adapter) == "exact"
        assert not exact or b"r-4711" in request.content
        assert exact == (adapter.capabilities.lookup == "exact" and not options)
