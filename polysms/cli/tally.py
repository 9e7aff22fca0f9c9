"""What became of many messages: counted, written down one by one, and told at the end."""

from __future__ import annotations

import contextlib
import csv
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Self

import attrs
from rich.console import Group
from rich.table import Table

from polysms import Result
from polysms.cli.failure import DONE, MAYBE_SENT, NOT_SENT, name_of
from polysms.cli.options import WHERE
from polysms.cli.output import columns, plainly
from polysms.client.core import told
from polysms.config.reading import fault
from polysms.delivery import Delivery, Outcome, Status
from polysms.errors import ConfigError, LedgerError, NotSent, PolysmsError

#: As a shell has it for a program that Ctrl-C ended.
INTERRUPTED = 130
#: What is written down of each; ``attempts`` is JSON, of what may have been sent.
COLUMNS = (
    *("line", "key", "outcome", "account", "provider_id", "id", "status", "segments", "error"),
    "attempts",
)
#: What is needed to look for an attempt, and holds no number and no words.
_SOUGHT = (
    *("account", "provider", "reference", "started_at", "expires_at", "ended_at"),
    *("outcome", "evidence", "lookup"),
)


def outcome_of(error: BaseException | None) -> Outcome:
    """Return how a send ended; what is not surely not sent may have been sent."""
    if error is None:
        return Outcome.ACCEPTED
    surely_not = isinstance(told(error), (NotSent, ConfigError, LedgerError))
    return Outcome.NOT_SENT if surely_not else Outcome.MAYBE_SENT


def came_to(result: Result) -> Outcome:
    """Return how a row's send ended; one that an earlier run has not ended may have been sent."""
    known = result.delivery
    if result.error is None and known is not None and known.status is Status.PENDING:
        return Outcome.MAYBE_SENT
    return outcome_of(result.error)


def facts_of(result: Result, line: int, key: str | None) -> dict[str, Any]:
    """Return what is written down of a result: by line and key, without a number or a text."""
    delivery, error = result.delivery, result.error and (told(result.error) or result.error)
    return {
        "line": line,
        "key": key,
        "outcome": came_to(result),
        "account": getattr(delivery, "account", None) or getattr(error, "account", None),
        "provider_id": delivery and delivery.provider_id,
        "id": delivery and delivery.id,
        "status": delivery and delivery.status,
        "segments": delivery and delivery.segments,
        "error": error and _why(error),
    }


def unclear(result: Result) -> Delivery | None:
    """Return the delivery of a result that may have been sent, None of any other."""
    return result.delivery if came_to(result) is Outcome.MAYBE_SENT else None


def _attempts(delivery: Delivery | None) -> str | None:
    if delivery is None:
        return None
    written = delivery.to_dict()["attempts"]
    return json.dumps([{name: one[name] for name in _SOUGHT} for one in written])


def _why(error: Exception) -> str:
    """Return an error's name and reason; a provider's own words may repeat the message."""
    reason = error.reason if isinstance(error, PolysmsError) else None
    return f"{type(error).__name__}: {reason}" if reason else type(error).__name__


class Record:
    """The results file: a line for each result, written out at once, so that a kill leaves it."""

    def __init__(self, path: str | None) -> None:
        self.path = path
        self._stream: IO[str] | None = None
        self.broken: str | None = None

    def require_new(self) -> None:
        """Raise ConfigError where the file is there already: it may tell of texts that were sent.

        Its folder is looked for as well.
        """
        if self.path is None:
            return
        path = Path(self.path)
        try:
            is_there, has_folder = path.exists(), path.parent.is_dir()
        except (OSError, ValueError) as error:
            raise self._unwritable(error) from error
        if is_there:
            raise fault("--results", f"{self.path} exists already; name a new file", WHERE)
        if not has_folder:
            raise fault("--results", f"there is no folder {str(path.parent)!r}", WHERE)

    def _unwritable(self, error: Exception) -> ConfigError:
        return fault("--results", f"{self.path!r} cannot be written: {name_of(error)}", WHERE)

    def __enter__(self) -> Self:
        """Make the file."""
        if self.path is not None:
            try:
                self._stream = Path(self.path).open("x", encoding="utf-8", newline="")
            except OSError as error:
                raise self._unwritable(error) from error
            self._write(COLUMNS)
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        if self._stream is not None:
            with contextlib.suppress(OSError):  # every line is written out already, or told
                self._stream.close()

    def write(self, facts: Mapping[str, Any], lost: Delivery | None) -> None:
        """Write one result down, and how to look for it if it is ``lost``.

        Trouble is kept in ``broken``, and nothing is written after it.
        """
        told = {**facts, "attempts": _attempts(lost)}
        self._write(["" if told[name] is None else told[name] for name in COLUMNS])

    def _write(self, values: Any) -> None:
        if self._stream is None or self.broken is not None:
            return
        try:
            csv.writer(self._stream, lineterminator="\n").writerow(values)
            self._stream.flush()
        except OSError as error:
            self.broken = name_of(error)


