"""What an answer means, at its edges: late ones, several errors at once, odd ids and odd waits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from polysms.delivery import Status
from polysms.errors import Reason
from polysms.providers import REGISTRY, reading
from polysms.providers.base import Accepted, Busy, Record, Refused, Response, Unclear
from polysms.providers.outcome import PROMPT, accepted, outcome, weightiest
from tests.providers.examples import EXAMPLES, JSON, answer
from tests.providers.test_contract import adapter_of

# A "no" that each provider would say, whatever the status: one that its adapter understands. Its
# row has some; of SignalWire's symbolic codes it has none.
NOES: Mapping[str, object] = {
    name: next((body for _, body, reason in row.codes if reason.stops), None)
    or {"errors": [{"code": "invalid_to_number", "message": "no such number"}]}
    for name, row in EXAMPLES.items()
}
UNDERSTOOD = [reason for reason in Reason if reason is not Reason.DUPLICATE]
LATE = [PROMPT + 0.001, 5.0, 60.0]


def after(status: int, seconds: float, **headers: str) -> Response:
    """Return an answer with nothing but a status that took so many seconds."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, named, b"", seconds=seconds)


@pytest.mark.parametrize("seconds", LATE)
@pytest.mark.parametrize("status", [408, 425])
@pytest.mark.parametrize("reason", [None, *Reason])
def test_late_timeout_is_unclear(status: int, reason: Reason | None, seconds: float) -> None:
    """A late 408 or 425 may follow a message that was read whole, whatever its text says."""
    for busy in (False, True):
        read = outcome(after(status, seconds), reason=reason, text="no", code="7", busy=busy)
        assert Unclear is type(read)


@pytest.mark.parametrize("seconds", [0.0, 0.1, PROMPT])
@pytest.mark.parametrize("status", [408, 425])
@pytest.mark.parametrize("reason", [None, *UNDERSTOOD])
def test_prompt_timeout_is_busy(status: int, reason: Reason | None, seconds: float) -> None:
    """One that comes at once is a "later, please" before any processing, and no rate limit."""
    read = outcome(after(status, seconds, retry_after="2"), reason=reason, text="no")
    assert Busy(limited=False, retry_after=2.0, text="no") == read


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize(
    ("status", "seconds", "kind"),
    [(408, 5.0, Unclear), (425, 5.0, Unclear), (408, 0.1, Busy), (425, 0.1, Busy)],
)
def test_timeouts_of_every_provider(
    name: str, status: int, seconds: float, kind: type[object]
) -> None:
    """No adapter reads a refusal out of a late 408, though the same words are one elsewhere."""
    no = answer(400, NOES[name])
    adapter = adapter_of(name)
    assert Refused is type(adapter.read(no))
    assert kind is type(adapter.read(attrs.evolve(no, status=status, seconds=seconds)))


@pytest.mark.parametrize("status", [400, 403, 404, 422, 499])
def test_late_refusal_is_one(status: int) -> None:
    """Any other 4xx with an understood "no" stays a refusal, however long it took."""
    read = outcome(after(status, 60.0), reason=Reason.OPTED_OUT)
    assert Refused(reason=Reason.OPTED_OUT, text=read.text) == read


WEIGHED: list[tuple[list[Reason], Reason | None]] = [
    ([], None),
    ([Reason.BALANCE], Reason.BALANCE),
    ([Reason.BALANCE, Reason.SENDER], Reason.BALANCE),
    ([Reason.SENDER, Reason.BALANCE], Reason.SENDER),
    ([Reason.SENDER, Reason.OPTED_OUT], Reason.OPTED_OUT),
    ([Reason.OPTED_OUT, Reason.SENDER], Reason.OPTED_OUT),
    ([Reason.MEDIA, Reason.CONTENT, Reason.OPTED_OUT], Reason.CONTENT),
    ([Reason.BALANCE, Reason.MEDIA, Reason.OTHER], Reason.OTHER),
]


@pytest.mark.parametrize(("reasons", "expected"), WEIGHED)
def test_weightiest(reasons: list[Reason], expected: Reason | None) -> None:
    """Of several errors the first that stops the route counts, else the first."""
    assert expected is weightiest(reasons)
    assert expected is weightiest(iter(reasons))


SEVERAL: list[tuple[str, object, Reason]] = [
    (
        "carrierx",
        {"errors": [{"field": "from", "message": "a"}, {"field": "to", "message": "b"}]},
        Reason.INVALID_NUMBER,
    ),
    (
        "signalwire",
        {"errors": [{"code": "insufficient_balance"}, {"code": "invalid_to_number"}]},
        Reason.INVALID_NUMBER,
    ),
]


@pytest.mark.parametrize(("name", "body", "expected"), SEVERAL)
def test_several_errors_at_once(name: str, body: object, expected: Reason) -> None:
    """A provider that finds fault with the account and the number is not a reason to go on."""
    read = adapter_of(name).read(answer(422, body))
    assert isinstance(read, Refused)
    assert expected is read.reason


