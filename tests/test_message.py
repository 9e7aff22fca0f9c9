"""The message: what it takes, what it refuses, what it shows of itself."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from itertools import repeat
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms import message
from polysms.errors import Fault, InvalidMessage
from polysms.message import Message

TO = "+13135550123"
PICTURE = "https://example.com/menu.png"

#: Arguments beside a number and a text, a field, what it becomes.
TAKEN: list[tuple[dict[str, Any], str, Any]] = [
    ({"text": "Your table is ready"}, "text", "Your table is ready"),
    ({"text": "two\r\nlines\tand \x0c more"}, "text", "two\r\nlines\tand \x0c more"),
    ({"text": "\u201ca\u201d \U0001f600 \u200d"}, "text", "\u201ca\u201d \U0001f600 \u200d"),
    ({"text": "x" * message.LONGEST_TEXT}, "text", "x" * message.LONGEST_TEXT),
    ({"text": "", "media": [PICTURE]}, "text", ""),
    ({"text": None, "media": [PICTURE]}, "text", ""),
    ({"media": [PICTURE]}, "media", (PICTURE,)),
    ({"media": iter([PICTURE, PICTURE])}, "media", (PICTURE, PICTURE)),
    ({"media": [PICTURE] * message.MOST_MEDIA}, "media", (PICTURE,) * message.MOST_MEDIA),
    ({"media": []}, "media", ()),
    ({"media": None}, "media", ()),
    ({"media": ["http://example.com:8080/a?b=c#d"]}, "media", ("http://example.com:8080/a?b=c#d",)),
    ({"media": ["http://example.com:1"]}, "media", ("http://example.com:1",)),
    ({"media": [PICTURE.ljust(2048, "x")]}, "media", (PICTURE.ljust(2048, "x"),)),
    ({"media": ["HTTPS://example.com"]}, "media", ("HTTPS://example.com",)),
    ({"from_": None}, "from_", None),
    ({"from_": "Acme"}, "from_", "Acme"),
    ({"from_": " +13137890021 "}, "from_", "+13137890021"),
    ({"from_": "@alerts"}, "from_", "@alerts"),
    ({"from_": "x" * 255}, "from_", "x" * 255),
    ({"valid_for": 1}, "valid_for", 1),
    ({"valid_for": 120.9}, "valid_for", 120),
    ({"valid_for": timedelta(minutes=2)}, "valid_for", 120),
    ({"valid_for": timedelta(days=28)}, "valid_for", message.LONGEST_VALIDITY),
    ({"status_callback": "https://example.com/dlr"}, "status_callback", "https://example.com/dlr"),
    ({"tag": "dinner"}, "tag", "dinner"),
    ({"key": "k" * message.LONGEST_LABEL}, "key", "k" * message.LONGEST_LABEL),
    ({"tenant": "one"}, "tenant", "one"),
    ({"timezone": "UTC"}, "timezone", "UTC"),
    ({"options": None}, "options", {}),
    ({"options": {"wavix": {"tag": "mine"}}}, "options", {"wavix": {"tag": "mine"}}),
]


@pytest.mark.parametrize(("fields", "name", "expected"), TAKEN)
def test_taken(fields: dict[str, Any], name: str, expected: Any) -> None:
    """What can be sent is kept as it is, in the one form of its field."""
    assert expected == getattr(Message(**{"to": TO, "text": "x", **fields}), name)


URL = "write one as https://example.com/a.png"
#: Arguments beside a number and a text, the field that is named, words of the sentence.
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"to": ""}, "to", "is empty"),
    ({"to": "3135550123"}, "to", "has no country code"),
    ({"to": "CALL-ME"}, "to", "has letters"),
    ({"to": "+13135550123456789"}, "to", "has 17 digits, E.164 allows 15"),
    ({"to": None}, "to", 'to: is None; write a phone number in quotes, as "+1..."'),
    ({"text": ""}, "text", "is empty and there are no media"),
    ({"text": None}, "text", "is empty and there are no media"),
    ({"text": "", "media": []}, "text", "is empty and there are no media"),
    ({"text": b"x"}, "text", "is a bytes; write a str"),
    ({"text": 5}, "text", "is a int; write a str"),
    ({"text": "x" * 20_000}, "text", "has 20000 characters; at most 10000 can be sent"),
    ({"text": "a\ud800b"}, "text", "has half a surrogate pair (U+D800)"),
    ({"text": "a\udfff"}, "text", "has half a surrogate pair (U+DFFF)"),
    ({"text": "a\x00b"}, "text", "has the control character U+0000; remove it"),
    ({"text": "a\x1bb"}, "text", "has the control character U+001B; remove it"),
    ({"text": "a\x85b"}, "text", "has the control character U+0085; remove it"),
    ({"media": PICTURE}, "media", "is one str; write a list of URLs"),
    ({"media": PICTURE.encode()}, "media", "is one bytes; write a list of URLs"),
    ({"media": 5}, "media", "is one int; write a list of URLs"),
    ({"media": [PICTURE] * 21}, "media", "has more than 20 items"),
    ({"media": repeat(PICTURE)}, "media", "has more than 20 items"),
    ({"media": [None]}, "media", "is a NoneType; write an http(s) URL"),
    ({"media": ["javascript:alert(1)"]}, "media", "begins with 'javascript'; only http and https"),
    ({"media": ["ftp://example.com/a"]}, "media", "begins with 'ftp'; only http and https"),
    ({"media": ["example.com/a.png"]}, "media", "begins with ''; only http and https"),
    ({"media": [""]}, "media", "begins with ''; only http and https"),
    ({"media": ["https://me:secret@example.com/a"]}, "media", "has a user name or password in it"),
    ({"media": ["https://@example.com/a"]}, "media", "has a user name or password in it"),
    ({"media": ["https://"]}, "media", URL),
    ({"media": ["https:///a.png"]}, "media", URL),
    ({"media": ["https://[::1/a"]}, "media", URL),
    ({"media": ["https://example.com:0/a"]}, "media", URL),
    ({"media": ["https://example.com:65536/a"]}, "media", URL),
    ({"media": ["https://example.com/a b"]}, "media", URL),
    ({"media": ["https://example.com/a\nb"]}, "media", URL),
    ({"media": ["https://example.com/a\x00"]}, "media", URL),
    ({"media": ["https://example.com/\ud800"]}, "media", URL),
    ({"media": ["https:\\\\example.com\\a"]}, "media", URL),
    ({"media": [PICTURE.ljust(2049, "x")]}, "media", "is 2049 characters long"),
    ({"media": ["x" * 13 + ":"]}, "media", f"begins with '{'x' * 12}'; only http and https"),
    ({"status_callback": "example.com"}, "status_callback", "only http and https are sent"),
    ({"status_callback": 5}, "status_callback", "is a int; write an http(s) URL"),
    ({"from_": ""}, "from_", "is not a sender"),
    ({"from_": "  "}, "from_", "is not a sender"),
    ({"from_": 13137890021}, "from_", "is not a sender"),
    ({"from_": "x" * 256}, "from_", "is not a sender"),
    ({"from_": "Ac\nme"}, "from_", "has control characters"),
    ({"from_": "Acme\ud800"}, "from_", "has control characters"),
    ({"valid_for": 0}, "valid_for", "write 1 second to 28 days"),
    ({"valid_for": -1}, "valid_for", "write 1 second to 28 days"),
    ({"valid_for": 0.5}, "valid_for", "write 1 second to 28 days"),
    ({"valid_for": timedelta(days=29)}, "valid_for", "write 1 second to 28 days"),
    ({"valid_for": float("nan")}, "valid_for", "write 1 second to 28 days"),
    ({"valid_for": float("inf")}, "valid_for", "write 1 second to 28 days"),
    ({"valid_for": 10**400}, "valid_for", "write 1 second to 28 days"),
    ({"valid_for": "60"}, "valid_for", "is a str; write seconds"),
    ({"valid_for": True}, "valid_for", "is a bool; write seconds"),
    ({"valid_for": Decimal(60)}, "valid_for", "is a Decimal; write seconds"),
    ({"tag": ""}, "tag", "is not a str of 1 to 255 characters"),
    ({"tag": "a\x00"}, "tag", "has control characters"),
    ({"key": 7}, "key", "is not a str of 1 to 255 characters"),
    ({"key": "k" * 256}, "key", "is not a str of 1 to 255 characters"),
    ({"tenant": "\ud800"}, "tenant", "has control characters"),
    ({"timezone": "Mars/Olympus"}, "timezone", "write one as America/Detroit"),
    ({"timezone": "America"}, "timezone", "write one as America/Detroit"),
    ({"timezone": ""}, "timezone", "write one as America/Detroit"),
    ({"timezone": "../../etc/passwd"}, "timezone", "write one as America/Detroit"),
    ({"timezone": "a\x00"}, "timezone", "write one as America/Detroit"),
    ({"timezone": []}, "timezone", "write one as America/Detroit"),
    ({"options": 5}, "options", "is not a mapping of provider names"),
    ({"options": ["wavix"]}, "options", "is not a mapping of provider names"),
    ({"options": {5: {}}}, "options", "is not a mapping of provider names"),
]


@pytest.mark.parametrize(("fields", "name", "sentence"), REFUSED)
def test_refused(fields: dict[str, Any], name: str, sentence: str) -> None:
    """What cannot be sent is refused when the message is made, naming the field to mend."""
    with pytest.raises(InvalidMessage, match=re.escape(sentence)) as raised:
        Message(**{"to": TO, "text": "x", **fields})
    assert (name, Fault.MESSAGE) == (raised.value.field, raised.value.fault)
    assert raised.value.delivery is None


@pytest.mark.parametrize("fields", [row[0] for row in REFUSED])
def test_refusal_shows_nothing_private(fields: dict[str, Any]) -> None:
    """The sentence repeats no text, no number and no URL."""
    with pytest.raises(InvalidMessage) as raised:
        Message(**{"to": TO, "text": "x", **fields})
    for private in ("secret", "313555", "alert(1)", "menu.png", "etc/passwd"):
        assert private not in str(raised.value)


def test_endless_media() -> None:
    """Media are not counted to their end: twenty-one are enough to refuse."""
    taken = []

    def endless() -> Iterator[str]:
        for one in repeat(PICTURE):
            taken.append(one)
            yield one

    with pytest.raises(InvalidMessage):
        Message(TO, "x", media=endless())
    assert 21 == len(taken)


@pytest.mark.parametrize(("media", "kind"), [((), "sms"), ((PICTURE,), "mms")])
def test_kind(media: tuple[str, ...], kind: str) -> None:
    """Any media make it an MMS."""
    assert kind == Message(TO, "x", media=media).kind


def test_only_number_and_text_are_positional() -> None:
    """All else is said by name, so that no two texts change places."""
    positional = [field.name for field in attrs.fields(Message) if not field.kw_only]
    assert ["to", "text"] == positional


def test_equal_messages_hash_alike() -> None:
    """Equal messages are one in a set, whatever their options."""
    plain = Message(TO, "x")
    assert plain == Message("+1 313 555 0123", "x")
    with_options = Message(TO, "x", options={"wavix": {}})
    assert 2 == len({plain, Message("+1 313 555 0123", "x"), with_options})


def test_frozen() -> None:
    """A message is a value: it never changes."""
    one = Message(TO, "x")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        one.text = "y"  # type: ignore[misc]


def test_later_changes_do_not_reach_it() -> None:
    """The mapping and the list a message was made of are the caller's, and so are their changes."""
    options: dict[str, Any] = {"wavix": {}}
    media = [PICTURE]
    made = Message(TO, "x", media=media, options=options)
    options["carrierx"] = {}
    media.append(PICTURE)
    assert ({"wavix": {}}, (PICTURE,)) == (made.options, made.media)


