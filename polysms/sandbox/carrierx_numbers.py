"""CarrierX's numbers: those that are rented, how far messaging is enabled, and look-ups.

Sources: "DID Object", "DID Messaging Enablement Object" and "Get Details for Phone Number" of the
Core API. Which numbers there are is the sandbox's own: one in each state of messaging.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from polysms.sandbox.answering import Json, refuse
from polysms.sandbox.carrierx_lists import page
from polysms.sandbox.carrierx_rules import NUMBERS, no
from polysms.sandbox.carrierx_tokens import PARTNER, authenticate
from polysms.sandbox.regions import is_us, is_us_or_canada

# DID object page: 1 and 2 receive and send SMS, 4 is voice, 8 and 16 receive and send MMS.
_ALL, _VOICE = 31, 4
_NUMBER = re.compile(r"\+?([1-9][0-9]{6,14})")
_CARRIER = {"mcc": "310", "mnc": "410", "name": "SANDBOX WIRELESS", "type": "mobile"}


async def _dids(request: Request) -> Response:
    """``GET /phonenumber/dids`` -> 200."""
    authenticate(request)
    items = [_did(number) for number in NUMBERS]
    return Json(page(items, request.query_params, request.url))


def _did(number: str) -> dict[str, Any]:
    """Return the DID object, as far as the page could be read."""
    status = NUMBERS[number]
    return {
        "active_capabilities": _ALL if status == "enabled" else _VOICE,
        "attributes": {},
        "callback_url": None,
        "campaign_sid": None,
        "capabilities": _VOICE if status is None else _ALL,
        "country_code": _country(number),
        "did_sid": _sid(number),
        "in_country_format": _national(number),
        "international_format": _international(number),
        "name": None,
        "partner_sid": PARTNER,
        "phonenumber": number,
    }


async def _messaging(request: Request) -> Response:
    """``GET /phonenumber/dids/{did_sid}/messaging`` -> 200; 404 for a number with voice alone."""
    authenticate(request)
    sid = request.path_params["sid"]
    status = next((status for number, status in NUMBERS.items() if _sid(number) == sid), None)
    if status is None:
        refuse(no(404, "cannot find item by sid"))
    body = {
        "campaign_external_id": None,
        "campaign_sid": None,
        "did_sid": sid,
        "enabled": status == "enabled",
        "status": status,
        "type": "a2p",
    }
    return Json(body)


async def _lookup(request: Request) -> Response:
    """``GET /lookup/dids/{phonenumber}`` -> 200; the carrier where it is asked for."""
    authenticate(request)
    match = _NUMBER.fullmatch(request.path_params["number"])
    if match is None:
        refuse(no(422, "is no phone number", "phonenumber"))
    number = match[1]
    wanted = request.query_params.get("carrier") == "true"
    body = {
        "country_code": _country(number),
        "details": {"carrier": _CARRIER if wanted else None, "cnam": None, "lrn": None},
        "e164_format": f"+{number}",
        "in_country_format": _national(number),
        "international_format": _international(number),
        "phonenumber": number,
        "state": "MI" if number.startswith("1313") else None,
    }
    return Json(body)


def _sid(number: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"https://sandbox.invalid/carrierx/dids/{number}"))


def _country(number: str) -> str | None:
    if is_us(number):
        return "USA"
    return "CAN" if is_us_or_canada(number) else None


def _national(number: str) -> str | None:
    return f"({number[1:4]}) {number[4:7]}-{number[7:]}" if is_us_or_canada(number) else None


def _international(number: str) -> str:
    if is_us_or_canada(number):
        return f"+1 {number[1:4]}-{number[4:7]}-{number[7:]}"
    return f"+{number}"


ROUTES = [
    Route("/core/v2/phonenumber/dids", _dids, methods=["GET"]),
    Route("/core/v2/phonenumber/dids/{sid}/messaging", _messaging, methods=["GET"]),
    Route("/core/v2/lookup/dids/{number}", _lookup, methods=["GET"]),
]