@attrs.define
class Tally:
    """How many messages went which way; ``expected`` are those that were to be sent."""

    expected: int
    outcomes: Counter[Outcome] = attrs.field(factory=Counter)
    refused: Counter[str] = attrs.field(factory=Counter)
    segments: Counter[Outcome] = attrs.field(factory=Counter)
    accounts: Counter[str] = attrs.field(factory=Counter)
    segments_by: Counter[str] = attrs.field(factory=Counter)
    unclear: Counter[str] = attrs.field(factory=Counter)

    def add(self, result: Result) -> None:
        """Count a result."""
        outcome = came_to(result)
        self.outcomes[outcome] += 1
        if outcome is Outcome.NOT_SENT:
            self._add_reason(None if result.error is None else told(result.error))
        elif result.delivery is not None:
            self._add_delivery(outcome, result.delivery)

    def _add_reason(self, error: PolysmsError | None) -> None:
        if error is not None and error.reason is not None:
            self.refused[error.reason] += 1

    def _add_delivery(self, outcome: Outcome, delivery: Delivery) -> None:
        count = delivery.segments or 0
        self.segments[outcome] += count
        if delivery.account is None:
            return
        if outcome is Outcome.MAYBE_SENT:
            self.unclear[delivery.account] += 1
        else:
            self.accounts[delivery.account] += 1
            self.segments_by[delivery.account] += count

    @property
    def not_begun(self) -> int:
        """Messages whose send was never begun, because it all was stopped before."""
        return self.expected - self.outcomes.total()

    @property
    def without_reason(self) -> int:
        """Messages that were surely not sent, refused by no one."""
        return self.outcomes[Outcome.NOT_SENT] - self.refused.total()

    def exit_code(self, *, interrupted: bool) -> int:
        """Return the exit code that tells the worst of it."""
        if interrupted:
            return INTERRUPTED
        if self.outcomes[Outcome.MAYBE_SENT]:
            return MAYBE_SENT
        return NOT_SENT if self.outcomes[Outcome.NOT_SENT] or self.not_begun else DONE

    def document(self, code: int) -> dict[str, Any]:
        """Return the summary for a program."""
        return {
            "type": "summary",
            "messages": self.expected,
            "accepted": self.outcomes[Outcome.ACCEPTED],
            "refused": dict(self.refused),
            "not_sent": self.without_reason,
            "maybe_sent": self.outcomes[Outcome.MAYBE_SENT],
            "not_begun": self.not_begun,
            "segments": self.segments[Outcome.ACCEPTED],
            "accounts": {
                name: {"accepted": count, "segments": self.segments_by[name]}
                for name, count in self.accounts.items()
            },
            "exit_code": code,
        }

    def tables(self) -> Group:
        """Return the summary for people."""
        outcomes = columns("outcome", "messages", "segments", right=("messages", "segments"))
        accepted, maybe = Outcome.ACCEPTED, Outcome.MAYBE_SENT
        _row(outcomes, "accepted", self.outcomes[accepted], self.segments[accepted])
        for reason, count in sorted(self.refused.items()):
            _row(outcomes, f"refused: {reason}", count)
        _row(outcomes, "not sent", self.without_reason)
        _row(outcomes, "maybe sent", self.outcomes[maybe], self.segments[maybe])
        if self.not_begun:
            _row(outcomes, "not begun", self.not_begun)
        if not self.accounts:
            return Group(outcomes)
        accounts = columns("account", "accepted", "segments", right=("accepted", "segments"))
        for name, count in sorted(self.accounts.items()):
            _row(accounts, plainly(name), count, self.segments_by[name])
        return Group(outcomes, "", accounts)


def _row(table: Table, name: str, count: int, segments: int | None = None) -> None:
    table.add_row(name, str(count), "" if segments is None else str(segments))
