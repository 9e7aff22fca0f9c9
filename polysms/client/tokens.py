"""Tokens that accounts send with, where a provider wants one asked for first.

A token is asked for before the first request that needs it, and again before it expires. Whoever
comes meanwhile waits for that answer, or goes on with the old token while it is good. Here are the
decisions; a client does what they ask for in its own way.
"""

from __future__ import annotations

import math
import os
import threading
import weakref
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any, TypeVar

import attrs

from polysms.client.wire import Exchange
from polysms.config import Account
from polysms.providers.base import Busy, Refused, Request, Response, Token
from polysms.routing.steps import Call, Failure, Stage

R = TypeVar("R")
#: Seconds before its end (half its life, if that is less) at which a token is asked for anew.
EARLY = 60.0
#: Seconds until it is tried again, where none was given and the old one is still good.
AGAIN = 5.0
#: Characters; a shorter token might stand in an answer by chance.
LONG_ENOUGH = 8

#: How a request for a token ended: None where whoever made it was stopped.
Found = Token | Failure | None


@attrs.frozen(eq=False)
class Asking:
    """A request for a token that is under way, and that has so many seconds."""

    seconds: float
    ended: Future[Found] = attrs.field(factory=Future)


@attrs.frozen(slots=False)
class AskToken(Call):
    """Ask for a token: no message goes with it."""


@attrs.frozen
class Await:
    """Wait until somebody else's request for a token is over, so many seconds at most."""

    ended: Future[Found]
    seconds: float


@attrs.frozen
class _Turn:
    """It is on us to ask for a token; ``old`` is the one that is still good."""

    asking: Asking
    old: Token | None


@attrs.define
class _Shelf:
    """What is known of one account's token: from ``renew_at`` on, it is asked for anew."""

    token: Token | None = None
    renew_at: float = 0.0
    ends_at: float = 0.0
    asking: Asking | None = None


#: What a client does for a call, answering a Call with its Exchange and an Await with nothing.
Steps = Generator[Call | Await, Any, R]


