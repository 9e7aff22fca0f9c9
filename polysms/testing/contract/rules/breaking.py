"""Connections that break, and what the clients tell of the message that was under way."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from polysms import MaybeSent, Unreadable
from polysms.config import Config
from polysms.config.reading import Seconds
from polysms.delivery import Delivery
from polysms.providers.base import Unclear
from polysms.testing.contract.bodies import answer
from polysms.testing.contract.faults import (
    FAULTS,
    UNTAKEN,
    Fault,
    FaultServer,
    Talk,
    answering,
    refused_port,
    taking,
)
from polysms.testing.contract.sending import CLIENTS, once
from polysms.testing.contract.subject import PATIENT, Finding, Subject, rule, unlike

#: Seconds to wait for an answer that never comes.
HASTY = attrs.evolve(PATIENT, read=Seconds(0.25))
_CLOSE = "Connection: close\r\nContent-Type: application/json\r\n"
#: Faults after which nobody can tell whether the provider has the message.
_UNTOLD = {
    "takes it and closes": FAULTS["close_processed"],
    "takes it and resets": FAULTS["reset_processed"],
    "takes it and hangs": FAULTS["hang_processed"],
    "reads it and closes": UNTAKEN["close_read"],
    "answers no HTTP": FAULTS["garbage"],
}


def taken(subject: Subject, extra: str = _CLOSE) -> Fault:
    """Return the fault that is none: the published answer to a send, or a 422 without one."""
    row = subject.example
    if row is None:
        return answering("422 No", b"{}", extra)
    return answering(f"{row.sent_status} Taken", row.sent.encode(), extra)


@rule(
    "A message that may have been taken is never called failed, nor sent again by itself.",
    sends=True,
)
def broken_connections_are_told_by_the_evidence(subject: Subject) -> Iterator[Finding]:
    """What did not leave us is not sent, and the next account is asked; else it is MaybeSent."""
    with FaultServer(taken(subject)) as second:
        yield from _unsent(subject, second)
        second.seen.clear()
        for name, fault in _UNTOLD.items():
            with FaultServer(fault) as first:
                config = _two(subject, first.url, second.url)
                for client in CLIENTS:
                    found = once(client, config, subject.message(from_=None))
                    case = f"{client}, with a provider that {name}"
                    yield from unlike(case, MaybeSent, type(found))
        yield from unlike("requests at the next account then", 0, len(second.seen))


def _unsent(subject: Subject, second: FaultServer) -> Iterator[Finding]:
    """Yield where nobody listens at the first account, and the second is not asked for all that."""
    config = _two(subject, f"http://127.0.0.1:{refused_port()}", second.url)
    outcomes = ["not_sent", "not_sent" if subject.example is None else "accepted"]
    for client in CLIENTS:
        second.seen.clear()
        found = once(client, config, subject.message(from_=None))
        delivery = found if isinstance(found, Delivery) else getattr(found, "delivery", None)
        tried = [] if delivery is None else [str(one.outcome) for one in delivery.attempts]
        case = f"{client}, with nobody at the first of two accounts"
        yield from unlike(f"{case}: outcomes", outcomes, tried)
        yield from unlike(f"{case}: requests at the second", 1, len(second.seen))


def _two(subject: Subject, first: str, second: str) -> Config:
    return subject.config(subject.account("first", first, HASTY), subject.account("second", second))


@rule("Half an answer may say the opposite of the whole.", sends=True)
def an_answer_that_was_cut_is_unclear(subject: Subject) -> Iterator[Finding]:
    """An answer that did not come whole is not believed, even where an id can be read in it."""
    body = b'{"id": "m-1"}' if subject.example is None else subject.example.sent.encode()
    for status in (200, 201, 202):
        read = subject.adapter().read(answer(status, body, complete=False))
        yield from unlike(f"HTTP {status} that was cut", Unclear, type(read))

    def cut(talk: Talk) -> None:
        talk.answer("201 Created", body, _CLOSE, length=len(body) + 100)

    faults = {
        "breaks off its 201": taking("cut", cut),
        "says 200 without a body": answering("200 OK", b"", _CLOSE),
        "says 201 in HTML": answering("201 Created", b"<html>", _CLOSE),
    }
    for name, fault in faults.items():
        with FaultServer(fault) as server:
            config = subject.config(subject.account("first", server.url))
            for client in CLIENTS:
                found = once(client, config, subject.message(from_=None))
                yield from unlike(f"{client}, with a provider that {name}", Unreadable, type(found))
