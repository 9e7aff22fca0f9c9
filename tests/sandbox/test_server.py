"""Starting and stopping: in a thread beside a test, or for ever in a process."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from starlette.types import Message

from polysms.sandbox import (
    Behaviour,
    app,
    carrierx,
    create_app,
    running,
    signalwire,
    twilio,
    wavix,
)
from polysms.sandbox.state import Sandbox
from tests.sandbox.conftest import (
    PATHS,
    PROJECT,
    PROVIDERS,
    Clock,
    House,
    encoded,
    headers,
    wait_for,
    wanted,
)

SERVE = "import sys; from polysms.sandbox import serve; serve(port=int(sys.argv[1]))"


def health(url: str) -> Any:
    """Return what a sandbox says of its health."""
    with urllib.request.urlopen(f"{url}/_sandbox/health", timeout=20) as response:  # noqa: S310
        return json.load(response)


def test_running() -> None:
    """Inside the block the sandbox answers; behind it nothing listens."""
    with running() as sandbox:
        assert {"status": "ok", "messages": 0} == health(sandbox.url)
    with pytest.raises(OSError, match="refused"):
        health(sandbox.url)


def test_the_store_is_at_hand() -> None:
    """A test may look into the store of the sandbox it runs."""
    clock = Clock()
    with running(behaviour=Behaviour(clock=clock)) as sandbox:
        sent = House(sandbox, clock).send("wavix")
        (entry,) = sandbox.store.received("13135550101")

    assert sent["message_id"] == entry.id


def test_two_at_once() -> None:
    """Two sandboxes know nothing of one another."""
    with running() as first, running() as second:
        House(first, Clock()).send("wavix")

        assert (1, 0) == (health(first.url)["messages"], health(second.url)["messages"])


def test_ipv6() -> None:
    """An IPv6 address works, and stands in brackets in the URL."""
    try:
        with running("::1") as sandbox:
            assert sandbox.url.startswith("http://[::1]:")
            assert {"status": "ok", "messages": 0} == health(sandbox.url)
    except OSError:
        pytest.skip("this machine has no IPv6")


def test_port_taken() -> None:
    """A port that is taken is an OSError, at once."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"), running(port=port):
            pytest.fail("it started all the same")


def test_never_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not come up is an error that says so."""
    monkeypatch.setattr("polysms.sandbox.server._START", 0.01)
    # uvicorn's own, which tells nobody that it is ready.
    monkeypatch.setattr("polysms.sandbox.server._Server.startup", uvicorn.Server.startup)
    with pytest.raises(RuntimeError, match="did not start"), running():
        pytest.fail("it started all the same")


def test_error_inside() -> None:
    """An error inside the block stops the sandbox too."""
    found = []

    def failing(sandbox: Sandbox) -> None:
        found.append(sandbox.url)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), running() as sandbox:
        failing(sandbox)
    with pytest.raises(OSError, match="refused"):
        health(found[0])


@pytest.fixture
def process() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Serve in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    started = subprocess.Popen([sys.executable, "-c", SERVE, str(port)])  # noqa: S603
    try:
        yield started, f"http://127.0.0.1:{port}"
    finally:
        started.kill()
        started.wait()


def is_up(url: str) -> bool:
    """Return whether a sandbox answers."""
    try:
        return bool(health(url))
    except OSError:
        return False


def test_serve(process: tuple[subprocess.Popen[bytes], str]) -> None:
    """Serving goes on until Ctrl-C."""
    started, url = process
    wait_for(lambda: is_up(url))
    started.send_signal(signal.SIGINT)

    assert started.wait(20) in (0, 1, -signal.SIGINT)
    assert not is_up(url)


def test_many_at_once(house: House) -> None:
    """Sends from many threads at once are all accepted, each with an id of its own."""
    found: list[str] = []

    def send() -> None:
        found.extend(house.send("wavix")["message_id"] for _ in range(10))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (80, 80) == (len(set(found)), len(house.sandbox.store.all()))


def test_one_connection(house: House) -> None:
    """A connection is kept for the next request, across providers."""
    raw = b"".join(_raw(provider) for provider in PROVIDERS)
    with socket.create_connection(house.address, timeout=20) as connection:
        connection.sendall(raw)
        received = b""
        while received.count(b"HTTP/1.1 20") < len(PROVIDERS):
            chunk = connection.recv(65_536)
            assert chunk, received
            received += chunk

    assert list(PROVIDERS) == [entry.draft.provider for entry in house.sandbox.store.all()]


def _raw(provider: str) -> bytes:
    body = encoded(provider, wanted(provider))
    given = {**headers(provider), "Host": "localhost", "Content-Length": str(len(body))}
    lines = [f"POST {PATHS[provider]} HTTP/1.1", *(f"{k}: {v}" for k, v in given.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def test_paths_do_not_collide() -> None:
    """Every path of a provider is known as its own by what it begins with."""
    doors = {"wavix": wavix, "carrierx": carrierx, "signalwire": signalwire, "twilio": twilio}

    assert {name: {name} for name in doors} == {
        name: {app.owner(_path(route.path)) for route in door.ROUTES}
        for name, door in doors.items()
    }


def _path(template: str) -> str:
    """Return a path of a template: an id is an account's SID where one is asked for."""
    return template.replace("{account:twilio_account}", "AC1").replace("{project}", PROJECT)


async def _lifespan(target: Any) -> list[str]:
    """Start and stop an application; return what it said."""
    orders: list[Message] = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    said: list[str] = []

    async def receive() -> Message:
        return orders.pop(0)

    async def send(message: Message) -> None:
        said.append(message["type"])

    await target({"type": "lifespan", "app": None, "state": {}}, receive, send)
    return said


def test_another_server() -> None:
    """The application starts and stops under any ASGI server."""
    assert ["lifespan.startup.complete", "lifespan.shutdown.complete"] == asyncio.run(
        _lifespan(create_app())
    )


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_without_the_extra(missing: str) -> None:
    """Who has not installed what the sandbox needs is told how, by name."""
    program = f"import sys; sys.modules[{missing!r}] = None; import polysms.sandbox"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)  # noqa: S603 - our own program

    assert 1 == done.returncode
    words = f"ModuleNotFoundError: polysms.sandbox needs {missing}: pip install 'polysms[server]'"
    assert words in done.stderr.decode()
