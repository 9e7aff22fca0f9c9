"""The hours of a route: when a message is allowed, by the clocks of all whom it would reach."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta, timezone
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from polysms import InvalidMessage, Message, numbers
from polysms.config import Hours
from polysms.errors import Fault, NotSent
from polysms.providers.carrierx import CarrierXOptions
from polysms.routing.hours import opens_at

MINUTE = timedelta(minutes=1)
DETROIT, SEATTLE, LONDON = "+13135550123", "+12065550123", "+442079460123"
#: What the data say of a few beginnings of numbers.
DATA = {
    "1313": ("America/Detroit",),
    "1206": ("America/Los_Angeles",),
    "1416": ("America/Toronto", "Etc/Unknown"),
    "1808": ("Pacific/Honolulu", "Asia/Tokyo"),
    "1907": ("America/Nowhere",),
    "44": ("Europe/London",),
}
ZONES = (
    "America/Detroit",
    "America/Los_Angeles",
    "America/St_Johns",
    "Europe/London",
    "Asia/Kathmandu",
    "Africa/Casablanca",
    # Half an hour of summer time, and a change at midnight.
    "Australia/Lord_Howe",
    "America/Havana",
    "Pacific/Apia",
    "UTC",
)


def utc(text: str) -> datetime:
    """Return a moment written as 2026-03-08 06:59."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def in_zones(monkeypatch: pytest.MonkeyPatch, data: Any) -> None:
    """Let the time zones of numbers be as these data say; None: there are no data."""
    monkeypatch.delitem(sys.modules, "phonenumbers.timezone", raising=False)
    monkeypatch.delattr(phonenumbers, "timezone", raising=False)
    monkeypatch.setitem(sys.modules, "phonenumbers.tzdata", data)


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the data of a few numbers be installed."""
    module: Any = ModuleType("phonenumbers.tzdata")
    module.TIMEZONE_DATA = DATA
    module.TIMEZONE_LONGEST_PREFIX = 4
    in_zones(monkeypatch, module)


def opened(text: str, zone: str, now: str) -> str | None:
    """Return when hours open for a message of a zone, as text in UTC."""
    message = Message(DETROIT, "x", timezone=zone)
    found = opens_at(message, Hours.from_text(text), utc(now))
    return None if found is None else f"{found:%Y-%m-%d %H:%M:%S}"


MOMENTS = [
    # In winter Detroit is five hours behind.
    ("09:00-20:00", "America/Detroit", "2026-01-10 14:00:00", None),
    ("09:00-20:00", "America/Detroit", "2026-01-10 13:59:59", "2026-01-10 14:00:00"),
    ("09:00-20:00", "America/Detroit", "2026-01-11 00:59:59", None),
    ("09:00-20:00", "America/Detroit", "2026-01-11 01:00:00", "2026-01-11 14:00:00"),
    # Past midnight, and to the end of the day.
    ("20:00-06:00", "America/Detroit", "2026-01-10 05:00:00", None),
    ("20:00-06:00", "America/Detroit", "2026-01-10 11:00:00", "2026-01-11 01:00:00"),
    ("20:00-24:00", "UTC", "2026-01-10 23:59:59", None),
    ("20:00-24:00", "UTC", "2026-01-11 00:00:00", "2026-01-11 20:00:00"),
    ("20:00-00:00", "UTC", "2026-01-11 00:00:00", "2026-01-11 20:00:00"),
    ("00:00-24:00", "UTC", "2026-01-11 00:00:00", None),
    # On 8 March the clocks of Detroit go from 02:00 to 03:00, which is 07:00 UTC.
    ("09:00-20:00", "America/Detroit", "2026-03-08 02:00:00", "2026-03-08 13:00:00"),
    ("02:30-04:00", "America/Detroit", "2026-03-08 06:59:59", "2026-03-08 07:00:00"),
    ("02:10-02:50", "America/Detroit", "2026-03-08 06:00:00", "2026-03-09 06:10:00"),
    # On 1 November they go from 02:00 to 01:00, which is 06:00 UTC: the hour from one comes twice.
    ("01:30-01:45", "America/Detroit", "2026-11-01 05:40:00", None),
    ("01:30-01:45", "America/Detroit", "2026-11-01 05:45:00", "2026-11-01 06:30:00"),
    ("01:30-01:45", "America/Detroit", "2026-11-01 06:45:00", "2026-11-02 06:30:00"),
    ("01:00-01:30", "America/Detroit", "2026-11-01 05:45:30", "2026-11-01 06:00:00"),
]


@pytest.mark.parametrize(("text", "zone", "now", "expected"), MOMENTS)
def test_opens(text: str, zone: str, now: str, expected: str | None) -> None:
    """The clock on the recipient's wall says when, whatever it was set to in the meantime."""
    assert expected == opened(text, zone, now)


