"""What following one text has shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

import attrs
import pytest

from polysms.delivery import Attempt, Delivery, Outcome, Price, Status
from polysms.doctor import Finding, Grade, sent
from polysms.doctor.findings import differs, fine, untold
from polysms.doctor.sent import Followed, Looked, Stop
from polysms.providers import load

EXACT, BLIND = load("wavix").capabilities, load("signalwire").capabilities
SILENT = attrs.evolve(EXACT, reports=frozenset())
BEGAN = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)
TAKEN = Delivery(id="1", status=Status.QUEUED, segments_predicted=1)


def followed(**facts: Any) -> Followed:
    """Return a text that nobody has seen yet."""
    known = {"delivery": TAKEN, "reference": "r", "by_id": Looked(), "by_list": Looked()}
    return Followed(**{**known, "within": 9.0, **facts})


def told(notes: Followed, about: str, can: Any = EXACT, answer: Any = None) -> list[Finding]:
    """Return what is found about one thing."""
    return [one for one in sent.findings(notes, can, answer or {}) if one.about == about]


def test_pauses() -> None:
    """One looks often at first, never more seldom than every five seconds, and without an end."""
    first = list(islice(sent.pauses(), 30))
    assert sorted(first) == first
    assert (0.25, 5.0) == (first[0], first[-1])


def test_looks() -> None:
    """The first time it is seen counts, and the last time before that; an error passes."""
    look = Looked(error="no answer")
    look.note(0.5, "r", None)
    look.note(1.0, "r", {"a": "x"})
    look.note(2.0, "r", {"tag": "r"})
    look.note(3.0, "r", {"other": "r"})
    assert Looked(after=1.0, in_vain=0.5, places=("tag",)) == look


def test_walk() -> None:
    """Each word is noted once, when it came; the end is noted when it is first seen."""
    notes = followed()
    for at, raw, status in (
        (1.0, "accepted", Status.QUEUED),
        (2.0, "accepted", Status.QUEUED),
        (3.0, "delivered", Status.DELIVERED),
        (4.0, "delivered", Status.DELIVERED),
    ):
        notes.walk(at, attrs.evolve(TAKEN, raw_status=raw, status=status))
    stops = [Stop(1.0, "accepted", Status.QUEUED), Stop(3.0, "delivered", Status.DELIVERED)]
    assert (stops, 3.0) == (notes.stops, notes.ended)


@pytest.mark.parametrize(
    ("facts", "is_over"),
    [
        ({}, False),
        ({"by_id": Looked(after=1.0), "by_list": Looked(after=1.0)}, False),
        ({"by_id": Looked(after=1.0), "by_list": Looked(), "ended": 2.0}, False),
        ({"by_id": Looked(after=1.0), "by_list": Looked(after=1.0), "ended": 2.0}, True),
        ({"by_id": Looked(after=1.0), "by_list": None, "ended": 2.0}, True),
        ({"by_id": None, "by_list": Looked(after=1.0)}, True),
        ({"by_id": None, "by_list": None}, True),
        ({"by_id": None, "by_list": None, "awaits": True}, False),
        ({"by_id": None, "by_list": None, "awaits": True, "heard": 1.0}, True),
    ],
)
def test_over(*, facts: dict[str, Any], is_over: bool) -> None:
    """It is over once all that can be seen was seen, and a report that should come has come."""
    assert is_over is followed(**facts).is_over


@pytest.mark.parametrize(
    ("can", "answer", "expected"),
    [
        (EXACT, {"tag": "r"}, (Grade.FINE, "comes back in tag")),
        (EXACT, {"tag": "x"}, (Grade.DIFFERS, "does not come back, though the documents say so")),
        (BLIND, {"tag": "x"}, (Grade.UNTOLD, "the provider has no field for it")),
        (BLIND, {"tag": "r"}, (Grade.FINE, "comes back in tag")),
    ],
)
def test_echo_in_answer(can: Any, answer: dict[str, str], expected: tuple[Grade, str]) -> None:
    """A reference that should come back and does not is a fault."""
    found = told(followed(), "reference in answer", can, answer)
    assert [expected] == [(one.grade, one.text) for one in found]


@pytest.mark.parametrize(
    ("look", "lag", "echo"),
    [
        (None, untold("list", "not offered"), []),
        (Looked(in_vain=8.0), differs("list", "did not know it within 9.00 s"), []),
        (Looked(error="HTTP 500"), untold("list", "HTTP 500"), []),
        (
            Looked(after=1.0, places=("tag",)),
            fine("list", "knows it after 1.00 s"),
            [fine("reference in list", "comes back in tag")],
        ),
        (
            Looked(after=1.0, in_vain=0.5),
            fine("list", "knows it after 1.00 s, not yet after 0.50 s"),
            [differs("reference in list", "does not come back, though the documents say so")],
        ),
    ],
)
def test_lag(look: Looked | None, lag: Finding, echo: list[Finding]) -> None:
    """How long a look-up lags, and whether the reference comes back in it."""
    notes = followed(by_list=look)
    assert [lag] == told(notes, "list")
    assert echo == told(notes, "reference in list")


def test_statuses() -> None:
    """The words are told with their times; one that no document has is told for itself."""
    stops = [Stop(0.5, "sent", Status.SENT), Stop(1.5, "zapped", Status.UNRECOGNIZED)]
    way = fine("statuses", "SENT (sent) 0.50 s, UNRECOGNIZED (zapped) 1.50 s")
    assert [way, differs("statuses", "'zapped' is in no document")] == told(
        followed(stops=stops), "statuses"
    )
    assert [] == told(followed(), "statuses")


def test_guesses() -> None:
    """A word whose meaning was guessed is worth telling once it is seen."""
    stops = [Stop(0.5, "sent", Status.SENT), Stop(1.5, "lost", Status.FAILED)]
    found = list(sent.guessed(stops, lambda word: word == "lost"))
    assert [differs("statuses", "'lost' is in no document; it is taken for FAILED")] == found


@pytest.mark.parametrize(
    ("can", "facts", "expected"),
    [
        (
            EXACT,
            {"ended": 2.0, "stops": [Stop(2.0, "delivered", Status.DELIVERED)]},
            (Grade.FINE, "DELIVERED after 2.00 s"),
        ),
        (EXACT, {}, (Grade.DIFFERS, "not within 9.00 s")),
        (EXACT, {"is_interrupted": True}, (Grade.UNTOLD, "not within 9.00 s")),
        (EXACT, {"by_id": None}, (Grade.UNTOLD, "not offered")),
        (SILENT, {}, (Grade.UNTOLD, "not within 9.00 s; the documents promise none")),
    ],
)
def test_report_by_asking(can: Any, facts: dict[str, Any], expected: tuple[Grade, str]) -> None:
    """A report that the documents promise and that does not come is told, with the time."""
    found = told(followed(**facts), "report by asking", can)
    assert [expected] == [(one.grade, one.text) for one in found]


@pytest.mark.parametrize(
    ("facts", "grade", "text"),
    [
        ({}, Grade.UNTOLD, "nobody listens"),
        ({"awaits": True}, Grade.UNTOLD, "not within 9.00 s; is `polysms serve` running"),
        ({"heard": 3.0}, Grade.FINE, "kept in the ledger after 3.00 s"),
        (
            {"heard": 3.0, "heard_places": ("a.b",)},
            Grade.FINE,
            "kept in the ledger after 3.00 s, our reference in a.b",
        ),
    ],
)
def test_report_by_webhook(facts: dict[str, Any], grade: Grade, text: str) -> None:
    """A webhook that did not come may be our own doing."""
    (found,) = told(followed(**facts), "report by webhook")
    assert (grade, True) == (found.grade, found.text.startswith(text))


@pytest.mark.parametrize(
    ("billed", "expected"),
    [
        (None, untold("segments", "1 predicted, none told")),
        (1, fine("segments", "1 predicted, 1 billed")),
        (2, differs("segments", "1 predicted, 2 billed")),
    ],
)
def test_segments(billed: int | None, expected: Finding) -> None:
    """What is billed and was not predicted is a fault, whoever's it is."""
    notes = followed(delivery=attrs.evolve(TAKEN, segments_billed=billed))
    assert [expected] == told(notes, "segments")


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        (None, untold("price", "not told so far")),
        (Price(Decimal("0.02"), "USD"), fine("price", "0.02 USD")),
    ],
)
def test_price(price: Price | None, expected: Finding) -> None:
    """The price is told where the provider told it."""
    assert [expected] == told(followed(delivery=attrs.evolve(TAKEN, price=price)), "price")


