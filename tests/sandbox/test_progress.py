"""What becomes of a message, and when: pure functions of the time, tried without a server."""

from __future__ import annotations

import itertools
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.sandbox import Behaviour
from polysms.sandbox.answering import stamp_ms, whole
from polysms.sandbox.behaviour import is_web_url
from polysms.sandbox.counting import segments
from polysms.sandbox.progress import Wish, timetable
from polysms.sandbox.regions import is_us, is_us_or_canada
from polysms.sandbox.store import Draft, Store
from tests.sandbox.conftest import PROVIDERS, START, Clock

ENDINGS = (Wish.DELIVERED, Wish.UNDELIVERED, Wish.FAILED, Wish.EXPIRED)


def random_of(seed: int) -> Random:
    """Return a generator of small delays."""
    return Random(seed)  # noqa: S311 - guards nothing


def words(provider: str, kind: str, ending: Wish) -> list[str]:
    """Return the statuses that a message goes through."""
    return [step.status for step in timetable(provider, kind, ending, random_of(1))]


# Wavix: the status list (OpenAPI). CarrierX: wrap-up page. SignalWire: seed 004, webhooks page.
# Twilio: the guide on statuses in callbacks.
@pytest.mark.parametrize(
    ("provider", "kind", "ending", "expected"),
    [
        ("wavix", "sms", Wish.DELIVERED, "accepted pending sent delivered"),
        ("wavix", "mms", Wish.DELIVERED, "accepted pending sent delivered"),
        ("wavix", "sms", Wish.UNDELIVERED, "accepted pending sent undelivered"),
        ("wavix", "sms", Wish.FAILED, "accepted pending rejected"),
        ("wavix", "sms", Wish.EXPIRED, "accepted pending expired"),
        ("carrierx", "sms", Wish.DELIVERED, "queued sent delivered"),
        ("carrierx", "mms", Wish.DELIVERED, "queued sent delivered"),
        ("carrierx", "sms", Wish.UNDELIVERED, "queued sent undelivered"),
        ("carrierx", "sms", Wish.FAILED, "queued failed"),
        ("carrierx", "sms", Wish.EXPIRED, "queued sent"),
        ("signalwire", "sms", Wish.DELIVERED, "queued initiated sent delivered"),
        ("signalwire", "sms", Wish.UNDELIVERED, "queued initiated sent undelivered"),
        ("signalwire", "sms", Wish.FAILED, "queued initiated failed"),
        ("signalwire", "sms", Wish.EXPIRED, "queued initiated sent"),
        ("signalwire", "mms", Wish.DELIVERED, "queued initiated sent"),
        ("signalwire", "mms", Wish.UNDELIVERED, "queued initiated sent"),
        ("signalwire", "mms", Wish.FAILED, "queued initiated failed"),
        ("twilio", "sms", Wish.DELIVERED, "queued sending sent delivered"),
        ("twilio", "mms", Wish.DELIVERED, "queued sending sent delivered"),
        ("twilio", "sms", Wish.UNDELIVERED, "queued sending sent undelivered"),
        ("twilio", "sms", Wish.FAILED, "queued sending failed"),
        ("twilio", "sms", Wish.EXPIRED, "queued sending sent"),
        # A wish about the answer is delivered like any other.
        ("wavix", "sms", Wish.HTML, "accepted pending sent delivered"),
        ("signalwire", "sms", Wish.CUT, "queued initiated sent delivered"),
    ],
)
def test_words(provider: str, kind: str, ending: Wish, expected: str) -> None:
    """Each provider has its own words on the way and at the end; an MMS of SignalWire no report."""
    assert expected == " ".join(words(provider, kind, ending))


@given(st.sampled_from(PROVIDERS), st.sampled_from(ENDINGS), st.integers())
def test_times(provider: str, ending: Wish, seed: int) -> None:
    """Steps follow one another, and the last comes within 2.2 seconds."""
    times = [step.at for step in timetable(provider, "sms", ending, random_of(seed))]

    assert 0 == times[0]
    assert all(before < after for before, after in itertools.pairwise(times))
    assert times[-1] <= 2.2


