"""Answers that no honest provider gives: links that lead astray, endless texts, broken ids."""

from __future__ import annotations

from urllib.parse import urlsplit

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.delivery import Status
from polysms.errors import Reason
from polysms.providers import REGISTRY
from polysms.providers.base import Accepted, Page, Query, Refused, Unclear, address
from polysms.providers.wavix.codes import LONGEST_ERROR
from tests.providers.examples import answer
from tests.providers.test_contract import adapter_of

HOME = "https://example.signalwire.com"
LOGS = f"{HOME}/api/messaging/logs"


def page_of(link: object) -> Page:
    """Return SignalWire's page of one message whose next link is this."""
    body = {"links": {"next": link}, "data": [{"id": "s-1", "status": "sent"}]}
    page = adapter_of("signalwire").read_list(answer(200, body), Query(page_size=7))
    assert isinstance(page, Page)
    return page


ASTRAY: list[object] = [
    # No address at all.
    "//[",
    "//]",
    "http://[",
    "https://[::1",
    "https://[example.signalwire.com]/logs",
    "https://example.signalwire.com:port/logs",
    "https://example.signalwire.com:99999999/logs",
    "javascript:alert(1)",
    "file:///logs",
    # Not ASCII, or not printable: a client might read it otherwise than we do.
    f"{LOGS}?page_token=ü",
    f"{LOGS}/\N{FULLWIDTH SOLIDUS}",
    "https://example.signalwire\N{IDEOGRAPHIC FULL STOP}com/logs",
    "https://example.signalwire.com\N{FULLWIDTH NUMBER SIGN}@evil.example/logs",
    f"{LOGS}?page_token=\ud800",
    f"{LOGS}\n",
    f"{LOGS}?a=\r\nHost: evil.example",
    f"\t{LOGS}",
    f"{LOGS}\0",
    # Another origin.
    "https://evil.example/api/messaging/logs",
    "//evil.example/api/messaging/logs",
    "http://example.signalwire.com/api/messaging/logs",
    "https://example.signalwire.com.evil.example/logs",
    "https://example.signalwire.com@evil.example/logs",
    "https://evil.example\\@example.signalwire.com/logs",
    "https://user:word@example.signalwire.com/logs",
    # No text.
    ["//["],
    {"href": LOGS},
    True,
    "",
]


@pytest.mark.parametrize("link", ASTRAY)
def test_link_that_leads_astray_ends_the_list(link: object) -> None:
    """A next link that is broken or leads elsewhere is none: the page itself is still good."""
    page = page_of(link)
    assert page.following is None
    assert ["s-1"] == [record.provider_id for record in page.records]


AT_HOME = [
    (f"{LOGS}?page_token=PA1", f"{LOGS}?page_token=PA1"),
    ("/api/messaging/logs?page_token=PA1", f"{LOGS}?page_token=PA1"),
    ("?page_token=PA1", f"{LOGS}?page_token=PA1"),
    ("//example.signalwire.com/x?a=%C3%BC", f"{HOME}/x?a=%C3%BC"),
]


@pytest.mark.parametrize(("link", "target"), AT_HOME)
def test_link_at_home_is_followed(link: str, target: str) -> None:
    """A link of our own origin, whole or relative, is the next page; the query stays the same."""
    following = page_of(link).following
    assert following is not None
    assert target == adapter_of("signalwire").list_request(following).url
    assert Query(page_size=7) == attrs.evolve(following, cursor=None)


PARTS = st.sampled_from(
    ["https:", "http:", "//", "/", "\\", "[", "]", "@", ":", "?", "#", "example.signalwire.com"]
)


@given(link=st.lists(PARTS | st.text(max_size=5), max_size=8).map("".join))
def test_no_link_leaves_home(link: str) -> None:
    """Whatever the link, the request that follows it goes to the configured origin."""
    following = page_of(link).following
    if following is not None:
        target = urlsplit(adapter_of("signalwire").list_request(following).url)
        assert urlsplit(HOME)[:2] == target[:2]


ENDLESS = 40_000
WORD = "has unsubscribed"


def at(place: int, filler: str) -> str:
    """Return an endless text in which the word that Wavix's adapter knows ends at a place."""
    before = (filler * ENDLESS)[: place - len(WORD)]
    return (before + WORD + filler * ENDLESS)[:ENDLESS]


PLACES = [
    (len(WORD), Reason.OPTED_OUT),
    (LONGEST_ERROR, Reason.OPTED_OUT),
    (LONGEST_ERROR + 1, None),
    (ENDLESS, None),
]