NO_IDS = [
    None,
    "",
    " ",
    " \t ",
    "\n",
    "\N{NO-BREAK SPACE}",
    "\N{IDEOGRAPHIC SPACE}",
    "a\nb",
    "a\tb",
    "a\0",
    "\x7f",
    "a\x85",
    "\ud800",
    "a\udfff",
    "\udc00\ud800",
]
IDS = ["w-1", "0", "a b", " a", "ü-1", "a/b?c", "\N{GRINNING FACE}"]


def named(name: str, identity: str | None) -> Response:
    """Return a provider's 2xx for a message with this id."""
    row = EXAMPLES[name]
    body = {row.where["id"]: identity, row.where["status"]: next(iter(row.statuses))}
    return Response(row.sent_status, JSON, json.dumps(body).encode())


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("identity", NO_IDS)
def test_what_names_nothing_is_no_id(name: str, identity: str | None) -> None:
    """A 2xx whose id nobody could ask for is unclear: it was taken, most likely, and not named."""
    assert Unclear is type(adapter_of(name).read(named(name, identity)))


@pytest.mark.parametrize("name", REGISTRY)
@pytest.mark.parametrize("identity", IDS)
def test_ids_are_taken_as_they_are(name: str, identity: str) -> None:
    """Any other text is an id, unchanged."""
    read = adapter_of(name).read(named(name, identity))
    assert isinstance(read, Accepted)
    assert identity == read.record.provider_id


@given(identity=st.text(st.characters(categories=["Cc", "Cs", "Zl", "Zp", "Zs"])))
def test_no_id_is_ever_made_of_nothing(identity: str) -> None:
    """Of blanks, control characters and half surrogate pairs alone no id can be made."""
    record = Record(provider_id=identity, raw_status=None, status=Status.QUEUED)
    assert Unclear is type(accepted(Response(201, {}, b""), record))


DATE = "Tue, 14 Apr 2026 12:00:00 GMT"
LONGEST = reading.LONGEST_RETRY_AFTER
WAITS: list[tuple[str, float | None]] = [
    ("0", 0.0),
    ("0000000000007", 7.0),
    ("999999999", LONGEST),
    ("1234567890", LONGEST),
    ("9" * 400, LONGEST),
    ("9" * 6_000, LONGEST),
    ("²", None),
    ("7²", None),
    ("①", None),
    ("-1", None),
    ("1.5", None),
    ("7 seconds", None),
    ("inf", None),
    ("nan", None),
    ("\ud800", None),
    ("Tue, 14 Apr 2026 12:00:30 GMT", 30.0),
    ("Tuesday, 14-Apr-26 12:00:30 GMT", 30.0),
    ("Tue, 14 Apr 2026 13:00:30 +0100", 30.0),
    ("Tue, 14 Apr 2026 11:59:59 GMT", 0.0),
    ("Mon, 01 Jan 0001 00:00:00 GMT", 0.0),
    ("Tue, 14 Apr 2026 12:00:30 +9999", None),
    ("Tue, 14 Apr 2026 12:00:30 +99999999999", None),
    (f"Tue, 14 Apr 2026 12:00:30 +{'9' * 40}", None),
    ("Tue, 14 Apr 2026 99:00:00 GMT", None),
    ("Tue, 31 Feb 2026 12:00:30 GMT", None),
    (f"Tue, 14 Apr {'9' * 40} 12:00:30 GMT", None),
]


@pytest.mark.parametrize(("value", "expected"), WAITS)
def test_wait_is_read_or_is_none(value: str, expected: float | None) -> None:
    """Of a wait that can be read the seconds are told, of any other nothing: neither raises."""
    read = outcome(after(429, 0.1, retry_after=value, date=DATE))
    assert isinstance(read, Busy)
    assert expected == read.retry_after


@pytest.mark.parametrize("date", ["", "²", "yesterday", f"Tue, 14 Apr 2026 12:00 +{'9' * 40}"])
def test_date_without_a_date(date: str) -> None:
    """A date is held against the answer's own; where that is unreadable there is no wait."""
    said = after(503, 0.1, retry_after="Tue, 14 Apr 2026 12:00:30 GMT", date=date)
    assert reading.retry_after(said) is None
    assert 30.0 == reading.retry_after(said, datetime(2026, 4, 14, 12, tzinfo=UTC))


STAMPS = st.builds(
    "Tue, {} Apr {} {}:{}:{} {}{}".format,
    *(st.integers(0, 10**6) for _ in range(5)),
    st.sampled_from("+-"),
    st.integers(0, 10**20),
)


@given(value=st.text() | st.from_regex(r"\d+", fullmatch=True) | STAMPS, date=STAMPS)
@example(value="²", date=DATE)
@example(value="Tue, 14 Apr 2026 12:00:30 +99999999999", date=DATE)
@example(value=DATE, date="Tue, 14 Apr 2026 12:00:30 +99999999999")
def test_no_wait_is_endless(value: str, date: str) -> None:
    """Whatever a provider writes there, what is read is nothing or a finite time."""
    found: Any = reading.retry_after(after(503, 0.1, retry_after=value, date=date))
    assert found is None or (found >= 0 and isfinite(found))
