"""The control API under ``/_sandbox/``: what the phones got, and how the sandbox behaves.

For callers on this machine only.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import attrs
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from polysms.sandbox.answering import Json, Refusal, content, loaded, refuse, stamp_ms, whole
from polysms.sandbox.behaviour import PROVIDERS, Behaviour
from polysms.sandbox.callbacks import is_loopback, tried
from polysms.sandbox.inbound import posted
from polysms.sandbox.state import Object, Sandbox, sandbox_of
from polysms.sandbox.store import Entry

#: How many items one answer holds.
MOST_ITEMS = 1000
_FIELDS = ("speed", "wrapped", "legacy", "signing_key", "disorder")
_BY_PROVIDER = {
    "mode": "modes",
    "loses": "losses",
    "slower": "slowness",
    "callback_url": "callback_urls",
}

Handler = Callable[[Request], Awaitable[Response]]


def _local(handler: Handler) -> Handler:
    async def local(request: Request) -> Response:
        if request.client is None or not is_loopback(request.client.host):
            refuse(Refusal(403, {"error": "the control API is for loopback only"}))
        return await handler(request)

    return local


async def _health(request: Request) -> Response:
    return Json({"status": "ok", "messages": len(sandbox_of(request).store.all())})


async def _messages(request: Request) -> Response:
    sandbox = sandbox_of(request)
    number = request.query_params.get("to")
    found = sandbox.store.all() if number is None else sandbox.store.received(number)
    now = sandbox.now()
    return _page(request, found, lambda entry: _message(entry, now))


def _message(entry: Entry, now: float) -> Object:
    draft = entry.draft
    return {
        "provider": draft.provider,
        "id": entry.id,
        "from": draft.sender,
        "to": draft.to,
        "group": draft.group,
        "kind": draft.kind,
        "text": draft.text,
        "media": draft.media,
        "segments": entry.segments,
        "status": entry.at(now).status,
        "accepted_at": stamp_ms(entry.created),
        "request": draft.request,
    }


async def _callbacks(request: Request) -> Response:
    return _page(request, sandbox_of(request).callbacks.records(), attrs.asdict)


def _page(request: Request, found: Sequence[Any], shown: Callable[[Any], Object]) -> Response:
    offset = whole(request.query_params.get("offset"), 0, 0, 10**9)
    limit = whole(request.query_params.get("limit"), MOST_ITEMS, 1, MOST_ITEMS)
    if offset is None or limit is None:
        refuse(_wrong(f"offset is from 0 on, limit from 1 to {MOST_ITEMS}"))
    items = [shown(item) for item in found[offset : offset + limit]]
    return Json({"items": items, "total": len(found)})


def _wrong(sentence: str) -> Refusal:
    return Refusal(400, {"error": sentence})


async def _behaviour(request: Request) -> Response:
    return Json(_shown(sandbox_of(request).behaviour))


def _shown(behaviour: Behaviour) -> Object:
    names = (*_FIELDS, *_BY_PROVIDER.values())
    return {
        name: dict(value) if name in _BY_PROVIDER.values() else value
        for name in names
        for value in [getattr(behaviour, name)]
    }


async def _behave(request: Request) -> Response:
    sandbox = sandbox_of(request)
    try:
        sandbox.behaviour = _changed(sandbox.behaviour, loaded(await content(request)))
    except (ValueError, TypeError) as error:
        refuse(_wrong(str(error.args[0])))
    return Json(_shown(sandbox.behaviour))


def _changed(behaviour: Behaviour, wanted: object) -> Behaviour:
    """Return the behaviour with the fields changed that a request names.

    ``{"speed": 20}`` changes a field; ``{"provider": "wavix", "mode": "hang"}`` changes one
    provider, or all of them without "provider". A null takes what was said of a provider away.
    """
    if not isinstance(wanted, dict):
        raise TypeError("write a JSON object")
    unknown = set(wanted) - {*_FIELDS, *_BY_PROVIDER, "provider"}
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    changes: Object = {name: wanted[name] for name in _FIELDS if name in wanted}
    for name, field in _BY_PROVIDER.items():
        if name in wanted:
            providers = [wanted["provider"]] if "provider" in wanted else PROVIDERS
            changes[field] = _with(getattr(behaviour, field), providers, wanted[name])
    return attrs.evolve(behaviour, **changes)


def _with(values: Any, providers: Sequence[Any], value: Any) -> Object:
    kept = {name: old for name, old in values.items() if name not in providers}
    return kept if value is None else {**kept, **dict.fromkeys(providers, value)}


async def _inbound(request: Request) -> Response:
    """Let a phone write; the answer says how the program answered."""
    sandbox = sandbox_of(request)
    try:
        wanted = loaded(await content(request))
        identity, callback = posted(wanted, sandbox.behaviour.signing_key, sandbox.now())
    except (ValueError, TypeError) as error:
        refuse(_wrong(str(error.args[0])))
    answer, problem = await tried(callback)
    return Json({"id": identity, "answer": answer, "error": problem})


async def _reset(request: Request) -> Response:
    sandbox: Sandbox = sandbox_of(request)
    sandbox.reset()
    return Json(_shown(sandbox.behaviour))


ROUTES = [
    Route("/_sandbox/health", _local(_health)),
    Route("/_sandbox/messages", _local(_messages)),
    Route("/_sandbox/callbacks", _local(_callbacks)),
    Route("/_sandbox/behaviour", _local(_behaviour), methods=["GET"]),
    Route("/_sandbox/behaviour", _local(_behave), methods=["POST"]),
    Route("/_sandbox/inbound", _local(_inbound), methods=["POST"]),
    Route("/_sandbox/reset", _local(_reset), methods=["POST"]),
]
