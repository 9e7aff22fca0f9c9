"""Many threads write at once, and share their commits: a commit costs the same for one or fifty.

Whoever comes first writes what all the others who came meanwhile want written.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Sequence

from polysms.errors import LedgerError
from polysms.ledger.unwanted import OptedOut, refusal
from polysms.ledger.writing import End, Line, TakenOver

Commit = Callable[[Sequence[Line], Sequence[End]], None]


class Job:
    """What one caller wants written, and what came of it."""

    def __init__(self, lines: Sequence[Line], ends: Sequence[End]) -> None:
        self.lines = lines
        self.ends = ends
        self.done = False
        self.error: Exception | None = None


class Batches:
    """Joins what is written at the same time into one commit."""

    def __init__(self, commit: Commit) -> None:
        self._commit = commit
        self._begin_again()

    def _begin_again(self) -> None:
        self._owner = os.getpid()
        self._turn = threading.Lock()
        self._waiting: list[Job] = []

    def write(self, lines: Sequence[Line], ends: Sequence[End]) -> None:
        """Write lines and ends; return once they are committed, or raise what went wrong."""
        if self._owner != os.getpid():
            self._begin_again()  # in the child of a fork: no thread of the parent is here
        job = Job(lines, ends)
        self._waiting.append(job)
        with self._turn:
            if not job.done:
                jobs, self._waiting = self._waiting, []
                written(self._commit, jobs)
        if job.error is not None:
            raise job.error


def written(commit: Commit, jobs: Sequence[Job]) -> None:
    """Write jobs in one commit; where that fails by one of them, each by itself."""
    try:
        _together(commit, jobs)
    except OptedOut as found:
        _without(commit, jobs, found.ids)
    except Exception as error:  # noqa: BLE001 - each job is told what became of it
        if len(jobs) == 1 or _fails_all(error):
            for job in jobs:
                job.error = error
        else:
            for job in jobs:
                written(commit, [job])
    for job in jobs:
        job.done = True


def _without(commit: Commit, jobs: Sequence[Job], ids: Collection[str]) -> None:
    """Refuse the messages that must not be sent, and write the others, in one commit still."""
    for job in jobs:
        if any(line.id in ids for line in job.lines):
            job.error = refusal()
    rest = [job for job in jobs if job.error is None]
    if rest:
        written(commit, rest)


def _together(commit: Commit, jobs: Sequence[Job]) -> None:
    commit(
        [line for job in jobs for line in job.lines],
        [end for job in jobs for end in job.ends],
    )


def _fails_all(error: Exception) -> bool:
    """Whether each by itself would fail too, and only later: the database is not to be had."""
    if isinstance(error, TakenOver):
        return False
    return isinstance(error, LedgerError) and error.retry_later
