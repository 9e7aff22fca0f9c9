"""Who is let in: any credential, unless it asks to be turned away."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import KEYS, PROJECT, House, basic

OPERATIONS = {
    "wavix": [
        ("POST", "/v3/messages"),
        ("GET", "/v3/messages?type=outbound"),
        ("GET", "/v3/messages/an-id"),
        ("GET", "/v1/profile"),
        ("GET", "/v1/profile/config"),
    ],
    "carrierx": [
        ("POST", "/core/v2/sms/messages"),
        ("GET", "/core/v2/sms/messages"),
        ("GET", "/core/v2/sms/messages/an-id"),
        ("GET", "/core/v2/oauth/whoami"),
    ],
    "signalwire": [
        ("POST", "/api/messaging/messages"),
        ("PATCH", "/api/messaging/messages/an-id"),
        ("GET", "/api/messaging/logs"),
        ("GET", "/api/messaging/logs/an-id"),
    ],
}
# OpenAPI of Wavix; responses page of CarrierX, and its send page (seed 003) for the scopes;
# SignalWire's OpenAPI (seed 004) and its TypeSpec for the 403.
UNAUTHORIZED: dict[str, Any] = {
    "wavix": {"success": False, "error": True, "message": "Unauthorized"},
    "carrierx": {
        "message": "Unauthorized",
        "errors": [{"field": None, "message": "bad credentials", "reference_sid": None}],
    },
    "signalwire": {"error": "Unauthorized"},
}
FORBIDDEN: dict[str, Any] = {
    "wavix": {"success": False, "message": "The service is not provisioned for your account."},
    "carrierx": {
        "message": "Forbidden",
        "errors": [
            {
                "field": None,
                "message": "one of the scopes sms.manage, sms.create is required",
                "reference_sid": None,
            }
        ],
    },
    "signalwire": {"error": "Forbidden"},
}
BAD = {
    "wavix": ["", "Bearer", "Bearer ", "Bearer an-invalid-key", basic("user", "password")],
    "carrierx": ["", "Bearer ", "Bearer invalid", basic("", "word"), basic("invalid", "word")],
    "signalwire": [
        "",
        "Bearer token",
        "Basic",
        "Basic ***",
        "Basic /w==",
        basic(PROJECT, ""),
        basic("", "PTtoken"),
        basic(PROJECT, "PTinvalid"),
    ],
}
WITHOUT_SCOPE = {
    "wavix": "Bearer noscope",
    "carrierx": basic("noscope", "password"),
    "signalwire": basic(PROJECT, "noscope"),
}
EVERYWHERE = [
    (provider, operation) for provider, found in OPERATIONS.items() for operation in found
]
EVERY_BAD_KEY = [(provider, key) for provider, keys in BAD.items() for key in keys]


@pytest.mark.parametrize(("provider", "key"), EVERY_BAD_KEY)
def test_bad_key(house: House, provider: str, key: str) -> None:
    """Without a good credential every operation is a 401 in the provider's own words."""
    headers = {"Authorization": key} if key else {}
    answers = [house.ask(*each, b"{}", headers) for each in OPERATIONS[provider]]

    assert {401} == {answer.status for answer in answers}
    assert all(answer.json == UNAUTHORIZED[provider] for answer in answers)


@pytest.mark.parametrize(("provider", "operation"), EVERYWHERE)
def test_without_scope(house: House, provider: str, operation: tuple[str, str]) -> None:
    """A credential that lacks a scope is a 403 in the provider's own words."""
    answer = house.ask(*operation, b"{}", {"Authorization": WITHOUT_SCOPE[provider]})

    assert (403, FORBIDDEN[provider]) == (answer.status, answer.json)


@pytest.mark.parametrize(
    ("provider", "key"),
    [
        *KEYS.items(),
        ("wavix", "bearer wavix-key"),
        # Older quick starts of CarrierX use a user and a password.
        ("carrierx", basic("user", "password")),
        # The name of a project that is no UUID is given one.
        ("signalwire", basic("my-project", "PT:token")),
    ],
)
def test_let_in(house: House, provider: str, key: str) -> None:
    """Any other credential is good."""
    path = {"wavix": "/v1/profile", "carrierx": "/core/v2/oauth/whoami"}.get(
        provider, "/api/messaging/logs"
    )

    assert 200 == house.get(provider, path, key).status


@pytest.mark.parametrize(("provider", "operation"), EVERYWHERE)
def test_long_body(house: House, provider: str, operation: tuple[str, str]) -> None:
    """More than 64 KiB is a 413 wherever a body is read."""
    method, path = operation
    headers = {"Authorization": KEYS[provider], "Content-Type": "application/json"}
    answer = house.ask(method, path, b" " * (64 * 1024 + 1), headers)

    assert (413 == answer.status) is (method != "GET")


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 404), ("/v3/nothing", 404), ("/v1/profile", 405), ("/core/v2/sms/messages/x", 405)],
)
def test_nothing_there(house: House, path: str, status: int) -> None:
    """What is not played is not found, or not allowed."""
    answer = house.ask("DELETE", path, headers={"Authorization": "Bearer key"})

    assert status == answer.status
