"""A lock that is free in the child of a fork, whoever held it in the parent."""

from __future__ import annotations

import os
import threading
import weakref


class Lock:
    """As :class:`threading.Lock`, for ``with``; a child process begins with it unlocked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        _all.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def begin_again(self) -> None:
        """Be unlocked, in a child process where no other thread lives."""
        self._lock = threading.Lock()


_all: weakref.WeakSet[Lock] = weakref.WeakSet()


def _in_child() -> None:
    for lock in list(_all):
        lock.begin_again()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
