"""What every HTTP status means, read by the adapter and told by the clients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from polysms import errors
from polysms.errors import Reason
from polysms.providers.base import Busy, Refused, Response, Unclear
from polysms.testing.contract.faults import FAULTS, FaultServer, answering
from polysms.testing.contract.sending import CLIENTS, sends
from polysms.testing.contract.subject import Finding, Subject, rule, unlike

#: HTTP status, Retry-After, seconds it took: what it means without a word of the provider's own.
STATUSES: tuple[tuple[int, str | None, float, type[Any], Reason | None], ...] = (
    *((code, None, 0.1, Refused, Reason.PERMISSION) for code in (301, 302, 303, 307, 308)),
    (300, None, 0.1, Unclear, None),
    (304, None, 0.1, Unclear, None),
    (400, None, 0.1, Refused, Reason.OTHER),
    (401, None, 0.1, Refused, Reason.CREDENTIALS),
    (402, None, 0.1, Refused, Reason.BALANCE),
    (403, None, 0.1, Refused, Reason.PERMISSION),
    *((code, None, 0.1, Refused, Reason.PERMISSION) for code in (404, 405, 410, 421)),
    *((code, None, 0.1, Refused, Reason.CAPABILITY) for code in (406, 411, 415, 423, 424, 426)),
    *((code, None, 0.1, Refused, Reason.CAPABILITY) for code in (428, 431, 501, 505)),
    (408, None, 0.1, Busy, None),
    (408, None, 5.0, Unclear, None),
    (425, None, 0.1, Busy, None),
    (409, None, 0.1, Unclear, None),
    (413, None, 0.1, Refused, Reason.MEDIA),
    (422, None, 0.1, Refused, Reason.OTHER),
    (429, None, 0.1, Busy, None),
    (429, "7", 0.1, Busy, None),
    (451, None, 0.1, Refused, Reason.BLOCKED),
    (499, None, 0.1, Refused, Reason.OTHER),
    (503, "7", 0.1, Busy, None),
    *((code, None, 0.1, Unclear, None) for code in (500, 502, 503, 504, 507, 520, 599)),
    *((code, None, 0.1, Unclear, None) for code in (100, 199, 600)),
)
_HTML = b"<html><body>Sorry</body></html>"
_ERRORS = {Refused: errors.Refused, Busy: errors.RateLimited, Unclear: errors.Unreadable}
#: Statuses for the wire: an early one, a body-less one and a late one are read, and not sent.
_SENT = tuple(row for row in STATUSES if 300 <= row[0] < 600 and row[0] != 304 and row[2] < 1)


@rule("A 500 may follow a message that was taken: called refused, it is sent twice.", sends=True)
def http_statuses_mean_what_they_say(subject: Subject) -> Iterator[Finding]:
    """A status without a code of the provider's own means what RFC 9110 lets it mean."""
    yield from _read(subject)
    yield from _told(subject)


def _read(subject: Subject) -> Iterator[Finding]:
    adapter = subject.adapter()
    for status, wait, seconds, kind, reason in STATUSES:
        headers = {"retry-after": wait} if wait else {}
        for body in (b"", _HTML):
            found = adapter.read(Response(status, headers, body, seconds=seconds))
            believed = (type(found), getattr(found, "reason", None))
            case = f"HTTP {status} that came after {seconds} s"
            yield from unlike(case, _spoken(kind, reason), _spoken(*believed))
            if type(found) is kind is Busy:
                waited = None if wait is None else float(wait)
                yield from unlike(f"{case}: seconds to wait", waited, found.retry_after)
                yield from unlike(f"{case}: a rate limit", status == 429, found.limited)


def _spoken(kind: type[Any], reason: Reason | None) -> str:
    return kind.__name__ if reason is None else f"{kind.__name__} ({reason})"


def _told(subject: Subject) -> Iterator[Finding]:
    """Yield where Client or AsyncClient raise another error, or ask a second time."""
    with FaultServer(FAULTS["none"]) as server:
        accounts = [subject.account(f"a{number}", server.url) for number in range(len(_SENT))]
        config = subject.config(*accounts)
        for client in CLIENTS:
            server.seen.clear()
            steps = [
                (_playing(server, row[0], row[1]), f"to a{number}")
                for number, row in enumerate(_SENT)
            ]
            found = sends(client, config, attrs.evolve(subject.message(), from_=None), steps)
            for row, came in zip(_SENT, found, strict=True):
                expected = _ERRORS[row[3]].__name__
                yield from unlike(f"HTTP {row[0]} through {client}", expected, type(came).__name__)
            yield from unlike(f"requests that {client} made", len(_SENT), len(server.seen))


def _playing(server: FaultServer, status: int, wait: str | None) -> Any:
    extra = "Connection: close\r\n" + (f"Retry-After: {wait}\r\n" if wait else "")

    def play() -> None:
        server.fault = answering(f"{status} Said", _HTML, extra)

    return play
