"""``polysms serve``, as a process: it hears, keeps, tells, and ends when it is told to."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import polysms.server
from polysms import Client
from tests.cli.conftest import PATIENCE, POLYSMS, Command

pytestmark = pytest.mark.unmeasured

KEPT = """
public_url = "http://127.0.0.1:8027"
ledger = "sqlite:///ledger.db"
[accounts.wavix]
api_key = "x"
webhook_token = "token-0123456789abcdef"
verify_reports = "trust"
[accounts.null]
"""
HEARD = """
from polysms import Client
from polysms.server import Receiver

receiver = Receiver(Client.from_config())

@receiver.on_inbound
def note(message):
    with open("heard", "a") as heard:
        heard.write(message.provider_id + "\\n")
"""
_HANGS = """
import asyncio, pathlib, threading
from polysms import AsyncClient
from polysms.server import Receiver

receiver = Receiver(AsyncClient.from_config())

@receiver.on_inbound
"""
HANGS = {
    "sync": f"""{_HANGS}
def note(message):
    pathlib.Path("hangs").touch()
    threading.Event().wait()
""",
    "async": f"""{_HANGS}
async def note(message):
    pathlib.Path("hangs").touch()
    await asyncio.Event().wait()
""",
}
INBOUND = {"message_id": "in-1", "direction": "inbound", "from": "x", "to": "y", "text": "hello"}
Started = Callable[..., "tuple[subprocess.Popen[str], dict[str, Any]]"]


@pytest.fixture
def here(command: Command, tmp_path: Path) -> Path:
    """Write a configuration and a program that listens; return their folder."""
    del command
    (tmp_path / "polysms.toml").write_text(KEPT, encoding="utf-8")
    (tmp_path / "heard.py").write_text(HEARD, encoding="utf-8")
    return tmp_path


@pytest.fixture
def started(here: Path) -> Iterator[Started]:
    """Return a function that starts a server and returns what it says first."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
        # A run in the background of a script ignores Ctrl-C, and would hand that on.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*POLYSMS, "serve", "--port", "0", "--json", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            cwd=here,
        )
        signal.signal(signal.SIGINT, before)
        running.append(process)
        assert process.stdout is not None
        return process, json.loads(process.stdout.readline())

    yield start
    for process in running:
        process.kill()
        process.communicate()


def post(said: dict[str, Any], body: dict[str, Any]) -> int:
    """Post to the address of an account, where the server really is."""
    path = said["addresses"]["wavix"].partition(":8027")[2]
    return httpx.post(f"http://127.0.0.1:{said['port']}{path}", json=body).status_code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_told_to_stop(here: Path, started: Started, number: signal.Signals) -> None:
    """What is posted is in the ledger, and SIGTERM and Ctrl-C end the server as they should."""
    process, said = started()
    assert {"wavix": "http://127.0.0.1:8027/wavix/token-0123456789abcdef"} == said["addresses"]
    report = {"message_id": "m-1", "status": "delivered", "from": "x", "to": "y"}

    assert 200 == post(said, report)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert (0, "", "") == (process.returncode, out, err)
    with Client.from_config(here / "polysms.toml") as client:
        assert 1 == client.ledger.stats().events


def test_your_functions_are_told(here: Path, started: Started) -> None:
    """The receiver of a module is served, and its functions are told."""
    process, said = started("--listen", "heard:receiver")

    assert 200 == post(said, INBOUND)
    process.terminate()
    process.communicate(timeout=PATIENCE)
    assert "in-1\n" == (here / "heard").read_text(encoding="utf-8")


@pytest.mark.parametrize("how", ["sync", "async"])
def test_hanging_function_does_not_keep_it_from_ending(
    here: Path, started: Started, how: str
) -> None:
    """SIGTERM ends the server while a function hangs; a line says so, and it is told later."""
    (here / "hangs.py").write_text(HANGS[how], encoding="utf-8")
    process, said = started("--listen", "hangs:receiver")
    assert 200 == post(said, INBOUND)
    _until((here / "hangs").exists)
    process.terminate()
    out, err = process.communicate(timeout=PATIENCE)

    assert (0, "") == (process.returncode, out)
    assert ["events=1 not told to the end: told again later"] == err.splitlines()
    with Client.from_config(here / "polysms.toml") as client:
        until = client.duties.now()
        assert 0 == len(client.ledger.due(until=until, limit=1))
        client.ledger._clock = lambda: until + timedelta(seconds=61)  # noqa: SLF001
        assert 1 == len(client.ledger.due(until=until, limit=1))


