"""Twilio: ``https://api.twilio.com``, its 2010 API of messages, played from its documents.

Sources, read in November 2026: the OpenAPI document of the 2010 API (as the official Python package
9.13.0, which is made of it, has it); the examples in the tests of that package (7.16, 2023); the
guides "Outbound Message Status in Status Callbacks", "Track the Message Status of Outbound
Messages" and "Webhooks security"; the page "Test credentials"; the error dictionary (20003, 20429,
30002, 30003, 30007). A status callback is not sent for the first status.

Guessed, because no page says it: the code for too little money at a send (30002 is documented for a
message that was queued before), which codes of 404, 409 and 5xx there are, and that numbers beyond
those of ``+`` and digits are answered with 21211. Not played: what a Messaging Service chooses for
itself (such a message keeps no sender), scheduled messages, channels other than SMS and MMS.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from polysms.sandbox import twilio_account
from polysms.sandbox.answering import Json, refuse
from polysms.sandbox.behaviour import Behaviour
from polysms.sandbox.callbacks import Callback
from polysms.sandbox.form_pages import page, wanted
from polysms.sandbox.forms import form, rfc2822, signed
from polysms.sandbox.progress import Step, Wish
from polysms.sandbox.state import Object, Voice, answer, sandbox_of
from polysms.sandbox.store import Entry
from polysms.sandbox.twilio_access import ACCOUNT, VERSION, caller, listed, path
from polysms.sandbox.twilio_rules import MALFORMED, NAME, draft, no

_TERMINAL = ("delivered", "undelivered", "failed")
# Invented, in USD a segment; a price is negative (the package's example).
_PRICE = {"sms": 0.0079, "mms": 0.02}


def _is_service(entry: Entry) -> bool:
    return bool(entry.draft.request.get("MessagingServiceSid"))


def _status(entry: Entry, step: Step) -> str:
    """Return a status; what a Messaging Service sends is accepted before it is queued."""
    return "accepted" if _is_service(entry) and step == entry.steps[0] else step.status


def _place(entry: Entry) -> str:
    return f"/Messages/{entry.id}"


def _price(entry: Entry, moment: float) -> str | None:
    """Return what a message cost, which is there once it was sent."""
    if entry.since("sent", moment) is None:
        return None
    return f"-{_PRICE[entry.draft.kind] * entry.segments:.5f}"


def shown(entry: Entry, moment: float, _: Behaviour | None = None) -> Object:
    """Return ``api.v2010.account.message``: all twenty keys, always."""
    draft, step = entry.draft, entry.at(moment)
    waits = _is_service(entry) and step == entry.steps[0]
    return {
        "account_sid": draft.account,
        "api_version": VERSION,
        "body": draft.text or "",
        "date_created": rfc2822(entry.created),
        "date_sent": rfc2822(entry.since("sent", moment)),
        "date_updated": rfc2822(step.at),
        "direction": "outbound-api",
        "error_code": None if step.code is None else int(step.code),
        "error_message": step.text,
        "from": draft.sender or None,
        "messaging_service_sid": draft.request.get("MessagingServiceSid") or None,
        "num_media": str(len(draft.media)),
        # Not counted before a sender was chosen (OpenAPI document).
        "num_segments": "0" if waits else str(entry.segments),
        "price": _price(entry, moment),
        "price_unit": "USD",
        "sid": entry.id,
        "status": _status(entry, step),
        "subresource_uris": {"media": path(draft.account, f"{_place(entry)}/Media")},
        "to": draft.to,
        "uri": path(draft.account, _place(entry)),
    }


def report(entry: Entry, step: Step, behaviour: Behaviour) -> Callback | None:
    """Return a status callback: a form, signed with the account's token, once.

    The guide names MessageSid, MessageStatus and ErrorCode; the rest are the standard properties of
    a request, which it says may grow. That a failure is tried again is not documented.
    """
    draft = entry.draft
    if draft.callback is None:
        return None
    said = {
        "MessageSid": entry.id,
        "SmsSid": entry.id,
        "AccountSid": draft.account,
        "MessageStatus": step.status,
        "SmsStatus": step.status,
        "ApiVersion": VERSION,
        "To": draft.to,
    }
    more = {
        "From": draft.sender,
        "MessagingServiceSid": str(draft.request.get("MessagingServiceSid", "")),
        "ErrorCode": step.code or "",
    }
    said |= {name: value for name, value in more.items() if value}
    key = draft.key or behaviour.signing_key
    return signed(draft.callback, said, key, "X-Twilio-Signature")


VOICE = Voice(
    created=201,
    shown=shown,
    report=report,
    refusals={
        Wish.INVALID_NUMBER: no(21211),
        Wish.OPTED_OUT: no(21610),
        Wish.BALANCE: no(30002),
        Wish.REFUSED: no(21608),
        Wish.LIMITED: no(20429, 429, {"Retry-After": "1"}),
        Wish.BUSY: no(20503, 503, {"Retry-After": "1"}),
        Wish.BARE_BUSY: no(20503, 503),
    },
    broken=no(20500, 500),
)


async def _send(request: Request) -> Response:
    """``POST .../Messages.json`` -> 201."""
    sender = caller(request)
    given = await form(request, no(20001))
    return answer(sandbox_of(request), draft(given, sender.account, sender.token), VOICE)


async def _list(request: Request) -> Response:
    """``GET .../Messages.json`` -> 200, newest first (a guess)."""
    own, sandbox, query = caller(request).account, sandbox_of(request), request.query_params
    views = sandbox.store.listed(NAME, sandbox.now(), own)
    kept = wanted(views, query, MALFORMED, up_to=True)
    found, links = page(
        kept, query, path(own, "/Messages"), lambda view: str(view.entry.id), MALFORMED
    )
    messages = [shown(view.entry, view.moment) for view in found]
    return Json(listed("messages", messages, links))


def _found(request: Request) -> Entry:
    own, sid = caller(request).account, request.path_params["sid"]
    entry = sandbox_of(request).store.get(NAME, sid, own)
    if entry is None:
        refuse(no(20404, 404))
    return entry


async def _fetch(request: Request) -> Response:
    """``GET .../Messages/{Sid}.json`` -> 200."""
    return Json(shown(_found(request), sandbox_of(request).now()))


def _finished(request: Request) -> Entry:
    """Return a message at its end; what is said of another one is a guess."""
    entry = _found(request)
    if entry.at(sandbox_of(request).now()).status not in _TERMINAL:
        refuse(no(20009, 409))
    return entry


async def _redact(request: Request) -> Response:
    """``POST .../Messages/{Sid}.json`` with an empty ``Body`` -> 200."""
    sandbox, entry = sandbox_of(request), _finished(request)
    given = await form(request, no(20001))
    if given.get("Body") != [""]:
        refuse(no(20001))
    return Json(shown(sandbox.store.redact(entry), sandbox.now()))


async def _delete(request: Request) -> Response:
    """``DELETE .../Messages/{Sid}.json`` -> 204."""
    sandbox_of(request).store.forget(_finished(request))
    return HTMLResponse(status_code=204)


ROUTES = [
    Route(f"{ACCOUNT}/Messages.json", _send, methods=["POST"]),
    Route(f"{ACCOUNT}/Messages.json", _list, methods=["GET"]),
    Route(f"{ACCOUNT}/Messages/{{sid}}.json", _fetch, methods=["GET"]),
    Route(f"{ACCOUNT}/Messages/{{sid}}.json", _redact, methods=["POST"]),
    Route(f"{ACCOUNT}/Messages/{{sid}}.json", _delete, methods=["DELETE"]),
    *twilio_account.ROUTES,
]
