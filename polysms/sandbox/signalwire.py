"""SignalWire: ``https://SPACE.signalwire.com``, messages and logs, played from its documents.

Sources: the OpenAPI page of ``POST /api/messaging/messages`` (seed 004), the TypeSpec of messages,
logs and webhooks of 2026-08-21, the pages on error codes, paging and webhooks.
"""

from __future__ import annotations

import hashlib
import hmac

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from polysms.sandbox import signalwire_laml, signalwire_numbers
from polysms.sandbox.answering import (
    Json,
    Refusal,
    content,
    encoded,
    loaded,
    refuse,
    stamp,
)
from polysms.sandbox.behaviour import Behaviour
from polysms.sandbox.callbacks import Callback
from polysms.sandbox.progress import Step, Wish
from polysms.sandbox.signalwire_access import NAME, TRIES
from polysms.sandbox.signalwire_access import project as project_of
from polysms.sandbox.signalwire_logs import page
from polysms.sandbox.signalwire_rules import draft, error, invalid, price
from polysms.sandbox.state import Object, Voice, answer, sandbox_of
from polysms.sandbox.store import Entry

# TypeSpec, redaction: only these are terminal. `sent` is not named, so it is not.
_TERMINAL = ("delivered", "undelivered", "failed")


def shown(entry: Entry, moment: float, _: Behaviour | None = None) -> Object:
    """Return ``Message.Message`` (seed 004): all fifteen keys, always."""
    draft, step = entry.draft, entry.at(moment)
    return {
        "id": entry.id,
        "from": draft.sender,
        "to": draft.to,
        "body": draft.text or "",
        "status": step.status,
        "direction": "outbound",
        "kind": draft.kind,
        "media": list(draft.media),
        "number_of_segments": entry.segments,
        "error_code": step.code,
        "error_message": step.text,
        "created_at": stamp(entry.created),
        "project_id": draft.account,
        "status_callback_url": draft.callback,
        "message_uri": f"/api/messaging/logs/{entry.id}",
    }


def shown_log(entry: Entry, moment: float) -> Object:
    """Return ``MessageLog`` (TypeSpec): no body and no media; billed once it was sent."""
    draft, step = entry.draft, entry.at(moment)
    billed = entry.since("sent", moment) is not None
    charge = price(draft.kind, entry.segments) if billed else 0.0
    details = [{"description": f"Outbound {draft.kind.upper()}", "charge": charge}]
    laml = signalwire_laml.is_own(entry)
    return {
        "id": entry.id,
        "from": draft.sender,
        "to": draft.to,
        "status": step.status,
        "direction": "outbound",
        "kind": draft.kind,
        "source": "laml" if laml else "realtime_api",
        "type": "laml_message" if laml else "relay_message",
        "url": signalwire_laml.address(entry) if laml else None,
        "number_of_segments": entry.segments,
        "charge": charge,
        "charge_details": details if billed else [],
        "created_at": stamp(entry.created),
        "error_message": step.text,
        "error_code": signalwire_laml.code_of(entry, step) if laml else step.code,
    }


def report(entry: Entry, step: Step, behaviour: Behaviour) -> Callback | None:
    """Return a status callback (TypeSpec, webhooks), signed by scheme A, at each change.

    The signature is the hex HMAC-SHA1 of URL and raw body. Whether these callbacks are signed is
    not stated literally; an official recipe demands it.
    """
    url = entry.draft.callback
    if url is None:
        return None
    body = {
        "id": entry.id,
        "project_id": entry.draft.account,
        "status": step.status,
        "to": entry.draft.to,
        "from": entry.draft.sender,
        "body": entry.draft.text or "",
        "number_of_segments": entry.segments,
        "timestamp": stamp(step.at),
        "error_code": step.code,
        "error_message": step.text,
    }
    variables = entry.draft.request.get("custom_variables")
    raw = encoded({**body, "custom_variables": variables} if variables else body)
    signature = hmac.new(behaviour.signing_key.encode(), url.encode() + raw, hashlib.sha1)
    headers = {"X-SignalWire-Signature": signature.hexdigest()}
    return Callback(url=url, body=raw, headers=headers, tries=TRIES)


def _plain(status: int, text: str, headers: dict[str, str] | None = None) -> Refusal:
    return Refusal(status, {"error": text}, headers or {})


# Seed 004: 400, 401, 422 and 500. TypeSpec: 403 and 404. Error-codes page: the codes; which of
# them come as a 422 is not stated. The bodies of 429 and 503 are not documented.
_BUSY = "Service Unavailable"
VOICE = Voice(
    created=201,
    shown=shown,
    report=report,
    refusals={
        Wish.INVALID_NUMBER: invalid("invalid_to_number", "to"),
        Wish.OPTED_OUT: invalid("number_blacklisted", "to"),
        Wish.BALANCE: invalid("insufficient_balance_to_send_message", None, "account_error"),
        Wish.REFUSED: invalid("sending_disabled_for_space", None, "account_error"),
        Wish.LIMITED: Refusal(
            429,
            {"errors": [error("rate_limit_exceeded", None, "account_error")]},
            {"Retry-After": "1"},
        ),
        Wish.BUSY: _plain(503, _BUSY, {"Retry-After": "1"}),
        Wish.BARE_BUSY: _plain(503, _BUSY),
    },
    broken=_plain(500, "Internal Server Error"),
)


async def _json(request: Request) -> Object:
    body = await content(request)
    try:
        found = loaded(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        refuse(_plain(400, "Bad Request"))
    return found


async def _send(request: Request) -> Response:
    """``POST /api/messaging/messages`` -> 201 (seed 004)."""
    project = project_of(request)
    return answer(sandbox_of(request), draft(await _json(request), project), VOICE)


def _found(request: Request, project: str) -> Entry:
    entry = sandbox_of(request).store.get(NAME, request.path_params["id"], project)
    if entry is None:
        refuse(_plain(404, "Not Found"))
    return entry


async def _redact(request: Request) -> Response:
    """``PATCH /api/messaging/messages/{id}`` -> 200, with exactly ``{"body": ""}`` (TypeSpec)."""
    project = project_of(request)
    wanted = await _json(request)
    entry = _found(request, project)
    sandbox = sandbox_of(request)
    if wanted != {"body": ""}:
        refuse(invalid("body_must_be_empty", "body"))
    if entry.at(sandbox.now()).status not in _TERMINAL:
        refuse(invalid("cannot_redact_in_progress_message", "base"))
    return Json(shown(sandbox.store.redact(entry), sandbox.now()))


async def _log(request: Request) -> Response:
    """``GET /api/messaging/logs/{id}`` -> 200 (TypeSpec)."""
    return Json(shown_log(_found(request, project_of(request)), sandbox_of(request).now()))


async def _logs(request: Request) -> Response:
    """``GET /api/messaging/logs`` -> 200 (TypeSpec). The order is not stated: newest first."""
    project = project_of(request)
    sandbox = sandbox_of(request)
    views = sandbox.store.listed(NAME, sandbox.now(), project)
    shown_views, links = page(views, request.query_params)
    data = [shown_log(view.entry, view.moment) for view in shown_views]
    return Json({"links": links, "data": data})


ROUTES = [
    Route("/api/messaging/messages", _send, methods=["POST"]),
    Route("/api/messaging/messages/{id}", _redact, methods=["PATCH"]),
    Route("/api/messaging/logs", _logs, methods=["GET"]),
    Route("/api/messaging/logs/{id}", _log, methods=["GET"]),
    *signalwire_numbers.ROUTES,
    *signalwire_laml.ROUTES,
]
