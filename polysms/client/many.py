"""Many messages at once: what came of each, and threads that send them.

At most ``concurrency`` messages have been read from the caller's iterable whose results have not
been handed back yet: those on their way, and those that ended while the caller was busy. So an
endless iterable works, and memory does not grow with its length.

The iterable is read in the thread that asks for the results, between two of them: a database
cursor may be one, and nothing is read that nobody waits for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

import attrs

from polysms import redact
from polysms.client.core import told
from polysms.delivery import Delivery
from polysms.errors import ConfigError, InvalidMessage
from polysms.message import Message

_THREADS = "polysms-send"


def _shown_message(message: object) -> str:
    return repr(message) if isinstance(message, Message) else f"<a {type(message).__name__}>"


def _shown_error(error: Exception | None) -> str:
    return redact.scrub(repr(error))


@attrs.frozen
class Result:
    """What came of one message of many: a delivery, an error, or both.

    ``message`` is the item as it was given. ``error`` is None where a provider has taken the
    message; ``delivery`` is then there, and with an error wherever a send had begun.
    """

    message: Message = attrs.field(repr=_shown_message)
    delivery: Delivery | None
    error: Exception | None = attrs.field(repr=_shown_error)


def require_concurrency(value: object) -> int:
    """Return how many messages may be on their way at once; raise ConfigError for nonsense."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError("concurrency: write a whole number, 1 or more", key="concurrency")
    return value


def failed(message: Message, error: Exception) -> Result:
    """Return the result of a send that raised."""
    found = told(error)
    return Result(message, None if found is None else found.delivery, error)


def stranger(item: object) -> InvalidMessage | None:
    """Return the error for an item that is no message, None for one that is."""
    if isinstance(item, Message):
        return None
    return InvalidMessage(f"send_many() takes Messages, not a {type(item).__name__}")


class Source(Iterator[Message]):
    """The caller's iterable: where it raises it merely ends, and the error is kept for later."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self._items = iter(messages)
        self.error: Exception | None = None

    def __next__(self) -> Message:
        try:
            return next(self._items)
        except StopIteration:
            raise
        except Exception as error:
            self.error = error
            raise StopIteration from error


def in_threads(
    send: Callable[[Message], Delivery], messages: Iterable[Message], concurrency: int
) -> Generator[Result, None, None]:
    """Send in threads and yield the results as they come.

    Whatever ends it, the sends that have begun are waited for.
    """
    source = Source(messages)
    ended: SimpleQueue[Future[Result]] = SimpleQueue()
    under_way = 0
    pool = ThreadPoolExecutor(concurrency, _THREADS, initializer=_named)
    try:
        for message in source:
            pool.submit(_result, send, message).add_done_callback(ended.put)
            under_way += 1
            # Up to two for each message read: what has ended never piles up behind a slow source,
            # and behind a slow consumer there are sends under way all the same.
            for _ in range(2):
                if under_way == concurrency or not ended.empty():
                    under_way -= 1
                    yield ended.get().result()
        while under_way:
            under_way -= 1
            yield ended.get().result()
    finally:
        pool.shutdown(cancel_futures=True)
    if source.error is not None:
        raise source.error


def _named() -> None:
    thread = threading.current_thread()
    thread.name = thread.name.replace(f"{_THREADS}_", f"{_THREADS}-")


def _result(send: Callable[[Any], Delivery], message: Message) -> Result:
    if (error := stranger(message)) is not None:
        return Result(message, None, error)
    try:
        return Result(message, send(message), None)
    except Exception as caught:  # noqa: BLE001 - one failure never stops the rest
        return failed(message, caught)
