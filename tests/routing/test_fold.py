"""A message's status does not depend on the order or the number of what is heard of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polysms.delivery import Delivery, DeliveryReport, Outcome, Status
from polysms.errors import Reason
from polysms.routing.fold import fold, reported, sent_status, standing, together

NOW = datetime(2024, 5, 17, 12, 0, tzinfo=UTC)
S = Status
statuses = st.sampled_from(Status)
_moments = st.integers(0, 5).map(lambda seconds: NOW + timedelta(seconds=seconds))


def event(status: Status, number: int = 0, at: datetime | None = None) -> DeliveryReport:
    """Return a report of a status."""
    return DeliveryReport(
        event_id=str(number),
        account="wavix",
        provider="wavix",
        provider_id="p",
        status=status,
        raw_status=f"{status} {number}",
        received_at=NOW,
        at=at,
    )


reports = st.lists(st.builds(event, statuses, st.integers(0, 9), st.none() | _moments), max_size=6)


@given(reports, statuses, st.data())
def test_fold_is_independent_of_order_and_repetition(
    events: list[DeliveryReport], sent: Status, data: st.DataObject
) -> None:
    """Reports that come twice, or in another order, make the same status."""
    again = data.draw(st.lists(st.sampled_from(events), max_size=6)) if events else []
    mixed = data.draw(st.permutations(events + again))

    assert fold(events, sent) == fold(mixed, sent)


@given(reports, statuses)
def test_fold_is_the_highest_rank(events: list[DeliveryReport], sent: Status) -> None:
    """No report takes a status back: the highest rank wins, what was sent included."""
    seen = {sent, *(one.status for one in events)}

    assert max(seen, key=lambda status: status.rank) == fold(events, sent)


@given(reports, reports, statuses)
def test_fold_may_be_interrupted(
    first: list[DeliveryReport], rest: list[DeliveryReport], sent: Status
) -> None:
    """Folding some reports now and the others later comes to the same."""
    assert fold(first + rest, sent) == fold(rest, fold(first, sent))


@pytest.mark.parametrize(
    ("outcome", "expires", "expected"),
    [
        (Outcome.ACCEPTED, None, S.QUEUED),
        (Outcome.NOT_SENT, None, S.NOT_SENT),
        (Outcome.MAYBE_SENT, None, S.MAYBE_SENT),
        (None, None, S.PENDING),
        (None, NOW, S.PENDING),
        (None, NOW + timedelta(seconds=1), S.PENDING),
        # Whoever made it can close it no more.
        (None, NOW - timedelta(seconds=1), S.MAYBE_SENT),
        (Outcome.NOT_SENT, NOW - timedelta(seconds=1), S.NOT_SENT),
    ],
)
def test_attempt_has_a_status(
    outcome: Outcome | None, expires: datetime | None, expected: Status
) -> None:
    """An attempt alone tells a status; one that is open past its expiry may have been sent."""
    assert expected == sent_status(outcome, expires, NOW)


@pytest.mark.parametrize(
    ("copies", "expected"),
    [
        ([], S.PENDING),
        ([S.QUEUED], S.QUEUED),
        ([S.NOT_SENT, S.NOT_SENT], S.NOT_SENT),
        ([S.NOT_SENT, S.PENDING], S.PENDING),
        ([S.NOT_SENT, S.QUEUED], S.QUEUED),
        # What may have been sent is never called failed.
        ([S.MAYBE_SENT, S.NOT_SENT], S.MAYBE_SENT),
        ([S.MAYBE_SENT, S.FAILED], S.MAYBE_SENT),
        ([S.MAYBE_SENT, S.QUEUED], S.QUEUED),
        # Another copy after the report of a failure is still under way.
        ([S.UNDELIVERED, S.QUEUED], S.QUEUED),
        ([S.UNDELIVERED, S.PENDING], S.PENDING),
        ([S.UNDELIVERED, S.NOT_SENT], S.UNDELIVERED),
        ([S.UNDELIVERED, S.FAILED], S.UNDELIVERED),
        # One that has arrived has arrived.
        ([S.DELIVERED, S.QUEUED], S.DELIVERED),
        ([S.DELIVERED, S.FAILED, S.MAYBE_SENT], S.DELIVERED),
        ([S.DELIVERED, S.READ], S.READ),
        ([S.UNRECOGNIZED, S.FAILED], S.UNRECOGNIZED),
    ],
)
def test_copies_together(copies: list[Status], expected: Status) -> None:
    """The best news counts, and no failure while another copy may still arrive."""
    assert expected == together(copies)


@given(st.lists(statuses, min_size=1), st.data())
def test_order_of_copies_says_nothing(copies: list[Status], data: st.DataObject) -> None:
    """Copies in another order, or named twice, are the same message."""
    mixed = data.draw(st.permutations(copies + copies[:2]))

    assert together(copies) == together(mixed)


@given(st.lists(statuses))
def test_message_that_may_arrive_has_not_failed(copies: list[Status]) -> None:
    """With a copy that may have been sent, no message is called not sent, failed or rejected."""
    assert together([*copies, S.MAYBE_SENT]) not in {
        *(S.PENDING, S.CANCELLED, S.NOT_SENT),
        *(S.UNREPORTED, S.EXPIRED, S.REJECTED, S.FAILED, S.UNDELIVERED),
    }


@pytest.mark.parametrize(
    ("copies", "stored", "running", "expected"),
    [
        ([], S.PENDING, True, S.PENDING),
        # Begun, and nothing was ever written of an attempt: surely not sent.
        ([], S.PENDING, False, S.NOT_SENT),
        ([], S.CANCELLED, False, S.CANCELLED),
        ([], S.NOT_SENT, False, S.NOT_SENT),
        # Between two attempts a message is not over.
        ([S.NOT_SENT], S.PENDING, True, S.PENDING),
        ([S.NOT_SENT], S.PENDING, False, S.NOT_SENT),
        ([S.NOT_SENT], S.CANCELLED, False, S.CANCELLED),
        ([S.QUEUED], S.CANCELLED, False, S.QUEUED),
        ([S.MAYBE_SENT], S.PENDING, True, S.MAYBE_SENT),
        ([S.MAYBE_SENT], S.NOT_SENT, False, S.MAYBE_SENT),
    ],
)
def test_standing(copies: list[Status], stored: Status, *, running: bool, expected: Status) -> None:
    """A message stands where its copies stand; what was stored counts where there is none."""
    assert expected == standing(copies, stored, running=running)


def delivery(status: Status = S.QUEUED) -> Delivery:
    """Return a delivery as its send left it."""
    return Delivery(id="id", status=status, raw_status="accepted")


@given(reports, statuses, st.data())
def test_reported_is_independent_of_order_and_repetition(
    events: list[DeliveryReport], status: Status, data: st.DataObject
) -> None:
    """Which report tells how and when does not depend on which came first."""
    unique = list({one.event_id: one for one in events}.values())
    mixed = data.draw(st.permutations(unique * 2))

    assert reported(delivery(), status, unique) == reported(delivery(), status, mixed)


def test_report_tells_how_it_ended() -> None:
    """The report that brought the status tells the provider's word, code, reason and time."""
    told = DeliveryReport(
        event_id="e",
        account="wavix",
        provider="wavix",
        provider_id="p",
        status=S.FAILED,
        raw_status="failed",
        received_at=NOW,
        reason=Reason.BLOCKED,
        code="30007",
    )

    found = reported(delivery(), S.FAILED, [event(S.SENT, at=NOW), told])

    assert (S.FAILED, "failed", Reason.BLOCKED, "30007", NOW, NOW) == (
        found.status,
        found.raw_status,
        found.reason,
        found.error_code,
        found.status_changed_at,
        found.sent_at,
    )


def test_report_that_says_nothing_new_changes_nothing() -> None:
    """The send's own answer is not replaced by a report of the same status."""
    assert delivery() == reported(delivery(), S.QUEUED, [event(S.QUEUED)])