def test_between_two_seconds() -> None:
    """A fraction of a second is not lost, and an opening has none."""
    hours, message = Hours.from_text("09:00-20:00"), Message(DETROIT, "x", timezone="UTC")
    late = utc("2026-01-10 08:59:59") + timedelta(microseconds=999_999)
    assert utc("2026-01-10 09:00:00") == opens_at(message, hours, late)
    last = utc("2026-01-10 19:59:59") + timedelta(microseconds=999_999)
    assert opens_at(message, hours, last) is None


def test_change_between_two_seconds() -> None:
    """A change of clocks is found from any fraction of a second before it."""
    hours = Hours.from_text("02:30-04:00")
    message = Message(DETROIT, "x", timezone="America/Detroit")
    late = utc("2026-03-08 06:59:59") + timedelta(microseconds=1)
    assert utc("2026-03-08 07:00:00") == opens_at(message, hours, late)


def test_answers_in_utc() -> None:
    """In whatever zone the time is said, the answer is in UTC."""
    now = datetime(2026, 1, 10, 8, 0, tzinfo=timezone(timedelta(hours=-5)))
    message = Message(DETROIT, "x", timezone="America/Detroit")
    found = opens_at(message, Hours.from_text("09:00-20:00"), now)
    assert found is not None
    assert (utc("2026-01-10 14:00"), UTC) == (found, found.tzinfo)


def walked(zones: list[str], hours: Hours, now: datetime) -> datetime | None:
    """Return the first whole minute from ``now`` on that all clocks allow, None after eight days.

    By walking: every minute, every clock.
    """
    clocks = [ZoneInfo(zone) for zone in zones]
    for minutes in range(8 * 1440 + 1):
        moment = now + minutes * MINUTE
        local = [moment.astimezone(clock) for clock in clocks]
        if all(hours.include(timedelta(hours=at.hour, minutes=at.minute)) for at in local):
            return moment
    return None


# Half of all tries begin within two days of a change of clocks somewhere.
CHANGES = [
    utc(text)
    for text in (
        *("2026-03-08 07:00", "2026-11-01 06:00", "2026-03-29 01:00", "2026-10-25 01:00"),
        *("2026-04-04 15:00", "2026-10-03 15:30", "2026-03-08 05:00", "2026-02-15 02:00"),
    )
]
NOWS = st.one_of(
    st.builds(
        lambda change, minutes: change + minutes * MINUTE,
        st.sampled_from(CHANGES),
        st.integers(-2880, 1440),
    ),
    st.integers(0, 5 * 365 * 1440).map(lambda minutes: utc("2024-01-01 00:00") + minutes * MINUTE),
)


@given(
    start=st.integers(0, 1439),
    end=st.integers(0, 1440),
    zones=st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True),
    now=NOWS,
)
@example(start=130, end=170, zones=["America/Detroit"], now=utc("2026-03-08 06:00"))
@example(start=90, end=105, zones=["America/Detroit"], now=utc("2026-11-01 05:50"))
@example(start=540, end=600, zones=["America/Detroit", "Asia/Kathmandu"], now=CHANGES[0])
def test_as_by_walking(start: int, end: int, zones: list[str], now: datetime) -> None:
    """The moment is the one that somebody finds who looks at every clock every minute."""
    assume(start != end)
    hours = Hours(start=timedelta(minutes=start), end=timedelta(minutes=end))
    expected = walked(zones, hours, now)
    with pytest.MonkeyPatch.context() as patch:
        module: Any = ModuleType("phonenumbers.tzdata")
        module.TIMEZONE_DATA = {"1313": tuple(zones)}
        module.TIMEZONE_LONGEST_PREFIX = 4
        in_zones(patch, module)
        if expected is None:
            with pytest.raises(InvalidMessage, match="never come in all"):
                opens_at(Message(DETROIT, "x"), hours, now)
        else:
            found = opens_at(Message(DETROIT, "x"), hours, now)
            assert (None if expected == now else expected) == found


