"""Exit codes and remedies: what a failure says about the message, and what can be done."""

from __future__ import annotations

import json
import sys
from types import ModuleType
from typing import Any, Self

import pytest

from polysms import Client, Delivery, Status, cli
from polysms.cli import send as sending
from polysms.cli.failure import exit_code, facts_of, remedy
from polysms.errors import (
    AllFailed,
    ConfigError,
    InvalidMessage,
    LedgerError,
    LookupFailed,
    MaybeSent,
    NotFound,
    NotSent,
    PolysmsError,
    RateLimited,
    Reason,
    Refused,
    Unreachable,
    Unreadable,
    Unsupported,
)
from tests.cli.conftest import NUMBER, Command

AT_WAVIX = Delivery(id="m-1", status=Status.MAYBE_SENT, account="wavix")
MEMORY = "memory://?sender=Acme"


def _because(interrupt: BaseException, cause: BaseException) -> BaseException:
    interrupt.__cause__ = cause
    return interrupt


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), 2),
        (InvalidMessage("x"), 2),
        (Unsupported("x"), 3),
        (Unreachable("x"), 3),
        (RateLimited("x"), 3),
        (Refused("x"), 3),
        (AllFailed("x"), 3),
        (NotSent("x"), 3),
        (LedgerError("x"), 3),
        (LookupFailed("x"), 3),
        (NotFound("x"), 3),
        (MaybeSent("x"), 4),
        (Unreadable("x"), 4),
        (KeyboardInterrupt(), 3),
        (_because(KeyboardInterrupt(), MaybeSent("x")), 4),
        (_because(KeyboardInterrupt(), NotSent("x")), 3),
        (RuntimeError("x"), 2),
    ],
)
def test_exit_codes(error: BaseException, code: int) -> None:
    """3 says that nothing was sent, 4 that it may have been, whatever interrupted it."""
    assert code == exit_code(error)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MaybeSent("x", account="wavix"), "polysms list --remote wavix"),
        (MaybeSent("x"), "polysms list --remote ACCOUNT"),
        (MaybeSent("x", delivery=AT_WAVIX), "polysms list --remote wavix"),
        (ConfigError("there is no configuration"), "polysms demo"),
        (Refused("x", reason=Reason.CREDENTIALS, account="wavix"), "polysms check wavix"),
        (LookupFailed("x", reason=Reason.PERMISSION, account="wavix"), "polysms check wavix"),
        (
            LookupFailed("x", reason=Reason.PERMISSION, account="wavix", status_code=404),
            "Mend its base_url",
        ),
        (Refused("x", reason=Reason.PERMISSION, status_code=302), "path included"),
        (Refused("x", reason=Reason.PERMISSION, status_code=403), "Ask the provider to allow it"),
        (Refused("x", reason=Reason.BALANCE), "Top up"),
        (Unsupported("x", reason=Reason.SENDER), "polysms check --offline"),
        (Unsupported("x"), "polysms providers"),
        (RateLimited("x", retry_after=30.0), "in 30 s"),
        (RateLimited("x"), "may be sent again"),
        (Unreachable("x"), "may be sent again"),
        (LookupFailed("x"), "may be tried again"),
        (KeyError("x"), "POLYSMS_DEBUG=1"),
    ],
)
def test_remedies(error: Exception, words: str) -> None:
    """What can be done about an error is one sentence."""
    told = remedy(error)

    assert told is not None
    assert words in told


@pytest.mark.parametrize(
    "error",
    [
        ConfigError("x", key="accounts"),
        InvalidMessage("x"),
        NotFound("x"),
        Refused("x", reason=Reason.OPTED_OUT),
        KeyboardInterrupt(),
    ],
)
def test_no_remedy(error: BaseException) -> None:
    """Where nothing better is known than the error's own sentence, nothing is added."""
    assert None is remedy(error)


def test_facts_of_an_error() -> None:
    """An error as JSON carries what a program needs to decide."""
    error = Refused("no", reason=Reason.OPTED_OUT, account="wavix", status_code=422, code="21610")

    assert {
        "type": "Refused",
        "message": "no",
        "remedy": None,
        "reason": "opted_out",
        "fault": "recipient",
        "retry_later": False,
        "account": "wavix",
        "status_code": 422,
        "code": "21610",
        "delivery": None,
        "exit_code": 3,
    } == facts_of(error)