@pytest.mark.parametrize("is_interrupted", [True, False])
def test_interrupted(*, is_interrupted: bool) -> None:
    """Who stops the following is told that the rest is not known."""
    notes = followed(is_interrupted=is_interrupted)
    expected = [untold("following", "was stopped after 9.00 s")] if is_interrupted else []
    assert expected == told(notes, "following")
    grade = Grade.UNTOLD if is_interrupted else Grade.DIFFERS
    assert [grade] == [one.grade for one in told(notes, "list")]


def _attempt(outcome: Outcome | None, ended: datetime | None) -> Attempt:
    return Attempt(
        account="a", provider="p", reference="r", started_at=BEGAN, ended_at=ended, outcome=outcome
    )


@pytest.mark.parametrize(
    ("attempts", "text"),
    [
        ((_attempt(Outcome.ACCEPTED, BEGAN + timedelta(seconds=1)),), "taken in 1.00 s"),
        ((_attempt(Outcome.ACCEPTED, None),), "taken"),
        ((_attempt(Outcome.NOT_SENT, BEGAN),), "taken"),
    ],
)
def test_accepted(attempts: tuple[Attempt, ...], text: str) -> None:
    """How long the attempt took that was taken."""
    assert fine("send", text) == sent.accepted(attrs.evolve(TAKEN, attempts=attempts))


def test_ends_without_a_taking() -> None:
    """Unclear is told as such, not sent as surely so; both are faults."""
    assert differs("send", "HTTP 500. It is not sent again.") == sent.unclear("HTTP 500.")
    assert differs("send", "surely not sent: HTTP 422") == sent.not_sent("HTTP 422")


@pytest.mark.parametrize(
    ("after", "error", "grade", "text"),
    [
        (None, "HTTP 500", Grade.UNTOLD, "HTTP 500"),
        (None, None, Grade.UNTOLD, "not within 2.00 s: it may have been sent all the same"),
        (
            Status.MAYBE_SENT,
            None,
            Grade.UNTOLD,
            "not within 2.00 s: it may have been sent all the same",
        ),
        (Status.NOT_SENT, None, Grade.FINE, "after 2.00 s it is proved that it was not taken"),
        (Status.SENT, None, Grade.FINE, "after 2.00 s: it was taken"),
    ],
)
def test_found_again(after: Status | None, error: str | None, grade: Grade, text: str) -> None:
    """Whether an unclear send could be found; not found is never called not sent."""
    delivery = None if after is None else attrs.evolve(TAKEN, status=after)
    assert Finding("found again", grade, text) == sent.resolved(delivery, 2.0, error)
