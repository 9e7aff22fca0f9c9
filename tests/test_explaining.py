"""A delivery explained: in lines that fit a terminal, with no number and no secret."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from polysms.delivery import Attempt, Considered, Delivery, Evidence, Outcome, Price, Status
from polysms.errors import Reason

START = datetime(2026, 4, 14, 12, tzinfo=UTC)
CHOSEN = Considered(account="wavix", chosen=True, why="first by failover")


def attempt(**facts: Any) -> Attempt:
    """Return an attempt at Wavix that took a quarter of a second."""
    known: dict[str, Any] = {
        "account": "wavix",
        "provider": "wavix",
        "reference": "r-1",
        "started_at": START,
        "ended_at": START + timedelta(seconds=0.25),
    }
    return Attempt(**{**known, **facts})


def delivery(status: Status, *attempts: Attempt, **facts: Any) -> Delivery:
    """Return a delivery with these attempts."""
    known: dict[str, Any] = {
        "id": "m-1",
        "status": status,
        "to": "+13135550123",
        "text": "secret words",
        "segments_predicted": 1,
        "attempts": attempts,
        "considered": (CHOSEN,) if attempts else (),
    }
    return Delivery(**{**known, **facts})


STORIES: list[tuple[Delivery, str]] = [
    (
        delivery(
            Status.QUEUED,
            attempt(
                outcome=Outcome.ACCEPTED,
                evidence=Evidence.ACCEPTED,
                text="accepted",
                status_code=201,
                provider_id="w-1",
                valid_for=120,
                warnings=("the sender is one-way",),
                unsupported=("tag",),
            ),
            considered=(
                CHOSEN,
                Considered(account="carrierx", chosen=False, why="not asked: wavix took it"),
            ),
        ),
        """\
sms to +1********23, 1 segment: QUEUED
id m-1
1. wavix: chosen, first by failover
    accepted: accepted, HTTP 201, provider_id w-1, valid for 120 s, 0.25 s
    warning: the sender is one-way
    wavix has no word for tag
2. carrierx: not asked, wavix took it
Next: nothing to do; fetch it, or wait for its report, to know more""",
    ),
    (
        delivery(
            Status.MAYBE_SENT,
            attempt(
                outcome=Outcome.MAYBE_SENT,
                evidence=Evidence.NO_ANSWER,
                text="no answer in time (ReadTimeout)",
            ),
            considered=(
                Considered(account="carrierx", chosen=False, why="its breaker is open"),
                CHOSEN,
            ),
        ),
        """\
sms to +1********23, 1 segment: MAYBE_SENT
id m-1
1. carrierx: passed over, its breaker is open
2. wavix: chosen, first by failover
    maybe sent: no answer in time (ReadTimeout), 0.25 s
Next: nothing is sent again by itself. Look it up (client.resolve, polysms
   resolve) or wait for its report""",
    ),
    (
        delivery(
            Status.SENT,
            attempt(
                outcome=Outcome.ACCEPTED,
                evidence=Evidence.FOUND,
                text="no answer in time",
                provider_id="w-1",
            ),
            segments_predicted=2,
        ),
        """\
sms to +1********23, 2 segments: SENT
id m-1
1. wavix: chosen, first by failover
    accepted: no answer in time, but its provider's list shows that it has it,
       provider_id w-1, 0.25 s
Next: nothing to do; fetch it, or wait for its report, to know more""",
    ),
    (
        delivery(
            Status.NOT_SENT,
            attempt(outcome=Outcome.NOT_SENT, evidence=Evidence.ABSENT, text="no answer in time"),
            retry_later=True,
        ),
        """\
sms to +1********23, 1 segment: NOT_SENT
id m-1
1. wavix: chosen, first by failover
    surely not sent: no answer in time, and its provider's list shows that it
       does not have it, 0.25 s
Next: surely not sent, and it may succeed later: it can be sent again safely""",
    ),
    (
        delivery(
            Status.NOT_SENT,
            attempt(
                outcome=Outcome.NOT_SENT,
                evidence=Evidence.REFUSAL,
                text="Insufficient balance",
                reason=Reason.BALANCE,
                status_code=422,
                code="0",
            ),
            reason=Reason.BALANCE,
        ),
        """\
sms to +1********23, 1 segment: NOT_SENT
id m-1
1. wavix: chosen, first by failover
    surely not sent: Insufficient balance, reason balance, HTTP 422, code 0,
       0.25 s
