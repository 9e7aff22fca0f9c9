"""The state of one running sandbox, and the way every send takes through it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from polysms.sandbox.answering import Json, Refusal
from polysms.sandbox.behaviour import Behaviour
from polysms.sandbox.callbacks import Callback, Callbacks
from polysms.sandbox.faults import Awaiting, Cut, Drop, Hang
from polysms.sandbox.progress import Step, Wish, wish
from polysms.sandbox.store import Draft, Entry, Store

#: A JSON object of an answer.
Object = dict[str, Any]
_PAGE = "<!doctype html><title>Welcome</title><p>Please sign in to this network.</p>"


class Sandbox:
    """One sandbox: how it behaves now, what it accepted, and the callbacks it owes.

    ``url`` is where it is served, once it is.
    """

    def __init__(self, behaviour: Behaviour) -> None:
        """Take how it behaves at first, and again after a reset."""
        self.url = ""
        self.behaviour = behaviour
        self.store = Store(behaviour.seed)
        self.callbacks = Callbacks(self.now, self._current)
        #: Opt-outs that Wavix was told of: number and sender (None: any), and when.
        self.optouts: dict[tuple[str, str | None], float] = {}
        #: Senders that Wavix was asked to register, by id.
        self.senders: dict[str, Object] = {}
        self.stopping = asyncio.Event()
        self._first = behaviour

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        return self.behaviour.clock()

    def reset(self) -> None:
        """Forget every message, callback, opt-out and sender, and behave as at first."""
        self.store.clear()
        self.callbacks.clear()
        self.optouts.clear()
        self.senders.clear()
        self.behaviour = self._first

    def _current(self, entry: Entry) -> Entry | None:
        return self.store.get(entry.draft.provider, entry.id)


@attrs.frozen(kw_only=True)
class Voice:
    """What a provider says to a good send: ``created`` is its status, ``shown`` its body.

    ``refusals`` are its answers to what is not accepted, ``broken`` the one after which nobody
    knows; ``report`` is what it posts when a message has come to a step.
    """

    created: int
    shown: Callable[[Entry, float, Behaviour], Object]
    refusals: Mapping[Wish, Refusal]
    broken: Refusal
    report: Callable[[Entry, Step, Behaviour], Callback | None]


def sandbox_of(request: Request) -> Sandbox:
    """Return the sandbox that a request came to."""
    sandbox: Sandbox = request.app.state.sandbox
    return sandbox


def answer(sandbox: Sandbox, draft: Draft, voice: Voice) -> Response:
    """Accept a good send, or refuse it, or answer badly: as the recipient or the mode asks."""
    behaviour = sandbox.behaviour
    asked = wish(draft.to, behaviour.mode(draft.provider))
    if asked in voice.refusals:
        return voice.refusals[asked].answer()
    entry = sandbox.store.accept(draft, asked, behaviour)
    body = voice.shown(entry, entry.created, behaviour)
    faults: dict[Wish, Callable[[], Response]] = {
        Wish.ERROR: voice.broken.answer,
        Wish.HANG: lambda: Hang(sandbox.stopping, behaviour.hang_seconds),
        Wish.DROP: Drop,
        Wish.HTML: lambda: HTMLResponse(_PAGE, voice.created),
        Wish.EMPTY: lambda: Json({}, voice.created),
        Wish.CUT: lambda: Cut(body, voice.created),
    }
    response = faults[asked]() if asked in faults else Json(body, voice.created)

    def report(known: Entry, step: Step) -> Callback | None:
        return voice.report(known, step, sandbox.behaviour)

    if behaviour.disorder:
        return Awaiting(sandbox.callbacks.disorder(entry, report), response)
    sandbox.callbacks.expect(entry, report)
    return response
