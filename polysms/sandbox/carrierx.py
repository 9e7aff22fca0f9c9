"""CarrierX: ``https://api.carrierx.com/core/v2``, messages, played from its documents.

Sources: the send page (seed 003), the pages on responses, pagination, filtering and status codes,
the wrap-up page (callbacks), and the vendor's own clients where the pages are silent. What is not
a message stands in the modules beside this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from polysms.sandbox import carrierx_details, carrierx_numbers, carrierx_tokens
from polysms.sandbox.answering import (
    Json,
    content,
    encoded,
    loaded,
    refuse,
    stamp_ms,
)
from polysms.sandbox.behaviour import Behaviour
from polysms.sandbox.callbacks import Callback
from polysms.sandbox.carrierx_lists import page
from polysms.sandbox.carrierx_rules import LEGACY, draft, no, price
from polysms.sandbox.carrierx_tokens import NEEDED, PARTNER, authenticate
from polysms.sandbox.progress import Step, Wish
from polysms.sandbox.state import Object, Voice, answer, sandbox_of
from polysms.sandbox.store import Entry

NAME = "carrierx"


def shown(entry: Entry, moment: float, behaviour: Behaviour) -> Object:
    """Return the SMS object (send page, seed 003).

    ``mcc``, ``mnc`` and ``price`` are null until the message is sent; ``date_status_changed`` is
    null until the status changed.
    """
    draft, step = entry.draft, entry.at(moment)
    sent = entry.since("sent", moment)
    changed = step is not entry.steps[0]
    body = {
        "date_changed": stamp_ms(max(step.at, entry.created)),
        "date_created": stamp_ms(entry.created),
        "date_status_changed": stamp_ms(step.at) if changed else None,
        "direction": "outbound",
        "from": draft.sender,
        "group_recipients": list(draft.group),
        "mcc": 310 if sent else None,
        "media_urls": list(draft.media),
        "message": draft.text,
        "message_segments": entry.segments,
        "message_sid": entry.id,
        "mnc": 410 if sent else None,
        "partner_sid": PARTNER,
        "price": price(entry) if sent else None,
        "status": step.status,
        "to": draft.to,
        "type": draft.kind,
        "user_data": draft.request.get("user_data"),
    }
    return _legacy(body) if behaviour.legacy else body


def _legacy(body: Mapping[str, Any]) -> Object:
    # Send page (seed 003): some legacy users still see the old naming.
    return {LEGACY.get(name, name): value for name, value in body.items()}


def report(entry: Entry, step: Step, behaviour: Behaviour) -> Callback | None:
    """Return a callback: the whole object, on ``sent`` and on ``delivered`` (wrap-up page).

    Whether other statuses are posted is not documented: they are not.
    """
    url = behaviour.callback_urls.get(NAME)
    if url is None or not (behaviour.disorder or step.status in ("sent", "delivered")):
        return None
    body = {**shown(entry, step.at, behaviour), "status": step.status}
    return Callback(url=url, body=encoded(body))


# Responses page: {"message", "errors": [{"field", "message", "reference_sid"}]}, seen with a 404.
# What SMS-specific refusals look like is not documented: these sentences are invented. So are the
# bodies of 429, 500 and 503, of which the page shows nothing.
VOICE = Voice(
    created=200,
    shown=shown,
    report=report,
    refusals={
        Wish.INVALID_NUMBER: no(422, "invalid phone number", "to"),
        Wish.OPTED_OUT: no(422, "the recipient has opted out", "to"),
        Wish.BALANCE: no(422, "insufficient balance"),
        Wish.REFUSED: no(403, NEEDED),
        Wish.LIMITED: no(429, "too many requests", headers={"Retry-After": "1"}),
        Wish.BUSY: no(503, "service unavailable", headers={"Retry-After": "1"}),
        Wish.BARE_BUSY: no(503, "service unavailable"),
    },
    broken=no(500, "internal server error"),
)


async def _send(request: Request) -> Response:
    """``POST /sms/messages`` -> 200 (send page, seed 003)."""
    authenticate(request)
    # Status-code page: without a JSON content type it is a 415.
    if request.headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
        refuse(no(415, "unsupported media type"))
    body = await content(request)
    try:
        wanted = loaded(body)
    except ValueError:
        # Status-code page, verbatim.
        refuse(no(400, "No JSON object could be decoded"))
    return answer(sandbox_of(request), draft(wanted), VOICE)


async def _get(request: Request) -> Response:
    """``GET /sms/messages/{message_sid}`` -> 200 (quick start)."""
    authenticate(request)
    sandbox = sandbox_of(request)
    entry = sandbox.store.get(NAME, request.path_params["sid"])
    if entry is None:
        refuse(no(404, "cannot find item by sid"))
    return Json(shown(entry, sandbox.now(), sandbox.behaviour))


async def _list(request: Request) -> Response:
    """``GET /sms/messages`` -> 200 (official client; pagination and filtering pages)."""
    authenticate(request)
    sandbox = sandbox_of(request)
    views = sandbox.store.listed(NAME, sandbox.now())
    items = [shown(view.entry, view.moment, sandbox.behaviour) for view in views]
    return Json(page(items, request.query_params, request.url))


ROUTES = [
    Route("/core/v2/sms/messages", _send, methods=["POST"]),
    Route("/core/v2/sms/messages", _list, methods=["GET"]),
    Route("/core/v2/sms/messages/{sid}", _get, methods=["GET"]),
    *carrierx_tokens.ROUTES,
    *carrierx_numbers.ROUTES,
    *carrierx_details.ROUTES,
]
