"""What an adapter makes of an answer, when it is good, bad, and nobody's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from polysms import numbers
from polysms.delivery import Status
from polysms.errors import Reason
from polysms.providers import reading
from polysms.providers.base import Accepted, Busy, Page, Query, Refused, Response, Unclear
from polysms.testing.contract.bodies import GARBAGE, answer, mangled
from polysms.testing.contract.subject import TO, Finding, Subject, raised, rule, unless, unlike

UNHEARD = "teleported"
ANSWERS = (Accepted, Refused, Busy, Unclear)
_UNSENT = (
    "Taken and called not sent, it is sent twice; the reverse loses it. In doubt it is unclear."
)


def sent(subject: Subject, **fields: object) -> dict[str, Any]:
    """Return the published answer to a send, with some of its known fields changed."""
    row, data = subject.row, json.loads(subject.row.sent)
    return {**data, **{row.where[name]: value for name, value in fields.items()}}


def read(subject: Subject, body: object, status: int | None = None) -> Any:
    """Return what the adapter makes of an answer."""
    return subject.adapter().read(answer(status or subject.row.sent_status, body))


@rule("Without its id a message can be neither asked for nor matched with its reports.", reads=True)
def the_published_answer_is_accepted(subject: Subject) -> Iterator[Finding]:
    """The provider's own example is an accepted message: its id, status, time and raw object."""
    row, data = subject.row, json.loads(subject.row.sent)
    found = read(subject, row.sent.encode())
    if not isinstance(found, Accepted):
        yield Finding("the published answer to a send", repr(found), "Accepted")
        return
    yield from unlike("its id", data[row.where["id"]], found.record.provider_id)
    yield from unlike("its status as it came", data[row.where["status"]], found.record.raw_status)
    yield from unlike("its raw object", data, found.record.raw)
    made = found.record.created_at
    aware = made is None or made.tzinfo is not None
    yield from unless(aware, "the zone of its time", made, "UTC where none is said")


@rule(_UNSENT)
def success_without_an_id_is_unclear(subject: Subject) -> Iterator[Finding]:
    """A 2xx without a message id is unclear: it was taken, most likely, and not named."""
    bodies = [(status, body) for status in (200, 201, 202) for body in GARBAGE]
    if subject.example is not None:
        empty = (None, "", " ", "\n")
        bodies += [(201, json.dumps(sent(subject, id=one)).encode()) for one in empty]
    for status, body in (*bodies, (204, b""), (207, b"{}"), (206, b"{}")):
        found = subject.adapter().read(answer(status, body))
        case = f"HTTP {status} with the body {body[:60]!r}"
        yield from unlike(case, Unclear, type(found))


@rule(
    "A user's code decides by the neutral word: a wrong one tells of what did not happen.",
    reads=True,
)
def every_documented_status_is_known(subject: Subject) -> Iterator[Finding]:
    """Each status word of the document has its neutral status, and is kept as it came."""
    for word, status in subject.row.statuses.items():
        yield from _status(subject, word, status)


def _status(subject: Subject, word: str, status: Status) -> Iterator[Finding]:
    found = read(subject, sent(subject, status=word))
    if not isinstance(found, Accepted):
        yield Finding(f"an answer with the status {word!r}", repr(found), "Accepted")
        return
    yield from unlike(f"the status {word!r}", str(status), str(found.record.status))
    yield from unlike(f"the status {word!r}, as it came", word, found.record.raw_status)


@rule(
    "Providers add words without a notice; a guess calls a message failed that arrives.", reads=True
)
def unknown_status_is_tolerated(subject: Subject) -> Iterator[Finding]:
    """A status word that no document names is UNRECOGNIZED, and is kept as it came."""
    yield from _status(subject, UNHEARD, Status.UNRECOGNIZED)
    yield from _status(subject, "", Status.UNRECOGNIZED)


