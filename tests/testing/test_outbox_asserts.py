"""Assertions: what they take for the message that is meant, and what a failing one shows."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from polysms import Client, Message
from polysms.testing import Outbox, assert_nothing_sent, assert_sent, capture
from tests.testing.houses import NUMBER, tables

OTHER = "+13135550124"


@pytest.fixture
def outbox(polysms_outbox: Outbox) -> Outbox:
    """Return an outbox with two messages that were sent, and one that was refused."""
    polysms_outbox.on(contains="spam").refuse("content")
    with Client(tables("wavix", "signalwire")) as sms:
        sms.send(Message(NUMBER, "Your code is 4711", tag="otp"))
        picture = "https://example.com/menu.png"
        sms.send(Message(OTHER, "The menu", media=(picture,), from_="+13135550199"))
        with pytest.raises(Exception, match="content"):
            sms.send(Message(OTHER, "spam"))
    return polysms_outbox


FOUND: tuple[dict[str, Any], ...] = (
    {},
    {"count": 2},
    {"to": NUMBER},
    {"to": "(1) 313 555-0123"},
    {"contains": "4711"},
    {"text": "Your code is 4711"},
    {"via": "wavix", "count": 1},
    {"via": "signalwire", "from_": "+13135550199"},
    {"tag": "otp", "to": NUMBER, "count": 1},
)
MISSED: tuple[dict[str, Any], ...] = (
    {"count": 1},
    {"to": "+13135550125"},
    {"contains": "4712"},
    {"text": "Your code"},
    {"contains": "spam"},
    {"via": "wavix", "to": OTHER},
    {"key": "otp"},
    {"tag": "otp", "count": 2},
)


@pytest.mark.parametrize("wanted", FOUND)
def test_found(wanted: dict[str, Any], outbox: Outbox) -> None:
    """A message is meant where all that is said is so; it is returned."""
    sent = outbox.assert_sent(**wanted)
    assert sent is assert_sent(outbox, **wanted)
    assert sent is assert_sent(**wanted)
    assert sent in outbox.messages
    some = {name: value for name, value in wanted.items() if name != "count"}
    for check in (outbox.assert_nothing_sent, assert_nothing_sent):
        with pytest.raises(AssertionError):
            check(**some)


@pytest.mark.parametrize("wanted", MISSED)
def test_missed(wanted: dict[str, Any], outbox: Outbox) -> None:
    """Where anything is not so, or the count is another, the assertion fails."""
    with pytest.raises(AssertionError):
        outbox.assert_sent(**wanted)
    if "count" not in wanted:
        outbox.assert_nothing_sent(**wanted)


def said(outbox: Outbox, **wanted: Any) -> str:
    """Return what a failing assertion says."""
    with pytest.raises(AssertionError) as raised:
        outbox.assert_sent(**wanted)
    return str(raised.value)


def test_words(outbox: Outbox) -> None:
    """It shows what was sent, the nearest, and what was tried; of numbers the last four digits."""
    assert said(outbox, to=NUMBER, contains="4712") == (
        "no message was sent to …0123 that contains '4712'\n"
        "2 messages were sent in all:\n"
        "  1. to …0123: 'Your code is 4711' (tag='otp'), by wavix\n"
        "     ^ the nearest: its text is 'Your code is 4711'\n"
        "  2. to …0124: 'The menu' with 1 media, by signalwire\n"
        "1 message was tried and not sent:\n"
        "  1. to …0124: 'spam', by wavix: refused (content): "
        "The message was stopped by a content filter"
    )


def test_words_of_a_count(outbox: Outbox) -> None:
    """A wrong count says both."""
    assert said(outbox, tag="otp", count=2).startswith("1 message, not 2, was sent with tag='otp'")


def test_words_for_nothing(polysms_outbox: Outbox) -> None:
    """Where nothing was sent, that is what it says."""
    assert "no message was sent\nnothing was sent at all" == said(polysms_outbox)


def test_words_of_one_too_many(outbox: Outbox) -> None:
    """What should not have been sent is shown."""
    with pytest.raises(AssertionError) as raised:
        outbox.assert_nothing_sent(to=OTHER)

    assert str(raised.value) == (
        "1 message was sent to …0124, and none should have been:\n"
        "  1. to …0124: 'The menu' with 1 media, by signalwire"
    )


def test_without_an_outbox() -> None:
    """The functions say what to ask for where there is no outbox."""
    with pytest.raises(RuntimeError, match="ask for the fixture `polysms_outbox`, or use capture"):
        assert_sent()


def test_like_a_list(outbox: Outbox) -> None:
    """An outbox can be counted, walked through and pointed into."""
    assert [one.text for one in outbox] == [one.text for one in outbox.messages]
    assert (2, 3) == (len(outbox), len(outbox.tries))
    assert outbox[-1] is outbox.messages[1]


def test_in_threads() -> None:
    """An outbox may be asked while others send."""
    with capture() as outbox, Client(tables("wavix")) as sms:
        thread = threading.Thread(target=lambda: list(sms.send_many([Message(NUMBER, "a")] * 20)))
        thread.start()
        while len(outbox) < 20 and thread.is_alive():
            list(outbox)
        thread.join(60)
        outbox.assert_sent(count=20)
