"""The messages of a file's rows, at their pace, until Ctrl-C."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator, Sequence

from polysms.cli import rows
from polysms.cli.options import WHERE
from polysms.config.reading import fault
from polysms.message import Message

#: Seconds between two looks at whether Ctrl-C was pressed.
_NAP = 0.1


class Pace:
    """So many a second and no more: whoever comes late does not catch up."""

    def __init__(
        self,
        rate: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        if rate is not None and not 0 < rate < float("inf"):
            raise fault("--rate", "write how many a second, more than 0", WHERE)
        self._interval = 1 / rate if rate else 0.0
        self._clock, self._sleep = clock, sleep
        self._next = clock()

    def wait(self, stopped: Callable[[], bool]) -> None:
        """Wait until it is time for another, or until it is stopped."""
        while not stopped() and (left := self._next - self._clock()) > 0:
            self._sleep(min(left, _NAP))
        self._next = max(self._next, self._clock()) + self._interval


class Rows:
    """The messages of the rows, one by one at their pace, until it is stopped."""

    def __init__(
        self,
        chosen: Sequence[rows.Row],
        plan: rows.Plan,
        pace: Pace,
        key_of: Callable[[rows.Row], str | None] = lambda _: None,
    ) -> None:
        self._chosen = chosen
        self._plan = plan
        self._pace = pace
        self._key_of = key_of
        self._under_way: dict[int, rows.Row] = {}
        self.interrupted = False
        self.stopped = False

    def __len__(self) -> int:
        return len(self._chosen)

    def __iter__(self) -> Iterator[Message]:
        for row in self._chosen:
            self._pace.wait(lambda: self.stopped)
            if self.stopped:
                return
            message = self._plan.message(row.to, row.text, key=self._key_of(row))
            self._under_way[id(message)] = row
            yield message

    def row(self, message: Message) -> rows.Row:
        """Return the row of a message whose result has come."""
        return self._under_way.pop(id(message))

    @contextlib.contextmanager
    def until_ctrl_c(self) -> Iterator[None]:
        """Let Ctrl-C begin no further send, so that those under way are waited for.

        A second Ctrl-C interrupts the waiting too.
        """
        before = signal.signal(signal.SIGINT, self._stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _stop(self, *_: object) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = self.stopped = True
