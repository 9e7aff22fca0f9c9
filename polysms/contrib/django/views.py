"""The address of a receiver, under WSGI and under ASGI."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.urls import URLPattern, path
from django.utils.functional import SimpleLazyObject

from polysms import AsyncClient
from polysms.contrib.carrying import bounded, carried_in, headers_out
from polysms.server import Receiver
from polysms.webhooks import WebhookRequest, WebhookResponse

#: The receivers that have an address, for the checks.
served: list[Receiver] = []


def urls(receiver: Receiver) -> list[URLPattern]:
    """Return what ``path("sms/", include(urls(receiver)))`` hands to a receiver.

    A receiver of an :class:`~polysms.AsyncClient` is asked in the event loop of ASGI, any other in
    a thread of Django's.
    """
    served.append(receiver)
    view = _open(_async_view(receiver) if _is_async(receiver) else _view(receiver))
    return [path("", view), path("<path:inside>", view)]


def _is_async(receiver: Receiver) -> bool:
    # Our own is not made before it is needed.
    is_lazy = isinstance(receiver, SimpleLazyObject)
    return not is_lazy and isinstance(receiver.client, AsyncClient)


def _view(receiver: Receiver) -> Callable[..., Any]:
    def hear(request: HttpRequest, inside: str = "") -> HttpResponse:
        return _out(receiver.handle(_in(request, inside), _source(request)))

    return hear


def _async_view(receiver: Receiver) -> Callable[..., Any]:
    async def hear(request: HttpRequest, inside: str = "") -> HttpResponse:
        asked, source = _in(request, inside), _source(request)
        if isinstance(request, ASGIRequest):
            return _out(await receiver.ahandle(asked, source))
        # Under WSGI each request has a loop of its own, and the client can live in one only.
        return _out(receiver.handle(asked, source))

    return hear


def _open(view: Callable[..., Any]) -> Callable[..., Any]:
    """Return a view that a provider may call, which has neither cookie nor login."""
    facts: dict[str, Any] = {"csrf_exempt": True, "login_required": False}
    vars(view).update(facts)
    for alias in connections:
        # What your function writes is committed before the ledger says that it has been told.
        view = transaction.non_atomic_requests(using=alias)(view)
    return view


def _in(request: HttpRequest, inside: str) -> WebhookRequest:
    query = request.META.get("QUERY_STRING", "")
    try:
        body = bounded(request.read)
    except UnreadablePostError:
        body = b""  # whoever sent it has gone
    return carried_in(request.method, inside, query, request.headers.items(), body)


def _source(request: HttpRequest) -> str | None:
    return request.META.get("REMOTE_ADDR") or None


def _out(answer: WebhookResponse) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status)
    # Not Django's own content type: some answers have none.
    del response.headers["content-type"]
    for name, value in headers_out(answer).items():
        response[name] = value
    # Django would log the address, which holds a token; what is to be said of it is logged by now.
    vars(response)["_has_been_logged"] = True
    return response