def test_changed_copy_is_checked() -> None:
    """``attrs.evolve`` makes a message, so it refuses as the class does."""
    with pytest.raises(InvalidMessage):
        attrs.evolve(Message(TO, "x"), text="")


WHOLE = Message(
    TO,
    "canary-text",
    media=["https://example.com/canary-media"],
    from_="+13137890021",
    valid_for=60,
    status_callback="https://example.com/canary-callback",
    tag="tag of +13135550123",
    key="otp:+13135550123",
    tenant="+1 313 555 0123",
    timezone="UTC",
    options={"wavix": {"tag": "canary-option"}},
)


def test_pickle() -> None:
    """A message crosses to a worker and is the same there."""
    assert pickle.loads(pickle.dumps(WHOLE)) == WHOLE  # noqa: S301 - our own


@pytest.mark.parametrize("shown", [repr(WHOLE), str(WHOLE), f"{WHOLE}", f"{[WHOLE]}"])
def test_shows_nothing_private(shown: str) -> None:
    """The repr of a message has no text, no URL, no option and no whole number."""
    assert "canary" not in shown
    assert "3555012" not in re.sub(r"[^0-9a-z*]", "", shown)
    assert "3789002" not in shown
    assert "to=+1********23, text=<11 characters>, media=<1 URLs>, from_=+1********21" in shown


