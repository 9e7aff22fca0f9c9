"""The application: every provider's paths on one port, and the control API beside them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from polysms.sandbox import carrierx, control, signalwire, twilio, wavix
from polysms.sandbox.answering import Refused, refused
from polysms.sandbox.behaviour import Behaviour
from polysms.sandbox.faults import close
from polysms.sandbox.state import Sandbox

#: Whose path is whose: the first that fits. Two have one prefix, and ids of their own after it.
PREFIXES = {
    "/v1/": "wavix",
    "/v3/": "wavix",
    "/core/v2/": "carrierx",
    "/api/": "signalwire",
    "/2010-04-01/Accounts/AC": "twilio",
    "/2010-04-01/": "signalwire",
    "/v2/PhoneNumbers/": "twilio",
}
# Twilio's come before SignalWire's, which would take any account's id.
_DOORS = (wavix, carrierx, twilio, signalwire, control)


def create_app(of: Sandbox | Behaviour | None = None) -> ASGIApp:
    """Return the sandbox as an ASGI application, for ``running`` and ``serve``.

    Under another server everything works but what closes a connection: only the sandbox's own
    server lets an application do that.
    """
    sandbox = of if isinstance(of, Sandbox) else Sandbox(of or Behaviour())
    app = Starlette(
        routes=[route for door in _DOORS for route in door.ROUTES],
        exception_handlers={Refused: refused},
        lifespan=_lifespan,
    )
    app.state.sandbox = sandbox
    return _with_outages(app, sandbox)


@contextlib.asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    async with app.state.sandbox.callbacks.posting():
        yield


def _with_outages(app: ASGIApp, sandbox: Sandbox) -> ASGIApp:
    async def outages(scope: Scope, receive: Receive, send: Send) -> None:
        provider = owner(scope["path"]) if scope["type"] == "http" else ""
        if sandbox.behaviour.mode(provider) == "down":
            await close(scope, receive)
            return
        await app(scope, receive, send)

    return outages


def owner(path: str) -> str:
    """Return the provider that a path is of, or nothing."""
    return next((name for prefix, name in PREFIXES.items() if path.startswith(prefix)), "")
