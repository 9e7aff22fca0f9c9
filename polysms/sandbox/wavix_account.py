"""What every answer of Wavix has in common: who may ask, how it says no, how it counts pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn

from starlette.requests import Request

from polysms.sandbox.answering import INVALID, NO_SCOPE, Refusal, bearer, refuse, whole
from polysms.sandbox.state import Object

NAME = "wavix"
# OpenAPI: 25 a page. The client library's README: at most 100.
_PER_PAGE = 25
_MOST_PER_PAGE = 100


def no(status: int, message: str, headers: Mapping[str, str] | None = None) -> Refusal:
    """Return a refusal in Wavix's shape (OpenAPI)."""
    return Refusal(status, {"success": False, "message": message}, headers or {})


def wrong(name: str) -> NoReturn:
    """Refuse a request for one of its parts."""
    refuse(no(400, f"Missing or invalid parameter {name}"))


UNAUTHORIZED = Refusal(401, {"success": False, "error": True, "message": "Unauthorized"})
NOT_PROVISIONED = no(403, "The service is not provisioned for your account.")
NOT_FOUND = no(404, "Record not found")


def authenticate(request: Request) -> None:
    """Check the key: a Bearer token (seed 001), or ``?appid=`` as older pages say (seed 000)."""
    key = bearer(request) or request.query_params.get("appid", "")
    if not key or INVALID in key:
        refuse(UNAUTHORIZED)
    if NO_SCOPE in key:
        # That a missing scope is a 403 is a guess; the text is the OpenAPI's.
        refuse(NOT_PROVISIONED)


def pages(query: Mapping[str, str]) -> tuple[int, int]:
    """Return the page of a list, and its items. Raises Refused with 400."""
    page = whole(query.get("page"), 1, 1, 10**9)
    per_page = whole(query.get("per_page"), _PER_PAGE, 1, _MOST_PER_PAGE)
    if page is None:
        wrong("page")
    if per_page is None:
        wrong("per_page")
    return page, per_page


def paged(found: list[Object], page: int, per_page: int) -> Object:
    """Return one page of a list (OpenAPI)."""
    pagination = {
        "current_page": page,
        "per_page": per_page,
        "total": len(found),
        "total_pages": -(-len(found) // per_page),
    }
    return {"items": found[(page - 1) * per_page : page * per_page], "pagination": pagination}


def is_of_old(request: Request) -> bool:
    """Whether an address is spelled with underscores, as in older documents (seed 000)."""
    return "sender_ids" in request.url.path