Next: surely not sent; mend the account (balance), then send it again safely""",
    ),
    (
        delivery(
            Status.NOT_SENT,
            attempt(outcome=Outcome.NOT_SENT, evidence=Evidence.REFUSAL, text="no"),
            reason=Reason.INVALID_NUMBER,
        ),
        """\
sms to +1********23, 1 segment: NOT_SENT
id m-1
1. wavix: chosen, first by failover
    surely not sent: no, 0.25 s
Next: surely not sent; sending it again as it is would end the same way""",
    ),
    (
        delivery(Status.MAYBE_SENT, attempt(ended_at=None)),
        """\
sms to +1********23, 1 segment: MAYBE_SENT
id m-1
1. wavix: chosen, first by failover
    under way: no answer yet
Next: nothing is sent again by itself. Look it up (client.resolve, polysms
   resolve) or wait for its report""",
    ),
    (
        delivery(
            Status.MAYBE_SENT,
            attempt(outcome=Outcome.MAYBE_SENT, text="no answer in time", lookup="none"),
            considered=(),
        ),
        """\
sms to +1********23, 1 segment: MAYBE_SENT
id m-1
1. wavix: asked
    maybe sent: no answer in time, 0.25 s
Next: nothing is sent again by itself. No look-up can find it: wait for its
   report""",
    ),
    (
        delivery(
            Status.QUEUED,
            attempt(outcome=Outcome.NOT_SENT, text="not reached"),
            attempt(account="carrierx", outcome=Outcome.ACCEPTED, text="accepted"),
            considered=(
                CHOSEN,
                Considered(account="signalwire", chosen=False, why="its credentials were refused"),
                Considered(account="carrierx", chosen=True, why="next by failover"),
            ),
        ),
        """\
sms to +1********23, 1 segment: QUEUED
id m-1
1. wavix: chosen, first by failover
    surely not sent: not reached, 0.25 s
2. signalwire: passed over, its credentials were refused
3. carrierx: chosen, next by failover
    accepted: accepted, 0.25 s
Next: nothing to do; fetch it, or wait for its report, to know more""",
    ),
    (
        delivery(Status.DELIVERED, id=None),
        "sms to +1********23, 1 segment: DELIVERED\nNext: nothing; this status is final",
    ),
    (
        delivery(Status.PENDING, to=None, segments_predicted=None),
        "sms to nobody: PENDING\nid m-1\nNext: nobody was asked",
    ),
    (
        delivery(Status.DELIVERED, segments_predicted=None),
        "sms to +1********23: DELIVERED\nid m-1\nNext: nothing; this status is final",
    ),
]


@pytest.mark.parametrize(("known", "story"), STORIES, ids=[story[:60] for _, story in STORIES])
def test_story(known: Delivery, story: str) -> None:
    """Who was considered and why, what each answered, and what comes next."""
    assert story == known.explain()


def test_fits_and_hides() -> None:
    """No line is longer than a terminal's, and neither number nor text is shown."""
    long = "the provider said " + "a word and another " * 20
    story = delivery(
        Status.NOT_SENT, attempt(outcome=Outcome.NOT_SENT, text=long, warnings=(long,))
    ).explain()
    assert all(len(line) <= 79 for line in story.splitlines())
    assert "3135550123" not in story
    assert "secret words" not in story


def test_hides_what_others_say() -> None:
    """Whoever's words hold a number, a credential or a terminal code: none of it is shown."""
    words = "for +13135550123 with Bearer abcdefgh\x1b[2J"
    spoken = Considered(account="carrierx", chosen=False, why=words)
    tried = attempt(outcome=Outcome.NOT_SENT, text=words, warnings=(words,))
    story = delivery(Status.NOT_SENT, tried, considered=(CHOSEN, spoken), id="i" * 200).explain()
    assert 3 == story.count("for +1********23 with ***")
    assert all(hidden not in story for hidden in ("3135550123", "abcdefgh", "\x1b"))
    assert all(len(line) <= 79 for line in story.splitlines())


def test_second_copy_is_told() -> None:
    """Where more than one provider has a message, that is said, with the cost if it is known."""
    first = attempt(outcome=Outcome.ACCEPTED)
    second = attempt(
        account="carrierx", outcome=Outcome.ACCEPTED, price=Price(Decimal("0.02"), "USD")
    )

    told = delivery(Status.DELIVERED, first, second, attempt(outcome=Outcome.NOT_SENT)).explain()

    assert "carrierx has another copy of it, which costs 0.02 USD" in told.splitlines()
    assert 1 == told.count("another copy")
    assert "another copy" not in delivery(Status.DELIVERED, first).explain()
