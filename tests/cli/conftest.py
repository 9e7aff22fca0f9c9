"""The command, run in this process: what it returns, what it says, and what it must never say."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import attrs
import pytest

from polysms import cli
from polysms.sandbox import Behaviour, running
from tests.postgres import running as postgres_running

#: A part of every credential of these tests, and the number they send to.
SECRET = "canary"
NUMBER = "+13135550123"
#: The command as a process, and the seconds after which one that has not ended is ended.
POLYSMS = (sys.executable, "-m", "polysms")
PATIENCE = 60


@attrs.frozen
class Said:
    """How one run of the command ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What was told on stderr, line by line."""
        return self.err.splitlines()


Command = Callable[..., Said]


def checked(code: int, out: str, err: str, given: Sequence[str] = ()) -> Said:
    """Return a run's end; no run may show a traceback, a secret or, unasked, a whole number."""
    whole = out + err
    assert "Traceback" not in whole
    assert SECRET not in whole
    assert "--reveal" in given or NUMBER.lstrip("+") not in whole
    return Said(code, out, err)


def run(*arguments: str, command: tuple[str, ...] = POLYSMS) -> Said:
    """Run the command as a process of its own, to its end."""
    done = subprocess.run(  # noqa: S603 - our own command
        [*command, *arguments],
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return checked(done.returncode, done.stdout, done.stderr, given=arguments)


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    """Return the command as a function, run in an empty folder with an 80-column terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: str, stdin: bytes = b"") -> Said:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        assert isinstance(ended.value.code, int)
        return checked(ended.value.code, *capsys.readouterr(), given=arguments)

    return run


@pytest.fixture
def closed_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every account lead to a port of this machine where nothing listens."""
    monkeypatch.setenv("POLYSMS_SANDBOX", "http://127.0.0.1:9")


@pytest.fixture(scope="module")
def guest_house() -> Iterator[str]:
    """Run the sandbox, fast, for the tests of one module; return its address."""
    with running(behaviour=Behaviour(speed=20, seed=1)) as sandbox:
        yield sandbox.url


@pytest.fixture
def sandbox(guest_house: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let every account of this process and of those it starts lead to the sandbox."""
    monkeypatch.setenv("POLYSMS_SANDBOX", guest_house)
    return guest_house


#: A configuration with a ledger beside it, for :func:`kept`.
KEPT = """
default = "wavix"
ledger = "sqlite:///ledger.db"
[accounts.wavix]
api_key = "canary-wavix"
sender = "+13135550100"
[accounts.carrierx]
token = "canary-carrierx"
sender = "+13135550101"
[accounts.locked]
provider = "wavix"
api_key = "canary-invalid"
sender = "+13135550100"
[accounts.null]
sender = "+13135550102"
[routes.both]
accounts = ["locked", "carrierx"]
"""


@pytest.fixture
def kept(command: Command, tmp_path: Path) -> Path:
    """Write the configuration of accounts with a ledger; return its path."""
    del command
    path = tmp_path / "polysms.toml"
    path.write_text(KEPT, encoding="utf-8")
    return path


@pytest.fixture
def postgres_ledger(kept: Path) -> Iterator[None]:
    """Let the configuration of :func:`kept` have its ledger in a PostgreSQL, without tables."""
    with postgres_running() as server:
        address = server.url(server.database())
        kept.write_text(KEPT.replace("sqlite:///ledger.db", address), encoding="utf-8")
        yield
