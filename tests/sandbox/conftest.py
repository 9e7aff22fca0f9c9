"""The sandbox, asked over real HTTP, with a clock that is moved by hand."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection
from typing import Any, TypeVar
from urllib.parse import urlencode

import attrs
import pytest

from polysms.sandbox import Behaviour, running
from polysms.sandbox.state import Sandbox

T = TypeVar("T")

PROVIDERS = ("wavix", "carrierx", "signalwire", "twilio")
PROJECT = "3a9f2b1c-0000-4000-8000-000000000000"
ACCOUNT = "AC" + "0" * 32
PATHS = {
    "wavix": "/v3/messages",
    "carrierx": "/core/v2/sms/messages",
    "signalwire": "/api/messaging/messages",
    "twilio": f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
}
#: 2026-04-14T12:00:00.25Z, when every test begins.
START = 1_776_168_000.25
_PATIENCE = 20.0
_TICK = 0.01


def basic(user: str, password: str) -> str:
    """Return the value of ``Authorization: Basic``."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


KEYS = {
    "wavix": "Bearer wavix-key",
    "carrierx": "Bearer carrierx-token",
    "signalwire": basic(PROJECT, "PTtoken"),
    "twilio": basic(ACCOUNT, "twilio-token"),
}


def wanted(provider: str, to: str = "13135550101", /, **changes: Any) -> dict[str, Any]:
    """Return a good body of a send, with changes; a change to ``...`` takes the key away."""
    bodies: dict[str, dict[str, Any]] = {
        "wavix": {"from": "+13137890021", "to": f"+{to}", "message_body": {"text": "Hello"}},
        "carrierx": {"from": "15162065575", "to": to, "message": "Hello"},
        "signalwire": {"from": "+15559876543", "to": f"+{to}", "body": "Hello"},
        "twilio": {"From": "+15559876543", "To": f"+{to}", "Body": "Hello"},
    }
    # `from` is no name of an argument.
    changes = {name.rstrip("_"): value for name, value in changes.items()}
    return {name: value for name, value in (bodies[provider] | changes).items() if value is not ...}


def encoded(provider: str, body: Any) -> bytes:
    """Return the body of a send as a provider wants it; bytes are sent as they are."""
    if isinstance(body, bytes):
        return body
    if provider == "twilio":
        return urlencode(body, doseq=True).encode()
    return json.dumps(body).encode()


class Clock:
    """A clock that only a test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        """Return the time in seconds since 1970."""
        return self.now

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@attrs.frozen
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


@attrs.frozen
class House:
    """A running sandbox and its clock."""

    sandbox: Sandbox
    clock: Clock

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, _, port = self.sandbox.url.removeprefix("http://").partition(":")
        return host, int(port)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the answer to one request, on a connection of its own."""
        connection = HTTPConnection(*self.address, timeout=_PATIENCE)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def get(self, provider: str, path: str, key: str | None = None) -> Answer:
        """Return what a provider answers to a GET."""
        return self.ask("GET", path, headers={"Authorization": key or KEYS[provider]})

    def post(self, provider: str, body: Any, key: str | None = None) -> Answer:
        """Return what a provider answers to a send; bytes are sent as they are."""
        raw = encoded(provider, body)
        return self.ask("POST", PATHS[provider], raw, headers(provider, key))

    def send(self, provider: str, to: str = "13135550101", /, **changes: Any) -> Any:
        """Send a good message and return what the provider answered."""
        answer = self.post(provider, wanted(provider, to, **changes))
        assert answer.status < 300, answer.body
        return answer.json

    def behave(self, **changes: Any) -> Answer:
        """Change how the sandbox behaves, through its control API."""
        return self.ask("POST", "/_sandbox/behaviour", json.dumps(changes).encode())

    def settle(self) -> None:
        """Let so much time pass that every message is final and stands in every list."""
        self.clock.forward(10)


def headers(provider: str, key: str | None = None) -> dict[str, str]:
    """Return the headers of a send."""
    form = "application/x-www-form-urlencoded"
    kind = form if provider == "twilio" else "application/json"
    return {"Authorization": key or KEYS[provider], "Content-Type": kind}


def wait_for(found: Callable[[], T]) -> T:
    """Return what a function returns as soon as that is something; give up after a while."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        result = found()
        if result:
            return result
        time.sleep(_TICK)
    pytest.fail("it did not come")


@pytest.fixture(scope="module")
def only_house() -> Iterator[House]:
    """Run one sandbox for the tests of a module."""
    clock = Clock()
    with running(behaviour=Behaviour(clock=clock, seed=1)) as sandbox:
        yield House(sandbox, clock)


@pytest.fixture
def house(only_house: House) -> House:
    """Return the sandbox as if it had just been started."""
    only_house.clock.now = START
    only_house.sandbox.reset()
    return only_house
