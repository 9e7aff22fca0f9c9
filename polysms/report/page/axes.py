"""Axes: where a figure lies, in percent of a picture's width or height, and which are marked."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs

#: Room on both sides, in percent, for what is drawn or written at an end.
_ROOM = 5.0
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
#: Times at which an axis is marked, in seconds, and what they are called.
_TIMES = {
    **{seconds: f"{seconds:g} s" for seconds in (0.01, 0.1, 1.0, 10.0)},
    **{60.0 * minutes: f"{minutes} min" for minutes in (1, 10)},
    **{3600.0 * hours: f"{hours} h" for hours in (1, 6)},
    **{86400.0 * days: f"{days} d" for days in (1, 3, 10, 30, 100, 365, 1000)},
}


@attrs.frozen(kw_only=True)
class Axis:
    """From ``low`` to ``high``; ``ticks`` are marked. ``room`` is left free at both ends."""

    low: float
    high: float
    ticks: tuple[float, ...]
    is_logarithmic: bool = False
    room: float = _ROOM

    def place(self, value: float) -> float:
        """Return where a value lies: from 0 to 100, or outside."""
        low, high, at = (self._scaled(one) for one in (self.low, self.high, value))
        return self.room + (100 - 2 * self.room) * (at - low) / (high - low)

    def _scaled(self, value: float) -> float:
        return math.log(max(value, self.low)) if self.is_logarithmic else value

    @property
    def step(self) -> float:
        """From one tick to the next."""
        return self.ticks[1] - self.ticks[0]


def linear(low: float, high: float, *, most: int = 5, room: float = _ROOM) -> Axis:
    """Return an axis with round ticks, at most ``most`` and one more, that holds both ends."""
    if not high - low > 1e-9 * max(abs(low), abs(high)):
        reach = abs(high) / 10 or 1.0
        low, high = low - reach, high + reach
    step = _step((high - low) / most)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(number * step for number in range(first, last + 1))
    return Axis(low=ticks[0], high=ticks[-1], ticks=ticks, room=room)


def _step(least: float) -> float:
    scale = 10.0 ** math.floor(math.log10(least))
    return scale * next(one for one in _STEPS if one * scale >= least * (1 - 1e-9))


def shares(*values: float, room: float = _ROOM) -> Axis:
    """Return an axis for shares: it ends at 0 and at 1."""
    found = linear(min(values, default=0.0), max(values, default=1.0), most=4, room=room)
    ticks = tuple(tick for tick in found.ticks if -1e-9 <= tick <= 1 + 1e-9)
    return Axis(low=ticks[0], high=ticks[-1], ticks=ticks, room=room)


def amounts(values: Sequence[float], *, room: float = _ROOM) -> Axis:
    """Return an axis for money; amounts that are all but equal do not fill it."""
    low, high = min(values), max(values)
    spare = max(0.0, (0.1 * abs(high) - (high - low)) / 2)
    return linear(low - spare, high + spare, most=3, room=room)


def times(low: float, high: float) -> Axis:
    """Return an axis for seconds that grows by factors; at least two times are marked."""
    marks = tuple(_TIMES)
    low = min(max(low, marks[0]), marks[-2])
    first = max(place for place, time in enumerate(marks) if time <= low)
    last = next((place for place, time in enumerate(marks) if time >= high), len(marks) - 1)
    inside = tuple(time for time in marks if low <= time <= high)
    if len(inside) > 1:
        return Axis(low=low, high=high, ticks=inside, is_logarithmic=True, room=0.0)
    ticks = marks[first : max(last, first + 1) + 1]
    end = max(ticks[-1], high)
    return Axis(low=ticks[0], high=end, ticks=ticks, is_logarithmic=True, room=0.0)


def called(time: float) -> str:
    """Return what a mark of an axis of times is called."""
    return _TIMES[time]
