"""One account's breaker: it keeps a broken provider from costing every message its timeouts.

Closed, it counts; open, it lets nothing through; half open, one probe at a time. Time and chance
are arguments. What counts as a failure is decided elsewhere (:mod:`polysms.routing.health`).
"""

from __future__ import annotations

from collections import deque
from typing import ClassVar

import attrs

#: Failures in a row that open it.
IN_A_ROW = 5
#: Or: more than this share of at least so many tries within so many seconds.
SHARE = 0.5
FEWEST = 20
WINDOW = 30.0
#: Seconds it stays open the first time; n times as long the n-th time in a row, up to the longest.
OPEN = 30.0
LONGEST_OPEN = 300.0
#: Successes that close it again.
SUCCESSES = 2
#: Seconds of health that take one opening off the count.
HEALED = 10.0
#: Seconds for which a success of one's own is believed before what another process says.
BELIEVED = 10.0


@attrs.frozen
class Entry:
    """How an attempt came past the breaker: its answer means as much.

    ``kind`` is "usual", "probe" or "forced". ``era`` counts the breaker's openings and closings
    until then: what was begun in another era says nothing of this one. None is always this one.
    """

    kind: str
    era: int | None = attrs.field(default=None, eq=False)

    USUAL: ClassVar[Entry]
    PROBE: ClassVar[Entry]
    FORCED: ClassVar[Entry]


Entry.USUAL, Entry.PROBE, Entry.FORCED = Entry("usual"), Entry("probe"), Entry("forced")


class Breaker:
    """What the last tries at one account say about asking it again."""

    def __init__(self) -> None:
        self.failures_in_a_row = 0
        self.openings = 0
        self.opened_for = ""
        self.open_until: float | None = None
        self.is_hearsay = False
        self._well_at: float | None = None
        self._closed_at = 0.0
        self._successes = 0
        self._era = 0
        self._usual = Entry("usual", 0)
        self._probe: Entry | None = None
        self._probe_until = 0.0
        # Seconds of the clock, each with its tries and its failures.
        self._window: deque[list[float]] = deque()

    def seconds_closed_for(self, now: float) -> float:
        """Return the seconds until a probe may be made; 0.0 where the account may be asked."""
        return max(0.0, self.open_until - now) if self.open_until is not None else 0.0

    def is_probing(self, now: float) -> bool:
        """Whether a probe is under way. One that never came back is given up at its own time."""
        return self._probe is not None and now < self._probe_until

    def admits(self, now: float) -> bool:
        """Whether the account may be asked now."""
        if self.open_until is None:
            return True
        return now >= self.open_until and not self.is_probing(now)

    def enter(self, now: float, seconds: float) -> Entry | None:
        """Return how the account may be asked now, None for not at all.

        Half open, this is the one probe: no other is made for so many seconds, or until it ends.
        """
        if self.open_until is None:
            return self._usual
        if not self.admits(now):
            return None
        self._probe, self._probe_until = Entry("probe", self._era), now + seconds
        return self._probe

    def leave(self, entry: Entry) -> None:
        """Note an answer that says nothing of the account's health."""
        # A probe that was given up makes no room for a third when it ends after all.
        if entry is self._probe or entry is Entry.PROBE:
            self._probe = None

    def succeeded(self, entry: Entry, now: float) -> None:
        """Note a success."""
        self.leave(entry)
        usual = entry.kind == "usual"
        if usual and self._is_stale(entry):
            return
        self._well_at = now
        if self.open_until is None:
            self.failures_in_a_row = 0
            self._count(now, failed=False)
        elif not usual:
            self._successes += 1
            if self._successes >= SUCCESSES:
                self._close(now)

    def failed(self, entry: Entry, now: float, chance: float) -> None:
        """Note a failure. ``chance`` (0 to 1) is the jitter of the opening it may cause."""
        self.leave(entry)
        if self.open_until is not None:
            # What was under way when it opened, or asked all the same, opens nothing further.
            if entry.kind == "probe":
                self._open(now, chance, "a probe failed")
            return
        if self._is_stale(entry):
            return
        self.failures_in_a_row += 1
        self._count(now, failed=True)
        if self.failures_in_a_row >= IN_A_ROW:
            self._open(now, chance, f"{self.failures_in_a_row} failures in a row")
        elif (said := self._too_many(now)) is not None:
            self._open(now, chance, said)

    def is_well(self, now: float) -> bool:
        """Whether the last try of our own, a moment ago, was a success."""
        lately = self._well_at is not None and now - self._well_at < BELIEVED
        return lately and self.open_until is None and not self.failures_in_a_row

    def hear_open(self, until: float, why: str) -> None:
        """Stay open until then, because another process found that it must."""
        if self.open_until is None:
            self._begin_era()
            self._successes = 0
            self.is_hearsay = True
        self.opened_for = why
        self.open_until = max(until, self.open_until or until)

    def hear_closed(self, now: float) -> None:
        """Believe that the account is well: all of it where the opening too was hearsay."""
        if self.open_until is None:
            return
        if self.is_hearsay:
            self._close(now)
        else:
            # What was found out here is tried here, now.
            self.open_until = min(self.open_until, now)

    def _is_stale(self, entry: Entry) -> bool:
        return entry.era is not None and entry.era != self._era

    def _begin_era(self) -> None:
        self._era += 1
        self._usual = Entry("usual", self._era)

    def _close(self, now: float) -> None:
        self._begin_era()
        self.open_until = None
        self.is_hearsay = False
        self.failures_in_a_row = 0
        self._closed_at = now
        self._window.clear()

    def _open(self, now: float, chance: float, why: str) -> None:
        self._begin_era()
        if self.open_until is None:
            self.openings = max(0, self.openings - int((now - self._closed_at) / HEALED))
        self.openings += 1
        self.opened_for = why
        self.is_hearsay = False
        # Equal jitter: many processes must not all probe at one moment.
        self.open_until = now + min(LONGEST_OPEN, OPEN * self.openings) * (0.5 + chance / 2)
        self._successes = 0

    def _count(self, now: float, *, failed: bool) -> None:
        second = float(int(now))
        if not self._window or self._window[-1][0] != second:
            self._window.append([second, 0, 0])
        self._window[-1][1] += 1
        self._window[-1][2] += failed
        self._forget(now)

    def _forget(self, now: float) -> None:
        while self._window and self._window[0][0] <= now - WINDOW:
            self._window.popleft()

    def _too_many(self, now: float) -> str | None:
        self._forget(now)
        tries = int(sum(second[1] for second in self._window))
        failures = int(sum(second[2] for second in self._window))
        if tries < FEWEST or failures <= SHARE * tries:
            return None
        return f"{failures} failures of {tries} tries in {WINDOW:.0f} s"