class Tokens:
    """The tokens of one client's accounts.

    Any thread and any event loop may use it. A child process keeps the tokens of its parent.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self.forget()
        _all.add(self)

    def forget(self) -> None:
        """Know no token any more."""
        self._shelves: dict[str, _Shelf] = {}
        self._requests: dict[str, Request | None] = {}

    def around(self, call: Call) -> Steps[Exchange] | None:
        """Return the steps of a call that needs a token, None where it is to be made as it is.

        They must be closed. Where no token is to be had the call is not made: whatever it would
        have sent is not sent.
        """
        name = call.account.name
        if name not in self._requests:
            build = getattr(call.account.adapter, "token_request", None)
            self._requests[name] = build and build()
        request = self._requests[name]
        return None if request is None else self._with_token(call, request)

    def begin_again(self) -> None:
        """In the child of a fork: hold no lock of the parent's, wait for none of its requests."""
        self._lock = threading.Lock()
        for shelf in self._shelves.values():
            shelf.asking = None

    def _with_token(self, call: Call, request: Request) -> Steps[Exchange]:
        until = self._clock() + call.seconds
        found = yield from self._found(call, request, until)
        if isinstance(found, Exchange):
            return found
        left = until - self._clock()
        if left <= 0:
            return Exchange(_without("its token came too late"))
        adapter: Any = call.account.adapter
        authorized = adapter.authorized(call.request, found.value)
        done: Exchange = yield attrs.evolve(call, request=authorized, seconds=left)
        return self._after(call.account, found, done)

    def _found(self, call: Call, request: Request, until: float) -> Steps[Token | Exchange]:
        """Return a token, or the end of an exchange that cannot begin without one."""
        while (left := until - self._clock()) > 0:
            claim = self._claim(call.account.name, left)
            if isinstance(claim, Token):
                return claim
            if isinstance(claim, _Turn):
                return (yield from self._asked(call, request, claim))
            yield Await(claim.ended, left)
            if not claim.ended.done():
                break
            found = claim.ended.result()
            hasty = isinstance(found, Failure) and 2 * claim.seconds < until - self._clock()
            if found is not None and not hasty:
                return found if isinstance(found, Token) else Exchange(found)
        return Exchange(_without("its token did not come in time"))

    def _claim(self, name: str, seconds: float) -> Token | Asking | _Turn:
        """Return the token to use, the request to wait for, or that it is our turn to ask."""
        with self._lock:
            shelf, now = self._shelves.setdefault(name, _Shelf()), self._clock()
            good = shelf.token if now < shelf.ends_at else None
            if good is not None and (now < shelf.renew_at or shelf.asking is not None):
                return good
            if shelf.asking is not None:
                return shelf.asking
            shelf.asking = Asking(seconds)
            # Whoever waits for it and is cancelled must not cancel it for the others.
            shelf.asking.ended.set_running_or_notify_cancel()
            return _Turn(shelf.asking, good)

    def _asked(self, call: Call, request: Request, turn: _Turn) -> Steps[Token | Exchange]:
        """Ask for a token; tell those who wait what came of it, whatever that is."""
        began, found = self._clock(), None
        try:
            ask = AskToken(call.account, request, turn.asking.seconds, expires_at=call.expires_at)
            done: Exchange = yield ask
            found = _read(call.account, done.answer)
        finally:
            self._settle(call.account.name, turn.asking, found, began)
        if done.interrupt is not None:
            return Exchange(_STOPPED, done.interrupt)
        if isinstance(found, Token):
            return found
        return turn.old or Exchange(found or _STOPPED)

    def _settle(self, name: str, asking: Asking, found: Found, began: float) -> None:
        with self._lock:
            shelf = self._shelves[name]
            if shelf.asking is asking:
                shelf.asking = None
            if isinstance(found, Token):
                life = math.inf if found.expires_in is None else found.expires_in
                shelf.token, shelf.ends_at = found, began + life
                shelf.renew_at = shelf.ends_at - min(EARLY, life / 2)
            else:
                shelf.renew_at = self._clock() + AGAIN
        asking.ended.set_result(found)

    def _after(self, account: Account, token: Token, done: Exchange) -> Exchange:
        """Return an exchange that was made with a token, without it; forget one that is refused."""
        answer, value = done.answer, token.value.encode()
        if not isinstance(answer, Response):
            return done
        if answer.status == _UNAUTHORIZED:
            with self._lock:
                shelf = self._shelves[account.name]
                # Another may have been given meanwhile.
                if shelf.token is token:
                    shelf.token = None
        if len(value) < LONG_ENOUGH or value not in answer.body:
            return done
        hidden = answer.body.replace(value, b"***")
        return attrs.evolve(done, answer=attrs.evolve(answer, body=hidden))


_UNAUTHORIZED = 401
_STOPPED = Failure(
    stage=Stage.NOTHING, text="stopped before its token came", ours=True, interrupted=True
)


def _without(text: str, no: Refused | Busy | None = None) -> Failure:
    return Failure(stage=Stage.NOTHING, text=text, no=no)


def _read(account: Account, answer: Response | Failure) -> Found:
    """Return what came of a request for a token.

    Whatever it is, nothing of what was to be sent has been written: a failure, at most.
    """
    if isinstance(answer, Failure):
        text = f"no token: {answer.text}"
        kept = attrs.evolve(answer, stage=Stage.NOTHING, text=text)
        return None if answer.interrupted else kept
    adapter: Any = account.adapter
    try:
        found = adapter.read_token(answer)
    except Exception as error:  # noqa: BLE001 - an adapter's bug
        return _without(f"no token: the answer could not be read ({type(error).__name__})")
    if isinstance(found, Token):
        return found
    no = found if isinstance(found, (Refused, Busy)) else None
    said = account.hide(getattr(found, "text", "an answer we cannot read"))
    return _without(f"no token: {said} (HTTP {answer.status})", no)


_all: weakref.WeakSet[Tokens] = weakref.WeakSet()


def _in_child() -> None:
    for tokens in list(_all):
        tokens.begin_again()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
