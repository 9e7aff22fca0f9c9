"""SignalWire's numbers: those of a project, its short codes, and the look-up of any number.

Sources: the TypeSpec of phone numbers, short codes and number look-ups of 2026-08-21. Every project
has the same numbers here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from polysms.sandbox.answering import Json, Refusal, refuse, whole
from polysms.sandbox.progress import MAGIC, Wish
from polysms.sandbox.signalwire_access import PLAIN, Denials, project
from polysms.sandbox.state import Object

_HOME = "/api/relay/rest"
_SIZE, _MOST = 50, 1000
_TOKEN = "PA"  # noqa: S105 - not a secret
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_MESSAGING = ("voice", "sms", "mms", "fax")


def _no(status: int, title: str) -> Refusal:
    # TypeSpec, status codes; only a 422, which nothing here asks for, has a list of errors.
    return Refusal(status, {"error": title})


_NOT_FOUND = _no(404, "Not Found")


def _identity(number: str) -> str:
    return str(uuid5(NAMESPACE_URL, number))


def _number(number: str, name: str, capabilities: Sequence[str], kind: str) -> Object:
    """Return ``PhoneNumber``: nothing handles its calls and messages."""
    return {
        **dict.fromkeys(_HANDLERS),
        "id": _identity(number),
        "number": number,
        "name": name,
        "capabilities": list(capabilities),
        "number_type": kind,
        "e911_address_id": None,
        "created_at": "2026-01-15T10:30:00Z",
        "updated_at": "2026-01-15T10:30:00Z",
        "next_billed_at": "2027-01-15T10:30:00Z",
        "call_receive_mode": "voice",
        "country_code": "US",
    }


# TypeSpec: all of them are there, and null where they are not set.
_HANDLERS = (
    *("call_handler", "calling_handler_resource_id", "call_request_url", "call_request_method"),
    *("call_fallback_url", "call_fallback_method", "call_status_callback_url"),
    *("call_status_callback_method", "call_laml_application_id", "call_dialogflow_agent_id"),
    *("call_relay_topic", "call_relay_topic_status_callback_url", "call_relay_script_url"),
    *("call_relay_context", "call_relay_context_status_callback_url", "call_relay_application"),
    *("call_relay_connector_id", "call_sip_endpoint_id", "call_verto_resource"),
    *("call_video_room_id", "message_handler", "messaging_handler_resource_id"),
    *("message_request_url", "message_request_method", "message_fallback_url"),
    *("message_fallback_method", "message_laml_application_id", "message_relay_topic"),
    "message_relay_context",
)


def _short_code(number: str) -> Object:
    """Return ``ShortCode``."""
    return {
        "id": _identity(number),
        "name": None,
        "number": number,
        "capabilities": ["sms", "mms"],
        "number_type": "shortcode",
        "code_type": "random",
        "country_code": "US",
        "created_at": "2026-01-15T10:30:00Z",
        "updated_at": "2026-01-15T10:30:00Z",
        "next_billed_at": None,
        "lease_duration": "12 months",
        "message_handler": None,
        "message_request_url": None,
        "message_request_method": None,
        "message_fallback_url": None,
        "message_fallback_method": None,
        "message_laml_application_id": None,
        "message_relay_context": None,
    }


#: By the last part of their path.
_OWNED: dict[str, tuple[Object, ...]] = {
    "phone_numbers": (
        _number("+13135550100", "Front desk", _MESSAGING, "longcode"),
        _number("+13135550190", "Lift", ("voice",), "longcode"),
        _number("+18005550100", "Orders", _MESSAGING, "toll-free"),
    ),
    "short_codes": (_short_code("12345"),),
}


async def _list(request: Request) -> Response:
    """``GET /api/relay/rest/phone_numbers``, ``.../short_codes`` -> 200."""
    project(request)
    query, path = request.query_params, request.url.path
    size = whole(query.get("page_size"), _SIZE, 1, _MOST)
    number = whole(query.get("page_number"), 0, 0, 10**6)
    if size is None or number is None or (number and not query.get("page_token")):
        refuse(_no(400, "Bad Request"))
    items = _OWNED[path.rpartition("/")[2]]
    links = {"self": number, "first": 0}
    if (number + 1) * size < len(items):
        links["next"] = number + 1
    if number:
        links["prev"] = number - 1
    shown = {name: _link(path, to, size) for name, to in links.items()}
    return Json({"links": shown, "data": items[number * size : (number + 1) * size]})


def _link(path: str, number: int, size: int) -> str:
    token = {"page_token": f"{_TOKEN}{number}"} if number else {}
    return f"{path}?{urlencode({'page_number': number, 'page_size': size, **token})}"


async def _one(request: Request) -> Response:
    """``GET /api/relay/rest/phone_numbers/ID``, ``.../short_codes/ID`` -> 200."""
    project(request)
    items = _OWNED[request.url.path.split("/")[-2]]
    found = next((one for one in items if one["id"] == request.path_params["id"]), None)
    if found is None:
        refuse(_NOT_FOUND)
    return Json(found)


async def _lookup(request: Request) -> Response:
    """``GET /api/relay/rest/lookup/phone_number/NUMBER`` -> 200; no scope is needed."""
    project(request, Denials(PLAIN.unknown, PLAIN.unknown))
    number = request.path_params["number"]
    if not _E164.fullmatch(number):
        refuse(_NOT_FOUND)
    included = request.query_params.get("include", "").split(",")
    return Json(_facts(number) | ({"carrier": _CARRIER} if "carrier" in included else {}))


_CARRIER = {
    "lrn": "13135550100",
    "spid": "683X",
    "ocn": "12345",
    "lata": "340",
    "city": "Detroit",
    "state": "MI",
    "jurisdiction": "indeterminate",
    "lec": "Sandbox Wireless",
    "linetype": "wireless",
}


def _facts(number: str) -> Object:
    """Return ``PhoneNumberLookup``; every number is read as one of North America."""
    national = number[2:]
    valid = MAGIC.get(number[-4:]) is not Wish.INVALID_NUMBER
    return {
        "country_code_number": 1,
        "national_number": national,
        "possible_number": True,
        "valid_number": valid,
        "national_number_formatted": f"({national[:3]}) {national[3:6]}-{national[6:]}",
        "international_number_formatted": f"+1 {national[:3]}-{national[3:6]}-{national[6:]}",
        "e164": number,
        "location": "Michigan",
        "country_code": "US",
        "timezones": ["America/Detroit"],
        "number_type": "Fixed Line or Mobile",
    }


ROUTES = [
    Route(f"{_HOME}/lookup/phone_number/{{number}}", _lookup),
    *(Route(f"{_HOME}/{name}", _list) for name in _OWNED),
    *(Route(f"{_HOME}/{name}/{{id}}", _one) for name in _OWNED),
]
