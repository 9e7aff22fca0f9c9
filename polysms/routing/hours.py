"""When a route's hours allow a message, by the clocks of all whom it would reach.

The clock on the wall counts: a change to or from summer time moves the moment, not the hour. Who
may be in several time zones is texted when the hours of all of them allow it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from polysms import numbers, redact
from polysms.config import Hours
from polysms.errors import InvalidMessage
from polysms.message import Message

#: How far ahead a moment is looked for: every hour of the week, and a change of clocks.
AHEAD = timedelta(days=8)
_DAY = timedelta(days=1)
_GROUP = "group_recipients"
_REMEDY = "write Message(..., timezone=...), as America/Detroit"


def opens_at(message: Message, hours: Hours, now: datetime) -> datetime | None:
    """Return the next moment (UTC) at which the hours allow a message, None where they do now.

    Raises :class:`~polysms.errors.InvalidMessage` where it cannot be told, or there is none.
    """
    zones = _zones_of(message)
    moment = now = now.astimezone(UTC)
    # Each step is to a later moment, so there is an end to them.
    while moment <= now + AHEAD:
        closed = _closed(zones, hours, moment)
        if closed is None:
            return None if moment == now else moment
        moment = _next(closed, hours, moment)
    raise _unknown(f"the hours {hours} never come in all {len(zones)} time zones at once")


def _closed(zones: Iterable[ZoneInfo], hours: Hours, moment: datetime) -> ZoneInfo | None:
    """Return a zone whose clock does not allow a moment."""
    times = ((zone, _time_of_day(moment.astimezone(zone))) for zone in zones)
    return next((zone for zone, time in times if not hours.include(time)), None)


def _time_of_day(local: datetime) -> timedelta:
    return local.replace(tzinfo=None) - datetime.combine(local.date(), datetime.min.time())


def _next(zone: ZoneInfo, hours: Hours, moment: datetime) -> datetime:
    """Return a later moment, before which a zone that is closed does not open."""
    local = moment.astimezone(zone)
    opening = moment + (hours.start - _time_of_day(local)) % _DAY
    if opening.astimezone(zone).utcoffset() == local.utcoffset():
        return opening
    return _change(zone, moment, opening)


def _change(zone: ZoneInfo, earlier: datetime, later: datetime) -> datetime:
    """Return the moment at which the clocks of a zone change between two that differ.

    No zone changes its clocks twice in a day, or between two seconds.
    """
    before, after = math.floor(earlier.timestamp()), math.ceil(later.timestamp())
    offset = earlier.astimezone(zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return datetime.fromtimestamp(after, UTC)


def _zones_of(message: Message) -> list[ZoneInfo]:
    if message.timezone is not None:
        return [_zone(message.timezone)]
    names = {name for number in reached(message) for name in _names_of(number)}
    return [_zone(name) for name in sorted(names)]


def reached(message: Message) -> list[str]:
    """Return every number that the message would reach through any account: groups count."""
    return [
        message.to,
        *(number for options in message.options.values() for number in _group(options)),
    ]


def _group(options: Any) -> Iterable[str]:
    mapped = isinstance(options, Mapping)
    group: Any = options.get(_GROUP) if mapped else getattr(options, _GROUP, None)
    return map(numbers.recipient, group if isinstance(group, Iterable) else ())


def _names_of(number: str) -> tuple[str, ...]:
    names = numbers.zones(number)
    if names is None:
        raise _unknown("nothing here tells the time zone of a number")
    if not names:
        raise _unknown(f"the time zone of {redact.mask(number)} is unknown")
    return names


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise _unknown(f"the clocks of {name} are unknown on this machine") from None


def _unknown(sentence: str) -> InvalidMessage:
    return InvalidMessage(f"timezone: {sentence}; {_REMEDY}", field="timezone")