@pytest.mark.parametrize(
    ("options", "expected"),
    [({}, "options=<for none>"), ({"wavix": {}, "carrierx": {}}, "options=<for carrierx, wavix>")],
)
def test_shows_whose_options_there_are(options: dict[str, Any], expected: str) -> None:
    """Of its options a message shows the providers they are for."""
    assert expected in repr(Message(TO, "x", options=options))


#: Every character there is, halves of surrogate pairs too.
ANY_TEXT = st.text(st.characters())
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    ANY_TEXT,
    st.binary(max_size=20),
    st.timedeltas(),
    st.decimals(),
    st.lists(st.one_of(st.integers(), st.text(), st.none()), max_size=25),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
    st.just(object()),
)
URLS = st.one_of(
    st.text("htps:/@[]%?#.\\ \n\ud800aé0", max_size=30),
    st.text(max_size=30).map(lambda text: f"https://{text}"),
    ANY_TEXT.map(lambda text: f"https://example.com/{text}"),
)


@given(
    st.fixed_dictionaries(
        {"to": st.one_of(st.just(TO), ANYTHING), "text": st.one_of(ANY_TEXT, ANYTHING)},
        optional={
            "media": st.one_of(st.lists(URLS, max_size=3), ANYTHING),
            "from_": ANYTHING,
            "valid_for": ANYTHING,
            "status_callback": st.one_of(URLS, ANYTHING),
            "tag": ANYTHING,
            "key": ANYTHING,
            "tenant": ANYTHING,
            "timezone": ANYTHING,
            "options": ANYTHING,
        },
    )
)
def test_anything(fields: dict[str, Any]) -> None:
    """Whatever is handed in, a message is made or InvalidMessage is raised."""
    with suppress(InvalidMessage):
        Message(**fields)


@given(text=st.text(st.characters(), min_size=1))
def test_any_text(text: str) -> None:
    """A text is kept letter for letter, and what is kept can be written as UTF-8."""
    with suppress(InvalidMessage):
        kept = Message(TO, text).text
        assert text == kept
        assert kept.encode()


@given(url=URLS)
def test_any_url(url: str) -> None:
    """A URL that is taken is kept as it is, and can be written as UTF-8 on one line."""
    with suppress(InvalidMessage):
        assert url == message.url("media", url)
        assert url.encode()
        assert [url] == url.split()