class _Broken:
    """A client that breaks in the middle of a send."""

    error: BaseException = RuntimeError(f"canary {NUMBER}")

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def send(self, *_: object, **__: object) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (RuntimeError(f"canary {NUMBER}"), 4, "(RuntimeError): the message may have been sent"),
        (KeyboardInterrupt(), 4, "(KeyboardInterrupt): the message may have been sent"),
        (_because(KeyboardInterrupt(), NotSent("it never left")), 3, "it never left"),
        (_because(KeyboardInterrupt(), MaybeSent("no answer")), 4, "no answer"),
    ],
)
def test_what_breaks_after_a_send_began(
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    words: str,
) -> None:
    """Once a send has begun, whatever is not known to be unsent may have been sent."""
    monkeypatch.setattr(_Broken, "error", error)
    monkeypatch.setattr(sending, "Client", _Broken)

    said = command("send", "--url", MEMORY, "--to", NUMBER, "x")

    assert code == said.code
    assert words in said.lines[0]


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (RuntimeError("canary"), 2, "failed unexpectedly (RuntimeError); nothing was sent"),
        (KeyboardInterrupt(), 3, "interrupted; nothing was sent"),
    ],
)
def test_what_breaks_before_a_send(
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    words: str,
) -> None:
    """Before a send begins, nothing can have been sent, and the words of a bug stay untold."""

    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(sending, "configured", broken)

    said = command("send", "--url", MEMORY, "--to", NUMBER, "x")

    assert code == said.code
    assert words in said.lines[0]


def test_an_interrupt_after_the_answer_is_a_success(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C that comes when a provider has taken the message does not make it look lost."""
    send = Client.send

    def late(*args: Any, **settings: Any) -> None:
        send(*args, **settings)
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "send", late)

    said = command("send", "--json", "--url", MEMORY, "--to", NUMBER, "x")

    assert (0, "SENT") == (said.code, json.loads(said.out)["status"])


def test_a_traceback_is_shown_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``POLYSMS_DEBUG=1`` shows where an unexpected exception came from, and changes no code."""
    monkeypatch.setenv("POLYSMS_DEBUG", "1")
    monkeypatch.setattr(sending, "Client", _Broken)

    with pytest.raises(SystemExit) as ended:
        cli.main(["send", "--url", MEMORY, "--to", NUMBER, "x"])

    assert 4 == ended.value.code
    assert "Traceback" in capsys.readouterr().err


def test_an_error_we_raise_has_no_traceback(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``POLYSMS_DEBUG=1`` has nothing to add to an error that polysms raised on purpose."""
    monkeypatch.setenv("POLYSMS_DEBUG", "1")

    assert 2 == command("send", "--to", NUMBER, "x").code
    assert 2 == command("send").code


@pytest.mark.parametrize("kind", [PolysmsError, MaybeSent, ConfigError])
def test_error_words_are_plain(
    command: Command, monkeypatch: pytest.MonkeyPatch, kind: Any
) -> None:
    """A provider's words in an error cannot move the cursor or add lines."""
    monkeypatch.setattr(_Broken, "error", kind("no\x1b[2J\r\nyes"))
    monkeypatch.setattr(sending, "Client", _Broken)

    said = command("send", "--url", MEMORY, "--to", NUMBER, "x")

    assert "no [2J  yes" == said.lines[0]


def test_an_interrupt_while_the_command_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C before the command has begun ends it as the shell expects, without a traceback."""

    class Interrupted(ModuleType):
        def __getattr__(self, name: str) -> None:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "polysms.cli.app", Interrupted("polysms.cli.app"))

    with pytest.raises(SystemExit) as ended:
        cli.main(["demo"])

    assert 130 == ended.value.code


def test_a_bug_is_told_on_stderr_in_any_case(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ``--json`` a bug is told on both streams: stdout may be what failed."""
    monkeypatch.setattr(_Broken, "error", OSError(28, "No space left on device"))
    monkeypatch.setattr(sending, "Client", _Broken)

    said = command("send", "--json", "--url", MEMORY, "--to", NUMBER, "x")

    assert (4, "MaybeSent") == (said.code, json.loads(said.out)["type"])
    assert "(No space left on device): the message may have been sent" in said.lines[0]


def test_sandbox_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the sandbox stands in for a provider, an unreachable one is most likely not running."""
    error = Unreachable("no connection")
    assert "Is the sandbox" not in str(remedy(error))
    monkeypatch.setenv("POLYSMS_SANDBOX", "http://127.0.0.1:8026")
    assert "Is the sandbox of POLYSMS_SANDBOX=http://127.0.0.1:8026" in str(remedy(error))
