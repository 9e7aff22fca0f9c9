"""Forks: what a child must not inherit is closed before, and what it inherits is never closed.

SQLite keeps in the process which locks it holds on a file. A child would believe that it holds
them too, and write beside others that know nothing of it. So a file's connections are closed before
the fork, when nobody uses them, and opened again where they are needed. A connection to PostgreSQL
is a socket, which a child may drop: unclosed, because closing speaks on it.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol


class Forked(Protocol):
    """What is told of a fork."""

    def before_fork(self) -> None:
        """Close what a child must not have."""

    def after_fork(self) -> None:
        """Go on, in the parent."""

    def in_child(self) -> None:
        """Begin again, in the child, where no other thread lives."""


class Gate:
    """Counts who is inside; while it is shut nobody enters."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._change = threading.Condition()
        self._inside = 0
        self._shut = False

    def __enter__(self) -> None:
        with self._change:
            # Longer than it is ever shut.
            self._change.wait_for(lambda: not self._shut, 2 * self._patience)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._change:
            self._inside -= 1
            self._change.notify_all()

    def shut(self) -> bool:
        """Let nobody enter any more; return whether all have left, for whom it waits a while."""
        with self._change:
            self._shut = True
            return self._change.wait_for(lambda: self._inside == 0, self._patience)

    def open(self) -> None:
        """Let them enter again."""
        with self._change:
            self._shut = False
            self._change.notify_all()


def watch(one: Forked) -> None:
    """Tell it of every fork, as long as it lives."""
    _watched.add(one)


_watched: weakref.WeakSet[Forked] = weakref.WeakSet()
#: One fork at a time: the gates of one are not to be opened by another.
_fork = threading.RLock()


def _before() -> None:
    _fork.acquire()
    for one in list(_watched):
        one.before_fork()


def _in_parent() -> None:
    for one in list(_watched):
        one.after_fork()
    _fork.release()


def _in_child() -> None:
    global _fork  # noqa: PLW0603 - the parent's is held by a thread that is not here
    _fork = threading.RLock()
    for one in list(_watched):
        one.in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
