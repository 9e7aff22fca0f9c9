"""The command as a process of its own: pipes, Ctrl-C, terminals, and extras that are missing."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.conftest import NUMBER, PATIENCE, POLYSMS, Command, Said, checked, run

COMMANDS = (
    *("demo", "send", "fetch", "list", "show", "explain", "cancel", "confirm", "resolve"),
    *("check", "rehearse", "providers", "worker", "ledger", "export", "sandbox"),
    "simulate",
)
MEMORY = "memory://?sender=Acme"
CARRIERX = "carrierx://canary-token@?sender=%2B15162065575"
pytestmark = pytest.mark.unmeasured

Started = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(autouse=True)
def terminal_of_80_columns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run every process in an empty folder, with the width of a common terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def started() -> Iterator[Started]:
    """Return a function that starts the command; what still runs when the test ends is ended."""
    with contextlib.ExitStack() as running:

        def start(*arguments: str) -> subprocess.Popen[str]:
            # A run in the background of a script ignores Ctrl-C, and would hand that on.
            before = signal.signal(signal.SIGINT, signal.default_int_handler)
            process = subprocess.Popen(  # noqa: S603 - our own command
                [*POLYSMS, *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
            )
            signal.signal(signal.SIGINT, before)
            running.enter_context(process)
            running.callback(process.kill)
            return process

        yield start


def _unread(process: subprocess.Popen[str]) -> Said:
    """Return the end of a process whose stdout nobody reads."""
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    return checked(process.wait(PATIENCE), "", err)


def _ended(process: subprocess.Popen[str]) -> Said:
    out, err = process.communicate(timeout=PATIENCE)
    return checked(process.returncode, out, err)


def test_a_text_from_a_pipe_to_a_pipe(sandbox: str) -> None:
    """The whole way as a process: what is written to a pipe has no colours."""
    said = run("send", "--url", CARRIERX, "--to", NUMBER, "hello")

    assert (0, "") == (said.code, said.err)
    assert said.out.startswith("QUEUED, accepted by carrierx\n")
    assert "\x1b" not in said.out


def test_version() -> None:
    """``--version`` says which polysms this is."""
    said = run("--version")

    assert (0, "polysms") == (said.code, said.out.split()[0])


def test_help_without_a_command() -> None:
    """Without a command the help is shown, and that is no success."""
    said = run()

    assert 2 == said.code
    for name in COMMANDS:
        assert f" {name} " in said.out


def test_every_help_fits_a_terminal(command: Command) -> None:
    """The help of every command fits 80 columns."""
    for name in (*COMMANDS, "ledger upgrade", "ledger stats", "ledger purge"):
        said = command(*name.split(), "--help")

        assert 0 == said.code
        assert all(len(line) <= 80 for line in said.out.splitlines())


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_the_extra(missing: str) -> None:
    """Without Typer or Rich the command says what it needs and what to install, in one line."""
    program = f"import sys; sys.modules[{missing!r}] = None; from polysms.cli import main; main()"
    said = run("demo", command=(sys.executable, "-c", program))

    (line,) = said.lines

    assert 2 == said.code
    assert line.startswith(f"the command needs {missing}")
    assert line.endswith(": pip install 'polysms[cli]'")


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_without_the_server(missing: str) -> None:
    """Without what the sandbox needs, the commands that start it say what to install."""
    program = f"import sys; sys.modules[{missing!r}] = None; from polysms.cli import main; main()"
    said = run("demo", command=(sys.executable, "-c", program))

    assert 2 == said.code
    assert said.lines[0].startswith(f"the sandbox needs {missing}")
    assert said.lines[0].endswith(": pip install 'polysms[server]'")


@pytest.mark.parametrize(
    "arguments",
    [
        ("providers",),
        ("providers", "--json"),
        ("send", "--url", MEMORY, "--to", NUMBER, "x"),
        ("send", "--json", "--url", MEMORY, "--to", NUMBER, "x"),
        ("--help",),
    ],
)
def test_a_reader_who_has_gone(started: Started, arguments: tuple[str, ...]) -> None:
    """``polysms … | head`` ends without a word, and what was done counts as done."""
    said = _unread(started(*arguments))

    assert (0, "") == (said.code, said.err)


def test_a_list_stops_when_its_reader_has_gone(started: Started, sandbox: str) -> None:
    """A list for a program asks for no further page when nobody reads it."""
    assert 0 == run("send", "--url", CARRIERX, "--to", "+13135550141", "x").code
    said = _unread(started("list", "--json", "--url", CARRIERX, "--remote", "carrierx"))

    assert (0, "") == (said.code, said.err)


def test_a_disk_that_is_full() -> None:
    """A send whose end cannot be told may have been sent, and there is no traceback."""
    for more in ((), ("--json",)):
        with Path("/dev/full").open("w", encoding="utf-8") as full:
            done = subprocess.run(  # noqa: S603 - our own command
                [*POLYSMS, "send", *more, "--url", MEMORY, "--to", NUMBER, "x"],
                stdout=full,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                timeout=PATIENCE,
                check=False,
            )

        assert 4 == checked(done.returncode, "", done.stderr).code


def test_streams_that_are_closed() -> None:
    """A command started without stdout and stderr does its work all the same."""
    script = 'exec "$@" >&- 2>&-'
    shell = ("/bin/sh", "-c", script, "sh", *POLYSMS)
    said = run("send", "--url", MEMORY, "--to", NUMBER, "x", command=shell)

    assert 0 == said.code


def test_an_encoding_that_lacks_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a terminal cannot say is replaced, and breaks nothing."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    said = run("send", "--url", MEMORY, "--to", NUMBER, "--smart", "“x”")

    assert (0, "") == (said.code, said.err)
    assert "Smart encoding changed '?' to" in said.out


def _phone(url: str, to: str) -> list[object]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    connection.request("GET", f"/_sandbox/messages?to=%2B{to}")
    found = json.loads(connection.getresponse().read())
    connection.close()
    return list(found["items"])


def test_ctrl_c_while_an_answer_is_awaited(started: Started, sandbox: str) -> None:
    """Ctrl-C after the provider has the message says that it may have been sent: exit code 4."""
    process = started("send", "--url", CARRIERX, "--to", "+13135550110", "hello")
    for _ in range(PATIENCE * 10):
        if _phone(sandbox, "13135550110"):
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    said = _ended(process)

    assert 4 == said.code
    assert "may have been sent" in said.lines[0]


def test_the_sandbox_runs_until_ctrl_c(started: Started) -> None:
    """``polysms sandbox`` says where it is, serves, and ends well."""
    process = started("sandbox", "--port", "0", "--speed", "20", "--json")
    assert process.stdout is not None
    url = json.loads(process.stdout.readline())["url"]
    assert [] == _phone(url, "13135550123")
    process.send_signal(signal.SIGINT)
    said = _ended(process)

    assert (0, "") == (said.code, said.err)


def test_the_sandbox_tells_people_how_to_use_it(started: Started) -> None:
    """The first lines tell the address and the variable that leads every account to it."""
    process = started("sandbox", "--port", "0")
    assert process.stdout is not None
    first, second = process.stdout.readline(), process.stdout.readline()
    process.send_signal(signal.SIGINT)

    assert 0 == _ended(process).code
    assert "on http://127.0.0.1:" in first
    assert "export POLYSMS_SANDBOX=http://127.0.0.1:" in second


def test_a_port_that_is_taken() -> None:
    """A port that someone else has is a mistake of usage, with the address in the sentence."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = run("sandbox", "--port", str(taken.getsockname()[1]))

    assert 2 == said.code
    assert "cannot listen on 127.0.0.1" in said.lines[0]
