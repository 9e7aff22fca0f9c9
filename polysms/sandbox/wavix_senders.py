"""Wavix's sender IDs: what may be registered where, and those an account has.

Two generations of documents differ in spelling and in statuses; each spelling of the address is
answered as the documents that have it say: underscores as seed 000, hyphens as the OpenAPI.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from polysms.sandbox.answering import Json, content, loaded, refuse
from polysms.sandbox.progress import is_strange
from polysms.sandbox.state import Object, sandbox_of
from polysms.sandbox.wavix_account import (
    NAME,
    NOT_FOUND,
    NOT_PROVISIONED,
    authenticate,
    is_of_old,
    no,
    wrong,
)
from polysms.sandbox.wavix_rules import SENDER_NAME, bare

_TYPES = ("numeric", "alphanumeric")
_NUMBER = re.compile(r"\+?[1-9][0-9]{6,14}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_KEYS = frozenset({"sender_id", "type", "countries", "usecase", "monthly_volume", "samples"})
_USECASES = ("transactional", "promo", "authentication")
_VOLUMES = ("1-1000", "1001-20000", "20001-50000", "50001-100000", "More than 100000")
# Seed 002: no names to the US and Canada.
_NUMBERS_ONLY = frozenset({"US", "CA"})
# Which countries want a review of a name is in no document: these are the sandbox's own.
_REVIEWED = frozenset({"IN", "SG"})


async def _restrictions(request: Request) -> Response:
    """``GET /v3/messages/sender_ids/restrictions`` -> 200 (seed 000)."""
    authenticate(request)
    country, kind = (request.query_params.get(name, "") for name in ("country", "type"))
    if not _COUNTRY.fullmatch(country):
        wrong("country")
    if kind not in _TYPES:
        wrong("type")
    return Json({"self_service": _is_free(kind, country)})


def _is_free(kind: str, country: str) -> bool:
    return kind == "numeric" or country not in _NUMBERS_ONLY | _REVIEWED


async def _create(request: Request) -> Response:
    """``POST /v3/messages/sender-ids`` -> 201 (OpenAPI), 200 (seed 000)."""
    authenticate(request)
    try:
        body = loaded(await content(request))
    except ValueError:
        wrong("sender_id")
    sandbox = sandbox_of(request)
    if sandbox.behaviour.mode(NAME) == "refuse":
        return NOT_PROVISIONED.answer()
    sender = _sender(body)
    sandbox.senders[sender["id"]] = sender
    return Json(sender, 200 if is_of_old(request) else 201)


def _sender(body: object) -> Object:
    """Return the sender that a body asks for. Raises Refused."""
    if not isinstance(body, dict) or set(body) - _KEYS:
        wrong("sender_id")
    kind, countries = body.get("type"), body.get("countries", [])
    if kind not in _TYPES:
        wrong("type")
    if not _is_list(countries, _COUNTRY):
        wrong("countries")
    _check_details(body)
    name = _name(body.get("sender_id"), kind)
    if kind == "alphanumeric" and not _NUMBERS_ONLY.isdisjoint(countries):
        # The OpenAPI of 2025; what it says of Canada is a guess.
        refuse(no(400, "Alphanumeric Sender ID cannot be allow listed in US via API"))
    free = [country for country in countries if _is_free(kind, country)]
    details = {key: body[key] for key in ("usecase", "samples") if body.get(key) is not None}
    identity = str(uuid4())
    return {"id": identity, "sender_id": name, "type": kind, "allowlisted_in": free, **details}


def _is_list(value: object, shape: re.Pattern[str]) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, str) and shape.fullmatch(one) for one in value)
    )


def _check_details(body: dict[str, Any]) -> None:
    # Required in the OpenAPI, absent from the sample of seed 000.
    if body.get("usecase", _USECASES[0]) not in _USECASES:
        wrong("usecase")
    if body.get("monthly_volume", _VOLUMES[0]) not in _VOLUMES:
        wrong("monthly_volume")
    if not _is_list(body.get("samples", ["."]), re.compile(".+", re.DOTALL)):
        wrong("samples")


def _name(value: object, kind: str) -> str:
    if not isinstance(value, str):
        wrong("sender_id")
    if kind == "alphanumeric":
        if value.isdigit() or not SENDER_NAME.fullmatch(value):
            wrong("sender_id")
        return value
    if not _NUMBER.fullmatch(value):
        wrong("sender_id")
    if is_strange(value):
        # Seed 000: "must be an SMS-enabled DID on your account". Its status is a guess.
        refuse(no(422, "Sender ID must be an SMS-enabled number of your account"))
    return bare(value)


async def _list(request: Request) -> Response:
    """``GET /v3/messages/sender-ids`` -> 200, without pages (OpenAPI, seed 000)."""
    authenticate(request)
    return Json({"items": list(sandbox_of(request).senders.values())})


async def _get(request: Request) -> Response:
    """``GET /v3/messages/sender-ids/{id}`` -> 200 (OpenAPI)."""
    authenticate(request)
    sender = sandbox_of(request).senders.get(request.path_params["id"])
    return NOT_FOUND.answer() if sender is None else Json(sender)


async def _delete(request: Request) -> Response:
    """``DELETE /v3/messages/sender-ids/{id}`` -> 200 (OpenAPI), 204 (seed 000)."""
    authenticate(request)
    if sandbox_of(request).senders.pop(request.path_params["id"], None) is None:
        return NOT_FOUND.answer()
    return Response(status_code=204) if is_of_old(request) else Json({"success": True})


def _routes(path: str) -> list[Route]:
    return [
        Route(path, _create, methods=["POST"]),
        Route(path, _list, methods=["GET"]),
        # Before what would take its name for an id.
        Route(f"{path}/restrictions", _restrictions, methods=["GET"]),
        Route(f"{path}/{{id}}", _get, methods=["GET"]),
        Route(f"{path}/{{id}}", _delete, methods=["DELETE"]),
    ]


ROUTES = [*_routes("/v3/messages/sender-ids"), *_routes("/v3/messages/sender_ids")]
