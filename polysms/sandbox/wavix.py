"""Wavix: ``https://api.wavix.com``, messages v3, played from its documents.

Sources: the send guide (seed 000), the reference page of ``POST /v3/messages`` (seed 001), the
sender-ID guide (seed 002), the OpenAPI document of 2026-06-30 and the pages on reports and errors.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from decimal import Decimal

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from polysms.sandbox import wavix_optouts, wavix_senders
from polysms.sandbox.answering import Json, content, encoded, loaded, stamp, stamp_ms
from polysms.sandbox.behaviour import Behaviour
from polysms.sandbox.callbacks import Callback
from polysms.sandbox.progress import Step, Wish
from polysms.sandbox.state import Object, Voice, answer, sandbox_of
from polysms.sandbox.store import Entry
from polysms.sandbox.wavix_account import (
    NAME,
    NOT_FOUND,
    NOT_PROVISIONED,
    authenticate,
    no,
    paged,
    pages,
    wrong,
)
from polysms.sandbox.wavix_rules import bare, draft, exporting, listing

# The prices are invented; that they are decimal texts in USD is the reference's (seed 001).
_CHARGE = {"sms": Decimal("0.01"), "mms": Decimal("0.02")}
_FEE = Decimal("0.003")
# Country calling code -> mcc and mnc, as texts: a zero may lead (OpenAPI).
_NETWORKS = {"1": ("310", "260"), "44": ("234", "024")}
_NO_NETWORK = (None, None)


def shown(entry: Entry, moment: float, _: Behaviour | None = None) -> Object:
    """Return a message as ``POST /v3/messages`` does.

    Reference (seed 001) and a captured answer: no ``direction``, numbers with a plus, an empty
    list where there is no media, and ``submitted_at`` without a zone.
    """
    draft = entry.draft
    sent, delivered = entry.since("sent", moment), entry.since("delivered", moment)
    mcc, mnc = _network(entry)
    return {
        "message_id": entry.id,
        "message_type": draft.kind,
        "from": draft.sender,
        "to": draft.to,
        "mcc": mcc,
        "mnc": mnc,
        "message_body": {"text": draft.text, "media": list(draft.media)},
        "tag": draft.request.get("tag"),
        "status": entry.at(moment).status,
        "segments": entry.segments,
        "charge": _charge(entry),
        "carrier_fees": _fees(entry),
        "submitted_at": stamp(entry.created, "%Y-%m-%dT%H:%M:%S"),
        "sent_at": sent and stamp_ms(sent),
        "delivered_at": delivered and stamp_ms(delivered),
        "error_message": entry.at(moment).text,
    }


def shown_later(entry: Entry, moment: float) -> Object:
    """Return a message as get and list do (OpenAPI): no plus, null for no media, ms and a zone."""
    first = shown(entry, moment)
    return {
        **first,
        "direction": "outbound",
        "from": bare(first["from"]),
        "to": bare(first["to"]),
        "message_body": {"text": entry.draft.text, "media": list(entry.draft.media) or None},
        "submitted_at": stamp_ms(entry.created),
    }


def _network(entry: Entry) -> tuple[str | None, str | None]:
    digits = entry.draft.to.lstrip("+")
    found = (network for code, network in _NETWORKS.items() if digits.startswith(code))
    return next(found, _NO_NETWORK)


def _charge(entry: Entry) -> str:
    return str(_CHARGE[entry.draft.kind] * entry.segments)


def _fees(entry: Entry) -> str:
    # Only carriers of the US and Canada take fees; elsewhere the samples say "0.0".
    return str(_FEE * entry.segments) if entry.draft.to.startswith("+1") else "0.0"


def report(entry: Entry, step: Step, behaviour: Behaviour) -> Callback | None:
    """Return a delivery report: one when sent, one at the end (delivery-reports page).

    The field names differ from the message's (OpenAPI): segments_count, sent, delivered, error.
    """
    url = entry.draft.callback or behaviour.callback_urls.get(NAME)
    if url is None or (step.status == "pending" and not behaviour.disorder):
        return None
    sent, delivered = entry.since("sent", step.at), entry.since("delivered", step.at)
    body = {
        "message_id": entry.id,
        "message_type": entry.draft.kind,
        "from": entry.draft.sender,
        "to": entry.draft.to,
        "status": step.status,
        "segments_count": entry.segments,
        "sent": sent and stamp(sent),
        "delivered": delivered and stamp(delivered),
        "charge": _charge(entry),
        "carrier_fees": _fees(entry),
        "tag": entry.draft.request.get("tag"),
        "error": step.text,
    }
    return Callback(url=url, body=encoded(body))


# OpenAPI, the answers of send: {"success": false, "message": ...} and no code. The texts of 422
# are paraphrases of errors 18, 9, 31 and 26 in the catalogue; which error comes with which status
# is not documented, nor is the body of 500 and 503 for messages.
VOICE = Voice(
    created=201,
    shown=shown,
    report=report,
    refusals={
        Wish.INVALID_NUMBER: no(422, "Destination number is invalid or is not a mobile number"),
        Wish.OPTED_OUT: no(422, "The recipient has unsubscribed"),
        Wish.BALANCE: no(422, "Insufficient balance"),
        Wish.LIMITED: no(429, "Only 10 SMS per second allowed", {"Retry-After": "1"}),
        Wish.REFUSED: NOT_PROVISIONED,
        Wish.BUSY: no(503, "Service temporarily unavailable", {"Retry-After": "1"}),
        Wish.BARE_BUSY: no(503, "Service temporarily unavailable"),
    },
    broken=no(500, "Internal server error"),
)


async def _send(request: Request) -> Response:
    """``POST /v3/messages`` -> 201 (seeds 000 and 001)."""
    authenticate(request)
    try:
        body = loaded(await content(request))
    except ValueError:
        # What a body that is no JSON gets is not documented.
        wrong("message_body")
    sandbox, wanted = sandbox_of(request), draft(body)
    known = {(bare(wanted.to), None), (bare(wanted.to), bare(wanted.sender))}
    if known & set(sandbox.optouts):
        return VOICE.refusals[Wish.OPTED_OUT].answer()
    return answer(sandbox, wanted, VOICE)


async def _get(request: Request) -> Response:
    """``GET /v3/messages/{id}`` -> 200: flat (OpenAPI), or in ``message`` (seed 000)."""
    authenticate(request)
    sandbox = sandbox_of(request)
    entry = sandbox.store.get(NAME, request.path_params["id"])
    if entry is None:
        return NOT_FOUND.answer()
    body = shown_later(entry, sandbox.now())
    return Json({"message": body} if sandbox.behaviour.wrapped else body)


async def _list(request: Request) -> Response:
    """``GET /v3/messages`` -> 200 (OpenAPI). The order is not documented: newest first."""
    authenticate(request)
    page, per_page = pages(request.query_params)
    return Json(paged(_found(request, listing(request.query_params)), page, per_page))


def _found(request: Request, keeps: Callable[[Object], bool]) -> list[Object]:
    sandbox = sandbox_of(request)
    views = sandbox.store.listed(NAME, sandbox.now())
    return [item for view in views if keeps(item := shown_later(view.entry, view.moment))]


async def _export(request: Request) -> Response:
    """``GET /v3/messages/all`` -> 200: one message a line (OpenAPI)."""
    authenticate(request)
    found = _found(request, exporting(request.query_params))

    async def lines() -> AsyncIterator[bytes]:
        for item in found:
            yield encoded(item) + b"\n"

    return StreamingResponse(lines(), media_type="application/x-ndjson")


async def _profile(request: Request) -> Response:
    """``GET /v1/profile`` -> 200: what is required of it (the client library's types)."""
    authenticate(request)
    url = sandbox_of(request).behaviour.callback_urls.get(NAME)
    # Of a transport called "sms" the documents tell; that reports have one of their own is a guess.
    destinations = [] if url is None else [{"transport": "dlr", "value": url}]
    return Json(
        {
            "id": 1,
            "email": "sandbox@example.com",
            "timezone": "UTC",
            "default_destinations": destinations,
        }
    )


async def _config(request: Request) -> Response:
    """``GET /v1/profile/config`` -> 200: the balance, in USD (OpenAPI)."""
    authenticate(request)
    limits = {"max_call_duration": 3600, "max_sip_channels": 8, "max_call_rate": "99.0"}
    return Json({"balance": "309.06", "global_limits": limits})


ROUTES = [
    Route("/v3/messages", _send, methods=["POST"]),
    Route("/v3/messages", _list, methods=["GET"]),
    # Before what would take their names for ids.
    Route("/v3/messages/all", _export, methods=["GET"]),
    *wavix_optouts.ROUTES,
    *wavix_senders.ROUTES,
    Route("/v3/messages/{id}", _get, methods=["GET"]),
    Route("/v1/profile", _profile, methods=["GET"]),
    Route("/v1/profile/config", _config, methods=["GET"]),
]