def draft(**changes: Any) -> Draft:
    """Return a send that was found good."""
    given: dict[str, Any] = {
        "provider": "wavix",
        "account": "",
        "sender": "+13137890021",
        "to": "+13135550101",
        "text": "Hello",
        "kind": "sms",
        "request": {},
    }
    return Draft(**{**given, **changes})


@pytest.mark.parametrize("speed", [0.5, 1, 20])
def test_speed(speed: float) -> None:
    """Every time is divided by the speed, the lag of lists too."""
    behaviour = Behaviour(clock=Clock(), speed=speed)
    entry = Store(seed=1).accept(draft(), Wish.DELIVERED, behaviour)

    assert 1.8 / speed <= entry.steps[-1].at - START <= 2.2 / speed
    assert 0.5 / speed <= entry.lag <= 1.5 / speed


def test_slowness() -> None:
    """A slow provider takes so many times as long for all, its lists too; others do not."""
    behaviour = Behaviour(clock=Clock(), speed=10, slowness={"signalwire": 5})
    slow, usual = (
        Store(seed=1).accept(draft(provider=name), Wish.DELIVERED, behaviour)
        for name in ("signalwire", "wavix")
    )

    assert 1.8 / 2 <= slow.steps[-1].at - START <= 2.2 / 2
    assert 1.8 / 10 <= usual.steps[-1].at - START <= 2.2 / 10
    assert 0.5 / 2 <= slow.lag <= 1.5 / 2


def test_losses() -> None:
    """Of a provider's messages the share is lost that it loses; in any order the same ones."""
    behaviour = Behaviour(clock=Clock(), losses={"wavix": 0.3})
    drafts = [draft(to=f"+1313555{number:04}") for number in range(1000)]
    first, again, other = (
        {
            entry.draft.to
            for entry in (store.accept(one, Wish.DELIVERED, behaviour) for one in sent)
            if entry.steps[-1].status == "undelivered"
        }
        for store, sent in ((Store(1), drafts), (Store(1), drafts[::-1]), (Store(2), drafts))
    )

    assert first == again != other
    assert 250 < len(first) < 350


def test_losses_are_for_what_would_arrive() -> None:
    """What asks for other trouble has it, and a provider that loses none loses none."""
    behaviour = Behaviour(clock=Clock(), losses={"wavix": 1.0})
    store = Store(seed=1)
    failed = store.accept(draft(), Wish.FAILED, behaviour)
    spared = store.accept(draft(provider="signalwire"), Wish.DELIVERED, behaviour)

    assert ("rejected", "delivered") == (failed.steps[-1].status, spared.steps[-1].status)


def test_status_follows_from_time() -> None:
    """A message is in the last step whose time has come, and remembers since when."""
    entry = Store(seed=1).accept(draft(), Wish.DELIVERED, Behaviour(clock=Clock()))
    sent = next(step for step in entry.steps if step.status == "sent")

    assert "accepted" == entry.at(START - 5).status
    assert "pending" == entry.at(sent.at - 0.001).status
    assert (None, sent.at) == (entry.since("sent", sent.at - 0.001), entry.since("sent", sent.at))
    assert ("sent", "delivered") == (entry.at(sent.at).status, entry.at(START + 3).status)


def test_seed() -> None:
    """The same seed gives the same ids and times, none gives others each time."""
    behaviour = Behaviour(clock=Clock())
    entries = [
        Store(seed).accept(draft(), Wish.DELIVERED, behaviour) for seed in (7, 7, 8, None, None)
    ]

    assert entries[0] == entries[1]
    assert 4 == len({entry.id for entry in entries})


