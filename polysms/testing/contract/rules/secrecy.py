"""Nothing private is shown: not in a repr, not in a log, not in an error."""

from __future__ import annotations

import contextlib
import json
import logging
import traceback
from collections.abc import Iterator

from polysms import PolysmsError
from polysms.delivery import Delivery
from polysms.providers.base import secrets_of
from polysms.testing.contract.bodies import answer
from polysms.testing.contract.faults import FAULTS, FaultServer, answering
from polysms.testing.contract.rules.breaking import taken
from polysms.testing.contract.sending import CLIENTS, sends
from polysms.testing.contract.subject import TEXT, TO, Finding, Subject, rule, unless

_WHY = "A repr, a log and an error end in files, tickets and mails, where everybody reads them."


def private(subject: Subject) -> dict[str, str]:
    """Return what nothing may show, by what it is."""
    known = {f"secret {number}": one for number, one in enumerate(subject.secrets, start=1)}
    return {**known, "recipient's number": TO.removeprefix("+"), "text": TEXT}


def _leaks(subject: Subject, case: str, text: str) -> Iterator[Finding]:
    for what, value in private(subject).items():
        if value and value in text:
            yield Finding(case, f"the {what}", "without it")


@rule(_WHY)
def no_repr_shows_a_secret(subject: Subject) -> Iterator[Finding]:
    """No credential, number or text shows in a repr of settings, adapter, request or answer."""
    settings, adapter = subject.settings, subject.adapter()
    if subject.example is not None:
        marked = subject.example.secret in secrets_of(settings)
        case, should = "the secret of the example", "a field made by base.secret()"
        yield from unless(marked, case, "a field like any other", should)
    bodies = [b"{}"] if subject.example is None else [subject.example.sent.encode(), b"{}"]
    shown = {
        "repr(settings)": settings,
        "repr(adapter)": adapter,
        "repr(request)": subject.request(),
        "repr(answer)": [adapter.read(answer(201, body)) for body in bodies],
    }
    for case, value in shown.items():
        yield from _leaks(subject, case, repr(value))


@rule(_WHY, sends=True)
def no_log_shows_a_secret(subject: Subject) -> Iterator[Finding]:
    """With every logger at DEBUG, no record of a send shows a credential, a number or a text."""
    with _everything_logged() as records:
        _all_kinds_of_sends(subject)
    for name, line in dict.fromkeys(records):
        yield from _leaks(subject, f"the logger {name!r}, which says {line[:80]!r}", line)


class _Recorder(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append((record.name, self.format(record)))


@contextlib.contextmanager
def _everything_logged() -> Iterator[list[tuple[str, str]]]:
    """Collect what all loggers say, at every level, and leave them as they were."""
    recorder, root = _Recorder(), logging.getLogger()
    known = [one for one in root.manager.loggerDict.values() if isinstance(one, logging.Logger)]
    before = [(one, one.level, one.disabled) for one in (root, *known)]
    loners = [root, *(one for one in known if not one.propagate)]
    for logger, _, _ in before:
        logger.setLevel(logging.DEBUG)
        logger.disabled = False
    for logger in loners:
        logger.addHandler(recorder)
    try:
        yield recorder.records
    finally:
        for logger in loners:
            logger.removeHandler(recorder)
        for logger, level, disabled in before:
            logger.setLevel(level)
            logger.disabled = disabled


@rule(_WHY, sends=True)
def no_error_shows_a_secret(subject: Subject) -> Iterator[Finding]:
    """No error, its causes and facts included, shows a credential or a number."""
    errors = [one for one in _all_kinds_of_sends(subject) if isinstance(one, Exception)]
    for error in (*errors, *_unsaid(subject)):
        lines = traceback.TracebackException.from_exception(error).format_exception_only()
        told = [repr(error), *lines, *_causes(error)]
        if isinstance(error, PolysmsError):
            told += [str(error.text), str(error.body), str(error.code), repr(error.delivery)]
        text = "\n".join(told)
        case = f"{type(error).__name__}: {text[:80]!r}"
        # The provider's own words may quote the text: whoever wrote it reads them.
        yield from _leaks(subject, case, text.replace(TEXT, ""))


def _causes(error: BaseException) -> Iterator[str]:
    for _ in range(10):
        found = error.__cause__ or error.__context__
        if found is None:
            return
        error = found
        yield repr(error)


def _unsaid(subject: Subject) -> Iterator[Exception]:
    """Yield what is raised for messages that the provider cannot say."""
    many = [f"https://example.com/{number}.png" for number in range(20)]
    wishes: tuple[dict[str, object], ...] = (
        {"to": "988"},
        {"from_": "Acme"},
        {"media": many},
        {"status_callback": "https://example.com/hook"},
        {"options": {subject.kind.name: {"colour": "red"}}},
    )
    for wish in wishes:
        try:
            subject.request(**wish)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not tell
            yield error


def _all_kinds_of_sends(subject: Subject) -> list[Delivery | Exception]:
    """Send through refusals, echoes and broken connections; return what came of it."""
    echo = json.dumps({"message": " ".join(private(subject).values())[:2000]}).encode()
    close = "Connection: close\r\n"
    faults = (
        taken(subject),
        answering("422 Unprocessable", echo, close),
        answering("401 Unauthorized", echo, close),
        answering("500 Error", echo, close),
        FAULTS["close_processed"],
    )
    found: list[Delivery | Exception] = []
    with FaultServer(faults[0]) as server:
        accounts = [subject.account(f"a{number}", server.url) for number in range(len(faults))]
        config = subject.config(*accounts)
        for client in CLIENTS:
            steps = [
                (lambda fault=fault: setattr(server, "fault", fault), f"to a{number}")
                for number, fault in enumerate(faults)
            ]
            found += sends(client, config, subject.message(from_=None), steps)
    return found