@pytest.mark.parametrize("filler", ["x", " ", "\n", "\ud800"])
@pytest.mark.parametrize(("place", "reason"), PLACES)
def test_only_the_beginning_of_a_text_counts(
    filler: str, place: int, reason: Reason | None
) -> None:
    """Of an endless error text the first 1,000 characters are searched for a reason."""
    text = at(place, filler)
    read = adapter_of("wavix").read(answer(422, {"success": False, "message": text}))
    assert Refused(reason=reason or Reason.OTHER, text=text) == read


def test_the_beginning_is_a_thousand_characters() -> None:
    """Every text in Wavix's table is far shorter than what is searched."""
    assert 1_000 == LONGEST_ERROR


@pytest.mark.parametrize(("place", "reason"), PLACES)
def test_reports_have_endless_texts_too(place: int, reason: Reason | None) -> None:
    """What a message in a list failed of is read by the same rule, and told whole."""
    text = at(place, "x")
    item = {"message_id": "w-1", "status": "undelivered", "error_message": text}
    page = adapter_of("wavix").read_list(answer(200, {"items": [item]}), Query())
    found = [(one.status, one.reason, one.error_text) for one in page.records]
    assert [(Status.UNDELIVERED, reason, text)] == found


@pytest.mark.parametrize("filler", ["media ", "sender id ", "spam", "campaign ", "invalid "])
def test_words_that_promise_more(filler: str) -> None:
    """A text that begins over and over what a row looks for is read, and is a refusal."""
    text = (filler * ENDLESS)[:ENDLESS]
    assert ENDLESS == len(text)
    read = adapter_of("wavix").read(answer(422, {"success": False, "message": text}))
    assert isinstance(read, Refused)
    assert text == read.text


WRAPPERS: list[object] = [{}, [], [1], "accepted", 7, True, None]


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_wrapper_with_nothing_in_it(wrapper: object) -> None:
    """Where what should be the message is none, the answer itself is: with an id, or unclear."""
    adapter = adapter_of("wavix")
    assert Unclear is type(adapter.read(answer(201, {"message": wrapper})))
    read = adapter.read(answer(201, {"message": wrapper, "message_id": "w-1"}))
    assert isinstance(read, Accepted)
    assert "w-1" == read.record.provider_id


BROKEN = ["\ud800", "a\udfffb", "\udc00\ud800", "/../\ud800?x#y"]


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("identity", BROKEN)
def test_broken_id_is_asked_for_all_the_same(name: str, identity: str) -> None:
    """An id with half a surrogate pair stays one escaped part of the path: nobody's, no crash."""
    adapter = adapter_of(name)
    before, _, after = adapter.fetch_request("-THE-ID-").url.partition("-THE-ID-")
    url = adapter.fetch_request(identity).url
    assert url.isascii()
    assert url.startswith(before)
    assert url.endswith(after)
    assert set("/?# ").isdisjoint(url.removeprefix(before).removesuffix(after))


#: Two words that a list can be filtered by, where not every word is taken.
WORDS = {
    "wavix": ("tag", "to"),
    "signalwire": ("page_token", "page_number"),
    "signalwire-compat": ("PageToken", "Page"),
    "twilio": ("PageToken", "Page"),
}


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("value", BROKEN)
def test_broken_words_in_a_query(name: str, value: str) -> None:
    """So it is for what a list is asked for: the other conditions stand."""
    mine, other = WORDS.get(name, ("mine", "other"))
    query = Query(reference=value, filters={mine: value, other: "7"})
    url = adapter_of(name).list_request(query).url
    assert url.isascii()
    assert f"{other}=7" in url.replace("?", "&").split("&")


def test_broken_words_in_an_address() -> None:
    """Half a surrogate pair is a question mark, escaped: it cannot be said in UTF-8."""
    wanted = {"a": "x\ud800", "b": None, "c": "", "d": "ü"}
    assert f"{LOGS}?a=x%3F&d=%C3%BC" == address(LOGS, wanted)


@pytest.mark.parametrize("name", REGISTRY)
def test_broken_texts_are_read(name: str) -> None:
    """A refusal whose words are broken is one all the same."""
    errors = [{"field": "\ud800", "code": "\ud800", "message": "\ud800"}]
    body = {"success": False, "message": "\ud800", "errors": errors}
    assert isinstance(adapter_of(name).read(answer(422, body)), Refused)