# Whose clocks.


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (DETROIT, ("America/Detroit",)),
        (LONDON, ("Europe/London",)),
        ("+14165550123", ("America/Toronto",)),
        ("+15055550123", ()),
        ("988", ()),
    ],
)
def test_zones_of_a_number(number: str, expected: tuple[str, ...]) -> None:
    """The beginning of a number tells its zones, if anything does."""
    assert expected == numbers.zones(number)


def test_zones_without_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the data nothing is told, which is not the same as an unknown number."""
    in_zones(monkeypatch, None)
    assert numbers.zones(DETROIT) is None


MORNING = utc("2026-01-10 14:30")
NINE = Hours.from_text("09:00-12:00")


@pytest.mark.usefixtures("data")
def test_by_the_number() -> None:
    """Without a zone of its own a message has that of its recipient's number."""
    assert opens_at(Message(DETROIT, "x"), NINE, MORNING) is None
    assert utc("2026-01-10 17:00") == opens_at(Message(SEATTLE, "x"), NINE, MORNING)


@pytest.mark.usefixtures("data")
def test_what_is_said_counts() -> None:
    """Who knows where the recipient is says so: the number is not asked."""
    message = Message(SEATTLE, "x", timezone="America/Detroit")
    assert opens_at(message, NINE, MORNING) is None


GROUPS: list[Any] = [
    {"group_recipients": [SEATTLE]},
    {"group_recipients": ["+1 206 555 0123"]},
    CarrierXOptions(group_recipients=(SEATTLE,)),
]


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("options", GROUPS)
def test_group(options: Any) -> None:
    """Everyone in a group is asked: it is early for the one in Seattle."""
    message = Message(DETROIT, "x", options={"carrierx": options, "wavix": {}})
    wide = Hours.from_text("09:00-20:00")
    assert utc("2026-01-10 17:00") == opens_at(message, wide, MORNING)


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("options", [{"group_recipients": None}, {"group_recipients": 5}, {}, 5])
def test_no_group(options: Any) -> None:
    """What names nobody asks nobody; the provider says what is wrong with it."""
    message = Message(DETROIT, "x", options={"carrierx": options})
    assert opens_at(message, NINE, MORNING) is None


def refused(message: Message, hours: Hours = NINE) -> str:
    """Return the sentence by which a message is surely not sent."""
    with pytest.raises(NotSent) as raised:
        opens_at(message, hours, MORNING)
    error = raised.value
    assert isinstance(error, InvalidMessage)
    assert ("timezone", Fault.MESSAGE, None, False) == (
        error.field,
        error.fault,
        error.reason,
        error.retry_later,
    )
    said = str(error)
    remedy = "; write Message(..., timezone=...), as America/Detroit"
    assert said.startswith("timezone: ")
    assert said.endswith(remedy)
    return said.removeprefix("timezone: ").removesuffix(remedy)


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (Message("+15055550123", "x"), "the time zone of +1********23 is unknown"),
        (Message("988", "x"), "the time zone of 988 is unknown"),
        (
            Message(DETROIT, "x", options={"carrierx": {"group_recipients": ["+15055550124"]}}),
            "the time zone of +1********24 is unknown",
        ),
        (Message("+19075550123", "x"), "the clocks of America/Nowhere are unknown on this machine"),
        (
            Message("+18085550123", "x"),
            "the hours 09:00-12:00 never come in all 2 time zones at once",
        ),
    ],
)
def test_unknown(message: Message, sentence: str) -> None:
    """Whose clock nobody knows is not texted on a guess, and the sender is told what to say."""
    assert sentence == refused(message)


def test_without_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the data of numbers a message must say its zone."""
    in_zones(monkeypatch, None)
    assert "nothing here tells the time zone of a number" == refused(Message(DETROIT, "x"))
    message = Message(DETROIT, "x", timezone="America/Detroit")
    assert opens_at(message, NINE, MORNING) is None