def _until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_worker_tells_what_is_left(here: Path) -> None:
    """A worker that listens tells what the server did not live to tell."""
    with Client.from_config(here / "polysms.toml") as client:
        client.ledger.upgrade()
        event = _inbound(client)
        client.ledger.record(event, handle_at=client.duties.now())
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*POLYSMS, "worker", "--listen", "heard:receiver"], cwd=here, stdout=subprocess.DEVNULL
    )
    try:
        _until((here / "heard").exists)
    finally:
        process.terminate()
        process.wait(PATIENCE)
    assert "in-1\n" == (here / "heard").read_text(encoding="utf-8")


def _inbound(client: Client) -> Any:
    from polysms.webhooks import WebhookRequest, parse

    body = json.dumps(INBOUND).encode()
    request = WebhookRequest("POST", "/", {}, body, client.duties.now())
    return parse(client.config.account("wavix"), request)[0]


def test_for_people(here: Path) -> None:
    """People are told first what to give to each provider, and then where it listens."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*POLYSMS, "serve", "--port", "0"], cwd=here, stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(2)]
    process.terminate()
    process.communicate(timeout=PATIENCE)

    assert "wavix: http://127.0.0.1:8027/wavix/token-0123456789abcdef\n" == lines[0]
    assert lines[1].startswith("Listening on 127.0.0.1, port ")


def test_slow_head_is_not_waited_for(started: Started) -> None:
    """A connection on which no request comes is closed by the server."""
    _, said = started()
    with socket.create_connection(("127.0.0.1", said["port"]), PATIENCE) as slow:
        slow.sendall(b"POST / HTTP/1.1\r\nHost: ")
        assert b"" == slow.recv(100)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--listen", "heard"), "write it as MODULE:NAME"),
        (("--listen", "nowhere:receiver"), "there is no module 'nowhere' here"),
        (("--listen", "heard:note"), "heard has no Receiver named 'note'"),
        (("--listen", "heard:receiver", "--config", "x"), "give no other"),
        (("--url", "wavix://key@?webhook_token=0123456789abcdef"), "needs a ledger"),
    ],
)
def test_wrong_usage(
    here: Path, command: Command, arguments: tuple[str, ...], sentence: str
) -> None:
    """What cannot be served is told in a sentence, and nothing begins."""
    said = command("serve", "--port", "0", *arguments)

    assert (2, True) == (said.code, sentence in said.err.replace("\n", " ")), said.err


@pytest.mark.parametrize("runs", ["serve", "worker"])
@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("import requestz", "ModuleNotFoundError: No module named 'requestz'"),
        ("from typing import Nothing", "ImportError: cannot import name 'Nothing' from 'typing'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("assert False", "AssertionError"),
        ("def", "SyntaxError: invalid syntax"),
        ("raise ValueError('no +13135550123\\nhere')", "ValueError: no +1********23 here"),
    ],
)
def test_program_that_cannot_be_imported(
    here: Path, command: Command, runs: str, program: str, sentence: str
) -> None:
    """A mistake in the program is told as one: what was raised, and in which module."""
    # A name of its own each time: a folder that was listed already is not looked into again.
    module = f"broken_{here.name}"
    (here / f"{module}.py").write_text(program, encoding="utf-8")
    said = command(runs, "--listen", f"{module}:receiver")

    words = " ".join(said.err.split())
    assert (2, True) == (said.code, f"--listen: cannot import '{module}': {sentence}" in words), (
        words
    )


def test_program_whose_configuration_is_missing(here: Path, command: Command) -> None:
    """What polysms itself tells a program is told as it is."""
    source = "from polysms import Client\nClient.from_config('nowhere.toml')"
    (here / "unconfigured.py").write_text(source, encoding="utf-8")
    said = command("serve", "--port", "0", "--listen", "unconfigured:receiver")

    assert (2, True, False) == (said.code, "nowhere.toml" in said.err, "import" in said.err)


def test_without_a_public_url(here: Path, command: Command) -> None:
    """Without the address that providers reach there is nothing to serve."""
    text = KEPT.replace("public_url", "# public_url")
    (here / "polysms.toml").write_text(text, encoding="utf-8")
    said = command("serve", "--port", "0")

    assert (2, True) == (said.code, "public_url" in said.err)


def test_port_that_is_taken(here: Path, command: Command) -> None:
    """A port that another has is told."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = command("serve", "--port", str(taken.getsockname()[1]))

    assert (2, True) == (said.code, "cannot listen on 127.0.0.1" in said.err)


def test_extra_that_is_missing(
    here: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without uvicorn the extra is named that has it."""
    monkeypatch.delitem(sys.modules, "polysms.server.serving", raising=False)
    monkeypatch.delattr(polysms.server, "serving", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    said = command("serve", "--port", "0")

    assert (2, True) == (said.code, "pip install 'polysms[server]'" in said.err)
