"""The same receiver behind every door: Django (WSGI and ASGI), Flask, FastAPI."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import django
import httpx
import pytest
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.test import Client as Caller
from django.test import override_settings
from django.urls import include, path, re_path
from fastapi import FastAPI
from flask import Flask

from polysms.contrib.django import shared, urls, views
from polysms.contrib.flask import blueprint
from polysms.server import Receiver
from polysms.webhooks import WebhookRequest
from tests.server.conftest import House, Made, made

__all__ = ["made"]

#: The path of the public address in :mod:`tests.webhooks.forms`.
PREFIX = "/hooks"
#: What every project of Django's has that is made by its own command.
MIDDLEWARE = (
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
)


@attrs.frozen
class Answer:
    """What came back."""

    status: int
    content_type: str | None
    body: bytes


Ask = Callable[[WebhookRequest], Answer]


def pieces(request: WebhookRequest) -> tuple[str, str, dict[str, str]]:
    """Return a request's path, its path with the query, and its headers."""
    where, query = request.target
    return where, f"{where}?{query}" if query else where, dict(request.headers)


def routes(receiver: Receiver, prefix: str) -> ModuleType:
    """Return a URLconf with a receiver and, beside it, a page of the project's own."""
    module = ModuleType("routes")
    vars(module)["urlpatterns"] = [
        path(f"{prefix.strip('/')}/".lstrip("/"), include(urls(receiver))),
        re_path("", lambda _: HttpResponse("elsewhere")),
    ]
    return module


def django_wsgi(house: House, prefix: str) -> Ask:
    """Return what asks a project of Django's through its own test client."""
    root = routes(house.receiver, prefix)

    def ask(request: WebhookRequest) -> Answer:
        _, target, headers = pieces(request)
        kind = headers.pop("content-type", "")
        with override_settings(ROOT_URLCONF=root):
            caller = Caller(enforce_csrf_checks=True)
            found = caller.generic(
                request.method, target, request.body, content_type=kind, headers=headers
            )
        return Answer(found.status_code, found.headers.get("content-type"), found.content)

    return ask


def django_asgi(house: House, prefix: str) -> Ask:
    """Return what asks a project of Django's as an ASGI app."""
    root = routes(house.receiver, prefix)

    def ask(request: WebhookRequest) -> Answer:
        with override_settings(ROOT_URLCONF=root):
            return by_asgi(house, ASGIHandler(), request)

    return ask


def flask(house: House, prefix: str) -> Ask:
    """Return what asks an app of Flask's through its own test client."""
    app = Flask("shop")
    app.register_blueprint(blueprint(house.receiver), url_prefix=prefix or None)
    caller = app.test_client()

    def ask(request: WebhookRequest) -> Answer:
        _, target, headers = pieces(request)
        found = caller.open(target, method=request.method, headers=headers, data=request.body)
        return Answer(found.status_code, found.headers.get("content-type"), found.data)

    return ask


def fastapi(house: House, prefix: str) -> Ask:
    """Return what asks an app of FastAPI's."""
    app = FastAPI()
    app.mount(prefix or "/", house.receiver)
    return lambda request: by_asgi(house, app, request)


def by_asgi(house: House, app: Any, request: WebhookRequest) -> Answer:
    """Return what an ASGI app answers, in the event loop of a house."""

    async def post() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
            _, target, headers = pieces(request)
            return await http.request(request.method, target, headers=headers, content=request.body)

    found = house.run(post())
    return Answer(found.status_code, found.headers.get("content-type"), found.content)


#: Each door with the kinds of client that it is for.
DOORS: Mapping[str, tuple[Callable[[House, str], Ask], str]] = {
    "django-wsgi": (django_wsgi, "sync"),
    "django-asgi": (django_asgi, "sync"),
    "django-asgi-async": (django_asgi, "async"),
    "flask": (flask, "sync"),
    "fastapi": (fastapi, "async"),
    "fastapi-sync": (fastapi, "sync"),
}


@attrs.frozen
class Behind:
    """A receiver behind a door."""

    house: House
    door: Callable[[House, str], Ask]

    def ask(self, request: WebhookRequest, prefix: str = PREFIX) -> Answer:
        return self.door(self.house, prefix)(request)


@pytest.fixture(scope="session", autouse=True)
def project() -> None:
    """Set Django up, once for a process, as the other tests that use it do."""
    if not settings.configured:
        settings.configure(USE_TZ=False, TIME_ZONE="America/Chicago", LOGGING_CONFIG=None)
        django.setup()


@pytest.fixture(autouse=True)
def shop() -> Iterator[None]:
    """Have the usual middleware and an app; forget it all at the end."""
    with override_settings(
        MIDDLEWARE=MIDDLEWARE, ALLOWED_HOSTS=["*"], INSTALLED_APPS=["polysms.contrib.django"]
    ):
        yield
    views.served.clear()
    shared.close()


@pytest.fixture(params=DOORS)
def bare(request: pytest.FixtureRequest, made: Made) -> Behind:
    """Return a receiver without a ledger behind each door."""
    door, kind = DOORS[request.param]
    return Behind(made(kind), door)


@pytest.fixture(params=DOORS)
def kept(request: pytest.FixtureRequest, made: Made, tmp_path: Path) -> Behind:
    """Return a receiver with a ledger behind each door."""
    door, kind = DOORS[request.param]
    return Behind(made(kind, f"sqlite:///{tmp_path}/ledger.db"), door)


def wsgi_django(receiver: Receiver) -> Any:
    """Return a project of Django's as a WSGI app."""
    settings.ROOT_URLCONF = routes(receiver, PREFIX)
    return WSGIHandler()


def wsgi_flask(receiver: Receiver) -> Any:
    """Return an app of Flask's as a WSGI app."""
    app = Flask("shop")
    app.register_blueprint(blueprint(receiver), url_prefix=PREFIX)
    return app
