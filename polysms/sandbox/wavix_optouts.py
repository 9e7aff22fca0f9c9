"""Wavix's opt-outs: told in either form of its documents, listed, filtered."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from polysms.sandbox.answering import Json, content, loaded, stamp
from polysms.sandbox.state import sandbox_of
from polysms.sandbox.wavix_account import NAME, NOT_PROVISIONED, authenticate, paged, pages, wrong
from polysms.sandbox.wavix_rules import NUMBER, bare, day

_DAY = "%Y-%m-%d"


async def _create(request: Request) -> Response:
    """``POST /v3/messages/opt-outs`` -> 201 (OpenAPI), 204 (seed 000).

    What is said of one that is there already is a guess.
    """
    authenticate(request)
    try:
        body = loaded(await content(request))
    except ValueError:
        wrong("opt_out")
    sandbox = sandbox_of(request)
    if sandbox.behaviour.mode(NAME) == "refuse":
        return NOT_PROVISIONED.answer()
    is_flat = isinstance(body, dict) and "opt_out" not in body
    sandbox.optouts.setdefault(_flat(body) if is_flat else _wrapped(body), sandbox.now())
    return Response(status_code=204) if is_flat else Json({"success": True}, 201)


def _wrapped(body: object) -> tuple[str, str | None]:
    named = body.get("opt_out") if isinstance(body, dict) else None
    return _optout(named, "number")


def _flat(body: object) -> tuple[str, str | None]:
    return _optout(body, "phone_number")


def _optout(named: object, key: str) -> tuple[str, str | None]:
    """Return the number, and the sender it is about (None: any)."""
    if not isinstance(named, dict) or set(named) - {key, "sender_id"}:
        wrong("opt_out")
    number, sender = named.get(key), named.get("sender_id")
    if not isinstance(number, str) or not NUMBER.fullmatch(number):
        wrong(key)
    if sender is not None and not (isinstance(sender, str) and sender):
        wrong("sender_id")
    return bare(number), sender and bare(sender)


async def _list(request: Request) -> Response:
    """``GET /v3/messages/opt-outs`` -> 200 (OpenAPI)."""
    authenticate(request)
    query = request.query_params
    page, per_page = pages(query)
    items = [
        {"phone_number": number, "sender_id": sender, "campaign_id": None, "created_at": stamp(at)}
        for (number, sender), at in sandbox_of(request).optouts.items()
        if _is_wanted(sender, stamp(at, _DAY), query)
    ]
    return Json(paged(items, page, per_page))


def _is_wanted(sender: str | None, created: str, query: Mapping[str, str]) -> bool:
    # No opt-out of the sandbox belongs to a campaign. That both days are included is a guess.
    after, before = day(query, "created_after"), day(query, "created_before")
    wanted = query.get("sender_id")
    return (
        (wanted is None or sender == bare(wanted))
        and query.get("campaign_id") is None
        and (after or created) <= created <= (before or created)
    )


ROUTES = [
    Route(path, handler, methods=[method])
    for path in ("/v3/messages/opt-outs", "/v3/messages/opt_outs")
    for method, handler in (("POST", _create), ("GET", _list))
]