def test_store_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the most, the oldest message is forgotten."""
    monkeypatch.setattr("polysms.sandbox.store.MOST", 2)
    store, behaviour = Store(seed=1), Behaviour(clock=Clock())
    entries = [store.accept(draft(), Wish.DELIVERED, behaviour) for _ in range(3)]

    assert tuple(entries[1:]) == store.all()
    assert store.get("wavix", entries[0].id) is None


# 3GPP TS 23.038: 160 or 153 septets, 70 or 67 units; an escape or a surrogate pair is never cut.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ", 1),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 151, 2),
        ("a" * 152 + "€" + "a" * 152, 3),
        ("\r\n" * 80, 1),
        ("ç" * 70, 1),
        ("ç" * 71, 2),
        ("ж" * 134, 2),
        ("ж" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("ж" * 66 + "😀" + "ж" * 66, 3),
        ("a" * 70 + "`", 2),
    ],
)
def test_segments(text: str, expected: int) -> None:
    """Segments are counted by the published rules."""
    assert expected == segments(text)


@pytest.mark.parametrize(
    ("number", "us", "either"),
    [
        ("13135550101", True, True),
        ("12125550101", True, True),
        ("14165550101", False, True),
        ("18675550101", False, True),
        ("18765550101", False, False),
        ("12425550101", False, False),
        ("447700900101", False, False),
        ("1313555010", False, False),
        ("131355501011", False, False),
        ("12345", False, False),
    ],
)
def test_regions(number: str, *, us: bool, either: bool) -> None:
    """The US, Canada and the islands share the +1."""
    assert (us, either) == (is_us(number), is_us_or_canada(number))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://example.com", True),
        ("HTTPS://example.com:8443/a?b=c#d", True),
        ("http://user:word@127.0.0.1/", True),
        ("http://[::1]:8026/", True),
        ("http://", False),
        ("http:///path", False),
        ("http://example.com:0/", False),
        ("http://example.com:x/", False),
        ("http://[::1/", False),
        ("http://example.com/a b", False),
        ("http://example.com/\r\nX: y", False),
        ("http://exämple.com/", False),
        ("ftp://example.com", False),
        ("javascript:alert(1)", False),
        (None, False),
        (7, False),
    ],
)
def test_web_url(url: object, *, expected: bool) -> None:
    """A URL is http or https, has a host, and holds nothing that could leave its line."""
    assert expected is is_web_url(url)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, 5),
        ("1", 1),
        ("0099", None),
        ("099", 99),
        ("100", 100),
        ("101", None),
        ("0", None),
        ("-1", None),
        ("1.0", None),
        ("1e1", None),
        ("", None),
        (" 1", None),
        ("\u0661", None),
        ("9" * 5000, None),
    ],
)
def test_whole(value: str | None, expected: int | None) -> None:
    """A whole number of a query is of plain digits and within its range."""
    assert expected == whole(value, 5, 1, 100)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [(0, "1970-01-01T00:00:00.000Z"), (START, "2026-04-14T12:00:00.250Z")],
)
def test_stamp(moment: float, expected: str) -> None:
    """Times have milliseconds, even when they are none."""
    assert expected == stamp_ms(moment)


@pytest.mark.parametrize(
    "values",
    [
        {"speed": 0},
        {"speed": -1},
        {"speed": float("inf")},
        {"speed": float("nan")},
        {"speed": "1"},
        {"seed": "1"},
        {"modes": {"acme": "ok"}},
        {"modes": {"wavix": "asleep"}},
        {"modes": "ok"},
        {"losses": {"acme": 0.1}},
        {"losses": {"wavix": 1.1}},
        {"losses": {"wavix": True}},
        {"losses": 0.1},
        {"slowness": {"wavix": 0}},
        {"slowness": {"wavix": "2"}},
        {"callback_urls": {"signalwire": "http://127.0.0.1/"}},
        {"callback_urls": {"wavix": "nowhere"}},
        {"signing_key": ""},
        {"hang_seconds": 0},
    ],
)
def test_behaviour_makes_sense(values: dict[str, Any]) -> None:
    """A behaviour that makes no sense cannot be made."""
    with pytest.raises((ValueError, TypeError)):
        Behaviour(**values)
