"""A provider in this process: the sandbox's answers without a server, a socket or an event loop.

Here nothing happens by itself: a message stays as it was taken until a test says otherwise, and
every number is as good as any other.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, MutableMapping
from contextvars import copy_context
from threading import Lock
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import attrs

from polysms.providers.base import Request, Response
from polysms.sandbox.app import create_app, owner
from polysms.sandbox.behaviour import Behaviour
from polysms.sandbox.progress import Step, Wish, plain
from polysms.sandbox.state import Sandbox
from polysms.sandbox.store import Draft, Entry, Store
from polysms.testing.problems import NoAnswer

#: The version of ASGI's words by which an answer in pieces needs no event loop.
_ASGI = {"version": "3.0", "spec_version": "2.4"}
Message = MutableMapping[str, Any]


class Shelf(Store):
    """Messages that stay as they were taken; ``first`` is the status of the next one."""

    first: str | None = None

    def accept(self, draft: Draft, wish: Wish, behaviour: Behaviour) -> Entry:
        """Keep a message at its first step, to be seen in lists at once."""
        entry = super().accept(draft, wish, behaviour)
        step = entry.steps[0]
        if self.first is not None:
            step = attrs.evolve(step, status=self.first)
        # Now, and not a moment later: its first step may lie a little ahead.
        return self.keep(attrs.evolve(entry, steps=(step,), lag=0.0))

    def keep(self, entry: Entry) -> Entry:
        """Keep a message in place of what it was; return it."""
        with self._lock:
            self._entries[entry.id] = entry
        return entry


class Played:
    """The providers that the sandbox plays; any thread may ask."""

    def __init__(self) -> None:
        self.sandbox = Sandbox(Behaviour())
        self.shelf = self.sandbox.store = Shelf()
        self._app = create_app(self.sandbox)
        self._lock = Lock()

    def ask(self, request: Request, first: str | None = None) -> Response:
        """Return the answer to a request; ``first`` is the status word of a message it sends."""
        with self._lock:
            self.shelf.first = first
            try:
                return self._asked(request)
            finally:
                self.shelf.first = None

    def _asked(self, request: Request) -> Response:
        said: list[Message] = []
        body: list[Message] = [{"type": "http.request", "body": request.content}]

        async def receive() -> Message:
            return body.pop() if body else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            said.append(message)

        context = copy_context()
        context.run(plain.set, True)  # noqa: FBT003 - a variable's value
        context.run(_run, lambda: self._app(_scope(request), receive, send))
        return _answer(said)


def _run(call: Callable[[], Any]) -> None:
    """Run a coroutine that waits for nothing."""
    coroutine: Coroutine[Any, Any, None] = call()
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise NoAnswer("the sandbox waits for something, and cannot be asked in a test")


def _scope(request: Request) -> dict[str, Any]:
    parts = urlsplit(request.url)
    path = _path(parts)
    headers = [(k.lower().encode(), v.encode("latin-1")) for k, v in request.headers.items()]
    return {
        "type": "http",
        "asgi": _ASGI,
        "http_version": "1.1",
        "method": request.method,
        "scheme": parts.scheme,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(b"host", parts.netloc.encode()), *headers],
        "server": (parts.hostname, parts.port or 443),
        "client": ("127.0.0.1", 0),
    }


def _path(parts: SplitResult) -> str:
    """Return a path as the provider has it: an account's own address may put something before."""
    starts = [place for place, letter in enumerate(parts.path) if letter == "/"]
    found = next((start for start in starts if owner(unquote(parts.path[start:]))), None)
    if found is None:
        raise NoAnswer(f"the sandbox knows no address {parts.path!r}")
    return parts.path[found:]


def _answer(said: list[Message]) -> Response:
    head, *rest = said
    headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in head["headers"]}
    return Response(head["status"], headers, b"".join(one.get("body", b"") for one in rest))


def stepped(entry: Entry, word: str, at: float, code: str | None, text: str | None) -> Entry:
    """Return a message that has come to a status."""
    return attrs.evolve(entry, steps=(*entry.steps, Step(word, at, code, text)))