@rule("A text to us that looks like one of ours is lost to whoever waits for it.", reads=True)
def inbound_is_received(subject: Subject) -> Iterator[Finding]:
    """A message's direction, and not its status word, makes it received."""
    row = subject.row
    if "direction" not in row.where:
        return
    body = sent(subject, direction="inbound", status=next(iter(row.statuses)))
    found = read(subject, body)
    status = found.record.status if isinstance(found, Accepted) else found
    yield from unlike("the status of an inbound message", str(Status.RECEIVED), str(status))


@rule("By the reason the router stops, or asks the next account.", reads=True)
def every_documented_refusal_has_its_reason(subject: Subject) -> Iterator[Finding]:
    """Each error of the documents has its reason; a duplicate is unclear."""
    for status, body, reason in subject.row.codes:
        found = read(subject, body, status)
        case = f"HTTP {status} {json.dumps(body)[:120]}"
        if reason is Reason.DUPLICATE:
            yield from unlike(case, Unclear, type(found))
            continue
        believed = str(found.reason) if isinstance(found, Refused) else type(found).__name__
        yield from unlike(f"the reason of {case}", str(reason), believed)


@rule("One odd answer on a bad day must not take a message's outcome with it.")
def nothing_in_an_answer_raises(subject: Subject) -> Iterator[Finding]:
    """Garbage, HTML, nulls and wrong types anywhere in an answer are read without an error."""
    adapter = subject.adapter()
    for case, response in _odd(subject):
        for method in ("read", "read_list", "read_check"):
            if hasattr(adapter, method):
                yield from _survives(adapter, method, case, response)


def _odd(subject: Subject) -> Iterator[tuple[str, Response]]:
    for status in (200, 201, 400, 422, 500):
        for body in GARBAGE:
            yield f"HTTP {status} with the body {body[:60]!r}", answer(status, body)
    row = subject.example
    if row is None:
        return
    published = [(row.sent_status, json.loads(row.sent))]
    published += [(200, json.loads(row.listed))] if row.listed else []
    published += [(status, body) for status, body, _ in row.codes[:5]]
    for status, body in published:
        for case, odd in mangled(body):
            yield f"HTTP {status} in which {case}", answer(status, odd)


def _survives(adapter: Any, method: str, case: str, response: Response) -> Iterator[Finding]:
    more = (Query(),) if method == "read_list" else ()
    try:
        found = getattr(adapter, method)(response, *more)
    except Exception as error:  # noqa: BLE001 - this is what is looked for
        yield Finding(f"{method} of {case}", raised(error), "an Answer, whatever it is")
        return
    if method == "read":
        yield from unless(isinstance(found, ANSWERS), f"read of {case}", found, "an Answer")
    if method == "read_list":
        known = isinstance(found, (Page, *ANSWERS))
        yield from unless(known, f"read_list of {case}", found, "a Page or an Answer")


@rule("A report that names another number is of another message.", reads=True)
def numbers_of_records_are_e164(subject: Subject) -> Iterator[Finding]:
    """A number in a record is E.164 or None, and never another number, however it is written."""
    written = reading.word(json.loads(subject.row.sent)[subject.row.where["to"]]) or ""
    to = _to(subject, TO if written.startswith("+") else numbers.digits(TO))
    yield from unless(to in {None, TO}, "to, written as in the example", to, f"{TO!r} or None")
    for spelled in (TO, numbers.digits(TO), "(313) 555-0123", "anonymous", "", 13135550123, None):
        to = _to(subject, spelled)
        case = f"to, where the answer says {spelled!r}"
        yield from unless(to is None or isinstance(to, str), case, to, "a text or None")
        same = not to or not str(spelled).isdigit() or numbers.same(str(spelled), str(to))
        yield from unless(same, case, to, "the same number")


def _to(subject: Subject, written: object) -> object:
    found = read(subject, sent(subject, to=written))
    return found.record.to if isinstance(found, Accepted) else None
