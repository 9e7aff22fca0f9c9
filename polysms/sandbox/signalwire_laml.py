"""SignalWire's compatibility API (LaML), played from its documents.

``/api/laml/2010-04-01/Accounts/PROJECT/Messages``, with or without ``.json``. The official Python
package (2.1.1) leaves ``/api/laml`` out, so that is answered too. Sources: the TypeSpec of its
messages and webhooks and the page "List all messages", of 2026-08-21.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from polysms.sandbox.answering import Json, refuse
from polysms.sandbox.behaviour import Behaviour
from polysms.sandbox.callbacks import Callback
from polysms.sandbox.form_pages import Malformed, page, wanted
from polysms.sandbox.forms import form, rfc2822, signed
from polysms.sandbox.progress import Step, Wish
from polysms.sandbox.signalwire_access import NAME, TRIES, Denials, identity, project
from polysms.sandbox.signalwire_laml_rules import draft, no
from polysms.sandbox.signalwire_rules import price
from polysms.sandbox.state import Object, Voice, answer, sandbox_of
from polysms.sandbox.store import Entry, View

_VERSION = "2010-04-01"
_PLACES = (f"/api/laml/{_VERSION}", f"/{_VERSION}")
_DENIALS = Denials(no(20003, 401), no(20403, 403))
_TERMINAL = ("delivered", "undelivered", "failed")
_MALFORMED = Malformed(no(54454), no(54453), no(400))
# The page on error codes: the numbers for the messaging API's words.
_CODES = {"unreachable_destination_handset": "30003", "unable_to_deliver_to_carrier": "63011"}
_TOO_DEAR = "30010"
# TypeSpec of the status callback; the message itself says `initiated`.
_IN_CALLBACKS = {"initiated": "sending"}


def is_own(entry: Entry) -> bool:
    """Whether a message came by this API: its form has names with capitals."""
    return "To" in entry.draft.request


def code_of(entry: Entry, step: Step) -> str | None:
    """Return the number of an error."""
    if step.status == "failed" and entry.draft.over_limit:
        return _TOO_DEAR
    return None if step.code is None else _CODES.get(step.code, step.code)


def address(entry: Entry) -> str:
    """Return the path of a message."""
    return f"{_PLACES[0]}/Accounts/{entry.draft.account}/Messages/{entry.id}"


def shown(entry: Entry, moment: float, _: Behaviour | None = None) -> Object:
    """Return ``Message`` (TypeSpec)."""
    draft, step, sent = entry.draft, entry.at(moment), entry.since("sent", moment)
    return {
        "account_sid": draft.account,
        "api_version": _VERSION,
        "body": draft.text or "",
        "num_segments": entry.segments,
        "num_media": str(len(draft.media)),
        "date_created": rfc2822(entry.created),
        "date_sent": rfc2822(sent),
        "date_updated": rfc2822(step.at),
        "direction": "outbound-api",
        "error_code": code_of(entry, step),
        "error_message": step.text,
        "from": draft.sender,
        "price": None if sent is None else price(draft.kind, entry.segments),
        "price_unit": "USD",
        "sid": entry.id,
        "status": step.status,
        "to": draft.to,
        "messaging_service_sid": None,
        "uri": f"{address(entry)}.json",
        "subresource_uris": {"media": f"{address(entry)}/Media.json"},
    }


def report(entry: Entry, step: Step, behaviour: Behaviour) -> Callback | None:
    """Return a status callback: a form, signed with base64 HMAC-SHA1 of URL and sorted fields."""
    url, code = entry.draft.callback, code_of(entry, step)
    if url is None:
        return None
    said = {
        "MessageSid": entry.id,
        "AccountSid": entry.draft.account,
        "MessageStatus": _IN_CALLBACKS.get(step.status, step.status),
        "From": entry.draft.sender,
        "To": entry.draft.to,
        "Body": entry.draft.text or "",
        "NumMedia": str(len(entry.draft.media)),
        "NumSegments": str(entry.segments),
        **({} if code is None else {"ErrorCode": code}),
    }
    return signed(url, said, behaviour.signing_key, "X-SignalWire-Signature", TRIES)


# TypeSpec: 400, 401 and 404 with one flat error. How a 429 and a 503 look is not documented.
VOICE = Voice(
    created=201,
    shown=shown,
    report=report,
    refusals={
        Wish.INVALID_NUMBER: no(21211),
        Wish.OPTED_OUT: no(21610),
        Wish.BALANCE: no(30002),
        Wish.REFUSED: no(21219),
        Wish.LIMITED: no(20429, 429, {"Retry-After": "1"}),
        Wish.BUSY: no(503, 503, {"Retry-After": "1"}),
        Wish.BARE_BUSY: no(503, 503),
    },
    broken=no(500, 500),
)


def _project(request: Request) -> str:
    """Return the project of good credentials, whose messages the path must name."""
    found = project(request, _DENIALS)
    if identity(request.path_params["project"]) != found:
        refuse(no(20003, 401))
    return found


async def _send(request: Request) -> Response:
    """``POST .../Messages`` -> 201."""
    own = _project(request)
    return answer(sandbox_of(request), draft(await form(request, no(400)), own), VOICE)


def _chosen(views: Sequence[View], query: Mapping[str, str]) -> list[View]:
    kept = wanted([one for one in views if is_own(one.entry)], query, _MALFORMED, up_to=False)
    status = query.get("Status")
    return [one for one in kept if status in (None, one.entry.at(one.moment).status)]


async def _list(request: Request) -> Response:
    """``GET .../Messages`` -> 200, newest first (its page). Only what came by this API is shown."""
    own, sandbox = _project(request), sandbox_of(request)
    views = sandbox.store.listed(NAME, sandbox.now(), own)
    found, links = page(
        _chosen(views, request.query_params),
        request.query_params,
        f"{_PLACES[0]}/Accounts/{own}/Messages",
        lambda view: str(view.entry.id),
        _MALFORMED,
    )
    return Json({**links, "messages": [shown(view.entry, view.moment) for view in found]})


def _found(request: Request, own: str) -> Entry:
    entry = sandbox_of(request).store.get(
        NAME, request.path_params["id"].removesuffix(".json"), own
    )
    if entry is None or not is_own(entry):
        refuse(no(20404, 404))
    return entry


async def _fetch(request: Request) -> Response:
    """``GET .../Messages/SID`` -> 200."""
    return Json(shown(_found(request, _project(request)), sandbox_of(request).now()))


def _finished(request: Request, own: str) -> Entry:
    """Return a message at its end. What is said of another one is not documented."""
    entry = _found(request, own)
    if entry.at(sandbox_of(request).now()).status not in _TERMINAL:
        refuse(no(400))
    return entry


async def _redact(request: Request) -> Response:
    """``POST .../Messages/SID`` with an empty ``Body`` -> 200."""
    own, sandbox = _project(request), sandbox_of(request)
    given = await form(request, no(400))
    entry = _finished(request, own)
    if given.get("Body") != [""]:
        refuse(no(50509))
    return Json(shown(sandbox.store.redact(entry), sandbox.now()))


async def _delete(request: Request) -> Response:
    """``DELETE .../Messages/SID`` -> 204."""
    sandbox_of(request).store.forget(_finished(request, _project(request)))
    return HTMLResponse(status_code=204)


ROUTES = [
    route
    for place in _PLACES
    for messages in [f"{place}/Accounts/{{project}}/Messages"]
    for route in (
        *(Route(messages + end, _send, methods=["POST"]) for end in ("", ".json")),
        *(Route(messages + end, _list, methods=["GET"]) for end in ("", ".json")),
        Route(f"{messages}/{{id}}", _fetch, methods=["GET"]),
        Route(f"{messages}/{{id}}", _redact, methods=["POST"]),
        Route(f"{messages}/{{id}}", _delete, methods=["DELETE"]),
    )
]
