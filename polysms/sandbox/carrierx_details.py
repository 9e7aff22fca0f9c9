"""CarrierX's detail records of messages: what each cost, and who carried it.

Source: "SMS Detail Record" of the Core API, its object and its two requests. A record is written
once a message has been sent or has ended.
"""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from polysms.sandbox.answering import Json, refuse, stamp_ms
from polysms.sandbox.carrierx_lists import page
from polysms.sandbox.carrierx_rules import no, price
from polysms.sandbox.carrierx_tokens import PARTNER, authenticate
from polysms.sandbox.state import sandbox_of
from polysms.sandbox.store import View

#: Keys of the page that say nothing of such a message.
_BLANK = dict.fromkeys(("a2p_campaign", "mcc_mnc_rate", "p2p_nnid", "registration_type", "version"))


def _shown(view: View) -> dict[str, Any]:
    entry, step = view.entry, view.entry.at(view.moment)
    draft, sent = entry.draft, entry.since("sent", view.moment)
    charged = price(entry) if sent else None
    group = [draft.to, *draft.group] if draft.group else []
    return {
        **_BLANK,
        "date_changed": stamp_ms(max(step.at, entry.created)),
        "date_insert": stamp_ms(entry.created),
        "date_sent": stamp_ms(sent) if sent else None,
        "date_start": stamp_ms(entry.created),
        "date_stop": stamp_ms(step.at),
        "delay_sent": int(sent - entry.created) if sent else 0,
        "direction": "outbound",
        # That it differs from the message's own is all that the page shows.
        "dr_sid": str(uuid5(NAMESPACE_URL, f"https://sandbox.invalid/carrierx/drs/{entry.id}")),
        "mcc": 310 if sent else None,
        "mcc_mnc_price": charged,
        "media_urls": list(draft.media),
        "message": draft.text,
        "message_segments": entry.segments,
        "mnc": 410 if sent else None,
        "number_billing": draft.sender,
        "number_dst": draft.to,
        "number_external": draft.to,
        "number_group_dst": group,
        "number_src": draft.sender,
        "partner_sid": PARTNER,
        "passthrough_price": "0.003" if sent else None,
        "passthrough_rate": "0.003" if sent else None,
        "price": charged,
        "provider": "sandbox",
        "rate": charged,
        "status": step.status,
        "type": draft.kind,
        "user_data": draft.request.get("user_data"),
        "vendor_error_code": None if sent else "503",
    }


def _all(request: Request) -> list[dict[str, Any]]:
    sandbox = sandbox_of(request)
    views = sandbox.store.listed("carrierx", sandbox.now())
    ended = (view for view in views if view.entry.at(view.moment) is not view.entry.steps[0])
    return [_shown(view) for view in ended]


async def _list(request: Request) -> Response:
    """``GET /sms/message_drs`` -> 200."""
    authenticate(request)
    return Json(page(_all(request), request.query_params, request.url))


async def _get(request: Request) -> Response:
    """``GET /sms/message_drs/{dr_sid}`` -> 200."""
    authenticate(request)
    sid = request.path_params["sid"]
    found = next((item for item in _all(request) if item["dr_sid"] == sid), None)
    if found is None:
        refuse(no(404, "cannot find item by sid"))
    return Json(found)


ROUTES = [
    Route("/core/v2/sms/message_drs", _list, methods=["GET"]),
    Route("/core/v2/sms/message_drs/{sid}", _get, methods=["GET"]),
]
