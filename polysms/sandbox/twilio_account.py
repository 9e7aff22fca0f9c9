"""Twilio's account, its balance and its numbers, and the look-up of any number.

Sources: the examples in the tests of the official Python package (7.16, 2023) and the OpenAPI
documents of the 2010 API and of Lookup v2 (2026). Look-ups are on a host of their own there.
"""

from __future__ import annotations

import re
from uuid import NAMESPACE_URL, uuid5

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from polysms.sandbox.answering import Json, refuse
from polysms.sandbox.form_pages import page
from polysms.sandbox.forms import rfc2822
from polysms.sandbox.progress import MAGIC, Wish
from polysms.sandbox.state import Object
from polysms.sandbox.twilio_access import ACCOUNT, VERSION, allowed, caller, listed, path
from polysms.sandbox.twilio_rules import MALFORMED, no

_MADE = 1_768_473_000.0
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


async def _account(request: Request) -> Response:
    """``GET .../Accounts/{Sid}.json`` -> 200; its token is not shown."""
    sid = caller(request).account
    names = {"messages": "Messages", "incoming_phone_numbers": "IncomingPhoneNumbers"}
    return Json(
        {
            "auth_token": None,
            "date_created": rfc2822(_MADE),
            "date_updated": rfc2822(_MADE),
            "friendly_name": "Sandbox",
            "owner_account_sid": sid,
            "sid": sid,
            "status": "active",
            "subresource_uris": {
                name: path(sid, f"/{rest}")
                for name, rest in {**names, "balance": "Balance"}.items()
            },
            "type": "Full",
            "uri": path(sid),
        }
    )


async def _balance(request: Request) -> Response:
    """``GET .../Balance.json`` -> 200."""
    body = {"account_sid": caller(request).account, "balance": "25.00", "currency": "USD"}
    return Json(body)


def _number(account: str, number: str, name: str, *, messages: bool) -> Object:
    """Return ``IncomingPhoneNumber``: nobody is called where nothing is set."""
    sid = f"PN{uuid5(NAMESPACE_URL, number).hex}"
    nothing = ("address_sid", "bundle_sid", "emergency_address_sid", "identity_sid", "trunk_sid")
    unset = ("sms_application_sid", "sms_fallback_url", "sms_url", "status_callback")
    voice = ("voice_application_sid", "voice_fallback_url", "voice_url")
    methods = ("sms_fallback", "sms", "status_callback", "voice_fallback", "voice")
    return {
        "account_sid": account,
        "address_requirements": "none",
        "api_version": VERSION,
        "beta": False,
        "capabilities": {"voice": True, "sms": messages, "mms": messages, "fax": False},
        "date_created": rfc2822(_MADE),
        "date_updated": rfc2822(_MADE),
        "emergency_status": "Inactive",
        "friendly_name": name,
        "origin": "twilio",
        "phone_number": number,
        "sid": sid,
        "status": "in-use",
        "uri": path(account, f"/IncomingPhoneNumbers/{sid}"),
        "voice_caller_id_lookup": False,
        **dict.fromkeys(nothing),
        **dict.fromkeys((*unset, *voice), ""),
        **{f"{name}_method": "POST" for name in methods},
    }


def _short_code(account: str, number: str) -> Object:
    """Return ``ShortCode``."""
    sid = f"SC{uuid5(NAMESPACE_URL, number).hex}"
    return {
        "account_sid": account,
        "api_version": VERSION,
        "date_created": rfc2822(_MADE),
        "date_updated": rfc2822(_MADE),
        "friendly_name": number,
        "short_code": number,
        "sid": sid,
        "sms_fallback_method": "POST",
        "sms_fallback_url": None,
        "sms_method": "POST",
        "sms_url": None,
        "uri": path(account, f"/SMS/ShortCodes/{sid}"),
    }


def _owned(account: str, folder: str) -> tuple[Object, ...]:
    """Return what every account has here, by the last part of a list's path."""
    if folder == "ShortCodes":
        return (_short_code(account, "12345"),)
    return (
        _number(account, "+13135550100", "Front desk", messages=True),
        _number(account, "+13135550190", "Lift", messages=False),
        _number(account, "+18005550100", "Orders", messages=True),
    )


async def _listed(request: Request) -> Response:
    """``GET .../IncomingPhoneNumbers.json``, ``.../SMS/ShortCodes.json`` -> 200."""
    sid, query = caller(request).account, request.query_params
    place = request.url.path
    folder = place.rpartition("/")[2].removesuffix(".json")
    name, number = _LISTS[folder]
    wanted = query.get(_PARAMETERS[number])
    kept = [one for one in _owned(sid, folder) if wanted in (None, one[number])]
    found, links = page(kept, query, place, lambda one: str(one["sid"]), MALFORMED)
    return Json(listed(name, found, links))


# By the last part of a list's path: its name in the answer, and the number in an item.
_LISTS = {
    "IncomingPhoneNumbers": ("incoming_phone_numbers", "phone_number"),
    "ShortCodes": ("short_codes", "short_code"),
}
_PARAMETERS = {"phone_number": "PhoneNumber", "short_code": "ShortCode"}


async def _one(request: Request) -> Response:
    """``GET .../IncomingPhoneNumbers/{Sid}.json``, ``.../SMS/ShortCodes/{Sid}.json`` -> 200."""
    account, sid = caller(request).account, request.path_params["sid"]
    items = {one["sid"]: one for one in _owned(account, request.url.path.split("/")[-2])}
    if sid not in items:
        refuse(no(20404, 404))
    return Json(items[sid])


async def _lookup(request: Request) -> Response:
    """``GET /v2/PhoneNumbers/{number}`` -> 200, for what is no number too; 404 for what is no text.

    Only ``line_type_intelligence`` is played; every number is read as one of North America.
    """
    allowed(request)
    number = request.path_params["number"]
    fields = request.query_params.get("Fields", "").split(",")
    valid = MAGIC.get(number[-4:]) is not Wish.INVALID_NUMBER and bool(_E164.fullmatch(number))
    asked = valid and "line_type_intelligence" in fields
    return Json(
        {
            "calling_country_code": "1" if valid else None,
            "country_code": "US" if valid else None,
            "phone_number": number,
            "national_format": f"({number[2:5]}) {number[5:8]}-{number[8:]}" if valid else None,
            "valid": valid,
            "validation_errors": None if valid else ["INVALID_BUT_POSSIBLE"],
            "caller_name": None,
            "sim_swap": None,
            "call_forwarding": None,
            "line_type_intelligence": _LINE if asked else None,
            "url": f"https://lookups.twilio.com/v2/PhoneNumbers/{number}",
        }
    )


# The example of the line-type page, but for the carrier.
_LINE = {
    "error_code": None,
    "mobile_country_code": "310",
    "mobile_network_code": "260",
    "carrier_name": "Sandbox Wireless",
    "type": "mobile",
}

_PLACES = ("IncomingPhoneNumbers", "SMS/ShortCodes")
ROUTES = [
    Route(f"{ACCOUNT}.json", _account, methods=["GET"]),
    Route(f"{ACCOUNT}/Balance.json", _balance, methods=["GET"]),
    *(Route(f"{ACCOUNT}/{place}.json", _listed, methods=["GET"]) for place in _PLACES),
    *(Route(f"{ACCOUNT}/{place}/{{sid}}.json", _one, methods=["GET"]) for place in _PLACES),
    Route("/v2/PhoneNumbers/{number}", _lookup, methods=["GET"]),
]
